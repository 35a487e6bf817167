"""Mean and covariance of a stream of features, in constant memory; parts can be added.

    mean m        Σ x / n
    scatter S     Σ (x − m)(x − m)ᵀ, and the covariance is S / (n − 1)
    two parts     δ = m₂ − m₁,  m = m₁ + δ n₂/n,  S = S₁ + S₂ + δ δᵀ n₁ n₂ / n

All in float64. Rows are folded in by blocks of 1,024, however they arrive: the same rows in the
same order give the same bits, in any batches. Parts of different processes give the same numbers
as the whole to rounding, and the same bits as long as the parts and their order are the same:
let a part be a shard, not a process.

Source: Chan, Golub and LeVeque 1983 (Algorithms for computing the sample variance), for vectors.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from progan.core.errors import ConfigError, DataError
from progan.metrics.feature_set import (
    Features,
    FeatureSet,
    Matrix,
    Origin,
    check_origins,
    check_widths,
    matrix,
)

__all__ = ["MomentStream", "Moments", "in_blocks", "load", "merge", "moments", "save"]

Doubles: TypeAlias = NDArray[np.float64]

BLOCK = 1024
"""Rows folded in at once."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Moments:
    """Count, mean and scatter of n rows of d features."""

    n: int
    mean: Doubles
    """d."""
    scatter: Doubles
    """d d: sum of outer products of deviations from the mean."""
    origin: Origin | None = None

    @property
    def covariance(self) -> Doubles:
        """d d, with n − 1 below; needs two rows."""
        if self.n < 2:
            raise DataError(f"a covariance of {self.n} rows was asked for; it needs at least 2.")
        covariance: Doubles = self.scatter / (self.n - 1)
        return covariance

    def __add__(self, other: Moments) -> Moments:
        """Moments of both parts together."""
        origin = check_origins(self.origin, other.origin)
        check_widths(len(self.mean), len(other.mean))
        n = self.n + other.n
        if not self.n or not other.n:
            return self if self.n else other
        gap = other.mean - self.mean
        scatter = self.scatter + other.scatter
        scatter += np.outer(gap, gap * (self.n * other.n / n))
        return Moments(n=n, mean=self.mean + gap * (other.n / n), scatter=scatter, origin=origin)


class MomentStream:
    """Collects features batch by batch: 8 (2 d² + 1,024 d) bytes, however many come."""

    def __init__(self) -> None:
        self._done: Moments | None = None
        self._waiting: list[Matrix] = []
        self._rows = 0
        self._origin: Origin | None = None
        self._began = False

    def add(self, features: Features) -> None:
        """Take in n rows of d."""
        rows = matrix(features, least=0)
        origin = features.origin if isinstance(features, FeatureSet) else None
        self._origin = check_origins(self._origin, origin) if self._began else origin
        if self._began:
            width = len(self._done.mean) if self._done else self._waiting[0].shape[1]
            check_widths(width, rows.shape[1])
        self._began = True
        while self._rows + len(rows) >= BLOCK:
            first = BLOCK - self._rows
            self._fold([*self._waiting, rows[:first]])
            rows, self._waiting, self._rows = rows[first:], [], 0
        self._waiting.append(rows.astype(np.float64))  # a copy: the caller may reuse its batch
        self._rows += len(rows)

    def moments(self) -> Moments:
        """Of all that came; more may still come afterwards.

        Raises DataError where nothing came.
        """
        if not self._rows and self._done is None:
            raise DataError("no features came; their moments need at least one row.")
        kept = self._done
        if self._rows:
            self._fold(self._waiting)
        assert self._done is not None
        found, self._done = self._done, kept
        return found

    def _fold(self, parts: Sequence[Matrix]) -> None:
        rows = np.concatenate(parts, dtype=np.float64)
        mean = rows.mean(axis=0)
        rows -= mean
        part = Moments(n=len(rows), mean=mean, scatter=rows.T @ rows, origin=self._origin)
        self._done = part if self._done is None else self._done + part


def moments(features: Features) -> Moments:
    """Of n rows of d; the same bits as a stream of the same rows."""
    stream = MomentStream()
    stream.add(features)
    return stream.moments()


def merge(parts: Iterable[Moments]) -> Moments:
    """Moments of all parts together, added in their order; there must be at least one."""
    return reduce(lambda first, second: first + second, parts)


def in_blocks(features: Features, blocks: int) -> tuple[Moments, ...]:
    """Moments of `blocks` parts of neighbouring rows, whose sizes differ by one at most.

    What `frechet.py:fid` needs for an interval. Rows must be in random order.
    """
    rows = matrix(features)
    if not 2 <= blocks <= len(rows) // 2:
        raise ConfigError(
            f"{blocks} blocks of {len(rows):,} rows were asked for; there must be at least 2 "
            "blocks, of 2 rows each"
        )
    origin = features.origin if isinstance(features, FeatureSet) else None
    ends = [len(rows) * block // blocks for block in range(blocks + 1)]
    parts: list[Moments] = []
    for start, stop in pairwise(ends):
        values = rows[start:stop]
        parts.append(moments(FeatureSet(values=values, origin=origin) if origin else values))
    return tuple(parts)


def save(found: Moments, path: Path) -> None:
    """Write moments and their origin to an .npz, without pickle."""
    origin = json.dumps(asdict(found.origin) if found.origin else None)
    with path.open("wb") as file:
        np.savez(file, n=found.n, mean=found.mean, scatter=found.scatter, origin=origin)


def load(path: Path) -> Moments:
    """Moments written by `save`. Raises DataError for anything else."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            origin = json.loads(str(file["origin"]))
            return Moments(
                n=int(file["n"]),
                mean=file["mean"],
                scatter=file["scatter"],
                origin=Origin(**origin) if origin else None,
            )
    except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile) as error:
        raise DataError(
            f"{path} does not hold moments of features ({type(error).__name__}). Remove it, and "
            "they are computed again"
        ) from error
