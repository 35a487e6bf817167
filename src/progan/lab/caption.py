"""The lines above and below a picture of the lab: step, numbers, and what the colours mean."""

from __future__ import annotations

import numpy as np

from progan.data.toy import World
from progan.lab.canvas import (
    FAKE,
    INK,
    QUIET,
    REAL,
    RULE,
    Canvas,
    ramp,
)
from progan.lab.lesson import Scale
from progan.lab.watch import Moment

__all__ = ["FOOT", "HEAD", "WIDTH", "caption", "legend", "numbers"]

WIDTH = 520
HEAD = 62
FOOT = 34
_EDGE = 12


def caption(canvas: Canvas, world: World, moment: Moment, *, title: str, last: int) -> None:
    """Above: what is played on which data, the step, the numbers; a bar of how much is behind."""
    canvas.write(_EDGE, 20, title, 17)
    canvas.write(WIDTH - _EDGE, 20, f"step {moment.step:,}", 17, INK, "rm")
    canvas.write(_EDGE, 43, f"on {world.name}", 13, QUIET)
    canvas.write(WIDTH - _EDGE, 43, "   ".join(numbers(moment)), 13, QUIET, "rm")
    canvas.fill(0, HEAD - 4, WIDTH, 3, RULE)
    canvas.fill(0, HEAD - 4, round(WIDTH * min(1.0, moment.step / max(last, 1))), 3, QUIET)


def numbers(moment: Moment) -> list[str]:
    """What was measured, in a few words each."""
    parts = []
    if moment.modes is not None:
        parts.append(f"{len(moment.modes.strong)} of {len(moment.modes.counts)} modes")
        parts.append(f"{moment.modes.high_quality:.0%} on one")
    elif moment.fakes.shape[1] == 1:
        spread = float(moment.fakes.std())
        parts.append(f"mean {float(moment.fakes.mean()):.2f}, deviation {spread:.2f}")
    if moment.mean_push is not None:
        parts.append(f"push {moment.mean_push:.2g}")
    return parts


def legend(canvas: Canvas, y: float, moment: Moment, scale: Scale) -> None:
    """Below: what the colours mean."""
    x: float = _EDGE
    for colour, words in ((REAL, "real"), (FAKE, "generated")):
        canvas.dots(np.array([[x + 4, y]]), 4, colour)
        x += 13 + canvas.write(x + 13, y, words, 13, QUIET) + 16
    if moment.pushes is not None:
        canvas.arrow((x, y), (22, 0), INK)
        x += 28 + canvas.write(x + 28, y, "pushed to", 13, QUIET) + 16
    if moment.fakes.shape[1] == 2 and moment.field is not None:
        right: float = WIDTH - _EDGE
        right -= canvas.write(right, y, "looks real", 13, QUIET, "rm") + 6
        bar = round(right - 70)
        canvas.paste(np.tile(ramp(70).round().astype(np.uint8), (10, 1, 1)), bar, round(y - 5))
        canvas.write(bar - 6, y, f"{scale.name}: looks fake", 13, QUIET, "rm")
