"""A chart as a file of its own: an SVG with its colours, title and legend inside, for documents."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.resources import files

from progan.report.markup import Html, element, text
from progan.report.svg import Frame, Series, line_chart

__all__ = ["figure", "figures"]

_KEPT = re.compile(r"^\.(chart text|grid|zero|border|rule|line|band|dot|axis)")
_FOR_SCRIPTS = re.compile(r' data-[a-z]+="[^"]*"')
_TOP, _ROW, _FOOT = 34.0, 20.0, 10.0


def figure(
    title: str,
    series: Sequence[Series],
    *,
    x_label: str,
    y_label: str,
    from_zero: bool = False,
) -> str:
    """Draw `series` as `report.page.chart` does, light on white, for anything that shows SVG."""
    drawn = [one for one in series if one.points]
    chart = line_chart(title, drawn, x_label=x_label, y_label=y_label, from_zero=from_zero)
    return _whole([_placed(title, drawn, chart, 0.0)], _height(drawn))


def figures(charts: Sequence[tuple[str, Sequence[Series]]], *, x_label: str, by: str) -> str:
    """Several such charts below one another, each (title, series); `by` says who made them."""
    placed, top = [], 0.0
    for title, series in charts:
        drawn = [one for one in series if one.points]
        chart = line_chart(title, drawn, x_label=x_label, y_label="")
        placed.append(_placed(title, drawn, chart, top))
        top += _height(drawn)
    return _whole([element("desc", text(by)), *placed], top)


def _height(drawn: Sequence[Series]) -> float:
    return _TOP + Frame().height + _FOOT + _ROW * len(drawn)


def _placed(title: str, drawn: Sequence[Series], chart: Html, top: float) -> Html:
    """A chart with its title above and its legend below, from `top` on."""
    frame, below = Frame(), top + _TOP
    inner = Html(_FOR_SCRIPTS.sub("", chart))
    legend = [_entry(one.name, index, below + frame.height) for index, one in enumerate(drawn)]
    return Html(
        element("text", text(title), class_="title", x=4, y=f"{top + 20:g}")
        + element("svg", inner, y=below, width=frame.width, height=frame.height)
        + "".join(legend)
    )


def _whole(parts: Sequence[Html], height: float) -> str:
    whole = element(
        "svg",
        element("style", Html(_style())),
        element("rect", width="100%", height="100%", fill="#ffffff"),
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {Frame().width:g} {height:g}",
        role="img",
    )
    return f"{whole}\n"


def _entry(name: str, index: int, top: float) -> Html:
    y = top + _FOOT + _ROW * index + _ROW / 2
    line = element("line", class_=f"line s{index % 8}", x1=8, x2=32, y1=y, y2=y)
    return Html(line + element("text", text(name), class_="entry", x=40, y=y + 4))


def _style() -> str:
    """What of the pages' style a chart needs; the colours of the light one."""
    style = files("progan.report").joinpath("style.css").read_text(encoding="utf-8")
    colours = dict(re.findall(r"--([\w-]+): ([^;]+);", style.split("@media", 1)[0]))
    kept = [line for line in style.splitlines() if _KEPT.match(line)]
    kept += [
        ".title { font: 600 14px var(--sans); fill: var(--ink); }",
        ".entry { font: 12px var(--sans); fill: var(--ink); }",
    ]
    return re.sub(r"var\(--([\w-]+)\)", lambda found: colours[found[1]], "\n".join(kept))
