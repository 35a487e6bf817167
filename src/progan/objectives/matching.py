"""How far the features of two pictures are from each other, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Float

    Features = Sequence[Float[Tensor, "n _ *_"]]

__all__ = ["feature_distance", "feature_matching"]


def feature_distance(
    found: Features, wanted: Features, weights: Sequence[float]
) -> Float[Tensor, ""]:
    """Σ over layers of w_i · mean |found_i − wanted_i|; nothing flows back into `wanted`.

    Source: Johnson et al. 2016 ("Perceptual losses"), equation 2, with absolute differences as in
            Wang et al. 2018 (pix2pixHD), section 3.2.
    """
    layers = zip(found, wanted, weights, strict=True)
    terms = [w * (a.float() - b.detach().float()).abs().mean() for a, b, w in layers]
    return sum(terms[1:], start=terms[0])


def feature_matching(found: Sequence[Features], wanted: Sequence[Features]) -> Float[Tensor, ""]:
    """Mean over a discriminator's scales of the sum of feature distances over all layers but the
    last, which are scores.

    Source: Wang et al. 2018 (pix2pixHD), equation 4; divided by the scales as in the code published
            with Park et al. 2019 (SPADE).
    """
    each = [
        feature_distance(a[:-1], b[:-1], [1.0] * (len(a) - 1))
        for a, b in zip(found, wanted, strict=True)
    ]
    return sum(each[1:], start=each[0]) / len(each)
