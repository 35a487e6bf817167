"""What the numbers of a comparison allow to be said, and nothing beyond."""

from __future__ import annotations

import math
from collections.abc import Sequence

from progan.core.comparison import Comparison, Entry, Question
from progan.metrics.contrast import Contrast, contrast, mean_of, spread_of
from progan.metrics.known import METRICS, title_of
from progan.report.contest import Answer, Cell, Line

__all__ = ["answers_of", "lines_of"]


def lines_of(comparison: Comparison, entries: Sequence[Entry]) -> list[Line]:
    """A line for each metric and level: every contestant's values, and who is told apart."""
    keys = dict.fromkeys((row["metric"], row["level"]) for one in entries for row in one.rows)
    return [_line(comparison, entries, metric, level) for metric, level in keys]


def _line(comparison: Comparison, entries: Sequence[Entry], metric: str, level: str) -> Line:
    known = METRICS.get(metric)
    values = {name: _values(entries, name, metric, level) for name in comparison.contestants}
    row = next(
        row
        for one in entries
        for row in one.rows
        if (row["metric"], row["level"]) == (metric, level)
    )
    cells = {
        name: Cell(values=tuple(found), mean=mean_of(found), spread=spread_of(found))
        for name, found in values.items()
        if found
    }
    return Line(
        title=title_of(metric, row["extractor"]) if known else metric,
        level=level,
        digits=known.digits if known else 4,
        real=math.nan if row["floor"] is None else float(row["floor"]),
        images=int(row["images"]),
        extractor=str(row["extractor"]),
        cells=cells,
        said=_said(values, known.better) if known and known.better != "real" else "",
    )


def _said(values: dict[str, list[float]], better: str) -> str:
    """Who is best, and whom it is told apart from: sure at 95 % against each."""
    there = {name: found for name, found in values.items() if found}
    if len(there) < 2:
        return ""
    sign = 1 if better == "lower" else -1
    best = min(there, key=lambda name: sign * mean_of(there[name]))
    behind = [
        name
        for name, found in there.items()
        if name != best and contrast(there[best], found).verdict == better
    ]
    if not behind:
        return "no difference is sure"
    if len(behind) == len(there) - 1:
        return f"{best} is {'lowest' if better == 'lower' else 'highest'}"
    return f"{best} is {better} than {', '.join(behind)}"


def answers_of(comparison: Comparison, entries: Sequence[Entry]) -> list[Answer]:
    """An answer to every question of the comparison, from its numbers alone."""
    return [_answer(question, entries) for question in comparison.questions]


def _answer(question: Question, entries: Sequence[Entry]) -> Answer:
    level = _level(question, entries)
    first = _values(entries, question.lower, question.metric, level)
    second = _values(entries, question.than, question.metric, level)
    if not first or not second:
        return Answer(words=question.words, outcome="open", because="It was not measured.")
    found = contrast(first, second)
    outcome = {"lower": "holds", "higher": "refuted", "open": "open"}[found.verdict]
    known = METRICS.get(question.metric)
    title, digits = (known.title, known.digits) if known else (question.metric, 4)
    place = f" at level {level}" if level not in ("", "mean") else ""
    because = (
        f"{title}{place}: {question.lower} {mean_of(first):.{digits}f}, {question.than} "
        f"{mean_of(second):.{digits}f}; difference {_interval(found, digits)} "
        f"({len(first)} and {len(second)} trainings)."
    )
    return Answer(words=question.words, outcome=outcome, because=because)


def _interval(found: Contrast, digits: int) -> str:
    if math.isinf(found.half):
        return f"{found.difference:+.{digits}f}, without an interval: one training on a side"
    low, high = found.difference - found.half, found.difference + found.half
    return f"{found.difference:+.{digits}f}, 95 %: {low:+.{digits}f} to {high:+.{digits}f}"


def _level(question: Question, entries: Sequence[Entry]) -> str:
    """The level asked for; without one, the mean over levels or the single value."""
    if question.level is not None:
        return question.level
    levels = {
        row["level"] for one in entries for row in one.rows if row["metric"] == question.metric
    }
    return "mean" if "mean" in levels else ""


def _values(entries: Sequence[Entry], contestant: str, metric: str, level: str) -> list[float]:
    return [
        float(row["value"])
        for one in entries
        if one.contestant == contestant
        for row in one.rows
        if (row["metric"], row["level"]) == (metric, level)
    ]
