"""The gallery: the survey's figures as trainings, a page each, and a page that leads to them."""

from __future__ import annotations

import base64
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from progan.assemble.writing.files import write_out
from progan.lab.exhibits.auxiliary import AUXILIARY
from progan.lab.exhibits.avoiding import AVOIDING
from progan.lab.exhibits.clipping import CLIPPING
from progan.lab.exhibits.codes import CODES
from progan.lab.exhibits.collapse import COLLAPSE
from progan.lab.exhibits.labels import LABELS
from progan.lab.exhibits.optimal import OPTIMAL
from progan.lab.exhibits.overlap import OVERLAP
from progan.lab.exhibits.record import Chart, Exhibit, Finding, Shown
from progan.lab.exhibits.saturation import SATURATION
from progan.report.figure import figure
from progan.report.markup import Html, element, text
from progan.report.page import (
    Section,
    chart,
    chart_grid,
    command,
    document,
    paragraph,
    picture,
    put,
    table,
)
from progan.report.pictures import Picture

__all__ = ["EXHIBITS", "Card", "write_exhibit", "write_index"]

EXHIBITS: Mapping[str, Exhibit] = {
    exhibit.slug: exhibit
    for exhibit in (
        *(OPTIMAL, SATURATION, OVERLAP, AVOIDING, CLIPPING, COLLAPSE),
        *(LABELS, AUXILIARY, CODES),
    )
}
"""In the order in which the survey comes to them. Add one here."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """A page in the index."""

    title: str
    words: str
    page: str
    """Its address, relative to the index."""
    still: Path | None = None
    """A picture beside it."""


def write_exhibit(exhibit: Exhibit, finding: Finding, folder: Path, command_line: str) -> Path:
    """Write the page of an exhibit into `folder`, and give it.

    Beside it go `finding.json`, with the question, the answer and every number, and the charts
    and pictures as files, for documents.

    Raises: RoomError when they cannot be written.
    """
    body = [
        Section(slug="answer", title="What came out", body=_answer(finding)),
        Section(
            slug="theory",
            title="What to expect, and why",
            body=[*map(paragraph, exhibit.theory), paragraph(exhibit.source, "quiet")],
        ),
        Section(slug="numbers", title="Numbers", body=[_numbers(finding), *_tables(finding)]),
        Section(
            slug="again",
            title="Again",
            body=[command(command_line, "The same page, with the same numbers")],
        ),
    ]
    head = [
        paragraph("The lab", "kicker"),
        element("h1", text(exhibit.title)),
        paragraph(exhibit.question, "verdict"),
    ]
    footer = [paragraph("Made by progan lab. This page needs no network.")]
    content = {
        **{"title": exhibit.title, "question": exhibit.question, "answer": finding.answer},
        "numbers": plain(finding),
        "figures": _files(finding, folder),
    }
    write_out(
        folder / "finding.json",
        (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode(),
    )
    return put(document(exhibit.title, head, body, footer), folder / "lab.html")


def _files(finding: Finding, folder: Path) -> dict[str, str]:
    """Write charts and pictures into `folder`; title → name of the file."""
    found = {}
    for index, one in enumerate(finding.charts, start=1):
        drawn = figure(
            one.title,
            one.series,
            x_label=one.x_label,
            y_label=one.y_label,
            from_zero=one.from_zero,
        )
        found[one.title] = f"chart-{index}.svg"
        write_out(folder / found[one.title], drawn.encode())
    for index, shown in enumerate(finding.pictures, start=1):
        found[shown.title] = f"picture-{index}.webp"
        write_out(folder / found[shown.title], _webp(shown))
    return found


def _webp(shown: Shown) -> bytes:
    file = io.BytesIO()
    Image.fromarray(shown.pixels).save(file, "WEBP", quality=85, method=4)
    return file.getvalue()


def plain(finding: Finding) -> dict[str, Any]:
    """The numbers of a finding as JSON holds them."""
    return {
        name: {
            "words": number.words,
            "value": number.value if math.isfinite(number.value) else None,
            "bar": number.bar,
            "holds": number.holds,
        }
        for name, number in finding.numbers.items()
    }


def _answer(finding: Finding) -> list[Html]:
    shown = [_shown(one) for one in finding.pictures]
    return [
        paragraph(finding.answer),
        chart_grid([_chart(one) for one in finding.charts]),
        *([element("div", *shown, class_="charts")] if shown else []),
    ]


def _chart(one: Chart) -> Html:
    return chart(
        one.title,
        one.series,
        x_label=one.x_label,
        y_label=one.y_label,
        from_zero=one.from_zero,
        note=one.note,
    )


def _shown(one: Shown) -> Html:
    address = f"data:image/webp;base64,{base64.b64encode(_webp(one)).decode('ascii')}"
    height, width = one.pixels.shape[:2]
    held = Picture(address=address, width=width, height=height, drawn=True)
    return picture(held, one.title, element("span", text(one.title)))


def _numbers(finding: Finding) -> Html:
    rows = [
        [
            number.words,
            f"{number.value:.4g}",
            number.bar,
            "" if not number.bar else "yes" if number.holds else "no",
        ]
        for number in finding.numbers.values()
    ]
    return table("Numbers", ("what", "measured", "must be", "holds"), rows, numeric=(1,))


def _tables(finding: Finding) -> list[Html]:
    found = []
    for title, (columns, rows) in finding.tables.items():
        numeric = range(1, len(columns))
        found += [element("h3", text(title)), table(title, columns, rows, numeric=tuple(numeric))]
    return found


def write_index(folder: Path, parts: Mapping[str, Sequence[Card]], command_line: str) -> Path:
    """Write the page that leads to all others; `parts` are its headings."""
    sections = [
        Section(
            slug=title.lower().replace(" ", "-"),
            title=title,
            body=[element("div", *map(_card, cards), class_="cards")],
        )
        for title, cards in parts.items()
    ]
    again = Section(
        slug="again", title="Again", body=[command(command_line, "Everything here, made anew")]
    )
    head = [
        paragraph("The lab", "kicker"),
        element("h1", text("Gallery")),
        paragraph(
            "Each page is a question about GANs, answered by a training of seconds to minutes.",
            "verdict",
        ),
    ]
    return put(document("The lab: gallery", head, [*sections, again]), folder / "index.html")


def _card(card: Card) -> Html:
    still: list[Html] = []
    if card.still is not None:
        with Image.open(card.still, formats=["PNG"]) as found:
            small = found.convert("RGB").resize((220, 220 * found.height // found.width))
        file = io.BytesIO()
        small.save(file, "WEBP", quality=80, method=4)
        address = f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
        held = Picture(address=address, width=small.width, height=small.height, drawn=True)
        still = [picture(held, "")]
    link = element("a", text(card.title), href=card.page)
    return element("article", *still, element("h3", link), paragraph(card.words), class_="card")
