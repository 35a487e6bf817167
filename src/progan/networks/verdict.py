"""The end of ProGAN's critic: 4×4 features to a score, and what labels have to do with it.

Four ways to know labels, k numbers a row; φ are the features before the last layer:

    none         s = w·φ + b
    ac-gan       [s, logits] = W φ + b          1 + k numbers, labels told beside the score
    projection   s = w·φ + b + ⟨V y, φ⟩         a score of the pair (x, y)
    concat       y as k constant planes beside the 4×4 features, then as without

Source: Karras et al. 2018 (ProGAN), table 2 and appendix B (ac-gan); Miyato & Koyama 2018,
        equation 3 (projection); Reed et al. 2016, section 4.1 (concat, at 4×4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn

from progan.layers.equalized import EqualizedConv2d, EqualizedLinear
from progan.layers.labels import LabelledScale, with_planes
from progan.layers.noise import LeadMeter, MultiplicativeNoise
from progan.layers.norm import pixel_norm
from progan.layers.rectifier import leaky_relu
from progan.layers.spread import MinibatchDiscrimination, MinibatchStddev

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["Condition", "Layer", "Verdict"]

Condition = Literal["none", "ac-gan", "projection", "concat"]


class Layer(nn.Module):
    """Noise, convolution and bias, normalisation, activation, pixel norm, the label's scale: in
    this order.

    Only the convolution is always there. `slope` is that of the leaky rectifier below zero.
    """

    def __init__(
        self,
        conv: nn.Module,
        *,
        norm: nn.Module | None = None,
        slope: float = 0.2,
        pixelnorm: bool = False,
        noise: nn.Module | None = None,
        scale: LabelledScale | None = None,
    ) -> None:
        super().__init__()
        self.conv, self.norm, self.noise, self.scale = conv, norm, noise, scale
        self.slope, self.pixelnorm = slope, pixelnorm

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Apply them to `x`; `y` are rows of labels, for the scale."""
        if self.noise is not None:
            x = self.noise(x)
        x = self.conv(x)
        if self.norm is not None:
            x = self.norm(x)
        x = leaky_relu(x, self.slope)  # nobody else keeps its input
        x = pixel_norm(x) if self.pixelnorm else x
        if self.scale is None:
            return x
        assert y is not None
        return self.scale(x, y)


class Verdict(nn.Module):
    """The critic's last block, in float32 at its end.

    append stddev → conv → dense → dense
    """

    def __init__(
        self,
        width: int,
        head: int,
        *,
        labels: int,
        condition: Condition,
        equalized: bool,
        layer_norm: bool,
        slope: float,
        stddev: MinibatchStddev | None,
        discrimination: bool,
        meter: LeadMeter | None,
    ) -> None:
        super().__init__()

        def layer(conv: nn.Module, out: int) -> Layer:
            norm = nn.GroupNorm(1, out) if layer_norm else None
            noise = MultiplicativeNoise(meter) if meter else None
            return Layer(conv, norm=norm, slope=slope, noise=noise)

        self.stddev, self.condition = stddev, condition
        inputs = width + (stddev is not None) + (labels if condition == "concat" else 0)
        self.conv = layer(EqualizedConv2d(inputs, width, equalized=equalized), width)
        self.dense = layer(_Flat(16 * width, head, equalized=equalized), head)
        self.discrimination = MinibatchDiscrimination(head) if discrimination else None
        kernels = self.discrimination.bias.numel() if self.discrimination else 0
        outputs = 1 + (labels if condition == "ac-gan" else 0)
        self.score = EqualizedLinear(head + kernels, outputs, gain=1.0, equalized=equalized)
        self.embedding: EqualizedLinear | None = None
        if condition == "projection":
            self.embedding = EqualizedLinear(
                head + kernels, labels, gain=1.0, equalized=equalized, bias=False
            )

    def features(
        self, x: Tensor, parts: int, label: Float[Tensor, "n k"] | None = None
    ) -> Float[Tensor, "n f"]:
        """What the minibatch discrimination and the score look at."""
        if self.stddev is not None:
            x = self.stddev(x, parts)
        if self.condition == "concat":
            assert label is not None
            x = with_planes(x, label)
        return self.dense(self.conv(x))

    def forward(
        self, x: Tensor, parts: int, label: Float[Tensor, "n k"] | None = None
    ) -> Float[Tensor, "n s"]:
        """The score of each picture, or of each pair; with ac-gan its labels' logits beside it."""
        x = self.features(x, parts, label)
        if self.discrimination is not None:
            x = self.discrimination(x, parts)
        with torch.autocast(x.device.type, enabled=False):
            score: Tensor = self.score(x.float())
            if self.embedding is None:
                return score
            assert label is not None
            # ⟨V y, φ⟩ = ⟨y, Vᵀ φ⟩: V's constant is that of a layer over φ.
            return score + (self.embedding(x.float()) * label).sum(dim=1, keepdim=True)


class _Flat(EqualizedLinear):
    """A dense layer over all pixels and channels: a 4×4 convolution that keeps one pixel."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(1))
