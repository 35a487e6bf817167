"""The page of a watched training: one static file that needs no network."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from progan.lab.canvas import Frame
from progan.lab.charts import charts
from progan.lab.lesson import Lesson
from progan.lab.numbers import MEASURES, final_numbers, perfect_numbers, rotating
from progan.lab.watch import Record
from progan.report.markup import Html, element, text
from progan.report.page import (
    Section,
    chart_grid,
    command,
    document,
    facts,
    paragraph,
    picture,
    put,
    scrolling,
    table,
)
from progan.report.pictures import Picture
from progan.report.words import count, measure, plural

__all__ = ["write_page"]

STILLS = 12
"""Moments under the slider."""


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
            _film_part(film, pictures),
            *_look_part(lesson),
            _steps_part(record, pictures),
            Section(slug="curves", title="Curves", body=[chart_grid(charts(record, lesson))]),
            _numbers_part(record),
            _again_part(record, command_line),
        ],
        [paragraph("Made by progan lab. This page needs no network.")],
    )
    return put(page, path)


def _head(record: Record, lesson: Lesson) -> list[Html]:
    final = final_numbers(record)
    shown = [
        (MEASURES[name].name, _value(name, final[name]))
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


def _film_part(film: Path, pictures: Sequence[Frame]) -> Section:
    kind = "image/gif" if film.suffix.lower() == ".gif" else "image/webp"
    height, width = pictures[-1].shape[:2]
    content = base64.b64encode(film.read_bytes()).decode("ascii")
    address = f"data:{kind};base64,{content}"
    moving = Picture(address=address, width=width, height=height, drawn=True)
    return Section(
        slug="film",
        title="The game",
        body=[
            element(
                "div",
                picture(moving, "The game from its first step to its last, as an animation"),
                picture(_still(pictures[-1]), "The last moment of the game"),
                element("button", text("Pause"), type="button", class_="pause", hidden=True),
                class_="walk",
            )
        ],
    )


def _look_part(lesson: Lesson) -> list[Section]:
    if not lesson.look:
        return []
    items = element("ul", *(element("li", text(words)) for words in lesson.look))
    return [Section(slug="look", title="What to look at", body=[items])]


def _steps_part(record: Record, pictures: Sequence[Frame]) -> Section:
    """Some of the moments under a slider, the first and the last among them."""
    last = len(pictures) - 1
    chosen = sorted({round(k * last / (STILLS - 1)) for k in range(STILLS)})
    items = []
    for index in chosen:
        step = f"step {count(record.moments[index].step)}"
        items.append(
            element(
                "li",
                picture(
                    _still(pictures[index]), f"The game at {step}", element("span", text(step))
                ),
            )
        )
    controls = element(
        "div",
        element("button", text("Play"), type="button", class_="play"),
        element(
            "input",
            type="range",
            min=0,
            max=len(items) - 1,
            value=len(items) - 1,
            aria_label="Moment of the game",
        ),
        class_="controls",
        hidden=True,
    )
    strip = scrolling("Moments", element("ol", *items), class_="film")
    hint = (
        "The same latents at every moment, with the weights that play. Arrows are as long as the "
    )
    hint += "root of the slope that pushes a sample, in one measure over the whole film."
    return Section(
        slug="steps",
        title="Step by step",
        body=[paragraph(hint, "quiet"), element("div", controls, strip, class_="growth")],
    )


def _still(pixels: Frame) -> Picture:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "WEBP", quality=80, method=3)
    content = base64.b64encode(file.getvalue()).decode("ascii")
    address = f"data:image/webp;base64,{content}"
    return Picture(address=address, width=pixels.shape[1], height=pixels.shape[0], drawn=True)


def _value(name: str, value: float) -> str:
    if name in ("modes", "touched"):
        return count(value)
    if name == "high_quality":
        return f"{value:.1%}"
    return "none on a mode" if math.isinf(value) else measure(value)


def _numbers_part(record: Record) -> Section:
    final, perfect = final_numbers(record), perfect_numbers(record)
    rows = [
        (m.name, _value(name, final[name]), _value(name, perfect[name]), m.meaning)
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


def _again_part(record: Record, command_line: str) -> Section:
    return Section(
        slug="again",
        title="Make it again",
        body=[
            command(command_line, "The same training, picture for picture"),
            paragraph(f"The data: {record.world.summary}.", "quiet"),
        ],
    )
