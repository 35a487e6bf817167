"""The networks of VAE-GAN: an encoder, a decoder, and a discriminator that can be looked into.

    encoder         x → [halve, batch norm, relu] × 3 → dense, batch norm, relu → dense μ, log σ²
    decoder         z → dense, batch norm, relu → [double, batch norm, relu] × 3 → 5×5, tanh
    discriminator   x → 5×5, relu → [halve, batch norm, relu] × 3 → dense, batch norm, relu → 1

All convolutions are 5×5, and resizing is done by their strides: three halvings whatever the size,
so that 64 pixels end at 8×8. With a `width` of 64 the channels are the paper's. The discriminator
is cut at a layer l, in front of whose batch norm its features are compared: behind its second
halving (8×8×192 at 32 pixels), above 32 pixels behind its third (8×8×256 at 64).

The dense ones are two hidden layers each, with batch norm; l is the first of the discriminator.

Source:  Larsen et al. 2016, "Autoencoding beyond pixels using a learned similarity metric", table
         1; sizes at 32 pixels, those of dense networks, the layer l, and the momentum 0.9 and the
         constant 1e-6 of batch norm from the code published with it.
Departs: log σ² is kept within ±10 by 10 tanh(·/10), which changes it by less than 1 % below 1.7.
         Pictures of dense networks end in tanh on [−1, 1], in that code in a sigmoid on [0, 1].
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from progan.core.errors import ConfigError

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = [
    "FeatureDiscriminator",
    "GaussianEncoder",
    "VAEGenerator",
    "dense_decoder",
    "dense_discriminator",
    "dense_encoder",
    "layer_channels",
]

LARGEST_LOG_VARIANCE = 10.0
EPS = 1e-6


def layer_channels(resolution: int, width: int) -> tuple[int, int, int]:
    """Channels of the discriminator behind each halving.

    Raises ConfigError for a size that cannot be halved three times.
    """
    if resolution % 8 or resolution < 8:
        raise ConfigError(
            f"resolution is {resolution}; the conv network halves it three times, so it must be a "
            "multiple of 8: --set data.resolution=32, or --set network=mlp"
        )
    middle = 3 * width if resolution <= 32 else 4 * width
    return 2 * width, middle, 4 * width


def _down(before: int, after: int) -> list[nn.Module]:
    return [
        nn.Conv2d(before, after, 5, stride=2, padding=2, bias=False),
        nn.BatchNorm2d(after, eps=EPS),
        nn.ReLU(inplace=True),
    ]


def _up(before: int, after: int) -> list[nn.Module]:
    return [
        nn.ConvTranspose2d(before, after, 5, stride=2, padding=2, output_padding=1, bias=False),
        nn.BatchNorm2d(after, eps=EPS),
        nn.ReLU(inplace=True),
    ]


def _dense(before: int, after: int) -> list[nn.Module]:
    return [
        nn.Linear(before, after, bias=False),
        nn.BatchNorm1d(after, eps=EPS),
        nn.ReLU(inplace=True),
    ]


class GaussianEncoder(nn.Module):
    """Pictures to the normal distribution of their codes: n k means, n k logarithms of variances.

    `body` gives 2 k numbers a picture.
    """

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(
        self, image: Float[Tensor, "n c h w"]
    ) -> tuple[Float[Tensor, "n k"], Float[Tensor, "n k"]]:
        """Mean and log variance of the code of `image`."""
        mean, raw = self.body(image).float().chunk(2, dim=1)
        return mean, LARGEST_LOG_VARIANCE * torch.tanh(raw / LARGEST_LOG_VARIANCE)

    @classmethod
    def convolutional(
        cls, *, resolution: int, channels: int, code_size: int, width: int = 64
    ) -> GaussianEncoder:
        """Three halvings, and a dense layer of 16 · width."""
        layer_channels(resolution, width)
        values = 4 * width * (resolution // 8) ** 2
        return cls(
            nn.Sequential(
                *_down(channels, width),
                *_down(width, 2 * width),
                *_down(2 * width, 4 * width),
                nn.Flatten(),
                *_dense(values, 16 * width),
                nn.Linear(16 * width, 2 * code_size),
            )
        )


class VAEGenerator(nn.Module):
    """Codes to pictures: the decoder."""

    def __init__(
        self, *, resolution: int, channels: int, latent_size: int, width: int = 64
    ) -> None:
        super().__init__()
        middle, side = layer_channels(resolution, width)[1], resolution // 8
        self.body = nn.Sequential(
            *_dense(latent_size, 4 * width * side**2),
            nn.Unflatten(1, (4 * width, side, side)),
            *_up(4 * width, middle),
            *_up(middle, 2 * width),
            *_up(2 * width, width // 2),
            nn.Conv2d(width // 2, channels, 5, padding=2),
            nn.Tanh(),
        )

    def forward(self, z: Float[Tensor, "n z"]) -> Float[Tensor, "n c h w"]:
        """Draw the pictures of `z`."""
        return self.body(z).float()


class FeatureDiscriminator(nn.Module):
    """Pictures to logits of being real, and to the features of layer l on the way."""

    def __init__(self, trunk: nn.Module, head: nn.Module) -> None:
        """`trunk` leads up to layer l, `head` from there to one score."""
        super().__init__()
        self.trunk, self.head = trunk, head

    @classmethod
    def convolutional(
        cls, *, resolution: int, channels: int, width: int = 64
    ) -> FeatureDiscriminator:
        """The published one, cut behind its second halving, or above 32 pixels its third."""
        first, second, third = layer_channels(resolution, width)
        values = third * (resolution // 8) ** 2
        layers = [
            nn.Conv2d(channels, width // 2, 5, padding=2),
            nn.ReLU(inplace=True),
            *_down(width // 2, first),
            *_down(first, second),
            *_down(second, third),
            nn.Flatten(),
            *_dense(values, 8 * width),
            nn.Linear(8 * width, 1),
        ]
        cut = 6 if resolution <= 32 else 9  # behind a convolution, in front of its batch norm
        return cls(nn.Sequential(*layers[:cut]), nn.Sequential(*layers[cut:]))

    def both(
        self, image: Float[Tensor, "n c h w"]
    ) -> tuple[Float[Tensor, "n f *space"], Float[Tensor, " n"]]:
        """The features of layer l, and the scores."""
        features = self.trunk(image)
        return features.float(), self.head(features).float().squeeze(1)

    def features(self, image: Float[Tensor, "n c h w"]) -> Float[Tensor, "n f *space"]:
        """The features of layer l."""
        return self.trunk(image).float()

    def forward(self, image: Float[Tensor, "n c h w"]) -> Float[Tensor, " n"]:
        """Judge `image`."""
        return self.both(image)[1]


def dense_encoder(
    *, resolution: int, channels: int, code_size: int, hidden: int = 1024
) -> GaussianEncoder:
    """Two hidden layers with batch norm."""
    values = channels * resolution**2
    layers = [*_dense(values, hidden), *_dense(hidden, hidden)]
    return GaussianEncoder(nn.Sequential(nn.Flatten(), *layers, nn.Linear(hidden, 2 * code_size)))


def dense_decoder(
    *, resolution: int, channels: int, latent_size: int, hidden: int = 1024
) -> nn.Module:
    """Two hidden layers with batch norm, and tanh."""
    return nn.Sequential(
        *_dense(latent_size, hidden),
        *_dense(hidden, hidden),
        nn.Linear(hidden, channels * resolution**2),
        nn.Tanh(),
        nn.Unflatten(1, (channels, resolution, resolution)),
    )


def dense_discriminator(
    *, resolution: int, channels: int, hidden: int = 1024
) -> FeatureDiscriminator:
    """Two hidden layers with batch norm; l is the first, in front of its norm."""
    first, *rest = _dense(channels * resolution**2, hidden)
    return FeatureDiscriminator(
        nn.Sequential(nn.Flatten(), first),
        nn.Sequential(*rest, *_dense(hidden, hidden), nn.Linear(hidden, 1)),
    )
