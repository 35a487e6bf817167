"""Games on the line with little in them: known distributions, and critics that learn about them.

They are played by the systems' own turns; only the generator is smaller than any network, or
stands still.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from progan.core.batch import Images
from progan.core.plan import Progress
from progan.core.slopes import verdict_and_slope
from progan.core.specs import Adam, DataSpec, Penalty
from progan.core.system import JointTurn, Player, Turn
from progan.data.toy import Mixture, ToyDraws, World, images_of
from progan.engine.loop import Trainer
from progan.engine.preview import seeded
from progan.layers.clip import clip_weights
from progan.objectives.record import Objective
from progan.objectives.table import objective
from progan.systems.configs.gan import GANConfig
from progan.systems.duel import Duel

__all__ = ["Affine", "Contest", "normal", "play", "scores_at", "slopes_at"]


def normal(mean: float, deviation: float = 1.0, *, reach: float = 4.5) -> Mixture:
    """One normal mode on the line."""
    return Mixture(
        name=f"N({mean:g}, {deviation:g}²)",
        summary="one normal mode",
        dims=1,
        sigma=deviation,
        centres=((mean,),),
        low=(mean - reach,),
        high=(mean + reach,),
    )


class Affine(nn.Module):
    """The generator x = μ + σ z with z ~ N(0, 1): any normal distribution on the line.

    It learns μ and log σ, or nothing where `fixed`.
    """

    def __init__(self, mean: float = 0.0, deviation: float = 1.0, *, fixed: bool = False) -> None:
        super().__init__()
        start = torch.tensor([mean, math.log(deviation)])
        self.shape: Tensor
        if fixed:
            self.register_buffer("shape", start)
        else:
            self.register_parameter("shape", nn.Parameter(start))

    def forward(self, z: Tensor) -> Tensor:
        """Points n 1 1 1 of latents n 1."""
        mean, log_deviation = self.shape
        return (mean + log_deviation.exp() * z)[:, :, None, None]

    @property
    def found(self) -> tuple[float, float]:
        """(μ, σ) as they are."""
        mean, log_deviation = self.shape.tolist()
        return mean, math.exp(log_deviation)


class Contest(Duel):
    """A duel on points, in which a generator without weights only stands there.

    `clip` holds the critic's weights in a box, as WGAN does.
    """

    averaged = ()

    def __init__(
        self,
        config: GANConfig,
        data: DataSpec,
        objective: Objective,
        generator: nn.Module,
        clip: float = 0.0,
    ) -> None:
        super().__init__(config, data, objective, generator)
        self.limit = clip

    def constraint(self) -> Callable[[], None] | None:
        """Bring the critic's weights back into their box, if there is one."""
        return partial(clip_weights, self.adversary, self.limit) if self.limit else None

    def players(self) -> Mapping[str, Player]:
        """Those who have something to learn."""
        return {name: player for name, player in super().players().items() if player.parameters}

    def turns(self, at: Progress) -> Sequence[Turn[Images] | JointTurn[Images]]:
        """Those of players who have something to learn."""
        playing = self.players().keys()
        return [turn for turn in super().turns(at) if set(turn.players) <= playing]


def play(
    world: World,
    game: str | Objective,
    generator: nn.Module,
    *,
    steps: int,
    critic_steps: int = 1,
    penalty: Penalty | None = None,
    clip: float = 0.0,
    lr: float = 1e-3,
    batch: int = 256,
    seed: int = 0,
) -> Contest:
    """Play `steps` rounds of a game on `world` between `generator` and a toy critic.

    Latents are normal, one number for each coordinate of the world. Rates fall to 0 in a line.
    """
    config = GANConfig(
        network="toy",
        latent_size=world.dims,
        latent_prior="normal",
        optimizer=Adam(lr=lr, betas=(0.5, 0.9)),
        decay="linear",
        critic_steps=critic_steps,
        penalty=penalty or Penalty(kind="none"),
        batch=batch,
        images=steps * critic_steps * batch,
    )
    played = objective(game) if isinstance(game, str) else game
    with seeded(seed, "contest"):
        contest = Contest(config, world.spec, played, generator, clip)
    trainer = Trainer(contest, ToyDraws(world, seed), seed=seed)
    while not trainer.done:
        trainer.step()
    return contest


@torch.no_grad()
def scores_at(contest: Contest, points: Tensor) -> Tensor:
    """The critic's score at each of `points` n d."""
    return contest.judge(images_of(points).image)


def slopes_at(contest: Contest, points: Tensor) -> Tensor:
    """∂s/∂x at each of `points` n d."""
    _, slope = verdict_and_slope(contest.judge, images_of(points).image)
    return slope.detach().flatten(1)
