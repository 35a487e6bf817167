"""Variety against fidelity: what each truncation of the latents comes to.

    spread   mean over classes of sqrt(mean over pixels of the variance within the class), in
             shares of the range from black to white

A curve is a row of points, from latents that are not cut to those cut most. Three of them are
told: the one of the least distance, the distance where the score is that of real pictures, and the
distance at the highest score.

Source: Brock et al. 2019 (BigGAN), section 4.1 and table 2, for the three points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from progan.core.errors import ConfigError
from progan.metrics.frechet import frechet_distance
from progan.metrics.inception_score import inception_score
from progan.metrics.moments import moments

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from progan.metrics.feature_set import Features

__all__ = ["THRESHOLDS", "Curve", "Point", "Within", "point_of"]

THRESHOLDS: tuple[float | None, ...] = (None, 1.5, 1.0, 0.5, 0.25, 0.04)
"""Where normal latents are cut: those beyond are drawn again; None: not at all."""


class Within:
    """Collects the spread within classes picture by picture: a sum for each class and pixel."""

    def __init__(self, classes: int) -> None:
        self.counts = np.zeros(classes, np.int64)
        self._squares = np.zeros(classes)
        self._sums: NDArray[np.int64] | None = None

    def add(self, pixels: NDArray[np.uint8], labels: NDArray[np.int64]) -> None:
        """Take in pictures n c h w and the class of each."""
        rows = pixels.reshape(len(pixels), -1).astype(np.int64)
        if self._sums is None:
            self._sums = np.zeros((len(self.counts), rows.shape[1]), np.int64)
        np.add.at(self._sums, labels, rows)
        np.add.at(self._squares, labels, np.square(rows).sum(axis=1).astype(np.float64))
        self.counts += np.bincount(labels, minlength=len(self.counts))

    @property
    def spread(self) -> float:
        """Over classes of two pictures and more.

        Raises: ConfigError where there is none.
        """
        some = self.counts > 1
        if self._sums is None or not some.any():
            raise ConfigError(
                f"{int(self.counts.sum())} pictures of {len(self.counts)} classes have no spread "
                "within them; take more: --images 10000"
            )
        counts = self.counts[some].astype(np.float64)
        means = self._sums[some] / counts[:, None]
        variance = self._squares[some] / counts - np.square(means).sum(axis=1)
        each = np.sqrt(np.maximum(variance, 0) / means.shape[1])
        return float(each.mean() / 255)


@dataclass(frozen=True, kw_only=True)
class Point:
    """What pictures of latents cut at `threshold` come to."""

    threshold: float | None
    """None: not cut."""
    score: float
    """Inception score by the classifier that was named."""
    score_spread: float
    """Over its parts."""
    distance: float
    """Fréchet distance of features to those of real pictures."""
    spread: float
    images: int


def point_of(
    threshold: float | None,
    *,
    logits: Features,
    features: Features,
    real: Features,
    spread: float,
    splits: int = 10,
) -> Point:
    """A point from verdicts n k and features n d of pictures, and those of real ones m d."""
    score = inception_score(logits, splits=splits)
    distance = frechet_distance(moments(real), moments(features))
    return Point(
        threshold=threshold,
        score=score.value,
        score_spread=score.spread,
        distance=distance.value,
        spread=spread,
        images=score.images,
    )


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Points, each cut more than the one before it."""

    points: Sequence[Point]
    real_score: float
    """The score of real pictures."""

    @property
    def nearest(self) -> Point:
        """The point of the least distance."""
        return min(self.points, key=lambda point: point.distance)

    @property
    def surest(self) -> Point:
        """The point of the highest score."""
        return max(self.points, key=lambda point: point.score)

    @property
    def at_real_score(self) -> float | None:
        """The distance where the score is that of real pictures, on the line between two points.

        None where the curve does not pass it.
        """
        for one, other in pairwise(self.points):
            low, high = sorted((one.score, other.score))
            if low <= self.real_score <= high:
                rest = other.score - one.score
                share = (self.real_score - one.score) / rest if rest else 0.0
                return one.distance + share * (other.distance - one.distance)
        return None

    @property
    def score_fall(self) -> float:
        """The largest fall of the score from one point to the next; below 0 if it only rises."""
        return max((a.score - b.score for a, b in pairwise(self.points)), default=0.0)

    @property
    def spread_rise(self) -> float:
        """The largest rise of the spread from one point to the next; below 0 if it only falls."""
        return max((b.spread - a.spread for a, b in pairwise(self.points)), default=0.0)
