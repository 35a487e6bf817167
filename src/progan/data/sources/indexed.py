"""What sources share whose pictures are ours, and known by their index."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from progan.data.records import Finding
from progan.data.sources.base import Ref, Tableless

__all__ = ["IndexedSource"]


class IndexedSource(Tableless, ABC):
    """Part of a `Source`: nothing here can be broken, and a ref is an index."""

    guarded: ClassVar[bool] = False
    parallel: ClassVar[bool] = True
    findings: ClassVar[tuple[Finding, ...]] = ()

    @property
    @abstractmethod
    def name(self) -> str:
        """For people."""

    def refs(self, indices: Sequence[int]) -> list[Ref]:
        """The indices themselves."""
        return [int(i) for i in indices]

    def title(self, index: int) -> str:
        """`portraits 12`."""
        return f"{self.name} {index}"

    @abstractmethod
    def fingerprint(self) -> str:
        """Changes when the pictures change."""

    def stamp(self) -> str:
        """The same as the fingerprint, which is cheap here."""
        return self.fingerprint()
