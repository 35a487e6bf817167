"""How well one map of classes agrees with another.

    IoU_k = |found = k and wanted = k| / |found = k or wanted = k|

mIoU is its mean over the classes that occur in either, over all pixels of all maps together, as in
the tables of Park et al. 2019 (SPADE).

Source: Everingham et al. 2010 (PASCAL VOC), section 4; Long et al. 2015, section 5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Int

__all__ = ["confusion", "mean_iou", "pixel_accuracy"]


def confusion(
    found: Int[np.ndarray, "n h w"], wanted: Int[np.ndarray, "n h w"], classes: int
) -> Int[np.ndarray, "k k"]:
    """Pixels by the class wanted (rows) and the class found (columns)."""
    flat = wanted.astype(np.int64).ravel() * classes + found.astype(np.int64).ravel()
    return np.bincount(flat, minlength=classes**2).reshape(classes, classes)


def mean_iou(counts: Int[np.ndarray, "k k"]) -> float:
    """Mean over classes that occur of intersection over union."""
    both = np.diag(counts)
    either = counts.sum(axis=0) + counts.sum(axis=1) - both
    there = either > 0
    return float((both[there] / either[there]).mean())


def pixel_accuracy(counts: Int[np.ndarray, "k k"]) -> float:
    """Share of pixels whose class is right."""
    return float(np.trace(counts) / counts.sum())
