"""One picture through a translator that takes only some sizes: padded, resized, or in tiles.

padded    to multiples of what the network takes, by reflection, and cut back
resized   to the size of training and back, where the network takes no other
tiles     overlapping, each padded; in the overlap they fade into each other, so that no seam shows:
          the weight of a tile rises evenly from its border to the middle of the overlap

A network with instance norm sees the statistics of what it is given: tiles differ a little in
brightness from the picture translated at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from progan.layers.resample import resized

__all__ = ["LARGEST_TILE", "OVERLAP", "in_one", "in_tiles", "through_square"]

LARGEST_TILE = 1024
"""Side of a tile where nothing is said; larger pictures are translated in several."""
OVERLAP = 1 / 8
"""Share of a tile's side that it has in common with the next."""

Network = Callable[[Tensor], Tensor]


def in_one(network: Network, image: Tensor, multiple: int) -> Tensor:
    """The whole picture n c h w at once; its sides are padded to multiples and cut back."""
    height, width = image.shape[2:]
    more = -height % multiple, -width % multiple
    return network(_padded(image, *more))[:, :, :height, :width]


def _padded(image: Tensor, down: int, right: int) -> Tensor:
    """More rows and columns by reflection, over and over where the picture is smaller than they."""
    while down or right:
        height, width = image.shape[2:]
        rows, columns = min(down, height - 1), min(right, width - 1)
        if rows or columns:
            image = F.pad(image, (0, columns, 0, rows), mode="reflect")
        if (down and height == 1) or (right and width == 1):
            return F.pad(image, (0, right - columns, 0, down - rows), mode="replicate")
        down, right = down - rows, right - columns
    return image


def through_square(network: Network, image: Tensor, side: int, *, classes: bool = False) -> Tensor:
    """The picture at `side` × `side`, and its translation at the picture's own size."""
    height, width = image.shape[2:]
    if classes:
        given = F.interpolate(image, (side, side), mode="nearest-exact")
    else:
        given = resized(image, side, side)
    return resized(network(given).clamp(-1, 1), height, width)


def in_tiles(network: Network, image: Tensor, multiple: int, tile: int = LARGEST_TILE) -> Tensor:
    """The picture 1 c h w in tiles of at most `tile` a side, faded into each other."""
    height, width = image.shape[2:]
    tile = max(multiple, tile // multiple * multiple)
    overlap = round(tile * OVERLAP)
    out = weights = torch.zeros(())
    for top, bottom in _spans(height, tile, overlap):
        for left, right in _spans(width, tile, overlap):
            made = in_one(network, image[:, :, top:bottom, left:right], multiple)
            weight = torch.outer(
                _ramp(bottom - top, overlap, top > 0, bottom < height),
                _ramp(right - left, overlap, left > 0, right < width),
            ).to(made)
            if not out.ndim:
                out = made.new_zeros(made.shape[0], made.shape[1], height, width)
                weights = made.new_zeros(height, width)
            out[:, :, top:bottom, left:right] += made * weight
            weights[top:bottom, left:right] += weight
    return out / weights


def _spans(length: int, tile: int, overlap: int) -> Iterator[tuple[int, int]]:
    """Equal pieces of at most `tile` that cover `length`, neighbours sharing `overlap` or more."""
    if length <= tile:
        yield 0, length
        return
    pieces = math.ceil((length - overlap) / (tile - overlap))
    for number in range(pieces):
        start = round(number * (length - tile) / (pieces - 1))
        yield start, start + tile


def _ramp(length: int, overlap: int, rises: bool, falls: bool) -> Tensor:
    """1 in the middle; towards a neighbour evenly down to almost 0."""
    ramp, edge = torch.ones(length), (torch.arange(overlap) + 0.5) / overlap
    if rises:
        ramp[:overlap] = edge
    if falls:
        ramp[length - overlap :] = torch.minimum(ramp[length - overlap :], edge.flip(0))
    return ramp
