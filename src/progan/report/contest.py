"""The page of a comparison: what was asked, what the numbers say, pictures side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from progan.core.comparison import Comparison, Entry
from progan.report.compare import differences
from progan.report.markup import Html, element, text
from progan.report.page import Section, command, document, paragraph, picture, put, table
from progan.report.pictures import Album, Picture
from progan.report.read import Run, read_run
from progan.report.words import count, duration, level_name

__all__ = ["CLASSES", "REAL_CLASSES", "Answer", "Cell", "Line", "write_page"]

CLASSES, REAL_CLASSES = "review/classes.png", "review/real_classes.png"
"""Sheets of a run with a row for each class, generated and real."""
ROOM = 4_500_000
"""Bytes of all pictures together."""
CLOSER = 0.375
"""Share of a side of the grid that is shown larger: three of its eight pictures."""
Runs: TypeAlias = Mapping[Path, Run]
OUTCOMES = {"holds": "It holds", "refuted": "It does not hold: the reverse does", "open": "Open"}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One contestant's values of a metric."""

    values: tuple[float, ...]
    """One for each seed."""
    mean: float
    spread: float
    """Standard deviation over seeds; NaN of a single one."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One metric at one level."""

    title: str
    level: str
    digits: int
    real: float
    """The same measured on real pictures; NaN where they have no such value."""
    images: int
    extractor: str
    cells: Mapping[str, Cell]
    said: str
    """What may be said of the differences; empty where lower is not better."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What became of a question."""

    words: str
    outcome: str
    """holds, refuted or open."""
    because: str


def write_page(
    comparison: Comparison,
    entries: Sequence[Entry],
    lines: Sequence[Line],
    answers: Sequence[Answer],
    to: Path,
    command_line: str,
) -> Path:
    """Write the page into the file `to`; give its path.

    Raises: RoomError when it cannot be written.
    """
    runs = {one.run: read_run(one.run) for one in entries if not one.failed}
    names = list(comparison.contestants)
    sections = [
        _questions(answers),
        _pictures(names, entries, runs),
        _classes(names, entries, runs),
        _numbers(names, lines),
        _effort(entries, runs),
        _settings(names, entries, runs),
        _failures(entries),
        Section(
            slug="again",
            title="Again",
            body=[command(command_line, "Go on, or make this page again")],
        ),
    ]
    head = [
        paragraph("Comparison", "kicker"),
        element("h1", text(comparison.title)),
        paragraph(_verdict(lines), "verdict"),
    ]
    shown = [section for section in sections if section is not None]
    return put(document(comparison.title, head, shown), to)


def _verdict(lines: Sequence[Line]) -> str:
    said = [
        f"{_name(line)}: {line.said}." for line in lines if line.said and line.level in ("mean", "")
    ]
    return " ".join(said) or "No metric that ranks was measured."


def _name(line: Line) -> str:
    level = "" if line.level in ("mean", "") else f", {level_name(line.level)}"
    return f"{line.title}{level}"


def _questions(answers: Sequence[Answer]) -> Section | None:
    if not answers:
        return None
    rows = [[one.words, OUTCOMES[one.outcome], one.because] for one in answers]
    hint = (
        "A claim holds where the 95 % interval of the difference, over trainings with different "
        "seeds (Welch), leaves out zero; it is open where the interval does not."
    )
    return Section(
        slug="questions",
        title="What was asked",
        body=[paragraph(hint, "quiet"), table("Questions", ("claim", "outcome", "why"), rows)],
    )


def _pictures(names: Sequence[str], entries: Sequence[Entry], runs: Runs) -> Section | None:
    """The first seed's pictures of each, none chosen by hand; then the first of them, larger."""
    there = _firsts(names, entries)
    whole: list[Html] = []
    closer: list[Html] = []
    for one in there:
        run, words = runs[one.run], f" seed {one.seed}, {count(runs[one.run].images)} images"
        caption = Html(element("strong", text(one.contestant)) + text(words))
        label = f"Generated pictures of {one.contestant}"
        for shown, figures in zip(_views(run, "samples", len(there)), (whole, closer), strict=True):
            if shown is not None:
                figures.append(picture(shown, label, caption))
    for run in [runs[one.run] for one in there[:1]]:
        caption = element("strong", text("Real pictures"))
        for shown, figures in zip(_views(run, "real", len(there)), (whole, closer), strict=True):
            if shown is not None:
                figures.append(picture(shown, "Real pictures", caption))
    if not whole:
        return None
    hint = "The first pictures of each contestant's first seed; none was chosen by hand."
    return Section(
        slug="pictures",
        title="Pictures",
        body=[
            paragraph(hint, "quiet"),
            element("div", *whole, class_="sample-grid"),
            element("h3", text("A closer look at the first of them")),
            element("div", *closer, class_="sample-grid"),
        ],
    )


def _firsts(names: Sequence[str], entries: Sequence[Entry]) -> list[Entry]:
    """The first training of each contestant that has one."""
    found = {one.contestant: one for one in reversed(entries) if not one.failed}
    return [found[name] for name in names if name in found]


def _classes(names: Sequence[str], entries: Sequence[Entry], runs: Runs) -> Section | None:
    """A row for each class, of each contestant's first seed and of real pictures."""
    there = [one for one in _firsts(names, entries) if one.classes]
    if not there:
        return None
    room = ROOM // (3 * (len(there) + 1))
    shown: list[tuple[Entry, str, Html]] = [
        *((one, CLASSES, element("strong", text(one.contestant))) for one in there),
        (there[0], REAL_CLASSES, element("strong", text("Real pictures"))),
    ]
    figures = [
        picture(found, f"By class: {one.contestant}", caption)
        for one, place, caption in shown
        if (found := Album(runs[one.run].folder).still(place, room)) is not None
    ]
    hint = (
        f"Rows, from the top: {', '.join(there[0].classes)}. A generator that is told classes "
        "draws them; the first pictures of one that is not are sorted into rows by the classifier "
        "whose features are measured."
    )
    return Section(
        slug="classes",
        title="By class",
        body=[paragraph(hint, "quiet"), element("div", *figures, class_="sample-grid")],
    )


def _views(run: Run, kind: str, contestants: int) -> tuple[Picture | None, Picture | None]:
    """A grid of the review as a whole, and its corner."""
    place = run.review.get(kind)
    if not place:
        return None, None
    album, room = Album(run.folder), ROOM // (3 * (contestants + 1))
    return album.still(f"review/{place}", room), album.corner(f"review/{place}", CLOSER, room)


def _numbers(names: Sequence[str], lines: Sequence[Line]) -> Section:
    rows = []
    for line in lines:
        cells = [_cell(line.cells.get(name), line.digits) for name in names]
        real = "–" if math.isnan(line.real) else f"{line.real:.{line.digits}f}"
        extractor = "" if line.extractor == "none" else line.extractor
        rows.append([_name(line), *cells, real, count(line.images), extractor, line.said])
    columns = ("measure", *names, "real", "n", "extractor", "at 95 %")
    hint = (
        "Mean ± standard deviation over seeds, and each seed's value; beside them the same "
        "measured on real pictures. What is said last is true of the means with 95 % confidence."
    )
    return Section(
        slug="numbers",
        title="Numbers",
        body=[paragraph(hint, "quiet"), table("Numbers", columns, rows)],
    )


def _cell(cell: Cell | None, digits: int) -> str:
    if cell is None:
        return "–"
    each = " · ".join(f"{value:.{digits}f}" for value in cell.values)
    if math.isnan(cell.spread):
        return each
    return f"{cell.mean:.{digits}f} ± {cell.spread:.{digits}f} ({each})"


def _effort(entries: Sequence[Entry], runs: Runs) -> Section:
    rows = []
    for one in entries:
        run = runs.get(one.run)
        rows.append(
            [
                one.contestant,
                str(one.seed),
                "–" if run is None else count(run.images),
                "–" if run is None or run.seconds is None else duration(run.seconds),
                *(
                    count(one.weights[part]) if part in one.weights else "–"
                    for part in ("generator", "all")
                ),
                str(one.run),
            ]
        )
    columns = (
        *("contestant", "seed", "images", "training time"),
        *("weights: generator", "all", "run"),
    )
    return Section(
        slug="effort",
        title="Effort",
        body=[table("Effort", columns, rows, numeric=(1, 2, 3, 4, 5))],
    )


def _settings(names: Sequence[str], entries: Sequence[Entry], runs: Runs) -> Section | None:
    firsts = {one.contestant: runs[one.run] for one in reversed(entries) if one.run in runs}
    there = [name for name in names if name in firsts]
    rows = differences([firsts[name].settings for name in there])
    if len(there) < 2 or not rows:
        return None
    return Section(
        slug="settings",
        title="What differs",
        body=[table("Settings that differ", ("setting", *there), rows)],
    )


def _failures(entries: Sequence[Entry]) -> Section | None:
    rows = [[one.contestant, str(one.seed), one.failed] for one in entries if one.failed]
    if not rows:
        return None
    return Section(
        slug="failures",
        title="What failed",
        body=[table("Failures", ("contestant", "seed", "why"), rows)],
    )
