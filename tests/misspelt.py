"""Words as people mistype them."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator

__all__ = ["misspellings", "swapped_words"]


def misspellings(key: str, count: int, chance: random.Random) -> Iterator[str]:
    """Single edits at random places: a letter lost, added, changed, or two swapped."""
    for _ in range(count):
        i = chance.randrange(len(key))
        letter, tail = chance.choice(string.ascii_lowercase), key[i + 1 :]
        edits = (tail, letter + key[i:], letter + tail, tail[:1] + key[i] + tail[1:])
        yield key[:i] + chance.choice(edits)


def swapped_words(key: str) -> Iterator[str]:
    """Neighbouring words between dots and underscores exchanged, separators kept in place."""
    marks = [c for c in key if c in "._"]
    words = key.replace(".", "_").split("_")
    for i in range(len(words) - 1):
        turned = [*words[:i], words[i + 1], words[i], *words[i + 2 :]]
        yield "".join(w + m for w, m in zip(turned, [*marks, ""], strict=True))
