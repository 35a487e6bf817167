"""Which word was meant: the nearest of a list, by typing slips, swapped words and lost prefixes."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["nearest", "slips"]

LONGEST = 80
"""Longer words are cut before they are compared: a stranger's file must not cost time."""


def slips(a: str, b: str, limit: int | None = None) -> int:
    """Typing slips between two words: letters lost, added, changed, or neighbours swapped.

    With `limit`, anything above it is given as limit + 1.

    Source: optimal string alignment (Damerau 1964, as in Boytsov 2011, section 2.2).
    """
    ceiling = len(a) + len(b) if limit is None else limit
    if abs(len(a) - len(b)) > ceiling:
        return ceiling + 1
    older: list[int] = []
    old = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        new = [i]
        for j, y in enumerate(b, start=1):
            cost = min(old[j] + 1, new[j - 1] + 1, old[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, older[j - 2] + 1)
            new.append(cost)
        if min(new) > ceiling and min(old) > ceiling:
            return ceiling + 1
        older, old = old, new
    return min(old[-1], ceiling + 1)


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `word` was probably meant to be, or None if none is near.

    Words are what stands between dots, underscores and hyphens. The same words in another order
    count half a slip, a candidate's last words alone count 0.9; among equals, the one sharing
    more letters at both ends wins, then the earlier one.
    """
    typed = _plain(word)
    limit = 1 + min(len(typed) // 4, 3)
    best: tuple[float, int] = (limit + 0.5, 0)
    found = None
    for candidate in candidates:
        known = _plain(candidate)
        score = _far(typed, known, int(best[0]))
        rank = (score, -_ends(typed, known))
        if rank < best:
            best, found = rank, candidate
    return found


def _far(typed: str, known: str, limit: int) -> float:
    if typed == known:
        return 0.0
    words, known_words = re.split("[._]", typed), re.split("[._]", known)
    if sorted(words) == sorted(known_words):
        return 0.5
    far: float = slips(typed, known, limit)
    if words == known_words[-len(words) :]:
        far = min(far, 0.9)
    if len(words) == len(known_words) > 1:
        far = min(far, 0.75 + slips(".".join(sorted(words)), ".".join(sorted(known_words)), limit))
    return far


def _plain(word: str) -> str:
    return re.sub(r"[-\s]", "_", word[:LONGEST].lower())


def _ends(a: str, b: str) -> int:
    """Letters shared from the front, and from the back of what is left."""
    shortest = min(len(a), len(b))
    front = next((i for i in range(shortest) if a[i] != b[i]), shortest)
    rest = shortest - front
    back = next((i for i in range(rest) if a[-1 - i] != b[-1 - i]), rest)
    return front + back
