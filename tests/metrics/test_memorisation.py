from __future__ import annotations

import numpy as np
import pytest

from progan.core.errors import DataError
from progan.metrics.memorisation import memorisation


def normal(n: int, d: int, seed: int, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)) + shift


def line(*places: float) -> np.ndarray:
    return np.array(places)[:, None]


def test_distances_on_a_line_by_hand() -> None:
    # train 0, 10, 30; held out at distances 1, 2, 4 and 3; fakes at 0.5, 2 (a tie) and 12
    train, held_out, fake = line(0, 10, 30), line(1, 12, 26, -3), line(9.5, 28, 42)
    found = memorisation(train, held_out, fake)
    # farther held-out reals: 4 of 4; 2 of 4 and half a tie; none
    assert found.closer.value == pytest.approx((1 + 2.5 / 4 + 0) / 3)
    assert found.ratio == pytest.approx(2 / 2.5)
    assert found.copies.value == pytest.approx(1 / 3)  # nearer than the nearest held out, 1
    assert found.chance == pytest.approx(1 / 5)
    # own neighbours of 10 and 30 lie 10 and 20 away; none of the fakes is farther
    assert found.authentic.value == 0
    assert found.closest[0] == (0, 1, pytest.approx(0.5))
    assert (found.train, found.held_out, found.fake) == (3, 4, 3)


def test_a_generator_that_copies_is_found_out() -> None:
    train = normal(300, 6, 0)
    fakes = train[:100] + 1e-3 * normal(100, 6, 1)
    found = memorisation(train, normal(200, 6, 2), fakes)
    assert (found.value, found.copies.value, found.authentic.value) == (1, 1, 0)
    assert found.ratio < 0.01
    assert found.authentic_real > 0.3


def test_exact_copies_are_copies_even_where_the_training_set_repeats_itself() -> None:
    train = np.repeat(normal(50, 4, 0), 2, axis=0)
    found = memorisation(train, normal(100, 4, 1), train[::2])
    assert (found.value, found.copies.value, found.authentic.value) == (1, 1, 0)


def test_one_copied_picture_in_ten_is_seen_in_the_share_of_copies() -> None:
    train = normal(300, 6, 0)
    fakes = np.concatenate([normal(180, 6, 1), train[:20]])
    found = memorisation(train, normal(300, 6, 2), fakes)
    assert 0.1 <= found.copies.value < 0.15
    assert found.copies.low > found.chance


def test_honest_fakes_come_to_the_stated_values_on_average() -> None:
    found = [
        memorisation(normal(60, 3, 3 * i), normal(50, 3, 3 * i + 1), normal(40, 3, 3 * i + 2))
        for i in range(80)
    ]
    assert found[0].chance == pytest.approx(1 / 51)
    for values, expected in (
        ([one.value for one in found], 0.5),
        ([one.copies.value for one in found], 1 / 51),
        ([one.authentic.value - one.authentic_real for one in found], 0),
    ):
        error = np.std(values, ddof=1) / np.sqrt(80)
        assert np.mean(values) == pytest.approx(expected, abs=4 * error)


def test_fakes_far_from_the_data_are_no_copies() -> None:
    found = memorisation(normal(100, 3, 0), normal(80, 3, 1), normal(50, 3, 2, shift=40))
    assert (found.value, found.copies.value, found.authentic.value) == (0, 0, 1)
    assert found.ratio > 10


def test_scale_and_shift_change_no_share() -> None:
    sets = [normal(80, 3, i) for i in range(3)]
    there, moved = memorisation(*sets), memorisation(*(5 * x - 20 for x in sets))
    assert (moved.closer, moved.copies, moved.authentic) == (
        there.closer,
        there.copies,
        there.authentic,
    )
    assert moved.ratio == pytest.approx(there.ratio)


def test_a_single_training_picture_is_refused() -> None:
    with pytest.raises(DataError, match="real features: 1 rows came"):
        memorisation(normal(1, 3, 0), normal(5, 3, 1), normal(5, 3, 2))
