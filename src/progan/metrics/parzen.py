"""Parzen log-likelihood: real pictures under a Gaussian around every generated one.

    log p(x)   log mean_i exp(−‖x − g_i‖² / 2h²) − d log(h √2π),   in nats, for d numbers a picture

An equal mixture of one Gaussian for each fake g_i. The width h is the one of ten, 10⁻¹ to 10⁰ in
even steps of the logarithm, that makes the *validation* pictures likeliest; reported is the mean
over *test* pictures ± its standard error. To choose h on the test pictures would be to fit them,
and is refused.

Bias: even perfect fakes from N(0, I) give less than the likelihood of the data, as n grows

    −(d/2) (log 2π(1 + h²) + 1/(1 + h²))    where the data give −(d/2) (log 2π + 1)

and less still for few fakes in many dimensions. It ranks models badly there: a model that has
memorised a few training pictures may beat the truth (Theis et al. 2016). It is here because the
papers printed it.

Source: Breuleux et al. 2011; Goodfellow et al. 2014, section 5, with the settings of their code:
        10,000 fakes, 1,000 validation pictures, ten widths.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from progan.core.errors import ConfigError
from progan.metrics.distances import chunked
from progan.metrics.feature_set import Features, Matrix, Origin, check_widths, matrix, pair
from progan.metrics.intervals import Estimate, of_mean

__all__ = ["WIDTHS", "ParzenLikelihood", "choose_width", "log_likelihoods", "parzen"]

Doubles: TypeAlias = NDArray[np.float64]

WIDTHS: tuple[float, ...] = tuple(float(h) for h in np.logspace(-1, 0, 10))
"""Widths to choose among."""
VALIDATION = 1000
"""Validation pictures that are looked at."""


@dataclass(frozen=True, kw_only=True)
class ParzenLikelihood:
    """Mean log-likelihood of test pictures in nats, with the width and how it was chosen."""

    value: float
    spread: float
    """Standard error of `value` over test pictures."""
    estimate: Estimate
    width: float
    """h."""
    widths: tuple[float, ...]
    """Widths that were tried."""
    validation_values: tuple[float, ...]
    """Mean log-likelihood of the validation pictures under each."""
    fake: int
    validation: int
    test: int
    dimensions: int
    origin: Origin | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know, in sentences."""
        if self.width in (self.widths[0], self.widths[-1]):
            side = "narrowest" if self.width == self.widths[0] else "widest"
            return (
                f"h = {self.width:.3g} is the {side} that was tried: the best may lie beyond. "
                "Try more widths.",
            )
        return ()


def parzen(
    fake: Features,
    validation: Features,
    test: Features,
    *,
    widths: Sequence[float] = WIDTHS,
    level: float = 0.95,
) -> ParzenLikelihood:
    """Log-likelihood of `test` under `fake`, h chosen on the first 1,000 rows of `validation`.

    fake: n d, usually pixels in [0, 1]; validation: v d; test: t d. Time grows as n (v + t) d, and
    memory is the sets and a few chunks of distances.

    Raises ConfigError where the validation pictures are test pictures.
    """
    seen, _, _ = pair(validation, fake)
    asked, generated, origin = pair(test, fake)
    check_widths(seen.shape[1], asked.shape[1])
    seen = seen[:VALIDATION]
    _check_apart(seen, asked)
    width, found = choose_width(generated, seen, widths)
    estimate = of_mean(log_likelihoods(generated, asked, [width])[0], level=level)
    return ParzenLikelihood(
        value=estimate.value,
        spread=estimate.error,
        estimate=estimate,
        width=width,
        widths=tuple(widths),
        validation_values=found,
        fake=len(generated),
        validation=len(seen),
        test=len(asked),
        dimensions=asked.shape[1],
        origin=origin,
    )


def choose_width(
    fake: Features, validation: Features, widths: Sequence[float] = WIDTHS
) -> tuple[float, tuple[float, ...]]:
    """The width under which `validation` is likeliest, and its mean log-likelihood under each."""
    if not widths or list(widths) != sorted(set(widths)) or widths[0] <= 0:
        raise ConfigError(
            f"the widths {[round(h, 4) for h in widths]} were given; they must be above 0 and "
            "rise: widths=(0.1, 0.2, 0.4)"
        )
    every = log_likelihoods(fake, validation, widths)
    means = tuple(float(mean) for mean in every.mean(axis=1))
    return float(widths[int(np.argmax(means))]), means


def log_likelihoods(fake: Features, points: Features, widths: Sequence[float]) -> Doubles:
    """log p of every point under every width, in nats: widths by points.

    fake: n d; points: t d. The largest exponent is taken out before summing, so that no picture
    gets −∞ while any fake is at a finite distance.
    """
    g, x = matrix(fake, name="fake features"), matrix(points, name="real features")
    check_widths(x.shape[1], g.shape[1])
    found = np.empty((len(widths), len(x)))
    for rows, squares in chunked(x, g):
        least = squares.min(axis=1, keepdims=True)
        beyond = squares - least
        for number, h in enumerate(widths):
            mean = np.exp(beyond * (-0.5 / h**2)).mean(axis=1)
            found[number, rows] = np.log(mean) - least[:, 0] / (2 * h**2)
    scale = np.log(np.asarray(widths, dtype=np.float64) * math.sqrt(2 * math.pi))
    found -= x.shape[1] * scale[:, None]
    return found


def _check_apart(validation: Matrix, test: Matrix) -> None:
    rows = {row.tobytes() for row in test.astype(np.float64)}
    common = sum(row.tobytes() in rows for row in validation.astype(np.float64))
    if 2 * common >= len(validation):
        raise ConfigError(
            f"{common:,} of {len(validation):,} validation rows are test rows: the width would be "
            "chosen on what it is tested on. Give pictures that the test set does not hold"
        )
