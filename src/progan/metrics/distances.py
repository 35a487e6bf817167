"""Squared Euclidean distances between rows, chunk by chunk, with copies at exactly 0.

    ‖a − b‖² = ‖a‖² + ‖b‖² − 2 a·b

by one matrix product in float64, both sets moved by the mean of the second. Where the result is
less than 10⁻⁴ of ‖a‖² + ‖b‖², it is computed again from the differences: a copy is at distance 0,
and every square is right to about 10⁻¹¹ of itself. Squares that agree to 10⁻⁹ count as equal
(`TIE`), so that ≤ and < mean what they say whatever the order of summation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from progan.metrics.feature_set import Matrix

__all__ = ["TIE", "chunked", "kth_nearest", "nearest"]

Doubles: TypeAlias = NDArray[np.float64]

CHUNK_BYTES = 64 * 2**20
"""Room for one chunk of distances."""
NEAR = 1e-4
"""Part of the squared norms below which a square is computed again."""
TIE = 1e-9
"""Squares that differ by this part count as equal."""


def chunked(first: Matrix, second: Matrix) -> Iterator[tuple[slice, Doubles]]:
    """Rows of `first`, and their squared distances to all of `second`: rows m.

    Holds `second` in float64, and about three chunks of `CHUNK_BYTES`.
    """
    centre = second.mean(axis=0, dtype=np.float64)
    b = second.astype(np.float64) - centre
    squares = np.einsum("ij,ij->i", b, b)
    rows = max(1, CHUNK_BYTES // (8 * max(len(b), b.shape[1])))
    for start in range(0, len(first), rows):
        some = slice(start, min(start + rows, len(first)))
        a = first[some].astype(np.float64) - centre
        sums = np.einsum("ij,ij->i", a, a)[:, None] + squares
        found = a @ b.T
        found *= -2
        found += sums
        sums *= NEAR
        close = np.nonzero(found < sums)
        del sums
        _again(found, a, b, close)
        yield some, found


def _again(found: Doubles, a: Doubles, b: Doubles, close: tuple[NDArray[np.int64], ...]) -> None:
    """Put squares of differences where `close` says."""
    rows, columns = close
    step = max(1, CHUNK_BYTES // (16 * b.shape[1]))
    for start in range(0, len(rows), step):
        i, j = rows[start : start + step], columns[start : start + step]
        apart = a[i] - b[j]
        found[i, j] = np.einsum("ij,ij->i", apart, apart)


def kth_nearest(points: Matrix, k: int) -> Doubles:
    """Squared distance of each row to the k-th nearest of the others: n. Copies are others."""
    radii = np.empty(len(points))
    for rows, squares in chunked(points, points):
        own = np.arange(rows.start, rows.stop)
        squares[own - rows.start, own] = np.inf
        radii[rows] = np.partition(squares, k - 1, axis=1)[:, k - 1]
    return radii


def nearest(
    queries: Matrix, pool: Matrix, *, own: bool = False
) -> tuple[Doubles, NDArray[np.int64]]:
    """Squared distance of each query to the nearest row of `pool`, and its place: n, n.

    Among equals, the first. With `own`, queries and pool are one set and no row is its own
    neighbour.
    """
    squares, places = np.empty(len(queries)), np.empty(len(queries), np.int64)
    for rows, found in chunked(queries, pool):
        if own:
            mine = np.arange(rows.start, rows.stop)
            found[mine - rows.start, mine] = np.inf
        places[rows] = found.argmin(axis=1)
        squares[rows] = np.take_along_axis(found, places[rows][:, None], axis=1)[:, 0]
    return squares, places
