"""What tasks of encoders measure: how near a picture is to its own reconstruction, and what its
code tells."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from progan.acceptance.pictures import Pictures
from progan.engine.loop import Trainer
from progan.metrics.distances import nearest

__all__ = [
    "codes_of",
    "distance_ratio",
    "drawn_again",
    "nearest_accuracy",
    "of_random_projections",
    "rebuilt",
    "sharpness",
    "shown",
]

BLOCK = 250
PROJECTIONS = 10
"""Random projections, of which the mean is told."""


def in_blocks(work: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """`work` on a few rows at a time, without slopes."""
    with torch.no_grad():
        return torch.cat([work(some) for some in torch.split(x, BLOCK)])


@contextmanager
def shown(trainer: Trainer) -> Iterator[Any]:
    """The system as users meet it: with the running averages of its weights."""
    with trainer.averages.swapped_in() as system:
        yield system.eval()


def codes_of(trainer: Trainer, image: Tensor) -> Tensor:
    """The code of each picture, by averaged weights: n k."""
    with shown(trainer) as system:
        return in_blocks(lambda some: system.encode(some, trainer.at)["z"], image)


def drawn_again(trainer: Trainer, code: Tensor) -> Tensor:
    """The picture of each code, by averaged weights."""
    with shown(trainer) as system:
        return in_blocks(lambda some: system.generate({"z": some}, trainer.at), code)


def rebuilt(trainer: Trainer, image: Tensor) -> Tensor:
    """Each picture drawn again from its code, by averaged weights."""
    with shown(trainer) as system:
        return in_blocks(
            lambda some: system.generate(system.encode(some, trainer.at), trainer.at), image
        )


def distance_ratio(found: Tensor, wanted: Tensor, power: float = 1.0) -> float:
    """Mean distance of each row of `found` to its own row of `wanted`, over that to another's.

        E[‖wanted_i − found_i‖^p] / E[‖wanted_{i+1} − found_i‖^p]

    Source: Donahue et al. 2017 (BiGAN), the code published with it: EGr over EGr_b.
    """
    a, b = found.flatten(1).double(), wanted.flatten(1).double()
    own = (b - a).norm(dim=1).pow(power).mean()
    other = (b.roll(-1, dims=0) - a).norm(dim=1).pow(power).mean()
    return float(own / other)


def sharpness(image: Tensor) -> float:
    """Variance of the Laplacian over the inner pixels, the mean over pictures n c h w.

        L = x(i−1, j) + x(i+1, j) + x(i, j−1) + x(i, j+1) − 4 x(i, j)

    Source: Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield microscopy".
    """
    x = image.double()
    ring = x[..., :-2, 1:-1] + x[..., 2:, 1:-1] + x[..., 1:-1, :-2] + x[..., 1:-1, 2:]
    laplacian = ring - 4 * x[..., 1:-1, 1:-1]
    return float(laplacian.flatten(1).var(dim=1, correction=0).mean())


def nearest_accuracy(known: Pictures, held: Pictures, of: Callable[[Pictures], Tensor]) -> float:
    """Share of held-out pictures whose nearest known one, in what `of` gives, is of their class."""
    pool, queries = (of(part).double().numpy() for part in (known, held))
    places = nearest(queries, pool)[1]
    return float((known.labels[places] == held.labels).mean())


def of_random_projections(known: Pictures, held: Pictures, size: int, seed: int) -> float:
    """`nearest_accuracy` in `size` random directions of the pixels, the mean of ten draws."""
    values = int(np.prod(known.pixels.shape[1:]))

    def accuracy(number: int) -> float:
        axes = np.random.default_rng((seed, number)).standard_normal((values, size))
        directions = torch.from_numpy(axes)
        return nearest_accuracy(
            known, held, lambda part: part.images.flatten(1).double() @ directions
        )

    return float(np.mean([accuracy(number) for number in range(PROJECTIONS)]))
