"""Bring pictures to the size that a network sees. Which way is part of an extractor's name.

    tf_bilinear      TensorFlow 1's: pixel i of the new row looks at i · old / new of the old one,
                     so that the picture moves by up to half a pixel towards the top left
    torch_bilinear   the centres of pixels meet: i looks at (i + ½) · old / new − ½
    smooth           the same, and where pictures shrink each new pixel is a mean over all the old
                     ones it covers, with weights that fall linearly

The first two look at four pixels whatever the ratio: pictures much larger than the network's side
are not averaged but sampled, which lets fine detail turn into patterns. FID is defined so; see
Parmar et al. 2022 (On Aliased Resizing and Surprising Subtleties in GAN Evaluation).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import interpolate

__all__ = ["smooth", "tf_bilinear", "torch_bilinear"]


def tf_bilinear(x: Tensor, side: int) -> Tensor:
    """As `tf.image.resize_bilinear` of TensorFlow 1 without aligned corners: float n c h w.

    Source: the definition of resize_bilinear in TensorFlow 1, which torch-fidelity follows.
    """
    rows_below, rows_above, down = _places(x.shape[2], side, x.device)
    columns_left, columns_right, right = _places(x.shape[3], side, x.device)
    top, bottom = x[:, :, rows_below], x[:, :, rows_above]
    top = torch.lerp(top[..., columns_left], top[..., columns_right], right)
    bottom = torch.lerp(bottom[..., columns_left], bottom[..., columns_right], right)
    return torch.lerp(top, bottom, down[:, None])


def _places(old: int, new: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """For each new pixel: the old ones on either side, and how far it is towards the second."""
    place = torch.arange(new, dtype=torch.float32, device=device) * (old / new)
    first = place.floor().long().clamp_max(old - 1)
    return first, (first + 1).clamp_max(old - 1), place - first


def torch_bilinear(x: Tensor, side: int) -> Tensor:
    """As `torch.nn.functional.interpolate` in its bilinear mode: float n c h w."""
    return interpolate(x, (side, side), mode="bilinear", align_corners=False)


def smooth(x: Tensor, side: int) -> Tensor:
    """Bilinear, and without aliasing where pictures shrink: float n c h w."""
    if x.shape[2:] == (side, side):
        return x
    return interpolate(x, (side, side), mode="bilinear", align_corners=False, antialias=True)
