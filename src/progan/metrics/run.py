"""Measure generated images against real ones, and real ones against themselves.

    report = evaluate(real, fake, real_images=10_000, images=10_000, repeats=3)
    print(report)                      # a table: value ± spread, interval, floor, n
    json.dumps(report.to_json())

A number is never shown alone: every row holds its number of images, its interval, the same
measurement on real images, and the feature extractor it rests on ("none" for those that look at
pixels).

Metrics of features take an extractor, whose name, hash and resize the report keeps. To add a
metric: `progan.metrics.known`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from progan.core.errors import ConfigError
from progan.core.randomness import seed_of
from progan.metrics.extracted import Extracted, Extractor, LabelSource, Store
from progan.metrics.finding import Finding, finding, pooled
from progan.metrics.images import ImageSource, Spool, by_channel, shifted
from progan.metrics.known import METRICS, Hears, Metric, Moves, Side
from progan.metrics.report import Report, Row
from progan.metrics.sliced import floor_images

__all__ = ["METRICS", "Metric", "Report", "Row", "Trained", "evaluate"]


@dataclass(frozen=True, kw_only=True)
class Trained:
    """The pictures a generator was trained on, all of them."""

    source: ImageSource
    images: int
    store: Store | None = None


def evaluate(
    real: ImageSource,
    fake: ImageSource,
    *,
    real_images: int,
    fake_images: int | None = None,
    metrics: Sequence[str] = ("swd", "msssim"),
    images: int | None = None,
    repeats: int = 1,
    seed: int = 0,
    extractor: Extractor | None = None,
    real_labels: LabelSource | None = None,
    fake_labels: LabelSource | None = None,
    real_store: Store | None = None,
    trained: Trained | None = None,
    moves: Moves | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Report:
    """Measure `fake` by every metric named, with the same on real images beside each value.

    `real` and `fake` are as `progan.metrics.images` says: pure functions from image numbers to
    uint8 pixels, in random order. `real_images` is the number of different real pictures;
    `fake_images` that of generated ones where they are files (None: as many as asked for).
    `images` replaces the published sizes (16,384 for SWD; 20,000, that is 10,000 pairs, for
    MS-SSIM). A metric is given no more images than there are.

    The floor of a metric that compares two sets uses two disjoint draws of real images; where
    fewer than twice `images` exist, two halves, and the report says so.

    With `repeats`, each repeat draws the next generated images (the same ones, if they are files
    and run out), and new places and directions. The value is the mean and the spread the standard
    deviation over repeats: what another set of that many generated images would change. The real
    images stay, so their choice is not in the spread. `Row.interval` says what the interval knows.

    Metrics of features need an `extractor`; each picture goes through it once, whatever is
    measured, and no real one that `real_store` knows. Metrics of classes ask `real_labels` and
    `fake_labels` for those of both. Memorisation needs what was `trained` on, and takes `real` as
    held out of it; path length needs the generator, as `moves`.

    Raises ConfigError for an unknown metric, too few images, or features without an extractor;
    DataError for unfit images.
    """
    _check(metrics, repeats, extractor, trained, moves)
    began = time.monotonic()
    counts = {name: _count(METRICS[name], images, real_images, fake_images) for name in metrics}
    drawn = [counts[name] for name in metrics if METRICS[name].of_model is None]
    with Spool(fake, max(drawn, default=1) * repeats) as kept:
        resolution = int(kept(0, 1).shape[2])
        sets = _Sets(real, kept, extractor, real_labels, fake_labels, real_store, trained)
        rows: list[Row] = []
        warnings: dict[str, None] = {}
        try:
            for name in metrics:
                one = _One(name, sets, moves, counts[name], real_images, fake_images, seed)
                rows += one.rows(repeats, _part(name, repeats + 1, progress), warnings)
        finally:
            sets.keep()
    return Report(
        rows=rows,
        extractor=extractor.record() if extractor and _seeing(metrics) else None,
        resolution=resolution,
        seed=seed,
        seconds=time.monotonic() - began,
        warnings=tuple(warnings),
    )


class _Sets:
    """The pictures of a measurement, and their features as far as they were asked for."""

    def __init__(
        self,
        real: ImageSource,
        fake: ImageSource,
        extractor: Extractor | None,
        real_labels: LabelSource | None,
        fake_labels: LabelSource | None,
        store: Store | None,
        trained: Trained | None,
    ) -> None:
        self.real, self.fake, self.extractor, self.trained = real, fake, extractor, trained
        if extractor is None:
            return
        self.whole = (
            Extracted(real, extractor, labels=real_labels, store=store),
            Extracted(fake, extractor, labels=fake_labels),
        )
        self.split = tuple(Extracted(by_channel(source), extractor) for source in (real, fake))
        self.training = None
        if trained is not None:
            self.training = Extracted(trained.source, extractor, store=trained.store)

    def keep(self) -> None:
        """Let the stores have what is new."""
        if self.extractor is not None:
            for one in (self.whole[0], self.training):
                if one is not None:
                    one.keep()


class _One:
    """One metric of the sets."""

    def __init__(
        self,
        name: str,
        sets: _Sets,
        moves: Moves | None,
        images: int,
        real_images: int,
        fake_images: int | None,
        seed: int,
    ) -> None:
        self.name, self.metric, self.sets, self.moves = name, METRICS[name], sets, moves
        self.images, self.seed = images, seed
        self.real_images, self.fake_images = real_images, fake_images

    def rows(
        self, repeats: int, hears: Callable[[int], Hears], warnings: dict[str, None]
    ) -> list[Row]:
        """Its levels, each over all repeats, with their floor; what it warns of is added."""
        found = []
        for repeat in range(repeats):
            start = repeat * self.images
            if self.fake_images is not None and start + self.images > self.fake_images:
                start = 0
            seed = seed_of(self.seed, self.name, repeat)
            found.append(self._measured(start, self.images, seed, hears(repeat)))
        count, floor = self._floor(hears(repeats))
        apart = self.fake_images is None or repeats * self.images <= self.fake_images
        for one in (one for values in found for one in values.values()):
            warnings.update(dict.fromkeys(f"{self.name}: {note}" for note in one.notes))
        return [
            self._row(level, [values[level] for values in found], floor.get(level), count, apart)
            for level in found[0]
            if all(level in values for values in found)
        ]

    def _row(
        self, level: str, found: list[Finding], floor: Finding | None, count: int, apart: bool
    ) -> Row:
        values = [one.value for one in found]
        interval = pooled(found, apart=apart)
        extractor = self.sets.extractor if self.metric.sees else None
        return Row(
            metric=self.name,
            level=level,
            value=math.fsum(values) / len(values),
            spread=_spread(values),
            low=interval.low if interval else None,
            high=interval.high if interval else None,
            interval=interval.how if interval else "",
            floor=floor.value if floor else None,
            chance=found[0].chance,
            images=self.images,
            floor_images=count,
            repeats=len(found),
            extractor=extractor.record()["extractor"] if extractor else "none",
            facts=found[0].facts,
        )

    def _floor(self, hear: Hears) -> tuple[int, dict[str, Finding]]:
        """The same on real images, and of how many; of none, where they have no such value."""
        if self.metric.of_model is not None:
            hear(1.0)
            return 0, {}
        if self.metric.compares:
            count = floor_images(self.real_images, self.images)
        else:
            count = min(self.images, self.real_images // 2 * 2)
        return count, self._measured(None, count, seed_of(self.seed, self.name, "floor"), hear)

    def _measured(
        self, start: int | None, count: int, seed: int, hear: Hears
    ) -> dict[str, Finding]:
        """Reals against fakes from `start` on; without a start, against later reals."""
        metric, sets = self.metric, self.sets
        after = count if metric.compares else 0
        if metric.measure is not None:
            other = shifted(sets.real, after) if start is None else shifted(sets.fake, start)
            values = metric.measure(sets.real, other, count, seed, hear)
            return {level: finding(value) for level, value in values.items()}
        if metric.of_model is not None:
            assert sets.extractor is not None
            assert self.moves is not None
            values = metric.of_model(self.moves, sets.extractor, count, seed, hear)
            return {level: finding(value) for level, value in values.items()}
        ours, theirs = sets.split if metric.by_channel else sets.whole
        each = 3 if metric.by_channel else 1
        reals = Side(ours, 0, each * count)
        if start is None:
            fakes = Side(ours, each * after, each * count, floor=True)
        else:
            fakes = Side(theirs, each * start, each * count)
        learned = sets.trained.images if metric.of_training and sets.trained else 0
        share = _Share(hear, (2 if metric.compares else 1) * each * count + learned)
        ours.hears = theirs.hears = share
        if metric.of_training is not None:
            assert sets.training is not None
            sets.training.hears = share
            values = metric.of_training(Side(sets.training, 0, learned), reals, fakes, seed)
        else:
            assert metric.of_features is not None
            values = metric.of_features(reals, fakes, seed)
        hear(1.0)
        return {level: finding(value) for level, value in values.items()}


def _seeing(metrics: Sequence[str]) -> list[str]:
    """Those of `metrics` that need an extractor."""
    return [name for name in metrics if METRICS[name].sees]


def _check(
    metrics: Sequence[str],
    repeats: int,
    extractor: Extractor | None,
    trained: Trained | None,
    moves: Moves | None,
) -> None:
    for name in metrics:
        if name not in METRICS:
            raise ConfigError(
                f"metric {name!r} is not known; choose among {', '.join(METRICS)}: "
                f"--metrics {','.join(METRICS)}"
            )
    if not metrics or repeats < 1:
        raise ConfigError(
            f"{len(metrics)} metrics and {repeats} repeats were asked for; "
            f"at least one of each is needed: --metrics {','.join(METRICS)}"
        )
    if extractor is None and (using := _seeing(metrics)):
        raise ConfigError(
            f"{', '.join(using)} measure features, and no extractor was named: "
            f"--metrics {','.join(metrics)} --extractor effnet-lite0"
        )
    if using := [name for name in metrics if METRICS[name].of_translations]:
        raise ConfigError(
            f"{', '.join(using)} asks judges about pictures that were made of other pictures. "
            "Leave it out, or measure a run that translates: progan evaluate RUN"
        )
    if moves is None and (using := [n for n in metrics if METRICS[n].of_model is not None]):
        raise ConfigError(
            f"{', '.join(using)} moves through the latents of a generator, and pictures alone have "
            "none. Leave it out, or measure a run: progan evaluate RUN"
        )
    if trained is None and (using := [n for n in metrics if METRICS[n].of_training is not None]):
        raise ConfigError(
            f"{', '.join(using)} needs the pictures that were trained on and others that were not: "
            "a run, and real pictures held out of its training: progan evaluate RUN --against "
            "PICTURES"
        )


def _count(metric: Metric, images: int | None, real: int, fake: int | None) -> int:
    """Images per repeat: an even number, no more than there are."""
    limits = [images or metric.images]
    if fake is not None:
        limits.append(fake)
    if metric.compares:
        limits.append(real)
    found = min(limits) // 2 * 2
    if found < metric.least:
        raise ConfigError(
            f"{metric.title} was to be measured of {found} images of each kind; it needs at least "
            f"{metric.least}. Leave it out, or give more pictures"
        )
    return found


class _Share:
    """Tells what share of so many pictures has gone through the extractor."""

    def __init__(self, hear: Hears, pictures: int) -> None:
        self.hear, self.pictures, self.seen = hear, pictures, 0

    def __call__(self, more: int) -> None:
        self.seen += more
        self.hear(min(1.0, self.seen / self.pictures))


def _spread(values: Sequence[float]) -> float | None:
    """Standard deviation, unbiased; None for a single value."""
    if len(values) < 2:
        return None
    mean = sum(values) / len(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))


def _part(
    name: str, parts: int, progress: Callable[[str, float], None] | None
) -> Callable[[int], Hears]:
    """What a measurement tells becomes the fraction of its metric that is done."""

    def of(part: int) -> Hears:
        def hear(fraction: float) -> None:
            if progress:
                progress(name, (part + fraction) / parts)

        return hear

    return of
