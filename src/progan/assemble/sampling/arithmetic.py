"""Sums of latents: means over a few seeds each, added and taken away, and the ways between seeds.

    z = mean(z of 1, 2, 3) − mean(z of 4, 5, 6) + mean(z of 7, 8, 9)

Single latents are too noisy for it; the means of three were found to hold (Radford et al. 2016,
section 6.3.2). Noise is added up number by number and nothing is scaled; labels and codes stay
those of the first seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from progan.assemble.models.model import Frame, Model
from progan.assemble.models.notes import Term
from progan.assemble.models.walks import part_way
from progan.core.latents import LatentField, Latents
from progan.core.system import Samples
from progan.engine.preview import seeded

__all__ = ["NEIGHBOUR", "arithmetic_cells", "mean_of", "sum_of", "way_cells"]

NEIGHBOUR = 0.25
"""How far each number of a neighbour is moved, at most, as in the paper's figure 7."""


def mean_of(model: Model, seeds: Sequence[int], truncation: float | None = None) -> Latents:
    """One row: the mean of the noise of `seeds`; all else is that of the first."""
    rows = [model.latents(seed, truncation) for seed in seeds]
    return _over_noise(model, rows[0], lambda name: torch.stack([r[name] for r in rows]).mean(0))


def sum_of(model: Model, terms: Sequence[Term], truncation: float | None = None) -> Latents:
    """One row: the sum of the means of `terms`, each with its sign."""
    means = [(sign, mean_of(model, seeds, truncation)) for sign, seeds in terms]

    def added(name: str) -> Tensor:
        return torch.stack([sign * row[name] for sign, row in means]).sum(0)

    return _over_noise(model, means[0][1], added)


def arithmetic_cells(
    model: Model, terms: Sequence[Term], truncation: float | None = None
) -> Iterator[tuple[int, int, Frame]]:
    """Row, column and picture: of each term its seeds, and at the end of the row their mean.

    The last row ends in the sum; before it stand its neighbours, each number of the noise moved
    evenly by up to `NEIGHBOUR`.
    """
    last = max(len(seeds) for _, seeds in terms)
    for row, (_, seeds) in enumerate(terms):
        for column, seed in enumerate(seeds):
            yield row, column, model.picture(model.latents(seed, truncation))
        yield row, last, model.picture(mean_of(model, seeds, truncation))
    found = sum_of(model, terms, truncation)
    for column in range(last):
        with seeded("arithmetic", column):
            moved = {
                name: value + (torch.rand_like(value) * 2 - 1) * NEIGHBOUR
                for name, value in found.items()
                if name in _noise(model)
            }
        yield len(terms), column, model.picture({**found, **moved})
    yield len(terms), last, model.picture(found)


def way_cells(
    model: Model, seeds: Sequence[int], steps: int, truncation: float | None = None
) -> Iterator[tuple[int, int, Frame]]:
    """Row, column and picture: a row from each seed to the next, in equal steps with both ends."""
    keys = [model.latents(seed, truncation) for seed in seeds]
    for row in range(len(seeds) - 1):
        for column in range(steps):
            t = column / (steps - 1)
            between = {}
            for field in _fields(model):
                a, b = (keys[end][field.name][0] for end in (row, row + 1))
                between[field.name] = part_way(field, a, b, t)[None]
            yield row, column, model.picture(between)


def _fields(model: Model) -> tuple[LatentField, ...]:
    assert isinstance(model.system, Samples)
    return model.system.latent_fields


def _noise(model: Model) -> set[str]:
    """Names of the fields that can be added up."""
    fields = _fields(model)
    return {one.name for one in fields if one.role == "noise" and one.prior != "categorical"}


def _over_noise(model: Model, row: Latents, found: Callable[[str], Tensor]) -> Latents:
    """`row` with what is `found` for each field of noise."""
    names = _noise(model)
    return {name: found(name) if name in names else value for name, value in row.items()}
