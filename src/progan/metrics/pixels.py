"""Pictures as rows of pixels, for metrics that need no extractor."""

from __future__ import annotations

from math import prod

import numpy as np
from numpy.typing import NDArray

from progan.core.errors import ConfigError
from progan.metrics.images import ImageSource, batch_for, read

__all__ = ["pixel_rows", "room_for_pixels"]

ROOM = 2 * 2**30
"""Bytes that one set of pixels may take as float64, which distances are computed in."""


def pixel_rows(source: ImageSource, start: int, count: int) -> NDArray[np.float32]:
    """Pictures start … start + count − 1 as rows of bytes / 255: float32 count c·h·w."""
    first = read(source, start, 1)
    rows = np.empty((count, first[0].size), np.float32)
    step = batch_for(first.shape[2])
    for begin in range(0, count, step):
        some = read(source, start + begin, min(step, count - begin))
        np.divide(some.reshape(len(some), -1), 255, out=rows[begin : begin + len(some)])
    return rows


def room_for_pixels(source: ImageSource, count: int) -> None:
    """Raise ConfigError where so many pictures would take more than `ROOM`."""
    shape = read(source, 0, 1).shape[1:]
    most = ROOM // (8 * prod(shape))
    if count > most:
        raise ConfigError(
            f"parzen holds all pictures in memory: {count:,} of {shape[2]}x{shape[1]} pixels take "
            f"{8 * prod(shape) * count / 1e9:.1f} GB. Take fewer: --images {most // 2 * 2}"
        )
