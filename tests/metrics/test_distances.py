from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from progan.metrics import distances
from progan.metrics.distances import chunked, kth_nearest, nearest


def whole(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.concatenate([found for _, found in chunked(first, second)])


def test_squares_are_those_of_the_differences() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 7)), rng.normal(size=(30, 7)) + 100
    expected = np.square(x[:, None] - y).sum(axis=2)
    np.testing.assert_allclose(whole(x, y), expected, rtol=1e-11)


def test_copies_are_at_exactly_zero_and_near_copies_keep_their_distance() -> None:
    x = np.random.default_rng(0).normal(size=(50, 300)) + 1000
    y = x.copy()
    y[:, 0] += 1e-6
    assert (whole(x, x).diagonal() == 0).all()
    # x near 1000 holds 1e-6 to 1e-7 of itself; a plain product would leave about 1e-7 of noise
    np.testing.assert_allclose(whole(x, y).diagonal(), (y[:, 0] - x[:, 0]) ** 2, rtol=1e-6)


@pytest.mark.parametrize("room", [1, 5000, 2**26])
def test_chunks_cover_every_row_once_and_change_nothing(
    room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 5)), rng.normal(size=(30, 5))
    y[3] = x[8]
    expected = np.square(x[:, None] - y).sum(axis=2)
    monkeypatch.setattr(distances, "CHUNK_BYTES", room)
    np.testing.assert_allclose(whole(x, y), expected, rtol=1e-11)
    assert [rows.stop for rows, _ in chunked(x, y)][-1] == 40


def test_memory_is_the_sets_and_a_few_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distances, "CHUNK_BYTES", 2**20)
    x = np.zeros((3000, 4))  # all are copies: the case with the most to compute again
    tracemalloc.start()
    kth_nearest(x, 3)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 8 * 2**20  # all distances at once would be 69 MiB


def test_the_kth_neighbour_on_a_line() -> None:
    x = np.array([[0.0], [1.0], [3.0], [7.0]])
    assert kth_nearest(x, 1).tolist() == [1, 1, 4, 16]
    assert kth_nearest(x, 3).tolist() == [49, 36, 16, 49]


def test_the_nearest_of_a_pool_is_found_and_the_first_of_equals_taken() -> None:
    squares, places = nearest(np.array([[1.0], [5.0]]), np.array([[0.0], [2.0], [6.0]]))
    assert (squares.tolist(), places.tolist()) == ([1, 1], [0, 2])
