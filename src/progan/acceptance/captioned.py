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

SIDE = 32
COLOURS = {
    "red": (220, 40, 40),
    "green": (40, 170, 60),
    "blue": (50, 80, 220),
    "yellow": (240, 210, 40),
}
SHAPES = ("circle", "triangle", "cross")
HALF = (0.30, 0.40)
"""Least and greatest half of a shape's width, as a share of the picture's."""
WORDINGS = (
    "a {colour} {shape}",
    "a {shape}, {colour} on grey",
    "this {shape} is {colour}",
    "somebody painted a {shape} in {colour}",
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
    """`count` pictures of 32 pixels; place, size, angle and the ground's shade are never said.

    Labels are of colour and shape together: see `kinds`.
    """
    random = np.random.default_rng(seed)
    labels = random.integers(len(COLOURS) * len(SHAPES), size=count)
    colour, shape = kinds(labels)
    half = random.uniform(*HALF, count) * SIDE
    centre = SIDE / 2 + random.uniform(-0.06, 0.06, (2, count)) * SIDE
    angle = random.uniform(-0.1, 0.1, count)
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
    total = len(COLOURS) * len(SHAPES)
    return CaptionedPictures(
        pictures=Pictures(pixels=pixels, labels=labels.astype(np.int64), classes=total),
        texts=texts,
    )


def kinds(labels: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Colour and shape of labels."""
    colour, shape = np.divmod(labels, len(SHAPES))
    return colour, shape


def said(label: int, wording: int) -> str:
    """The sentence for a label, in one of the wordings."""
    colour, shape = divmod(label, len(SHAPES))
    return WORDINGS[wording].format(colour=list(COLOURS)[colour], shape=SHAPES[shape])


def outside(
    shape: str, x: NDArray[np.float64], y: NDArray[np.float64], half: float
) -> NDArray[np.float64]:
    """How many pixels each place lies outside a shape; negative within."""
    if shape == "circle":
        return np.asarray(np.hypot(x, y) - half)
    if shape == "triangle":
        side = (abs(x) * 2 - (y + half)) / np.sqrt(5)
        return np.asarray(np.maximum(side, y - 0.8 * half))
    bars = (np.maximum(abs(x) - 0.3 * half, abs(y) - half), abs(x) - half, abs(y) - 0.3 * half)
    return np.asarray(np.minimum(bars[0], np.maximum(bars[1], bars[2])))
