"""Stacked digits: how many of 1,000 known modes a generator reaches, and how evenly.

    picture    three digits, one each in the red, green and blue channel
    mode       c₀ + 10 c₁ + 100 c₂, c the classes that a frozen classifier gives the channels
    modes      how many of the 1,000 have a picture
    KL         Σ p log(1,000 p) over modes that have one, in nats

Bias: perfect pictures reach 1,000 (1 − (1 − 1/1,000)^N) modes on average, and their KL is not 0
but about 999/2N: 0.019 for N = 26,000. The errors of the classifier are in both numbers: a
picture between two digits is counted as one of them.

Published settings: 26,000 pictures once (VEEGAN, PacGAN), or 25,600 ten times (ProGAN's table 4).

Source: Metz et al. 2017 (Unrolled GANs), section 3.3.1; Srivastava et al. 2017 (VEEGAN); Karras
        et al. 2018 (ProGAN), table 4. Counts and KL are those of `modes.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from progan.core.errors import ConfigError, DataError
from progan.metrics.intervals import Estimate, of_mean
from progan.metrics.modes import Modes

__all__ = ["StackedScore", "count_stacked", "expected_kl", "expected_modes", "stacked_score"]

CLASSES = 10


@dataclass(frozen=True, kw_only=True)
class StackedScore:
    """Modes reached and their KL to uniform, over several sets of pictures."""

    modes: Estimate
    """Mean over sets; its interval is nan for one."""
    kl: Estimate
    modes_spread: float | None
    """Standard deviation over sets."""
    kl_spread: float | None
    best_modes: float
    """Modes that perfect pictures reach on average, at this count."""
    best_kl: float
    """Their KL, to first order."""
    of: int
    """Modes there are."""
    pictures: int
    """Pictures in a set."""
    sets: int


def count_stacked(digits: NDArray[Any], *, classes: int = CLASSES) -> Modes:
    """Count pictures on the modes: digits n c, the class of each channel, 0 … classes − 1.

    For three channels of ten classes the modes are 1,000; `len(found.any)` are reached, and
    `found.reverse_kl` is the KL to uniform.
    """
    if digits.ndim != 2 or not len(digits) or not np.issubdtype(digits.dtype, np.integer):
        raise DataError(
            f"classes of shape {digits.shape} and type {digits.dtype} came; stacked digits take "
            "one whole number for each channel of each picture, n c. Take the argmax of the logits"
        )
    if digits.min() < 0 or digits.max() >= classes:
        raise DataError(
            f"classes reach from {digits.min()} to {digits.max()}; they must lie in "
            f"0 … {classes - 1}."
        )
    places = classes ** np.arange(digits.shape[1])
    total = classes ** digits.shape[1]
    counts = np.bincount(digits.astype(np.int64) @ places, minlength=total)
    return Modes(samples=len(digits), counts=tuple(counts.tolist()), shares=(1 / total,) * total)


def stacked_score(
    sets: Sequence[NDArray[Any]], *, classes: int = CLASSES, level: float = 0.95
) -> StackedScore:
    """Modes and KL over equally large sets of pictures, each n c as in `count_stacked`."""
    if not sets or len({found.shape for found in sets}) > 1:
        raise ConfigError(
            f"{len(sets)} sets of {sorted({len(found) for found in sets})} pictures came; "
            "a score needs one or more sets of one size, as both numbers depend on it."
        )
    counted = [count_stacked(found, classes=classes) for found in sets]
    reached = np.array([len(one.any) for one in counted], dtype=np.float64)
    kls = np.array([one.reverse_kl for one in counted])
    pictures, total = len(sets[0]), len(counted[0].counts)
    several = len(sets) > 1
    return StackedScore(
        modes=of_mean(reached, level=level),
        kl=of_mean(kls, level=level),
        modes_spread=float(reached.std(ddof=1)) if several else None,
        kl_spread=float(kls.std(ddof=1)) if several else None,
        best_modes=expected_modes(pictures, total),
        best_kl=expected_kl(pictures, total),
        of=total,
        pictures=pictures,
        sets=len(sets),
    )


def expected_modes(pictures: int, modes: int = CLASSES**3) -> float:
    """Modes that perfect pictures reach on average: K (1 − (1 − 1/K)^N)."""
    return modes * (1 - (1 - 1 / modes) ** pictures)


def expected_kl(pictures: int, modes: int = CLASSES**3) -> float:
    """Their KL on average, (K − 1)/2N: to first order, for N well above K."""
    return (modes - 1) / (2 * pictures)
