from __future__ import annotations

import math

import pytest

from progan.metrics.contrast import contrast, mean_of, spread_of, student


@pytest.mark.parametrize(
    ("freedom", "t"),
    [(1, 12.7062047), (2, 4.3026527), (4, 2.7764451), (10, 2.2281389), (1000, 1.9623391)],
)
def test_students_t_is_that_of_the_tables(freedom: float, t: float) -> None:
    assert student(0.95, freedom) == pytest.approx(t, abs=1e-6)


def test_one_degree_of_freedom_is_cauchys_distribution() -> None:
    """P(|T| < t) = 2/π · atan t there, so half of it lies within 1."""
    assert student(0.5, 1) == pytest.approx(1.0, abs=1e-8)


def test_mean_and_spread_of_three_values() -> None:
    """Of 1, 2 and 6: mean 3, squared distances 4 + 1 + 9 = 14, over 2: 7."""
    assert mean_of([1, 2, 6]) == 3
    assert spread_of([1, 2, 6]) == pytest.approx(math.sqrt(7))
    assert math.isnan(spread_of([1]))


def test_welchs_interval_of_two_small_samples() -> None:
    """1, 2, 3 against 5, 7, 9: variances 1 and 4 over 3 each: 1/3 + 4/3 = 5/3.

    Freedom (5/3)² / ((1/3)²/2 + (4/3)²/2) = (25/9) / (17/18) = 50/17 = 2.941.
    """
    found = contrast([1, 2, 3], [5, 7, 9])
    assert found.difference == -5
    assert found.half == pytest.approx(student(0.95, 50 / 17) * math.sqrt(5 / 3))
    assert (found.verdict, found.sure) == ("lower", True)
    assert contrast([5, 7, 9], [1, 2, 3]).verdict == "higher"


def test_what_overlaps_stays_open() -> None:
    assert contrast([1, 2, 3], [2, 3, 4]).verdict == "open"


def test_a_single_value_says_nothing_and_equal_ones_all() -> None:
    assert contrast([1], [2, 3]).half == math.inf
    assert contrast([1], [2, 3]).verdict == "open"
    assert contrast([1, 1], [2, 2]).verdict == "lower"
    assert contrast([2, 2], [2, 2]).verdict == "open"


@pytest.mark.parametrize(("confidence", "freedom"), [(0, 2), (1, 2), (0.9, 0.5)])
def test_what_has_no_interval_is_refused(confidence: float, freedom: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        student(confidence, freedom)
