"""Autoencoders: networks that squeeze a picture through a code and draw it again.

    dense           x → [dense, relu] … → code → [relu, dense] … → dense (, tanh)
    convolutional   x → [halve, norm, leaky relu] … → 4×4 → code → 4×4 → [double, norm, relu] …
                    → double, tanh

The convolutional one has no norm after its first layer, and channels that double as the size
halves, from `width` at half the full size. Without a code of its own it is EBGAN's: it halves
three times, the code is what lies there, and doubles three times.

Source:  Zhao et al. 2017 (EBGAN), section 4.3 and the tables of its appendix: (64)4c2s-(128)4c2s-
         (256)4c2s for 64 pixels, and its mirror image; dense layers for MNIST.
Departs: channels stop at 8 · width. Pictures end in tanh on [−1, 1], points in nothing.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from torch import nn

from progan.networks.dcgan import Norm, normed, start_small, widths
from progan.networks.mlp import stack

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

__all__ = ["Autoencoder", "ConvAutoencoder", "DenseAutoencoder"]


class Autoencoder(nn.Module):
    """An encoder and a decoder; called with pictures, it gives their reconstructions."""

    encoder: nn.Module
    decoder: nn.Module

    def encode(self, image: Float[Tensor, "n c h w"]) -> Float[Tensor, "n k"]:
        """The codes of `image`."""
        return self.encoder(image).float()

    def decode(self, code: Float[Tensor, "n k"]) -> Float[Tensor, "n c h w"]:
        """The pictures of `code`."""
        return self.decoder(code).float()

    def forward(self, image: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Draw `image` from its code."""
        return self.decode(self.encode(image))


class DenseAutoencoder(Autoencoder):
    """Dense layers from all pixels to the code, and back; `bounded` pictures end in tanh."""

    def __init__(
        self,
        *,
        resolution: int,
        channels: int,
        code_size: int,
        hidden: tuple[int, ...] = (512, 256),
        bounded: bool = True,
    ) -> None:
        super().__init__()
        sizes = [channels * resolution**2, *hidden, code_size]
        self.encoder = nn.Sequential(nn.Flatten(), *stack(sizes, nn.ReLU))
        self.decoder = nn.Sequential(
            *stack(sizes[::-1], nn.ReLU),
            *([nn.Tanh()] if bounded else []),
            nn.Unflatten(1, (channels, resolution, resolution)),
        )


class ConvAutoencoder(Autoencoder):
    """Strided 4×4 convolutions to a code of `code_size` numbers, or to the maps of the third."""

    def __init__(
        self,
        *,
        resolution: int,
        channels: int,
        width: int = 64,
        code_size: int | None = 64,
        norm: Norm = "batch",
    ) -> None:
        super().__init__()
        sizes, plain = widths(resolution, width)[::-1], norm == "none"
        if code_size is None:
            sizes = sizes[:3]
        down: list[nn.Module] = [
            nn.Conv2d(channels, sizes[0], 4, stride=2, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
        ]
        for before, after in pairwise(sizes):
            down += [
                nn.Conv2d(before, after, 4, stride=2, padding=1, bias=plain),
                *normed(after, norm),
                nn.LeakyReLU(0.2, inplace=True),
            ]
        up: list[nn.Module] = []
        if code_size is None:
            side = resolution >> len(sizes)
            down += [nn.Flatten()]
            up += [nn.Unflatten(1, (sizes[-1], side, side))]
        else:
            down += [nn.Conv2d(sizes[-1], code_size, 4), nn.Flatten()]
            up += [
                nn.Unflatten(1, (code_size, 1, 1)),
                nn.ConvTranspose2d(code_size, sizes[-1], 4, bias=plain),
                *normed(sizes[-1], norm),
                nn.ReLU(inplace=True),
            ]
        for before, after in pairwise(sizes[::-1]):
            up += [
                nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, bias=plain),
                *normed(after, norm),
                nn.ReLU(inplace=True),
            ]
        up += [nn.ConvTranspose2d(sizes[0], channels, 4, stride=2, padding=1), nn.Tanh()]
        self.encoder = nn.Sequential(*down)
        self.decoder = nn.Sequential(*up)
        self.apply(start_small)
