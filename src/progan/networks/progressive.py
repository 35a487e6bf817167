"""ProGAN's growing generator and critic, whole from the start.

All blocks are built at once, so parameters, optimizers and files keep their names while the
picture grows; a call evaluates only the blocks up to the resolution it is asked for. While a
resolution fades in, α weighs its layers and 1 − α the next coarser picture:

    generator   α · toRGB_r(block_r(x)) + (1 − α) · up(toRGB_{r/2}(x))
    critic      α · block_r(fromRGB_r(y)) + (1 − α) · fromRGB_{r/2}(down(y))

Source: Karras et al. 2018 (ProGAN), section 2, figure 2 and table 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from progan.layers.convolve import channels_last
from progan.layers.equalized import (
    ROOT_TWO,
    EqualizedConv2d,
    EqualizedDownConv2d,
    EqualizedLinear,
    EqualizedUpConv2d,
)
from progan.layers.forgetful import forgetful
from progan.layers.labels import LabelledScale, label_rows
from progan.layers.noise import LeadMeter, MultiplicativeNoise
from progan.layers.norm import pixel_norm
from progan.layers.resample import down, fade, fades, up
from progan.layers.spectral import with_spectral_norm
from progan.layers.spread import MinibatchStddev
from progan.networks.verdict import Condition, Layer, Verdict

if TYPE_CHECKING:
    from jaxtyping import Float, Int

__all__ = ["Critic", "Enlarge", "Generator", "Layer", "resolutions"]

LABEL_UNIT = 0.1
"""What the numbers of a label are multiplied with before gains and biases are made of them: at the
rates of equalized layers they would otherwise outrun the rest, and pictures of a class be alike."""


def resolutions(last: int) -> list[int]:
    """4, 8, 16, … up to `last`."""
    return [2**power for power in range(2, last.bit_length())]


def by_resolution(layers: Mapping[int, nn.Module] | None) -> nn.ModuleDict:
    """Layers by the name of their resolution."""
    return nn.ModuleDict({str(r): layer for r, layer in (layers or {}).items()})


def looked(attention: nn.ModuleDict, x: Tensor, resolution: int) -> Tensor:
    """Features `x` of `resolution`, after its attention if it has any."""
    name = str(resolution)
    seen: Tensor = attention[name](x) if name in attention else x
    return seen


class Enlarge(EqualizedConv2d):
    """Nearest neighbour, then a convolution: `EqualizedUpConv2d` in two steps."""

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n o 2*h 2*w"]:
        """Enlarge and convolve `x`."""
        return super().forward(up(x))


class _Stem(nn.Module):
    """The latent, spread over 4×4 pixels: a dense matrix with one bias per channel."""

    def __init__(self, latent_size: int, width: int, *, equalized: bool) -> None:
        super().__init__()
        # Gain √2 / 4: the original's transposed 4×4 convolution counted 16 taps as inputs.
        self.dense = EqualizedLinear(
            latent_size, 16 * width, gain=ROOT_TWO / 4, equalized=equalized, bias=False
        )
        self.bias = nn.Parameter(torch.zeros(width, 1, 1))

    def forward(self, z: Float[Tensor, "n z"]) -> Float[Tensor, "n c 4 4"]:
        return channels_last(self.dense(z).view(len(z), -1, 4, 4) + self.bias)


class _Told(nn.Sequential):
    """Layers in a row that may all be told the label."""

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        for layer in self:
            x = layer(x, y)
        return x


class Generator(nn.Module):
    """Latents to pictures of any resolution up to the last.

        z → z / rms(z) → dense → 4×4 → conv → [double, conv, conv] … → 1×1 conv

    Every convolution but the last 1×1 is followed by bias, leaky rectifier and pixel norm. The
    picture is linear, nominally in [−1, 1], and always float32. With `told`, the label's gain and
    bias of each channel follow the pixel norm (see `LabelledScale`).

    With `checkpointed` set, blocks above 4×4 keep only their input for the gradient, and are
    computed again for it; but not with batch norm or spectral norm, whose memory would move twice.

    `attention` are layers that follow the block of their resolution. With `spectral_norm` every
    dense or convolutional layer has it.

    Source: Karras et al. 2018 (ProGAN), table 2, left; its code for the order of operations.
    """

    checkpointed = False

    def __init__(
        self,
        *,
        resolution: int,
        channels: int,
        latent_size: int,
        widths: Mapping[int, int],
        classes: int = 0,
        fused: bool = False,
        equalized: bool = True,
        pixelnorm: bool = True,
        batch_norm: bool = False,
        told: bool = False,
        slope: float = 0.2,
        tanh: bool = False,
        normalize_latent: bool = True,
        normalize_label: bool = False,
        attention: Mapping[int, nn.Module] | None = None,
        spectral_norm: bool = False,
    ) -> None:
        super().__init__()
        self.classes, self.tanh, self.told = classes, tanh, told
        self.normalize_latent, self.normalize_label = normalize_latent, normalize_label
        self.repeatable = not (batch_norm or spectral_norm)

        def layer(conv: nn.Module, width: int) -> Layer:
            norm = nn.BatchNorm2d(width) if batch_norm else None
            scale = LabelledScale(width, classes, unit=LABEL_UNIT) if told else None
            return Layer(conv, norm=norm, slope=slope, pixelnorm=pixelnorm, scale=scale)

        def block(before: int, width: int) -> nn.Sequential:
            double = EqualizedUpConv2d if fused else Enlarge
            return _Told(
                layer(double(before, width, equalized=equalized), width),
                layer(EqualizedConv2d(width, width, equalized=equalized), width),
            )

        width = widths[4]
        stem = _Stem(latent_size + classes, width, equalized=equalized)
        conv = EqualizedConv2d(width, width, equalized=equalized)
        self.blocks = nn.ModuleDict({"4": _Told(layer(stem, width), layer(conv, width))})
        self.to_image = nn.ModuleDict()
        for r in resolutions(resolution):
            if r > 4:
                self.blocks[str(r)] = block(widths[r // 2], widths[r])
            self.to_image[str(r)] = EqualizedConv2d(
                widths[r], channels, 1, gain=1.0, equalized=equalized
            )
        self.attention = by_resolution(attention)
        if spectral_norm:
            with_spectral_norm(self)

    def forward(
        self,
        z: Float[Tensor, "n z"],
        label: Int[Tensor, " n"] | Float[Tensor, "n k"] | None,
        resolution: int,
        alpha: float | Tensor = 1.0,
    ) -> Float[Tensor, "n c r r"]:
        """Draw the pictures of `z` (and `label`) at `resolution`, its layers weighed by `alpha`."""
        y = label_rows(label, self.classes) if self.told and label is not None else None
        x = self.blocks["4"](self.normalized(z, label), y)
        coarse = x
        for r in resolutions(resolution)[1:]:
            coarse, x = x, self.block(x, r, y)
        image = self.picture(x, resolution)
        if fades(alpha) and resolution > 4:
            image = fade(up(self.picture(coarse, resolution // 2)), image, alpha)
        return image

    def block(self, x: Tensor, resolution: int, y: Tensor | None = None) -> Tensor:
        """Double `x` to `resolution`; `y` are rows of labels, if it is told them."""

        def work(x: Tensor) -> Tensor:
            doubled: Tensor = self.blocks[str(resolution)](x, y)
            return looked(self.attention, doubled, resolution)

        keeps = not (self.checkpointed and self.repeatable)
        return work(x) if keeps else forgetful(work, x, draws=False)

    def normalized(self, z: Tensor, label: Tensor | None) -> Float[Tensor, "n f"]:
        """The latent on the sphere of radius √z, with the label's row beside it."""
        rows = [label_rows(label, self.classes)] if label is not None and self.classes else []
        if self.normalize_label:
            z, rows = torch.cat([z, *rows], dim=1), []
        if self.normalize_latent:
            z = pixel_norm(z)
        return torch.cat([z, *rows], dim=1) if rows else z

    def picture(self, x: Tensor, resolution: int) -> Tensor:
        """Features as colours."""
        image = self.to_image[str(resolution)](x).float()
        return image.tanh() if self.tanh else image


class Critic(nn.Module):
    """Pictures of any resolution up to the last to scores, and what else the verdict says.

        1×1 conv → [conv, conv, halve] … → append stddev → conv → dense → dense

    With `fused`, "conv, halve" is one layer, and its bias and activation come after halving:
    another function than without (see `EqualizedDownConv2d`).

    `parts` says of how many equal runs (reals, then fakes) the batch is made; samples are
    compared only within their own.

    With `checkpointed` set, blocks above 4×4 keep only their input for the gradient, and are
    computed again for it; but not with spectral norm, whose memory would move twice.

    `attention` are layers that come before the block of their resolution. With `spectral_norm`
    every dense or convolutional layer has it.

    Source: Karras et al. 2018 (ProGAN), table 2, right; its code for the order of operations.
    """

    checkpointed = False

    def __init__(
        self,
        *,
        resolution: int,
        channels: int,
        widths: Mapping[int, int],
        head: int,
        labels: int = 0,
        condition: Condition = "none",
        fused: bool = False,
        equalized: bool = True,
        layer_norm: bool = False,
        slope: float = 0.2,
        stddev: MinibatchStddev | None = None,
        discrimination: bool = False,
        noise: float = 0.0,
        attention: Mapping[int, nn.Module] | None = None,
        spectral_norm: bool = False,
    ) -> None:
        super().__init__()
        self.repeatable = not spectral_norm
        self.meter = meter = LeadMeter(noise) if noise else None

        def layer(conv: nn.Module, out: int) -> Layer:
            norm = nn.GroupNorm(1, out) if layer_norm else None
            drop = MultiplicativeNoise(meter) if meter else None
            return Layer(conv, norm=norm, slope=slope, noise=drop)

        def block(width: int, after: int) -> nn.Sequential:
            first = layer(EqualizedConv2d(width, width, equalized=equalized), width)
            if fused:
                return nn.Sequential(
                    first, layer(EqualizedDownConv2d(width, after, equalized=equalized), after)
                )
            second = layer(EqualizedConv2d(width, after, equalized=equalized), after)
            return nn.Sequential(first, second, nn.AvgPool2d(2))

        self.from_image = nn.ModuleDict()
        self.blocks = nn.ModuleDict()
        for r in resolutions(resolution):
            self.from_image[str(r)] = Layer(
                EqualizedConv2d(channels, widths[r], 1, equalized=equalized), slope=slope
            )
            if r > 4:
                self.blocks[str(r)] = block(widths[r], widths[r // 2])
        self.verdict = Verdict(
            widths[4],
            head,
            labels=labels,
            condition=condition,
            equalized=equalized,
            layer_norm=layer_norm,
            slope=slope,
            stddev=stddev,
            discrimination=discrimination,
            meter=meter,
        )
        self.attention = by_resolution(attention)
        if spectral_norm:
            with_spectral_norm(self)

    def trunk(
        self, image: Tensor, resolution: int, alpha: float | Tensor
    ) -> Float[Tensor, "n f 4 4"]:
        """Everything before the last block."""
        image = channels_last(image)
        sizes = resolutions(resolution)[:0:-1]
        x = image if sizes else self.from_image[str(resolution)](image)
        for r in sizes:
            x = self.block(x, r, first=r == resolution)
            if r == resolution and fades(alpha):
                coarse = self.from_image[str(r // 2)](down(image))
                x = fade(coarse, x, alpha)
        return x

    def block(self, x: Tensor, resolution: int, *, first: bool) -> Tensor:
        """Halve features `x` of `resolution`, or the picture itself for the `first` block."""

        def work(x: Tensor) -> Tensor:
            x = self.from_image[str(resolution)](x) if first else x
            return self.blocks[str(resolution)](looked(self.attention, x, resolution))

        draws = self.meter is not None
        keeps = not (self.checkpointed and self.repeatable)
        return work(x) if keeps else forgetful(work, x, draws=draws)

    def forward(
        self,
        image: Float[Tensor, "n c r r"],
        resolution: int,
        alpha: float | Tensor = 1.0,
        parts: int = 1,
        label: Float[Tensor, "n k"] | None = None,
    ) -> Float[Tensor, "n s"]:
        """Judge pictures of `resolution`, its layers weighed by `alpha`; with rows of labels where
        the score is of pairs."""
        return self.verdict(self.trunk(image, resolution, alpha), parts, label)

    @torch.no_grad()
    def calibrate(self, image: Float[Tensor, "n c r r"], resolution: int) -> None:
        """Let the minibatch discrimination take its scale from real pictures, once."""
        if self.verdict.discrimination is not None:
            features = self.verdict.features(self.trunk(image, resolution, 1.0), 1)
            self.verdict.discrimination.calibrate(features)
