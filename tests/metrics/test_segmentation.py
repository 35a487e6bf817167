from __future__ import annotations

import numpy as np
import pytest

from progan.metrics.segmentation import confusion, mean_iou, pixel_accuracy

WANTED = np.array([[[0, 0, 1, 1]]])
FOUND = np.array([[[0, 1, 1, 1]]])


def test_agreement_is_worked_out_by_hand() -> None:
    counts = confusion(FOUND, WANTED, 4)
    # class 0: 1 of 2 pixels in either; class 1: 2 of 3; 2 and 3 occur in neither
    assert mean_iou(counts) == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert pixel_accuracy(counts) == 3 / 4
    assert counts[0, 1] == 1  # wanted 0, found 1
    assert counts.sum() == 4


def test_a_class_that_nobody_wanted_counts_against() -> None:
    counts = confusion(np.array([[[0, 2]]]), np.array([[[0, 0]]]), 3)
    assert mean_iou(counts) == pytest.approx((1 / 2 + 0) / 2)


def test_the_same_map_agrees_fully() -> None:
    dice = np.random.default_rng(0).integers(0, 5, (3, 8, 8))
    assert mean_iou(confusion(dice, dice, 7)) == 1.0
