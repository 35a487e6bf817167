"""The two sides of a variational bound: how far a code may stray from its prior, and how well what
is drawn from it matches.

    −log p(x) ≤ KL(q(z|x) ‖ p(z)) − E_q[log p(x|z)]

Both are sums over numbers and means over the batch, in nats: weights of one against the other mean
nothing in any other reduction.

Source: Kingma & Welling 2014, "Auto-Encoding Variational Bayes", equations 3 and 10.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["kl_to_normal", "normal_error"]


def kl_to_normal(
    mean: Float[Tensor, "n k"], log_variance: Float[Tensor, "n k"]
) -> Float[Tensor, ""]:
    """KL(N(μ, σ²) ‖ N(0, 1)) = ½ Σ over k of (μ² + σ² − 1 − log σ²), on average over the batch.

    Source: Kingma & Welling 2014, appendix B.
    """
    each = mean.square() + log_variance.exp() - 1 - log_variance
    return each.sum(dim=1).mean() / 2


def normal_error(
    found: Float[Tensor, "n k *space"], wanted: Float[Tensor, "n k *space"]
) -> Float[Tensor, ""]:
    """½ Σ over features of (found − wanted)², on average over the batch.

    It is −log N(wanted; found, 1) but for ½ log 2π a feature, which nothing can change.

    Source: Larsen et al. 2016 (VAE-GAN), equation 8, for features of a discriminator.
    """
    return (found - wanted).square().flatten(1).sum(dim=1).mean() / 2
