"""One picture in a file of its own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from progan.data.records import Finding
from progan.data.sources.base import Digest, Ref, Tableless
from progan.data.sources.folder import FolderReader

__all__ = ["PictureSource"]


class PictureSource(Tableless):
    """A picture file, read as those of a folder are."""

    guarded: ClassVar[bool] = True
    parallel: ClassVar[bool] = False
    native_resolution: ClassVar[int | None] = None
    shaping: ClassVar[str] = ""
    count: ClassVar[int] = 1
    classes: ClassVar[tuple[str, ...]] = ()
    findings: ClassVar[tuple[Finding, ...]] = ()
    remarks: ClassVar[tuple[str, ...]] = ()

    def __init__(self, path: str | Path) -> None:
        self.path = os.path.abspath(path)
        self.name = os.path.basename(self.path)

    def refs(self, indices: Sequence[int]) -> list[Ref]:
        """Its name."""
        return [self.name for _ in indices]

    def title(self, index: int) -> str:
        """Its name."""
        return self.name

    def labels(self) -> NDArray[np.int32] | None:
        """None."""
        return None

    def reader(self) -> FolderReader:
        """A reader of the folder it lies in."""
        return FolderReader(os.path.dirname(self.path))

    def check_resolution(self, resolution: int) -> None:
        """Any; one that is too small is found out when it is read."""

    def stamp(self) -> str:
        """Over place, size and time."""
        status = os.stat(self.path)
        digest = Digest()
        digest.add("picture", self.path, status.st_size, status.st_mtime_ns)
        return digest.hex()

    def fingerprint(self) -> str:
        """The same: what one picture gives is never kept."""
        return self.stamp()
