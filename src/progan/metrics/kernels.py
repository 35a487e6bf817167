"""Maximum mean discrepancy (MMD): KID on features, and with Gaussian kernels on anything.

    MMD²   Σ_{i≠j} k(x_i, x_j) / n(n − 1) + Σ_{i≠j} k(y_i, y_j) / m(m − 1) − 2 mean_ij k(x_i, y_j)
    KID    k(x, y) = (x·y/d + 1)³; mean over 100 random subsets of 1,000 of each
    RBF    k(x, y) = Σ_s exp(−‖x − y‖² / 2(sσ)²), s = ½, 1, 2, 4, σ the median distance of reals

The estimator is unbiased at any n: two samples of one distribution give 0 on average, so about
half of such values are negative. They are never clipped. What falls with n is the spread. σ is
found once for a set of reals and then stays: it must not move with the fakes.

It is KID if, and only if, the features are those of the 2015 Inception network; else it is a
kernel distance on whatever the extractor is called.

Source:  Gretton et al. 2012 (A kernel two-sample test), the unbiased estimator and the test;
         Bińkowski et al. 2018 (Demystifying MMD GANs), KID.
Departs: the median heuristic there takes distances of both sets, here of the reals alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from statistics import NormalDist
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from progan.core.errors import ConfigError, DataError
from progan.core.randomness import seed_of
from progan.metrics import distances
from progan.metrics.distances import chunked
from progan.metrics.feature_set import Features, Matrix, Origin, matrix, pair
from progan.metrics.intervals import Estimate, random_subsets

__all__ = ["MMD", "RBF", "Kernel", "KernelDistance", "Polynomial", "kid", "mmd", "rbf_of"]

Doubles: TypeAlias = NDArray[np.float64]

MEDIAN_ROWS = 2000
"""Reals whose distances the median is taken of."""


@dataclass(frozen=True, kw_only=True)
class Polynomial:
    """k(x, y) = (x·y / d + 1)³, for d features."""

    degree: int = 3
    constant: float = 1.0

    def chunks(self, first: Matrix, second: Matrix) -> Iterator[tuple[slice, Doubles]]:
        """Rows of `first`, and k of each with all of `second`: rows m."""
        b = second.astype(np.float64)
        rows = max(1, distances.CHUNK_BYTES // (8 * max(b.shape)))
        for start in range(0, len(first), rows):
            some = slice(start, min(start + rows, len(first)))
            found = first[some].astype(np.float64) @ b.T
            found /= b.shape[1]
            found += self.constant
            power = found.copy()
            for _ in range(self.degree - 1):  # many times as fast as **
                power *= found
            yield some, power


@dataclass(frozen=True, kw_only=True)
class RBF:
    """k(x, y) = Σ_s exp(−‖x − y‖² / 2(sσ)²)."""

    sigma: float
    scales: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0)

    def __post_init__(self) -> None:
        if not self.sigma > 0 or not self.scales:
            raise ConfigError(
                f"sigma is {self.sigma} with {len(self.scales)} scales; an RBF kernel needs a "
                "sigma above 0 and at least one scale."
            )

    def chunks(self, first: Matrix, second: Matrix) -> Iterator[tuple[slice, Doubles]]:
        """Rows of `first`, and k of each with all of `second`: rows m."""
        for rows, squares in chunked(first, second):
            widest_first = sorted(self.scales, reverse=True)
            exponent = squares * (-0.5 / (widest_first[0] * self.sigma) ** 2)
            power = np.exp(exponent)
            total = power.copy()
            for wider, scale in pairwise(widest_first):
                if wider == 2 * scale:  # e^4x from e^x: an exponential costs ten squares
                    power *= power
                    power *= power
                else:
                    power = np.exp(exponent * (widest_first[0] / scale) ** 2)
                total += power
            yield rows, total


Kernel: TypeAlias = Polynomial | RBF


def rbf_of(real: Features, *, seed: int = 0) -> RBF:
    """The kernel of a reference set: σ is the median distance of pairs of real rows.

    Of all pairs of up to 2,000 rows, drawn by `seed` where there are more. Fix it once, and
    measure every set of fakes with it.

    Source: Gretton et al. 2012, the median heuristic, here on the reals alone.
    """
    x = matrix(real, least=2, name="real features")
    if len(x) > MEDIAN_ROWS:
        x = x[np.sort(next(random_subsets(len(x), MEDIAN_ROWS, 1, seed=seed, name="median")))]
    found = [
        squares[np.arange(rows.start, rows.stop)[:, None] < np.arange(len(x))]
        for rows, squares in chunked(x, x)
    ]
    sigma = float(np.median(np.sqrt(np.concatenate(found))))
    if not sigma > 0:
        raise DataError(
            "the median distance of real rows is 0: half of them are copies. Give a sigma: "
            "RBF(sigma=1.0)"
        )
    return RBF(sigma=sigma)


@dataclass(frozen=True, kw_only=True)
class KernelDistance:
    """KID, or the same on other features: never clipped, never without its counts."""

    value: float
    """Mean over subsets of unbiased MMD²; times 10³ in many papers."""
    spread: float
    """Standard deviation over subsets, as published: it does not fall with their number."""
    estimate: Estimate
    """Of `value`; error² = spread² (1/subsets + size/n), n the smaller set."""
    subsets: int
    size: int
    real: int
    fake: int
    seed: int
    origin: Origin | None = None


def kid(
    real: Features,
    fake: Features,
    *,
    subsets: int = 100,
    size: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> KernelDistance:
    """Mean and standard deviation over random subsets of unbiased MMD² with the cubic kernel.

    real: n d, fake: m d, both at least `size`; the i-th subsets are a function of seed and i.
    Unbiased at any size. The error allows for subsets that overlap: with few rows for many
    subsets they are nearly one sample. Time grows as subsets · size² · d.

    Source: Bińkowski et al. 2018; counts of the authors' code.
    """
    x, y, origin = pair(real, fake)
    n = min(len(x), len(y))
    if size < 2 or subsets < 2 or size > n:
        raise ConfigError(
            f"KID over {subsets:,} subsets of {size:,} was asked for, of {len(x):,} real and "
            f"{len(y):,} fake rows; it needs 2 subsets or more, of 2 to {n:,} rows: "
            f"size={max(2, n // 2)}"
        )
    kernel, found = Polynomial(), np.empty(subsets)
    picks = zip(
        random_subsets(len(x), size, subsets, seed=seed, name="real"),
        random_subsets(len(y), size, subsets, seed=seed, name="fake"),
        strict=True,
    )
    for number, (ours, theirs) in enumerate(picks):
        found[number] = _unbiased(x[ours], y[theirs], kernel)
    value, spread = float(found.mean()), float(found.std())
    error = spread * sqrt(1 / subsets + size / n)
    reach = NormalDist().inv_cdf((1 + level) / 2) * error
    estimate = Estimate(
        value=value,
        error=error,
        low=value - reach,
        high=value + reach,
        level=level,
        how=f"{subsets:,} subsets of {size:,} of {n:,}",
    )
    return KernelDistance(
        value=value,
        spread=spread,
        estimate=estimate,
        subsets=subsets,
        size=size,
        real=len(x),
        fake=len(y),
        seed=seed,
        origin=origin,
    )


@dataclass(frozen=True, kw_only=True)
class MMD:
    """Unbiased MMD² of two whole sets, with a permutation test."""

    value: float
    spread: float | None
    """Standard deviation of MMD² where labels are dealt at random: what chance alone gives."""
    p_value: float | None
    """Share of `permutations` of labels, the one found among them, with at least this MMD²."""
    kernel: Kernel
    real: int
    fake: int
    permutations: int
    seed: int
    origin: Origin | None = None


def mmd(
    real: Features,
    fake: Features,
    kernel: Kernel,
    *,
    permutations: int = 0,
    seed: int = 0,
) -> MMD:
    """Unbiased MMD² of real, n d, and fake, m d; both at least two rows.

    With `permutations`, a test of "one distribution": exact at any n, as labels are dealt anew
    over the pooled rows. For Gaussians of unit covariance in d dimensions, Δ apart, one scale:

        MMD² = 2f − 2f exp(−Δ² / 2(σ² + 2)),  f = (σ² / (σ² + 2))^(d/2)

    Time grows as (n + m)² (d + permutations); memory is the two sets, three chunks of distances
    and 8 (n + m) permutations bytes.

    Source: Gretton et al. 2012, lemma 6.
    """
    x, y, origin = pair(real, fake, least=2)
    spread = p_value = None
    if not permutations:
        value = _unbiased(x, y, kernel)
    else:
        dealt = _dealt(np.concatenate([x, y]), len(x), kernel, permutations, seed)
        value, spread = float(dealt[0]), float(dealt[1:].std())
        p_value = float((dealt >= dealt[0] - 1e-12 * abs(dealt[0])).mean())
    return MMD(
        value=value,
        spread=spread,
        p_value=p_value,
        kernel=kernel,
        real=len(x),
        fake=len(y),
        permutations=permutations,
        seed=seed,
        origin=origin,
    )


def _unbiased(x: Matrix, y: Matrix, kernel: Kernel) -> float:
    n, m = len(x), len(y)
    cross = sum(float(found.sum()) for _, found in kernel.chunks(x, y)) / (n * m)
    return _within(x, kernel) / (n * (n - 1)) + _within(y, kernel) / (m * (m - 1)) - 2 * cross


def _within(x: Matrix, kernel: Kernel) -> float:
    """Sum of k over pairs of different rows."""
    total = 0.0
    for rows, found in kernel.chunks(x, x):
        own = np.arange(rows.start, rows.stop)
        total += float(found.sum() - found[own - rows.start, own].sum())
    return total


def _dealt(pool: Matrix, n: int, kernel: Kernel, permutations: int, seed: int) -> Doubles:
    """MMD² with the labels as they are, then with each permutation: permutations + 1.

    For labels z in {0, 1}, the sums within and across are zᵀKz, (1 − z)ᵀK(1 − z) and zᵀK(1 − z).
    """
    rng = np.random.default_rng(seed_of(seed, "permutations"))
    size, m = len(pool), len(pool) - n
    labels = np.zeros((size, permutations + 1))
    labels[:n, 0] = 1
    for column in range(1, permutations + 1):
        labels[rng.permutation(size)[:n], column] = 1
    within, sums, whole = np.zeros(permutations + 1), np.zeros(permutations + 1), 0.0
    for rows, found in kernel.chunks(pool, pool):
        mine = np.arange(rows.start, rows.stop)
        found[mine - rows.start, mine] = 0
        ones = labels[rows]
        within += np.einsum("ij,ij->j", ones, found @ labels)
        sums += found.sum(axis=1) @ ones
        whole += float(found.sum())
    # zᵀK(1 − z) = zᵀK1 − zᵀKz, and the rest of the whole lies among the others.
    cross = sums - within
    others = whole - within - 2 * cross
    return within / (n * (n - 1)) + others / (m * (m - 1)) - 2 * cross / (n * m)
