"""Objectives by name: what a recipe writes, and what a system plays with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from progan.core.errors import ConfigError
from progan.objectives.adversarial import (
    hinge_critic,
    hinge_generator,
    least_squares_critic,
    least_squares_generator,
    minimax_critic,
    minimax_generator,
    non_saturating_generator,
    reversed_least_squares_critic,
    reversed_least_squares_generator,
    wasserstein_critic,
    wasserstein_generator,
)

__all__ = ["OBJECTIVES", "Objective", "objective"]


@dataclass(frozen=True)
class Objective:
    """A game's two sides, as functions of scores."""

    critic_terms: Callable[[Tensor, Tensor], dict[str, Tensor]]
    """Of the scores of reals and of fakes: what the critic lowers."""
    generator_terms: Callable[[Tensor], dict[str, Tensor]]
    """Of the scores of fakes: what the generator lowers."""
    higher_is_real: bool = True
    """Whether a high score means real."""


OBJECTIVES: Mapping[str, Objective] = {
    "wasserstein": Objective(wasserstein_critic, wasserstein_generator),
    "non-saturating": Objective(minimax_critic, non_saturating_generator),
    "minimax": Objective(minimax_critic, minimax_generator),
    "least-squares": Objective(least_squares_critic, least_squares_generator),
    "reversed-least-squares": Objective(
        reversed_least_squares_critic, reversed_least_squares_generator, higher_is_real=False
    ),
    "hinge": Objective(hinge_critic, hinge_generator),
}
"""Add a line here, and every adversarial system can play it."""


def objective(name: str) -> Objective:
    """Look an objective up; an unknown name is an error that lists the known ones."""
    if name not in OBJECTIVES:
        raise ConfigError(
            f"objective is {name!r}, which nobody has written yet; "
            f"choose one of {', '.join(OBJECTIVES)}."
        )
    return OBJECTIVES[name]
