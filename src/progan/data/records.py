"""Small records that travel between sources, decoders and the pyramid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "LARGEST",
    "SMALLEST",
    "Background",
    "Block",
    "Crop",
    "Finding",
    "Frame",
    "Kind",
    "UnfitError",
    "fitted",
    "shown",
]

Crop = Literal["centre", "pad", "whole"]
Background = Literal["white", "black", "grey"]
Kind = Literal[
    "unreadable",
    "too small",
    "too large",
    "empty",
    "other format",
    "not a file",
    "repeated",
    "unsafe",
    "no landmarks",
    "no label",
    "no partner",
    "other shape",
    "no class",
]

SMALLEST, LARGEST = 4, 1024
"""Resolutions of a pyramid, in pixels a side: powers of two between these."""


@dataclass(frozen=True, kw_only=True)
class Frame:
    """How every picture is brought to one shape."""

    resolution: int
    """Pixels a side."""
    channels: int | None = None
    """1 for grey, 3 for colour, None: grey if the picture is grey."""
    crop: Crop = "centre"
    """Cut the middle square out, pad to a square with the background, or leave the picture as it
    is, in the upper left corner of a square."""
    background: Background = "white"
    """What shows under transparency and in the padding."""


@dataclass(frozen=True)
class Block:
    """Some pictures of a source, in its order, and remarks on how they were read."""

    pixels: NDArray[np.uint8]
    """n c r r."""
    notes: tuple[str, ...] = ()
    """Names of the rules that were needed, each counted once a picture (see `report.NOTES`)."""
    classes: bool = False
    """Whether the bytes are numbers of classes, of which no mean can be taken."""


@dataclass(frozen=True)
class Finding:
    """Why a file is not used."""

    name: str
    """As listed, perhaps with bytes that are no text: print it through `shown`."""
    kind: Kind
    reason: str

    def line(self) -> str:
        """One line for the report."""
        return f"{self.kind:<12}  {shown(self.name)}: {self.reason}"


class UnfitError(Exception):
    """A picture that the rules leave out."""

    def __init__(self, kind: Kind, reason: str) -> None:
        super().__init__(reason)
        self.kind: Kind = kind


def fitted(size: tuple[int, int], most: int) -> tuple[int, int]:
    """A size with the longer side shrunk to `most`, where it is longer; in whole pixels."""
    share = min(1.0, most / max(size))
    return max(1, round(size[0] * share)), max(1, round(size[1] * share))


def shown(name: str) -> str:
    r"""`name` made harmless to print: bytes that are no text as \xNN, controls escaped."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )
