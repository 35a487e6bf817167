"""A seam through which tests make the world fail at a chosen point.

The engine asks the seam at every write, at every gradient, where much memory is taken and at
named points; the one used in earnest does nothing. Tests pass their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor

__all__ = ["Faults"]


class Faults:
    """The quiet world: nothing fails."""

    def write(self, path: Path) -> None:
        """Called before each write to `path`; may raise OSError."""

    def gradients(self, player: str, step: int, gradients: Sequence[Tensor]) -> None:
        """Called before gradients are checked; may overwrite them."""

    def memory(self, point: str, step: int, pictures: int) -> None:
        """Called at named points of a turn where memory is taken; may raise MemoryError.

        `pictures` are those of the micro-batch.
        """

    def reach(self, point: str, images: int) -> None:
        """Called at named points of the run; may kill the process."""
