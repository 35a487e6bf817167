"""Residual blocks that double or halve the side of what they are given.

No rectifier works in place on a block's own input: the shortcut needs it as it came.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from progan.layers.labels import ConditionalBatchNorm2d
from progan.layers.resample import down, up

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["DeepDownBlock", "DeepUpBlock", "DownBlock", "MakeNorm", "UpBlock", "normed"]

MakeNorm = Callable[[int], nn.Module]
"""Of the number of channels: batch norm, or batch norm that depends on a vector."""


def normed(
    norm: nn.Module, x: Float[Tensor, "n c h w"], y: Float[Tensor, "n k"] | None
) -> Float[Tensor, "n c h w"]:
    """Normalise `x`, as the vectors `y` ask where the norm depends on them; then rectify."""
    if isinstance(norm, ConditionalBatchNorm2d):
        assert y is not None
        return relu(norm(x, y))
    return relu(norm(x))


class UpBlock(nn.Module):
    """Double the side.

        h     norm, relu, nearest ×2, 3×3, norm, relu, 3×3
        out   h + nearest ×2 of 1×1 of x

    Source: Miyato et al. 2018 (SNGAN), figure 9 and the code published with it.
    """

    def __init__(self, inputs: int, outputs: int, norm: MakeNorm) -> None:
        super().__init__()
        self.norm1, self.norm2 = norm(inputs), norm(outputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(
        self, x: Float[Tensor, "n c h w"], y: Float[Tensor, "n k"] | None = None
    ) -> Float[Tensor, "n d H W"]:
        """Features of twice the side; `y` is for norms that depend on it."""
        h = self.conv1(up(normed(self.norm1, x, y)))
        h = self.conv2(normed(self.norm2, h, y))
        return h + up(self.shortcut(x))  # 1×1 before doubling: the same numbers, a quarter the work


class DownBlock(nn.Module):
    """Halve the side, or keep it.

        h     relu, 3×3, relu, 3×3, mean of 2×2
        out   h + 1×1 of the mean of 2×2 of x

    Where neither side nor channels change, x itself is added. The `first` block of a network, whose
    input is pictures, has no rectifier in front. Between its convolutions a `wide` block has as
    many channels as it gives, another as many as it takes; the first is always wide.

    Source: Miyato et al. 2018 (SNGAN), figure 9 and the code published with it; wide as in Zhang et
            al. 2019 (SAGAN) and Brock et al. 2019 (BigGAN).
    """

    def __init__(
        self, inputs: int, outputs: int, *, halves: bool, first: bool = False, wide: bool = True
    ) -> None:
        super().__init__()
        self.halves, self.first = halves, first
        hidden = outputs if wide or first else inputs
        self.conv1 = nn.Conv2d(inputs, hidden, 3, padding=1)
        self.conv2 = nn.Conv2d(hidden, outputs, 3, padding=1)
        changes = halves or inputs != outputs
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if changes else nn.Identity()

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d H W"]:
        """Features of half the side, or the same."""
        h = self.conv2(relu(self.conv1(x if self.first else relu(x))))
        factor = 2 if self.halves else 1
        # The mean before 1×1: the same function, a quarter of the work.
        return down(h, factor) + self.shortcut(down(x, factor))


class DeepUpBlock(nn.Module):
    """A bottleneck that may double the side.

        h     [norm, relu, 1×1 to a quarter], [norm, relu, ×2, 3×3], [norm, relu, 3×3],
              [norm, relu, 1×1]
        out   h + ×2 of the first channels of x, as many as are given

    Source: Brock et al. 2019 (BigGAN), appendix B, figure 16: BigGAN-deep.
    """

    def __init__(self, inputs: int, outputs: int, norm: MakeNorm, *, doubles: bool) -> None:
        super().__init__()
        hidden = max(1, inputs // 4)
        self.outputs, self.doubles = outputs, doubles
        self.norm1, self.norm2, self.norm3, self.norm4 = (
            norm(inputs),
            norm(hidden),
            norm(hidden),
            norm(hidden),
        )
        self.conv1 = nn.Conv2d(inputs, hidden, 1)
        self.conv2 = nn.Conv2d(hidden, hidden, 3, padding=1)
        self.conv3 = nn.Conv2d(hidden, hidden, 3, padding=1)
        self.conv4 = nn.Conv2d(hidden, outputs, 1)

    def forward(
        self, x: Float[Tensor, "n c h w"], y: Float[Tensor, "n k"] | None = None
    ) -> Float[Tensor, "n d H W"]:
        """Features of twice the side, or the same; `y` is for norms that depend on it."""
        factor = 2 if self.doubles else 1
        h = self.conv1(normed(self.norm1, x, y))
        h = self.conv2(up(normed(self.norm2, h, y), factor))
        h = self.conv3(normed(self.norm3, h, y))
        h = self.conv4(normed(self.norm4, h, y))
        return h + up(x[:, : self.outputs], factor)


class DeepDownBlock(nn.Module):
    """A bottleneck that may halve the side.

        h     [relu, 1×1 to a quarter of what is given], [relu, 3×3], [relu, 3×3], relu,
              mean of 2×2, 1×1
        out   h + mean of 2×2 of x, with the channels that x lacks made by 1×1

    Source: Brock et al. 2019 (BigGAN), appendix B, figure 16: BigGAN-deep.
    """

    def __init__(self, inputs: int, outputs: int, *, halves: bool) -> None:
        super().__init__()
        hidden = max(1, outputs // 4)
        self.factor = 2 if halves else 1
        self.conv1 = nn.Conv2d(inputs, hidden, 1)
        self.conv2 = nn.Conv2d(hidden, hidden, 3, padding=1)
        self.conv3 = nn.Conv2d(hidden, hidden, 3, padding=1)
        self.conv4 = nn.Conv2d(hidden, outputs, 1)
        self.shortcut = nn.Conv2d(inputs, outputs - inputs, 1) if outputs > inputs else None

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d H W"]:
        """Features of half the side, or the same."""
        h = relu(self.conv2(relu(self.conv1(relu(x)))))
        h = self.conv4(down(relu(self.conv3(h)), self.factor))
        x = down(x, self.factor)
        return h + (x if self.shortcut is None else torch.cat([x, self.shortcut(x)], dim=1))
