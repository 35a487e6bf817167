"""A small U-Net that says of every pixel what it shows.

    down   [3×3 norm relu] × 2 w, halve, × 2 2w, halve, × 2 4w
    up     ×2, 3×3 norm relu with what was there on the way down, at 2w and at w; 1×1

Norms are batch norms: whoever asks a network that has learned must do so in evaluation.

Source:  Ronneberger et al. 2015, "U-Net"; batch norm: Ioffe & Szegedy 2015.
Departs: two halvings, padded convolutions, batch norm, pixels repeated in place of transposed
         convolutions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from progan.layers.resample import up

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["WEIGHTS", "Segmenter"]

WEIGHTS = (0.25, 0.5, 1.0)
"""Of the distances between the features on the way down: each next counts twice."""


def layer(inputs: int, outputs: int) -> nn.Sequential:
    """Two convolutions, each with norm and rectifier."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
        nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class Segmenter(nn.Module):
    """Pictures to logits of the class of each pixel."""

    def __init__(self, *, channels: int, classes: int, width: int = 16) -> None:
        super().__init__()
        w = width
        self.down1, self.down2, self.down3 = (
            layer(channels, w),
            layer(w, 2 * w),
            layer(2 * w, 4 * w),
        )
        self.up2, self.up1 = layer(6 * w, 2 * w), layer(3 * w, w)
        self.last = nn.Conv2d(w, classes, 1)

    def features(self, image: Float[Tensor, "n c h w"]) -> list[Float[Tensor, "n _ _ _"]]:
        """What it finds on the way down, at three sizes; sides are multiples of 4."""
        first = self.down1(image)
        second = self.down2(max_pool2d(first, 2))
        return [first, second, self.down3(max_pool2d(second, 2))]

    def forward(self, image: Float[Tensor, "n c h w"]) -> Float[Tensor, "n k h w"]:
        """Logits."""
        first, second, third = self.features(image)
        x = self.up2(torch.cat([up(third), second], dim=1))
        x = self.up1(torch.cat([up(x), first], dim=1))
        return self.last(x)
