"""Laplacian pyramid: an image as one band of detail per resolution.

Source: Burt and Adelson 1983; kernel and border as in OpenCV's pyrDown and pyrUp.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["laplacian_pyramid", "level_resolutions", "rebuild"]

Images: TypeAlias = NDArray[np.floating[Any]]

SMALLEST_LEVEL = 16


def level_resolutions(size: int) -> tuple[int, ...]:
    """Resolutions of the pyramid, finest first: halved while even and no smaller than 16.

    Images of 16 pixels or fewer make one level: themselves.
    """
    levels = [size]
    while levels[-1] % 2 == 0 and levels[-1] // 2 >= SMALLEST_LEVEL:
        levels.append(levels[-1] // 2)
    return tuple(levels)


def laplacian_pyramid(images: Images, levels: int) -> list[Images]:
    """Split images, n c h w, into `levels` bands; the last is what remains of the image.

        band = image − up(down(image));   image ← down(image)

    Down: 1 4 6 4 1 (over 16) on both axes, mirrored at the border without repeating the edge,
    every second pixel kept. Up: zeros between the pixels, the same kernel times 4.
    """
    bands = [images]
    for _ in range(levels - 1):
        bands.append(_resample(bands[-1], _halving))
        bands[-2] = bands[-2] - _resample(bands[-1], _doubling)
    return bands


def rebuild(bands: Sequence[Images]) -> Images:
    """The images a Laplacian pyramid was made from: the inverse of `laplacian_pyramid`."""
    images = bands[-1]
    for band in bands[-2::-1]:
        images = _resample(images, _doubling) + band
    return images


def _resample(images: Images, matrix_for: Callable[[int], NDArray[np.float64]]) -> Images:
    """Apply one matrix to the rows and to the columns: a filter as two products."""
    rows, columns = (matrix_for(size).astype(images.dtype) for size in images.shape[2:])
    return rows @ (images @ columns.T)


@lru_cache(maxsize=32)
def _halving(size: int) -> NDArray[np.float64]:
    """Blur and keep every second pixel: size/2 by size."""
    return _blur(size)[::2]


@lru_cache(maxsize=32)
def _doubling(size: int) -> NDArray[np.float64]:
    """Zeros between the pixels, then blur times 2 (4 over both axes): 2·size by size."""
    return 2 * _blur(2 * size)[:, ::2]


def _blur(size: int) -> NDArray[np.float64]:
    """The 1 4 6 4 1 filter as a matrix, mirrored at the border without repeating the edge."""
    matrix = np.zeros((size, size))
    for offset, weight in zip(range(-2, 3), (1, 4, 6, 4, 1), strict=True):
        for row in range(size):
            last = size - 1
            matrix[row, last - abs(last - abs(row + offset))] += weight / 16
    return matrix
