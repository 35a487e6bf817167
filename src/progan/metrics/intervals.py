"""How far a number may be off: subsets, bootstrap, jackknife.

    of_mean        the mean of independent values and its interval (Student's t)
    of_share       a share of pictures, as all or none of them may be (Wilson)
    bootstrap      the mean of one value per picture: percentiles over resampled pictures
    jackknife      anything smooth that can be computed again without each of some blocks
    random_subsets rows of random subsets, each without repetition

Intervals are two-sided, of 95 % unless said, and tell what another draw of the pictures that are
drawn again would change; the other set stays. None knows of a bias: each metric states its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from progan.core.errors import ConfigError
from progan.core.randomness import seed_of

__all__ = [
    "LEVEL",
    "Estimate",
    "around",
    "bootstrap",
    "jackknife",
    "of_mean",
    "of_share",
    "random_subsets",
]

Doubles: TypeAlias = NDArray[np.float64]

LEVEL = 0.95
"""Share of intervals that hold the true value."""
DRAWS = 1000
"""Resamplings of a bootstrap."""
PICKS = 2**18
"""Pictures drawn at once by a bootstrap."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number, how far it may be off, and how that was found."""

    value: float
    error: float
    """Standard error of `value`."""
    low: float
    high: float
    level: float = LEVEL
    how: str = ""

    def __str__(self) -> str:
        return f"{self.value:.4g} ({self.low:.4g} to {self.high:.4g})"


def of_mean(values: Sequence[float] | Doubles, *, level: float = LEVEL) -> Estimate:
    """Mean of independent `values`; mean ± t·s/√n, s with n − 1.

    One value has no error that could be known: nan.
    """
    found = np.asarray(values, dtype=np.float64)
    n = len(found)
    value = float(found.mean())
    if n < 2:
        return Estimate(value=value, error=math.nan, low=math.nan, high=math.nan, level=level)
    error = float(found.std(ddof=1)) / math.sqrt(n)
    reach = _t(level, n - 1) * error
    how = f"mean of {n:,} values, Student's t"
    return Estimate(
        value=value, error=error, low=value - reach, high=value + reach, level=level, how=how
    )


def around(value: float, error: float, *, degrees: int, how: str, level: float = LEVEL) -> Estimate:
    """value ± t · error, for an error of so many degrees of freedom; nan for none."""
    reach = _t(level, degrees) * error if degrees > 0 else math.nan
    return Estimate(
        value=value, error=error, low=value - reach, high=value + reach, level=level, how=how
    )


def of_share(hits: int, n: int, *, level: float = LEVEL) -> Estimate:
    """The share p = hits/n of pictures, and the shares that would not make it improbable.

        (p + z²/2n ± z √(p(1 − p)/n + z²/4n²)) / (1 + z²/n),   z the normal quantile

    It has a width, and stays between 0 and 1, also where all or none hit.

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    p, z = hits / n, NormalDist().inv_cdf((1 + level) / 2)
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    reach = z * math.sqrt(p * (1 - p) / n + (z / (2 * n)) ** 2) / (1 + z * z / n)
    return Estimate(
        value=p,
        error=math.sqrt(p * (1 - p) / n),
        low=max(0.0, min(p, middle - reach)),
        high=min(1.0, max(p, middle + reach)),
        level=level,
        how="Wilson's score",
    )


def bootstrap(
    values: Doubles,
    weights: Doubles | None = None,
    *,
    draws: int = DRAWS,
    level: float = LEVEL,
    seed: int = 0,
) -> Estimate:
    """Mean of one value per picture, and percentiles of it over `draws` resamplings of pictures.

        draw   Σ w_i c_i v_i / Σ w_i c_i,  c multinomial: n pictures drawn with repetition

    values: n. `weights` w (all 1 unless given) makes it a ratio of means. Exact as n grows; with
    few pictures it is too narrow, by √((n − 1)/n) for a mean.

    Source: Efron 1979 (Bootstrap methods).
    """
    if not len(values):
        raise ConfigError("a bootstrap needs at least one value; none came.")
    w = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=np.float64)
    v = np.asarray(values, dtype=np.float64)
    rng = np.random.default_rng(seed_of(seed, "bootstrap"))
    n, found = len(v), np.empty(draws)
    together = max(1, PICKS // n)
    for start in range(0, draws, together):
        picked = rng.integers(n, size=(min(together, draws - start), n))
        top, bottom = ((w * v)[picked].sum(axis=1), w[picked].sum(axis=1))
        found[start : start + together] = top / bottom
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(
        value=float((w * v).sum() / w.sum()),
        error=float(found.std(ddof=1)),
        low=float(low),
        high=float(high),
        level=level,
        how=f"bootstrap, {draws:,} draws of {n:,}",
    )


def jackknife(whole: float, without: Sequence[float], *, level: float = LEVEL) -> Estimate:
    """Interval of `whole` from the same number computed without each of B equal blocks.

        error² = (B − 1)/B · Σ (t_b − mean of t)²,  interval: whole ± t·error, B − 1 degrees

    For smooth numbers such as FID, for which resampling with repetition would add bias.

    Source: Miller 1974 (The jackknife: a review), blocks of equal size.
    """
    parts = np.asarray(without, dtype=np.float64)
    blocks = len(parts)
    if blocks < 2:
        raise ConfigError(f"a jackknife over {blocks} blocks was asked for; it needs at least 2.")
    error = math.sqrt((blocks - 1) * float(np.square(parts - parts.mean()).mean()))
    reach = _t(level, blocks - 1) * error
    return Estimate(
        value=whole,
        error=error,
        low=whole - reach,
        high=whole + reach,
        level=level,
        how=f"jackknife over {blocks} blocks",
    )


def random_subsets(
    n: int, size: int, count: int, *, seed: int, name: str
) -> Iterator[NDArray[np.int64]]:
    """Rows of `count` subsets of `size` out of `n`, each without repetition.

    The i-th is a function of seed, name and i.
    """
    for number in range(count):
        rng = np.random.default_rng(seed_of(seed, "subset", name, number))
        yield rng.choice(n, size, replace=False)


def _t(level: float, degrees: int) -> float:
    """Quantile of Student's t that `level` lies within; 2 % low at 2 degrees, 1e-4 from 8 on.

    Source: Abramowitz and Stegun 1964, 26.7.5.
    """
    if degrees == 1:
        return math.tan(math.pi * level / 2)
    z, v = NormalDist().inv_cdf((1 + level) / 2), degrees
    return (
        z
        + (z**3 + z) / (4 * v)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
        + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * v**4)
    )
