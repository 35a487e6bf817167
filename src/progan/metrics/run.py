"""Measure generated images against real ones, and real ones against themselves.

    report = evaluate(real, fake, real_images=10_000, images=10_000, repeats=3)
    print(report)                      # a table: value ± spread, floor, n
    json.dumps(report.to_json())

A number is never shown alone: every row holds its number of images, the same measurement on real
images, and the feature extractor it rests on ("none" for those that look at pixels).

Metrics of features take an extractor, whose name, hash and resize the report keeps. To add a
metric: `progan.metrics.known`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from progan.core.errors import ConfigError
from progan.core.randomness import seed_of
from progan.metrics.extracted import Extracted, Extractor, LabelSource
from progan.metrics.images import ImageSource, Spool, shifted
from progan.metrics.known import METRICS, Hears, Metric, Side, title_of
from progan.metrics.sliced import floor_images

__all__ = ["METRICS", "Metric", "Report", "Row", "evaluate"]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One number, with what is needed to judge it."""

    metric: str
    level: str
    """Resolution of the level, "mean" over levels, or "" where there is one value."""
    value: float
    """Mean over repeats."""
    spread: float | None
    """Standard deviation over repeats; None for a single one."""
    floor: float
    """The same between two draws of real images, or on real images alone."""
    images: int
    """Generated images per repeat."""
    floor_images: int
    """Images in each draw behind `floor`."""
    repeats: int
    extractor: str
    """Name of the extractor, or none."""

    @property
    def title(self) -> str:
        """How the metric is called on these features."""
        return title_of(self.metric, self.extractor)


@dataclass(frozen=True, kw_only=True)
class Report:
    """What `evaluate` found."""

    rows: Sequence[Row]
    extractor: Mapping[str, str] | None = None
    """Name, hash of the weights and resize of the extractor, where features were measured."""
    resolution: int
    seed: int
    seconds: float

    def value(self, metric: str, level: str | None = None) -> Row:
        """The row of `metric` at `level`; without a level, its mean or single value."""
        wanted = ("mean", "") if level is None else (level,)
        for row in self.rows:
            if row.metric == metric and row.level in wanted:
                return row
        raise KeyError((metric, level))

    def notes(self) -> list[str]:
        """What a reader must know to compare the numbers, in sentences."""
        notes = []
        for row in self.rows:
            if row.level not in ("mean", "") or row.floor_images == row.images:
                continue
            note = (
                f"{row.metric}: the real images suffice for a floor of n = {row.floor_images:,}, "
                f"not {row.images:,}"
            )
            falls = METRICS[row.metric].falls
            if falls is not None:
                expected = (row.floor_images / row.images) ** falls * row.floor
                law = "1/√n" if falls == 0.5 else "1/n"
                note += f"; it falls as {law}, so expect about {expected:.2f} at the full n"
            notes.append(note + ".")
        return notes

    def to_json(self) -> dict[str, Any]:
        """The report in plain numbers, texts and lists."""
        return {
            "resolution": self.resolution,
            "seed": self.seed,
            "seconds": round(self.seconds, 3),
            "extractor": dict(self.extractor) if self.extractor else None,
            "rows": [{**asdict(row), "title": row.title} for row in self.rows],
            "notes": self.notes(),
        }

    def __str__(self) -> str:
        head = ("metric", "level", "value", "spread", "real", "n", "n real", "extractor")
        table = [head]
        for row in self.rows:
            digits = METRICS[row.metric].digits
            table.append(
                (
                    row.title,
                    row.level,
                    f"{row.value:.{digits}f}",
                    "" if row.spread is None else f"± {row.spread:.{digits}f}",
                    f"{row.floor:.{digits}f}",
                    f"{row.images:,}",
                    f"{row.floor_images:,}",
                    row.extractor,
                )
            )
        widths = [max(len(line[i]) for line in table) for i in range(len(head))]
        lines = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in table]
        return "\n".join([*lines, *self.notes()])


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
    images stay, so their choice is not in the spread.

    Metrics of features need an `extractor`; each picture goes through it once, whatever is
    measured. Metrics of classes ask `real_labels` and `fake_labels` for those of both.

    Raises ConfigError for an unknown metric, too few images, or features without an extractor;
    DataError for unfit images.
    """
    _check(metrics, repeats, extractor)
    began = time.monotonic()
    counts = {name: _count(METRICS[name], images, real_images, fake_images) for name in metrics}
    rows: list[Row] = []
    with Spool(fake, max(counts.values()) * repeats) as kept:
        resolution = int(kept(0, 1).shape[2])
        sides = None
        if extractor is not None:
            sides = (
                Extracted(real, extractor, labels=real_labels),
                Extracted(kept, extractor, labels=fake_labels),
            )
        for name in metrics:
            rows += _measure(
                name,
                real,
                kept,
                sides,
                images=counts[name],
                real_images=real_images,
                fake_images=fake_images,
                repeats=repeats,
                seed=seed,
                hears=_part(name, repeats + 1, progress),
            )
    seconds = time.monotonic() - began
    return Report(
        rows=rows,
        extractor=extractor.record() if extractor and _uses(metrics) else None,
        resolution=resolution,
        seed=seed,
        seconds=seconds,
    )


def _uses(metrics: Sequence[str]) -> list[str]:
    """Those of `metrics` that measure features."""
    return [name for name in metrics if METRICS[name].of_features is not None]


def _check(metrics: Sequence[str], repeats: int, extractor: Extractor | None) -> None:
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
    if extractor is None and (using := _uses(metrics)):
        raise ConfigError(
            f"{', '.join(using)} measure features, and no extractor was named: "
            f"--metrics {','.join(metrics)} --extractor effnet-lite0"
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


def _measure(
    name: str,
    real: ImageSource,
    fake: ImageSource,
    sides: tuple[Extracted, Extracted] | None,
    *,
    images: int,
    real_images: int,
    fake_images: int | None,
    repeats: int,
    seed: int,
    hears: Callable[[int], Hears],
) -> list[Row]:
    metric = METRICS[name]

    def measure(first: int, second: int | None, count: int, draw: int, hear: Hears) -> Any:
        """Reals from `first` on against fakes from `second` on, or against later reals."""
        if metric.of_features is None:
            assert metric.measure is not None
            other = shifted(real, count) if metric.compares else real
            other = other if second is None else shifted(fake, second)
            return metric.measure(shifted(real, first), other, count, draw, hear)
        assert sides is not None
        ours, theirs = sides
        start = count if metric.compares else 0
        against = Side(ours, start, count) if second is None else Side(theirs, second, count)
        ours.hears = theirs.hears = _Share(hear, (2 if metric.compares else 1) * count)
        found = metric.of_features(Side(ours, first, count), against, draw)
        hear(1.0)
        return found

    found: list[Mapping[str, float]] = []
    for repeat in range(repeats):
        start = repeat * images
        if fake_images is not None and start + images > fake_images:
            start = 0
        found.append(measure(0, start, images, seed_of(seed, name, repeat), hears(repeat)))
    count = (
        floor_images(real_images, images) if metric.compares else min(images, real_images // 2 * 2)
    )
    floor = measure(0, None, count, seed_of(seed, name, "floor"), hears(repeats))
    used = "none" if metric.of_features is None or sides is None else sides[0].origin.extractor
    return [
        Row(
            metric=name,
            level=level,
            value=mean,
            spread=_spread([values[level] for values in found]),
            floor=floor[level],
            images=images,
            floor_images=count,
            repeats=repeats,
            extractor=used,
        )
        for level in found[0]
        for mean in [sum(values[level] for values in found) / repeats]
    ]


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
