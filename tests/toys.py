"""Tiny systems and data for tests: they train in milliseconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from progan.core.batch import Images
from progan.core.latents import LatentField, draw_fields
from progan.core.plan import Plan, Progress, Stage
from progan.core.randomness import seed_of
from progan.core.specs import Adam, Average
from progan.core.system import JointTurn, Player, System, Terms, Turn
from progan.engine.loop import Trainer


class ToyData:
    """Stripes whose phase and colour are functions of the image number."""

    def batch(self, numbers: range, resolution: int) -> Images:
        rows = []
        for number in numbers:
            generator = torch.Generator().manual_seed(seed_of("toy", number))
            phase = torch.rand(2, generator=generator)
            x = torch.linspace(0, 6.28, resolution)
            rows.append(torch.sin(x[None, :] + 6.28 * phase[0]) * (x[:, None] * 0 + phase[1]))
        return Images(torch.stack(rows)[:, None])


class ToyGrowing(System[Images]):
    """Three stages (4 px, 8 px fading in, 8 px), two players, a lazily played turn and a buffer."""

    average = Average(half_life_images=64)
    latent_fields = (LatentField(name="z", shape=(4,)),)

    def __init__(self, images: int = 64, batch: int = 8, joint: bool = False) -> None:
        super().__init__()
        self.length, self.size, self.joint = images, batch, joint
        self.generator = nn.ModuleList([nn.Linear(4, 16), nn.Linear(4, 64)])
        self.critic = nn.ModuleList([nn.Linear(16, 1), nn.Linear(64, 1)])
        self.register_buffer("seen", torch.zeros(()))

    def plan(self) -> Plan:
        n, b = self.length, self.size
        return Plan(
            (
                Stage(name="4", images=n, resolution=4, batch=b),
                Stage(
                    name="8 fade", images=n, resolution=8, batch=b, fade=True, fresh_optimizers=True
                ),
                Stage(name="8", images=n, resolution=8, batch=b, fresh_optimizers=True),
            )
        )

    def players(self) -> Mapping[str, Player]:
        adam = Adam(lr=1e-2, betas=(0.0, 0.99))
        return {
            "critic": Player.of(self.critic, optimizer=adam),
            "generator": Player.of(self.generator, optimizer=adam),
        }

    def turns(self, at: Progress) -> Sequence[Turn[Images] | JointTurn[Images]]:
        if self.joint:
            return (JointTurn(("critic", "generator"), self.both),)
        return (
            Turn("critic", self.critic_loss, repeat=2),
            Turn("generator", self.generator_loss, draws=False),
            Turn("critic", self.penalty_loss, every=3, draws=False),
        )

    def draw(self, n: int, truncation: float | None = None) -> dict[str, Tensor]:
        return draw_fields(self.latent_fields, n, truncation=truncation)

    def generate(self, latents: Mapping[str, Tensor], at: Progress) -> Tensor:
        z = latents["z"]
        low = self.generator[0](z).view(-1, 1, 4, 4).tanh()
        if at.resolution == 4:
            return low
        high = self.generator[1](z).view(-1, 1, 8, 8).tanh()
        return torch.lerp(F.interpolate(low, scale_factor=2), high, at.alpha)

    def score_of(self, x: Tensor) -> Tensor:
        return self.critic[x.shape[-1] == 8](x.flatten(1))

    def critic_loss(self, batch: Images, at: Progress) -> Terms:
        self.seen += len(batch)
        fake = self.generate(self.draw(len(batch)), at)
        return {"score": self.score_of(fake).mean() - self.score_of(batch.image).mean()}

    def penalty_loss(self, batch: Images, at: Progress) -> Terms:
        return {"penalty": self.score_of(batch.image).square().mean()}

    def generator_loss(self, batch: Images, at: Progress) -> Terms:
        return {"score": -self.score_of(self.generate(self.draw(len(batch)), at)).mean()}

    def both(self, batch: Images, at: Progress) -> Mapping[str, Terms]:
        return {
            "critic": {**self.critic_loss(batch, at), **self.penalty_loss(batch, at)},
            "generator": self.generator_loss(batch, at),
        }

    def preview(self, batch: Images, at: Progress) -> Mapping[str, Tensor]:
        return {"samples": self.generate(self.draw(len(batch)), at)}


def toy(**options: Any) -> ToyGrowing:
    """The same weights whenever it is called."""
    torch.manual_seed(0)
    return ToyGrowing(**options)


def bits(t: Trainer) -> dict[str, Tensor]:
    """Everything a trainer holds, as it is now."""
    return {name: value.clone() for name, value in t.state().tensors.items()}


def same(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> bool:
    """Whether two of those are equal, to the bit."""
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
