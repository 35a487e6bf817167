"""From one picture to its pyramid: means of 2 × 2 pixels, again and again; of classes the most
common."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from progan.data.records import SMALLEST

__all__ = ["class_levels", "levels"]


def levels(top: NDArray[np.uint8]) -> dict[int, NDArray[np.uint8]]:
    """Every resolution from `top`'s down to 4, of pictures (n, c, r, r).

        level r/2 = mean over 2 × 2 pixels of level r,  kept in float32 throughout

    Each level is rounded (half to even) and clipped only as it is written, never on the way down;
    up to nine levels float32 holds these means exactly.

    Source: the official ProGAN dataset tool (float cascade, rint).
    """
    whole: NDArray[np.floating[Any]] = top.astype(np.float32)
    found = {top.shape[-1]: np.ascontiguousarray(top)}
    while whole.shape[-1] > SMALLEST:
        above, below = whole[..., 0::2, :], whole[..., 1::2, :]
        rows = above + below
        whole = (rows[..., 0::2] + rows[..., 1::2]) * np.float32(0.25)
        found[whole.shape[-1]] = np.rint(whole).clip(0, 255).astype(np.uint8)
    return found


def class_levels(top: NDArray[np.uint8]) -> dict[int, NDArray[np.uint8]]:
    """Every resolution from `top`'s down to 4, of class maps (n, c, r, r).

        class at r/2 = the most common of 2 × 2 classes at r; of equally common ones the first,
                       row by row

    The first channel holds classes. Further ones hold marks, 0 or 1: a mark stays where one of the
    four has it. So no class comes out that did not go in.
    """
    found = {top.shape[-1]: np.ascontiguousarray(top)}
    whole = top
    while whole.shape[-1] > SMALLEST:
        four = np.stack([whole[..., y::2, x::2] for y in (0, 1) for x in (0, 1)])
        shares = (four[:, None] == four[None]).sum(axis=1)
        chosen = np.take_along_axis(four, shares.argmax(axis=0)[None], axis=0)[0]
        chosen[:, 1:] = four.max(axis=0)[:, 1:]
        whole = np.ascontiguousarray(chosen)
        found[whole.shape[-1]] = whole
    return found
