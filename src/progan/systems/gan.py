"""GAN: a generator against a discriminator that tells its pictures from real ones.

    discriminator   −E[log D(x)] − E[log(1 − D(G(z)))]
    generator       −E[log D(G(z))]  (non-saturating)   or   E[log(1 − D(G(z)))]  (minimax)

The paper proves that the game's value is lowest, at −log 4, where the generator's distribution
is the data's; it plays k discriminator steps for each generator step, and k = 1 in practice.

Source:  Goodfellow et al. 2014, "Generative Adversarial Nets", algorithm 1; the convolutional
         networks from Radford et al. 2016, "Unsupervised Representation Learning with Deep
         Convolutional Generative Adversarial Networks".
Departs: the generator is shown by its running average, which neither paper keeps. The generator's
         turn looks at no new reals. Momentum and rate of the dense networks stay constant, where
         the first code raised the one to 0.7 and lowered the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from progan.core.batch import Images
from progan.core.latents import LatentField, Latents, draw_fields
from progan.core.plan import Plan, Progress
from progan.core.specs import DataSpec
from progan.core.system import Player, System, Terms, Turn
from progan.networks.dcgan import ConvDiscriminator, ConvGenerator
from progan.networks.mlp import DenseDiscriminator, DenseGenerator
from progan.objectives.table import objective
from progan.systems.configs.gan import GANConfig

__all__ = ["GAN"]


class GAN(System[Images]):
    """The plain game, at one size."""

    def __init__(self, config: GANConfig, data: DataSpec) -> None:
        super().__init__()
        self.config, self.data = config, data
        self.average = config.average
        self.objective = objective(config.objective)
        self.higher_is_real = self.objective.higher_is_real
        self.latent_fields = (
            LatentField(name="z", shape=(config.latent_size,), prior=config.latent_prior),
        )
        size, channels, latent = data.resolution, data.channels, config.latent_size
        self.generator: torch.nn.Module
        self.discriminator: torch.nn.Module
        if config.network == "mlp":
            self.generator = DenseGenerator(resolution=size, channels=channels, latent_size=latent)
            self.discriminator = DenseDiscriminator(resolution=size, channels=channels)
        else:
            self.generator = ConvGenerator(
                resolution=size, channels=channels, latent_size=latent, width=config.width
            )
            self.discriminator = ConvDiscriminator(
                resolution=size, channels=channels, width=config.width
            )

    def plan(self) -> Plan:
        """One stage at the full size."""
        return self.config.plan(self.data.resolution)

    def players(self) -> Mapping[str, Player]:
        """The discriminator and the generator, with the same optimizer."""
        optimizer = self.config.optimizer
        return {
            "discriminator": Player.of(self.discriminator, optimizer=optimizer),
            "generator": Player.of(self.generator, optimizer=optimizer),
        }

    def turns(self, at: Progress) -> Sequence[Turn[Images]]:
        """k times the discriminator's, then the generator's, without drawing anew."""
        return (
            Turn("discriminator", self.discriminator_loss, repeat=self.config.critic_steps),
            Turn("generator", self.generator_loss, draws=False),
        )

    def discriminator_loss(self, batch: Images, at: Progress) -> Terms:
        """What the discriminator lowers; reals and fakes pass apart, as DCGAN's batch norm asks."""
        with torch.no_grad():
            fake = self.fake(len(batch))
        return self.objective.critic_terms(
            self.discriminator(batch.image), self.discriminator(fake)
        )

    def generator_loss(self, batch: Images, at: Progress) -> Terms:
        """What the generator lowers, on fresh latents."""
        return self.objective.generator_terms(self.discriminator(self.fake(len(batch))))

    def fake(self, n: int) -> Tensor:
        """`n` pictures from new latents."""
        device = next(self.generator.parameters()).device
        return self.generator(draw_fields(self.latent_fields, n, device=device)["z"])

    # what others ask for

    def draw(self, n: int, truncation: float | None = None) -> Latents:
        """Draw latents for `n` pictures on the CPU: a seed is the same picture on every device."""
        return draw_fields(self.latent_fields, n, truncation=truncation)

    def generate(self, latents: Latents, at: Progress) -> Tensor:
        """Pictures for `latents`, in float32."""
        return self.generator(latents["z"].to(next(self.generator.parameters()).device))

    def score(self, batch: Images, at: Progress) -> Tensor:
        """The discriminator's logit of each picture being real."""
        return self.discriminator(batch.image)

    @torch.no_grad()
    def preview(self, batch: Images, at: Progress) -> Mapping[str, Tensor]:
        """Reals, and as many fakes."""
        return {"real": batch.image, "samples": self.fake(len(batch))}
