from __future__ import annotations

import math

import pytest

from progan.report.words import compact, duration, level_name, measure, plural, with_interval


@pytest.mark.parametrize(
    ("value", "interval", "expected"),
    [
        (21.443, 0.62, "21.4 ± 0.6"),
        (0.28741, 0.0041, "0.287 ± 0.004"),
        (0.28741, 0.0014, "0.2874 ± 0.0014"),  # a leading 1 keeps a second digit
        (1234.5, 30.0, "1,234 ± 30"),
        (-3.21, 0.5, "−3.2 ± 0.5"),
        (21.443, None, "21.4"),
        (0.0, None, "0"),
        (None, None, "–"),
        (math.nan, None, "–"),
    ],
)
def test_a_value_ends_where_its_interval_begins(
    value: float | None, interval: float | None, expected: str
) -> None:
    assert with_interval(value, interval) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (3.04, "3.0 s"),
        (59.4, "59 s"),
        (588, "9 min 48 s"),
        (3599.6, "1 h 0 min"),
        (8000, "2 h 13 min"),
        (100_000, "1 day 4 h"),
    ],
)
def test_time_is_told_in_its_two_largest_units(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "0"),
        (-2, "−2"),
        (0.25, "0.25"),
        (6000, "6,000"),
        (50_000, "50k"),
        (1_250_000, "1.25M"),
        (3e9, "3B"),
        (2e-5, "2e−5"),
    ],
)
def test_axis_numbers_are_short(number: float, expected: str) -> None:
    assert compact(number) == expected


def test_nouns_follow_their_number() -> None:
    assert plural(1, "entry", "entries") == "1 entry"
    assert plural(2000, "picture") == "2,000 pictures"


def test_levels_that_are_sides_are_in_pixels() -> None:
    assert level_name("16") == "16 px"
    assert level_name("average") == "average"
    assert measure(0.97) == "0.970"
