"""Inception score (IS): how sure a classifier is of each picture, and how varied its verdicts are.

    IS   exp(mean over pictures of KL(p(y|x) ‖ p(y))),  p(y) the mean of p(y|x) over the same ones

for each of 10 parts of the pictures; their mean ± standard deviation. Everything is computed from
log-softmax: a class of probability 0 adds 0, and no constant has to be put under the logarithm.
1 at least, the number of classes at most. Pictures are dealt to the parts at random.

It never looks at real pictures: it says nothing about closeness to the data, and depends on the
classes of the classifier. It is the published score if, and only if, the classifier is the 2015
Inception network.

Bias: p(y) is taken from the pictures of the part. K equally likely classes and sure verdicts give
about K · exp(−(K − 1)/2n) for n pictures a part: 9.56 instead of 10 for n = 100, 9.91 for 500.

Source: Salimans et al. 2016 (Improved techniques for training GANs), section 4; Barratt and Sharma
        2018 (A note on the Inception score), for what it does not tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from progan.core.errors import ConfigError, DataError
from progan.core.randomness import seed_of
from progan.metrics.feature_set import Features, FeatureSet, Matrix, Origin, matrix
from progan.metrics.intervals import Estimate, of_mean

__all__ = ["InceptionScore", "ScoreSums", "inception_score", "parts_of"]

Doubles: TypeAlias = NDArray[np.float64]

ROWS = 4096
"""Pictures whose probabilities are held at once."""


@dataclass(frozen=True, kw_only=True)
class InceptionScore:
    """Mean over parts, never without the pictures of a part."""

    value: float
    spread: float
    """Standard deviation over parts, as published (divided by their number)."""
    estimate: Estimate
    """Of `value`, from the parts; not of its bias."""
    whole: float
    """The score of all pictures as one part: less bias, and not the published protocol."""
    splits: int
    images: int
    classes: int
    seed: int | None
    """Of the dealing; None where neighbours make a part."""
    origin: Origin | None = None


class ScoreSums:
    """Collects a score picture by picture: splits · (classes + 2) numbers; can be added."""

    def __init__(self, splits: int, classes: int) -> None:
        self.counts = np.zeros(splits, np.int64)
        """Pictures by part."""
        self.chances = np.zeros((splits, classes))
        """Σ p(y|x) by part."""
        self.certainty = np.zeros(splits)
        """Σ over pictures and classes of p log p, by part."""

    def add(self, logits: Matrix, parts: NDArray[np.int64]) -> None:
        """Take in logits, n k, and the part that each row belongs to, n."""
        if len(logits) and logits.shape[1] != self.chances.shape[1]:
            raise DataError(
                f"logits of {logits.shape[1]} classes came after those of {self.chances.shape[1]}; "
                "a score needs one classifier."
            )
        logp = _log_softmax(logits)
        p = np.exp(logp)
        self.counts += np.bincount(parts, minlength=len(self.counts))
        belongs = (np.arange(len(self.counts))[:, None] == parts).astype(np.float64)
        self.chances += belongs @ p
        self.certainty += belongs @ (p * logp).sum(axis=1)

    def __add__(self, other: ScoreSums) -> ScoreSums:
        """Sums of the pictures of both."""
        total = ScoreSums(*self.chances.shape)
        total.counts = self.counts + other.counts
        total.chances = self.chances + other.chances
        total.certainty = self.certainty + other.certainty
        return total

    def scores(self) -> Doubles:
        """The score of each part; each must hold a picture."""
        return _scores(self.counts, self.chances, self.certainty)

    def whole(self) -> float:
        """The score of all pictures as one part."""
        sums = self.counts.sum()[None], self.chances.sum(axis=0)[None], self.certainty.sum()[None]
        return float(_scores(*sums)[0])


def inception_score(
    logits: Features, *, splits: int = 10, seed: int | None = 0, level: float = 0.95
) -> InceptionScore:
    """Score of logits, n k: raw outputs of the classifier, before any softmax.

    `seed` deals the pictures to the parts; with None, neighbours make a part (the order must then
    be random: pictures in the order of their class would score about 1).

    Raises ConfigError for fewer pictures than parts.
    """
    rows = matrix(logits, name="logits")
    parts = parts_of(len(rows), splits, seed)
    sums = ScoreSums(splits, rows.shape[1])
    for start in range(0, len(rows), ROWS):
        sums.add(rows[start : start + ROWS], parts[start : start + ROWS])
    return score_of(
        sums,
        seed=seed,
        level=level,
        origin=logits.origin if isinstance(logits, FeatureSet) else None,
    )


def score_of(
    sums: ScoreSums, *, seed: int | None, level: float = 0.95, origin: Origin | None = None
) -> InceptionScore:
    """What sums over a stream come to; parts from `parts_of` with the same seed."""
    found = sums.scores()
    return InceptionScore(
        value=float(found.mean()),
        spread=float(found.std()),
        estimate=of_mean(found, level=level),
        whole=sums.whole(),
        splits=len(found),
        images=int(sums.counts.sum()),
        classes=sums.chances.shape[1],
        seed=seed,
        origin=origin,
    )


def parts_of(images: int, splits: int, seed: int | None) -> NDArray[np.int64]:
    """The part of each of `images` pictures: sizes differ by one at most."""
    if not 1 <= splits <= images:
        raise ConfigError(
            f"{splits} splits of {images:,} pictures were asked for; a score needs at least one "
            "picture a split: splits=1"
        )
    ends = [images * split // splits for split in range(splits + 1)]
    parts = np.repeat(np.arange(splits), np.diff(ends))
    if seed is not None:
        np.random.default_rng(seed_of(seed, "inception score")).shuffle(parts)
    return parts


def _log_softmax(logits: Matrix) -> Doubles:
    rows = logits.astype(np.float64)
    rows -= rows.max(axis=1, keepdims=True)
    rows -= np.log(np.exp(rows).sum(axis=1, keepdims=True))
    return rows


def _scores(counts: NDArray[np.int64], chances: Doubles, certainty: Doubles) -> Doubles:
    """exp(Σ p log p / n − Σ q log q), q = Σ p / n: 0 log 0 is 0."""
    q = chances / counts[:, None]
    logs = np.log(q, out=np.zeros_like(q), where=q > 0)
    scores: Doubles = np.exp(certainty / counts - (q * logs).sum(axis=1))
    return scores
