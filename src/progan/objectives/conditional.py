"""Objectives of games with labels, beside the adversarial ones. All without weights.

Labels come as rows: one-hot for classes, 0 and 1 for each of several labels, or numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, softplus

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    Scores = Float[Tensor, " n"]

__all__ = ["LabelKind", "label_loss", "match_critic", "match_generator"]

LabelKind = Literal["class", "multi-label", "continuous"]


def label_loss(
    outputs: Float[Tensor, "n k"], y: Float[Tensor, "n k"], kind: LabelKind = "class"
) -> Float[Tensor, ""]:
    """How badly `outputs` tell the labels `y`: −log Q(y|x), summed over a label's numbers.

    class         −Σₖ yₖ log softmax(outputs)ₖ: outputs are logits, and no softmax comes before
    multi-label   Σₖ log(1 + e^(∓ outputsₖ)), each a coin of its own
    continuous    ½ Σₖ (outputsₖ − yₖ)²: a normal of deviation 1, without its constant

    Source: Odena et al. 2017 (AC-GAN), equation 3, for classes.
    """
    if kind == "class":
        return cross_entropy(outputs, y)
    if kind == "multi-label":
        return binary_cross_entropy_with_logits(outputs, y, reduction="none").sum(1).mean()
    return (outputs - y).square().sum(1).mean() / 2


def match_critic(
    right: Scores, wrong: Float[Tensor, " m"], fake: Float[Tensor, " f"] | None = None
) -> dict[str, Float[Tensor, ""]]:
    """−log σ(m(x, y)) of real pictures with their labels, −log(1 − σ(m)) with others.

    `wrong` is empty where a batch has no other label; then its term is 0. With `fake`, fakes with
    the labels they were drawn from count as not matching too.
    """
    terms = {"right": softplus(-right).mean(), "wrong": softplus(wrong).sum() / max(1, len(wrong))}
    if fake is not None:
        terms["fake match"] = softplus(fake).mean()
    return terms


def match_generator(fake: Scores) -> Float[Tensor, ""]:
    """−log σ(m(G(z, y), y)): fakes should match their labels."""
    return softplus(-fake).mean()
