"""The numbers of a watched training, beside those of perfect samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from progan.core.randomness import seed_of
from progan.data.toy import Mixture, World
from progan.lab.watch import Record
from progan.metrics.modes import Rotation, count_modes, rotation

__all__ = ["MEASURES", "Measure", "final_numbers", "measured", "perfect_numbers", "rotating"]


@dataclass(frozen=True, kw_only=True)
class Measure:
    """How a number is called and what it means."""

    name: str
    meaning: str


MEASURES: Mapping[str, Measure] = {
    "modes": Measure(
        name="modes covered",
        meaning="modes with at least a tenth of the samples that are their due",
    ),
    "touched": Measure(name="modes touched", meaning="modes with at least one sample within 3σ"),
    "high_quality": Measure(
        name="high-quality share", meaning="share of samples within 3σ of a mode"
    ),
    "reverse_kl": Measure(
        name="reverse KL",
        meaning="how unevenly these lie on the modes, in nats; 0 is as the data",
    ),
    "surprise": Measure(
        name="surprise", meaning="mean of −log p(sample) under the data's density, in nats"
    ),
    "mean": Measure(name="mean", meaning="of the samples"),
    "deviation": Measure(name="deviation", meaning="standard deviation of the samples"),
    "wasserstein": Measure(
        name="Wasserstein-1",
        meaning="how far samples must be moved on average to become as many real ones",
    ),
}
"""In the order they are shown."""


def measured(points: Tensor, world: World) -> dict[str, float]:
    """What can be said of `points` n d of a generator that should make `world`, by name.

    In one dimension the Wasserstein-1 distance to as many points of the world is the mean
    distance of the sorted ones.
    """
    found: dict[str, float] = {}
    if isinstance(world, Mixture) and len(world.centres) > 1:
        modes = count_modes(points, torch.tensor(world.centres), world.spreads, world.shares)
        found["modes"], found["touched"] = len(modes.strong), len(modes.any)
        found["high_quality"], found["reverse_kl"] = modes.high_quality, modes.reverse_kl
    found["surprise"] = -float(world.log_density(points).mean())
    if world.dims == 1:
        x = points.double().flatten()
        found["mean"], found["deviation"] = float(x.mean()), float(x.std())
        other = world.sample(range(len(x)), seed_of("lab", "others")).double().flatten()
        found["wasserstein"] = float((x.sort().values - other.sort().values).abs().mean())
    return found


def final_numbers(record: Record) -> dict[str, float]:
    """Numbers of the last moment."""
    return measured(record.moments[-1].fakes, record.world)


def perfect_numbers(record: Record) -> dict[str, float]:
    """The same of as many points of the world itself: what a perfect generator would get."""
    count = len(record.moments[-1].fakes)
    return measured(record.world.sample(range(count), seed_of("lab", "perfect")), record.world)


def rotating(record: Record) -> Rotation | None:
    """How strongly covered modes changed over the last looks; None without modes."""
    covered = [moment.modes.strong for moment in record.moments if moment.modes is not None]
    return rotation(covered) if covered else None
