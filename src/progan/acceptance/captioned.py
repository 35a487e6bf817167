"""Shapes in colours, and sentences that say which: every truth is known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from progan.acceptance.pictures import Pictures
from progan.core.batch import Captioned
from progan.core.plan import height_width
from progan.core.specs import DataSpec
from progan.core.text import gram_rows
from progan.data.order import Order
from progan.layers.resample import down

__all__ = ["COLOURS", "SHAPES", "CaptionedDraws", "CaptionedPictures", "captioned_shapes", "kinds"]

SIDE = 64
COLOURS = {
    "red": (220, 40, 40),
    "green": (40, 170, 60),
    "blue": (50, 80, 220),
    "yellow": (240, 210, 40),
    "purple": (150, 50, 180),
    "white": (245, 245, 245),
}
SHAPES = ("circle", "square", "triangle", "cross")
SIZES = {"small": (0.16, 0.20), "large": (0.28, 0.34)}
"""Half of a shape's width, as a share of the picture's."""
WORDINGS = (
    "a {size} {colour} {shape}",
    "a {colour} {shape} that is {size}",
    "{shape}, {size} and {colour}, on grey",
    "this is a {colour} {shape} of {size} size",
)


@dataclass(frozen=True, kw_only=True)
class CaptionedPictures:
    """Pictures, and a sentence for each."""

    pictures: Pictures
    texts: tuple[str, ...]

    @property
    def spec(self) -> DataSpec:
        """What a system is told of them."""
        _, channels, side, _ = self.pictures.pixels.shape
        few = tuple(sorted(set(self.texts)))
        return DataSpec(
            resolution=side,
            channels=channels,
            images=len(self.texts),
            captions=1,
            caption_texts=few[:512],
        )


@dataclass(frozen=True, kw_only=True)
class CaptionedDraws:
    """Where a trainer gets such pictures from; pictures of one kind are those that look alike."""

    known: CaptionedPictures
    seed: int

    def batch(self, numbers: range, resolution: Any) -> Captioned:
        """The images with these numbers; at lower resolutions each pixel is a mean."""
        chosen = Order(len(self.known.texts), self.seed).indices(np.asarray(numbers, np.int64))
        some = self.known.pictures.part(chosen)
        image = down(some.images, some.spec.resolution // height_width(resolution)[0])
        rows = torch.tensor(gram_rows([self.known.texts[i] for i in chosen.tolist()]))
        return Captioned(image, rows[:, None], torch.from_numpy(some.labels))


@lru_cache(maxsize=4)
def captioned_shapes(count: int, seed: int) -> CaptionedPictures:
    """`count` pictures of 64 pixels; place, angle and the shade of the ground say nothing.

    Labels are of colour, shape and size together: see `kinds`.
    """
    random = np.random.default_rng(seed)
    labels = random.integers(len(COLOURS) * len(SHAPES) * len(SIZES), size=count)
    colour, shape, size = kinds(labels)
    low, high = np.array(list(SIZES.values()))[size].T
    half = random.uniform(low, high) * SIDE
    centre = SIDE / 2 + random.uniform(-0.1, 0.1, (2, count)) * SIDE
    angle = random.uniform(-0.2, 0.2, count)
    ground = random.uniform(70, 130, count)
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5
    palette = np.array(list(COLOURS.values()), float)
    pixels = np.empty((count, 3, SIDE, SIDE), np.uint8)
    for i in range(count):
        dx, dy = x - centre[0, i], y - centre[1, i]
        across = dx * np.cos(angle[i]) + dy * np.sin(angle[i])
        along = dy * np.cos(angle[i]) - dx * np.sin(angle[i])
        ink = np.clip(0.5 - outside(SHAPES[shape[i]], across, along, half[i]), 0, 1)
        pixels[i] = np.rint(ground[i] + ink * (palette[colour[i]][:, None, None] - ground[i]))
    words = random.integers(len(WORDINGS), size=count)
    texts = tuple(said(int(label), int(w)) for label, w in zip(labels, words, strict=True))
    total = len(COLOURS) * len(SHAPES) * len(SIZES)
    return CaptionedPictures(
        pictures=Pictures(pixels=pixels, labels=labels.astype(np.int64), classes=total),
        texts=texts,
    )


def kinds(
    labels: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Colour, shape and size of labels."""
    rest, size = np.divmod(labels, len(SIZES))
    colour, shape = np.divmod(rest, len(SHAPES))
    return colour, shape, size


def said(label: int, wording: int) -> str:
    """The sentence for a label, in one of the wordings."""
    colour, shape, size = (int(part) for part in kinds(np.array(label)))
    return WORDINGS[wording].format(
        colour=list(COLOURS)[colour], shape=SHAPES[shape], size=list(SIZES)[size]
    )


def outside(
    shape: str, x: NDArray[np.float64], y: NDArray[np.float64], half: float
) -> NDArray[np.float64]:
    """How many pixels each place lies outside a shape; negative within."""
    if shape == "circle":
        return np.asarray(np.hypot(x, y) - half)
    if shape == "square":
        return np.asarray(np.maximum(abs(x), abs(y)) - 0.9 * half)
    if shape == "triangle":
        side = (abs(x) * 2 - (y + half)) / np.sqrt(5)
        return np.asarray(np.maximum(side, y - 0.8 * half))
    bars = (np.maximum(abs(x) - 0.3 * half, abs(y) - half), abs(x) - half, abs(y) - 0.3 * half)
    return np.asarray(np.minimum(bars[0], np.maximum(bars[1], bars[2])))
