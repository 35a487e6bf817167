"""Objectives by name: what a recipe writes, and what a system plays with.

A name may go on: `fgan:kl` is a member of a family, `fgan:kl:non-saturating` another form of it,
and `fgan:alpha=0.5` takes numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial

from torch import Tensor

from progan.core.errors import ConfigError
from progan.core.spelling import nearest
from progan.objectives import adversarial as game
from progan.objectives.divergence import DIVERGENCES, alpha_divergence, f_gan, weighted_js
from progan.objectives.energy import margin_of_scores
from progan.objectives.record import Objective, total

__all__ = ["NUMBERED", "OBJECTIVES", "Objective", "least_squares", "objective"]

LOG4 = math.log(4.0)
Relation = Callable[[game.Loss, Tensor, Tensor], Tensor]


def least_squares(a: float, b: float, c: float) -> Objective:
    """LSGAN's game: the critic aims at `a` for fakes and `b` for reals, the generator at `c`.

    Raises ConfigError where the two aims of the critic are the same.
    """
    if a == b or not all(map(math.isfinite, (a, b, c))):
        raise ConfigError(
            f"least-squares is given a={a:g}, b={b:g}, c={c:g}; a and b must be two finite numbers "
            "that differ: --set objective=least-squares=0,1,1"
        )
    return Objective(
        partial(game.least_squares_critic, targets=(a, b)),
        partial(game.least_squares_generator, target=c),
        higher_is_real=b > a,
        kind="regression",
        border=(a + b) / 2,
        at_rest=(a - b) ** 2 / 4,
        estimate=lambda real, fake: (
            1 - total(game.least_squares_critic(real, fake, (a, b))) / ((a - b) ** 2 / 4)
        ),
        measures="½ ∫ (p − q)² / (p + q)",
    )


def _relative(relation: Relation, loss: game.Loss, *, at_rest: float | None = None) -> Objective:
    return Objective(
        lambda real, fake: {"real over fake": relation(loss, real, fake)},
        lambda fake, real: {"adversarial": relation(loss, fake, real)},
        relative=True,
        at_rest=at_rest,
    )


def _gap(real: Tensor, fake: Tensor) -> Tensor:
    return real.mean() - fake.mean()


def _jensen_shannon(real: Tensor, fake: Tensor) -> Tensor:
    return (LOG4 - total(game.minimax_critic(real, fake))) / 2


_logit = partial(
    Objective,
    game.minimax_critic,
    at_rest=LOG4,
    estimate=_jensen_shannon,
    measures="Jensen-Shannon divergence",
)

OBJECTIVES: Mapping[str, Objective] = {
    "wasserstein": Objective(
        game.wasserstein_critic,
        game.wasserstein_generator,
        kind="critic",
        at_rest=0.0,
        estimate=_gap,
        measures="Wasserstein distance, times the critic's slope",
    ),
    "non-saturating": _logit(game.non_saturating_generator),
    "minimax": _logit(game.minimax_generator),
    "least-squares": least_squares(0.0, 1.0, 1.0),
    "least-squares:pearson": least_squares(-1.0, 1.0, 0.0),
    "reversed-least-squares": Objective(
        game.reversed_least_squares_critic,
        game.reversed_least_squares_generator,
        higher_is_real=False,
        kind="regression",
        border=1 / 11,  # where s² + 0.1 (s − 1)² is lowest
        at_rest=1 / 11,  # its value there
    ),
    "hinge": Objective(
        game.hinge_critic,
        game.hinge_generator,
        kind="margin",
        at_rest=2.0,
        estimate=lambda real, fake: 1 - total(game.hinge_critic(real, fake)) / 2,
        measures="total variation",
    ),
    "relativistic": _relative(game.relativistic, game.logistic, at_rest=math.log(2.0)),
    "relativistic:least-squares": _relative(game.relativistic, game.squared_lead, at_rest=1.0),
    "relativistic:hinge": _relative(game.relativistic, game.hinged, at_rest=1.0),
    "relativistic-average": _relative(game.relativistic_average, game.logistic, at_rest=LOG4),
    "relativistic-average:least-squares": _relative(
        game.relativistic_average, game.squared_lead, at_rest=2.0
    ),
    "relativistic-average:hinge": _relative(game.relativistic_average, game.hinged, at_rest=2.0),
    "ebgan": margin_of_scores(1.0),
    **{
        f"fgan:{name}{ending}": f_gan(divergence, saturating=not ending)
        for name, divergence in {**DIVERGENCES, "weighted-js": weighted_js(0.5)}.items()
        for ending in ("", ":non-saturating")
    },
}
"""Add a line here, and every adversarial system can play it."""

NUMBERED: Mapping[str, tuple[int, Callable[..., Objective]]] = {
    "least-squares": (3, least_squares),
    "ebgan": (1, margin_of_scores),
    "fgan:weighted-js": (1, lambda weight: f_gan(weighted_js(weight))),
    "fgan:weighted-js:non-saturating": (
        1,
        lambda weight: f_gan(weighted_js(weight), saturating=False),
    ),
    "fgan:alpha": (1, lambda alpha: f_gan(alpha_divergence(alpha))),
    "fgan:alpha:non-saturating": (
        1,
        lambda alpha: f_gan(alpha_divergence(alpha), saturating=False),
    ),
}
"""Name → how many numbers may follow it after `=`, and what they make."""


def objective(name: str) -> Objective:
    """Look an objective up: `hinge`, `fgan:kl`, `least-squares=-1,1,0`.

    Raises ConfigError for an unknown name, with the one that may have been meant, and for numbers
    that are too few, too many or none.
    """
    if name in OBJECTIVES:
        return OBJECTIVES[name]
    base, equals, words = name.partition("=")
    if base in NUMBERED:
        count, make = NUMBERED[base]
        try:
            numbers = [float(word) for word in words.split(",")]
        except ValueError:
            numbers = []
        if len(numbers) == count:
            return make(*numbers)
        example = ",".join(("0", "1", "1") if count == 3 else ("0.5",))
        raise ConfigError(
            f"objective is {name!r}; {base} needs {count} number{'s' * (count > 1)} after the = "
            f"sign: --set objective={base}={example}"
        )
    if equals and base in OBJECTIVES:
        raise ConfigError(f"objective is {name!r}, but {base} takes no numbers: leave out ={words}")
    known = [*OBJECTIVES, *(numbered for numbered in NUMBERED if numbered not in OBJECTIVES)]
    meant = nearest(base, known)
    hint = f" Did you mean {meant}?" if meant else ""
    short = [name for name in known if not name.endswith(":non-saturating")]
    raise ConfigError(
        f"objective is {name!r}, which nobody has written yet.{hint} "
        f"Choose one of {', '.join(short)}."
    )
