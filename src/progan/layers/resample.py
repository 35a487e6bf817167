"""Changing the size of pictures and features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["blend", "down", "fade", "fades", "resized", "up"]


def up(x: Float[Tensor, "n c h w"], factor: int = 2) -> Float[Tensor, "n c H W"]:
    """Repeat every pixel `factor` × `factor` times (nearest neighbour)."""
    return x if factor == 1 else F.interpolate(x, scale_factor=factor, mode="nearest")


def down(x: Float[Tensor, "n c H W"], factor: int = 2) -> Float[Tensor, "n c h w"]:
    """Average every `factor` × `factor` box of pixels."""
    return x if factor == 1 else F.avg_pool2d(x, factor)


def resized(x: Float[Tensor, "n c h w"], height: int, width: int) -> Float[Tensor, "n c H W"]:
    """Bring pictures to any size: bicubic, smoothed first where they shrink, cut to [-1, 1].

    Cubics overshoot at edges; pictures keep their range. In float32; the same picture where the
    size is the same.
    """
    if x.shape[2:] == (height, width):
        return x
    found = F.interpolate(
        x.float(), (height, width), mode="bicubic", align_corners=False, antialias=True
    )
    return found.clamp(-1, 1)


def fades(alpha: float | Tensor) -> bool:
    """Whether anything coarse is left at `alpha`. A tensor is not looked into: it always fades."""
    return isinstance(alpha, Tensor) or alpha < 1


def fade(
    coarse: Float[Tensor, "n c h w"], fine: Float[Tensor, "n c h w"], alpha: float | Tensor
) -> Float[Tensor, "n c h w"]:
    """(1 − α) coarse + α fine.

    A tensor for α serves compiled code, which would be compiled anew for every new number.
    """
    if not isinstance(alpha, Tensor):
        return torch.lerp(coarse, fine, alpha)
    exact = torch.promote_types(alpha.dtype, fine.dtype)
    return torch.lerp(coarse.to(exact), fine.to(exact), alpha.to(exact)).to(fine.dtype)


def blend(image: Float[Tensor, "n c h w"], alpha: float | Tensor) -> Float[Tensor, "n c h w"]:
    """Fade real pictures in as the generator's are: coarse at `alpha` 0, sharp at 1.

        α x + (1 − α) up(down(x))

    Source: Karras et al. 2018 (ProGAN), section 2: "we interpolate between two resolutions of
    the real images".
    """
    return fade(up(down(image)), image, alpha) if fades(alpha) else image
