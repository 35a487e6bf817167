"""EBGAN: the discriminator is an autoencoder, and what it redraws badly has a high energy.

    E(x)            mean over a picture's numbers of (Dec(Enc(x)) − x)²
    discriminator   E[E(x)] + E[max(0, m − E(G(z)))]
    generator       E[E(G(z))] + λ PT,  PT the mean of cos²(Enc(G(zᵢ)), Enc(G(zⱼ))) over i ≠ j

Fakes are pushed up to the margin m and no further, each for itself. Among all energies the best
is m where reals are rarer than fakes and 0 elsewhere, and the discriminator then pays m times
what the two distributions share. The pulling-away term keeps the codes of fakes apart; it is the
generator's alone.

Before the game the autoencoder may learn reals alone: its energy tells what is foreign to them,
and how large a margin is.

Source:  Zhao et al. 2017, "Energy-based Generative Adversarial Network", equations 1, 2 and 5,
         sections 2.2 to 2.4.
Departs: the energy is a mean of squares; the paper prints a norm (`energy_reduction=norm`), and
         its margins 10, 20 and 80 count in that. The paper does not pretrain, nor does its margin
         follow the energy of reals. The generator is shown by its running average.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from progan.core.batch import Images
from progan.core.plan import Progress
from progan.core.specs import DataSpec
from progan.core.system import JointTurn, Terms, Turn
from progan.networks.autoencoder import Autoencoder, ConvAutoencoder, DenseAutoencoder
from progan.objectives.energy import margin_critic, margin_generator, pulling_away
from progan.objectives.record import Objective, total
from progan.objectives.verdicts import look
from progan.systems.configs.ebgan import PRETRAIN, EBGANConfig
from progan.systems.duel import Duel

__all__ = ["EBGAN"]


def game(margin: float) -> Objective:
    """The two sides at a margin that does not move."""
    critic = partial(margin_critic, margin=margin)
    return Objective(
        critic,
        margin_generator,
        higher_is_real=False,
        kind="energy",
        border=margin / 2,
        at_rest=margin,
        estimate=lambda real, fake: 1 - total(critic(real, fake)) / margin,
        measures="total variation",
    )


class EBGAN(Duel):
    """The game of energies."""

    opponent = "discriminator"
    config: EBGANConfig
    real_energy: Tensor

    def __init__(self, config: EBGANConfig, data: DataSpec) -> None:
        sides = game(1.0 if config.margin == "auto" else config.margin)
        if config.margin == "auto" or config.margin_late:  # then nobody knows it beforehand
            sides = replace(sides, at_rest=None, estimate=None, measures="")
        super().__init__(config, data, sides)
        self.group = 2 if config.pulling_away else 1
        self.register_buffer("real_energy", torch.zeros(()))

    def make_critic(self) -> nn.Module:
        """The autoencoder, as `config.network` asks."""
        config, size, channels = self.config, self.data.resolution, self.data.channels
        if config.network == "dcgan":
            return ConvAutoencoder(
                resolution=size,
                channels=channels,
                width=config.width,
                code_size=config.code_size,
                norm=config.critic_norm,
            )
        assert config.code_size is not None  # as the settings check
        toy = config.network == "toy"
        return DenseAutoencoder(
            resolution=size,
            channels=channels,
            code_size=config.code_size,
            hidden=(128, 128) if toy else (512, 256),
            bounded=not toy,
        )

    @property
    def autoencoder(self) -> Autoencoder:
        """The discriminator."""
        found = self.adversary
        assert isinstance(found, Autoencoder)
        return found

    # energies

    def judge(self, image: Tensor) -> Tensor:
        """The energy of each picture, as the turns see it."""
        return self.error(self.autoencoder(image), image)

    def error(self, redrawn: Tensor, image: Tensor) -> Tensor:
        """How far `redrawn` is from `image`, one number per picture."""
        off = (redrawn - image).flatten(1)
        if self.config.energy_reduction == "norm":
            return torch.linalg.vector_norm(off, dim=1)
        squares = off.square()
        return squares.mean(1) if self.config.energy_reduction == "mean" else squares.sum(1)

    def energy(self, image: Tensor) -> Tensor:
        """How foreign each picture is to the reals: low is real, whatever stands beside it."""
        training = self.autoencoder.training
        self.autoencoder.eval()
        try:
            return self.judge(image)
        finally:
            self.autoencoder.train(training)

    def score(self, batch: Images, at: Progress) -> Tensor:
        """The energy of each picture."""
        return self.energy(batch.image)

    # the game

    def turns(self, at: Progress) -> Sequence[Turn[Images] | JointTurn[Images]]:
        """The autoencoder alone while it is pretrained; then both."""
        if at.stage.name == PRETRAIN:
            return (Turn(self.opponent, self.pretrain_loss),)
        return super().turns(at)

    def rate(self, at: Progress) -> float:
        """Factor on the learning rate; pretraining does not slow down."""
        return 1.0 if at.stage.name == PRETRAIN else super().rate(at)

    def begin_stage(self, batch: Images, at: Progress) -> None:
        """On entering the game, measure the energy of reals."""
        if at.stage.name != PRETRAIN:
            self.real_energy.copy_(self.energy(batch.image).mean())

    def margin(self, at: Progress) -> float:
        """The margin at a moment of the game."""
        config = self.config
        if config.margin != "auto" and not config.margin_late:
            return config.margin
        reals = float(self.real_energy)
        margin = config.margin_factor * reals if config.margin == "auto" else config.margin
        if not config.margin_late:
            return margin
        late = max(0.0, 1 - (1 - at.fraction) / config.margin_late)
        return margin + late * (min(reals, margin) - margin)

    def pretrain_loss(self, batch: Images, at: Progress) -> Terms:
        """What the autoencoder lowers while it is alone."""
        return {"real": self.judge(batch.image).mean()}

    def critic_terms(
        self, real: Tensor, fake: Tensor, at: Progress
    ) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """The discriminator's terms at the margin of the moment, and the energies."""
        on_real, on_fake, price = look(self.judge, real, fake, self.config.penalty, at.step)
        return {**margin_critic(on_real, on_fake, self.margin(at)), **price}, on_real, on_fake

    def generator_loss(self, batch: Images, at: Progress) -> Terms:
        """What the generator lowers, on fresh latents."""
        fake = self.fake(len(batch))
        code = self.autoencoder.encode(fake)
        terms = self.generator_terms(None, self.error(self.autoencoder.decode(code), fake))
        if self.config.pulling_away:
            terms["pulling away"] = self.config.pulling_away * pulling_away(code)
        return terms

    @torch.no_grad()
    def preview(self, batch: Images, at: Progress) -> Mapping[str, Tensor]:
        """Reals, the same redrawn by the autoencoder, and as many fakes."""
        shown = dict(super().preview(batch, at))
        return {**shown, "reconstructions": self.autoencoder(batch.image).clamp(-1, 1)}
