"""A small GAN on points, for tests of the lab."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from progan.core.batch import Images
from progan.core.latents import LatentField, draw_fields
from progan.core.plan import Plan, Progress, Stage
from progan.core.specs import Adam
from progan.core.system import Player, System, Terms, Turn


def dense(*widths: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class ToyGame(System[Images]):
    """Non-saturating GAN between two dense networks."""

    higher_is_real = True

    def __init__(
        self, dims: int = 2, latent: int = 2, width: int = 16, steps: int = 20, batch: int = 32
    ) -> None:
        super().__init__()
        self.length, self.batch, self.dims = steps * batch, batch, dims
        self.latent_fields = (LatentField(name="z", shape=(latent,)),)
        self.generator = dense(latent, width, width, dims)
        self.discriminator = dense(dims, width, width, 1)

    def plan(self) -> Plan:
        return Plan((Stage(name="1", images=self.length, resolution=1, batch=self.batch),))

    def players(self) -> Mapping[str, Player]:
        adam = Adam(lr=1e-3, betas=(0.5, 0.9))
        return {
            "discriminator": Player.of(self.discriminator, optimizer=adam, rate=self.rate),
            "generator": Player.of(self.generator, optimizer=adam, rate=self.rate),
        }

    def rate(self, at: Progress) -> float:
        return 1 - at.fraction

    def turns(self, at: Progress) -> Sequence[Turn[Images]]:
        return (
            Turn("discriminator", self.discriminator_loss),
            Turn("generator", self.generator_loss, draws=False),
        )

    def discriminator_loss(self, batch: Images, at: Progress) -> Terms:
        fake = self.generate(self.draw(len(batch)), at).detach()
        real_score, fake_score = self.logit(batch.image), self.logit(fake)
        return {"real": softplus(-real_score).mean(), "fake": softplus(fake_score).mean()}

    def generator_loss(self, batch: Images, at: Progress) -> Terms:
        fake = self.generate(self.draw(len(batch)), at)
        return {"adversarial": softplus(-self.logit(fake)).mean()}

    def logit(self, image: Tensor) -> Tensor:
        return self.discriminator(image.flatten(1)).squeeze(1)

    def draw(self, n: int, truncation: float | None = None) -> dict[str, Tensor]:
        return draw_fields(self.latent_fields, n, truncation=truncation)

    def generate(self, latents: Mapping[str, Tensor], at: Progress) -> Tensor:
        return self.generator(latents["z"])[:, :, None, None]

    def score(self, batch: Images, at: Progress) -> Tensor:
        return self.logit(batch.image)

    def push(self, points: Tensor, at: Progress, real: Tensor | None = None) -> Tensor:
        fake = points.detach().requires_grad_()
        (slope,) = torch.autograd.grad(softplus(-self.logit(fake)).sum(), fake)
        return -slope
