"""What an objective is: two sides of a game, and how to read the scores they are played with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

__all__ = ["Kind", "Objective", "total"]

Kind = Literal["logit", "margin", "regression", "ratio", "critic", "energy"]
"""What a score is: the logit of being real; a side to be on by at least one; a number that should
hit a target; the logarithm of the density ratio, or a rising function of it, with which f-GANs
bound divergences; the value of a function held to a slope; how well a sample is known."""


@dataclass(frozen=True)
class Objective:
    """A game's two sides, as functions of scores, one score per sample.

    Both give named terms whose sum is the loss.
    """

    critic_terms: Callable[[Tensor, Tensor], dict[str, Tensor]]
    """Of the scores of reals and of fakes: what the critic lowers."""
    generator_terms: Callable[..., dict[str, Tensor]]
    """Of the scores of fakes, and of reals too where `relative`: what the generator lowers."""
    higher_is_real: bool = True
    """Whether a high score means real."""
    kind: Kind = "logit"
    relative: bool = False
    """Whether the generator's side compares fakes with reals."""
    border: float = 0.0
    """The score of the best critic where real and fake are equally likely."""
    at_rest: float | None = None
    """What the best critic loses where fakes are distributed as reals; None if that is open."""
    estimate: Callable[[Tensor, Tensor], Tensor] | None = None
    """Of the scores of reals and of fakes: an estimate from below of what `measures` names."""
    measures: str = ""
    """The distance between the two distributions that the best critic measures."""

    def against(self, real: Tensor, **kinds: tuple[Tensor, float]) -> dict[str, Tensor]:
        """What the critic lowers against several kinds of fakes: for each its scores and weight.

        The term of reals counts once, that of each kind by its weight; a kind without samples
        costs nothing. Not for relative games, whose terms mix reals and fakes.

        Source: Reed et al. 2016, algorithm 1: fakes and reals with wrong labels, a half each;
                Larsen et al. 2016 (VAE-GAN), algorithm 1: reconstructions and samples from the
                prior, one each.
        """
        assert not self.relative
        found: dict[str, Tensor] = {}
        for name, (fake, weight) in kinds.items():
            terms = self.critic_terms(real, fake if len(fake) else torch.zeros_like(real))
            found.setdefault("real", terms["real"])
            found[name] = (weight if len(fake) else 0.0) * terms["fake"]
        return found

    def for_generator(self, fake: Tensor, real: Tensor | None = None) -> dict[str, Tensor]:
        """What the generator lowers; `real` must be there where `relative`."""
        return self.generator_terms(fake, real) if self.relative else self.generator_terms(fake)

    def accuracy(self, real: Tensor, fake: Tensor) -> Tensor:
        """Share of samples on the right side of the border; ties count half."""
        sign = 1.0 if self.higher_is_real else -1.0
        reals, fakes = sign * (real - self.border), sign * (self.border - fake)
        return (reals.sign().mean() + fakes.sign().mean() + 2) / 4


def total(terms: Mapping[str, Tensor]) -> Tensor:
    """The sum of all terms: the loss."""
    return torch.stack(list(terms.values())).sum()
