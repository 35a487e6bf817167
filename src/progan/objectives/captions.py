"""Games of pictures and captions: does a picture suit a caption, and which caption is whose?

    discriminator   −E log σ(a(x, t)) − ½ (E log(1 − σ(a(x', t))) + E log(1 − σ(a(G, t))))
    joint space     −½ E log softmax_j(s_ij / τ)_i − ½ E log softmax_j(s_ji / τ)_i

x' is a picture of something else than the caption t says, G is drawn from t, s is a cosine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize, softplus

if TYPE_CHECKING:
    from jaxtyping import Float, Int

__all__ = ["joint_embedding", "others", "pairs_critic"]


def others(kind: Int[Tensor, " n"]) -> tuple[Int[Tensor, " n"], Int[Tensor, " n"]]:
    """For each example one of another kind, drawn evenly; and 1 where there is one, else 0.

    Where a batch has no other kind, the first number is the example's own.

    Source: Reed et al. 2016, "Generative Adversarial Text to Image Synthesis", section 4.1.
    """
    differs = kind[:, None] != kind
    found = differs.any(dim=1)
    own = torch.eye(len(kind), dtype=torch.bool, device=kind.device)
    chances = torch.where(found[:, None], differs, own).float()
    return torch.multinomial(chances, 1).squeeze(1), found.long()


def pairs_critic(
    right: Float[Tensor, " n"],
    wrong: Float[Tensor, " n"],
    fake: Float[Tensor, " n"],
    found: Int[Tensor, " n"],
) -> dict[str, Float[Tensor, ""]]:
    """The discriminator's terms; of `wrong` only those count that are `found`.

        sp(−a(x, t)) + ½ sp(a(x', t)) + ½ sp(a(G, t)),   sp(a) = log(1 + eᵃ)

    Source: Reed et al. 2016, "Generative Adversarial Text to Image Synthesis", algorithm 1;
            Zhang et al. 2017 (StackGAN), section 3.3.
    """
    share = found.to(wrong.dtype)
    return {
        "real": softplus(-right).mean(),
        "wrong": (softplus(wrong) * share).sum() / share.sum().clamp(min=1) / 2,
        "fake": softplus(fake).mean() / 2,
    }


def joint_embedding(
    picture: Float[Tensor, "n f"],
    text: Float[Tensor, "n f"],
    kind: Int[Tensor, " n"],
    temperature: float,
) -> dict[str, Float[Tensor, ""]]:
    """Each picture finds its caption among those of the batch, and each caption its picture.

    Captions of pictures of the same kind are not held against it.

    Source: Reed et al. 2016, "Learning Deep Representations of Fine-Grained Visual Descriptions",
            equation 4, symmetric in both.
    Departs: by softmax and cross-entropy, where there it is a margin; in nats.
    """
    likeness = normalize(picture) @ normalize(text).T / temperature
    same = kind[:, None] == kind
    own = torch.eye(len(kind), dtype=torch.bool, device=kind.device)
    likeness = likeness.masked_fill(same & ~own, -1e4)
    target = torch.arange(len(kind), device=kind.device)
    return {
        "caption": cross_entropy(likeness, target) / 2,
        "picture": cross_entropy(likeness.T, target) / 2,
    }
