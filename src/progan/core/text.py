"""Text as whole numbers: each word, and each pair of neighbours, becomes the hash of itself.

    "Red hair, glasses"  →  h(red) h(hair) h(glasses) h(red hair) h(hair glasses)

Case and punctuation do not count. There is no list of words, so that no text is unknown; two words
meet in the same number once in 2³¹.

Source: Weinberger et al. 2009, "Feature Hashing for Large Scale Multitask Learning", section 2;
        pairs as in Joulin et al. 2017, "Bag of Tricks for Efficient Text Classification".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

from progan.core.errors import ConfigError
from progan.core.randomness import seed_of

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["MOST_BYTES", "TextEncoder", "cleaned", "gram_rows", "grams", "identity_of"]

MOST_BYTES = 1_000
"""Of a caption, as UTF-8."""
LARGEST = 2**31 - 1
WORD = re.compile(r"\w+|[^\w\s]")


def cleaned(text: str, where: str = "the text") -> str:
    """A caption with single spaces and without control characters.

    Raises: ConfigError for text that is empty, too long, or no Unicode; `where` begins it.
    """
    found = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise ConfigError(f"{where} is not UTF-8. Save it as UTF-8.")
    if not found:
        raise ConfigError(f"{where} is empty; it must say what to draw, in words.")
    if (size := len(found.encode())) > MOST_BYTES:
        raise ConfigError(
            f"{where} has {size:,} bytes; a caption may have {MOST_BYTES:,}. Shorten it."
        )
    return found


@lru_cache(maxsize=2**16)
def grams(text: str) -> tuple[int, ...]:
    """Numbers of the words of `text` and of their pairs, from 1 up; at least one."""
    words = [
        word
        for word in WORD.findall(unicodedata.normalize("NFKC", text).casefold())
        if word not in ".,;:"
    ] or ["."]
    pairs = [f"{one} {other}" for one, other in pairwise(words)]
    return tuple(1 + seed_of("gram", gram) % LARGEST for gram in [*words, *pairs])


def gram_rows(texts: Sequence[str]) -> list[list[int]]:
    """The numbers of each text, filled up with 0 to the longest."""
    rows = [grams(text) for text in texts]
    longest = max(map(len, rows), default=1)
    return [[*row, *[0] * (longest - len(row))] for row in rows]


class TextEncoder(Protocol):
    """Whatever turns texts into vectors."""

    @property
    def name(self) -> str:
        """As people call it."""
        ...

    @property
    def width(self) -> int:
        """Numbers of a vector."""
        ...

    @property
    def sha256(self) -> str:
        """Of the weights or vectors that it reads, as 64 hexadecimal digits."""
        ...

    @property
    def every_text(self) -> bool:
        """Whether it has a vector for any text there is."""
        ...

    def encode(self, texts: Sequence[str]) -> Tensor:
        """The vectors of texts, n f, float32, on the CPU.

        Raises: ConfigError for a text that it has no vector for, DataError where what it reads is
        damaged.
        """
        ...


def identity_of(encoder: TextEncoder) -> str:
    """Name and hash, as data and models remember an encoder."""
    return f"{encoder.name}:{encoder.sha256}"
