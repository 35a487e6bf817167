from __future__ import annotations

import math

import pytest

from progan.metrics.finding import Finding, finding, pooled
from progan.metrics.intervals import Estimate


def one(value: float, below: float, above: float, over: str = "fakes") -> Finding:
    estimate = Estimate(
        value=value, error=above / 2, low=value - below, high=value + above, how="bootstrap"
    )
    return Finding(value=value, estimate=estimate, over=over)  # type: ignore[arg-type]


def test_the_interval_of_one_measurement_is_its_own() -> None:
    found = pooled([one(5, 1, 2)], apart=True)
    assert found is not None
    assert (found.low, found.high, found.how) == (4, 7, "fakes: bootstrap")


def test_repeats_over_other_fakes_narrow_it_by_their_number() -> None:
    # mean 6; reaches √(3² + 4²)/2 = 2.5 below and √(6² + 8²)/2 = 5 above
    found = pooled([one(4, 3, 6), one(8, 4, 8)], apart=True)
    assert found is not None
    assert (found.low, found.high) == (3.5, 11)
    assert found.how == "fakes: bootstrap, 2 repeats"


@pytest.mark.parametrize(("over", "apart"), [("fakes", False), ("reals", True), ("both", True)])
def test_repeats_of_the_same_pictures_narrow_nothing(over: str, apart: bool) -> None:
    found = pooled([one(4, 3, 6, over), one(4, 3, 6, over)], apart=apart)
    assert found is not None
    assert (found.low, found.high) == (pytest.approx(1), pytest.approx(10))


def test_bare_numbers_have_an_interval_from_repeats_alone() -> None:
    found = pooled([finding(1.0), finding(2.0), finding(3.0)], apart=True)
    assert found is not None
    # s = 1, t of 2 degrees 4.303: ± 4.303/√3 (the quantile here is 2 % low at 2 degrees)
    assert (found.high - found.low) / 2 == pytest.approx(4.303 / math.sqrt(3), rel=0.03)
    assert found.how == "fakes: Student's t, 3 repeats"
    assert pooled([finding(1.0)], apart=True) is None
    assert pooled([finding(1.0), finding(1.0)], apart=False) is None  # twice the same fakes


def test_another_unit_scales_the_interval_too() -> None:
    found = Finding(value=2, estimate=one(2, 1, 1).estimate, chance=0.5).times(1000)
    assert found.estimate is not None
    assert (found.value, found.chance) == (2000, 500)
    assert (found.estimate.low, found.estimate.high) == (1000, 3000)
