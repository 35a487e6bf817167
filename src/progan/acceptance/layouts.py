"""Scenes of four classes, drawn with their layouts; and sets of pictures with layouts in memory.

    sky        all that nothing else covers
    land       below a horizon that is a wave: of its own height, length, phase and number
    ground     a band along the lower edge
    boxes      one to three, standing anywhere above the ground

Every class has a colour. A picture adds to all of its pixels one tint, uniform in ±0.3 in each
channel (±0.15 of the range from black to white), and to each pixel noise whose deviation is the
class's own, in grey.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import one_hot

from progan.core.batch import Layout
from progan.core.randomness import seed_of
from progan.core.specs import DataSpec
from progan.data.order import Order

__all__ = ["COLOURS", "NAMES", "LaidOut", "LayoutDraws", "nearest_class", "scenes"]

NAMES = ("sky", "land", "ground", "box")
COLOURS: NDArray[np.float32] = np.array(
    [[-0.5, 0.1, 0.65], [-0.6, 0.55, -0.6], [0.1, -0.6, -0.6], [0.65, 0.5, 0.3]], np.float32
)
"""Red, green, blue of each class, in [-1, 1]."""
NOISES: NDArray[np.float32] = np.array([0.03, 0.10, 0.06, 0.02], np.float32)
TINT = 0.3


@dataclass(frozen=True, kw_only=True)
class LaidOut:
    """Pictures and the class of each pixel."""

    images: Tensor
    """n c side side, in [-1, 1]."""
    classes: Tensor
    """n side side, integers."""
    names: tuple[str, ...]
    colours: tuple[tuple[int, int, int], ...]
    tints: Tensor | None = None
    """n c, where they are known: what was added to every pixel."""

    def __len__(self) -> int:
        return len(self.images)

    @property
    def layouts(self) -> Tensor:
        """n l side side, one-hot."""
        return one_hot(self.classes, len(self.names)).movedim(3, 1).float()

    @property
    def spec(self) -> DataSpec:
        """What a system is told of them."""
        return replace(
            DataSpec(
                resolution=self.images.shape[-1],
                channels=self.images.shape[1],
                images=len(self),
            ),
            layout_names=self.names,
            layout_colours=self.colours,
        )


@dataclass(frozen=True, kw_only=True)
class LayoutDraws:
    """Where a trainer gets them from: each as often as the others, in a shuffled order."""

    known: LaidOut
    seed: int

    def batch(self, numbers: range, resolution: Any) -> Layout:
        """The pictures with these numbers, with their layouts."""
        order = Order(len(self.known), self.seed)
        rows = torch.from_numpy(order.indices(np.asarray(numbers, np.int64)))
        classes = self.known.classes[rows]
        layout = one_hot(classes, len(self.known.names)).movedim(3, 1).float()
        return Layout(self.known.images[rows], layout)


def scenes(count: int, seed: int, side: int = 32) -> LaidOut:
    """`count` scenes of a seed; each depends on its own number alone."""
    drawn = [_scene(np.random.default_rng(seed_of("scenes", seed, n)), side) for n in range(count)]
    images, classes, tints = (np.stack(part) for part in zip(*drawn, strict=True))
    colours = np.rint((COLOURS + 1) * 127.5).astype(int).tolist()
    return LaidOut(
        images=torch.from_numpy(images),
        classes=torch.from_numpy(classes),
        names=NAMES,
        colours=tuple((r, g, b) for r, g, b in colours),
        tints=torch.from_numpy(tints),
    )


def _scene(
    dice: np.random.Generator, side: int
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
    """A picture c side side, its classes and its tint."""
    classes = _map(dice, side)
    tint = dice.uniform(-TINT, TINT, 3).astype(np.float32)
    grey = dice.standard_normal((side, side)).astype(np.float32) * NOISES[classes]
    picture = COLOURS[classes].transpose(2, 0, 1) + tint[:, None, None] + grey
    return picture.clip(-1, 1), classes, tint


def _map(dice: np.random.Generator, side: int) -> NDArray[np.int64]:
    y, x = np.mgrid[0:side, 0:side] / side
    height, reach = dice.uniform(0.3, 0.6), dice.uniform(0.03, 0.12)
    length, phase = dice.uniform(0.4, 1.2), dice.uniform(0, 2 * np.pi)
    classes = np.zeros((side, side), np.int64)
    classes[y > height + reach * np.sin(2 * np.pi * x / length + phase)] = 1
    ground = dice.uniform(0.75, 0.9)
    for _ in range(int(dice.integers(1, 4))):
        wide, high = dice.uniform(0.12, 0.3), dice.uniform(0.15, 0.4)
        left, foot = dice.uniform(0, 1 - wide), dice.uniform(0.45, ground)
        inside = (x >= left) & (x < left + wide) & (y >= foot - high) & (y < foot)
        classes[inside] = 3
    classes[y >= ground] = 2
    return classes


def nearest_class(images: Tensor, colours: NDArray[np.float32] = COLOURS) -> NDArray[np.int64]:
    """The class whose colour is nearest, of every pixel: n c h w to n h w."""
    table = torch.from_numpy(colours)
    parts = [
        (some[:, None] - table[None, :, :, None, None]).square().sum(dim=2).argmin(dim=1)
        for some in torch.split(images, 64)
    ]
    return torch.cat(parts).numpy()
