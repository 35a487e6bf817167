from __future__ import annotations

import math

import numpy as np
import pytest

from progan.core.errors import ConfigError
from progan.metrics.tradeoff import Curve, Point, Within, point_of


def point(threshold: float | None, score: float, distance: float, spread: float = 0.0) -> Point:
    return Point(
        threshold=threshold,
        score=score,
        score_spread=0.0,
        distance=distance,
        spread=spread,
        images=10,
    )


CURVE = Curve(
    points=[
        point(None, 4.0, 3.0, 0.4),
        point(1.0, 6.0, 2.0, 0.3),
        point(0.5, 8.0, 4.0, 0.31),
        point(0.1, 7.5, 9.0, 0.1),
    ],
    real_score=6.5,
)


def test_the_three_points_of_the_paper() -> None:
    assert (CURVE.nearest.threshold, CURVE.nearest.distance) == (1.0, 2.0)
    assert (CURVE.surest.threshold, CURVE.surest.distance) == (0.5, 4.0)
    # 6.5 is a quarter of the way from 6 to 8, and so is 2.5 from 2 to 4
    assert CURVE.at_real_score == pytest.approx(2.5)


def test_a_score_that_is_not_passed_has_no_distance() -> None:
    assert Curve(points=CURVE.points, real_score=9.0).at_real_score is None


def test_falls_and_rises_are_the_largest_of_one_step() -> None:
    assert CURVE.score_fall == pytest.approx(0.5)
    assert CURVE.spread_rise == pytest.approx(0.01)
    rising = Curve(points=CURVE.points[:3], real_score=0.0)
    assert rising.score_fall == pytest.approx(-2.0)


def test_spread_is_within_classes_and_in_shares_of_the_range() -> None:
    """Class 0: 0 and 2, deviation 1; class 1: 250 and 255 and 255 and 250, 2.5; class 2 alone."""
    pixels = np.array([0, 2, 250, 255, 255, 250, 77], np.uint8)[:, None, None, None]
    labels = np.array([0, 0, 1, 1, 1, 1, 2])
    within = Within(3)
    within.add(pixels[:3], labels[:3])
    within.add(pixels[3:], labels[3:])
    assert within.spread == pytest.approx((1 + 2.5) / 2 / 255)


def test_spread_is_the_root_of_the_mean_over_pixels() -> None:
    """Two pixels, of deviations 3 and 4: √((9 + 16) / 2)."""
    pixels = np.array([[[[0, 0]]], [[[6, 8]]]], np.uint8)
    within = Within(1)
    within.add(pixels, np.zeros(2, np.int64))
    assert within.spread == pytest.approx(math.sqrt(12.5) / 255)


def test_one_picture_has_no_spread() -> None:
    within = Within(2)
    within.add(np.zeros((2, 1, 1, 1), np.uint8), np.array([0, 1]))
    with pytest.raises(ConfigError, match="2 pictures of 2 classes have no spread"):
        _ = within.spread


def test_a_point_has_the_score_and_the_distance_of_its_pictures() -> None:
    """Sure and even verdicts of two classes score 2; means 3 apart are 9 apart."""
    random = np.random.default_rng(0)
    real = random.normal(size=(400, 2))
    logits = np.tile([[50.0, 0.0], [0.0, 50.0]], (200, 1))
    found = point_of(
        0.5, logits=logits, features=real + np.array([3, 0]), real=real, spread=0.1, splits=1
    )
    assert found.score == pytest.approx(2.0)
    assert found.distance == pytest.approx(9.0)
    assert (found.threshold, found.spread, found.images) == (0.5, 0.1, 400)
