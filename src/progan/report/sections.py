"""The parts of a run's report, top to bottom. A part without anything to show is None."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from progan.report.curves import curves, spectrum
from progan.report.markup import Html, element, text
from progan.report.page import (
    Section,
    chart_grid,
    command,
    facts,
    folded,
    paragraph,
    scrolling,
    settings,
    table,
)
from progan.report.read import Run
from progan.report.values import Record, number, whole, words
from progan.report.words import (
    count,
    duration,
    level_name,
    measure,
    metric_name,
    plural,
    with_interval,
)

__all__ = [
    "commands_part",
    "curves_part",
    "decisions_part",
    "duplicates_part",
    "environment_part",
    "opening",
    "plan_part",
    "quality_part",
    "settings_part",
    "spectrum_part",
]

_FIRST_DECISIONS = 12
_MOST_DECISIONS = 300_000
"""Characters of decisions on the page; a run of weeks may have more."""
_MOST_TEXT = 60_000
_MOST_ROWS = 300
_KNOWN = frozenset({"images", "kind", "text"})


def opening(run: Run) -> list[Html]:
    """Title, verdict and the numbers to know first."""
    verdict = words(run.review.get("verdict")) or _unmeasured(run)
    stages = run.spans
    at = next((s for s in reversed(stages) if s.start < run.images), None)
    pairs = [("System", run.system)]
    if at is not None or "resolution" in run.review:
        resolution = words(run.review.get("resolution")) or (at.resolution if at else "")
        pairs.append(("Resolution", f"{resolution} px"))
    if run.pictures is not None:
        pairs.append(("Training pictures", count(run.pictures)))
    share = f" of {count(run.planned)}" if not run.finished and run.planned > run.images else ""
    pairs.append(("Images drawn", count(run.images) + share))
    if run.seconds is not None:
        pairs.append(("Training time", duration(run.seconds)))
    best = run.headline
    if best is not None:
        floor = f" (floor {measure(best.floor, best.interval)})" if best.floor is not None else ""
        pairs.append(("SWD, lower is better", with_interval(best.value, best.interval) + floor))
    return [
        paragraph("Training report", "kicker"),
        element("h1", text(run.name)),
        paragraph(verdict, "verdict"),
        facts(pairs, "facts numbers"),
    ]


def _unmeasured(run: Run) -> str:
    if run.finished:
        return "Training ended as planned; its quality has not been measured."
    if not run.images:
        return "Training has not begun yet."
    share = run.images / run.planned if run.planned else 1.0
    where = f", {share:.0%} of the plan" if run.planned > run.images else ""
    return (
        f"Training stopped, or is still going on, at {plural(run.images, 'image')}{where}. "
        "Its quality is measured at the end."
    )


def curves_part(run: Run) -> Section | None:
    """Losses, gradients, speed and quality over images."""
    charts = curves(run)
    if not charts:
        return None
    hint = (
        "Dashed lines are borders between stages, with the resolution above; in the shaded ones "
        "a new resolution fades in. "
        "Where many steps share a place, the line is their mean and the band spans all of them. "
        "Point at a chart, or focus it and use the arrow keys, to read values."
    )
    return Section(
        slug="curves", title="Curves", body=[paragraph(hint, "quiet"), chart_grid(charts)]
    )


def quality_part(run: Run) -> Section | None:
    """Every measured value with interval, n and floor."""
    if not run.measured:
        return None
    rows = [
        (
            " ".join(filter(None, (metric_name(q.metric), level_name(q.level)))),
            with_interval(q.value, q.interval),
            measure(q.floor, q.interval),
            "–" if q.n is None else count(q.n),
            q.note,
        )
        for q in run.measured[:_MOST_ROWS]
    ]
    used = words(run.review.get("weights"))
    weights = f" Measured with the {used} weights." if used else ""
    metrics = {q.metric.lower() for q in run.measured}
    senses = {
        "swd": "SWD is a distance: lower is better.",
        "msssim": "MS-SSIM is the likeness of two pictures of one set: near its real value, the "
        "generated pictures are as varied as the real ones; far above it, they repeat.",
        "swd7": "SWD7 is a distance between the patches of two pictures: lower is better.",
    }
    return Section(
        slug="quality",
        title="Quality",
        body=[
            paragraph(
                "The floor is what the same measure finds between two sets of real pictures of "
                "the same size n: what a perfect generator would score, so read every value "
                "against it." + weights
            ),
            table(
                "Quality",
                ("measure", "generated", "real versus real (floor)", "n", "note"),
                rows,
                numeric=(1, 2, 3),
            ),
            paragraph(" ".join(senses[m] for m in senses if m in metrics), "quiet"),
        ],
    )


def duplicates_part(run: Run) -> Section | None:
    """Pairs of generated pictures that are nearly the same."""
    found = run.review.get("duplicates")
    if not isinstance(found, dict):
        return None
    pairs, n = whole(found.get("pairs")), whole(found.get("n"))
    among = f" among {plural(n, 'generated picture')}" if n is not None else ""
    line = "No near-identical pair" if pairs == 0 else plural(pairs or 0, "near-identical pair")
    if pairs is None:
        line = "The number of near-identical pairs is unknown"
    body = [paragraph(f"{line}{among}.")]
    if words(found.get("note")):
        body.append(paragraph(words(found.get("note")), "quiet"))
    return Section(slug="duplicates", title="Duplicates", body=body)


def spectrum_part(run: Run) -> Section | None:
    """Power over spatial frequency, real beside generated."""
    drawn = spectrum(run)
    if drawn is None:
        return None
    hint = (
        "How much detail there is at each fineness, coarse on the left. A generator that misses "
        "fine detail falls below the real line on the right; a checkerboard shows as a bump."
    )
    return Section(
        slug="spectrum", title="Spectrum", body=[paragraph(hint, "quiet"), chart_grid([drawn])]
    )


def plan_part(run: Run) -> Section | None:
    """What was planned for each stage and what it took."""
    if not run.spans:
        return None
    rows = []
    for span in run.spans:
        length = span.end - span.start
        done = min(max(run.images - span.start, 0), length)
        state = "done" if done >= length else f"{done / length:.0%}" if done else "not reached"
        speed = span.measured / span.seconds if span.seconds else None
        rows.append(
            (
                span.name + (" (fades in)" if span.fade and "fade" not in span.name else ""),
                f"{span.resolution} px" if span.resolution else "–",
                "–" if span.batch is None else count(span.batch),
                count(length),
                "–" if speed is None else measure(speed),
                "–" if span.seconds is None else duration(span.seconds),
                state,
            )
        )
    columns = ("stage", "resolution", "batch", "images", "images/s, measured", "time", "state")
    return Section(
        slug="plan",
        title="Plan",
        body=[table("Plan", columns, rows, numeric=(1, 2, 3, 4, 5))],
    )


def decisions_part(run: Run) -> Section | None:
    """Everything the planner and the engine decided, with reasons."""
    if not run.decisions:
        return None
    items, length = [], 0
    for record in run.decisions:
        item = _decision(record)
        length += len(item)
        if length > _MOST_DECISIONS:
            break
        items.append(item)
    first, rest = items[:_FIRST_DECISIONS], items[_FIRST_DECISIONS:]
    body = [element("ol", *first, class_="decisions")]
    if rest:
        more = element("ol", *rest, class_="decisions", start=_FIRST_DECISIONS + 1)
        body.append(folded(f"{plural(len(rest), 'more decision')}", more))
    left_out = len(run.decisions) - len(items)
    if left_out > 0:
        body.append(
            paragraph(f"{count(left_out)} later ones stand in decisions.jsonl only.", "quiet")
        )
    return Section(slug="decisions", title="Decisions", body=body)


def _decision(record: Record) -> Html:
    more = [f"{key} {words(value)}" for key, value in record.items() if key not in _KNOWN]
    details = (element("small", text(", ".join(more)[:1000])),) if more else ()
    return element(
        "li",
        element("span", text(f"{count(number(record['images']) or 0)} images"), class_="when"),
        element("span", text(words(record.get("kind"))[:100]), class_="kind"),
        element("span", text(words(record.get("text"))), *details),
    )


def settings_part(run: Run) -> Section | None:
    """The recipe as decided, as a table and as the file itself; what became of the pictures."""
    if not run.settings and not run.data_report:
        return None
    body: list[Html] = []
    if run.settings:
        body.append(
            folded(plural(len(run.settings), "setting"), settings(run.settings, "Settings"))
        )
    if run.lock:
        body.append(folded("recipe.lock.yaml", _file("recipe.lock.yaml", run.lock)))
    if run.data_report:
        body.append(folded("data_report.txt", _file("data_report.txt", run.data_report)))
    return Section(slug="settings", title="Settings", body=body)


def _file(name: str, content: str) -> Html:
    cut = "\n… cut here; the file goes on" if len(content) > _MOST_TEXT else ""
    return scrolling(name, element("pre", text(content[:_MOST_TEXT] + cut)))


def environment_part(run: Run) -> Section | None:
    """Versions, machine and command line."""
    if not run.environment:
        return None
    pairs = dict(_flat(run.environment)[:_MOST_ROWS])
    return Section(
        slug="environment",
        title="Environment",
        body=[folded(plural(len(pairs), "entry", "entries"), settings(pairs, "Environment"))],
    )


def _flat(record: Record, before: str = "", depth: int = 0) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, value in record.items():
        place = f"{before}{key}"
        if isinstance(value, Mapping) and depth < 8:
            pairs += _flat(value, f"{place}.", depth + 1)
        elif isinstance(value, list) and all(isinstance(word, str) for word in value):
            pairs.append((place, shlex.join(value) if "command" in place else ", ".join(value)))
        else:
            pairs.append((place, words(value)))
    return pairs


def commands_part(run: Run) -> Section:
    """What to type next."""
    place = shlex.quote(str(run.folder))
    going_on = (
        (f"progan resume {place} --minutes 20", "Train twenty minutes more")
        if run.finished
        else (f"progan resume {place}", "Go on exactly where training stopped")
    )
    if run.review.get("translations"):
        return _translator_commands(run, place, going_on)
    lines = [
        going_on,
        (f"progan sample {place} --seeds 0-35 --grid 6x6", "Make a grid of new pictures"),
        (f"progan sample {place} --walk 0,3,7 --seconds 8 walk.gif", "Make a walk between three"),
        (f"progan evaluate {place}", "Measure again, with more pictures if you like"),
        (f"progan train {shlex.quote(str(run.folder / 'recipe.lock.yaml'))}", "Replay this run"),
    ]
    if not run.images:
        lines = lines[:1]
    return Section(
        slug="next", title="Going on", body=[command(line, purpose) for line, purpose in lines]
    )


def _translator_commands(run: Run, place: str, going_on: tuple[str, str]) -> Section:
    """What to type next, of a run that translates."""
    lines = [
        going_on,
        (f"progan translate {place} FOLDER", "Translate your own pictures, and see them on a page"),
        (f"progan translate {place} FOLDER --direction ba", "The other way, where there is one"),
        (f"progan evaluate {place}", "Measure again, with more pictures if you like"),
        (f"progan train {shlex.quote(str(run.folder / 'recipe.lock.yaml'))}", "Replay this run"),
    ]
    return Section(
        slug="next", title="Going on", body=[command(line, purpose) for line, purpose in lines]
    )
