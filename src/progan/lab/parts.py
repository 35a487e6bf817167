"""Parts that pages of the lab share: the film, its moments under a slider, values in words."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from progan.lab.canvas import Frame
from progan.report.markup import Html, element, text
from progan.report.page import Section, command, film_controls, paragraph, picture, scrolling
from progan.report.pictures import Picture
from progan.report.words import count, measure

__all__ = ["again_part", "film_part", "look_part", "steps_part", "value_in_words"]

STILLS = 12
"""Moments under the slider."""
WIDE = 704
"""Pixels across, above which a film needs more room than a column of text."""


def film_part(film: Path, pictures: Sequence[Frame]) -> Section:
    """The film, which can be stopped; then its last picture stands in its place."""
    kind = "image/gif" if film.suffix.lower() == ".gif" else "image/webp"
    height, width = pictures[-1].shape[:2]
    content = base64.b64encode(film.read_bytes()).decode("ascii")
    address = f"data:{kind};base64,{content}"
    moving = Picture(address=address, width=width, height=height, drawn=True)
    figure = element(
        "div",
        picture(moving, "The game from its first step to its last, as an animation"),
        picture(_still(pictures[-1]), "The last moment of the game"),
        element("button", text("Pause"), type="button", class_="pause", hidden=True),
        class_=("walk", *_wide(pictures)),
    )
    return Section(slug="film", title="The game", body=[figure])


def look_part(look: Sequence[str]) -> list[Section]:
    """What to look at; nothing where nobody says."""
    if not look:
        return []
    items = element("ul", *(element("li", text(words)) for words in look))
    return [Section(slug="look", title="What to look at", body=[items])]


def steps_part(pictures: Sequence[Frame], said: Sequence[Sequence[str]]) -> Section:
    """Some of the moments under a slider, the first and the last among them.

    `said` are a few words on each picture.
    """
    last = len(pictures) - 1
    items = []
    for index in sorted({round(k * last / (STILLS - 1)) for k in range(STILLS)}):
        below = Html(" ".join(element("span", text(words)) for words in said[index]))
        shown = picture(_still(pictures[index]), f"The game at {', '.join(said[index])}", below)
        items.append(element("li", shown))
    controls = film_controls(len(items), "Moment of the game")
    strip = scrolling("Moments", element("ol", *items), class_="film")
    moments = element("div", controls, strip, class_=("growth", *_wide(pictures)))
    hint = (
        "The same latents at every moment, with the weights that play. Arrows are as long as the "
        "root of the slope that pushes a sample, in one measure over the whole film."
    )
    return Section(
        slug="steps",
        title="Step by step",
        body=[paragraph(hint, "quiet"), moments],
    )


def _wide(pictures: Sequence[Frame]) -> tuple[str, ...]:
    """The class of figures that take all the room there is."""
    return ("wide",) if pictures[-1].shape[1] > WIDE else ()


def _still(pixels: Frame) -> Picture:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "WEBP", quality=80, method=3)
    content = base64.b64encode(file.getvalue()).decode("ascii")
    address = f"data:image/webp;base64,{content}"
    return Picture(address=address, width=pixels.shape[1], height=pixels.shape[0], drawn=True)


def value_in_words(name: str, value: float) -> str:
    """A number of `MEASURES` as people read it."""
    if name in ("modes", "touched"):
        return count(value)
    if name == "high_quality":
        return f"{value:.1%}"
    return "none on a mode" if math.isinf(value) else measure(value)


def again_part(summary: str, command_line: str) -> Section:
    """The command that makes the page again, and a line on the data."""
    return Section(
        slug="again",
        title="Make it again",
        body=[
            command(command_line, "The same training, picture for picture"),
            paragraph(f"The data: {summary}.", "quiet"),
        ],
    )
