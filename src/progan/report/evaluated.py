"""Numbers of `progan evaluate`: a table for each extractor, and lines over training.

Numbers of different extractors never share a table or a chart, nor do those measured against
different pictures; a line holds one resolution and one n.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from progan.report.markup import Html, element, text
from progan.report.page import Section, chart, chart_grid, paragraph, table
from progan.report.read import Run
from progan.report.svg import Series
from progan.report.values import Record, number, whole, words
from progan.report.words import count, level_name, measure, with_interval

__all__ = ["Lines", "lines_over_training", "measured_part"]

_MOST_ROWS = 300
_MOST_CHARTS = 24
_OVERALL = ("mean", "average", "")


@dataclass(frozen=True, kw_only=True)
class Lines:
    """A chart of one measure over training."""

    title: str
    series: Sequence[Series]


def measured_part(run: Run) -> Section | None:
    """What was measured after training, with whose features, of how many pictures and how."""
    groups: dict[tuple[str, ...], list[Record]] = {}
    for record in run.evaluated:
        groups.setdefault(_rests_on(record), []).append(record)
    if not groups:
        return None
    body = [
        paragraph(
            "Measured by progan evaluate, with averaged weights where the system has them. Real is "
            "the same measured on real pictures; perfect is what pictures as good as the real "
            "ones give on average at this n, by theory. An interval tells what is drawn anew, and "
            "knows nothing of a bias. Numbers of different extractors cannot be compared."
        )
    ]
    for key, records in groups.items():
        body += _group(key, records)
    return Section(slug="evaluated", title="Measured again", body=body, short="Measured")


def _rests_on(record: Record) -> tuple[str, ...]:
    """Extractor, weights, resize, and the pictures measured against."""
    return tuple(words(record.get(name)) for name in ("extractor", "weights", "resize", "against"))


def _group(key: tuple[str, ...], records: Sequence[Record]) -> list[Html]:
    extractor, weights, resize, against = key
    name = "Pixels" if extractor in ("none", "") else f"Features of {extractor}"
    name += f", against {against}" if against else ""
    about = f"Weights {weights[:12]}, {resize}." if weights else "No extractor."
    rows = [_cells(record) for record in sorted(records, key=_place)[:_MOST_ROWS]]
    columns = (
        *("measure", "at images", "px", "value", "95 %", "real", "perfect", "n", "n real"),
        *("repeats", "seed"),
    )
    body = [
        element("h3", text(name)),
        paragraph(about, "quiet"),
        table(name, columns, rows, numeric=range(1, len(columns))),
    ]
    told = dict.fromkeys(
        f"{words(r.get('title'))}: {_how(r)} Bias: {words(r.get('bias')) or 'not known'}."
        for r in records
    )
    body += [paragraph(line, "quiet") for line in list(told)[:_MOST_CHARTS]]
    drawn = [
        chart(lines.title, lines.series, x_label="images", y_label=lines.title)
        for lines in lines_over_training(records)
    ]
    return [*body, chart_grid(drawn)] if drawn else body


def _how(record: Record) -> str:
    how = words(record.get("interval"))
    return f"95 % over {how}." if how else "No interval."


def _place(record: Record) -> tuple[str, str, float]:
    return (
        words(record.get("metric")),
        words(record.get("level")),
        number(record.get("images")) or 0.0,
    )


def _cells(record: Record) -> list[str]:
    values = {
        name: number(record.get(name))
        for name in ("value", "spread", "low", "high", "real", "perfect")
    }
    low, high = values["low"], values["high"]
    reach = (high - low) / 2 if low is not None and high is not None else None
    finest = values["spread"] or reach
    level = words(record.get("level"))
    return [
        " ".join(filter(None, (words(record.get("title")), level_name(level)))),
        *(_count(record, name) for name in ("images", "resolution")),
        with_interval(values["value"], values["spread"]),
        "–" if reach is None else f"{measure(low, finest)} … {measure(high, finest)}",
        measure(values["real"], finest),
        measure(values["perfect"], finest),
        *(_count(record, name) for name in ("n", "n_real", "repeats", "seed")),
    ]


def _count(record: Record, name: str) -> str:
    found = whole(record.get(name))
    return "–" if found is None else count(found)


def lines_over_training(records: Sequence[Record]) -> list[Lines]:
    """A chart for each measure that was taken at two moments or more, of records of one group.

    A measure of several levels shows its mean, or has a chart for each where there is none.
    """
    levels: dict[str, set[str]] = {}
    for record in records:
        levels.setdefault(words(record.get("title")), set()).add(words(record.get("level")))
    found: dict[tuple[str, str], dict[str, dict[float, float]]] = {}
    for record in records:
        title, level = words(record.get("title")), words(record.get("level"))
        at = number(record.get("images"))
        if at is None or (level not in _OVERALL and levels[title] & set(_OVERALL)):
            continue
        who = words(record.get("who"))
        name = f"{_count(record, 'resolution')} px, n = {_count(record, 'n')}"
        name = f"{who}, {name}" if who else name
        lines = found.setdefault((title, level), {})
        for line, key in ((name, "value"), (f"{name}: real", "real")):
            value = number(record.get(key))
            if value is not None:
                lines.setdefault(line, {})[at] = value
    charts = []
    for (title, level), lines in found.items():
        if len({at for line in lines.values() for at in line}) < 2:
            continue
        series = [Series(name=name, points=sorted(line.items())) for name, line in lines.items()]
        shown = f"{title} {level}" if level not in _OVERALL else title
        charts.append(Lines(title=shown, series=series))
    return charts[:_MOST_CHARTS]
