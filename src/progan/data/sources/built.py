"""A pyramid that `data build` made, as a source: pictures that need no decoding any more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from progan.core.errors import DataError
from progan.core.words import typed
from progan.data.labels import unscaled
from progan.data.pyramid import Pyramid
from progan.data.records import Block, Finding, Frame
from progan.data.sources.base import Ref
from progan.data.sources.indexed import IndexedSource
from progan.data.tables import Table, unknown_column

__all__ = ["BuiltReader", "BuiltSource"]

TOGETHER = 256
"""Pictures read at once."""


@dataclass(frozen=True)
class BuiltReader:
    """Reads pictures of a built pyramid at one of its resolutions."""

    path: str

    def read(self, refs: Sequence[Ref], frame: Frame) -> Iterator[Block | Finding]:
        """The pictures at `refs`; grey ones are repeated where colour is wanted."""
        pyramid = Pyramid.open(self.path)
        for start in range(0, len(refs), TOGETHER):
            rows = np.array(refs[start : start + TOGETHER], np.int64)
            pixels = pyramid.gather(rows, frame.resolution)
            if frame.channels == 3 and pixels.shape[1] == 1:
                pixels = np.repeat(pixels, 3, axis=1)
            yield Block(pixels)

    def sizes(self, refs: Sequence[Ref]) -> Iterator[tuple[int, int] | Finding]:
        """The pyramid's largest resolution, for each."""
        side = Pyramid.open(self.path).spec.resolution
        yield from ((side, side) for _ in refs)


class BuiltSource(IndexedSource):
    """A folder with a manifest.json that `data build` wrote."""

    shaping: ClassVar[str] = "as built, at"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.pyramid = Pyramid.open(path)
        self.count = self.pyramid.count
        self.classes = self.pyramid.classes
        self.native_resolution = self.pyramid.spec.resolution
        self.remarks = (f"Built from {self.pyramid.report.source}.",)

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.path.resolve().name

    def labels(self) -> NDArray[np.int32] | None:
        """The class of every picture."""
        if not self.classes:
            return None
        return self.pyramid.labels(np.arange(self.count)).astype(np.int32)

    @property
    def own_columns(self) -> tuple[str, ...]:
        """The columns it was built with."""
        return tuple(column.name for column in self.pyramid.columns)

    @property
    def table_name(self) -> str:
        """The folder's own, if it was built with columns."""
        return self.name if self.own_columns else ""

    def table(self, columns: Sequence[str]) -> Table | None:
        """Columns it was built with, in the units of the data."""
        own = self.own_columns
        if not own:
            return None
        for name in columns:
            if name not in own:
                raise unknown_column(self.name, name, own)
        rows = self.pyramid.label_rows(np.arange(self.count)).astype(np.float64)
        if self.pyramid.label_kind == "continuous":
            rows = unscaled(rows, self.pyramid.columns)
        cells = {name: [repr(v) for v in rows[:, own.index(name)].tolist()] for name in columns}
        return Table(self.name, cells, ())

    def captions(self, asked: str) -> Table | None:
        """Those it was built with, whatever they were called."""
        if not self.pyramid.captioned:
            return None
        own = self.pyramid.captions(np.arange(self.count))
        return Table(self.name, {"text": ["\n".join(texts) for texts in own]}, ())

    def reader(self) -> BuiltReader:
        """A reader of the same folder."""
        return BuiltReader(str(self.path.resolve()))

    def check_resolution(self, resolution: int) -> None:
        """Only resolutions that were built can be had."""
        if resolution not in self.pyramid.resolutions:
            size = str(resolution)
            words = ("data", "build", "PICTURES", "--to", "NEW", "--resolution", size)
            raise DataError(
                f"resolution is {resolution}; {self.name} was built up to "
                f"{self.native_resolution}. Build it larger from the pictures: "
                f"{typed('progan', *words)}"
            )

    def fingerprint(self) -> str:
        """The pyramid's own."""
        return self.pyramid.fingerprint
