"""Generators that turn a picture into another of the same size.

    resnet   rp3 c7-w N R, c3s2-2w N R, c3s2-4w N R, [rp1 c3-4w N R rp1 c3-4w N, + x] × blocks,
             [double-2w N R], [double-w N R], rp3 c7 tanh
    unet     down c4s2 by `levels`: w 2w 4w 8w 8w …, LR before all but the first, N behind all but
             the first and the last; up the same way back: R, c4-transposed, N, dropped in the
             levels between 8w and 8w, and beside each the maps of its size on the way down; tanh

c7-w is a 7 × 7 convolution to w channels, s2 has stride 2, rp3 pads by reflection, R is the
rectifier, LR the leaky one of slope 0.2, N the norm. Doubling is a transposed 3 × 3 convolution,
or (`doubling=resize`) every pixel four times and then 3 × 3, which leaves no checkerboard.

Source:  resnet: Zhu et al. 2017 (CycleGAN), section 4 and appendix 7.2, after Johnson et al. 2016;
         unet: Isola et al. 2017 (pix2pix), section 6.1.1; resizing: Odena et al. 2016,
         "Deconvolution and Checkerboard Artifacts". Names of weights within are those of the code
         published with both (junyanz/pytorch-CycleGAN-and-pix2pix).
Departs: U-Nets end at any size from 1 × 1 up, by `levels`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, instance_norm

from progan.core.errors import ConfigError
from progan.networks.patchgan import Norm, norm_layer

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = [
    "Doubling",
    "ResNetTranslator",
    "TestTime",
    "UNetTranslator",
    "check_multiple",
    "doubled",
]

Doubling = Literal["transposed", "resize"]
LEAK = 0.2
DROPPED = 0.5


def check_multiple(image: Tensor, multiple: int, *, least: int = 1) -> None:
    """Refuse pictures whose height and width are no multiples, or less than `least`.

    Raises: ConfigError.
    """
    height, width = image.shape[2:]
    if height % multiple or width % multiple or min(height, width) < least:
        fits = [max(least, round(size / multiple) * multiple) for size in (width, height)]
        more = f", and {least} or more" if least > multiple else ""
        raise ConfigError(
            f"the picture has {width} × {height} pixels, but both must be multiples of "
            f"{multiple} here{more}: resize it to {fits[0]} × {fits[1]}."
        )


def doubled(inputs: int, outputs: int, how: Doubling, *, bias: bool = True) -> list[nn.Module]:
    """Twice the height and width."""
    if how == "transposed":
        return [nn.ConvTranspose2d(inputs, outputs, 3, 2, 1, output_padding=1, bias=bias)]
    convolution = nn.Conv2d(inputs, outputs, 3, bias=bias)
    return [nn.Sequential(nn.Upsample(scale_factor=2), nn.ReflectionPad2d(1), convolution)]


class TestTime(nn.Module):
    """What a layer does once training is over, where papers want more than evaluation."""

    __test__ = False
    as_trained = False
    """Whether dropout goes on, and batch norm looks at each picture by itself."""


class LastingDropout(TestTime):
    """Dropout that can go on after training: the only noise that pix2pix has.

    Source: Isola et al. 2017 (pix2pix), section 3.
    """

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Drop half of `x`."""
        return dropout(x, DROPPED, training=self.training or self.as_trained)


class LastingBatchNorm(nn.BatchNorm2d, TestTime):
    """Batch norm that can go on by each picture's own statistics, as batches of one have them.

    Source: Isola et al. 2017 (pix2pix), section 3.3, "batch normalization using the statistics of
            the test batch", where that is one picture.
    """

    def forward(self, input: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Normalise `input`."""
        if self.as_trained and not self.training:
            return instance_norm(input, weight=self.weight, bias=self.bias, eps=self.eps)
        return super().forward(input)


def lasting_norm(norm: Norm, channels: int) -> list[nn.Module]:
    """The same norms, with batch norm that can go on."""
    return [LastingBatchNorm(channels)] if norm == "batch" else norm_layer(norm, channels)


class ResNetBlock(nn.Module):
    """x + N c3 R N c3 x, padded by reflection; half may be dropped behind the rectifier."""

    def __init__(self, channels: int, norm: Norm, *, dropped: bool) -> None:
        super().__init__()
        bias = norm != "batch"
        self.conv_block = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3, bias=bias),
            *lasting_norm(norm, channels),
            nn.ReLU(),
            *([LastingDropout()] if dropped else []),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3, bias=bias),
            *lasting_norm(norm, channels),
        )

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Add to `x` what the block finds in it."""
        return x + self.conv_block(x)


class ResNetTranslator(nn.Module):
    """Pictures to pictures by way of residual blocks at a quarter of the size."""

    multiple = 4

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        width: int = 64,
        blocks: int = 9,
        norm: Norm = "instance",
        doubling: Doubling = "transposed",
        dropped: bool = False,
    ) -> None:
        super().__init__()
        bias = norm != "batch"
        self.body = nn.Sequential(
            nn.ReflectionPad2d(3),
            nn.Conv2d(inputs, width, 7, bias=bias),
            *lasting_norm(norm, width),
            nn.ReLU(),
        )
        for size in (2 * width, 4 * width):
            self.body.append(nn.Conv2d(size // 2, size, 3, 2, 1, bias=bias))
            self.body.extend([*lasting_norm(norm, size), nn.ReLU()])
        self.body.extend(ResNetBlock(4 * width, norm, dropped=dropped) for _ in range(blocks))
        for size in (2 * width, width):
            self.body.extend(doubled(2 * size, size, doubling, bias=bias))
            self.body.extend([*lasting_norm(norm, size), nn.ReLU()])
        self.body.extend([nn.ReflectionPad2d(3), nn.Conv2d(width, outputs, 7), nn.Tanh()])

    def forward(self, image: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d h w"]:
        """Translate `image`."""
        check_multiple(image, self.multiple, least=2 * self.multiple)
        return self.body(image).float()


class UNetLevel(nn.Module):
    """One halving, what lies within, and one doubling; with `x` itself beside what comes out."""

    def __init__(
        self,
        outer: int,
        inner: int,
        within: nn.Module | None,
        *,
        norm: Norm,
        dropped: bool,
    ) -> None:
        super().__init__()
        bias = norm != "batch"
        down: list[nn.Module] = [nn.LeakyReLU(LEAK), nn.Conv2d(outer, inner, 4, 2, 1, bias=bias)]
        if within is not None:
            down += [*lasting_norm(norm, inner), within]
        inputs = inner if within is None else 2 * inner
        up = [nn.ReLU(), nn.ConvTranspose2d(inputs, outer, 4, 2, 1, bias=bias)]
        last: list[nn.Module] = [LastingDropout()] if dropped else []
        self.body = nn.Sequential(*down, *up, *lasting_norm(norm, outer), *last)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d h w"]:
        """`x` and what the level makes of it, side by side."""
        return torch.cat([x, self.body(x)], dim=1)


class UNetTranslator(nn.Module):
    """Pictures to pictures by way of ever smaller maps, each handed across to the way back."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        levels: int,
        width: int = 64,
        norm: Norm = "batch",
        dropped: bool = True,
    ) -> None:
        super().__init__()
        self.multiple = 2**levels
        sizes = [width * min(2**level, 8) for level in range(levels)]
        within: nn.Module | None = None
        for level in reversed(range(1, levels)):
            outer, inner = sizes[level - 1], sizes[level]
            drop = dropped and outer == inner and within is not None
            within = UNetLevel(outer, inner, within, norm=norm, dropped=drop)
        assert within is not None
        self.body = nn.Sequential(
            nn.Conv2d(inputs, width, 4, 2, 1, bias=norm != "batch"),
            within,
            nn.ReLU(),
            nn.ConvTranspose2d(2 * width, outputs, 4, 2, 1),
            nn.Tanh(),
        )

    def forward(self, image: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d h w"]:
        """Translate `image`."""
        check_multiple(image, self.multiple, least=self.multiple)
        return self.body(image).float()
