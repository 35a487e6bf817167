from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from progan.core.errors import ConfigError, DataError
from progan.metrics.stacked import count_stacked, expected_kl, expected_modes, stacked_score


def perfect(n: int, seed: int, classes: int = 10) -> np.ndarray:
    return np.random.default_rng(seed).integers(classes, size=(n, 3))


def test_the_mode_of_a_picture_is_c0_plus_ten_c1_plus_a_hundred_c2() -> None:
    found = count_stacked(np.array([[4, 0, 0], [0, 7, 0], [9, 9, 9], [9, 9, 9]]))
    assert found.any == {4, 70, 999}
    assert (len(found.counts), found.counts[999], found.samples) == (1000, 2, 4)


def test_one_mode_alone_has_the_logarithm_of_a_thousand() -> None:
    assert count_stacked(np.full((50, 3), 3)).reverse_kl == pytest.approx(math.log(1000))


def test_every_mode_once_has_all_modes_and_no_divergence() -> None:
    found = count_stacked(np.array(list(product(range(10), repeat=3))))
    assert len(found.any) == 1000
    assert found.reverse_kl == pytest.approx(0, abs=1e-12)


def test_the_order_of_pictures_changes_nothing() -> None:
    digits = perfect(300, 0)
    assert count_stacked(digits[::-1]) == count_stacked(digits)


def test_perfect_pictures_reach_the_stated_modes_and_divergence() -> None:
    # 26,000 pictures, the published number: all modes, KL floor 999/52,000 = 0.0192
    found = stacked_score([perfect(26_000, seed) for seed in range(5)])
    assert found.modes.value == 1000
    assert (found.best_modes, found.best_kl) == (
        pytest.approx(1000),
        pytest.approx(0.0192, abs=1e-4),
    )
    # 2N KL is χ² with 999 degrees: deviation √1998/52,000
    assert found.kl.value == pytest.approx(0.0192, abs=4 * math.sqrt(1998) / 52_000 / math.sqrt(5))


def test_few_pictures_cannot_reach_all_modes() -> None:
    # K (1 − (1 − 1/K)^N) for N = K = 1,000: 632.3; the deviation is below √(K e⁻¹ (1 − 2/e)) = 10
    found = stacked_score([perfect(1000, seed) for seed in range(20)])
    assert found.best_modes == pytest.approx(632.3, abs=0.1)
    assert found.modes.value == pytest.approx(632.3, abs=4 * 10 / math.sqrt(20))


def test_expected_modes_is_the_mean_over_all_outcomes() -> None:
    every = [len({a, b, c}) for a, b, c in product(range(4), repeat=3)]
    assert expected_modes(3, 4) == pytest.approx(np.mean(every))


def test_expected_divergence_holds_for_fewer_modes_and_classes() -> None:
    found = [count_stacked(perfect(800, s, classes=2), classes=2).reverse_kl for s in range(200)]
    error = np.std(found, ddof=1) / math.sqrt(200)
    assert np.mean(found) == pytest.approx(expected_kl(800, 8), abs=4 * error + 1e-4)


def test_spread_over_sets_is_their_standard_deviation_and_unknown_for_one() -> None:
    sets = [perfect(500, seed) for seed in range(3)]
    each = [len(count_stacked(one).any) for one in sets]
    found = stacked_score(sets)
    assert found.modes.value == pytest.approx(np.mean(each))
    assert found.modes_spread == pytest.approx(np.std(each, ddof=1))
    assert stacked_score(sets[:1]).modes_spread is None


@pytest.mark.parametrize(
    "digits", [np.zeros((0, 3), int), np.zeros(5, int), np.zeros((5, 3))], ids=str
)
def test_anything_but_whole_numbers_by_channel_is_refused(digits: np.ndarray) -> None:
    with pytest.raises(DataError, match="one whole number for each channel"):
        count_stacked(digits)


def test_classes_that_are_not_there_and_sets_of_two_sizes_are_refused() -> None:
    with pytest.raises(DataError, match="classes reach from 0 to 10"):
        count_stacked(np.array([[0, 10, 3]]))
    with pytest.raises(ConfigError, match="one or more sets of one size"):
        stacked_score([perfect(4, 0), perfect(5, 0)])
    with pytest.raises(ConfigError, match="0 sets"):
        stacked_score([])
