"""The sets that come with the package, as a source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from progan.core.errors import DataError
from progan.data.levels import levels
from progan.data.packaged import PackagedSet, PortraitSet, packaged
from progan.data.records import LARGEST, Block, Finding, Frame
from progan.data.sources.base import Digest, Ref
from progan.data.sources.indexed import IndexedSource
from progan.data.tables import Table, unknown_column

__all__ = ["PackReader", "PackSource"]

BLOCK_PIXELS = 2**18
"""Pixels rendered at once: enough to keep numpy busy, little enough to stay in memory."""


@dataclass(frozen=True)
class PackReader:
    """Renders or unpacks pictures of a packaged set."""

    name: str
    count: int | None
    """For drawn sets: how many there are. None for sets of given pictures."""

    def read(self, refs: Sequence[Ref], frame: Frame) -> Iterator[Block | Finding]:
        """The pictures at `refs`, drawn at the frame's resolution, or halved down to it."""
        pack = packaged(self.name, count=self.count)
        drawn = _drawn_at(pack, frame.resolution)
        step = max(1, BLOCK_PIXELS // drawn**2)
        for start in range(0, len(refs), step):
            rows = np.array(refs[start : start + step], np.int64)
            pixels = pack.pictures(rows, drawn)
            if drawn != frame.resolution:
                pixels = levels(pixels)[frame.resolution]
            yield Block(_channels(pixels, frame.channels))

    def sizes(self, refs: Sequence[Ref]) -> Iterator[tuple[int, int] | Finding]:
        """The set's own resolution, for each."""
        native = packaged(self.name, count=self.count).native_resolution
        yield from ((native, native) for _ in refs)


@dataclass(frozen=True)
class PackSource(IndexedSource):
    """A packaged set under its name; drawn sets have as many pictures as are asked for."""

    pack: PackagedSet
    remarks: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def named(cls, name: str, images: int | None = None) -> PackSource:
        """The set called `name`; `images` sets the count of a drawn one."""
        pack = packaged(name)
        drawn = images is not None and _is_drawn(pack)
        return cls(packaged(name, count=images) if drawn else pack)

    @property
    def name(self) -> str:
        """The name of the set."""
        return self.pack.name

    @property
    def count(self) -> int:
        """Pictures in the set."""
        return self.pack.count

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        return tuple(self.pack.classes)

    @property
    def native_resolution(self) -> int:
        """Pixels a side when nobody asks for another."""
        return self.pack.native_resolution

    @property
    def shaping(self) -> str:
        """Drawn sets are drawn anew at every resolution."""
        return "drawn at" if _is_drawn(self.pack) else "as packaged, at"

    def labels(self) -> NDArray[np.int32] | None:
        """The class of every picture."""
        if not self.classes:
            return None
        return self.pack.labels(np.arange(self.count)).astype(np.int32)

    @property
    def table_name(self) -> str:
        """The set's own name, where more is known of its pictures."""
        return self.pack.name if self.pack.columns else ""

    def table(self, columns: Sequence[str]) -> Table | None:
        """What the set knows of each picture."""
        if not self.pack.columns:
            return None
        for name in columns:
            if name not in self.pack.columns:
                raise unknown_column(self.name, name, self.pack.columns)
        return Table(self.name, self.pack.cells(np.arange(self.count), columns), ())

    def captions(self, asked: str) -> Table | None:
        """A sentence for each portrait; of other sets a column, if it is named."""
        if asked not in ("found", "files"):
            return self.table((asked,))
        if asked == "files" or not isinstance(self.pack, PortraitSet):
            return None
        return Table(self.name, {"text": self.pack.captions(np.arange(self.count))}, ())

    def reader(self) -> PackReader:
        """A reader of the same set."""
        return PackReader(self.name, self.count if _is_drawn(self.pack) else None)

    def check_resolution(self, resolution: int) -> None:
        """Given pictures cannot be had larger than they are."""
        _drawn_at(self.pack, resolution)

    def fingerprint(self) -> str:
        """Over the name, the count, and a few pictures, which change when the drawing code does."""
        digest = Digest()
        few = np.arange(min(4, self.count))
        size = min(16, self.native_resolution) if _is_drawn(self.pack) else self.native_resolution
        digest.add("packaged", self.name, self.count, self.pack.pictures(few, size).tobytes())
        return digest.hex()


def _is_drawn(pack: PackagedSet) -> bool:
    """Drawn sets take any count; sets of given pictures do not."""
    return isinstance(pack, PortraitSet)


def _drawn_at(pack: PackagedSet, resolution: int) -> int:
    """The resolution to ask the set for: the one wanted, or the next it has above."""
    size = resolution
    while size not in pack.resolutions:
        size *= 2
        if size > LARGEST:
            raise DataError(
                f"resolution is {resolution}; the pictures of {pack.name} have "
                f"{pack.native_resolution} pixels a side. "
                f"Choose that: --resolution {pack.native_resolution}"
            )
    return size


def _channels(pixels: NDArray[np.uint8], wanted: int | None) -> NDArray[np.uint8]:
    """Grey to colour by repeating; colour to grey by ITU-R 601 luma, as Pillow weighs it."""
    if wanted is None or pixels.shape[1] == wanted:
        return pixels
    if wanted == 3:
        return np.repeat(pixels, 3, axis=1)
    red, green, blue = (pixels[:, c : c + 1].astype(np.uint32) for c in range(3))
    luma = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16
    return luma.astype(np.uint8)
