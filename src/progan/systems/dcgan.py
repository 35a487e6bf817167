"""DCGAN: rules that let convolutional networks play the game, and what the networks then know.

    discriminator   −E[log D(x)] − E[log(1 − D(G(z)))]
    generator       −E[log D(G(z))]

Strided convolutions halve and double, and nothing pools; batch norm stands behind every layer but
the generator's last and the discriminator's first; no layer between is dense; the generator
rectifies and ends in tanh; the discriminator leaks.

What the discriminator has learned without labels is read as features: of each layer's map the
largest value in each of 4 × 4 parts, all in one row (`DCGAN.features`).

Source:  Radford et al. 2016, "Unsupervised Representation Learning with Deep Convolutional
         Generative Adversarial Networks", sections 3, 4 and 5.1; the authors' Theano code
         (Newmu/dcgan_code) and its Torch port (soumith/dcgan.torch).
Departs: the generator is shown by its running average, and in evaluation by running statistics of
         its batch norms, where the Theano code takes those of the batch. The Theano code plays one
         player a batch, and so draws reals for the generator's turns too. Randomised leaks (RReLU,
         Xu et al. 2015) are no part of the paper; its slopes are drawn here, not divisors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from progan.core.specs import DataSpec
from progan.networks.dcgan import ConvDiscriminator, ConvGenerator, pooled
from progan.objectives.table import objective
from progan.systems.configs.dcgan import DCGANConfig
from progan.systems.duel import Duel

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["DCGAN"]


class DCGAN(Duel):
    """The non-saturating game, on the paper's networks."""

    opponent = "discriminator"
    config: DCGANConfig

    def __init__(self, config: DCGANConfig, data: DataSpec) -> None:
        super().__init__(config, data, objective("non-saturating"))

    def make_generator(self) -> nn.Module:
        """The generator, in the layout asked for."""
        config = self.config
        return ConvGenerator(
            resolution=self.data.resolution,
            channels=self.data.channels,
            latent_size=config.latent_size,
            width=config.width,
            norm=config.generator_norm,
            layout=config.layout,
        )

    def make_critic(self) -> nn.Module:
        """The discriminator, with the rectifier asked for."""
        config = self.config
        return ConvDiscriminator(
            resolution=self.data.resolution,
            channels=self.data.channels,
            width=config.width,
            norm=config.critic_norm,
            layout=config.layout,
            rectifier=self.rectifier,
        )

    def rectifier(self) -> nn.Module:
        """One rectifier of the discriminator."""
        if self.config.rectifier == "rrelu":
            return nn.RReLU(*self.config.leak_range)
        return nn.LeakyReLU(self.config.leak, inplace=True)

    @torch.no_grad()
    def features(self, image: Float[Tensor, "n c h w"]) -> Float[Tensor, "n f"]:
        """What the discriminator finds in pictures, each by itself, as one row of numbers.

        f is 16 times the channels of all layers but the last. Batch norm takes its running
        statistics and rrelu its mean leak, in training too.

        Source: Radford et al. 2016, section 5.1.
        """
        network = self.adversary
        assert isinstance(network, ConvDiscriminator)
        training = network.training
        network.eval()
        try:
            return pooled(network.maps(image.to(self.device)))
        finally:
            network.train(training)
