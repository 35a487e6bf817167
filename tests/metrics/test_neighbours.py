from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from progan.core.errors import ConfigError, DataError
from progan.metrics import distances
from progan.metrics.neighbours import (
    PRDC,
    expected_coverage,
    one_nearest_accuracy,
    prdc,
    precision_recall,
)


def line(*places: float) -> np.ndarray:
    return np.array(places)[:, None]


def normal(n: int, d: int, seed: int, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)) + shift


def four(found: PRDC) -> list[float]:
    return [one.value for one in (found.precision, found.recall, found.density, found.coverage)]


def test_balls_on_a_line_by_hand() -> None:
    # k = 1. Real 0, 1, 3: radii 1, 1, 2. Fake ½ lies in the first two, 4.9 in the third, 6 in none
    real, fake = line(0, 1, 3), line(0.5, 4.9, 6)
    found = precision_recall(real, fake, k=1)
    assert found.precision.value == pytest.approx(2 / 3)
    # radii of fakes: 4.4, 1.1, 1.1; all reals lie within 4.4 of ½
    assert found.recall.value == 1
    # 2 + 1 + 0 balls over 3 fakes; every ball holds a fake
    assert four(prdc(real, fake, k=1)) == pytest.approx([2 / 3, 1, 1, 1])


def test_the_border_belongs_to_the_ball_of_precision_and_not_to_that_of_density() -> None:
    real, fake = line(0, 2), line(4, 4.5)  # 4 is as far from 2 as 0 is
    assert precision_recall(real, fake, k=1).precision.value == 0.5
    assert prdc(real, fake, k=1).precision.value == 0


def test_identical_sets_have_precision_and_recall_one() -> None:
    x = normal(200, 5, 0)
    found = precision_recall(x, x)
    assert (found.precision.value, found.recall.value) == (1, 1)
    # each strict ball holds its own centre and k − 1 nearer ones: density is exactly 1, too
    assert four(prdc(x, x)) == [1, 1, 1, 1]


def test_sets_far_apart_have_precision_and_recall_zero() -> None:
    x, y = normal(100, 5, 0), normal(80, 5, 1, shift=100)
    found = precision_recall(x, y)
    assert (found.precision.value, found.recall.value) == (0, 0)
    assert four(prdc(x, y)) == [0, 0, 0, 0]


def test_fakes_on_half_of_the_modes_are_precise_and_recall_half() -> None:
    here, there = normal(100, 3, 0), normal(100, 3, 1, shift=1000)
    found = precision_recall(np.concatenate([here, there]), here)
    assert (found.precision.value, found.recall.value) == (1, 0.5)
    fresh = precision_recall(np.concatenate([here, there]), normal(100, 3, 2))
    assert fresh.precision.value > 0.85
    assert 0.4 < fresh.recall.value <= 0.5


def test_precision_one_way_is_recall_the_other_way() -> None:
    x, y = normal(150, 4, 0), normal(90, 4, 1, shift=0.5)
    there, back = precision_recall(x, y), precision_recall(y, x)
    assert there.precision.value == back.recall.value
    assert there.recall.value == back.precision.value


def test_duplicate_rows_make_balls_that_only_a_border_can_fill() -> None:
    x = np.repeat(normal(10, 3, 0), 6, axis=0)  # k + 1 = 6 copies: every radius is 0
    assert prdc(x, x, k=5).precision.value == 0
    assert precision_recall(x, x, k=5).precision.value == 1


def test_rounding_does_not_decide_who_lies_on_a_border() -> None:
    # a row of reals 0.1 apart, fakes 0.1 beside them: on the border of one ball each. None of
    # these numbers is exact in binary; taken as they are, 24 of 60 fall on the wrong side
    along = 1000 + 0.1 * np.arange(60)
    real, fake = (np.stack([along, np.full(60, beside)], axis=1) for beside in (0, 0.1))
    closed, open_ = precision_recall(real, fake, k=1), prdc(real, fake, k=1)
    assert (closed.precision.value, closed.recall.value) == (1, 1)
    assert four(open_) == [0, 0, 0, 0]


def test_neither_shift_nor_turn_nor_scale_changes_a_share() -> None:
    x, y = normal(150, 4, 0), normal(120, 4, 1, shift=0.5)
    turn, _ = np.linalg.qr(normal(4, 4, 2))
    assert four(prdc(7 * x @ turn + 30, 7 * y @ turn + 30)) == four(prdc(x, y))


def test_the_order_of_pictures_changes_nothing() -> None:
    x, y = normal(150, 4, 0), normal(120, 4, 1, shift=0.5)
    rng = np.random.default_rng(0)
    assert four(prdc(rng.permutation(x), rng.permutation(y))) == pytest.approx(four(prdc(x, y)))


@pytest.mark.parametrize("room", [1, 3000])
def test_chunks_change_nothing(room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = normal(80, 4, 0), normal(70, 4, 1, shift=0.3)
    expected = prdc(x, y), precision_recall(x, y), one_nearest_accuracy(x, y, permutations=20)
    monkeypatch.setattr(distances, "CHUNK_BYTES", room)
    assert (prdc(x, y), precision_recall(x, y), one_nearest_accuracy(x, y, permutations=20)) == (
        expected
    )


@pytest.mark.parametrize(("n", "m"), [(20, 20), (30, 12)])
def test_perfect_fakes_have_the_stated_density_and_coverage_on_average(n: int, m: int) -> None:
    found = [four(prdc(normal(n, 2, 2 * i), normal(m, 2, 2 * i + 1), k=3))[2:] for i in range(100)]
    mean, error = np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / np.sqrt(100)
    assert mean[0] == pytest.approx(1, abs=4 * error[0])
    assert mean[1] == pytest.approx(expected_coverage(n, m, 3), abs=4 * error[1])


def test_full_coverage_is_near_one_minus_two_to_the_minus_k() -> None:
    # n = m = 2, k = 1: of the 3 other pictures 1 is real, so the nearest is fake in 2 of 3 cases
    assert expected_coverage(2, 2, 1) == pytest.approx(2 / 3)
    assert expected_coverage(10_000, 10_000, 5) == pytest.approx(1 - 2**-5, abs=1e-4)


def test_intervals_hold_their_values_and_narrow_with_more_pictures() -> None:
    few, many = (precision_recall(normal(n, 2, 0), normal(n, 2, 1, 0.5)) for n in (60, 600))
    for one in (few.precision, few.recall, many.precision):
        assert one.low <= one.value <= one.high
    assert many.precision.error < 0.6 * few.precision.error


def test_too_few_rows_for_k_and_a_k_of_nothing_are_refused() -> None:
    with pytest.raises(DataError, match="fake features: 3 rows came; at least 4 are needed"):
        precision_recall(normal(9, 2, 0), normal(3, 2, 1))
    with pytest.raises(ConfigError, match="k is 0"):
        prdc(normal(9, 2, 0), normal(9, 2, 1), k=0)


# 1-NN accuracy -----------------------------------------------------------------------------


def test_one_nearest_accuracy_on_a_line_by_hand() -> None:
    # real 0, 1, 10; fake 1.5, 10.4: nearest others 1, 1.5, 10.4 and 1, 10: only 0 has its like
    found = one_nearest_accuracy(line(0, 1, 10), line(1.5, 10.4))
    assert (found.value, found.on_fake) == (pytest.approx(1 / 5), 0)
    assert found.on_real == pytest.approx(1 / 3)


def test_sets_far_apart_are_told_apart_and_copies_look_like_nothing_else() -> None:
    x = normal(100, 3, 0)
    apart = one_nearest_accuracy(x, normal(100, 3, 1, shift=50), permutations=99)
    assert (apart.value, apart.p_value) == (1, 1 / 100)
    copies = one_nearest_accuracy(x, x, permutations=99)
    assert (copies.value, copies.p_value) == (0, 1)


def test_labels_dealt_at_random_give_the_stated_chance_on_average() -> None:
    points = normal(7, 2, 0)
    values = []
    for real in combinations(range(7), 3):
        fake = [i for i in range(7) if i not in real]
        found = one_nearest_accuracy(points[list(real)], points[fake], permutations=0)
        values.append(found.value)
    assert found.chance == pytest.approx((3 * 2 + 4 * 3) / (7 * 6))
    assert np.mean(values) == pytest.approx(found.chance, rel=1e-12)


def test_two_samples_of_one_distribution_are_told_apart_half_of_the_time() -> None:
    found = [
        one_nearest_accuracy(normal(50, 3, i), normal(50, 3, 99 + i), permutations=99)
        for i in range(40)
    ]
    error = np.std([one.value for one in found], ddof=1) / np.sqrt(40)
    assert np.mean([one.value for one in found]) == pytest.approx(49 / 99, abs=4 * error)
    assert np.mean([one.p_value for one in found]) == pytest.approx(0.5, abs=0.2)  # 4 σ


def test_equally_near_neighbours_are_drawn() -> None:
    x = np.zeros((150, 2))  # all the same: the neighbour is any other
    found = one_nearest_accuracy(x, x, permutations=0)
    assert found.value == pytest.approx(149 / 299, abs=4 * np.sqrt(0.25 / 300))
