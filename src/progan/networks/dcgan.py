"""The convolutional networks of DCGAN.

    generator       z → 4×4 → [double, batch norm, relu] … → double, tanh
    discriminator   [halve, leaky relu], [halve, batch norm, leaky relu] … → 4×4 → 1

All resizing is done by strided convolutions, there are no dense layers, and weights start from
N(0, 0.02). Channels double as the size halves: `width` at half the full size, at 64 pixels 1024
at 4×4 with the paper's width of 128.

There are two sets of code by the paper's authors, which differ (`layout`):

                            torch                      theano
    kernels                 4×4                        5×5
    biases                  where no norm follows      none
    norm at 4×4             of each channel            of each number, as after a dense layer

Source:  Radford et al. 2016 (DCGAN), section 3 and figure 1; Torch code (soumith/dcgan.torch) and
         Theano code (Newmu/dcgan_code, faces/train_uncond_dcgan.py).
Departs: any power of two from 8 pixels up; channels stop at 8 · width. The norm can be left out,
         and in the critic be one over each picture alone, for games that look at slopes. The Torch
         code adds biases before batch norms too, which take them away again.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_max_pool2d

from progan.core.errors import ConfigError

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["ConvDiscriminator", "ConvGenerator", "Layout", "Norm", "leaky", "pooled"]

Norm = Literal["batch", "layer", "none"]
"""layer: over all channels and pixels of one picture, with a gain and bias per channel."""
Layout = Literal["torch", "theano"]


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
    elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.GroupNorm) and module.affine:
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


def normed(channels: int, norm: Norm) -> list[nn.Module]:
    """The norm after a layer, as a list of one, or of none."""
    if norm == "batch":
        return [nn.BatchNorm2d(channels)]
    return [nn.GroupNorm(1, channels)] if norm == "layer" else []


def leaky() -> nn.Module:
    """The discriminator's rectifier: a fifth of what is below 0 passes."""
    return nn.LeakyReLU(0.2, inplace=True)


def doubling(before: int, after: int, layout: Layout, *, bias: bool) -> nn.ConvTranspose2d:
    """Twice the size."""
    if layout == "theano":
        return nn.ConvTranspose2d(
            before, after, 5, stride=2, padding=2, output_padding=1, bias=False
        )
    return nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, bias=bias)


def halving(before: int, after: int, layout: Layout, *, bias: bool) -> nn.Conv2d:
    """Half the size."""
    if layout == "theano":
        return nn.Conv2d(before, after, 5, stride=2, padding=2, bias=False)
    return nn.Conv2d(before, after, 4, stride=2, padding=1, bias=bias)


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
        layout: Layout = "torch",
    ) -> None:
        super().__init__()
        sizes, plain = widths(resolution, width), norm == "none"
        each = layout == "theano" and norm == "batch"
        first: list[nn.Module] = normed(sizes[0], norm)
        if each:
            first = [
                nn.Flatten(),
                nn.BatchNorm1d(16 * sizes[0]),
                nn.Unflatten(1, (sizes[0], 4, 4)),
            ]
        layers: list[nn.Module] = [
            nn.Unflatten(1, (latent_size, 1, 1)),
            nn.ConvTranspose2d(latent_size, sizes[0], 4, bias=plain and layout == "torch"),
            *first,
            nn.ReLU(inplace=True),
        ]
        for before, after in pairwise(sizes):
            layers += [
                doubling(before, after, layout, bias=plain),
                *normed(after, norm),
                nn.ReLU(inplace=True),
            ]
        layers += [doubling(sizes[-1], channels, layout, bias=True), nn.Tanh()]
        self.body = nn.Sequential(*layers)
        self.apply(start_small)

    def forward(self, z: Float[Tensor, "n z"]) -> Float[Tensor, "n c h w"]:
        """Draw the pictures of `z`."""
        return self.body(z).float()


class ConvDiscriminator(nn.Module):
    """Square pictures to scores, such as logits of being real, through strided convolutions."""

    def __init__(
        self,
        *,
        resolution: int,
        channels: int,
        width: int = 128,
        norm: Norm = "batch",
        layout: Layout = "torch",
        rectifier: Callable[[], nn.Module] = leaky,
    ) -> None:
        super().__init__()
        sizes, plain = widths(resolution, width)[::-1], norm == "none"
        layers: list[nn.Module] = [halving(channels, sizes[0], layout, bias=True), rectifier()]
        for before, after in pairwise(sizes):
            layers += [
                halving(before, after, layout, bias=plain),
                *normed(after, norm),
                rectifier(),
            ]
        layers += [nn.Conv2d(sizes[-1], 1, 4, bias=layout == "torch"), nn.Flatten(0)]
        self.body = nn.Sequential(*layers)
        self.apply(start_small)

    def forward(self, image: Float[Tensor, "n c h w"]) -> Float[Tensor, " n"]:
        """Judge `image`."""
        return self.body(image).float()

    def maps(self, image: Float[Tensor, "n c h w"]) -> list[Tensor]:
        """What each convolution but the last finds, rectified: n c h w, the largest first."""
        found: list[Tensor] = []
        for layer in list(self.body)[:-2]:
            image = layer(image)
            if isinstance(layer, nn.LeakyReLU | nn.RReLU):
                found.append(image)
        return found


def pooled(maps: list[Tensor], side: int = 4) -> Float[Tensor, "n f"]:
    """All maps as one row of numbers: the largest value in each of side × side parts of each map.

    Source: Radford et al. 2016, section 5.1.
    """
    return torch.cat([adaptive_max_pool2d(one, side).flatten(1) for one in maps], dim=1).float()
