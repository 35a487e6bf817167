"""How each metric of pictures comes from two sets of them: number, interval, bias, choices."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from progan.core.errors import ConfigError
from progan.metrics.extracted import Extractor, Side, Unrounded
from progan.metrics.feature_set import FeatureSet
from progan.metrics.finding import Finding, Values
from progan.metrics.frechet import Frechet, fid, frechet_distance
from progan.metrics.images import ImageSource
from progan.metrics.inception_score import inception_score
from progan.metrics.intervals import LEVEL, Estimate, around, of_share
from progan.metrics.kernels import kid, mmd, rbf_of
from progan.metrics.memorisation import memorisation
from progan.metrics.moments import moments
from progan.metrics.msssim import msssim
from progan.metrics.neighbours import one_nearest_accuracy, prdc
from progan.metrics.parzen import parzen
from progan.metrics.path_length import path_length
from progan.metrics.per_class import by_class
from progan.metrics.pixels import pixel_rows, room_for_pixels
from progan.metrics.sliced import sliced_wasserstein
from progan.metrics.stacked import expected_kl, expected_modes, stacked_score

__all__ = ["LEAST_OF_A_CLASS", "Hears", "Moves"]

Hears: TypeAlias = Callable[[float], None]

LEAST_OF_A_CLASS = 8
"""Pictures of each kind below which a class is left out."""
BLOCKS = 10
"""Parts that a jackknife leaves out in turn."""
VALIDATION = 1000
"""Real pictures a Parzen width is chosen on, at most; one in five where there are few."""
MOST_MODES = 10**6


@runtime_checkable
class Moves(Protocol):
    """A generator whose latents can be moved."""

    @property
    def width(self) -> int:
        """Numbers of a latent that move."""

    @property
    def prior(self) -> Literal["normal", "uniform"]:
        """Where they come from."""

    def __call__(self, latents: Tensor, numbers: NDArray[np.int64]) -> Tensor:
        """Pictures n c h w in [-1, 1] of latents n width; all else is a function of `numbers`."""


# Of pixels ----------------------------------------------------------------------------------


def swd(
    real: ImageSource, fake: ImageSource, images: int, seed: int, progress: Hears
) -> dict[str, float]:
    """Each level of the pyramid, and their mean."""
    found = sliced_wasserstein(real, fake, images, seed=seed, progress=progress)
    return {level: value for level, value, _, _ in found.rows()}


def likeness(
    real: ImageSource, fake: ImageSource, images: int, seed: int, progress: Hears
) -> dict[str, Finding]:
    """MS-SSIM of pairs; its interval takes pairs for independent."""
    found = msssim(fake, images // 2, progress=progress)
    how = f"mean of {found.pairs:,} pairs, Student's t"
    estimate = around(found.value, found.error, degrees=found.pairs - 1, how=how)
    return {"": Finding(value=found.value, estimate=estimate if found.pairs > 1 else None)}


def density(
    real: ImageSource, fake: ImageSource, images: int, seed: int, progress: Hears
) -> dict[str, Finding]:
    """Parzen log-likelihood of real pictures, in pixels of 0 … 1.

    The first reals choose the width, a fifth of them and 1,000 at most; the rest are tested.
    """
    chosen_on = min(VALIDATION, images // 5)
    room_for_pixels(fake, images)
    parts = [(fake, 0, images), (real, 0, chosen_on), (real, chosen_on, images - chosen_on)]
    rows = []
    for number, (source, start, count) in enumerate(parts):
        rows.append(pixel_rows(source, start, count))
        progress((number + 1) / (len(parts) + 1))
    found = parzen(*rows)
    progress(1.0)
    facts = {"h": found.width, "widths": list(found.widths), "dimensions": found.dimensions}
    counts = {"fakes": found.fake, "validation": found.validation, "test": found.test}
    return {
        "": Finding(
            value=found.value,
            estimate=found.estimate,
            over="reals",
            notes=found.notes,
            facts={**facts, **counts},
        )
    }


# Of features --------------------------------------------------------------------------------


def frechet(real: Side, fake: Side, seed: int) -> Values:
    """With a jackknife over blocks of fakes."""
    if fake.floor or fake.count < 4:
        found = plain_frechet(real.features, fake.features)
    else:
        found = fid(real.features, fake.features, blocks=min(BLOCKS, fake.count // 2))
    facts = {"means": found.means, "features": found.width}
    return {
        "": Finding(
            value=found.value,
            estimate=found.estimate,
            chance=found.chance,
            notes=found.notes[:1] if min(found.real, found.fake) <= found.width else (),
            facts=facts,
        )
    }


def kernel(real: Side, fake: Side, seed: int) -> Values:
    """KID's subsets, of 1,000 where there are enough."""
    size = min(1000, real.count // 2, fake.count // 2)
    found = kid(real.features, fake.features, size=size, seed=seed)
    facts = {"subsets": found.subsets, "size": found.size, "of_a_subset": 1000 * found.spread}
    one = Finding(value=found.value, estimate=found.estimate, over="both", chance=0.0, facts=facts)
    return {"": one.times(1000)}


def discrepancy(real: Side, fake: Side, seed: int) -> Values:
    """RBF MMD², its width that of the reals."""
    rows = real.features
    kernel = rbf_of(rows)
    found = mmd(rows, fake.features, kernel, permutations=0, seed=seed)
    return {"": Finding(value=1000 * found.value, chance=0.0, facts={"sigma": kernel.sigma})}


def score(real: Side, fake: Side, seed: int) -> Values:
    """Inception score, over ten parts."""
    found = inception_score(fake.log_probabilities, splits=min(10, fake.count), seed=seed)
    facts = {"splits": found.splits, "whole": found.whole, "classes": found.classes}
    return {"": Finding(value=found.value, estimate=_known(found.estimate), facts=facts)}


def shares(real: Side, fake: Side, seed: int) -> Values:
    """Precision and density over fakes, recall and coverage over reals."""
    found = prdc(real.features, fake.features, seed=seed)
    facts = {"k": found.k}
    chance = {"density": 1.0, "coverage": found.full_coverage}
    over: Mapping[str, Literal["fakes", "reals"]] = {"recall": "reals", "coverage": "reals"}
    return {
        name: Finding(
            value=one.value,
            estimate=one,
            over=over.get(name, "fakes"),
            chance=chance.get(name),
            facts=facts,
        )
        for name in ("precision", "recall", "density", "coverage")
        for one in [getattr(found, name)]
    }


def neighbour(real: Side, fake: Side, seed: int) -> Values:
    """1-NN accuracy, and what labels dealt at random give."""
    found = one_nearest_accuracy(real.features, fake.features, permutations=0, seed=seed)
    facts = {"on_real": found.on_real, "on_fake": found.on_fake}
    estimate = found.estimate
    one = Finding(
        value=found.value, estimate=estimate, over="both", chance=found.chance, facts=facts
    )
    return {"": one}


def copying(train: Side, held_out: Side, fake: Side, seed: int) -> Values:
    """Distances of fakes to the training pictures beside those of held-out reals."""
    found = memorisation(train.features, held_out.features, fake.features, seed=seed)
    if 2 * found.repeated >= found.held_out:
        raise ConfigError(
            f"{found.repeated:,} of {found.held_out:,} held-out pictures are training pictures; "
            "memorisation needs others. Give some that were not trained on: --against PICTURES"
        )
    notes: tuple[str, ...] = ()
    if found.repeated:
        notes = (
            f"{found.repeated:,} of {found.held_out:,} held-out pictures are training pictures: "
            "copying looks rarer than it is.",
        )
    facts = {
        **{"train": found.train, "held_out": found.held_out, "fakes": found.fake},
        "closest": [list(pair) for pair in found.closest],
    }
    return {
        "closer": Finding(
            value=found.closer.value, estimate=found.closer, chance=0.5, notes=notes, facts=facts
        ),
        "copies": Finding(value=found.copies.value, estimate=found.copies, chance=found.chance),
        "ratio": Finding(value=found.ratio, chance=1.0),
        "authentic": Finding(
            value=found.authentic.value, estimate=found.authentic, chance=found.authentic_real
        ),
    }


def stacked(real: Side, fake: Side, seed: int) -> Values:
    """Modes reached and their KL to uniform; the sides hold each channel as a picture."""
    classes = fake.extracted.extractor.classes
    if classes**3 > MOST_MODES:
        raise ConfigError(
            f"stacked reads a digit in each channel, and {fake.extracted.extractor.name} tells "
            f"{classes:,} classes apart. Train one on single digits: progan metrics "
            "train-extractor DIGITS"
        )
    seen = fake.log_probabilities.values.argmax(axis=1).reshape(-1, 3)
    found = stacked_score([seen], classes=classes)
    facts = {"of": found.of}
    pictures = found.pictures
    return {
        "modes": Finding(
            value=found.modes.value, chance=expected_modes(pictures, found.of), facts=facts
        ),
        "KL": Finding(value=found.kl.value, chance=expected_kl(pictures, found.of), facts=facts),
    }


def agreement(real: Side, fake: Side, seed: int) -> Values:
    """The share of pictures in which the extractor sees the class that was asked for."""
    asked, seen = fake.labels, fake.log_probabilities.values.argmax(axis=1)
    names = fake.class_names
    if int(asked.max()) >= len(names):
        raise ConfigError(
            f"the extractor tells {len(names)} classes apart, and class {int(asked.max())} was "
            "asked for. Train one on the same pictures: progan metrics train-extractor DATA"
        )
    classes = [(int(k), asked == k) for k in np.unique(asked)]
    each = {names[k]: of_share(int((seen[of] == k).sum()), int(of.sum())) for k, of in classes}
    mean = _mean_of(list(each.values()))
    one = {"mean": mean, **each}
    return {
        level: Finding(value=found.value, estimate=replace(found, how=mean.how))
        for level, found in one.items()
    }


def of_classes(
    measure: Callable[..., Any], **options: Any
) -> Callable[[Side, Side, int], Mapping[str, float]]:
    """`measure` of each class, and the mean over classes."""

    def measured(real: Side, fake: Side, seed: int) -> Mapping[str, float]:
        sets = (real.features, real.labels, fake.features, fake.labels)
        found = by_class(measure, *sets, least=LEAST_OF_A_CLASS, **options)
        names = fake.class_names
        each = {names[k] if k < len(names) else str(k): v for k, v in found.values.items()}
        return {"mean": found.mean.value, **each}

    return measured


def plain_frechet(real: FeatureSet, fake: FeatureSet) -> Frechet:
    """Without an interval."""
    return frechet_distance(moments(real), moments(fake))


# Of a generator -----------------------------------------------------------------------------


def path(moves: Moves, extractor: Extractor, pairs: int, seed: int, progress: Hears) -> Values:
    """How fast pictures move along latent paths, by the features of the extractor."""
    if not isinstance(extractor, Unrounded):
        raise ConfigError(
            f"ppl takes pictures that are not rounded to 256 levels, and {extractor.name} cannot "
            "take them. Measure with another extractor: --extractor effnet-lite0"
        )
    done = 0

    def generate(latents: Tensor, numbers: NDArray[np.int64]) -> Tensor:
        nonlocal done
        made = moves(latents, numbers)
        done += len(latents)
        progress(min(1.0, done / (2 * pairs)))
        return made

    found = path_length(
        generate,
        extractor.unrounded,
        moves.width,
        distance=extractor.name,
        pairs=pairs,
        prior=moves.prior,
        seed=seed,
    )
    facts = {
        **{"pairs": found.pairs, "kept": found.kept, "epsilon": found.epsilon, "at": found.at},
        **{"of_a_pair": found.spread, "prior": found.prior, "width": moves.width},
    }
    return {"": Finding(value=found.value, estimate=found.estimate, facts=facts)}


def _known(estimate: Estimate) -> Estimate | None:
    """An estimate whose error is a number."""
    return estimate if math.isfinite(estimate.error) else None


def _mean_of(found: list[Estimate]) -> Estimate:
    """The mean of independent estimates: reaches as roots of mean squares, by √ of their number."""
    count = len(found)

    def rooted(values: list[float]) -> float:
        return math.sqrt(math.fsum(value**2 for value in values)) / count

    value = math.fsum(one.value for one in found) / count
    return Estimate(
        value=value,
        error=rooted([one.error for one in found]),
        low=value - rooted([one.value - one.low for one in found]),
        high=value + rooted([one.high - one.value for one in found]),
        level=LEVEL,
        how="Wilson's score, class by class",
    )
