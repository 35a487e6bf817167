"""The class maps of the packaged portraits, as a source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from progan.data.layouts import Palette
from progan.data.packaged import PortraitSet
from progan.data.portraits import LAYOUT_CLASSES
from progan.data.records import Block, Finding, Frame
from progan.data.sources.base import Digest, Ref
from progan.data.sources.indexed import IndexedSource

__all__ = ["PORTRAIT_LAYOUTS", "PORTRAIT_PALETTE", "PackedLayoutReader", "PackedLayouts"]

PORTRAIT_LAYOUTS = "portraits-layouts"
"""Their name."""
COLOURS = {
    "background": (64, 72, 92),
    "clothes": (76, 140, 196),
    "skin": (238, 186, 150),
    "hair": (112, 66, 38),
    "eyes": (246, 246, 250),
    "mouth": (202, 62, 72),
    "glasses": (240, 196, 48),
    "hat": (120, 84, 168),
}
BLOCK_PIXELS = 2**18


@dataclass(frozen=True)
class PackedLayoutReader:
    """Draws class maps of portraits."""

    count: int

    def read(self, refs: Sequence[Ref], frame: Frame) -> Iterator[Block | Finding]:
        """The maps of the people at `refs`."""
        pack = PortraitSet(count=self.count)
        step = max(1, BLOCK_PIXELS // frame.resolution**2)
        for start in range(0, len(refs), step):
            rows = np.array(refs[start : start + step], np.int64)
            yield Block(pack.layouts(rows, frame.resolution)[:, None], classes=True)

    def sizes(self, refs: Sequence[Ref]) -> Iterator[tuple[int, int] | Finding]:
        """As of the pictures."""
        native = PortraitSet().native_resolution
        yield from ((native, native) for _ in refs)


@dataclass(frozen=True)
class PackedLayouts(IndexedSource):
    """Class maps of portraits: map i belongs to portrait i, in any style."""

    pack: PortraitSet
    remarks: ClassVar[tuple[str, ...]] = ()
    classes: ClassVar[tuple[str, ...]] = ()
    shaping: ClassVar[str] = "drawn at"

    @property
    def name(self) -> str:
        """`portraits-layouts`."""
        return PORTRAIT_LAYOUTS

    @property
    def count(self) -> int:
        """Maps in the set."""
        return self.pack.count

    @property
    def native_resolution(self) -> int:
        """Pixels a side when nobody asks for another."""
        return self.pack.native_resolution

    def labels(self) -> NDArray[np.int32] | None:
        """None."""
        return None

    def reader(self) -> PackedLayoutReader:
        """A reader of the same maps."""
        return PackedLayoutReader(self.count)

    def check_resolution(self, resolution: int) -> None:
        """Any."""

    def fingerprint(self) -> str:
        """Over the count and a few maps, which change when the drawing code does."""
        digest = Digest()
        few = self.pack.layouts(np.arange(min(4, self.count)), 16)
        digest.add("packaged", self.name, self.count, few.tobytes())
        return digest.hex()


PORTRAIT_PALETTE = Palette(
    tuple(range(len(LAYOUT_CLASSES))),
    tuple(LAYOUT_CLASSES),
    tuple(COLOURS[name] for name in LAYOUT_CLASSES),
)
