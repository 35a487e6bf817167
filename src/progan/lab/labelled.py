"""Games with labels or codes on toy worlds: trained to their end, and measured class by class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from progan.assemble.models.build import build_system
from progan.core.batch import Images
from progan.core.config import apply_sets
from progan.core.plan import Progress
from progan.core.recipe import Recipe, TrainSettings
from progan.core.specs import Adam
from progan.core.system import JointTurn, Player, Turn
from progan.data.toy import Mixture, ToyDraws, World, points_of
from progan.data.worlds import WORLDS
from progan.engine.loop import Trainer
from progan.engine.preview import seeded
from progan.metrics.modes import WITHIN
from progan.systems.conditional import Conditional
from progan.systems.configs.cgan import CGANConfig

__all__ = [
    "SAMPLES",
    "OfClass",
    "Unmoved",
    "judge_trained",
    "mixture",
    "of_classes",
    "points",
    "trained",
]

SAMPLES = 2_500
"""Points drawn for each measurement; the mean of so many, of deviation 1, has an error of 0.02."""


@dataclass(frozen=True, kw_only=True)
class OfClass:
    """How the points drawn for one class lie."""

    mean: tuple[float, ...]
    deviation: float
    """Root mean square over coordinates of their standard deviations."""
    off: float
    """Distance of their mean from the class's own."""
    high_quality: float
    """Share of them within 3 σ of the class's own mode."""


def mixture(name: str) -> Mixture:
    """The world of that name, which has modes."""
    world = WORLDS[name]
    assert isinstance(world, Mixture)
    return world


def trained(
    system: str, world: World, *, steps: int, seed: int, sets: Sequence[str] = ()
) -> Trainer:
    """Play `steps` rounds of a toy game on `world`, with as many latent numbers as coordinates.

    The system is left in evaluation, with the weights that played.
    """
    recipe = Recipe(
        system=system,
        preset="toy",
        set={"latent_size": world.dims},
        train=TrainSettings(seed=seed),
    )
    recipe = apply_sets(recipe, [f"images={256 * steps}", *sets])
    made = build_system(recipe, world.spec, torch.device("cpu"))
    trainer = Trainer(made, ToyDraws(world, seed, made.batch_type), seed=seed)
    while not trainer.done:
        trainer.step()
    made.eval()
    return trainer


def points(trainer: Trainer, name: str, value: int, n: int = SAMPLES) -> Tensor:
    """`n` points n d with the field `name` of their latents at `value`; the same latents always."""
    system: Any = trainer.system
    with torch.no_grad(), seeded("lab", "points"):
        latents = dict(system.draw(n))
        latents[name] = torch.full((n,), value)
        return points_of(system.generate(latents, trainer.at))


def of_classes(trainer: Trainer, world: Mixture) -> list[OfClass]:
    """How the points of each class lie about its mode."""
    found = []
    for label, (centre, spread) in enumerate(zip(world.centres, world.spreads, strict=True)):
        drawn = points(trainer, "label", label).double()
        own = torch.tensor(centre, dtype=torch.float64)
        mean = drawn.mean(dim=0)
        near = (drawn - own).norm(dim=1) < WITHIN * spread
        found.append(
            OfClass(
                mean=tuple(mean.tolist()),
                deviation=float(drawn.var(dim=0).mean().sqrt()),
                off=float((mean - own).norm()),
                high_quality=float(near.double().mean()),
            )
        )
    return found


class Unmoved(nn.Module):
    """A generator without weights that does not look at the label: x = σ z."""

    def __init__(self, deviation: float) -> None:
        super().__init__()
        self.deviation = deviation

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Points n 1 1 1 of latents n 1."""
        return (self.deviation * z)[:, :, None, None]


class _Alone(Conditional):
    """A discriminator that learns about a generator that stands still."""

    averaged = ()

    def players(self) -> Mapping[str, Player]:
        """The discriminator."""
        return {self.opponent: super().players()[self.opponent]}

    def turns(self, at: Progress) -> Sequence[Turn[Images] | JointTurn[Images]]:
        """Its own."""
        return super().turns(at)[:1]


def judge_trained(
    world: Mixture,
    *,
    condition: Literal["concat", "projection"],
    steps: int,
    seed: int,
    deviation: float = 2.0,
) -> Conditional:
    """A discriminator trained for `steps` against points of N(0, deviation²), whatever the label.

    Its best logit is log p(x|y) − log q(x), so that a(x, y) − a(x, y') = log p(x|y)/p(x|y').
    """
    config = CGANConfig(
        network="toy",
        condition=condition,
        latent_size=1,
        latent_prior="normal",
        optimizer=Adam(lr=1e-3, betas=(0.5, 0.9)),
        decay="linear",
        batch=512,
        images=512 * steps,
    )
    with seeded(seed, "judge"):
        game = _Alone(config, world.spec, Unmoved(deviation))
    trainer = Trainer(game, ToyDraws(world, seed, game.batch_type), seed=seed)
    while not trainer.done:
        trainer.step()
    return game
