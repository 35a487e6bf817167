"""Every metric of pictures: what it measures, from how many, and what it is called.

To add one: a file with the mathematics, and a line in `METRICS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from progan.core.errors import ConfigError
from progan.metrics.extracted import Extracted
from progan.metrics.feature_set import FeatureSet
from progan.metrics.frechet import Frechet, frechet_distance
from progan.metrics.images import ImageSource
from progan.metrics.inception_score import inception_score
from progan.metrics.kernels import kid, mmd, rbf_of
from progan.metrics.moments import moments
from progan.metrics.msssim import msssim
from progan.metrics.neighbours import one_nearest_accuracy, prdc
from progan.metrics.per_class import by_class
from progan.metrics.sliced import sliced_wasserstein

__all__ = ["METRICS", "Hears", "Metric", "Side", "named", "title_of"]

Hears: TypeAlias = Callable[[float], None]
Measure: TypeAlias = Callable[[ImageSource, ImageSource, int, int, Hears], Mapping[str, float]]
Values: TypeAlias = Mapping[str, float]

LEAST_OF_A_CLASS = 8
"""Pictures of each kind below which a class is left out."""


@dataclass(frozen=True)
class Side:
    """`count` pictures of one side of a comparison, from number `start` on, as features."""

    extracted: Extracted
    start: int
    count: int

    @property
    def features(self) -> FeatureSet:
        """n d."""
        return self.extracted.features(self.start, self.count)

    @property
    def labels(self) -> NDArray[np.int64]:
        """n."""
        return self.extracted.labels(self.start, self.count)

    @property
    def log_probabilities(self) -> FeatureSet:
        """n k."""
        return self.extracted.log_probabilities(self.start, self.count)


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One way to measure, and how it is shown. One of `measure` and `of_features` is there."""

    title: str
    measure: Measure | None = None
    """(real, fake, images, seed, progress) → value by level; a single value has level ""."""
    of_features: Callable[[Side, Side, int], Values] | None = None
    """(real, fake, seed) → value by level."""
    images: int
    """Images of each kind in the published protocol."""
    compares: bool
    """Whether it needs two sets. If so its floor compares two disjoint draws of real images;
    if not, the value beside it is the same measurement on real images."""
    better: Literal["lower", "higher", "real"] = "lower"
    """Where better values lie: below, above, or near that of real images."""
    falls: float | None = None
    """p, where the floor falls as n^−p; None where it does not, or not by a known law."""
    labelled: bool = False
    """Whether it asks for the classes of pictures."""
    least: int = 2
    """Fewest images of each kind it can be had of."""
    digits: int = 4
    """Decimals shown."""


def _swd(
    real: ImageSource, fake: ImageSource, images: int, seed: int, progress: Hears
) -> dict[str, float]:
    found = sliced_wasserstein(real, fake, images, seed=seed, progress=progress)
    return {level: value for level, value, _, _ in found.rows()}


def _msssim(
    real: ImageSource, fake: ImageSource, images: int, seed: int, progress: Hears
) -> dict[str, float]:
    return {"": msssim(fake, images // 2, progress=progress).value}


def _frechet(real: Side, fake: Side, seed: int) -> Values:
    return {"": _plain_frechet(real.features, fake.features).value}


def _kernel(real: Side, fake: Side, seed: int) -> Values:
    size = min(1000, real.count // 2, fake.count // 2)
    return {"": 1000 * kid(real.features, fake.features, size=size, seed=seed).value}


def _mmd(real: Side, fake: Side, seed: int) -> Values:
    rows = real.features
    found = mmd(rows, fake.features, rbf_of(rows), permutations=0, seed=seed)
    return {"": 1000 * found.value}


def _score(real: Side, fake: Side, seed: int) -> Values:
    splits = min(10, fake.count)
    return {"": inception_score(fake.log_probabilities, splits=splits, seed=seed).value}


def _prdc(real: Side, fake: Side, seed: int) -> Values:
    found = prdc(real.features, fake.features, seed=seed)
    names = ("precision", "recall", "density", "coverage")
    return {name: getattr(found, name).value for name in names}


def _nearest(real: Side, fake: Side, seed: int) -> Values:
    found = one_nearest_accuracy(real.features, fake.features, permutations=0, seed=seed)
    return {"": found.value}


def _agreement(real: Side, fake: Side, seed: int) -> Values:
    """The share of pictures in which the extractor sees the class that was asked for."""
    asked, seen = fake.labels, fake.log_probabilities.values.argmax(axis=1)
    names = _class_names(fake)
    if int(asked.max()) >= len(names):
        raise ConfigError(
            f"the extractor tells {len(names)} classes apart, and class {int(asked.max())} was "
            "asked for. Train one on the same pictures: progan metrics train-extractor DATA"
        )
    right = asked == seen
    each = {names[k]: float(right[asked == k].mean()) for k in np.unique(asked)}
    return {"mean": float(np.mean(list(each.values()))), **each}


def _by_class(measure: Callable[..., Any], **options: Any) -> Callable[[Side, Side, int], Values]:
    """`measure` of each class, and the mean over classes."""

    def of_classes(real: Side, fake: Side, seed: int) -> Values:
        sets = (real.features, real.labels, fake.features, fake.labels)
        found = by_class(measure, *sets, least=LEAST_OF_A_CLASS, **options)
        names = _class_names(fake)
        each = {names[k] if k < len(names) else str(k): v for k, v in found.values.items()}
        return {"mean": found.mean.value, **each}

    return of_classes


def _plain_frechet(real: FeatureSet, fake: FeatureSet) -> Frechet:
    return frechet_distance(moments(real), moments(fake))


def _class_names(side: Side) -> tuple[str, ...]:
    """What the extractor calls its classes; their numbers where it has no names."""
    extractor = side.extracted.extractor
    names: tuple[str, ...] = getattr(extractor, "class_names", ())
    return names or tuple(map(str, range(extractor.classes)))


METRICS: Mapping[str, Metric] = {
    "swd": Metric(
        title="SWD x 10³", measure=_swd, images=16_384, compares=True, falls=0.5, digits=2
    ),
    "msssim": Metric(
        title="MS-SSIM", measure=_msssim, images=20_000, compares=False, better="real"
    ),
    "fd": Metric(
        title="FD", of_features=_frechet, images=50_000, compares=True, falls=1.0, least=4, digits=2
    ),
    "kd": Metric(
        title="KD x 10³", of_features=_kernel, images=50_000, compares=True, least=8, digits=2
    ),
    "mmd": Metric(
        title="MMD x 10³", of_features=_mmd, images=5_000, compares=True, least=4, digits=3
    ),
    "is": Metric(
        title="IS", of_features=_score, images=50_000, compares=False, better="real", digits=2
    ),
    "prdc": Metric(
        title="PRDC",
        of_features=_prdc,
        images=10_000,
        compares=True,
        better="higher",
        least=8,
        digits=3,
    ),
    "agreement": Metric(
        title="Agreement",
        of_features=_agreement,
        images=10_000,
        compares=False,
        better="higher",
        labelled=True,
        digits=3,
    ),
    "fd-class": Metric(
        title="FD by class",
        of_features=_by_class(_plain_frechet),
        images=50_000,
        compares=True,
        falls=1.0,
        labelled=True,
        digits=2,
    ),
    "nn1": Metric(
        title="1-NN accuracy", of_features=_nearest, images=5_000, compares=True, digits=3
    ),
}

INCEPTION = "inception-2015-12-05"
OWN_NAMES = {"fid": "fd", "kid": "kd"}
"""What the distances are called on features of FID's own network, and on no other."""


def named(name: str, extractor: str | None) -> str:
    """The metric a user means by `name`; `fid` and `kid` are those of Inception alone.

    Raises: ConfigError where they are asked of another extractor.
    """
    if name in OWN_NAMES:
        plain = OWN_NAMES[name]
        if extractor is None or not extractor.startswith("inception"):
            raise ConfigError(
                f"{name} is measured on features of Inception only, and {extractor or 'none'} was "
                f"named. Type: --metrics {name} --extractor inception, or for the same distance on "
                f"other features: --metrics {plain} --extractor effnet-lite0"
            )
        return plain
    return name


def title_of(name: str, extractor: str = "none") -> str:
    """How a metric is called on features of an extractor: FID on Inception's, else FD-effnet, …"""
    metric = METRICS[name]
    if metric.of_features is None or extractor == "none":
        return metric.title
    own = {plain: own.upper() for own, plain in OWN_NAMES.items()}
    head, _, rest = metric.title.partition(" ")
    if extractor.startswith(INCEPTION):
        head = own.get(name, head)
    else:
        head = f"{head}-{extractor.partition('-')[0].partition(':')[0]}"
    return f"{head} {rest}".strip()
