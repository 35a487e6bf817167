"""The stages of a run: as planned in its locked recipe, or as its metrics tell them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from progan.report.values import Record, number, words

__all__ = ["Span", "spans_of"]


@dataclass(frozen=True, kw_only=True)
class Span:
    """A stage as far as it was played, and as it was planned."""

    name: str
    start: int
    """Images drawn before it."""
    end: int
    """Images drawn after it, as planned where there is a plan."""
    resolution: str
    batch: int | None = None
    fade: bool = False
    seconds: float | None = None
    """Measured training time, and the images drawn in it."""
    measured: int = 0


def _planned(places: Mapping[str, str]) -> Iterator[Span]:
    """The stages of the locked plan, up to the first one that cannot be read."""
    start = 0
    for index in range(1000):
        stage = {
            key: places.get(f"plan.{index}.{key}", "")
            for key in ("name", "images", "resolution", "batch", "fade")
        }
        images = stage["images"].replace("_", "")
        if not re.fullmatch(r"\d{1,15}", images):
            return
        batch = stage["batch"]
        size = stage["resolution"].strip("[]").replace(", ", " × ")
        if not size:
            sides = [places.get(f"plan.{index}.resolution.{side}", "") for side in (0, 1)]
            size = " × ".join(side for side in sides if side)
        yield Span(
            name=stage["name"] or str(index),
            start=start,
            end=start + int(images),
            resolution=size,
            batch=int(batch) if re.fullmatch(r"\d{1,9}", batch) else None,
            fade=stage["fade"].lower() == "true",
        )
        start += int(images)


def _played(metrics: Sequence[Record]) -> Iterator[Span]:
    """Stages as the metrics tell them, for a run without a locked plan."""
    start = 0
    for name, group in groupby(metrics, key=lambda record: words(record.get("stage"))):
        records = list(group)
        end = int(records[-1]["images"])
        alphas = [number(record.get("alpha")) for record in records]
        yield Span(
            name=name,
            start=start,
            end=end,
            resolution=words(records[-1].get("resolution")),
            fade=any(alpha is not None and alpha < 1 for alpha in alphas),
        )
        start = end


def spans_of(
    places: Mapping[str, str], metrics: Sequence[Record], timing: Sequence[Record]
) -> tuple[Span, ...]:
    """The stages in order, from the plan in `places` if there is one, otherwise as played."""
    clock: dict[str, tuple[int, float]] = {}
    images, seconds = 0, 0.0
    for record in timing:
        now = number(record.get("seconds"))
        if now is None:
            continue
        name = words(record.get("stage"))
        drawn, spent = clock.get(name, (0, 0.0))
        clock[name] = drawn + int(record["images"]) - images, spent + max(now - seconds, 0.0)
        images, seconds = int(record["images"]), now
    spans = list(_planned(places)) or list(_played(metrics))
    return tuple(
        replace(span, measured=clock[span.name][0], seconds=clock[span.name][1])
        if span.name in clock
        else span
        for span in spans
    )
