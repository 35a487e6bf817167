"""Building blocks of a page: the document, sections, tables, pictures, charts, commands."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from progan.core.errors import RoomError
from progan.report.markup import Html, element, text
from progan.report.pictures import Picture
from progan.report.svg import Series, Shade, line_chart

__all__ = [
    "Section",
    "chart",
    "chart_grid",
    "command",
    "document",
    "facts",
    "film_controls",
    "folded",
    "paragraph",
    "picture",
    "put",
    "scrolling",
    "settings",
    "table",
]


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the page with a heading, and its line in the contents."""

    slug: str
    title: str
    body: Sequence[Html]
    short: str = ""
    """Title in the contents, when the heading is too long for it."""


def document(
    title: str, head: Sequence[Html], sections: Sequence[Section], footer: Sequence[Html] = ()
) -> str:
    """A whole page that needs nothing but itself.

    Its policy allows this style, this script (by their hashes) and pictures held by the page;
    nothing can be fetched, sent or framed, even if an escape were forgotten.
    """
    style, script = _asset("style.css"), _asset("script.js")
    policy = (
        f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    contents = element(
        "nav",
        element(
            "ol",
            *(
                element("li", element("a", text(s.short or s.title), href=f"#{s.slug}"))
                for s in sections
            ),
        ),
        class_="contents",
        aria_label="Contents",
    )
    body = element(
        "body",
        element("a", text("Skip to the content"), href="#content", class_="skip"),
        element(
            "div",
            element("header", *head),
            contents,
            element("main", *map(_section, sections), id="content", tabindex=-1),
            element("footer", *footer) if footer else Html(""),
            class_="page",
        ),
        element("script", Html(script)),
    )
    page = element(
        "html",
        element(
            "head",
            element("meta", charset="utf-8"),
            Html(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("meta", name="referrer", content="no-referrer"),
            element("meta", name="color-scheme", content="light dark"),
            element("link", rel="icon", href="data:,"),
            element("title", text(title)),
            element("style", Html(style)),
        ),
        body,
        lang="en",
    )
    return f"<!doctype html>\n{page}\n"


def _asset(name: str) -> str:
    return resources.files("progan.report").joinpath(name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _section(section: Section) -> Html:
    heading = element("h2", text(section.title), id=f"{section.slug}-title")
    return element(
        "section",
        heading,
        *section.body,
        id=section.slug,
        aria_labelledby=f"{section.slug}-title",
    )


def put(page: str, to: Path) -> Path:
    """Write `page` whole or not at all; raises `RoomError` when there is no place for it."""
    part = to.with_name(f".{to.name}.part")
    try:
        part.write_text(page, encoding="utf-8")
        part.replace(to)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise RoomError(
            f"{to} cannot be written ({error.strerror}); it needs {len(page) / 1e6:.1f} MB in a "
            f"folder that may be written to. Look: ls -ld {to.parent}; df -h {to.parent}"
        ) from error
    return to


def paragraph(words: str, class_: str | None = None) -> Html:
    """A paragraph of plain text."""
    return element("p", text(words), class_=class_)


def facts(pairs: Sequence[tuple[str, str]], class_: str = "facts") -> Html:
    """Names and values, one under the other or side by side as the style says."""
    return element(
        "dl",
        *(
            element("div", element("dt", text(name)), element("dd", text(value)))
            for name, value in pairs
        ),
        class_=class_,
    )


def picture(shown: Picture, words: str, caption: Html | None = None) -> Html:
    """A picture with its description, and a caption below."""
    image = element(
        "img",
        src=shown.address,
        alt=words,
        width=shown.width,
        height=shown.height,
        class_="pixels" if shown.pixelated else None,
    )
    below = (element("figcaption", caption),) if caption else ()
    return element("figure", image, *below, class_="picture")


def table(
    label: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    numeric: Sequence[int] = (),
) -> Html:
    """A table of plain text; the first cell names its row, columns in `numeric` align right."""
    kinds = ["number" if index in numeric else None for index in range(len(columns))]
    top = element(
        "tr",
        *(
            element("th", text(name), scope="col", class_=kind)
            for name, kind in zip(columns, kinds, strict=True)
        ),
    )
    body = [
        element(
            "tr",
            *(
                element(
                    "td" if index else "th",
                    text(cell),
                    scope=None if index else "row",
                    class_=kinds[index],
                )
                for index, cell in enumerate(row)
            ),
        )
        for row in rows
    ]
    return scrolling(
        label,
        element("table", element("thead", top), element("tbody", *body)),
    )


def scrolling(label: str, *children: Html, class_: str = "scroll") -> Html:
    """Something wide or long that scrolls by itself, also with the keyboard."""
    return element("div", *children, class_=class_, role="region", aria_label=label, tabindex=0)


def film_controls(moments: int, words: str) -> Html:
    """A button and a slider for so many pictures in a row; hidden until the script shows them."""
    return element(
        "div",
        element("button", text("Play"), type="button", class_="play"),
        element("input", type="range", min=0, max=moments - 1, value=moments - 1, aria_label=words),
        class_="controls",
        hidden=True,
    )


def folded(summary: str, *children: Html, opened: bool = False) -> Html:
    """Something to unfold."""
    return element("details", element("summary", text(summary)), *children, open=opened)


def command(words: str, purpose: str) -> Html:
    """A command to type, what it is for, and a button that copies it."""
    return element(
        "div",
        element("p", text(purpose)),
        element(
            "div",
            element("code", text(words), tabindex=0),
            element(
                "button",
                text("Copy"),
                type="button",
                class_="copy",
                aria_label=f"Copy: {words}",
                hidden=True,
            ),
            class_="line",
        ),
        class_="command",
    )


def chart(
    title: str,
    series: Sequence[Series],
    *,
    x_label: str,
    y_label: str,
    shades: Sequence[Shade] = (),
    from_zero: bool = False,
    note: str = "",
) -> Html:
    """A line chart with its title and a legend that shows values under the pointer."""
    drawn = [s for s in series if s.points]
    ends = ", ".join(f"{s.name} ends at {s.points[-1][1]:.4g}" for s in drawn)
    label = f"{title} over {x_label}: {ends}" if ends else title
    legend = element(
        "ul",
        *(
            element(
                "li",
                Html(
                    f'<svg class="key" viewBox="0 0 22 8" aria-hidden="true"><line class="line '
                    f's{index % 8}" x1="0" x2="22" y1="4" y2="4"></line></svg>'
                ),
                element("span", text(s.name)),
                element("span", class_="value"),
            )
            for index, s in enumerate(drawn)
        ),
        class_="legend",
    )
    svg = line_chart(
        label, drawn, x_label=x_label, y_label=y_label, shades=shades, from_zero=from_zero
    )
    parts = [
        element("figcaption", text(title), element("span", class_="where")),
        element("div", svg, class_="plot", data_label=label, data_unit=x_label),
        legend,
    ]
    if note:
        parts.append(paragraph(note, "quiet"))
    return element("figure", *parts, class_="chart")


def chart_grid(charts: Sequence[Html]) -> Html:
    """Charts side by side where there is room."""
    return element("div", *charts, class_="charts")


def settings(pairs: Mapping[str, str], label: str) -> Html:
    """Settings by their place, one to a row."""
    return table(label, ("setting", "value"), [(k, v) for k, v in pairs.items()])
