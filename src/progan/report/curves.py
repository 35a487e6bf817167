"""The charts of a run: which numbers of its files become which lines."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import groupby

from progan.report.markup import Html
from progan.report.page import chart
from progan.report.read import Run
from progan.report.stages import Span
from progan.report.svg import Point, Series, Shade
from progan.report.values import Record, number, words
from progan.report.words import level_name, metric_name

__all__ = ["clock", "curves", "quality_points", "shades", "spectrum"]

_LINES = 6
_MOST_TERMS = 60
_LETTER = 0.024
"""Width of a letter of a chart, of its plotting area, on a narrow screen."""
_OVERALL = ("average", "mean", "all", "")


def shades(spans: Sequence[Span], images: int) -> list[Shade]:
    """Stages as stretches of the axis, each resolution named once where there is room."""
    found = []
    for resolution, group in groupby(spans, key=lambda span: span.resolution):
        stages = list(group)
        share = (min(stages[-1].end, images) - stages[0].start) / max(images, 1)
        label = f"{resolution} px"
        if share < (len(label) + 1) * _LETTER:
            label = resolution if share >= (len(resolution) + 1) * _LETTER else ""
        for index, span in enumerate(stages):
            found.append(
                Shade(
                    start=span.start,
                    end=min(span.end, images),
                    label="" if index else label,
                    fade=span.fade,
                )
            )
    return found


def curves(run: Run) -> list[Html]:
    """Losses of each player, gradient norms, speed, and quality during training."""
    stages = shades(run.spans, run.images)
    found = []
    terms = _terms(run.metrics)
    for player in dict.fromkeys(key.split("/")[0] for key in terms):
        names = [k for k in terms if k.startswith(f"{player}/") and not _is_gradient(k)]
        parts = [names[at : at + _LINES] for at in range(0, len(names), _LINES)]
        for index, part in enumerate(parts, 1):
            title = f"Loss of the {player}" + (f", part {index}" if len(parts) > 1 else "")
            lines = [Series(name=k.partition("/")[2], points=terms[k]) for k in part]
            found.append(
                chart(title, lines, x_label="images", y_label="weighted term", shades=stages)
            )
    norms = [
        Series(name=key.split("/")[0], points=terms[key]) for key in terms if _is_gradient(key)
    ]
    if norms:
        found.append(
            chart(
                "Gradient norms",
                norms,
                x_label="images",
                y_label="norm before the step",
                shades=stages,
                from_zero=True,
            )
        )
    speed = _column(run.timing, "images_per_second")
    if speed:
        found.append(
            chart(
                "Speed",
                [Series(name="images/s", points=speed)],
                x_label="images",
                y_label="images per second",
                shades=stages,
                from_zero=True,
            )
        )
    metrics = {words(record.get("metric")) for record in run.quality}
    for metric in sorted(metrics, key=lambda metric: (metric != "swd", metric))[:_LINES]:
        lines = [
            Series(name=level_name(level) or "overall", points=quality_points(run, metric, level))
            for level in _levels(run, metric)[: _LINES + 2]
        ]
        title = f"{metric_name(metric)} during training"
        note = "Lower is better." if metric == "swd" else ""
        found.append(
            chart(
                title,
                lines,
                x_label="images",
                y_label=metric_name(metric),
                shades=stages,
                from_zero=True,
                note=note,
            )
        )
    return found


def _is_gradient(key: str) -> bool:
    return key.endswith("/gradient_norm")


def _terms(metrics: Sequence[Record]) -> dict[str, list[Point]]:
    """Every "player/term" of the metrics over images."""
    found: dict[str, list[Point]] = {}
    for record in metrics:
        for key, value in record.items():
            if "/" in key:
                height = number(value)
                points = found.setdefault(key, [])
                if height is not None:
                    points.append((float(record["images"]), height))
    return dict([(key, points) for key, points in found.items() if points][:_MOST_TERMS])


def _column(records: Sequence[Record], key: str) -> list[Point]:
    values = ((float(record["images"]), number(record.get(key))) for record in records)
    return [(images, value) for images, value in values if value is not None]


def _levels(run: Run, metric: str) -> list[str]:
    """Levels of a metric: overall first, then from the smallest."""
    levels = {words(r.get("level")) for r in run.quality if words(r.get("metric")) == metric}
    return sorted(
        levels,
        key=lambda level: (
            level.lower() not in _OVERALL,
            int(level) if level.isdigit() and len(level) < 9 else 0,
            level,
        ),
    )


def quality_points(run: Run, metric: str, level: str | None = None) -> list[Point]:
    """A metric over images at one level; without a level overall, or the mean of the levels."""
    rows = [r for r in run.quality if words(r.get("metric")) == metric]
    if level is None:
        overall = [r for r in rows if words(r.get("level")).lower() in _OVERALL]
        means = []
        for images, group in groupby(overall or rows, key=lambda r: float(r["images"])):
            values = [v for v in (number(r.get("value")) for r in group) if v is not None]
            if values:
                means.append((images, sum(values) / len(values)))
        return means
    return _column([r for r in rows if words(r.get("level")) == level], "value")


def clock(run: Run) -> Callable[[float], float | None]:
    """A function from images to seconds of training, straight between two lines of timing."""
    known = [(0.0, 0.0), *_column(run.timing, "seconds")]
    marks = [images for images, _ in known]

    def seconds(images: float) -> float | None:
        at = bisect_left(marks, images)
        if at == len(known):
            return None
        end = known[at][1]
        before, start = known[max(at - 1, 0)]
        if marks[at] == before:
            return end
        return start + (images - before) / (marks[at] - before) * (end - start)

    return seconds


def spectrum(run: Run) -> Html | None:
    """Radial power of real and generated pictures, on a logarithmic scale if it is wide."""
    found = run.review.get("spectrum")
    if not isinstance(found, dict):
        return None
    lists = {key: found.get(key) for key in ("frequency", "real", "generated")}
    columns = {
        key: [number(value) for value in values] if isinstance(values, list) else []
        for key, values in lists.items()
    }
    heights = [v for key in ("real", "generated") for v in columns[key] if v is not None]
    if not heights or not columns["frequency"]:
        return None
    wide = min(heights) > 0 and max(heights) / min(heights) > 100
    series = [
        Series(
            name=key,
            points=[
                (x, math.log10(y) if wide else y)
                for x, y in zip(columns["frequency"], columns[key], strict=False)
                if x is not None and y is not None
            ],
        )
        for key in ("real", "generated")
    ]
    largest = max(x for x in columns["frequency"] if x is not None)
    unit = "cycles per picture" if largest > 1 else "cycles per pixel"
    return chart(
        "Radial power spectrum",
        series,
        x_label=f"frequency ({unit})",
        y_label="power (log₁₀)" if wide else "power",
    )
