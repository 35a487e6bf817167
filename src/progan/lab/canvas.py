"""Paper, ink and colours of the lab's pictures: dots, lines, arrows, heat maps and words.

Shapes are drawn at twice the size and averaged down; words are set afterwards, at full size.

One colour has one meaning everywhere: blue is real, orange is generated, ink is the game between
them. Blue and orange stay apart for all common kinds of colour blindness.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

__all__ = [
    "FAKE",
    "INK",
    "PAPER",
    "QUIET",
    "REAL",
    "RULE",
    "Canvas",
    "Floats",
    "Frame",
    "heat",
    "ramp",
    "resized",
]

Colour = tuple[int, int, int]
Floats = NDArray[Any]
Frame = np.ndarray[Any, np.dtype[np.uint8]]
Point = tuple[float, float]

PAPER: Colour = (253, 252, 249)
INK: Colour = (36, 34, 31)
QUIET: Colour = (112, 106, 97)
RULE: Colour = (222, 216, 205)
REAL: Colour = (27, 95, 152)
FAKE: Colour = (214, 84, 12)
LOOKS_REAL: Colour = (176, 207, 236)
LOOKS_FAKE: Colour = (250, 212, 176)
NEUTRAL: Colour = (250, 249, 246)
LINES: Colour = (70, 66, 60)

TWICE = 2
LEVELS = 10
"""Bands of a heat map between its two ends."""
SHADES = 511


class Canvas:
    """A picture in the making, measured in pixels from its upper left corner."""

    def __init__(self, width: int, height: int) -> None:
        self.size = (width, height)
        self.image = Image.new("RGB", (width * TWICE, height * TWICE), PAPER)
        self.pen = ImageDraw.Draw(self.image, "RGBA")
        self.words: list[tuple[Point, str, int, Colour, str]] = []

    def paste(self, pixels: Frame, x: int, y: int) -> None:
        """Lay a picture h w 3 with its upper left corner at (x, y)."""
        picture = Image.fromarray(pixels)
        size = (picture.width * TWICE, picture.height * TWICE)
        self.image.paste(picture.resize(size, Image.Resampling.NEAREST), (x * TWICE, y * TWICE))

    def dots(self, points: Floats, radius: float, colour: Colour, alpha: int = 255) -> None:
        """Discs at `points` n 2."""
        r = radius * TWICE
        for x, y in np.asarray(points, float) * TWICE:
            self.pen.ellipse((x - r, y - r, x + r, y + r), fill=(*colour, alpha))

    def line(
        self, points: Floats | Sequence[Point], colour: Colour, width: float = 1, alpha: int = 255
    ) -> None:
        """A line through `points` n 2."""
        flat = [(float(x) * TWICE, float(y) * TWICE) for x, y in points]
        if len(flat) > 1:
            thick = max(1, round(width * TWICE))
            self.pen.line(flat, fill=(*colour, alpha), width=thick, joint="curve")

    def dashes(self, points: Floats | Sequence[Point], colour: Colour, width: float = 1) -> None:
        """A broken line through `points`, which stand close."""
        flat = np.asarray(points, float)
        along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(flat, axis=0).T))])
        drawn = along % 10 < 6
        for run in np.split(np.arange(len(flat)), np.flatnonzero(np.diff(drawn)) + 1):
            if drawn[run[0]]:
                self.line(flat[run[0] : run[-1] + 2], colour, width)

    def area(self, points: Floats, base: float, colour: Colour, alpha: int) -> None:
        """The area between a line through `points` and the height `base`."""
        flat = [(float(x) * TWICE, float(y) * TWICE) for x, y in points]
        ends = [(flat[-1][0], base * TWICE), (flat[0][0], base * TWICE)]
        self.pen.polygon([*flat, *ends], fill=(*colour, alpha))

    def arrow(self, start: Point, step: Point, colour: Colour, alpha: int = 255) -> None:
        """An arrow from `start` along `step`, with a head that fits its length."""
        length = math.hypot(*step)
        if length < 1:
            return
        head = min(5.5, 0.5 * length + 1)
        x, y = start[0] + step[0], start[1] + step[1]
        along = (step[0] / length, step[1] / length)
        back = (x - head * along[0], y - head * along[1])
        side = (-along[1] * head * 0.45, along[0] * head * 0.45)
        self.line([start, back], colour, 1.25, alpha)
        corners = [(x, y), (back[0] + side[0], back[1] + side[1])]
        corners.append((back[0] - side[0], back[1] - side[1]))
        self.pen.polygon([(a * TWICE, b * TWICE) for a, b in corners], fill=(*colour, alpha))

    def box(self, x: float, y: float, width: float, height: float, colour: Colour = RULE) -> None:
        """The border of a rectangle, a pixel wide."""
        corner = (x * TWICE, y * TWICE, (x + width) * TWICE - 1, (y + height) * TWICE - 1)
        self.pen.rectangle(corner, outline=colour, width=TWICE)

    def fill(self, x: float, y: float, width: float, height: float, colour: Colour = PAPER) -> None:
        """A rectangle; nothing where it has no width."""
        if width <= 0 or height <= 0:
            return
        corner = (x * TWICE, y * TWICE, (x + width) * TWICE - 1, (y + height) * TWICE - 1)
        self.pen.rectangle(corner, fill=colour)

    def write(
        self, x: float, y: float, words: str, size: int = 14, colour: Colour = INK, at: str = "lm"
    ) -> float:
        """Set `words` with the anchor `at` (Pillow's letters) on (x, y); gives their width."""
        self.words.append(((x, y), words, size, colour, at))
        return float(font(size).getlength(words))

    def pixels(self) -> Frame:
        """The finished picture, h w 3."""
        small = self.image.resize(self.size, Image.Resampling.BOX)
        pen = ImageDraw.Draw(small)
        for place, words, size, colour, anchor in self.words:
            pen.text(place, words, font=font(size), fill=colour, anchor=anchor)
        return np.asarray(small)


@functools.cache
def font(size: int) -> Any:
    """The font that comes with Pillow, whose size is in pixels."""
    return ImageFont.load_default(size)


def resized(field: Floats, width: int, height: int) -> Floats:
    """A field of numbers h w at another size, smoothly; float32."""
    picture = Image.fromarray(np.ascontiguousarray(field, np.float32))
    return np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC))


@functools.cache
def ramp(count: int) -> Floats:
    """Colours, count 3, from what looks fake over nothing to what looks real."""
    v = np.linspace(-1, 1, count, dtype=np.float32)[:, None]
    real, fake, middle = (np.array(c, np.float32) for c in (LOOKS_REAL, LOOKS_FAKE, NEUTRAL))
    colours: Floats = middle + np.abs(v) ** 0.8 * (np.where(v > 0, real, fake) - middle)
    return colours


def heat(field: Floats) -> Frame:
    """Colours h w 3 of a field from −1, looks fake, to 1, looks real.

    Thin lines run where it crosses one of the `LEVELS`, a strong one where it is 0. Lines are a
    pixel wide however steep it is: the way to the nearest level is divided by the local slope.
    """
    field = np.nan_to_num(field)
    colours = ramp(SHADES)[np.rint((np.clip(field, -1, 1) + 1) / 2 * (SHADES - 1)).astype(np.intp)]
    down, right = np.gradient(field)
    slope = np.maximum(np.hypot(down, right), 1e-6)
    steps = field * LEVELS / 2
    apart = np.abs(steps - np.round(steps)) / (slope * LEVELS / 2)
    inside = np.abs(field) < 0.99
    thin = np.clip(1 - apart, 0, 1) * 0.14 * inside
    strong = np.clip(1.3 - np.abs(field) / slope, 0, 1) * 0.5
    ink = np.maximum(thin, strong)[..., None]
    mixed = colours + ink * (np.array(LINES, np.float32) - colours)
    return mixed.round().astype(np.uint8)
