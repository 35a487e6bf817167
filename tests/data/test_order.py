from __future__ import annotations

import itertools
import time

import numpy as np
import pytest

from progan.core.errors import DataError
from progan.data.order import Order


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 9, 10, 16, 17, 100, 1000, 4095, 65537])
def test_every_picture_comes_exactly_once_in_every_epoch(count: int) -> None:
    order = Order(count, seed=3)
    for epoch in (0, 1, 10**9):
        indices = order.indices(np.arange(count) + epoch * count)
        assert np.array_equal(np.sort(indices), np.arange(count))


def test_epochs_and_seeds_put_the_pictures_in_different_orders() -> None:
    orders = [
        Order(1000, seed).indices(np.arange(1000) + 1000 * e) for seed in (0, 1) for e in (0, 1)
    ]
    for one, other in itertools.combinations(orders, 2):
        # Two random orders agree at 1 place on average, and at 10 less than once in ten million.
        assert (one == other).sum() < 10


def test_an_order_is_not_the_order_of_the_files() -> None:
    order = Order(10_000, seed=0).indices(np.arange(10_000))
    assert abs(np.corrcoef(order, np.arange(10_000))[0, 1]) < 0.05  # five standard deviations
    assert (np.diff(order) == 1).sum() < 12  # one expected


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_all_permutations_of_a_few_pictures_are_about_equally_frequent(count: int) -> None:
    epochs = 24_000
    orders = Order(count, seed=5).indices(np.arange(count * epochs)).reshape(epochs, count)
    _, seen = np.unique(orders, axis=0, return_counts=True)
    kinds = {2: 2, 3: 6, 4: 24, 5: 120}[count]
    assert len(seen) == kinds
    expected = epochs / kinds
    chi_square = ((seen - expected) ** 2 / expected).sum()
    # Mean kinds - 1, standard deviation sqrt(2 (kinds - 1)): five of them.
    assert chi_square < kinds - 1 + 5 * (2 * (kinds - 1)) ** 0.5


@pytest.mark.parametrize("count", [10, 97])
def test_each_picture_comes_to_each_place_equally_often(count: int) -> None:
    epochs = 20_000
    orders = Order(count, seed=1).indices(np.arange(count * epochs)).reshape(epochs, count)
    for place in (0, count // 2, count - 1):
        seen = np.bincount(orders[:, place], minlength=count)
        chi_square = ((seen - epochs / count) ** 2 / (epochs / count)).sum()
        assert chi_square < count - 1 + 5 * (2 * (count - 1)) ** 0.5


def test_a_number_has_its_picture_whoever_asks_and_in_whatever_company() -> None:
    order = Order(1234, seed=9)
    whole = order.indices(np.arange(5000))
    assert [int(order.indices([n])[0]) for n in (0, 1233, 1234, 4999)] == list(
        whole[[0, 1233, 1234, 4999]]
    )
    assert np.array_equal(Order(1234, seed=9).indices(range(77, 99)), whole[77:99])
    assert order.indices(np.arange(6).reshape(2, 3)).shape == (2, 3)


def test_a_billion_pictures_need_no_memory() -> None:
    indices = Order(10**9, seed=0).indices(np.arange(1000))
    assert len(np.unique(indices)) == 1000
    assert 0 <= indices.min() <= indices.max() < 10**9
    assert indices.max() - indices.min() > 0.98 * 10**9


def test_order_of_seed_zero_is_the_order_it_always_was() -> None:
    assert Order(1000, seed=0).indices(range(6)).tolist() == [536, 907, 130, 188, 610, 587]
    coins = Order(1000, seed=0).mirrored(range(8))
    assert np.flatnonzero(coins).tolist() == [3, 5, 6]


def test_coins_are_fair_and_independent_of_each_other() -> None:
    coins = Order(10, seed=2).mirrored(np.arange(40_000))
    assert abs(coins.mean() - 0.5) < 5 * 0.5 / 200  # five standard deviations
    assert abs((coins[1:] == coins[:-1]).mean() - 0.5) < 5 * 0.5 / 200
    assert (coins[:1000] != Order(10, seed=3).mirrored(np.arange(1000))).any()
    # The same picture in two epochs is shown both ways.
    assert 0.4 < (coins[:10_000] != coins[10_000:20_000]).mean() < 0.6


def test_a_hundred_thousand_numbers_take_less_than_a_tenth_of_a_second() -> None:
    order, numbers = Order(30_000, seed=0), np.arange(100_000)
    order.indices(numbers[:100])

    def seconds() -> float:
        start = time.process_time()
        order.indices(numbers)
        return time.process_time() - start

    assert min(seconds() for _ in range(5)) < 0.1


def test_an_empty_set_has_no_order() -> None:
    with pytest.raises(DataError, match="0 pictures"):
        Order(0, seed=0)
