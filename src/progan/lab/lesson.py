"""What a student should know of a game before watching it: data that the drawing and the page read.

Nothing here trains or draws.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

__all__ = ["PROBABILITY", "Lesson", "Scale", "Target", "lowest_minimax"]


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How a system's score is shown."""

    name: str = "score"
    """What it is called, e.g. D(x)."""
    squash: bool = False
    """Whether the score is a logit, shown as sigmoid(score)."""
    low: float | None = None
    """Value shown as surely fake; None where scores have no scale of their own."""
    high: float | None = None
    """Value shown as surely real."""
    best: Callable[[Tensor, Tensor], Tensor] | None = None
    """The best score, as shown, where the data has density p and the generator has q."""


PROBABILITY = Scale(
    name="D(x)", squash=True, low=0.0, high=1.0, best=lambda p, q: p / (p + q).clamp_min(1e-30)
)
"""Of a discriminator that gives logits; its best answer is p/(p + q)."""


def lowest_minimax(p: Tensor, q: Tensor, step: float) -> float:
    """The lowest −E_p[log D] − E_q[log(1 − D)] of any D, which is log 4 − 2 · JSD(p, q).

    Source: Goodfellow et al. 2014, proposition 1 and theorem 1.
    """
    best = (p / (p + q).clamp_min(1e-300)).clamp(1e-300, 1 - 1e-16)
    return float(-(p * best.log() + q * (1 - best).log()).sum() * step)


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where theory says that a player's loss ends: where the generator makes the data itself."""

    player: str
    value: float
    words: str
    """The value as it is written and why, e.g. "log 4: it cannot tell"."""
    lowest: Callable[[Tensor, Tensor, float], float] | None = None
    """The lowest loss possible now, on the line: of the densities p of the data and q of the
    generator at places a step apart."""


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """A game, in words."""

    title: str
    formula: tuple[str, ...] = ()
    """What each player lowers, a line each."""
    look: tuple[str, ...] = ()
    """What to look at, a sentence or two each."""
    scale: Scale = Scale()
    targets: tuple[Target, ...] = ()
    source: str = ""
    """The paper."""
