"""What a task is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from progan.lab.exhibits.record import Number

__all__ = ["Numbers", "Task"]

Numbers: TypeAlias = Mapping[str, Number]
"""What was measured, by a short name, with the bar it is held to; without one it is only told."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A training whose end is measured."""

    slug: str
    words: str
    """What is trained on what."""
    source: str
    """Where the bars come from."""
    minutes: float
    """How long it takes on one core, about."""
    make: Callable[..., Numbers]
    """Of a seed, and of the folder where the task needs one."""
    needs: str | None = None
    """What must lie in a folder that the user gives."""
