"""A moment of a game in the plane: what the critic thinks of every place, reals, fakes, pushes."""

from __future__ import annotations

import math

import numpy as np
import torch

from progan.data.toy import World
from progan.lab.canvas import FAKE, INK, REAL, Canvas, Floats, Frame, heat, resized
from progan.lab.caption import FOOT, HEAD, WIDTH, caption, legend
from progan.lab.lesson import Scale
from progan.lab.tone import REACH, Calm, shown
from progan.lab.watch import Moment

__all__ = ["draw_plane"]

REALS = 300
FAKES = 400
CELL = 26
"""Side of the squares, in pixels, that get one arrow at most."""


def draw_plane(
    world: World, moment: Moment, steady: Calm, scale: Scale, *, title: str, last: int
) -> Frame:
    """The picture of a moment of a game in the plane, h w 3."""
    side = WIDTH
    canvas = Canvas(WIDTH, HEAD + side + FOOT)
    if moment.field is not None:
        field = steady.tone(shown(moment.field, scale))
        canvas.paste(heat(resized(field, side, side)[::-1]), 0, HEAD)

    def place(points: torch.Tensor) -> Floats:
        low, high = np.asarray(world.low), np.asarray(world.high)
        x = (np.asarray(points.double()) - low) / (high - low)
        return np.stack([x[:, 0] * side, HEAD + (1 - x[:, 1]) * side], axis=1)

    canvas.dots(place(world.sample(range(REALS))), 1.9, REAL, 120)
    fakes = place(moment.fakes[:FAKES])
    canvas.dots(fakes, 2.9, (255, 255, 255), 150)
    canvas.dots(fakes, 2.1, FAKE, 235)
    if moment.pushes is not None and steady.push:
        _arrows(canvas, place(moment.fakes[: len(moment.pushes)]), moment.pushes, steady.push)
    canvas.fill(0, 0, WIDTH, HEAD)
    canvas.fill(0, HEAD + side, WIDTH, FOOT)
    canvas.box(0, HEAD, side, side)
    caption(canvas, world, moment, title=title, last=last)
    legend(canvas, HEAD + side + FOOT / 2, moment, scale)
    return canvas.pixels()


def _arrows(canvas: Canvas, starts: Floats, pushes: torch.Tensor, long: float) -> None:
    """Pushes as arrows, at most one in each cell; drawn as long as the root of the push."""
    taken: set[tuple[int, int]] = set()
    for start, push in zip(starts, pushes.tolist(), strict=True):
        length = math.hypot(*push)
        cell = (int(start[0] // CELL), int(start[1] // CELL))
        if cell in taken or not 0 < length < math.inf:
            continue
        taken.add(cell)
        longer = min((length / long) ** 0.5, 1.4) * REACH / length
        step = (push[0] * longer, -push[1] * longer)
        canvas.arrow((float(start[0]), float(start[1])), step, INK, 215)
