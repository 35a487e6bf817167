"""Games of energies: low where the critic knows its samples, high elsewhere."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import normalize, relu, softplus

from progan.core.errors import ConfigError
from progan.core.slopes import without_autocast
from progan.objectives.record import Objective, total

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = [
    "energy_of_score",
    "margin_critic",
    "margin_generator",
    "margin_of_scores",
    "pulling_away",
]


def margin_critic(
    real: Float[Tensor, " n"], fake: Float[Tensor, " n"], margin: float
) -> dict[str, Tensor]:
    """E(x) + max(0, m − E(G(z))), of energies ≥ 0: fakes are pushed up to the margin, no further.

    The hinge is taken sample by sample. `margin` counts in the unit of the energies: one for a
    mean over pixels is that many times smaller than one for their sum.

    Source: Zhao et al. 2017 (EBGAN), equation 1.
    """
    return {"real": real.mean(), "fake": relu(margin - fake).mean()}


def margin_generator(fake: Float[Tensor, " n"]) -> dict[str, Tensor]:
    """E(G(z)).

    Source: Zhao et al. 2017 (EBGAN), equation 2.
    """
    return {"adversarial": fake.mean()}


def pulling_away(codes: Float[Tensor, "n f"]) -> Float[Tensor, ""]:
    """How much the codes of a batch point the same way: 1 if all do, 0 if none share a direction.

        1 / (n (n − 1)) Σ over i ≠ j of (sᵢ·sⱼ / (‖sᵢ‖ ‖sⱼ‖))²

    One code alone has nobody to be pulled from: 0. Opposite codes count as the same.

    Source: Zhao et al. 2017 (EBGAN), equation 5.
    """
    n = len(codes)
    if n < 2:
        return codes.sum() * 0.0
    unit = normalize(codes.to(torch.promote_types(codes.dtype, torch.float32)), dim=1)
    with without_autocast(codes.device):  # a product of float32 is one
        cosines = unit @ unit.T
    return (cosines - cosines.diagonal().diag()).square().sum() / (n * (n - 1))


def energy_of_score(score: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    """An energy ≥ 0 of a score on the whole line: log(1 + e^(−s)), low where the score is high."""
    return softplus(-score)


def margin_of_scores(margin: float) -> Objective:
    """EBGAN's game for a critic that gives scores: its energies are log(1 + e^(−s)).

    Raises ConfigError unless margin > 0.
    """
    if not 0 < margin <= 1e4:
        raise ConfigError(
            f"ebgan is given the margin {margin:g}; it must be above 0, and at most 10000: "
            "--set objective=ebgan=1"
        )

    def critic(real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        return margin_critic(energy_of_score(real), energy_of_score(fake), margin)

    return Objective(
        critic,
        lambda fake: margin_generator(energy_of_score(fake)),
        kind="energy",
        border=-margin / 2 - math.log(-math.expm1(-margin / 2)),  # where the energy is margin / 2
        at_rest=margin,
        estimate=lambda real, fake: 1 - total(critic(real, fake)) / margin,
        measures="total variation",
    )
