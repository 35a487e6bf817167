"""The page of a watched training: one static file that needs no network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from progan.lab.canvas import Frame
from progan.lab.caption import numbers
from progan.lab.charts import charts
from progan.lab.lesson import Lesson
from progan.lab.numbers import MEASURES, final_numbers, perfect_numbers, rotating
from progan.lab.parts import again_part, film_part, look_part, steps_part, value_in_words
from progan.lab.watch import Moment, Record
from progan.report.markup import Html, element, text
from progan.report.page import (
    Section,
    chart_grid,
    document,
    facts,
    paragraph,
    put,
    scrolling,
    table,
)
from progan.report.words import count, measure, plural

__all__ = ["write_page"]


def write_page(
    record: Record,
    lesson: Lesson,
    film: Path,
    pictures: Sequence[Frame],
    path: Path,
    *,
    command_line: str,
) -> Path:
    """Write the page of `record` to `path` and give it.

    `film` is an animated WebP or GIF, which the page will hold, and `pictures` are its frames, one
    for each moment; `command_line` is what makes the same page again.

    Raises: RoomError when the page cannot be written.
    """
    page = document(
        f"{lesson.title} on {record.world.name}",
        _head(record, lesson),
        [
            film_part(film, pictures),
            *look_part(lesson.look),
            steps_part(pictures, [_said(moment) for moment in record.moments]),
            Section(slug="curves", title="Curves", body=[chart_grid(charts(record, lesson))]),
            _numbers_part(record),
            again_part(record.world.summary, command_line),
        ],
        [paragraph("Made by progan lab. This page needs no network.")],
    )
    return put(page, path)


def _head(record: Record, lesson: Lesson) -> list[Html]:
    final = final_numbers(record)
    shown = [
        (MEASURES[name].name, value_in_words(name, final[name]))
        for name in ("modes", "high_quality", "reverse_kl", "mean", "deviation", "wasserstein")
        if name in final
    ]
    steps = count(record.moments[-1].step)
    formula = element("pre", text("\n".join(lesson.formula)))
    return [
        paragraph("The lab", "kicker"),
        element("h1", text(lesson.title)),
        paragraph(_verdict(record), "verdict"),
        facts([("data", record.world.name), ("steps", steps), *shown], "numbers"),
        *([scrolling("What each player lowers", formula)] if lesson.formula else []),
        *([paragraph(lesson.source, "quiet")] if lesson.source else []),
    ]


def _verdict(record: Record) -> str:
    """What happened, in a sentence or two."""
    if record.diverged:
        return "Training broke off: its gradients were no numbers any more."
    final, perfect = final_numbers(record), perfect_numbers(record)
    if "wasserstein" in final:
        return (
            f"Its samples end {measure(final['wasserstein'])} away from the data on average "
            f"(Wasserstein-1; perfect ones: {measure(perfect['wasserstein'])})."
        )
    if "modes" not in final:
        return (
            f"The mean surprise of its samples is {measure(final['surprise'])} nats; of perfect "
            f"ones, {measure(perfect['surprise'])}."
        )
    modes = record.moments[-1].modes
    assert modes is not None
    said = (
        f"It covers {len(modes.strong)} of {len(modes.counts)} modes; "
        f"{final['high_quality']:.0%} of its samples lie on one (perfect ones: "
        f"{perfect['high_quality']:.0%})."
    )
    turned = rotating(record)
    if turned is not None and turned.union > turned.mean + 1:
        said += (
            f" Over the last looks it reached {turned.union} in all, but {turned.mean:.1f} at a "
            "time: it drops modes and finds others."
        )
    return said


def _said(moment: Moment) -> list[str]:
    return [f"step {count(moment.step)}", *numbers(moment)]


def _numbers_part(record: Record) -> Section:
    final, perfect = final_numbers(record), perfect_numbers(record)
    rows = [
        (m.name, value_in_words(name, final[name]), value_in_words(name, perfect[name]), m.meaning)
        for name, m in MEASURES.items()
        if name in final
    ]
    samples = len(record.moments[-1].fakes)
    body = [
        paragraph(
            f"Measured on {plural(samples, 'sample')} of the last moment. The third column is what "
            "as many points of the data itself get: read every value against it."
        ),
        table("Numbers", ("measure", "generated", "perfect", "meaning"), rows, numeric=(1, 2)),
    ]
    turned = rotating(record)
    if turned is not None:
        words = (
            f"Over the last ten looks: {turned.union} modes covered at one of them, "
            f"{turned.mean:.1f} on average, and from look to look {turned.distance:.0%} of the "
            "covered modes changed (Jaccard distance)."
        )
        body.append(paragraph(words, "quiet"))
    return Section(slug="numbers", title="Numbers", body=body)
