"""MS-SSIM: how alike two generated images are. Lower means more varied.

    score of a pair   Π over scales 1…4 of cs_j^w_j  ·  ssim_5^w_5
    cs                mean of (2σ_xy + c2) / (σ_x² + σ_y² + c2)
    ssim              mean of cs's map times (2μ_xμ_y + c1) / (μ_x² + μ_y² + c1)

Means are over height, width and channels of one image. Local moments come from an 11-pixel
Gaussian window, σ 1.5, kept inside the image; at scales smaller than 11 pixels the window shrinks
to the image and σ with it. Between scales, 2 x 2 means. Negative cs and ssim count as 0.
c1 = (0.01·255)², c2 = (0.03·255)². The weights sum to 0.9999, and stay so.

Pairs are neighbours of the stream, images 2i and 2i + 1, and the score is the mean over pairs.
It has no good value of its own: compare with the same on real images.

Source:  Wang, Simoncelli and Bovik 2003; as a measure of variety, Odena et al. 2017 and
         Karras et al. 2018 (ProGAN), section 5.
Departs: nowhere.
Checked: run beside the official ProGAN code (branch master) on the same images, equal to 2e-6;
         the values are in tests/golden/metrics_reference.json.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from progan.core.errors import DataError
from progan.metrics.images import ImageSource, batch_for, check_count, read, stream

__all__ = ["MSSSIM", "msssim", "pair_scores", "ssim_scores"]

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
WINDOW, SIGMA = 11, 1.5
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2

Doubles: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class MSSSIM:
    """Mean likeness of neighbouring images, never without the number of pairs behind it."""

    value: float
    error: float
    """Standard error of the mean over pairs."""
    pairs: int
    real: MSSSIM | None = None
    """The same on real images."""

    @property
    def images(self) -> int:
        """Images measured, two for each pair."""
        return 2 * self.pairs

    def __str__(self) -> str:
        real = (
            "real images not measured"
            if self.real is None
            else f"real images {self.real.value:.4f}, {self.real.pairs:,} pairs"
        )
        return f"MS-SSIM {self.value:.4f} ± {self.error:.4f}, {self.pairs:,} pairs; {real}"


def msssim(
    source: ImageSource,
    pairs: int,
    *,
    real: ImageSource | None = None,
    real_pairs: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> MSSSIM:
    """Mean MS-SSIM over the first `pairs` pairs of neighbours of `source`, and of `real` if given.

    `progress` hears the fraction done. Raises DataError for images whose sides do not divide by
    16: smaller ones have no fifth scale.
    """
    check_count(2 * pairs, 2, "MS-SSIM")
    if real is not None:
        alone = msssim(source, pairs, progress=progress)
        return replace(alone, real=msssim(real, real_pairs or pairs))
    scores: list[Doubles] = []
    batch = 2 * max(2, batch_for(read(source, 0, 1).shape[2]) // 4)
    for start, images in stream(source, 2 * pairs, batch):
        scores.append(pair_scores(images[0::2], images[1::2]))
        if progress:
            progress((start + len(images)) / (2 * pairs))
    every = np.concatenate(scores)
    spread = float(every.std(ddof=1)) if pairs > 1 else 0.0
    return MSSSIM(value=float(every.mean()), error=spread / pairs**0.5, pairs=pairs)


def pair_scores(first: NDArray[np.generic], second: NDArray[np.generic]) -> Doubles:
    """MS-SSIM of each image of `first` with its partner in `second`: n c h w, 0…255, to n."""
    height, width = first.shape[2:]
    if first.shape != second.shape or height % 16 or width % 16:
        raise DataError(
            f"images of {width}x{height} and {second.shape[3]}x{second.shape[2]} pixels; MS-SSIM "
            "needs one size, with sides that divide by 16: its five scales halve them four times. "
            "Measure at 16x16 or above, or leave msssim out: --metrics swd"
        )
    x, y = first.astype(np.float64), second.astype(np.float64)
    score = np.ones(len(x))
    for scale, weight in enumerate(WEIGHTS):
        if scale:
            x, y = _halve(x), _halve(y)
        contrast, whole = _similarity(x, y)
        part = whole if scale == len(WEIGHTS) - 1 else contrast
        score *= np.maximum(part, 0) ** weight
    return score


def ssim_scores(first: NDArray[np.generic], second: NDArray[np.generic]) -> Doubles:
    """SSIM of each image of `first` with its partner in `second`, at one scale: n c h w to n.

    Source: Wang et al. 2004, "Image Quality Assessment", with a Gaussian window of 11 pixels.
    """
    return _similarity(first.astype(np.float64), second.astype(np.float64))[1]


def _similarity(x: Doubles, y: Doubles) -> tuple[Doubles, Doubles]:
    """Contrast-structure and SSIM of each pair, at one scale.

    In float64: σ² is the small difference of two numbers of up to 65,025.
    """
    size = min(WINDOW, *x.shape[2:])
    rows, columns = (_window(side, size) for side in x.shape[2:])

    def local(values: Doubles) -> Doubles:
        return rows @ (values @ columns.T)

    mean_x, mean_y = local(x), local(y)
    across, squares = mean_x * mean_y, mean_x**2 + mean_y**2
    contrast = (2 * (local(x * y) - across) + C2) / (local(x * x + y * y) - squares + C2)
    whole = contrast * (2 * across + C1) / (squares + C1)
    return contrast.mean(axis=(1, 2, 3)), whole.mean(axis=(1, 2, 3))


@lru_cache(maxsize=32)
def _window(side: int, size: int) -> Doubles:
    """Valid convolution with the Gaussian as a matrix: side − size + 1 by side, rows sum to 1."""
    offsets = np.arange(size) - (size - 1) / 2
    taps = np.exp(-(offsets**2) / (2 * (SIGMA * size / WINDOW) ** 2))
    matrix = np.zeros((side - size + 1, side))
    for row in range(len(matrix)):
        matrix[row, row : row + size] = taps / taps.sum()
    return matrix


def _halve(x: Doubles) -> Doubles:
    n, c, h, w = x.shape
    means: Doubles = x.reshape(n, c, h // 2, 2, w // 2, 2).mean(axis=(3, 5))
    return means
