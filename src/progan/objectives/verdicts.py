"""One look of a critic at reals and fakes: its verdicts, and the price of its slope."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from progan.core.slopes import verdict_and_slope
from progan.core.specs import Penalty
from progan.objectives.penalty import dragan, gradient_penalty, r1, r2

__all__ = ["look"]

Judge = Callable[[Tensor], Tensor]


def look(
    judge: Judge,
    real: Tensor,
    fake: Tensor,
    penalty: Penalty,
    step: int,
    *,
    scale: float = 1.0,
    together: Callable[[Tensor], Tensor] | None = None,
) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """The verdicts on `real` and on `fake`, and the term `penalty` if it is due at `step`.

    `judge` gives n scores, or n × k of which the first are the scores. Verdicts come from two
    passes, as batch norm asks, or from one over both, one behind the other, where `together` is
    given. Only a slope at reals or fakes (r1, r2) parts them again, for it is taken on the very
    pass that scores them.

    The weight counts `every` times: on average over the steps the term is worth its weight.
    """
    due = penalty.kind if penalty.due(step) else "none"
    weight = penalty.weight * penalty.every
    if due in ("r1", "r2", "r1+r2"):
        terms = []
        if due == "r2":
            on_real = judge(real)
        else:
            on_real, slope = verdict_and_slope(judge, real)
            terms.append(r1(slope, scale))
        if due == "r1":
            on_fake = judge(fake)
        else:
            on_fake, slope = verdict_and_slope(judge, fake)
            terms.append(r2(slope, scale))
        return on_real, on_fake, {"penalty": weight * torch.stack(terms).sum()}
    if together is None:
        on_real, on_fake = judge(real), judge(fake)
    else:
        both = together(torch.cat([real, fake]))
        on_real, on_fake = both[: len(real)], both[len(real) :]
    if due == "none":
        return on_real, on_fake, {}
    options = {"target": penalty.target, "scale": scale, "side": penalty.side}
    priced = (
        gradient_penalty(judge, real, fake, **options)  # type: ignore[arg-type]
        if due == "gp"
        else dragan(judge, real, **options)  # type: ignore[arg-type]
    )
    power = 1 if penalty.side == "one-linear" else 2
    return on_real, on_fake, {"penalty": weight / penalty.target**power * priced}
