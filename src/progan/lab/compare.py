"""Games on the same data side by side: one film, one page."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from progan.core.errors import ConfigError
from progan.lab.canvas import PAPER, Frame
from progan.lab.film import frames, write_lab_film
from progan.lab.lesson import Lesson
from progan.lab.numbers import MEASURES, final_numbers, perfect_numbers
from progan.lab.parts import again_part, film_part, look_part, steps_part, value_in_words
from progan.lab.tone import long_push
from progan.lab.watch import Moment, Record
from progan.report.markup import Html, element, text
from progan.report.page import Section, chart, chart_grid, document, paragraph, put, table
from progan.report.svg import Series
from progan.report.words import count

__all__ = ["Game", "beside", "write_comparison"]

GAP = 16
"""Pixels between two pictures."""


@dataclass(frozen=True, kw_only=True)
class Game:
    """A watched training and its lesson."""

    record: Record
    lesson: Lesson


def beside(films: Sequence[Sequence[Frame]]) -> list[Frame]:
    """Pictures of several films side by side, each film at the same part of its way.

    There are as many as in the longest; shorter pictures get paper below them.
    """
    length = max(map(len, films))
    height = max(picture.shape[0] for film in films for picture in film)
    joined = []
    for index in range(length):
        row: list[Frame] = []
        for film in films:
            picture = film[_at(index, length, len(film))]
            room = ((0, height - picture.shape[0]), (0, GAP), (0, 0))
            padded = np.pad(picture, room)
            padded[picture.shape[0] :] = padded[:, picture.shape[1] :] = PAPER
            row.append(padded)
        joined.append(np.concatenate(row, axis=1)[:, :-GAP])
    return joined


def _at(index: int, length: int, own: int) -> int:
    return round(index * (own - 1) / max(length - 1, 1))


def write_comparison(
    games: Sequence[Game],
    folder: Path,
    *,
    title: str,
    look: Sequence[str] = (),
    command_line: str,
    name: str = "lab",
    film: str = "film.webp",
) -> Path:
    """Write a film and a page, `name`.html, of `games` on one world into `folder`; gives the page.

    Pushes are drawn in one measure: what is weak in one game looks weak beside the other.

    Raises: ConfigError where the games are not on the same data, or there are none.
    """
    worlds = {game.record.world.name for game in games}
    if len(worlds) != 1:
        raise ConfigError(
            f"These games are on {' and '.join(sorted(worlds)) or 'no data'}; only games on the "
            "same data can stand side by side: give each the same --data."
        )
    push = max(long_push(game.record.moments) for game in games)
    pictures = beside([list(frames(game.record, game.lesson, push)) for game in games])
    moving = write_lab_film(pictures, folder / film).path
    names = ", ".join(game.lesson.title for game in games)
    page = document(
        title,
        [
            paragraph("The lab", "kicker"),
            element("h1", text(title)),
            paragraph(f"{names}, on {worlds.pop()}.", "verdict"),
        ],
        [
            film_part(moving, pictures),
            *look_part(look),
            steps_part(pictures, _said(games, len(pictures))),
            Section(slug="curves", title="Curves", body=[chart_grid(_charts(games))]),
            _numbers_part(games),
            again_part(games[0].record.world.summary, command_line),
        ],
        [paragraph("Made by progan lab. This page needs no network.")],
    )
    return put(page, folder / f"{name}.html")


def _said(games: Sequence[Game], length: int) -> list[list[str]]:
    """The steps of each picture: one number where all games are at the same."""
    said = []
    for index in range(length):
        moments = [g.record.moments for g in games]
        steps = [own[_at(index, length, len(own))].step for own in moments]
        said.append([f"step {' and '.join(map(count, dict.fromkeys(steps)))}"])
    return said


def _charts(games: Sequence[Game]) -> list[Html]:
    """One line for each game in every chart."""
    kinds: list[tuple[str, str, Callable[[Moment], float | None]]] = [
        ("Push on a sample", "slope", lambda m: m.mean_push),
        ("Modes covered", "modes", lambda m: len(m.modes.strong) if m.modes else None),
        (
            "High-quality share",
            "share within 3σ",
            lambda m: m.modes.high_quality if m.modes else None,
        ),
        ("Reverse KL", "nats", lambda m: m.modes.reverse_kl if m.modes else None),
    ]
    if games[0].record.world.dims == 1:
        kinds += [
            ("Mean of the samples", "mean", lambda m: float(m.fakes.mean())),
            ("Deviation of the samples", "deviation", lambda m: float(m.fakes.std())),
        ]
    found = []
    for title, unit, of in kinds:
        lines = []
        for game in games:
            values = ((float(m.step), of(m)) for m in game.record.moments)
            points = [(at, float(y)) for at, y in values if y is not None and math.isfinite(y)]
            lines.append(Series(name=game.lesson.title, points=points))
        if any(line.points for line in lines):
            from_zero = title != "Mean of the samples"
            found.append(chart(title, lines, x_label="step", y_label=unit, from_zero=from_zero))
    return found + _losses(games)


def _losses(games: Sequence[Game]) -> list[Html]:
    """The losses of each game by themselves: they have no common measure."""
    found = []
    for game, player in itertools.chain.from_iterable(
        ((game, player) for player in game.record.losses) for game in games
    ):
        lines = [Series(name="loss", points=list(game.record.losses[player]))]
        title = f"{game.lesson.title}: loss of the {player}"
        found.append(chart(title, lines, x_label="step", y_label="loss"))
    return found


def _numbers_part(games: Sequence[Game]) -> Section:
    numbers = [final_numbers(game.record) for game in games]
    perfect = perfect_numbers(games[0].record)
    rows = [
        (
            measure.name,
            *(value_in_words(name, own[name]) for own in numbers),
            value_in_words(name, perfect[name]),
        )
        for name, measure in MEASURES.items()
        if name in perfect
    ]
    columns = ("measure", *(game.lesson.title for game in games), "perfect")
    words = (
        "Of the last moment. The last column is what as many points of the data itself get: read "
        "every value against it."
    )
    return Section(
        slug="numbers",
        title="Numbers",
        body=[
            paragraph(words),
            table("Numbers", columns, rows, numeric=range(1, len(columns))),
        ],
    )
