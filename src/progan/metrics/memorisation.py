"""Memorisation: whether generated pictures lie closer to the training set than unseen real ones.

    closer         P(d(fake) < d(held out)) + ½ P(equal), d the distance to the nearest picture of
                   the training set: ½ for a generator that does not copy, 1 for one that does
    copies         share of fakes closer than all but the r closest held-out reals …
    chance         … where r/(h + 1) of honest fakes lie, r about 1 % of the h held out
    ratio          median d of fakes over median d of held-out reals
    authentic      share of fakes that are farther from their nearest training picture than its
                   own nearest neighbour in the training set is

The first three compare with held-out reals, and for fakes drawn from the same distribution their
expectations are exact at any count. `authentic` needs no held-out reals to be defined, but has
no value of its own to aim at: the same share of the held-out reals stands beside it.

A generator far from the data gets `closer` near 0: that it does not copy, not that it is good.

Source: Meehan et al. 2020 (A non-parametric test to detect data-copying), the comparison of
        distances, here over the whole space and not cell by cell; Alaa et al. 2022 (How faithful
        is your synthetic data?), authenticity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from progan.metrics.distances import TIE, kth_nearest, nearest
from progan.metrics.feature_set import Features, Matrix, Origin, pair
from progan.metrics.intervals import Estimate, bootstrap

__all__ = ["Memorisation", "memorisation"]

Doubles: TypeAlias = NDArray[np.float64]

RARE = 0.01
"""Share of held-out reals that lie as close to the training set as what counts as a copy."""
SHOWN = 10
"""Closest pairs that are named."""
SAME = 1e-8
"""Part of the mean square between training pictures and their mean up to which two are one: the
same picture goes through a network in other company, and float32 rounds to 10⁻⁵ of a feature."""


@dataclass(frozen=True, kw_only=True)
class Memorisation:
    """How close fakes lie to the training set, beside reals that it does not hold."""

    closer: Estimate
    copies: Estimate
    chance: float
    """What `copies` is on average for fakes from the distribution of the held-out reals."""
    ratio: float
    authentic: Estimate
    authentic_real: float
    """The same share of the held-out reals."""
    closest: tuple[tuple[int, int, float], ...]
    """The fakes closest to the training set: fake, training picture, distance."""
    train: int
    held_out: int
    fake: int
    repeated: int = 0
    """Held-out reals that lie in the training set: at a distance that is rounding."""
    origin: Origin | None = None

    @property
    def value(self) -> float:
        """`closer`."""
        return self.closer.value

    @property
    def spread(self) -> float:
        """Its standard error."""
        return self.closer.error


def memorisation(
    train: Features, held_out: Features, fake: Features, *, level: float = 0.95, seed: int = 0
) -> Memorisation:
    """Compare distances to the training set: train n d, held out h d, fake m d.

    The held-out reals must come from the distribution of the training set, and not be in it.
    Intervals are over fakes. Time grows as d n (n + h + m).
    """
    t, h, origin = pair(train, held_out, least=2)
    _, f, _ = pair(train, fake)
    own = kth_nearest(t, 1)
    fake_squares, fake_places = nearest(f, t)
    real_squares, real_places = nearest(h, t)

    ordered = np.sort(real_squares)
    below = np.searchsorted(ordered, fake_squares * (1 - TIE), side="left")
    upto = np.searchsorted(ordered, fake_squares * (1 + TIE), side="right")
    farther = 1 - (below + upto) / (2 * len(h))

    rank = max(1, int(RARE * (len(h) + 1)))
    copies = fake_squares < ordered[rank - 1] * (1 - TIE)
    shown = np.argsort(fake_squares, kind="stable")[:SHOWN]
    middle = float(np.median(np.sqrt(real_squares)))
    return Memorisation(
        closer=bootstrap(farther, level=level, seed=seed),
        copies=bootstrap(copies.astype(np.float64), level=level, seed=seed),
        chance=rank / (len(h) + 1),
        ratio=float(np.median(np.sqrt(fake_squares))) / middle if middle else float("nan"),
        authentic=bootstrap(_authentic(fake_squares, own[fake_places]), level=level, seed=seed),
        authentic_real=float(_authentic(real_squares, own[real_places]).mean()),
        closest=tuple(
            (int(i), int(fake_places[i]), float(np.sqrt(fake_squares[i]))) for i in shown
        ),
        train=len(t),
        held_out=len(h),
        fake=len(f),
        repeated=int((real_squares <= SAME * _size(t)).sum()),
        origin=origin,
    )


def _size(rows: Matrix) -> float:
    """Mean square distance of rows to their mean."""
    return float(rows.var(axis=0, dtype=np.float64).sum())


def _authentic(squares: Doubles, own: Doubles) -> Doubles:
    """1 where a picture is farther from its training picture than that one's own neighbour."""
    return (squares * (1 - TIE) > own).astype(np.float64)
