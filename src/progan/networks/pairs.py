"""Networks of BiGAN: encoders, generators, and discriminators of a picture and its code together.

    dense      encoder         x → dense 1024, leaky relu → dense 1024, norm, leaky relu → dense
               generator       z → dense 1024, relu → dense 1024, norm, relu → dense, tanh
               discriminator   x → dense 1024, leaky relu → dense 1024 + dense of z, norm,
                               leaky relu → dense 1
    toy        [dense, leaky relu] × 2 → dense, of x, of z, and of both side by side
    dcgan      DCGAN's networks; z enters the discriminator's 4×4 maps as planes, through a layer

The norm of dense layers is batch norm without gain and bias, and weights start from N(0, 0.02).

Source:  Donahue et al. 2017 (BiGAN), appendix A, and the code published with it, for dense layers;
         Radford et al. 2016 (DCGAN) and Reed et al. 2016 for the others.
Departs: pictures end in tanh on [−1, 1], in that code in a sigmoid on [0, 1]. The paper's
         discriminators of pictures add z to every layer; `ConvJoint` has it in its last maps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from progan.networks.autoencoder import ConvAutoencoder
from progan.networks.dcgan import ConvDiscriminator, ConvGenerator
from progan.networks.heads import MatchCritic
from progan.networks.mlp import stack

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = [
    "ConvJoint",
    "DenseJoint",
    "ToyJoint",
    "conv_encoder",
    "conv_generator",
    "dense_encoder",
    "dense_generator",
    "toy_encoder",
    "toy_generator",
]

TOY_HIDDEN = 64
LEAK = 0.2


def _start(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _norm(features: int) -> nn.Module:
    return nn.BatchNorm1d(features, affine=False)


def dense_encoder(
    *, resolution: int, channels: int, outputs: int, hidden: int = 1024
) -> nn.Sequential:
    """Pictures to codes through two hidden layers."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(channels * resolution**2, hidden),
        nn.LeakyReLU(LEAK),
        nn.Linear(hidden, hidden, bias=False),
        _norm(hidden),
        nn.LeakyReLU(LEAK),
        nn.Linear(hidden, outputs),
    ).apply(_start)


def dense_generator(
    *, resolution: int, channels: int, latent_size: int, hidden: int = 1024
) -> nn.Sequential:
    """Codes to pictures through two hidden layers."""
    return nn.Sequential(
        nn.Linear(latent_size, hidden),
        nn.ReLU(),
        nn.Linear(hidden, hidden, bias=False),
        _norm(hidden),
        nn.ReLU(),
        nn.Linear(hidden, channels * resolution**2),
        nn.Tanh(),
        nn.Unflatten(1, (channels, resolution, resolution)),
    ).apply(_start)


class DenseJoint(nn.Module):
    """Pairs of picture and code to scores; the code is added in front of the second norm."""

    def __init__(
        self, *, resolution: int, channels: int, latent_size: int, hidden: int = 1024
    ) -> None:
        super().__init__()
        self.first = nn.Sequential(
            nn.Flatten(), nn.Linear(channels * resolution**2, hidden), nn.LeakyReLU(LEAK)
        )
        self.second = nn.Linear(hidden, hidden, bias=False)
        self.code = nn.Linear(latent_size, hidden, bias=False)
        self.verdict = nn.Sequential(_norm(hidden), nn.LeakyReLU(LEAK), nn.Linear(hidden, 1))
        self.apply(_start)

    def forward(
        self, image: Float[Tensor, "n c h w"], z: Float[Tensor, "n z"]
    ) -> Float[Tensor, " n"]:
        """Judge the pairs of `image` and `z`."""
        inner = self.second(self.first(image)) + self.code(z)
        return self.verdict(inner).float().squeeze(1)


def toy_encoder(*, resolution: int, channels: int, outputs: int) -> nn.Sequential:
    """Points to codes."""
    sizes = [channels * resolution**2, TOY_HIDDEN, TOY_HIDDEN, outputs]
    return nn.Sequential(nn.Flatten(), *stack(sizes, nn.LeakyReLU, LEAK))


def toy_generator(*, resolution: int, channels: int, latent_size: int) -> nn.Sequential:
    """Codes to points, or to pictures of any range."""
    sizes = [latent_size, TOY_HIDDEN, TOY_HIDDEN, channels * resolution**2]
    shape = (channels, resolution, resolution)
    return nn.Sequential(*stack(sizes, nn.LeakyReLU, LEAK), nn.Unflatten(1, shape))


class ToyJoint(nn.Module):
    """Pairs of point and code to scores, side by side from the first layer on."""

    def __init__(self, *, resolution: int, channels: int, latent_size: int) -> None:
        super().__init__()
        sizes = [channels * resolution**2 + latent_size, TOY_HIDDEN, TOY_HIDDEN, 1]
        self.body = nn.Sequential(*stack(sizes, nn.LeakyReLU, LEAK))

    def forward(
        self, image: Float[Tensor, "n c h w"], z: Float[Tensor, "n z"]
    ) -> Float[Tensor, " n"]:
        """Judge the pairs of `image` and `z`."""
        return self.body(torch.cat([image.flatten(1), z], dim=1)).float().squeeze(1)


def conv_encoder(*, resolution: int, channels: int, outputs: int, width: int) -> nn.Module:
    """Pictures to codes: DCGAN's discriminator with so many outputs."""
    autoencoder = ConvAutoencoder(
        resolution=resolution, channels=channels, width=width, code_size=outputs
    )
    return autoencoder.encoder


def conv_generator(*, resolution: int, channels: int, latent_size: int, width: int) -> nn.Module:
    """Codes to pictures: DCGAN's generator."""
    return ConvGenerator(
        resolution=resolution, channels=channels, latent_size=latent_size, width=width
    )


class ConvJoint(nn.Module):
    """Pairs of picture and code to scores: DCGAN's maps with the code's planes beside them."""

    def __init__(self, *, resolution: int, channels: int, latent_size: int, width: int) -> None:
        super().__init__()
        plain = ConvDiscriminator(resolution=resolution, channels=channels, width=width)
        self.body = MatchCritic(plain, latent_size, two_heads=False, norm="batch")

    def forward(
        self, image: Float[Tensor, "n c h w"], z: Float[Tensor, "n z"]
    ) -> Float[Tensor, " n"]:
        """Judge the pairs of `image` and `z`."""
        return self.body(image, z).squeeze(1)
