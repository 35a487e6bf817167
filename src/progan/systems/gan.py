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

from torch import nn

from progan.core.specs import DataSpec
from progan.networks.mlp import DenseDiscriminator
from progan.objectives.table import objective
from progan.systems.configs.gan import GANConfig
from progan.systems.duel import Duel

__all__ = ["GAN"]


class GAN(Duel):
    """The plain game; with another objective, any game of scores."""

    opponent = "discriminator"

    def __init__(
        self, config: GANConfig, data: DataSpec, generator: nn.Module | None = None
    ) -> None:
        """`generator` takes the place of the one that the settings ask for."""
        super().__init__(config, data, objective(config.objective), generator)

    def make_critic(self) -> nn.Module:
        """The first paper's maxout network where the network is dense."""
        if self.config.network == "mlp":
            size, channels = self.data.resolution, self.data.channels
            return DenseDiscriminator(resolution=size, channels=channels)
        return super().make_critic()
