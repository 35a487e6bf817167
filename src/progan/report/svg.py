"""Line charts, drawn by hand as SVG.

A chart is drawn once at a fixed size in user units and scaled by the page. Long series are cut
into columns: the line is the mean of a column, the band behind it spans lowest to highest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from progan.report.markup import Html, element, text
from progan.report.words import compact

__all__ = ["Frame", "Series", "Shade", "Thinned", "line_chart", "thin", "ticks"]

Point = tuple[float, float]
_COLUMNS = 140


@dataclass(frozen=True, kw_only=True)
class Series:
    """A named line."""

    name: str
    points: Sequence[Point]


@dataclass(frozen=True, kw_only=True)
class Shade:
    """A stretch of the horizontal axis: bordered on the left, grey where something fades in."""

    start: float
    end: float
    label: str
    fade: bool = False


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Size of a chart and the margins around its plotting area, in user units."""

    width: float = 480
    height: float = 276
    left: float = 46
    right: float = 12
    top: float = 36
    bottom: float = 44

    @property
    def across(self) -> float:
        """Width of the plotting area."""
        return self.width - self.left - self.right

    @property
    def down(self) -> float:
        """Height of the plotting area."""
        return self.height - self.top - self.bottom


@dataclass(frozen=True, kw_only=True)
class Thinned:
    """A series short enough to draw."""

    line: Sequence[Point]
    band: Sequence[tuple[float, float, float]]
    """(x, lowest, highest) of each column; empty when nothing was joined."""


def thin(points: Sequence[Point], columns: int = _COLUMNS) -> Thinned:
    """Join points that fall into the same of `columns` equal stretches of x.

    Points that are not finite are left out. Up to `columns` points stay as they are.
    """
    finite = sorted(p for p in points if math.isfinite(p[0]) and math.isfinite(p[1]))
    if len(finite) <= columns:
        return Thinned(line=finite, band=())
    first, last = finite[0][0], finite[-1][0]
    width = (last - first) / columns or 1.0
    cells: dict[int, list[Point]] = {}
    for point in finite:
        cells.setdefault(min(int((point[0] - first) / width), columns - 1), []).append(point)
    line, band = [], []
    for cell in cells.values():
        x = sum(p[0] for p in cell) / len(cell)
        heights = [p[1] for p in cell]
        line.append((x, sum(heights) / len(cell)))
        band.append((x, min(heights), max(heights)))
    return Thinned(line=line, band=band)


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers, 1, 2 or 5 times a power of ten apart, that enclose [low, high].

    About `count` steps; the first is at most `low`, the last at least `high`.
    """
    if not high > low:
        high, low = low + (abs(low) or 1.0) * 0.5, low - (abs(low) or 1.0) * 0.5
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in (1, 2, 5, 10) if s * power >= rough * 0.999)
    first = math.floor(low / step + 1e-9)
    last = math.ceil(high / step - 1e-9)
    return [float(f"{index * step:.12g}") for index in range(first, last + 1)]


def line_chart(
    label: str,
    series: Sequence[Series],
    *,
    x_label: str,
    y_label: str,
    shades: Sequence[Shade] = (),
    frame: Frame | None = None,
    from_zero: bool = False,
) -> Html:
    """Draw `series` over a common pair of axes, in the order of the style's colours.

    `label` is what a screen reader says. The vertical axis leaves out the wildest hundredth of the
    values at either end where they would flatten the rest; lines then leave the frame. The
    horizontal axis holds all of `shades`, so that charts of one run share it.
    """
    frame = frame or Frame()
    thinned = [thin(s.points) for s in series]
    xs = [x for t in thinned for x, _ in t.line]
    if not xs:
        return element("p", text("Nothing was written down yet."), class_="quiet")
    low = min([*xs, *(shade.start for shade in shades)])
    high = max([*xs, *(shade.end for shade in shades)])
    if not high > low:
        low, high = low - 1, high + 1
    marks = ticks(*_range(thinned, from_zero), 4)

    def place_x(x: float) -> float:
        return frame.left + (x - low) / (high - low) * frame.across

    def place_y(y: float) -> float:
        return frame.top + (marks[-1] - y) / (marks[-1] - marks[0]) * frame.down

    inside = element(
        "svg",
        *(_band(t, index, place_x, place_y) for index, t in enumerate(thinned) if t.band),
        *(_line(t, s.name, index, place_x, place_y) for index, (t, s) in _each(thinned, series)),
        element("line", class_="rule", y1=_number(frame.top), y2=_number(frame.top + frame.down)),
        x=_number(frame.left),
        y=_number(frame.top),
        width=_number(frame.across),
        height=_number(frame.down),
        viewBox=" ".join(map(_number, (frame.left, frame.top, frame.across, frame.down))),
    )
    middle = frame.left + frame.across / 2
    return element(
        "svg",
        *(_shade(shade, low, high, place_x, frame) for shade in shades),
        *(_grid(mark, place_y(mark), frame) for mark in marks),
        *(
            _text(compact(x), place_x(x), frame.top + frame.down + 15, "middle")
            for x in ticks(low, high, 7)
            if low <= x <= high
        ),
        _text(x_label, middle, frame.height - 5, "middle", "axis"),
        _text(y_label, 2, 11, "start", "axis"),
        inside,
        class_="chart",
        role="img",
        aria_label=label,
        viewBox=f"0 0 {_number(frame.width)} {_number(frame.height)}",
        data_low=f"{low:.9g}",
        data_high=f"{high:.9g}",
        data_left=_number(frame.left),
        data_across=_number(frame.across),
    )


def _each(
    thinned: Sequence[Thinned], series: Sequence[Series]
) -> list[tuple[int, tuple[Thinned, Series]]]:
    return list(enumerate(zip(thinned, series, strict=True)))


def _range(thinned: Sequence[Thinned], from_zero: bool) -> Point:
    """Lowest and highest value to show."""
    every = sorted(y for t in thinned for _, y in t.line)
    low, high = every[0], every[-1]
    trim = len(every) // 100
    calm_low, calm_high = every[trim], every[-1 - trim]
    room = (calm_high - calm_low) * 0.5
    low = low if low >= calm_low - room else calm_low - room * 0.2
    high = high if high <= calm_high + room else calm_high + room * 0.2
    return (min(low, 0.0), high) if from_zero else (low, high)


def _number(value: float) -> str:
    """At most two decimals: finer than a pixel, and short."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{_number(x)},{_number(y)}" for x, y in points)


def _line(
    thinned: Thinned,
    name: str,
    index: int,
    place_x: Callable[[float], float],
    place_y: Callable[[float], float],
) -> Html:
    placed = [(place_x(x), place_y(y)) for x, y in thinned.line]
    style = f"line s{index % 8}"
    values = " ".join(f"{y:.4g}" for _, y in thinned.line)
    if len(placed) == 1:
        ((x, y),) = placed
        return element(
            "circle",
            class_=f"dot s{index % 8}",
            cx=_number(x),
            cy=_number(y),
            r=3,
            data_name=name,
            data_values=values,
        )
    return element(
        "polyline", class_=style, points=_points(placed), data_name=name, data_values=values
    )


def _band(
    thinned: Thinned,
    index: int,
    place_x: Callable[[float], float],
    place_y: Callable[[float], float],
) -> Html:
    upper = [(place_x(x), place_y(high)) for x, _, high in thinned.band]
    lower = [(place_x(x), place_y(low)) for x, low, _ in reversed(thinned.band)]
    return element("polygon", class_=f"band s{index % 8}", points=_points([*upper, *lower]))


def _shade(
    shade: Shade, low: float, high: float, place_x: Callable[[float], float], frame: Frame
) -> Html:
    start, end = max(shade.start, low), min(shade.end, high)
    if end <= start:
        return Html("")
    x, width = place_x(start), place_x(end) - place_x(start)
    parts = []
    if shade.fade:
        parts.append(
            element(
                "rect",
                class_="fade",
                x=_number(x),
                y=_number(frame.top),
                width=_number(width),
                height=_number(frame.down),
            )
        )
    if shade.start > low:
        parts.append(
            element(
                "line",
                class_="border",
                x1=_number(x),
                x2=_number(x),
                y1=_number(frame.top),
                y2=_number(frame.top + frame.down),
            )
        )
    if shade.label:
        parts.append(_text(shade.label, x, frame.top - 5, "start", "stage"))
    return Html("".join(parts))


def _grid(mark: float, y: float, frame: Frame) -> Html:
    line = element(
        "line",
        class_="zero" if mark == 0 else "grid",
        x1=_number(frame.left),
        x2=_number(frame.left + frame.across),
        y1=_number(y),
        y2=_number(y),
    )
    return Html(line + _text(compact(mark), frame.left - 5, y + 4, "end"))


def _text(words: str, x: float, y: float, anchor: str, class_: str | None = None) -> Html:
    return element(
        "text", text(words), x=_number(x), y=_number(y), text_anchor=anchor, class_=class_
    )
