"""Several runs on one page: pictures side by side, curves on the same axes, what differs."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from progan.core.errors import ConfigError
from progan.report.curves import clock, quality_points
from progan.report.markup import Html, element, text
from progan.report.page import (
    Section,
    chart,
    chart_grid,
    command,
    document,
    folded,
    paragraph,
    picture,
    put,
    table,
)
from progan.report.pictures import Album
from progan.report.read import Quality, Run, read_run
from progan.report.svg import Point, Series
from progan.report.values import words
from progan.report.words import count, duration, level_name, measure, metric_name, with_interval

__all__ = ["compare", "differences"]

_ROOM = 4_500_000
_UNSET = "–"


def compare(runs: Sequence[Path], to: Path) -> Path:
    """Write a page that compares `runs` to the file `to` and give its path.

    Samples stand side by side; SWD is drawn over images and over seconds of training, since a
    larger network may win one and lose the other. Into a folder it goes as `comparison.html`.

    Raises: ConfigError for fewer than two runs or a folder that holds none, RoomError when the
    page cannot be written.
    """
    if len(runs) < 2:
        raise ConfigError(
            f"A comparison needs at least two runs; {len(runs)} came. "
            "Type: progan report runs/A runs/B"
        )
    found = [read_run(path) for path in runs]
    named = list(zip(_names(found), found, strict=True))
    problems: list[str] = []
    parts = [
        _samples(named, problems),
        _quality(named),
        _curves(named),
        _settings(named),
        _effort(named),
        _next(named),
    ]
    head = [
        paragraph("Comparison", "kicker"),
        element("h1", text(" and ".join(_some([name for name, _ in named])))),
        paragraph(_verdict(named), "verdict"),
    ]
    problems += [f"{name}: {problem}" for name, run in named for problem in run.problems]
    if problems:
        items = element("ul", *(element("li", text(problem)) for problem in problems[:100]))
        things = "1 thing is" if len(problems) == 1 else f"{len(problems)} things are"
        notice = folded(f"{things} missing from this comparison", items)
        head.append(element("aside", notice, class_="notice"))
    page = document(
        f"Comparison of {len(named)} runs", head, [part for part in parts if part is not None]
    )
    return put(page, to / "comparison.html" if to.is_dir() else to)


def _names(runs: Sequence[Run]) -> list[str]:
    """Folder names, or whole paths where two folders are named alike."""
    twice = Counter(run.name for run in runs)
    return [run.name if twice[run.name] == 1 else str(run.folder) for run in runs]


def _some(names: Sequence[str]) -> list[str]:
    return list(names) if len(names) <= 3 else [", ".join(names[:2]), f"{len(names) - 2} more"]


Named = Sequence[tuple[str, Run]]


def _verdict(named: Named) -> str:
    """Who has the lowest SWD, and whether intervals leave room for doubt."""
    scored = sorted(
        (
            (best.value, best.interval, name)
            for name, run in named
            if (best := run.headline) is not None and best.value is not None
        ),
        key=lambda entry: entry[0],
    )
    if len(scored) < 2:
        return "Fewer than two of these runs have been measured at their end."
    (first, first_off, winner), (second, second_off, _) = scored[:2]
    sizes = {run.review.get("resolution") for _, run in named if run.headline is not None}
    if len(sizes) > 1:
        return "These runs end at different resolutions, so their SWD cannot be ranked."
    if first_off is None or second_off is None:
        return (
            f"{winner} has the lowest SWD, {measure(first)} against {measure(second)} of the next."
        )
    if first + first_off < second - second_off:
        return (
            f"{winner} has the lowest SWD, {with_interval(first, first_off)} against "
            f"{with_interval(second, second_off)} of the next; the intervals do not meet."
        )
    return (
        f"{winner} has the lowest SWD, {with_interval(first, first_off)} against "
        f"{with_interval(second, second_off)} of the next, but the intervals meet: no clear winner."
    )


def _samples(named: Named, problems: list[str]) -> Section | None:
    figures = []
    for name, run in named:
        album = Album(run.folder)
        place = run.review.get("samples")
        shown = album.still(f"review/{place}", _ROOM // len(named)) if place else None
        if shown is None and run.snapshots:
            latest = run.snapshots[-1].path.relative_to(run.folder)
            shown = album.still(latest, _ROOM // len(named))
        problems += [f"{name}: {problem}" for problem in album.problems]
        if shown is not None:
            caption = Html(
                element("strong", text(name)) + text(f" {run.system}, {count(run.images)} images")
            )
            figures.append(picture(shown, f"Generated pictures of {name}", caption))
    if not figures:
        return None
    grid = element("div", *figures, class_="sample-grid")
    return Section(slug="pictures", title="Pictures", body=[grid])


def _quality(named: Named) -> Section | None:
    keys = dict.fromkeys((q.metric, q.level) for _, run in named for q in run.measured)
    if not keys:
        return None
    rows = []
    for metric, level in keys:
        found = [
            next((q for q in run.measured if (q.metric, q.level) == (metric, level)), None)
            for _, run in named
        ]
        title = " ".join(filter(None, (metric_name(metric), level_name(level))))
        rows.append((title, *map(_cell, found)))
    columns = ("measure", *(name for name, _ in named))
    hint = (
        "Value ± interval, with the number of pictures n and the floor: what the same measure "
        "finds between two sets of real pictures of that size. Compare values of equal n only."
    )
    return Section(
        slug="quality",
        title="Quality",
        body=[paragraph(hint, "quiet"), table("Quality", columns, rows)],
    )


def _cell(found: Quality | None) -> str:
    if found is None:
        return _UNSET
    extra = []
    if found.floor is not None:
        extra.append(f"floor {measure(found.floor, found.interval)}")
    if found.n is not None:
        extra.append(f"n {count(found.n)}")
    shown = with_interval(found.value, found.interval)
    return f"{shown} ({', '.join(extra)})" if extra else shown


def _curves(named: Named) -> Section | None:
    over_images, over_seconds = [], []
    for name, run in named:
        points = quality_points(run, "swd")
        at = clock(run)
        timed: list[Point] = []
        for images, value in points:
            seconds = at(images)
            if seconds is not None:
                timed.append((seconds, value))
        over_images.append(Series(name=name, points=points))
        over_seconds.append(Series(name=name, points=timed))
    if not any(series.points for series in over_images):
        return None
    longest = max([seconds for series in over_seconds for seconds, _ in series.points], default=0)
    length, unit = (60, "minutes") if longest > 300 else (1, "seconds")
    over_seconds = [
        Series(name=s.name, points=[(seconds / length, swd) for seconds, swd in s.points])
        for s in over_seconds
    ]
    charts = [
        chart("SWD over images", over_images, x_label="images", y_label="SWD", from_zero=True),
        chart(
            "SWD over training time",
            over_seconds,
            x_label=f"{unit} of training",
            y_label="SWD",
            from_zero=True,
        ),
    ]
    hint = (
        "SWD as measured during training, over all levels there are at that moment: lower is "
        "better, and it may rise where a new resolution begins."
    )
    return Section(
        slug="curves", title="Curves", body=[paragraph(hint, "quiet"), chart_grid(charts)]
    )


def _settings(named: Named) -> Section:
    rows = differences([run.settings for _, run in named])
    title = "What differs"
    if not rows:
        same = paragraph("Their recipes say the same.")
        return Section(slug="settings", title=title, body=[same])
    columns = ("setting", *(name for name, _ in named))
    return Section(
        slug="settings", title=title, body=[table("Settings that differ", columns, rows)]
    )


def differences(settings: Sequence[Mapping[str, str]]) -> list[tuple[str, ...]]:
    """Rows (place, value in each) of every setting that is not the same everywhere."""
    places = dict.fromkeys(place for one in settings for place in one)
    rows = [(place, *(one.get(place, _UNSET) for one in settings)) for place in places]
    return [row for row in rows if len(set(row[1:])) > 1]


def _effort(named: Named) -> Section:
    rows = []
    for name, run in named:
        time = duration(run.seconds) if run.seconds is not None else _UNSET
        speed = run.images / run.seconds if run.seconds else None
        rows.append(
            (
                name,
                run.system,
                count(run.images),
                time,
                _UNSET if speed is None else measure(speed),
                "finished" if run.finished else "not finished",
                words(run.environment.get("device")) or _UNSET,
            )
        )
    columns = ("run", "system", "images", "training time", "images/s", "state", "device")
    return Section(
        slug="effort",
        title="Effort",
        body=[table("Effort", columns, rows, numeric=(2, 3, 4))],
    )


def _next(named: Named) -> Section:
    lines = [
        command(f"progan report {shlex.quote(str(run.folder))}", f"The whole report of {name}")
        for name, run in named[:20]
    ]
    return Section(slug="next", title="Going on", body=lines)
