"""A lower bound on how much a picture tells of the code it was drawn from.

    L_I = H(c) + E[log Q(c | G(z, c))] ≤ I(c; G(z, c)),   in nats

H is the true entropy of the code's prior: log K of a categorical code, log 2 of a number that is
uniform on [−1, 1]. With any other entropy it is no bound. Of a categorical code it is at most
log K, where every code can be read off its picture; of a uniform one it has no end, as there is
none to the digits of a number.

Source: Chen et al. 2016 (InfoGAN), equation 4.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

if TYPE_CHECKING:
    from jaxtyping import Float, Int

__all__ = ["categorical_information", "uniform_information"]


def categorical_information(
    logits: Float[Tensor, "n k"], code: Int[Tensor, " n"]
) -> Float[Tensor, ""]:
    """log K + E[log softmax(logits)[code]]: of a code with K equally likely values."""
    return math.log(logits.shape[1]) - cross_entropy(logits, code)


def uniform_information(
    mean: Float[Tensor, "n m"], log_variance: Float[Tensor, "n m"], code: Float[Tensor, "n m"]
) -> Float[Tensor, ""]:
    """Σ over codes of log 2 + E[log N(code; mean, variance)]: of codes uniform on [−1, 1].

    The deviation is Q's own, for each picture and code.
    """
    square = (code - mean).square() * torch.exp(-log_variance)
    surprise = (square + log_variance + math.log(2 * math.pi)) / 2
    return (math.log(2) - surprise).sum(dim=1).mean()
