"""The tiny networks of ProGAN's stacked-MNIST test, which count how many modes survive.

    generator   z 64 → 4×4×64, then [double, conv] to 32, 16, 8 channels → conv 3×3 → tanh
    critic      [conv to 8/X, 16/X, 32/X channels, halve] → dense 1

At X = 4 the critic has 542 weights, at X = 2 it has 1,804: K/4 and K/2 of Metz et al. 2017.
Both can grow like the big ones; the critic then reads coarser pictures through 1×1 convolutions.

Source: Karras et al. 2018 (ProGAN), appendix D and table 4; shapes from its Theano code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from progan.core.errors import ConfigError
from progan.layers.equalized import ROOT_TWO, EqualizedConv2d, EqualizedLinear
from progan.layers.norm import pixel_norm
from progan.layers.resample import down, fade, fades, up
from progan.layers.spread import MinibatchStddev
from progan.networks.progressive import Layer, resolutions

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["ModeCritic", "ModeGenerator"]


def width(resolution: int) -> int:
    """64 channels at 4×4, half as many at each doubling."""
    if not 8 <= resolution <= 32:
        raise ConfigError(
            f"resolution is {resolution}; the `modes` network is made for 8, 16 or 32 pixels: "
            "--set data.resolution=32, or --set network=progressive"
        )
    return 256 // resolution


class ModeGenerator(nn.Module):
    """Latents to pictures through one convolution per size; slope 0.3, as in the original."""

    def __init__(
        self,
        *,
        resolution: int,
        channels: int,
        latent_size: int,
        equalized: bool,
        pixelnorm: bool,
        batch_norm: bool,
        tanh: bool,
    ) -> None:
        super().__init__()
        self.tanh = tanh

        def layer(conv: nn.Module, out: int) -> Layer:
            norm = nn.BatchNorm2d(out) if batch_norm else None
            return Layer(conv, norm=norm, slope=0.3, pixelnorm=pixelnorm)

        stem = nn.Sequential(
            EqualizedLinear(latent_size, 16 * 64, gain=ROOT_TWO / 4, equalized=equalized),
            nn.Unflatten(1, (64, 4, 4)),
        )
        self.blocks = nn.ModuleDict({"4": layer(stem, 64)})
        self.to_image = nn.ModuleDict()
        before = 64
        for r in resolutions(resolution):
            if r > 4:
                conv = EqualizedConv2d(before, width(r), equalized=equalized)
                self.blocks[str(r)] = nn.Sequential(
                    nn.Upsample(scale_factor=2), layer(conv, width(r))
                )
                before = width(r)
            self.to_image[str(r)] = EqualizedConv2d(before, channels, gain=1.0, equalized=equalized)

    def forward(
        self, z: Float[Tensor, "n z"], label: None, resolution: int, alpha: float | Tensor = 1.0
    ) -> Float[Tensor, "n c r r"]:
        """Draw the pictures of `z`; there are no labels here."""
        x = coarse = self.blocks["4"](pixel_norm(z))
        for r in resolutions(resolution)[1:]:
            coarse, x = x, self.blocks[str(r)](x)
        image = self.picture(x, resolution)
        if fades(alpha) and resolution > 4:
            image = fade(up(self.picture(coarse, resolution // 2)), image, alpha)
        return image

    def picture(self, x: Tensor, resolution: int) -> Tensor:
        """Features as colours."""
        image = self.to_image[str(resolution)](x).float()
        return image.tanh() if self.tanh else image


class ModeCritic(nn.Module):
    """Pictures to scores through one convolution per size; slope 0.2."""

    meter = None

    def __init__(
        self,
        *,
        resolution: int,
        channels: int,
        shrink: int,
        equalized: bool,
        batch_norm: bool,
        stddev: MinibatchStddev | None,
    ) -> None:
        super().__init__()
        self.stddev = stddev
        self.blocks = nn.ModuleDict()
        self.from_image = nn.ModuleDict()
        before = channels
        for r in reversed(resolutions(resolution)):
            if r < resolution:  # the largest pictures go straight into their block
                self.from_image[str(r)] = Layer(
                    EqualizedConv2d(channels, before, 1, equalized=equalized)
                )
            if r > 4:
                out = width(r) // shrink
                norm = nn.BatchNorm2d(out) if batch_norm else None
                conv = Layer(EqualizedConv2d(before, out, equalized=equalized), norm=norm)
                self.blocks[str(r)] = nn.Sequential(conv, nn.AvgPool2d(2))
                before = out
        inputs = 16 * (before + (stddev is not None))
        self.score = EqualizedLinear(inputs, 1, gain=1.0, equalized=equalized)

    def forward(
        self,
        image: Float[Tensor, "n c r r"],
        resolution: int,
        alpha: float | Tensor = 1.0,
        parts: int = 1,
    ) -> Float[Tensor, "n 1"]:
        """Judge pictures of `resolution`."""
        x = self.entrance(image, resolution)
        for r in reversed(resolutions(resolution)[1:]):
            x = self.blocks[str(r)](x)
            if r == resolution and fades(alpha):
                x = fade(self.entrance(down(image), r // 2), x, alpha)
        if self.stddev is not None:
            x = self.stddev(x, parts)
        with torch.autocast(x.device.type, enabled=False):
            return self.score(x.float().flatten(1))

    def entrance(self, image: Tensor, resolution: int) -> Tensor:
        """The picture as the block of its size takes it."""
        key = str(resolution)
        return self.from_image[key](image) if key in self.from_image else image

    def calibrate(self, image: Tensor, resolution: int) -> None:
        """Nothing here is measured on data."""
