"""Ellipses whose size and angle are known, and how both are read off a picture."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from progan.acceptance.pictures import Pictures

__all__ = ["SIDE", "angles", "ellipses", "ranks_agree", "sizes"]

SIDE = 16
SHORT, LONG = (1.5, 3.5), 2.0
"""Short half axes in pixels, and how much longer the others are."""
TILT = math.pi / 3
"""Largest angle to either side; so no angle is near its opposite."""


def ellipses(count: int, seed: int) -> Pictures:
    """White on black, in the middle; size and angle are drawn evenly and apart from each other."""
    random = np.random.default_rng(seed)
    short = random.uniform(*SHORT, count)[:, None, None]
    angle = random.uniform(-TILT, TILT, count)[:, None, None]
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    along = x * np.cos(angle) + y * np.sin(angle)
    across = y * np.cos(angle) - x * np.sin(angle)
    inside = 1 - np.hypot(along / (LONG * short), across / short)
    ink = np.clip(0.5 + inside * short, 0, 1)  # an edge about a pixel wide
    pixels = np.rint(255 * ink).astype(np.uint8)[:, None]
    return Pictures(pixels=pixels, labels=np.zeros(count, np.int64), classes=0)


def sizes(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Ink of each picture."""
    return np.asarray(pixels.astype(np.float64).sum(axis=(1, 2, 3)))


def angles(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Angle of each picture's longer axis, from its second moments: ½ atan2(2 m₁₁, m₂₀ − m₀₂)."""
    ink = pixels[:, 0].astype(np.float64)
    ink /= np.maximum(ink.sum(axis=(1, 2), keepdims=True), 1)
    y, x = (grid - (SIDE - 1) / 2 for grid in np.mgrid[:SIDE, :SIDE])
    dx = x - (ink * x).sum(axis=(1, 2), keepdims=True)
    dy = y - (ink * y).sum(axis=(1, 2), keepdims=True)
    mixed, wide, high = ((ink * part).sum(axis=(1, 2)) for part in (dx * dy, dx * dx, dy * dy))
    return np.asarray(0.5 * np.arctan2(2 * mixed, wide - high))


def ranks_agree(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Spearman's correlation of two rows without ties: Pearson's of their ranks."""
    first, second = (row.argsort().argsort() for row in (a, b))
    return float(np.corrcoef(first, second)[0, 1])
