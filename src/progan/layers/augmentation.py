"""Conditions that are drawn around a caption's vector, not taken as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["ConditioningAugmentation", "truncated_normal"]


class ConditioningAugmentation(nn.Module):
    """A condition from a normal distribution that a caption's vector sets.

        μ, log σ = leaky relu(W φ + b),   ĉ = μ + σ ⊙ ε

    with slope 0.2 below 0. Stateless: all chance is in ε.

    Source: Zhang et al. 2017 (StackGAN), section 3.2; the rectifier from the code published with
            it.
    """

    def __init__(self, features: int, size: int) -> None:
        super().__init__()
        self.both = nn.Linear(features, 2 * size)

    def forward(
        self, caption: Float[Tensor, "n f"], noise: Float[Tensor, "n k"]
    ) -> tuple[Float[Tensor, "n k"], Float[Tensor, "n k"], Float[Tensor, "n k"]]:
        """The condition, μ and log σ²."""
        mean, log_deviation = leaky_relu(self.both(caption), 0.2).float().chunk(2, dim=1)
        return mean + log_deviation.exp() * noise, mean, 2 * log_deviation


def truncated_normal(like: Float[Tensor, "n k"], limit: float = 2.0) -> Float[Tensor, "n k"]:
    """Normal numbers of that shape; those further than `limit` from 0 are drawn again."""
    drawn = torch.randn_like(like)
    while bool((outside := drawn.abs() > limit).any()):
        drawn = torch.where(outside, torch.randn_like(drawn), drawn)
    return drawn
