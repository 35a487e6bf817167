"""The networks of ALI for pictures of 32 pixels.

    encoder         x → 5×5 32, 4×4s2 64, 4×4 128, 4×4s2 256, 4×4 512, 1×1 512 → 1×1 code
    generator       z → 4×4 256, 4×4s2 128, 4×4 64, 4×4s2 32, 5×5 32, 1×1 32 → 1×1, tanh
    discriminator   x → 5×5 32, 4×4s2 64, 4×4 128, 4×4s2 256, 4×4 512
                    z → 1×1 512, 1×1 512;    both → 1×1 1024, 1×1 1024 → 1×1 1

No convolution is padded: 32 pixels become 28, 13, 10, 4 and 1. Encoder and generator have batch
norm and a leak of 0.1 behind each layer but the last. The discriminator has maxout of two pieces,
so that half of the channels go on, and dropout in front of each layer: 0.2 of what comes in, 0.5
elsewhere.
`width` is the 32; the others are multiples of it. Weights start from N(0, 0.01).

Source:  Dumoulin et al. 2017, "Adversarially Learned Inference", table 3, and the code published
         with it (also Belghazi).
Departs: pictures end in tanh on [−1, 1], there in a sigmoid on [0, 1] whose bias starts at the
         data's mean. That code drops units in front of some layers of the discriminator only; we
         follow the table. Biases of last layers are common to all pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from progan.core.errors import ConfigError

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["ALIJoint", "ConvMaxout", "encoder", "generator"]

SIDE = 32
LEAK = 0.1


def _check(resolution: int) -> None:
    if resolution != SIDE:
        raise ConfigError(
            f"resolution is {resolution}; ALI's networks are made for {SIDE} pixels: "
            f"--set data.resolution={SIDE}, or --set network=dcgan"
        )


def _start(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.01)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _normed(layer: nn.Module, channels: int) -> list[nn.Module]:
    return [layer, nn.BatchNorm2d(channels), nn.LeakyReLU(LEAK, inplace=True)]


def encoder(*, resolution: int, channels: int, outputs: int, width: int = 32) -> nn.Sequential:
    """Pictures of 32 pixels to `outputs` numbers."""
    _check(resolution)
    layers: list[nn.Module] = []
    before = channels
    for times, kernel, stride in (
        (1, 5, 1),
        (2, 4, 2),
        (4, 4, 1),
        (8, 4, 2),
        (16, 4, 1),
        (16, 1, 1),
    ):
        after = times * width
        layers += _normed(nn.Conv2d(before, after, kernel, stride, bias=False), after)
        before = after
    return nn.Sequential(*layers, nn.Conv2d(before, outputs, 1), nn.Flatten()).apply(_start)


def generator(
    *, resolution: int, channels: int, latent_size: int, width: int = 32
) -> nn.Sequential:
    """Latents to pictures of 32 pixels."""
    _check(resolution)
    layers: list[nn.Module] = [nn.Unflatten(1, (latent_size, 1, 1))]
    before = latent_size
    for times, kernel, stride in ((8, 4, 1), (4, 4, 2), (2, 4, 1), (1, 4, 2), (1, 5, 1), (1, 1, 1)):
        after = times * width
        layers += _normed(nn.ConvTranspose2d(before, after, kernel, stride, bias=False), after)
        before = after
    return nn.Sequential(*layers, nn.Conv2d(before, channels, 1), nn.Tanh()).apply(_start)


class ConvMaxout(nn.Module):
    """A convolution of which each output channel is the largest of two neighbours."""

    def __init__(self, before: int, after: int, kernel: int = 1, stride: int = 1) -> None:
        """`after` counts the channels in front of the choice."""
        super().__init__()
        self.convolution = nn.Conv2d(before, after, kernel, stride)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d i j"]:
        """Convolve `x`, and keep the larger of each pair."""
        return self.convolution(x).unflatten(1, (-1, 2)).amax(dim=2)


class ALIJoint(nn.Module):
    """Pairs of picture and code to scores."""

    def __init__(
        self, *, resolution: int, channels: int, latent_size: int, width: int = 32
    ) -> None:
        super().__init__()
        _check(resolution)
        image: list[nn.Module] = []
        before, dropped = channels, 0.2
        for times, kernel, stride in ((1, 5, 1), (2, 4, 2), (4, 4, 1), (8, 4, 2), (16, 4, 1)):
            image += [nn.Dropout(dropped), ConvMaxout(before, times * width, kernel, stride)]
            before, dropped = times * width // 2, 0.5
        wide = 16 * width
        self.image = nn.Sequential(*image)
        self.code = nn.Sequential(
            nn.Unflatten(1, (latent_size, 1, 1)),
            nn.Dropout(0.2),
            ConvMaxout(latent_size, wide),
            nn.Dropout(0.5),
            ConvMaxout(wide // 2, wide),
        )
        self.joint = nn.Sequential(
            nn.Dropout(0.5),
            ConvMaxout(wide, 2 * wide),
            nn.Dropout(0.5),
            ConvMaxout(wide, 2 * wide),
            nn.Dropout(0.5),
            nn.Conv2d(wide, 1, 1),
        )
        self.apply(_start)

    def forward(
        self, image: Float[Tensor, "n c h w"], z: Float[Tensor, "n z"]
    ) -> Float[Tensor, " n"]:
        """Judge the pairs of `image` and `z`."""
        both = torch.cat([self.image(image), self.code(z)], dim=1)
        return self.joint(both).float().flatten()
