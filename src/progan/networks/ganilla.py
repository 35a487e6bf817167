"""GANILLA's generator: features of every size on the way down, summed up on the way back.

    stem     rp3 c7-w N R, rp1 max pool 3 × 3 by 2
    stages   blocks of w, 2w, 2w, 4w channels; the first of each but stage 1 halves
    block    x → rp1 c3 N R rp1 c3 N → beside it x itself, or c1 N x where its shape is another
               → rp1 c3 N R
    back     c1-2w of stage 4 → double, + c1-2w of stage 3 → double, + that of stage 2
               → double, + that of stage 1 → double, rp1 c3-w
    picture  rp3 c7 tanh

c7-w is a 7 × 7 convolution to w channels, rp3 pads by reflection, N is instance norm, R the
rectifier, + a sum; lateral layers have weights; doubling repeats pixels. A residual network adds x
to what a block finds; here both are put side by side, and a convolution chooses. With fewer stages
the last ones are left out.

Source:  Hicsonmez et al. 2020, "GANILLA: Generative Adversarial Networks for Image to Illustration
         Translation", section 3.1 and figure 3; sizes from the code published with it
         (giddyyupp/ganilla, models/networks.py).
Departs: lateral weights are given, (1, 1, 1, 1) as there, but that of stage 1 counts once: there it
         is multiplied twice. Pictures may have any number of channels on either side.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn

from progan.layers.resample import up
from progan.networks.translators import LastingDropout, check_multiple

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["ConcatBlock", "GanillaTranslator", "Merge", "SumBlock"]

Merge = Literal["concat", "sum"]

WIDTHS = (1, 2, 2, 4)
"""Channels of the stages, in multiples of the stem's."""


def convolution(inputs: int, outputs: int, stride: int = 1) -> list[nn.Module]:
    """rp1 c3 N."""
    layer = nn.Conv2d(inputs, outputs, 3, stride, bias=False)
    return [nn.ReflectionPad2d(1), layer, nn.InstanceNorm2d(outputs)]


class SumBlock(nn.Module):
    """A residual block: what it finds in x, and x added to it; GANILLA without its own blocks."""

    def __init__(self, inputs: int, outputs: int, stride: int, *, dropped: bool) -> None:
        super().__init__()
        self.found = nn.Sequential(
            *convolution(inputs, outputs, stride),
            nn.ReLU(),
            *([LastingDropout()] if dropped else []),
            *convolution(outputs, outputs),
        )
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut.append(nn.Conv2d(inputs, outputs, 1, stride, bias=False))
            self.shortcut.append(nn.InstanceNorm2d(outputs))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d H W"]:
        """Add to `x` what the block finds in it."""
        return (self.found(x) + self.shortcut(x)).relu()


class ConcatBlock(SumBlock):
    """What a block finds in x, and x beside it, merged by one more convolution.

    Source: Hicsonmez et al. 2020, section 3.1.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, *, dropped: bool) -> None:
        super().__init__(inputs, outputs, stride, dropped=dropped)
        self.merge = nn.Sequential(*convolution(2 * outputs, outputs), nn.ReLU())

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d H W"]:
        """Look at `x`, and keep it."""
        return self.merge(torch.cat([self.found(x), self.shortcut(x)], dim=1))


class GanillaTranslator(nn.Module):
    """Pictures to pictures, low-level features carried across to the way back."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        width: int = 64,
        blocks: Sequence[int] = (2, 2, 2, 2),
        lateral: int = 128,
        weights: Sequence[float] = (1.0, 1.0, 1.0, 1.0),
        dropped: bool = False,
        merge: Merge = "concat",
    ) -> None:
        super().__init__()
        self.weights = tuple(weights)
        self.multiple = 2 ** len(blocks)
        self.stem = nn.Sequential(
            nn.ReflectionPad2d(3),
            nn.Conv2d(inputs, width, 7),
            nn.InstanceNorm2d(width),
            nn.ReLU(),
            nn.ReflectionPad2d(1),
            nn.MaxPool2d(3, 2),
        )
        self.stages, self.laterals = nn.ModuleList(), nn.ModuleList()
        kind = {"concat": ConcatBlock, "sum": SumBlock}[merge]
        sizes = [width * times for times in WIDTHS[: len(blocks)]]
        before = width
        for number, (size, count) in enumerate(zip(sizes, blocks, strict=True)):
            stage = nn.Sequential()
            for place in range(count):
                stride = 2 if number and not place else 1
                stage.append(kind(before, size, stride, dropped=dropped))
                before = size
            self.stages.append(stage)
            self.laterals.append(nn.Conv2d(size, lateral, 1))
        self.smooth = nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(lateral, width, 3))
        self.picture = nn.Sequential(nn.ReflectionPad2d(3), nn.Conv2d(width, outputs, 7), nn.Tanh())

    def forward(self, image: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d h w"]:
        """Translate `image`."""
        check_multiple(image, self.multiple, least=2 * self.multiple)
        x = self.stem(image)
        found = []
        for stage, lateral, weight in zip(self.stages, self.laterals, self.weights, strict=True):
            x = stage(x)
            found.append(weight * lateral(x))
        total = found.pop()
        while found:
            total = up(total) + found.pop()
        return self.picture(self.smooth(up(total))).float()
