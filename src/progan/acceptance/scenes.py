"""Scenes in two domains whose every pixel is known, and judges of what is translated.

A scene: the sky above a horizon and the ground below it, a disc in the sky, a square on the ground.
That is the same in both domains, and tells which shape becomes which. Colours differ, and discs of
the second domain have stripes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from progan.core.batch import Batch, Layout, Paired, Unpaired
from progan.core.plan import height_width
from progan.core.specs import DataSpec
from progan.data.order import Order
from progan.layers.resample import down

__all__ = [
    "CLASSES",
    "PALETTES",
    "SIDE",
    "SceneDraws",
    "Scenes",
    "held_scenes",
    "mean_image_of",
    "mean_iou",
    "nearest_colour",
    "psnr",
    "rolled",
    "scenes",
    "training_scenes",
]

SIDE = 32
CLASSES = ("sky", "disc", "square", "ground")
PALETTES = {
    "a": ((0.15, 0.2, 0.5), (0.9, 0.4, 0.2), (0.3, 0.85, 0.4), (0.35, 0.3, 0.15)),
    "b": ((0.35, 0.1, 0.35), (0.4, 0.5, 0.95), (0.95, 0.85, 0.3), (0.1, 0.4, 0.3)),
}
"""Of each domain the colours of sky, disc, square and ground: red, green, blue, 0 to 1."""
STRIPES, LIGHTER = 4, 0.25
"""Width in pixels of a pair of stripes in discs of b; by how much the lighter ones are lighter."""
HORIZON, RADIUS, HALF = (13, 19), (3, 5), (2, 4)
"""Least and greatest, in pixels: the ground's first row, radius of a disc, half side of a square.
"""
KNOWN, HELD_OUT = 400, 100
"""Scenes of each domain to learn from, and pairs to judge by."""


@dataclass(frozen=True, kw_only=True)
class Scenes:
    """The same scenes in both domains, and the class of every pixel."""

    a: NDArray[np.uint8]
    """n 3 side side."""
    b: NDArray[np.uint8]
    """n 3 side side."""
    classes: NDArray[np.int64]
    """n side side, numbers in CLASSES."""

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def side(self) -> int:
        """Height and width."""
        return self.classes.shape[-1]

    @property
    def spec(self) -> DataSpec:
        """What a system is told of them, taken as two domains."""
        return DataSpec(
            resolution=self.side,
            channels=3,
            images=len(self),
            domains=("a", "b"),
            second_channels=3,
            second_images=len(self),
        )

    def layout_spec(self, domain: str) -> DataSpec:
        """What a system is told of one domain's pictures with their classes."""
        colours = tuple(
            (round(255 * r), round(255 * g), round(255 * b)) for r, g, b in PALETTES[domain]
        )
        return DataSpec(
            resolution=self.side,
            channels=3,
            images=len(self),
            layout_names=CLASSES,
            layout_colours=colours,
        )

    def image(self, domain: str) -> Tensor:
        """The pictures of a domain: n 3 side side in [−1, 1]."""
        return torch.from_numpy({"a": self.a, "b": self.b}[domain]).float() / 127.5 - 1


def scenes(count: int, seed: int, *, scale: int = 1) -> Scenes:
    """`count` scenes of 32 · `scale` pixels; all lengths grow alike, and stripes with them."""
    random = np.random.default_rng(seed)
    horizon = random.integers(HORIZON[0], HORIZON[1] + 1, count)
    radius = random.integers(RADIUS[0], RADIUS[1] + 1, count)
    half = random.integers(HALF[0], HALF[1] + 1, count)
    disc = _between(random, radius, SIDE - radius), _between(random, radius, horizon - radius)
    square = _between(random, half, SIDE - half), _between(random, horizon + half, SIDE - half)
    y, x = ((grid + 0.5) / scale for grid in np.mgrid[: SIDE * scale, : SIDE * scale])

    def wide(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        return numbers[:, None, None]

    classes = np.where(y < wide(horizon), CLASSES.index("sky"), CLASSES.index("ground"))
    inside = np.hypot(x - wide(disc[0]), y - wide(disc[1])) < wide(radius)
    classes[inside] = CLASSES.index("disc")
    aside = np.maximum(abs(x - wide(square[0])), abs(y - wide(square[1])))
    classes[aside < wide(half)] = CLASSES.index("square")
    painted = {name: np.array(palette)[classes] for name, palette in PALETTES.items()}
    light = (x % STRIPES < STRIPES / 2) & inside
    painted["b"][light] += LIGHTER
    pixels = {
        name: np.rint(255 * one.clip(0, 1)).astype(np.uint8).transpose(0, 3, 1, 2)
        for name, one in painted.items()
    }
    return Scenes(a=pixels["a"].copy(), b=pixels["b"].copy(), classes=classes.astype(np.int64))


def _between(
    random: np.random.Generator, low: NDArray[np.int64], high: NDArray[np.int64]
) -> NDArray[np.int64]:
    """A whole number for each pair of bounds, both within."""
    return np.asarray(random.integers(low, high + 1), np.int64)


@lru_cache(maxsize=8)
def training_scenes(seed: int, *, scale: int = 1, paired: bool = False) -> Scenes:
    """400 scenes to learn from, of domain a; those of b are others, unless `paired`."""
    first = scenes(KNOWN, 3 * seed, scale=scale)
    return first if paired else replace(first, b=scenes(KNOWN, 3 * seed + 1, scale=scale).b)


@lru_cache(maxsize=8)
def held_scenes(seed: int, *, scale: int = 1) -> Scenes:
    """100 others, to judge by."""
    return scenes(HELD_OUT, 3 * seed + 2, scale=scale)


@dataclass(frozen=True, kw_only=True)
class SceneDraws:
    """Where a trainer gets scenes from: each as often as the others, both domains in an order of
    their own unless they come as pairs."""

    known: Scenes
    seed: int
    batch_type: type[Batch] = Unpaired
    domain: str = "b"
    """Of layouts: whose pictures."""

    @property
    def spec(self) -> DataSpec:
        """What a system is told of them."""
        return self.known.layout_spec(self.domain) if self.batch_type is Layout else self.known.spec

    def batch(self, numbers: range, resolution: Any) -> Batch:
        """The scenes with these numbers; at lower resolutions each pixel is a mean."""
        order = Order(len(self.known), self.seed)
        first = order.indices(np.asarray(numbers, np.int64))
        factor = self.known.side // height_width(resolution)[0]
        a, b = (down(self.known.image(name), factor) for name in ("a", "b"))
        if self.batch_type is Unpaired:
            second = Order(len(self.known), self.seed + 1).indices(np.asarray(numbers, np.int64))
            return Unpaired(a[first], b[second])
        if self.batch_type is Paired:
            return Paired(a[first], b[first])
        classes = torch.from_numpy(self.known.classes[first])[:, ::factor, ::factor]
        layout = torch.nn.functional.one_hot(classes, len(CLASSES)).movedim(3, 1).float()
        return Layout({"a": a, "b": b}[self.domain][first], layout)


# judges


def psnr(image: Tensor, truth: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of pictures in [−1, 1], by the mean error of all of them.

    10 log₁₀ (1 / mean (x − y)²), x and y in [0, 1]; both are cut to their range.
    """
    error = (image.clamp(-1, 1) - truth.clamp(-1, 1)).double().square().mean() / 4
    return float(-10 * error.clamp_min(1e-12).log10())


def nearest_colour(image: Tensor, domain: str) -> NDArray[np.int64]:
    """The class of every pixel of n 3 h w in [−1, 1]: that of the nearest colour of a domain."""
    colours = torch.tensor(PALETTES[domain], dtype=torch.float64) * 2 - 1
    far = (image.double()[:, None] - colours[None, :, :, None, None]).square().sum(dim=2)
    return far.argmin(dim=1).numpy()


def mean_iou(found: NDArray[np.int64], truth: NDArray[np.int64]) -> float:
    """Intersection over union of every class, over all pixels of all pictures; their mean."""
    shares = []
    for number in range(len(CLASSES)):
        one, other = found == number, truth == number
        shares.append((one & other).sum() / max(1, (one | other).sum()))
    return float(np.mean(shares))


def mean_image_of(known: Tensor, count: int) -> Tensor:
    """A baseline: the mean of pictures, `count` times."""
    return known.mean(dim=0, keepdim=True).expand(count, -1, -1, -1)


def rolled(truth: Tensor) -> Tensor:
    """A baseline: every picture's neighbour in its place."""
    return truth.roll(1, dims=0)
