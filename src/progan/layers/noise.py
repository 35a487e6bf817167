"""Noise inside networks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["LeadMeter", "MultiplicativeNoise"]


class LeadMeter(nn.Module):
    """Remember how far a least-squares critic is ahead of the generator.

        d̄ ← 0.9 d̄ + 0.1 clip(d, 0, 1),        d = mean score of fakes, whose goal is 1
        noise level = strength · max(0, d̄ − 0.5)²

    d̄ is a buffer: it is saved, and resumes.

    Source:  Karras et al. 2018 (ProGAN), appendix B.
    Departs: the Theano code reads the critic's loss in place of d; we follow the text.
    """

    lead: Tensor

    def __init__(self, strength: float = 0.2) -> None:
        super().__init__()
        self.strength = strength
        self.register_buffer("lead", torch.zeros(()))

    @torch.no_grad()
    def watch(self, fake_scores: Float[Tensor, " n"]) -> None:
        """Take in the scores of one batch of fakes."""
        self.lead.lerp_(fake_scores.float().mean().clamp(0, 1), 0.1)

    def level(self) -> Float[Tensor, ""]:
        """The noise level at this moment."""
        return self.strength * (self.lead - 0.5).clamp(min=0).square()


class MultiplicativeNoise(nn.Module):
    """Scale every channel of every sample by a random factor near one, in training only.

        y = x · (1 + σ √C · n),        n ~ N(0, 1) per sample and channel, the same at all pixels

    σ is read off a `LeadMeter` shared by all layers of a critic.

    Source: Karras et al. 2018 (ProGAN), appendix B.
    """

    def __init__(self, meter: LeadMeter) -> None:
        super().__init__()
        # In a tuple, so that the meter is saved once, with its owner.
        self.meter = (meter,)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Shake `x`; in evaluation, pass it on."""
        if not self.training:
            return x
        n = torch.randn(*x.shape[:2], 1, 1, device=x.device)
        factor = 1 + self.meter[0].level() * math.sqrt(x.shape[1]) * n
        return x * factor.to(x.dtype)
