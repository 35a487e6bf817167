"""Any comparison of two sets, class by class: a mean hides the class that failed.

    found = by_class(fid, real, real_labels, fake, fake_labels, least=20)
    found.mean.value, found.worst, found.classes[3].value, found.fake[3]

Bias: each class has fewer pictures than the whole, so a metric that depends on n is larger here;
compare classes with each other at equal counts, never with the number of the whole set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from progan.core.errors import ConfigError, DataError
from progan.metrics.feature_set import Features, FeatureSet, matrix
from progan.metrics.intervals import Estimate, of_mean

__all__ = ["PerClass", "by_class"]

R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class PerClass(Generic[R]):
    """What a metric found in each class."""

    classes: Mapping[int, R]
    """Results by class."""
    values: Mapping[int, float]
    """Their numbers."""
    mean: Estimate
    """Mean of the numbers, every class alike; error and interval are over classes."""
    worst: int
    """The class with the worst number."""
    real: Mapping[int, int]
    """Real pictures by class, those left out too."""
    fake: Mapping[int, int]
    """Generated pictures by class."""
    left_out: tuple[int, ...]
    """Classes with too few pictures of one kind."""


def by_class(
    measure: Callable[..., R],
    real: Features,
    real_labels: NDArray[Any],
    fake: Features,
    fake_labels: NDArray[Any],
    *,
    number: Callable[[R], float] | None = None,
    better: Literal["lower", "higher"] = "lower",
    least: int = 2,
    **options: Any,
) -> PerClass[R]:
    """`measure(real, fake, **options)` of each class.

    real: n d with labels n; fake: m d with labels m: the labels asked for, not those a classifier
    sees. `number` reads the number of a result, its `value` unless given. A class with fewer than
    `least` pictures of either kind is left out and named; ask for as many as `measure` needs (20
    for the ten blocks of `fid`).

    Raises DataError where no class is left.
    """
    taken = {"real": _split(real, real_labels, "real"), "fake": _split(fake, fake_labels, "fake")}
    counts = {kind: {k: len(part) for k, part in sets.items()} for kind, sets in taken.items()}
    every = sorted({*taken["real"], *taken["fake"]})
    kept = [k for k in every if min(counts[kind].get(k, 0) for kind in counts) >= least]
    if not kept:
        raise DataError(
            f"none of {len(every)} classes has {least:,} real and {least:,} fake pictures. "
            "Measure more of them"
        )
    found = {k: measure(taken["real"][k], taken["fake"][k], **options) for k in kept}
    read: Callable[[Any], float] = number or (lambda result: result.value)
    values = {k: float(read(result)) for k, result in found.items()}
    pick = max if better == "lower" else min
    return PerClass(
        classes=found,
        values=values,
        mean=of_mean(list(values.values())),
        worst=pick(values, key=lambda k: values[k]),
        real={k: counts["real"].get(k, 0) for k in every},
        fake={k: counts["fake"].get(k, 0) for k in every},
        left_out=tuple(k for k in every if k not in kept),
    )


def _split(features: Features, labels: NDArray[Any], name: str) -> dict[int, Any]:
    rows = matrix(features, name=f"{name} features")
    if labels.shape != (len(rows),) or not np.issubdtype(labels.dtype, np.integer):
        raise ConfigError(
            f"{name} labels have shape {labels.shape} and type {labels.dtype}; {len(rows):,} rows "
            "need as many whole numbers."
        )
    parts: dict[int, Any] = {int(k): rows[labels == k] for k in np.unique(labels)}
    if isinstance(features, FeatureSet):
        origin = features.origin
        return {k: FeatureSet(values=part, origin=origin) for k, part in parts.items()}
    return parts
