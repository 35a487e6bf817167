"""A moment of a game on the line: densities above, the critic's answer below, latents at the foot.

As in Goodfellow et al. 2014, figure 1: the generator's curve moves up where the critic's is high.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from progan.data.toy import World
from progan.lab.canvas import FAKE, INK, QUIET, REAL, RULE, Canvas, Floats, Frame
from progan.lab.caption import FOOT, HEAD, WIDTH, caption, legend
from progan.lab.lesson import Scale
from progan.lab.tone import REACH, Calm, shown
from progan.lab.watch import Moment

__all__ = ["density", "draw_line", "generated_density"]

DENSITY, CRITIC, LATENTS = 230, 180, 96
"""Heights of the three parts, in pixels."""
TOP = 1.7
"""Highest density shown, in units of the data's highest."""
BLUR = 0.4
"""Widest kernel of the estimated density, in units of the data's sigma."""
KNOWN = 0.02
"""The best answer is drawn where the densities together reach this part of the data's highest."""
RUG = 14
ARROW_GAP = 20
"""Least distance between arrows, in pixels."""


def density(points: torch.Tensor, places: torch.Tensor, most: float) -> Floats:
    """Density of `points` n at equally spaced `places`, estimated with normal kernels of width

        h = 0.9 · min(standard deviation, interquartile range / 1.34) · n^(−1/5)

    but not above `most`, so that narrow modes of the data are not blurred, and not below the
    distance between places. Points are moved to the nearest place first; those outside are lost.

    Source: Silverman 1986, equation 3.31.
    """
    x = points.double().flatten()
    x = x[x.isfinite()]
    at = places.double().flatten()
    if not len(x):
        return np.zeros(len(at))
    quarters = torch.quantile(x, torch.tensor([0.25, 0.75], dtype=torch.float64))
    wide = min(float(x.std(correction=0)), float(quarters[1] - quarters[0]) / 1.34)
    step = float(at[1] - at[0])
    h = max(min(0.9 * wide * len(x) ** -0.2, most), step)
    counts = torch.histc(x, len(at), float(at[0] - step / 2), float(at[-1] + step / 2))
    kernels = torch.exp(-((at[:, None] - at) / h).square() / 2)
    return np.asarray(kernels @ counts / (len(x) * h * math.sqrt(2 * math.pi)))


def generated_density(world: World, moment: Moment, places: torch.Tensor) -> Floats:
    """Density of the fakes of a moment at `places`."""
    return density(moment.fakes, places, BLUR * world.sigma)


def draw_line(
    world: World,
    moment: Moment,
    steady: Calm,
    scale: Scale,
    places: torch.Tensor,
    *,
    title: str,
    last: int,
) -> Frame:
    """The picture of a moment of a game on the line, h w 3; `places` are those of the scores."""
    foot = LATENTS if moment.threads is not None else 0
    canvas = Canvas(WIDTH, HEAD + DENSITY + CRITIC + foot + FOOT)
    low, high = world.low[0], world.high[0]
    x = (np.asarray(places.double()).flatten() - low) / (high - low) * WIDTH
    real = np.asarray(world.log_density(places).exp())
    fake = generated_density(world, moment, places)
    base = HEAD + DENSITY - RUG
    _densities(canvas, x, real, fake, base)
    fakes = (np.asarray(moment.fakes[:, 0].double()) - low) / (high - low) * WIDTH
    for place in fakes[:200][np.isfinite(fakes[:200])]:
        canvas.line([(place, base + 3), (place, base + RUG - 3)], FAKE, 1, 110)
    if moment.pushes is not None and steady.push:
        _arrows(canvas, fakes, moment.pushes, steady.push, base - 7)
    top = HEAD + DENSITY
    if moment.field is not None:
        best = scale.best(torch.from_numpy(real), torch.from_numpy(fake)) if scale.best else None
        answer = (
            None
            if best is None
            else np.where(real + fake > KNOWN * real.max(), np.asarray(best), np.nan)
        )
        _critic(canvas, x, shown(moment.field, scale), answer, steady, scale, top)
    if moment.threads is not None:
        _threads(canvas, moment.threads, low, high, top + CRITIC)
    canvas.fill(0, 0, WIDTH, HEAD)
    canvas.fill(0, HEAD + DENSITY + CRITIC + foot, WIDTH, FOOT)
    canvas.box(0, HEAD, WIDTH, DENSITY)
    canvas.box(0, top, WIDTH, CRITIC)
    caption(canvas, world, moment, title=title, last=last)
    legend(canvas, HEAD + DENSITY + CRITIC + foot + FOOT / 2, moment, scale)
    return canvas.pixels()


def _densities(canvas: Canvas, x: Floats, real: Floats, fake: Floats, base: float) -> None:
    room = DENSITY - RUG - 6
    for values, colour, alpha in ((real, REAL, 60), (fake, FAKE, 70)):
        heights = base - np.minimum(values / (TOP * real.max()), 1.1) * room
        curve = np.stack([x, heights], axis=1)
        canvas.area(curve, base, colour, alpha)
        canvas.line(curve, colour, 2)
    canvas.line([(0, base), (WIDTH, base)], RULE)


def _arrows(canvas: Canvas, fakes: Floats, pushes: torch.Tensor, long: float, y: float) -> None:
    """Pushes along the line, as long as their root, not too close to each other."""
    last = -math.inf
    for index in np.argsort(fakes[: len(pushes)]):
        push, place = float(pushes[index, 0]), float(fakes[index])
        if not (math.isfinite(push) and 0 <= place <= WIDTH) or place - last < ARROW_GAP:
            continue
        last = place
        length = min((abs(push) / long) ** 0.5, 1.4) * REACH
        canvas.arrow((place, y), (math.copysign(length, push), 0), INK, 215)


def _critic(
    canvas: Canvas,
    x: Floats,
    scores: Floats,
    best: Floats | None,
    steady: Calm,
    scale: Scale,
    top: float,
) -> None:
    """The critic's curve, its best answer to these fakes, and lines at the ends and the middle."""
    above, below = 36, 14
    room = CRITIC - above - below

    def height(value: Floats | float) -> Floats:
        part = (np.asarray(value) - steady.low) / (steady.high - steady.low)
        return top + above + (1 - np.clip(part, -0.1, 1.1)) * room

    for value in (steady.low, steady.middle, steady.high):
        y = float(height(value))
        canvas.line([(0, y), (WIDTH, y)], RULE)
        canvas.write(WIDTH - 8, y - 8, f"{value:.2g}", 12, QUIET, "rm")
    if best is not None:
        known = np.isfinite(best)
        for run in np.split(np.arange(len(x)), np.flatnonzero(np.diff(known)) + 1):
            if known[run[0]] and len(run) > 1:
                canvas.dashes(np.stack([x[run], height(best[run])], axis=1), QUIET, 1.5)
    canvas.line(np.stack([x, height(np.nan_to_num(scores))], axis=1), INK, 2)
    edge = 12 + canvas.write(12, top + 14, f"{scale.name}: higher looks more real", 12, QUIET)
    if best is not None:
        canvas.dashes(np.array([[edge + 18 + k, top + 14] for k in range(28)]), QUIET, 1.5)
        canvas.write(edge + 52, top + 14, "the best answer to these fakes", 12, QUIET)


def _threads(
    canvas: Canvas,
    threads: tuple[torch.Tensor, torch.Tensor],
    low: float,
    high: float,
    top: float,
) -> None:
    """Equally likely latents at the foot, and where the generator carries each of them."""
    count = len(threads[0])
    for index, target in enumerate(threads[1][:, 0].tolist()):
        if math.isfinite(target):
            start = (index + 0.5) / count * WIDTH
            end = (target - low) / (high - low) * WIDTH
            canvas.line([(start, top + LATENTS - 6), (end, top + 4)], FAKE, 1, 150)
    canvas.write(12, top + LATENTS - 16, "latents z", 12, QUIET)
