"""Randomness without state: every draw is a function of a seed and a list of words.

    seed_of(seed, "turn", "critic", shard, step)  →  one of 2⁶³ numbers

Nothing has to be saved to resume, and no draw depends on how many came before it. The hash is
BLAKE2b, which gives the same number on every machine and in every process.
"""

from __future__ import annotations

import hashlib

__all__ = ["seed_of"]


def seed_of(*words: int | str) -> int:
    """Hash `words` to an integer in [0, 2⁶³).

    Words are written with their type and length, so (1, 2), (12,) and ("1", 2) all differ.
    """
    digest = hashlib.blake2b(digest_size=8)
    for word in words:
        kind = b"i" if isinstance(word, int) else b"s"
        text = str(word).encode()
        digest.update(kind + len(text).to_bytes(4, "little") + text)
    return int.from_bytes(digest.digest(), "little") >> 1
