"""Enlarged a little and cut out at a random place: training pictures are never quite the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["jittered"]


def jittered(x: Float[Tensor, "n c h w"], factor: float) -> Float[Tensor, "n c h w"]:
    """Enlarge pictures `factor` times by cubics, and cut each to its old size, anywhere.

    Every picture is cut at a place of its own, drawn evenly from torch's generator of the CPU.
    Channels stay together: put pairs side by side as channels to cut both at one place. The same
    pictures where `factor` is 1.

    Source: Isola et al. 2017 (pix2pix), section 6.2: resized to 286 pixels, cut to 256.
    """
    height, width = x.shape[2:]
    high, wide = round(height * factor), round(width * factor)
    if (high, wide) == (height, width):
        return x
    large = F.interpolate(x.float(), (high, wide), mode="bicubic", align_corners=False)
    tops = torch.randint(high - height + 1, (len(x),)).tolist()
    lefts = torch.randint(wide - width + 1, (len(x),)).tolist()
    rows = [
        one[:, top : top + height, left : left + width]
        for one, top, left in zip(large, tops, lefts, strict=True)
    ]
    return torch.stack(rows).clamp(-1, 1)
