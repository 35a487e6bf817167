"""Nearest neighbours in feature space: precision, recall, density, coverage, two-sample accuracy.

    ball of x       around x, as far as the k-th nearest of its own set, x itself not counted
    precision       share of fakes in the ball of some real
    recall          share of reals in the ball of some fake
    density         (1/k) · mean over fakes of the number of real balls they lie in
    coverage        share of real balls that hold a fake
    1-NN accuracy   share of pictures of both sets whose nearest other picture is of their own set

`precision_recall` takes k = 3 and counts the border in (≤); `prdc` takes k = 5 and does not (<).
Squares of distances that agree to 10⁻⁹ are equal. k + 1 copies of one picture make a ball of
radius 0: with ≤ it holds its copies, with < nothing.

For two samples of one distribution, n reals and m fakes:

    precision, recall   no closed form; below 1, lower in higher dimensions and for fewer pictures
    density             1 on average, whatever n, m and k
    coverage            1 − Π_{i=1…k} (n − i)/(n + m − i), about 1 − 2⁻ᵏ for n = m: 0.969 for k = 5
    1-NN accuracy       (n(n − 1) + m(m − 1)) / ((n + m)(n + m − 1)), just below ½ for n = m

so 1 is not the best coverage to ask for, and precision and recall mean something only beside the
same between two draws of reals, at the same counts.

Source: Kynkäänniemi et al. 2019, precision and recall; Naeem et al. 2020, density and coverage and
        their expectations; Lopez-Paz and Oquab 2017 and Xu et al. 2018, 1-NN accuracy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from progan.core.errors import ConfigError
from progan.core.randomness import seed_of
from progan.metrics.distances import TIE, chunked, kth_nearest
from progan.metrics.feature_set import Features, Matrix, Origin, pair
from progan.metrics.intervals import Estimate, bootstrap

__all__ = [
    "PRDC",
    "OneNearest",
    "PrecisionRecall",
    "expected_coverage",
    "one_nearest_accuracy",
    "prdc",
    "precision_recall",
]

Doubles: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class PrecisionRecall:
    """Precision (interval over fakes) and recall (interval over reals)."""

    precision: Estimate
    recall: Estimate
    k: int
    real: int
    fake: int
    origin: Origin | None = None


@dataclass(frozen=True, kw_only=True)
class PRDC(PrecisionRecall):
    """The same with open balls, and density (over fakes) and coverage (over reals)."""

    density: Estimate
    coverage: Estimate
    full_coverage: float
    """Mean coverage of fakes that come from the distribution of the reals, at these counts."""


@dataclass(frozen=True, kw_only=True)
class OneNearest:
    """1-NN accuracy: ½ is as good as real, 1 is told apart, well below ½ copies the reals."""

    value: float
    on_real: float
    """Share of reals whose nearest other picture is real: low where fakes lie among reals."""
    on_fake: float
    """Share of fakes whose nearest other picture is fake: high where modes collapsed."""
    chance: float
    """Mean of `value` for labels dealt at random: where it is not told apart."""
    p_value: float
    """Share of `permutations` of labels, the one found among them, with at least this accuracy."""
    estimate: Estimate
    """Of `value`, pictures taken as independent."""
    real: int
    fake: int
    permutations: int
    seed: int
    origin: Origin | None = None

    @property
    def spread(self) -> float:
        """Standard error of `value`."""
        return self.estimate.error


def precision_recall(
    real: Features, fake: Features, *, k: int = 3, level: float = 0.95, seed: int = 0
) -> PrecisionRecall:
    """Improved precision and recall: real n d, fake m d; balls with their border.

    Time grows as d (n + m)²; memory is the two sets and a few chunks of distances.

    Source: Kynkäänniemi et al. 2019, section 2, k = 3.
    """
    x, y, origin = pair(real, fake, least=_check(k))
    balls = _balls(x, y, k, strict=False)
    return PrecisionRecall(
        precision=_share(balls.holders > 0, level, seed),
        recall=_share(balls.recalled, level, seed),
        k=k,
        real=len(x),
        fake=len(y),
        origin=origin,
    )


def prdc(real: Features, fake: Features, *, k: int = 5, level: float = 0.95, seed: int = 0) -> PRDC:
    """Precision, recall, density and coverage: real n d, fake m d; balls without their border.

    Cost as `precision_recall`.

    Source: Naeem et al. 2020, section 3, k = 5.
    """
    x, y, origin = pair(real, fake, least=_check(k))
    balls = _balls(x, y, k, strict=True)
    return PRDC(
        precision=_share(balls.holders > 0, level, seed),
        recall=_share(balls.recalled, level, seed),
        density=_share(balls.holders / k, level, seed),
        coverage=_share(balls.covered, level, seed),
        full_coverage=expected_coverage(len(x), len(y), k),
        k=k,
        real=len(x),
        fake=len(y),
        origin=origin,
    )


def expected_coverage(real: int, fake: int, k: int) -> float:
    """Mean coverage of `fake` pictures of the same distribution: 1 − Π (n − i)/(n + m − i).

    A ball stays empty when the k nearest of the n − 1 + m other pictures are all real.

    Source: Naeem et al. 2020, section 3.
    """
    i = np.arange(1, k + 1)
    return 1 - float(np.prod((real - i) / (real + fake - i)))


def one_nearest_accuracy(
    real: Features,
    fake: Features,
    *,
    permutations: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> OneNearest:
    """Leave-one-out accuracy of telling n reals from m fakes by the nearest other picture.

    Among equally near ones, one is drawn by `seed`. The p-value deals labels anew on the same
    neighbours. Take n = m: else the larger set alone lifts the accuracy.

    Source: Lopez-Paz and Oquab 2017 (Revisiting classifier two-sample tests); Xu et al. 2018.
    """
    x, y, origin = pair(real, fake, least=2)
    n, m = len(x), len(y)
    rng = np.random.default_rng(seed_of(seed, "1-NN"))
    neighbour = _any_nearest(np.concatenate([x, y]), rng)
    label = np.repeat([True, False], [n, m])
    right = label == label[neighbour]
    value = float(right.mean())
    as_good = 1
    for _ in range(permutations):
        dealt = rng.permutation(label)
        as_good += int((dealt == dealt[neighbour]).sum() >= right.sum())
    return OneNearest(
        value=value,
        on_real=float(right[:n].mean()),
        on_fake=float(right[n:].mean()),
        chance=(n * (n - 1) + m * (m - 1)) / ((n + m) * (n + m - 1)),
        p_value=as_good / (permutations + 1),
        estimate=_share(right, level, seed),
        real=n,
        fake=m,
        permutations=permutations,
        seed=seed,
        origin=origin,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Balls:
    holders: NDArray[np.int64]
    """Real balls that each fake lies in."""
    covered: NDArray[np.bool_]
    """Whether the ball of each real holds a fake."""
    recalled: NDArray[np.bool_]
    """Whether each real lies in the ball of a fake."""


def _balls(real: Matrix, fake: Matrix, k: int, *, strict: bool) -> _Balls:
    slack = 1 - TIE if strict else 1 + TIE
    around_real, around_fake = (kth_nearest(points, k) * slack for points in (real, fake))
    inside = np.less if strict else np.less_equal
    holders = np.empty(len(fake), np.int64)
    covered, recalled = np.zeros(len(real), bool), np.zeros(len(real), bool)
    for rows, squares in chunked(fake, real):
        held = inside(squares, around_real)
        holders[rows] = held.sum(axis=1)
        covered |= held.any(axis=0)
        recalled |= inside(squares, around_fake[rows][:, None]).any(axis=0)
    return _Balls(holders=holders, covered=covered, recalled=recalled)


def _any_nearest(points: Matrix, rng: np.random.Generator) -> NDArray[np.int64]:
    """The place of the nearest other row, drawn among equals."""
    places = np.empty(len(points), np.int64)
    for rows, squares in chunked(points, points):
        own = np.arange(rows.start, rows.stop)
        squares[own - rows.start, own] = np.inf
        tied = squares <= squares.min(axis=1, keepdims=True) * (1 + TIE)
        found = tied.argmax(axis=1)
        for row in np.nonzero(tied.sum(axis=1) > 1)[0]:
            found[row] = rng.choice(np.nonzero(tied[row])[0])
        places[rows] = found
    return places


def _check(k: int) -> int:
    """Rows that k neighbours need."""
    if k < 1:
        raise ConfigError(f"k is {k}; a ball reaches to the k-th neighbour, k at least 1.")
    return k + 1


def _share(values: NDArray[np.generic], level: float, seed: int) -> Estimate:
    return bootstrap(values.astype(np.float64), level=level, seed=seed)
