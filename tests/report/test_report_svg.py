from __future__ import annotations

import math
import re

import pytest

from progan.report.svg import Frame, Series, Shade, line_chart, thin, ticks

# The plotting area spans x 10 … 110 and y 20 … 70.
FRAME = Frame(width=120, height=100, left=10, right=10, top=20, bottom=30)


def draw(*points: tuple[float, float], **more: object) -> str:
    series = [Series(name="loss", points=points)]
    return line_chart("Loss", series, x_label="images", y_label="loss", frame=FRAME, **more)  # type: ignore[arg-type]


def test_corners_of_the_data_lie_on_the_corners_of_the_frame() -> None:
    # Values 0 … 4 get marks 0, 1, 2, 3, 4: 12.5 units each, from y 70 upwards.
    chart = draw((0, 0), (50, 1), (100, 4))
    assert 'points="10,70 60,57.5 110,20"' in chart
    assert 'data-values="0 1 4"' in chart


def test_marks_stand_where_their_values_are() -> None:
    chart = draw((0, 0), (100, 4))
    # Baselines are 4 units below the grid line: 3 lies at 70 − 37.5.
    assert re.search(r'y1="32.5" y2="32.5"></line><text x="5" y="36.5" [^>]*>3<', chart)
    # 100 / 7 asks for steps of 20: six labels, 40 of them at 10 + 40.
    assert re.search(r'<text x="50" y="85" [^>]*>40<', chart)


def test_stages_shade_their_stretch_and_share_the_axis() -> None:
    # With a shade to 200 the axis is 0 … 200: half a unit for an image.
    shades = [Shade(start=0, end=100, label="4"), Shade(start=100, end=200, label="8", fade=True)]
    chart = draw((0, 0), (100, 4), shades=shades)
    assert '<rect class="fade" x="60" y="20" width="50" height="50">' in chart
    assert '<line class="border" x1="60" x2="60" y1="20" y2="70">' in chart
    assert chart.count('class="border"') == 1  # none at the very left
    assert 'points="10,70 60,20"' in chart


def test_long_series_become_means_with_a_band() -> None:
    # Eight points in two columns of four: x 0 … 3 and 4 … 7.
    points = [(float(x), float(y)) for x, y in enumerate((1, 3, 1, 3, 10, 30, 10, 30))]
    thinned = thin(points, columns=2)
    assert list(thinned.line) == [(1.5, 2.0), (5.5, 20.0)]
    assert list(thinned.band) == [(1.5, 1.0, 3.0), (5.5, 10.0, 30.0)]


def test_values_that_are_not_finite_are_left_out() -> None:
    points = [(0.0, 1.0), (1.0, math.nan), (2.0, math.inf), (3.0, 2.0)]
    assert list(thin(points).line) == [(0.0, 1.0), (3.0, 2.0)]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 4, [0, 1, 2, 3, 4]),
        (0.13, 0.87, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (-3, 3, [-4, -2, 0, 2, 4]),
        (0, 131_000, [0, 50_000, 100_000, 150_000]),
        (2, 2, [1, 1.5, 2, 2.5, 3]),
    ],
)
def test_marks_are_round_and_enclose(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high, 4) == pytest.approx(expected)


def test_one_spike_does_not_flatten_the_rest() -> None:
    points = [(float(x), 1.0 + x % 2) for x in range(139)] + [(139.0, 5000.0)]
    chart = draw(*points)
    marks = [float(m) for m in re.findall(r'text-anchor="end">([\d.]+)<', chart)]
    assert max(marks) <= 3


def test_a_single_point_is_a_dot_in_the_middle() -> None:
    # Alone at 5, the axis is 4 … 6; at height 2, marks are 1 … 3.
    chart = draw((5, 2))
    assert '<circle class="dot s0" cx="60" cy="45" r="3"' in chart


def test_nothing_to_draw_is_said() -> None:
    assert "Nothing was written down yet" in draw()
