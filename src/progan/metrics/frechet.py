"""Fréchet distance of two Gaussians, and with it FID: how far apart two sets of features are.

    d² = ‖m₁ − m₂‖² + Tr C₁ + Tr C₂ − 2 Tr (C₁^½ C₂ C₁^½)^½

The last trace is the sum of square roots of eigenvalues of a symmetric matrix without negative
ones, so nothing complex can arise. Directions in which the real set does not vary (eigenvalues
below d · 2⁻⁵² of the largest) are left out of it: the square root of what rounding leaves there
would be 10⁸ times as large as that rounding.

It is FID if, and only if, the features are those of the 2015 Inception network; else it is a
Fréchet distance on whatever the extractor is called.

Bias: two samples of one distribution do not give 0. To first order in 1/n, for Gaussian features
with covariance eigenvalues λ,

    chance = (1/n₁ + 1/n₂) · (Σ λ_i + ½ Σ_ij λ_i λ_j (1 + δ_ij) / (λ_i + λ_j))

that is 2d/n + d(d + 1)/2n for C = I and n of each: 2.21 for 64 features and 1,000 pictures. Values
of different n are not comparable.

Source: Dowson and Landau 1982, the distance; Heusel et al. 2017 (TTUR), FID. The bias is the
        second-order expansion of the distance around C₁ = C₂.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from progan.metrics.feature_set import Features, Origin, check_origins, check_widths
from progan.metrics.intervals import Estimate, jackknife
from progan.metrics.moments import Moments, in_blocks, merge, moments

__all__ = ["Frechet", "fid", "frechet_distance", "null_bias"]

Doubles: TypeAlias = NDArray[np.float64]

BLOCKS = 10
"""Parts of the generated set that the jackknife leaves out in turn."""


@dataclass(frozen=True, kw_only=True)
class Frechet:
    """A squared Fréchet distance, never without the counts behind it."""

    value: float
    means: float
    """The part of the means, ‖m₁ − m₂‖²; the rest is that of the covariances."""
    chance: float
    """What Gaussian features of one distribution with the real covariance give on average at
    these counts, to first order: the part of `value` that says nothing."""
    real: int
    fake: int
    width: int
    """Features a row."""
    estimate: Estimate | None = None
    """Error and interval of `value` over fakes; not of its bias."""
    origin: Origin | None = None

    @property
    def spread(self) -> float | None:
        """Standard error of `value`."""
        return self.estimate.error if self.estimate else None

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know to compare the number, in sentences."""
        notes = []
        if min(self.real, self.fake) <= self.width:
            notes.append(
                f"{min(self.real, self.fake):,} rows do not fill {self.width:,} features: the "
                "covariance is singular, and the value mostly tells how few rows there are."
            )
        if self.real != self.fake:
            notes.append(
                f"n = {self.fake:,} fakes, {self.real:,} reals: compare with the same two only."
            )
        return tuple(notes)


def frechet_distance(real: Moments, fake: Moments) -> Frechet:
    """Squared Fréchet distance of the Gaussians with these moments.

    Both need two rows or more. Raises ConfigError for features of different extractors.
    """
    return _compare(real, fake, *_root(real))


def fid(
    real: Moments | Features,
    fake: Sequence[Moments] | Features,
    *,
    blocks: int = BLOCKS,
    level: float = 0.95,
) -> Frechet:
    """Fréchet distance of two sets of features, with its error over fakes.

    real: n d, or its moments. fake: m d in random order, or moments of two or more parts of about
    equal size (shards, batches), which the jackknife leaves out in turn; features are cut into
    `blocks`. The real set is taken as it is. Far from 0 the interval holds as it says; near 0,
    where the distance is quadratic in the sampling error, it is too wide.

    Cost: about 10 d³ for the first distance, 4 d³ for each block; d² numbers for each block.
    """
    reference = real if isinstance(real, Moments) else moments(real)
    if isinstance(fake, Sequence):
        parts: Sequence[Moments] = tuple(fake)
    else:
        parts = in_blocks(fake, blocks)
    shares, root = _root(reference)
    whole = _compare(reference, merge(parts), shares, root)
    without = []
    for left_out in range(len(parts)):
        rest = merge([part for number, part in enumerate(parts) if number != left_out])
        without.append(_distance(reference, rest, root)[0])
    estimate = jackknife(whole.value, without, level=level)
    return replace(whole, estimate=estimate)


def null_bias(eigenvalues: Doubles, first: int, second: int) -> float:
    """Mean distance of two samples of one Gaussian, to first order in 1/n.

        (1/n₁ + 1/n₂) · (Σ λ_i + ½ Σ_ij λ_i λ_j (1 + δ_ij) / (λ_i + λ_j))

    `eigenvalues` of the covariance, d; n₁ and n₂ well above d.
    """
    kept = eigenvalues[eigenvalues > 0]
    sums = kept[:, None] + kept
    pairs = float((kept[:, None] * kept / sums).sum() + kept.sum() / 2) if len(kept) else 0.0
    return (1 / first + 1 / second) * (float(kept.sum()) + pairs / 2)


def _compare(real: Moments, fake: Moments, shares: Doubles, root: Doubles) -> Frechet:
    origin = check_origins(real.origin, fake.origin)
    check_widths(len(real.mean), len(fake.mean))
    value, means = _distance(real, fake, root)
    return Frechet(
        value=value,
        means=means,
        chance=null_bias(shares, real.n, fake.n),
        real=real.n,
        fake=fake.n,
        width=len(real.mean),
        origin=origin,
    )


def _root(real: Moments) -> tuple[Doubles, Doubles]:
    """Eigenvalues of C, and R of d r with R Rᵀ = C, without the directions that do not vary."""
    values, vectors = np.linalg.eigh(real.covariance)
    least = len(values) * np.finfo(np.float64).eps * max(float(values[-1]), 0.0)
    kept = values > least
    return values[kept], vectors[:, kept] * np.sqrt(values[kept])


def _distance(real: Moments, fake: Moments, root: Doubles) -> tuple[float, float]:
    """Distance, and the part of the means. C₁^½ C₂ C₁^½ and Rᵀ C₂ R have the same eigenvalues."""
    gap = real.mean - fake.mean
    means = float(gap @ gap)
    first, second = real.covariance, fake.covariance
    product = root.T @ second @ root
    values = np.linalg.eigvalsh(product) if product.size else np.zeros(1)
    least = len(values) * np.finfo(np.float64).eps * max(float(values[-1]), 0.0)
    shared = float(np.sqrt(values[values > least]).sum())
    spread = float(np.trace(first) + np.trace(second)) - 2 * shared
    return means + max(0.0, spread), means
