"""A caption to a vector, and a picture to the same space, so that one can be found by the other.

    φ(t) = √f · v / ‖v‖,   v = W (h + relu(U h)),   h = Σ over words and pairs of E[gram] / √count

The vectors of a picture and of its caption are taught to point the same way.

Source:  Reed et al. 2016, "Learning Deep Representations of Fine-Grained Visual Descriptions",
         section 4, for the joint space; hashed words and pairs as in `core.text`.
Departs: a bag of words and pairs in place of a recurrent network over characters; the pictures'
         network is small and learns with it, there it is a GoogLeNet that was trained before.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from progan.core.text import gram_rows

if TYPE_CHECKING:
    from jaxtyping import Float, Int

__all__ = ["OwnTexts", "PictureVector", "TextVector", "lengthened"]


def lengthened(vector: Float[Tensor, "*n f"]) -> Float[Tensor, "*n f"]:
    """√f · v / ‖v‖: vectors of one length, whose numbers are about 1."""
    return math.sqrt(vector.shape[-1]) * normalize(vector.float(), dim=-1)


class TextVector(nn.Module):
    """Rows of hashed words (`core.text.grams`, 0 for none) to vectors of length √f.

    `buckets` is the number of words and pairs that are told apart.
    """

    def __init__(self, *, buckets: int, features: int) -> None:
        super().__init__()
        self.buckets, self.features = buckets, features
        self.words = nn.Embedding(buckets + 1, features, padding_idx=0)
        self.inner = nn.Linear(features, features)
        self.outer = nn.Linear(features, features, bias=False)

    def forward(self, grams: Int[Tensor, "n g"]) -> Float[Tensor, "n f"]:
        """The vectors of captions."""
        there = grams > 0
        found = self.words(torch.where(there, 1 + grams % self.buckets, 0))
        count = there.sum(dim=1, keepdim=True).clamp(min=1)
        h = found.sum(dim=1) / count.sqrt()
        return lengthened(self.outer(h + self.inner(h).relu()))


class PictureVector(nn.Module):
    """Pictures to vectors of length √f: strided convolutions down to 4×4, then one dense layer."""

    def __init__(self, *, resolution: int, channels: int, features: int, width: int = 32) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs, outputs = channels, width
        for _ in range(resolution.bit_length() - 3):
            layers += [nn.Conv2d(inputs, outputs, 4, 2, 1), nn.LeakyReLU(0.2)]
            inputs, outputs = outputs, min(2 * outputs, 8 * width)
        self.body = nn.Sequential(*layers, nn.Flatten(), nn.Linear(16 * inputs, features))
        self.features = features

    def forward(self, image: Float[Tensor, "n c h w"]) -> Float[Tensor, "n f"]:
        """The vectors of pictures."""
        return lengthened(self.body(image))


class OwnTexts:
    """A captions' network as an encoder of texts: `core.text.TextEncoder`."""

    name = "own"
    every_text = True

    def __init__(self, network: TextVector) -> None:
        self.network = network

    @property
    def width(self) -> int:
        """Numbers of a vector."""
        return self.network.features

    @property
    def sha256(self) -> str:
        """Of the weights as they are now."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self.network.state_dict().items()):
            digest.update(f"{name} {tuple(tensor.shape)}\n".encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    @torch.no_grad()
    def encode(self, texts: Sequence[str]) -> Tensor:
        """The vectors of texts, n f, on the CPU; there is one for every text."""
        device = self.network.words.weight.device
        found: Tensor = self.network(torch.tensor(gram_rows(texts), device=device))
        return found.cpu()
