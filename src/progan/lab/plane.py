"""A moment of a game in the plane: what the critic thinks of every place, reals, fakes, pushes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from progan.data.toy import World
from progan.lab.canvas import FAKE, INK, REAL, Canvas, Floats, Frame, heat, resized
from progan.lab.caption import HEAD, WIDTH, caption, legend
from progan.lab.lesson import Scale
from progan.lab.watch import Moment

__all__ = ["Calm", "calm", "draw_plane"]

FOOT = 34
REALS = 300
FAKES = 400
REACH = 36.0
"""Pixels of a long push; the longest is 1.4 times that."""
CELL = 26
"""Side of the squares, in pixels, that get one arrow at most."""


@dataclass(frozen=True, kw_only=True)
class Calm:
    """What stays the same, or moves slowly, over the frames of one film."""

    middle: float
    """Score that is neither real nor fake."""
    spread: float
    """Distance from it at which the colour is full."""
    push: float
    """Length of a long push, in the world's units; 0 where there are none."""


def shown(scores: torch.Tensor, scale: Scale) -> Floats:
    """Scores as the scale shows them."""
    values = torch.sigmoid(scores) if scale.squash else scores
    return np.asarray(values.double())


def calm(moments: Sequence[Moment], scale: Scale) -> list[Calm]:
    """For each moment, how to colour its scores and how long to draw its pushes.

    Scores without a scale of their own are measured, and smoothed over about five frames, so that
    colours do not flicker. Pushes have one scale over the whole film: where they vanish, they are
    seen to vanish.
    """
    lengths = [m.pushes.norm(dim=1) for m in moments if m.pushes is not None]
    finite = torch.cat(lengths) if lengths else torch.zeros(1)
    finite = finite[finite.isfinite()]
    push = float(finite.quantile(0.9)) if len(finite) else 0.0
    found: list[Calm] = []
    middle = spread = 0.0
    for index, moment in enumerate(moments):
        now = _measure(moment, scale)
        keep = 0.8 if index and scale.low is None else 0.0
        middle, spread = (keep * middle + (1 - keep) * now[0], keep * spread + (1 - keep) * now[1])
        found.append(Calm(middle=middle, spread=max(spread, 1e-12), push=push))
    return found


def _measure(moment: Moment, scale: Scale) -> tuple[float, float]:
    if scale.low is not None and scale.high is not None:
        return (scale.low + scale.high) / 2, (scale.high - scale.low) / 2
    if moment.field is None or moment.scores is None:
        return 0.0, 1.0
    field = shown(moment.field, scale)
    middle = float(sum(moment.scores)) / 2
    wide = np.abs(np.nan_to_num(field) - middle)
    return middle, float(np.quantile(wide, 0.9))


def draw_plane(
    world: World, moment: Moment, steady: Calm, scale: Scale, *, title: str, last: int
) -> Frame:
    """The picture of a moment of a game in the plane, h w 3."""
    side = WIDTH
    canvas = Canvas(WIDTH, HEAD + side + FOOT)
    if moment.field is not None:
        field = (shown(moment.field, scale) - steady.middle) / steady.spread
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
