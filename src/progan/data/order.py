"""The order of images: which picture is image number 0, 1, 2, … of a run that may never end.

    epoch, place = divmod(number, count);  index = permutation of (seed, epoch) at place

The permutation is computed, not stored: a Feistel network over the smallest grid a × b that holds
`count` places, walked again where it lands on one of the few places that are too many. A billion
pictures cost no more memory than ten, any number can be asked for first, and two processes that
ask for the same number get the same picture.

Source: Black and Rogaway 2002, "Ciphers with arbitrary finite domains", methods 2 and 3; the
        mixing function is SplitMix64's (Steele, Lea and Flood 2014).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from progan.core.errors import DataError
from progan.core.randomness import seed_of

__all__ = ["Order"]

ROUNDS = 12
"""Enough for a grid as small as 2 × 2 to reach all its permutations about equally often."""
STEP = np.uint64(0x9E3779B97F4A7C15)
"""2⁶⁴ divided by the golden ratio: neighbouring numbers begin far apart."""

Numbers = NDArray[np.integer[Any]] | Sequence[int]


class Order:
    """Image number → index into `count` pictures; each picture exactly once an epoch.

    Raises: DataError for a count below 1.
    """

    def __init__(self, count: int, seed: int) -> None:
        if count < 1:
            raise DataError(
                f"there are {count} pictures to put in order; there must be at least 1."
            )
        self.count, self.seed = count, seed
        self._rows = math.isqrt(count - 1) + 1
        self._columns = -(-count // self._rows)
        self._key = np.uint64(seed_of(seed, "order"))
        self._coin = np.uint64(seed_of(seed, "mirror"))

    def indices(self, numbers: Numbers) -> NDArray[np.int64]:
        """The index of each image number, same shape; numbers count from 0 over all epochs."""
        given = np.asarray(numbers, np.int64)
        flat = given.reshape(-1)
        epoch, place = np.divmod(flat, self.count)
        place = self._permute(place.astype(np.uint64), epoch.astype(np.uint64))
        outside = np.flatnonzero(place >= self.count)
        while len(outside):  # each walk leaves the surplus places, fewer than a row, almost surely
            place[outside] = self._permute(place[outside], epoch[outside].astype(np.uint64))
            outside = outside[place[outside] >= self.count]
        return place.astype(np.int64).reshape(given.shape)

    def mirrored(self, numbers: Numbers) -> NDArray[np.bool_]:
        """A fair coin for each image number: whether the picture is shown left-right swapped."""
        given = np.asarray(numbers, np.int64).astype(np.uint64)
        return (_mix(given * STEP + self._coin) >> np.uint64(63)).astype(np.bool_)

    def drawn(self, numbers: Numbers) -> NDArray[np.int64]:
        """A number from 0 to 2³¹ − 1 for each image number, evenly: a choice among captions."""
        given = np.asarray(numbers, np.int64).astype(np.uint64)
        mixed = _mix(_mix(given * STEP + self._coin) + STEP)
        return (mixed >> np.uint64(33)).astype(np.int64)

    def _permute(self, place: NDArray[np.uint64], epoch: NDArray[np.uint64]) -> NDArray[np.uint64]:
        rows, columns = np.uint64(self._rows), np.uint64(self._columns)
        row, column = np.divmod(place, columns)
        key = _mix(epoch * STEP + self._key)
        for _ in range(ROUNDS // 2):
            key = key + STEP
            row = (row + _mix(column ^ _mix(key)) % rows) % rows
            key = key + STEP
            column = (column + _mix(row ^ _mix(key)) % columns) % columns
        moved: NDArray[np.uint64] = row * columns + column
        return moved


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finisher: a bijection of 64-bit words in which every bit sways every other."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
