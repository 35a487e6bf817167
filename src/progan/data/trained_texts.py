"""A captions' network in a file of its own: trained once, it reads texts for many runs.

    words.weight  1 + k, f       a row for each hash of a word or pair, the first for none
    inner.weight  f, f           outer.weight  f, f           inner.bias  f
    header        `progan`: JSON that says what it is, and what it learned from

The file is a safetensors; nothing in it is ever executed. Its SHA-256 is the encoder's.

Source: as `networks.text`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from progan.core.errors import DataError
from progan.data.records import shown
from progan.data.vectors import MOST_NUMBERS, content_of
from progan.networks.text import OwnTexts, TextVector

__all__ = ["ENDING", "Learned", "TrainedTexts", "packed_texts"]

ENDING = ".safetensors"
KIND = "text encoder"
ENCODED = 1_024
"""Texts that are read at once."""
LARGEST_HEADER = 2**16


@dataclass(frozen=True, kw_only=True)
class Learned:
    """What is known of a trained encoder of texts."""

    data: str
    """Name of the pictures whose captions it learned."""
    data_fingerprint: str
    seed: int
    images: int
    """Pictures shown in training."""
    trained_on: int
    """Different ones among them."""
    tested_on: int
    found: float
    """Share of tested pictures that find their own caption among `among`."""
    among: int


def packed_texts(network: TextVector, learned: Learned) -> bytes:
    """The file of a captions' network."""
    state = {name: tensor.detach().cpu() for name, tensor in network.state_dict().items()}
    return save(state, {"progan": json.dumps({"kind": KIND, **asdict(learned)}, sort_keys=True)})


class TrainedTexts:
    """A trained encoder of texts: `core.text.TextEncoder`.

    Raises: DataError when the file cannot be read, is too large, or holds something else.
    """

    every_text = True

    def __init__(self, path: str | Path) -> None:
        self.path = Path(os.path.expanduser(path))
        self.name = shown(self.path.name)
        content = content_of(self.path)
        self.sha256 = hashlib.sha256(content).hexdigest()
        self._texts = OwnTexts(self._network(content))

    @property
    def width(self) -> int:
        """Numbers of a vector."""
        return self._texts.width

    def encode(self, texts: Sequence[str]) -> Tensor:
        """The vectors of texts, n f, of length √f; there is one for every text."""
        blocks = range(0, len(texts), ENCODED)
        return torch.cat([self._texts.encode(texts[i : i + ENCODED]) for i in blocks])

    def _network(self, content: bytes) -> TextVector:
        try:
            if _header(content).get("kind") != KIND:
                raise self._wrong("is no encoder of texts")
            state = load(content)
        except (SafetensorError, ValueError, RecursionError) as error:
            raise self._wrong("is no whole safetensors file") from error
        words = state.get("words.weight", torch.empty(0))
        if words.ndim != 2 or len(words) < 2 or not 2 <= words.shape[1] <= MOST_NUMBERS:
            raise self._wrong(f"has words of shape {tuple(words.shape)}")
        with torch.device("meta"):
            network = TextVector(buckets=len(words) - 1, features=words.shape[1])
        wanted = {name: tensor.shape for name, tensor in network.state_dict().items()}
        if {name: tensor.shape for name, tensor in state.items()} != wanted:
            raise self._wrong("has other tensors than an encoder's")
        if not all(t.dtype == torch.float32 and bool(t.isfinite().all()) for t in state.values()):
            raise self._wrong("has weights that are no finite numbers of 32 bits")
        network.load_state_dict(state, assign=True)
        return network.eval().requires_grad_(False)

    def _wrong(self, what: str) -> DataError:
        return DataError(
            f"{self.name} {what}. data.vectors takes encoders that progan trained: "
            "progan data train-encoder PATH"
        )


def _header(content: bytes) -> Mapping[str, Any]:
    """What the header says under `progan`. Raises ValueError where there is no such header."""
    size = int.from_bytes(content[:8], "little")
    if not 0 < size <= LARGEST_HEADER:
        raise ValueError("header")
    outer = json.loads(content[8 : 8 + size])
    said = outer.get("__metadata__", {}) if isinstance(outer, dict) else {}
    found = json.loads(said.get("progan", "{}"))
    return found if isinstance(found, dict) else {}
