"""Spatially adaptive normalisation, and the residual block made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["SPADE", "Plain", "SPADEBlock"]

Plain = Literal["batch", "instance"]
"""What is normalised over: all pictures of a batch, or each alone."""
LEAK = 0.2


class SPADE(nn.Module):
    """Normalise features, then scale and shift every pixel as the layout there asks.

        s   = relu(W ∗ layout + c),   the layout resized to x by the nearest pixel
        out = norm(x) · (1 + γ(s)) + β(s)

    W, γ and β are 3×3 convolutions; norm has no gain or bias of its own. Nearest pixels: straight
    lines between classes would invent others.

    Source: Park et al. 2019 (SPADE), equations 1 and 2; 1 + γ and the width from the code published
            with it.
    """

    def __init__(
        self, channels: int, *, layouts: int, hidden: int = 128, norm: Plain = "batch"
    ) -> None:
        super().__init__()
        kind = nn.BatchNorm2d if norm == "batch" else nn.InstanceNorm2d
        self.norm = kind(channels, affine=False)
        self.shared = nn.Conv2d(layouts, hidden, 3, padding=1)
        self.gain = nn.Conv2d(hidden, channels, 3, padding=1)
        self.bias = nn.Conv2d(hidden, channels, 3, padding=1)

    def forward(
        self, x: Float[Tensor, "n c h w"], layout: Float[Tensor, "n l H W"]
    ) -> Float[Tensor, "n c h w"]:
        """Normalise `x` under `layout`, whatever its size."""
        seen = F.relu(self.shared(F.interpolate(layout, x.shape[2:], mode="nearest")))
        gain, bias = self._both(seen).chunk(2, dim=1)
        found: Tensor = torch.addcmul(bias, self.norm(x), 1 + gain)
        return found

    def _both(self, seen: Float[Tensor, "n k h w"]) -> Float[Tensor, "n _ h w"]:
        """γ and β: one convolution of both kernels, which reads its input once."""
        heads = (self.gain, self.bias)
        weight = torch.cat([head.weight for head in heads])
        constant = torch.cat([head.bias for head in heads if head.bias is not None])
        return F.conv2d(seen, weight, constant, padding=1)


class SPADEBlock(nn.Module):
    """A residual block whose norms look at the layout.

        h     SPADE, leaky relu, 3×3 to the fewer of both channels, SPADE, leaky relu, 3×3
        out   h + x;  where channels change, h + 1×1 of SPADE(x), without bias or rectifier

    Source: Park et al. 2019 (SPADE), figure 4 and appendix A; the code published with it.
    """

    def __init__(
        self, inputs: int, outputs: int, *, layouts: int, hidden: int = 128, norm: Plain = "batch"
    ) -> None:
        super().__init__()
        middle = min(inputs, outputs)

        def spade(channels: int) -> SPADE:
            return SPADE(channels, layouts=layouts, hidden=hidden, norm=norm)

        self.norm1, self.norm2 = spade(inputs), spade(middle)
        self.conv1 = nn.Conv2d(inputs, middle, 3, padding=1)
        self.conv2 = nn.Conv2d(middle, outputs, 3, padding=1)
        changes = inputs != outputs
        self.norm_shortcut = spade(inputs) if changes else None
        self.shortcut = nn.Conv2d(inputs, outputs, 1, bias=False) if changes else None

    @property
    def convolutions(self) -> list[nn.Conv2d]:
        """Its own, beside those of the norms."""
        return [self.conv1, self.conv2, *([] if self.shortcut is None else [self.shortcut])]

    def forward(
        self, x: Float[Tensor, "n c h w"], layout: Float[Tensor, "n l H W"]
    ) -> Float[Tensor, "n d h w"]:
        """Features of the same side."""
        h = self.conv1(F.leaky_relu(self.norm1(x, layout), LEAK))
        h = self.conv2(F.leaky_relu(self.norm2(h, layout), LEAK))
        if self.shortcut is None or self.norm_shortcut is None:
            return h + x
        return h + self.shortcut(self.norm_shortcut(x, layout))
