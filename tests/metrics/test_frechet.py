from __future__ import annotations

import numpy as np
import pytest

from progan.core.errors import ConfigError, DataError
from progan.metrics.frechet import fid, frechet_distance, null_bias
from progan.metrics.moments import Moments, in_blocks, moments


def gaussian(mean: list[float], covariance: list[list[float]]) -> Moments:
    """Moments of two rows: n − 1 is 1, and the scatter is the covariance."""
    return Moments(n=2, mean=np.array(mean, float), scatter=np.array(covariance, float))


def diagonal(mean: list[float], deviations: list[float]) -> Moments:
    return gaussian(mean, np.diag(np.square(deviations)).tolist())


def normal(n: int, d: int, seed: int, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)) + shift


def test_diagonal_gaussians_are_apart_by_their_means_and_deviations() -> None:
    # Σ Δμ² + (σ₁ − σ₂)²: 1 + 4 of the means, 0.25 + 1 of the deviations
    found = frechet_distance(diagonal([0, 0], [1, 2]), diagonal([1, -2], [1.5, 1]))
    assert found.value == pytest.approx(6.25, abs=1e-12)
    assert found.means == pytest.approx(5)


def test_equal_covariances_leave_the_squared_distance_of_the_means() -> None:
    covariance = [[2.0, 0.7], [0.7, 1.0]]
    found = frechet_distance(gaussian([0, 0], covariance), gaussian([3, 4], covariance))
    assert found.value == pytest.approx(25, rel=1e-12)


def test_covariances_that_do_not_commute_are_no_trouble() -> None:
    # 2 x 2: Tr √M = √(Tr M + 2 √det M), M = C₁C₂
    first, second = np.array([[2.0, 0.0], [0.0, 1.0]]), np.array([[2.0, 1.0], [1.0, 2.0]])
    product = first @ second
    root = np.sqrt(np.trace(product) + 2 * np.sqrt(np.linalg.det(product)))
    found = frechet_distance(gaussian([0, 0], first.tolist()), gaussian([0, 0], second.tolist()))
    assert found.value == pytest.approx(3 + 4 - 2 * root, rel=1e-12)


def test_directions_that_never_vary_are_exact() -> None:
    # only the first direction is shared: 4 + (1 + 9) − 2 · √(4 · 1)
    flat, full = diagonal([0, 0], [2, 0]), diagonal([0, 0], [1, 3])
    for a, b in ((flat, full), (full, flat)):
        assert frechet_distance(a, b).value == pytest.approx(10, abs=1e-12)
    # nothing is shared: both traces stay
    assert frechet_distance(diagonal([0, 0], [2, 0]), diagonal([0, 0], [0, 3])).value == 13
    assert frechet_distance(diagonal([0, 0], [0, 0]), diagonal([0, 1], [0, 0])).value == 1


@pytest.mark.parametrize("n", [20, 500])  # fewer rows than features, and more
def test_a_set_is_at_distance_zero_from_itself(n: int) -> None:
    x = moments(normal(n, 64, seed=0))
    assert frechet_distance(x, x).value == pytest.approx(0, abs=1e-10)


def test_fewer_rows_than_features_cost_no_precision() -> None:
    # 19 directions vary of 64. A rounding error of 1e-16 in the others would weigh its root, 1e-8
    few, many = moments(normal(20, 64, 0)), moments(normal(500, 64, 1))
    there, back = frechet_distance(few, many).value, frechet_distance(many, few).value
    assert there == pytest.approx(back, rel=1e-12)


def test_it_is_symmetric_and_moves_with_neither_shift_nor_turn() -> None:
    x, y = normal(300, 6, 0), 2 * normal(200, 6, 1, shift=0.2)
    turn, _ = np.linalg.qr(normal(6, 6, 2))
    there = frechet_distance(moments(x), moments(y)).value
    assert frechet_distance(moments(y), moments(x)).value == pytest.approx(there, rel=1e-10)
    moved = frechet_distance(moments(x @ turn + 50), moments(y @ turn + 50)).value
    assert moved == pytest.approx(there, rel=1e-9)


def test_it_grows_as_the_square_of_the_scale() -> None:
    x, y = normal(300, 6, 0), normal(300, 6, 1, shift=1)
    once, thrice = (frechet_distance(moments(k * x), moments(k * y)).value for k in (1, 3))
    assert thrice == pytest.approx(9 * once, rel=1e-10)


def test_samples_of_diagonal_gaussians_come_to_their_distance() -> None:
    # d = 4, shift 0.5, deviations 1 and 1.5: 4 (0.25 + 0.25) = 2; bias 1e-3 at n = 20,000
    x, y = normal(20_000, 4, 0), 1.5 * normal(20_000, 4, 1) + 0.5
    assert fid(x, y).value == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize(("d", "n"), [(64, 500), (64, 1000), (16, 300)])
def test_two_samples_of_one_gaussian_are_apart_by_the_stated_bias(d: int, n: int) -> None:
    # C = I: 2d/n + d(d + 1)/2n = 4.416, 2.208, 0.560; second-order terms are below 3 % of it
    expected = 2 * d / n + d * (d + 1) / (2 * n)
    assert null_bias(np.ones(d), n, n) == pytest.approx(expected, rel=1e-12)
    found = [fid(normal(n, d, 2 * i), normal(n, d, 2 * i + 1), blocks=2).value for i in range(12)]
    error = np.std(found, ddof=1) / np.sqrt(12)
    assert np.mean(found) == pytest.approx(expected, abs=0.03 * expected + 4 * error)


def test_the_bias_of_unequal_directions_and_counts_is_the_stated_one() -> None:
    deviations = 2.0 ** -np.arange(8)
    expected = null_bias(deviations**2, 400, 900)
    found = [
        fid(normal(400, 8, 2 * i) * deviations, normal(900, 8, 2 * i + 1) * deviations, blocks=2)
        for i in range(60)
    ]
    values = [one.value for one in found]
    error = np.std(values, ddof=1) / np.sqrt(60)
    assert np.mean(values) == pytest.approx(expected, abs=0.03 * expected + 4 * error)
    # a single result states it from the real covariance it has seen
    assert found[0].chance == pytest.approx(expected, rel=0.15)


def test_the_error_over_fakes_is_what_other_fakes_change() -> None:
    real = moments(normal(5000, 4, 0))
    found = [fid(real, normal(500, 4, 1 + i, shift=0.7)) for i in range(60)]
    spread = np.std([one.value for one in found], ddof=1)  # known to 9 %
    stated = np.mean([one.spread for one in found if one.spread is not None])
    assert stated == pytest.approx(spread, rel=0.35)


def test_blocks_given_as_moments_are_those_cut_from_rows() -> None:
    x, y = normal(400, 3, 0), normal(300, 3, 1)
    whole, parts = fid(x, y, blocks=6), fid(moments(x), in_blocks(y, 6))
    assert whole == parts
    assert whole.value == pytest.approx(frechet_distance(moments(x), moments(y)).value, rel=1e-10)


def test_few_rows_and_unequal_counts_are_told() -> None:
    equal = fid(normal(40, 8, 0), normal(40, 8, 1))
    assert equal.notes == ()
    few, unequal = fid(normal(60, 32, 0), normal(30, 32, 1)).notes
    assert "30 rows do not fill 32 features" in few
    assert "n = 30 fakes, 60 reals" in unequal


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(DataError, match="of 1 rows"):
        frechet_distance(moments(normal(1, 3, 0)), moments(normal(5, 3, 1)))
    with pytest.raises(ConfigError, match="10 blocks of 12 rows"):
        fid(normal(50, 3, 0), normal(12, 3, 1))
