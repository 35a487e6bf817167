from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from progan.core.errors import ConfigError, DataError
from progan.metrics import distances
from progan.metrics.kernels import RBF, Kernel, Polynomial, kid, mmd, rbf_of


def line(*places: float) -> np.ndarray:
    return np.array(places)[:, None]


def normal(n: int, d: int, seed: int, shift: float = 0.0) -> np.ndarray:
    x = np.random.default_rng(seed).normal(size=(n, d))
    x[:, 0] += shift
    return x


both = pytest.mark.parametrize("kernel", [Polynomial(), RBF(sigma=1.5)], ids=["cubic", "rbf"])


def test_the_cubic_kernel_by_hand() -> None:
    # (xy + 1)³. Within {0, 1}: 1; within {1, 2}: 27; across: 1, 1, 8, 27, mean 9.25
    assert mmd(line(0, 1), line(1, 2), Polynomial()).value == pytest.approx(1 + 27 - 2 * 9.25)


def test_the_gaussian_kernel_by_hand() -> None:
    # σ² = ½, one scale: exp(−Δ²). Within both: e⁻¹; across: e⁻¹, e⁻⁴, 1, e⁻¹
    e = np.exp(-1.0)
    kernel = RBF(sigma=np.sqrt(0.5), scales=(1.0,))
    found = mmd(line(0, 1), line(1, 2), kernel).value
    assert found == pytest.approx(2 * e - 2 * (2 * e + e**4 + 1) / 4)


@both
def test_two_samples_of_one_distribution_give_zero_on_average_and_are_not_clipped(
    kernel: Kernel,
) -> None:
    found = [mmd(normal(40, 3, 2 * i), normal(30, 3, 2 * i + 1), kernel).value for i in range(200)]
    assert np.mean(found) == pytest.approx(0, abs=3.5 * np.std(found, ddof=1) / np.sqrt(200))
    assert min(found) < 0 < max(found)


@pytest.mark.parametrize(("sigma", "shift", "expected"), [(1.0, 1.0, 0.10235), (2.0, 1.0, None)])
def test_gaussians_apart_come_to_the_closed_form(
    sigma: float, shift: float, expected: float | None
) -> None:
    d = 2
    f = (sigma**2 / (sigma**2 + 2)) ** (d / 2)
    closed = 2 * f - 2 * f * np.exp(-(shift**2) / (2 * (sigma**2 + 2)))
    assert expected is None or closed == pytest.approx(expected, abs=1e-5)
    kernel = RBF(sigma=sigma, scales=(1.0,))
    found = [
        mmd(normal(300, d, 2 * i), normal(300, d, 2 * i + 1, shift), kernel).value
        for i in range(12)
    ]
    assert np.mean(found) == pytest.approx(closed, abs=4 * np.std(found, ddof=1) / np.sqrt(12))


def test_scales_add_up() -> None:
    x, y = normal(50, 3, 0), normal(40, 3, 1, 0.5)
    parts = [mmd(x, y, RBF(sigma=s * 1.5, scales=(1.0,))).value for s in (0.5, 1, 2, 4)]
    assert mmd(x, y, RBF(sigma=1.5)).value == pytest.approx(sum(parts), rel=1e-9)
    some = RBF(sigma=1.5, scales=(0.5, 4.0, 1.0))  # neither in order nor each twice the next
    assert mmd(x, y, some).value == pytest.approx(parts[0] + parts[1] + parts[3], rel=1e-9)


@both
def test_a_shift_makes_it_larger(kernel: Kernel) -> None:
    x = normal(200, 3, 0)
    found = [mmd(x, normal(200, 3, 1, shift), kernel).value for shift in (0.3, 0.8, 2.0)]
    assert found == sorted(found)
    assert found[0] > 0


@both
def test_it_is_symmetric_and_turns_change_nothing(kernel: Kernel) -> None:
    x, y = normal(60, 3, 0), normal(50, 3, 1, 1.0)
    turn, _ = np.linalg.qr(normal(3, 3, 2))
    there = mmd(x, y, kernel).value
    assert mmd(y, x, kernel).value == pytest.approx(there, rel=1e-9)
    assert mmd(x @ turn, y @ turn, kernel).value == pytest.approx(there, rel=1e-9)


def test_the_gaussian_kernel_with_a_median_width_knows_neither_shift_nor_scale() -> None:
    x, y = normal(60, 3, 0), normal(50, 3, 1, 1.0)
    moved = 9 * x + 4
    expected = mmd(x, y, rbf_of(x)).value
    assert mmd(moved, 9 * y + 4, rbf_of(moved)).value == pytest.approx(expected, rel=1e-9)


@both
@pytest.mark.parametrize("room", [1, 2000])
def test_chunks_change_nothing(kernel: Kernel, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = normal(60, 3, 0), normal(50, 3, 1, 1.0)
    whole = mmd(x, y, kernel, permutations=9)
    monkeypatch.setattr(distances, "CHUNK_BYTES", room)
    parts = mmd(x, y, kernel, permutations=9)
    assert parts.value == pytest.approx(whole.value, rel=1e-10)
    assert parts.p_value == whole.p_value


def test_the_width_is_the_median_distance_of_different_reals() -> None:
    assert rbf_of(line(0, 1, 3)).sigma == 2  # distances 1, 2, 3
    many = normal(5000, 1, 0)
    # |x − y| for normals is √2 |z|, median 0.6745 √2; 2,000 rows: about 1 %
    assert rbf_of(many).sigma == pytest.approx(0.6745 * np.sqrt(2), rel=0.05)
    assert rbf_of(many) == rbf_of(many)


# Permutations ------------------------------------------------------------------------------


@both
def test_the_p_value_counts_all_ways_to_deal_the_labels(kernel: Kernel) -> None:
    points = normal(6, 2, 0)
    x, y = points[:3], points[3:]
    seen = mmd(x, y, kernel).value
    every = []
    for real in combinations(range(6), 3):
        rest = [i for i in range(6) if i not in real]
        every.append(mmd(points[list(real)], points[rest], kernel).value)
    exact = np.mean([value >= seen - 1e-9 for value in every])
    found = mmd(x, y, kernel, permutations=2000)
    assert found.p_value == pytest.approx(exact, abs=4 * np.sqrt(0.25 / 2000))
    assert found.spread == pytest.approx(np.std(every), rel=0.1)


def test_the_test_rejects_one_distribution_about_as_often_as_it_says() -> None:
    p = [
        mmd(normal(15, 2, 2 * i), normal(12, 2, 2 * i + 1), RBF(sigma=1.0), permutations=39).p_value
        for i in range(150)
    ]
    # P(p ≤ 0.1) = 4/40 exactly; 150 tests
    assert np.mean([one is not None and one <= 0.1 for one in p]) == pytest.approx(
        0.1, abs=4 * np.sqrt(0.09 / 150)
    )


def test_the_test_finds_a_shift() -> None:
    found = mmd(normal(80, 2, 0), normal(80, 2, 1, 2.0), RBF(sigma=1.0), permutations=99)
    assert found.p_value == 1 / 100


# KID ---------------------------------------------------------------------------------------


def test_kid_is_the_mean_over_subsets_and_its_spread_their_deviation() -> None:
    x, y = normal(300, 4, 0), normal(260, 4, 1, 1.0)
    found = kid(x, y, subsets=40, size=100)
    whole = mmd(x, y, Polynomial()).value
    assert found.value == pytest.approx(whole, abs=4 * found.spread / np.sqrt(40))
    assert (found.subsets, found.size, found.real, found.fake) == (40, 100, 300, 260)
    assert found == kid(x, y, subsets=40, size=100) != kid(x, y, subsets=40, size=100, seed=1)


def test_one_subset_of_everything_is_the_whole() -> None:
    x, y = normal(50, 4, 0), normal(50, 4, 1)
    found = kid(x, y, subsets=2, size=50)
    assert found.value == pytest.approx(mmd(x, y, Polynomial()).value, rel=1e-9)
    assert found.spread == pytest.approx(0, abs=1e-12)


def test_the_error_of_kid_is_what_other_pictures_change() -> None:
    found = [
        kid(normal(150, 3, 2 * i), normal(150, 3, 2 * i + 1, 1.0), subsets=20, size=40)
        for i in range(40)
    ]
    spread = np.std([one.value for one in found], ddof=1)
    stated = np.mean([one.estimate.error for one in found])
    assert stated == pytest.approx(spread, rel=0.4)


def test_subsets_larger_than_the_sets_are_refused_with_a_size_that_fits() -> None:
    with pytest.raises(ConfigError, match="2 to 300 rows: size=150"):
        kid(normal(500, 3, 0), normal(300, 3, 1))


def test_widths_that_are_no_widths_are_refused() -> None:
    with pytest.raises(ConfigError, match="sigma is 0"):
        RBF(sigma=0)
    with pytest.raises(DataError, match="half of them are copies"):
        rbf_of(np.zeros((5, 2)))
