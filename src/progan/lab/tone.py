"""What keeps still from frame to frame: which score has which colour, how long a push is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from progan.lab.canvas import Floats
from progan.lab.lesson import Scale
from progan.lab.watch import Moment

__all__ = ["REACH", "Calm", "calm", "long_push", "shown"]

REACH = 36.0
"""Pixels of a long push; the longest is 1.4 times that."""
KEEP = 0.8
"""Part of a measured scale that stays from one frame to the next."""
LEAST = 0.25
"""Reach of a measured scale to one side, at least, in units of the other."""


@dataclass(frozen=True, kw_only=True)
class Calm:
    """What stays the same, or moves slowly, over the frames of one film."""

    low: float
    """Score with the full colour of what looks fake."""
    middle: float
    """Score that looks neither real nor fake."""
    high: float
    """Score with the full colour of what looks real."""
    push: float
    """Length of a long push, in the world's units; 0 where there are none."""

    def tone(self, scores: Floats) -> Floats:
        """Scores as tones from -1 at `low` over 0 at `middle` to 1 at `high`."""
        above = scores - self.middle
        return np.where(
            above > 0, above / (self.high - self.middle), above / (self.middle - self.low)
        )


def shown(scores: torch.Tensor, scale: Scale) -> Floats:
    """Scores as the scale shows them."""
    values = torch.sigmoid(scores) if scale.squash else scores
    return np.asarray(values.double())


def long_push(moments: Sequence[Moment]) -> float:
    """The length that nine in ten pushes stay below; 0 where there are none."""
    lengths = [m.pushes.norm(dim=1) for m in moments if m.pushes is not None]
    known = torch.cat(lengths) if lengths else torch.zeros(0)
    known = known[known.isfinite()]
    return float(known.quantile(0.9)) if len(known) else 0.0


def calm(moments: Sequence[Moment], scale: Scale, push: float | None = None) -> list[Calm]:
    """For each moment, how to colour its scores and how long to draw its pushes.

    Scores without a scale of their own are measured: the middle lies halfway between the mean
    scores of reals and of fakes, for a critic may lift all its scores at once; the ends leave out
    the outermost places, and their distance from the middle is smoothed over about five frames,
    so that colours do not flicker. Pushes have one scale over the whole film, `push` or their
    own: where they vanish, they are seen to vanish.
    """
    push = long_push(moments) if push is None else push
    found: list[Calm] = []
    down = up = 0.0
    for index, moment in enumerate(moments):
        keep = KEEP if index and scale.low is None else 0.0
        middle, *now = _reach(moment, scale)
        down, up = (keep * old + (1 - keep) * new for old, new in zip((down, up), now, strict=True))
        found.append(Calm(low=middle - down, middle=middle, high=middle + up, push=push))
    return found


def _reach(moment: Moment, scale: Scale) -> tuple[float, float, float]:
    """The middle score of a moment, and how far to show scores below it and above."""
    if scale.low is not None and scale.high is not None:
        half = (scale.high - scale.low) / 2
        return scale.low + half, half, half
    if moment.field is None or moment.scores is None or not np.isfinite(sum(moment.scores)):
        return 0.0, 1.0, 1.0
    middle = sum(moment.scores) / 2
    apart = np.nan_to_num(shown(moment.field, scale) - middle)
    down, up = -float(np.quantile(apart, 0.1)), float(np.quantile(apart, 0.995))
    down, up = max(down, LEAST * up, 1e-9), max(up, LEAST * down, 1e-9)
    return middle, down, up
