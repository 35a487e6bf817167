"""Changing the size of pictures and features by powers of two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["blend", "down", "up"]


def up(x: Float[Tensor, "n c h w"], factor: int = 2) -> Float[Tensor, "n c H W"]:
    """Repeat every pixel `factor` × `factor` times (nearest neighbour)."""
    return x if factor == 1 else F.interpolate(x, scale_factor=factor, mode="nearest")


def down(x: Float[Tensor, "n c H W"], factor: int = 2) -> Float[Tensor, "n c h w"]:
    """Average every `factor` × `factor` box of pixels."""
    return x if factor == 1 else F.avg_pool2d(x, factor)


def blend(image: Float[Tensor, "n c h w"], alpha: float) -> Float[Tensor, "n c h w"]:
    """Fade real pictures in as the generator's are: coarse at `alpha` 0, sharp at 1.

        α x + (1 − α) up(down(x))

    Source: Karras et al. 2018 (ProGAN), section 2: "we interpolate between two resolutions of
    the real images".
    """
    return image if alpha >= 1 else torch.lerp(up(down(image)), image, alpha)
