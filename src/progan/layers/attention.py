"""Self-attention: every place of a picture may look at every other.

    β_ij = softmax over j of ⟨θ(x)_i, φ(x)_j⟩,    o_i = Σ_j β_ij g(x)_j,    y = x + γ o

θ, φ and g are 1×1 convolutions, and γ one number that starts at 0, so the layer starts as none; it
may end on either side of it. Scores are not divided by the root of their width. There are two
published forms:

              pooled (the authors' code)             full
    θ, φ      c → c/8, no bias                       c → c/8, with bias
    g         c → c/2, then c/2 → c, no bias         c → c, with bias
    j over    2×2 maxima of φ and g                  all places

Source: Zhang et al. 2019, "Self-Attention Generative Adversarial Networks", section 3; pooled:
        brain-research/self-attention-gan, non_local.py; full: heykeetae/Self-Attention-GAN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from progan.layers.spectral import with_spectral_norm

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["AttentionForm", "SelfAttention"]

AttentionForm = Literal["pooled", "full"]


class SelfAttention(nn.Module):
    """Add to each place what it finds by looking at the others.

    With `spectral_norm` its convolutions have it. A map of h w places costs (h w)² numbers a
    picture, or a quarter of that where it is pooled; then h and w must be even.
    """

    def __init__(
        self, channels: int, *, form: AttentionForm = "pooled", spectral_norm: bool = True
    ) -> None:
        super().__init__()
        self.pools = form == "pooled"
        narrow, half, biased = max(1, channels // 8), max(1, channels // 2), not self.pools
        self.query = nn.Conv2d(channels, narrow, 1, bias=biased)
        self.key = nn.Conv2d(channels, narrow, 1, bias=biased)
        self.value = nn.Conv2d(channels, half if self.pools else channels, 1, bias=biased)
        self.out = nn.Conv2d(half, channels, 1, bias=False) if self.pools else None
        self.gamma = nn.Parameter(torch.zeros(()))
        if spectral_norm:
            with_spectral_norm(self)

    def attention(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n i j"]:
        """β: for each place, in rows from above, a share for each place that is looked at."""
        query, key = self.query(x), self._seen(self.key(x))
        return (query.flatten(2).transpose(1, 2) @ key.flatten(2)).softmax(dim=2)

    def _seen(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c a b"]:
        """The places that are looked at."""
        return max_pool2d(x, 2) if self.pools else x

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Look around in `x`."""
        value = self._seen(self.value(x)).flatten(2)
        found = value @ self.attention(x).to(value.dtype).transpose(1, 2)  # n c i
        found = found.view(*found.shape[:2], *x.shape[2:])
        return x + self.gamma * (found if self.out is None else self.out(found))
