"""The network of all-MiniLM-L6-v2: a sentence's word pieces to one vector of length 1.

    h⁰ = LN(E[piece] + P[place] + S)
    a  = LN(h + W softmax(q kᵀ / √32) v),   h' = LN(a + W gelu(W a)),   six times
    φ  = mean over pieces of h⁶, divided by its length

Source: Devlin et al. 2019 (BERT), section 3; Wang et al. 2020 (MiniLM) for its size; Reimers and
        Gurevych 2019 (Sentence-BERT), section 3, for the mean. Names of parameters as in the
        published file of weights.
Departs: nowhere. Sentences of other lengths come in batches of their own, so that none is filled
        up and nothing needs a mask.
Checked: run beside transformers 5.23 on random weights (tests/golden/minilm_reference.json).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, normalize, scaled_dot_product_attention

if TYPE_CHECKING:
    from jaxtyping import Float, Int

__all__ = ["SentenceNetwork"]

SMALL = 1e-12
"""Added to variances."""


class Embeddings(nn.Module):
    """Pieces, their places, and the kind of sentence, which is always the first."""

    def __init__(self, *, pieces: int, places: int, width: int) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(pieces, width)
        self.position_embeddings = nn.Embedding(places, width)
        self.token_type_embeddings = nn.Embedding(2, width)
        self.LayerNorm = nn.LayerNorm(width, eps=SMALL)

    def forward(self, pieces: Int[Tensor, "n t"]) -> Float[Tensor, "n t f"]:
        """The first layer's input."""
        places = self.position_embeddings.weight[: pieces.shape[1]]
        kind = self.token_type_embeddings.weight[0]
        h: Tensor = self.LayerNorm(self.word_embeddings(pieces) + places + kind)
        return h


class Joined(nn.Module):
    """A dense layer whose output is added to what came before, and normalized."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, width)
        self.LayerNorm = nn.LayerNorm(width, eps=SMALL)

    def forward(
        self, x: Float[Tensor, "n t i"], before: Float[Tensor, "n t f"]
    ) -> Float[Tensor, "n t f"]:
        """LN(before + W x)."""
        h: Tensor = self.LayerNorm(before + self.dense(x))
        return h


class Layer(nn.Module):
    """Attention among the pieces, then two dense layers on each."""

    def __init__(self, *, width: int, inner: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        looks = {name: nn.Linear(width, width) for name in ("query", "key", "value")}
        self.attention = nn.ModuleDict(
            {"self": nn.ModuleDict(looks), "output": Joined(width, width)}
        )
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(width, inner)})
        self.output = Joined(inner, width)

    def forward(self, h: Float[Tensor, "n t f"]) -> Float[Tensor, "n t f"]:
        """The next layer's input."""
        looks = self.attention["self"]
        query, key, value = (
            looks[name](h).unflatten(2, (self.heads, -1)).transpose(1, 2)  # type: ignore[index]
            for name in ("query", "key", "value")
        )
        seen = scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        a = self.attention["output"](seen, h)
        out: Tensor = self.output(gelu(self.intermediate["dense"](a)), a)
        return out


class SentenceNetwork(nn.Module):
    """Rows of word pieces, all of the same length, to vectors of length 1."""

    def __init__(
        self,
        *,
        pieces: int = 30_522,
        places: int = 512,
        width: int = 384,
        inner: int = 1_536,
        layers: int = 6,
        heads: int = 12,
    ) -> None:
        super().__init__()
        self.embeddings = Embeddings(pieces=pieces, places=places, width=width)
        each = [Layer(width=width, inner=inner, heads=heads) for _ in range(layers)]
        self.encoder = nn.ModuleDict({"layer": nn.Sequential(*each)})

    def forward(self, pieces: Int[Tensor, "n t"]) -> Float[Tensor, "n f"]:
        """The vectors of sentences."""
        h = self.encoder["layer"](self.embeddings(pieces))
        return normalize(torch.mean(h, dim=1))
