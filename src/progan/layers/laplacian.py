"""The Laplacian pyramid of a batch of pictures, as LAPGAN has it: halve, enlarge, subtract.

    I_{k+1} = down(I_k)        l_k = up(I_{k+1})        h_k = I_k − l_k
    I_k     = up(I_{k+1}) + h_k

Down is the mean of four pixels. The pictures come back exactly, whatever down and up are.

Source: Burt & Adelson 1983, "The Laplacian Pyramid as a Compact Image Code"; Denton et al. 2015
        (LAPGAN), section 2.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import torch.nn.functional as F
from torch import Tensor

from progan.layers.resample import down, up

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["Enlarge", "bands", "coarse", "enlarged", "rebuilt"]

Enlarge = Literal["bilinear", "nearest"]


def enlarged(x: Float[Tensor, "n c h w"], how: Enlarge) -> Float[Tensor, "n c H W"]:
    """Twice as large: every pixel four times, or in straight lines between their centres."""
    if how == "nearest":
        return up(x)
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def coarse(x: Float[Tensor, "n c h w"], how: Enlarge) -> Float[Tensor, "n c h w"]:
    """What is left of pictures that were halved and enlarged again: l = up(down(I))."""
    return enlarged(down(x), how)


def bands(x: Float[Tensor, "n c h w"], levels: int, how: Enlarge) -> list[Float[Tensor, "n c _ _"]]:
    """The bands of `levels` halvings, finest first, and the picture that remains."""
    found = []
    for _ in range(levels):
        found.append(x - coarse(x, how))
        x = down(x)
    return [*found, x]


def rebuilt(pyramid: Sequence[Float[Tensor, "n c _ _"]], how: Enlarge) -> Float[Tensor, "n c h w"]:
    """The pictures of a pyramid: the inverse of `bands`."""
    x = pyramid[-1]
    for band in reversed(pyramid[:-1]):
        x = enlarged(x, how) + band
    return x
