from __future__ import annotations

import math

import numpy as np
import pytest

from progan.core.errors import ConfigError
from progan.metrics.intervals import bootstrap, jackknife, of_mean, of_share, random_subsets


def test_the_interval_of_a_mean_is_students() -> None:
    # 1 … 5: mean 3, s² = 2.5, error √(2.5/5); t(0.975, 4 degrees) = 2.7764 (tables)
    found = of_mean([1, 2, 3, 4, 5])
    assert found.value == 3
    assert found.error == pytest.approx(math.sqrt(0.5))
    assert found.high - 3 == pytest.approx(2.7764 * math.sqrt(0.5), rel=2e-3)
    assert found.low + found.high == pytest.approx(6)


@pytest.mark.parametrize(
    ("degrees", "level", "t"),  # tables of Student's t
    [
        (1, 0.95, 12.7062),
        (2, 0.95, 4.3027),
        (9, 0.95, 2.2622),
        (9, 0.9, 1.8331),
        (99, 0.95, 1.9842),
    ],
)
def test_quantiles_of_students_t_are_those_of_the_tables(
    degrees: int, level: float, t: float
) -> None:
    n = degrees + 1
    values = np.arange(n) - degrees / 2
    found = of_mean(values, level=level)
    assert found.high / found.error == pytest.approx(t, rel=0.025 if degrees == 2 else 2e-4)


def test_one_value_has_no_error_that_could_be_known() -> None:
    found = of_mean([3.0])
    assert found.value == 3
    assert math.isnan(found.error)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [  # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_of_a_share_is_wilsons(hits: int, n: int, low: float, high: float) -> None:
    found = of_share(hits, n)
    assert found.value == hits / n
    assert (found.low, found.high) == (
        pytest.approx(low, abs=5e-5),
        pytest.approx(high, abs=5e-5),
    )


def test_a_share_of_all_is_not_sure_to_be_1() -> None:
    found = of_share(400, 400)
    # z²/(n + z²) = 3.8415/403.8415 are as improbable to be missed as the interval allows
    assert found.low == pytest.approx(1 - 3.8415 / 403.8415, abs=1e-5)
    assert found.high == 1.0


def test_the_bootstrap_error_of_a_mean_is_that_of_the_formula() -> None:
    values = np.random.default_rng(0).normal(size=400)
    found = bootstrap(values, draws=4000)
    assert found.value == pytest.approx(values.mean())
    assert found.error == pytest.approx(values.std() / 20, rel=0.05)  # 4000 draws: 1.1 % each
    assert found.high - found.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.08)


def test_about_95_of_100_bootstrap_intervals_hold_the_true_mean() -> None:
    rng = np.random.default_rng(1)
    found = [bootstrap(rng.exponential(size=100), draws=200, seed=i) for i in range(200)]
    held = np.mean([one.low <= 1 <= one.high for one in found])
    assert 0.95 - 4 * math.sqrt(0.95 * 0.05 / 200) < held < 0.99


def test_weights_make_a_ratio_of_means() -> None:
    found = bootstrap(np.array([1.0, 3.0]), np.array([3.0, 1.0]), draws=50)
    assert found.value == 1.5  # (3·1 + 1·3) / (3 + 1)
    assert (found.low, found.high) == (1.0, 3.0)  # both draws may be the same picture


def test_the_bootstrap_is_a_function_of_its_seed() -> None:
    values = np.arange(50.0)
    assert bootstrap(values, seed=3) == bootstrap(values, seed=3) != bootstrap(values, seed=4)


def test_the_jackknife_error_of_a_mean_of_equal_blocks_is_that_of_their_mean() -> None:
    blocks = np.array([1.0, 4.0, 2.0, 7.0])
    without = [(blocks.sum() - one) / 3 for one in blocks]
    found = jackknife(float(blocks.mean()), without)
    assert found.error == pytest.approx(blocks.std(ddof=1) / 2)
    assert found.value == 3.5


def test_subsets_repeat_no_row_and_are_a_function_of_seed_and_number() -> None:
    many = list(random_subsets(20, 8, 5, seed=0, name="a"))
    assert all(len(set(rows.tolist())) == 8 for rows in many)
    few = list(random_subsets(20, 8, 2, seed=0, name="a"))
    np.testing.assert_array_equal(many[:2], few)
    assert not np.array_equal(many[0], next(random_subsets(20, 8, 1, seed=0, name="b")))


def test_nothing_cannot_be_resampled() -> None:
    with pytest.raises(ConfigError, match="at least one value"):
        bootstrap(np.zeros(0))
    with pytest.raises(ConfigError, match="at least 2"):
        jackknife(1.0, [1.0])
