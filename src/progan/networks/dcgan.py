"""The convolutional networks of DCGAN.

    generator       z → 4×4 → [double, batch norm, relu] … → double, tanh
    discriminator   [halve, leaky relu], [halve, batch norm, leaky relu] … → 4×4 → 1

All resizing is done by strided 4×4 convolutions, there are no dense layers, and weights start
from N(0, 0.02). Channels double as the size halves: `width` at half the full size, at 64 pixels
1024 at 4×4 with the paper's width of 128.

Source:  Radford et al. 2016 (DCGAN), section 3 and figure 1; kernel size and the missing batch
         norm at both ends from its Torch code.
Departs: any power of two from 8 pixels up; channels stop at 8 · width. The norm can be left out,
         and in the critic be one over each picture alone, for games that look at slopes.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from torch import Tensor, nn

from progan.core.errors import ConfigError

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["ConvDiscriminator", "ConvGenerator", "Norm"]

Norm = Literal["batch", "layer", "none"]
"""layer: over all channels and pixels of one picture, with a gain and bias per channel."""


def widths(resolution: int, width: int) -> list[int]:
    """Channels from 4×4 up to half the full size."""
    if resolution.bit_count() != 1 or resolution < 8:
        raise ConfigError(
            f"resolution is {resolution}; the dcgan network needs a power of two from 8 up: "
            "--set data.resolution=32, or --set network=mlp"
        )
    halvings = resolution.bit_length() - 3  # from the full size down to 4
    return [width * 2 ** min(level, 3) for level in reversed(range(halvings))]


def start_small(module: nn.Module) -> None:
    """Weights from N(0, 0.02), scales of norms from N(1, 0.02), biases 0."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d | nn.GroupNorm) and module.affine:
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


def normed(channels: int, norm: Norm) -> list[nn.Module]:
    """The norm after a layer, as a list of one, or of none."""
    if norm == "batch":
        return [nn.BatchNorm2d(channels)]
    return [nn.GroupNorm(1, channels)] if norm == "layer" else []


class ConvGenerator(nn.Module):
    """Latents to square pictures through strided transposed convolutions."""

    def __init__(
        self,
        *,
        resolution: int,
        channels: int,
        latent_size: int,
        width: int = 128,
        norm: Norm = "batch",
    ) -> None:
        super().__init__()
        sizes, plain = widths(resolution, width), norm == "none"
        layers: list[nn.Module] = [
            nn.Unflatten(1, (latent_size, 1, 1)),
            nn.ConvTranspose2d(latent_size, sizes[0], 4, bias=plain),
            *normed(sizes[0], norm),
            nn.ReLU(inplace=True),
        ]
        for before, after in pairwise(sizes):
            layers += [
                nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, bias=plain),
                *normed(after, norm),
                nn.ReLU(inplace=True),
            ]
        layers += [nn.ConvTranspose2d(sizes[-1], channels, 4, stride=2, padding=1), nn.Tanh()]
        self.body = nn.Sequential(*layers)
        self.apply(start_small)

    def forward(self, z: Float[Tensor, "n z"]) -> Float[Tensor, "n c h w"]:
        """Draw the pictures of `z`."""
        return self.body(z).float()


class ConvDiscriminator(nn.Module):
    """Square pictures to scores, such as logits of being real, through strided convolutions."""

    def __init__(
        self, *, resolution: int, channels: int, width: int = 128, norm: Norm = "batch"
    ) -> None:
        super().__init__()
        sizes, plain = widths(resolution, width)[::-1], norm == "none"
        layers: list[nn.Module] = [
            nn.Conv2d(channels, sizes[0], 4, stride=2, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
        ]
        for before, after in pairwise(sizes):
            layers += [
                nn.Conv2d(before, after, 4, stride=2, padding=1, bias=plain),
                *normed(after, norm),
                nn.LeakyReLU(0.2, inplace=True),
            ]
        layers += [nn.Conv2d(sizes[-1], 1, 4), nn.Flatten(0)]
        self.body = nn.Sequential(*layers)
        self.apply(start_small)

    def forward(self, image: Float[Tensor, "n c h w"]) -> Float[Tensor, " n"]:
        """Judge `image`."""
        return self.body(image).float()
