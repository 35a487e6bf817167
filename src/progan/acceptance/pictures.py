"""Small sets of pictures in memory, and a system trained on them to its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from progan.assemble.models.build import build_system
from progan.core.batch import Batch, Images, Labelled
from progan.core.config import apply_sets
from progan.core.grids import to_uint8
from progan.core.plan import Progress, height_width
from progan.core.recipe import Recipe, TrainSettings
from progan.core.specs import DataSpec
from progan.core.system import System
from progan.data.order import Order
from progan.engine.loop import Trainer
from progan.engine.preview import seeded
from progan.layers.resample import down

__all__ = ["Draws", "Pictures", "begun", "drawn", "drawn_by", "played", "trained"]

BLOCK = 250


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """Pictures and the class of each."""

    pixels: NDArray[np.uint8]
    """n c side side."""
    labels: NDArray[np.int64]
    classes: int

    def __len__(self) -> int:
        return len(self.labels)

    def part(self, numbers: NDArray[np.int64]) -> Pictures:
        """Those with these numbers."""
        return Pictures(
            pixels=self.pixels[numbers], labels=self.labels[numbers], classes=self.classes
        )

    @property
    def images(self) -> Tensor:
        """n c side side in [−1, 1]."""
        return torch.from_numpy(self.pixels).float().div(127.5).sub(1)

    @property
    def spec(self) -> DataSpec:
        """What a system is told of them."""
        _, channels, side, _ = self.pixels.shape
        return DataSpec(resolution=side, channels=channels, classes=self.classes, images=len(self))


@dataclass(frozen=True, kw_only=True)
class Draws:
    """Where a trainer gets such pictures from: each as often as the others, in a shuffled order."""

    pictures: Pictures
    seed: int
    batch_type: type[Batch]

    def batch(self, numbers: range, resolution: Any) -> Images:
        """The images with these numbers; at lower resolutions each pixel is a mean."""
        order = Order(len(self.pictures), self.seed)
        some = self.pictures.part(order.indices(np.asarray(numbers, np.int64)))
        image = down(some.images, self.pictures.spec.resolution // height_width(resolution)[0])
        if self.batch_type is Images:
            return Images(image)
        return Labelled(image, torch.from_numpy(some.labels))


def begun(
    system: str,
    pictures: Pictures,
    *,
    preset: str,
    seed: int,
    sets: Sequence[str] = (),
    change: Callable[[System[Any]], None] = lambda system: None,
) -> Trainer:
    """A system that has yet to learn from `pictures`; `change` may alter it before it begins."""
    recipe = Recipe(system=system, preset=preset, train=TrainSettings(seed=seed))
    made = build_system(apply_sets(recipe, list(sets)), pictures.spec, torch.device("cpu"))
    change(made)
    draws = Draws(pictures=pictures, seed=seed, batch_type=made.batch_type)
    return Trainer(made, draws, seed=seed)


def trained(system: str, pictures: Pictures, **asked: Any) -> Trainer:
    """The same, trained to its end; it is left in evaluation, with live weights."""
    return played(begun(system, pictures, **asked))


def played(trainer: Trainer) -> Trainer:
    """Train to the end; the system is left in evaluation, with live weights."""
    while not trainer.done:
        trainer.step()
    trainer.system.eval()
    return trainer


def drawn(trainer: Trainer, field: str, values: Tensor) -> NDArray[np.uint8]:
    """A picture for each of `values` of a latent field: n c side side; all else is drawn.

    The same latents at every call.
    """
    return drawn_by(trainer.system, trainer.at, field, values)


def drawn_by(
    system: Any, at: Progress, field: str, values: Tensor, truncation: float | None = None
) -> NDArray[np.uint8]:
    """The same by any weights, and of latents that are cut."""
    parts = []
    for block, some in enumerate(torch.split(values, BLOCK)):
        with torch.no_grad(), seeded("acceptance", block):
            latents = {**system.draw(len(some), truncation), field: some}
            parts.append(to_uint8(system.generate(latents, at)))
    return np.concatenate(parts)
