"""What reads texts for a model whose captions' vectors came with its data.

Captions of the data are known to the model itself. For any other text, what made the vectors is
looked for when the text comes: the package of minilm; or the file of an encoder or of vectors,
where it lay when the model was trained, or beside the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from progan.core.errors import ConfigError, DataError
from progan.core.text import TextEncoder
from progan.data.encoders import MINILM, encoder_of

if TYPE_CHECKING:
    from torch import Tensor

    from progan.core.system import System
    from progan.data.pyramid import Pyramid

__all__ = ["Recalled", "TakesVectors", "recall", "take_vectors"]


@runtime_checkable
class TakesVectors(Protocol):
    """A system that can draw from captions' vectors which it did not make."""

    texts: Sequence[str]
    own: bool
    encoder: TextEncoder | None

    def take_vectors(self, vectors: Tensor) -> None:
        """Remember the vectors of `texts`."""
        ...


class Recalled:
    """The encoder that a model was trained with, looked for at the first text it is asked for."""

    every_text = False

    def __init__(self, identity: str, words: str, beside: Path) -> None:
        self.name, _, self.sha256 = identity.partition(":")
        self.words, self.beside = words, beside
        self._found: TextEncoder | None = None

    @property
    def width(self) -> int:
        """Numbers of a vector."""
        return self._encoder().width

    def encode(self, texts: Sequence[str]) -> Tensor:
        """The vectors of texts.

        Raises: ConfigError where the encoder is not here, is another, or has no vector for one.
        """
        return self._encoder().encode(texts)

    def _encoder(self) -> TextEncoder:
        if self._found is None:
            self._found = self._search()
        return self._found

    def _search(self) -> TextEncoder:
        if self.words == MINILM:
            found = encoder_of(MINILM)
            if found is not None and found.sha256 == self.sha256:
                return found
            raise ConfigError(
                f"This model reads texts with {MINILM} of SHA-256 {self.sha256[:12]}…, and this "
                "progan has another. Captions of its data can be asked for without: leave --text "
                "out."
            )
        name = PurePath(self.words.replace("\\", "/")).name
        others = []
        for place in dict.fromkeys((Path(self.words).expanduser(), self.beside / name)):
            if not place.is_file():
                continue
            try:
                found = encoder_of(str(place))
            except DataError:
                found = None
            if found is not None and found.sha256 == self.sha256:
                return found
            others.append(str(place))
        changed = f" ({others[0]} is another one)" if others else ""
        file = "encoder" if name.lower().endswith(".safetensors") else "file of vectors"
        raise ConfigError(
            f"This model has no vector for that text, and the {file} that it was trained "
            f"with is not here{changed}: {name}, SHA-256 {self.sha256[:12]}…. Put it into "
            f"{self.beside}, or ask for a caption of its data."
        )


def take_vectors(system: System, pyramid: Pyramid) -> None:  # type: ignore[type-arg]
    """Tell a system the vectors of the captions it draws from, where the data bring some."""
    import torch

    if pyramid.manifest.vectors and isinstance(system, TakesVectors):
        system.take_vectors(torch.from_numpy(pyramid.vectors_of(system.texts)))


def recall(system: System, identity: str, words: str, path: Path) -> None:  # type: ignore[type-arg]
    """Give a system loaded from the file `path` what read texts when it was trained.

    `identity`: that encoder's name and hash, as the data's spec has it; `words`: data.vectors.
    """
    if isinstance(system, TakesVectors) and not system.own:
        folder = path.parent
        beside = folder.parent if folder.name == "checkpoints" else folder
        system.encoder = Recalled(identity, words, beside)
