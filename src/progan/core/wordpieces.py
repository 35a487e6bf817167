"""Text as pieces of words from a fixed list, as BERT's networks read it.

    "Smiling cats"  →  [CLS] smiling cats [SEP]        "glassless"  →  [CLS] glass ##less [SEP]

Text is brought to lower case without accents and cut at spaces and punctuation; each word is then
cut into the longest pieces of the list, from its beginning on. A word that cannot be is [UNK].

Source: Schuster and Nakajima 2012 for the pieces; Devlin et al. 2019 (BERT), whose published
        uncased list and rules these are.
Departs: the list's own words for marks, such as [CLS], are read as any other text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

__all__ = ["WordPieces"]

LONGEST_WORD = 100
"""Characters; a longer word is unknown."""
IDEOGRAPHS = (
    *((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F)),
    *((0x2B740, 0x2B81F), (0x2B920, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F)),
)
"""Written without spaces: each is a word."""


class WordPieces:
    """The numbers of a text's pieces. `pieces` is the list, [CLS], [SEP] and [UNK] among them."""

    def __init__(self, pieces: Sequence[str]) -> None:
        self.numbers = {piece: number for number, piece in enumerate(pieces)}
        self.first, self.last, self.unknown = (
            self.numbers[piece] for piece in ("[CLS]", "[SEP]", "[UNK]")
        )

    def __call__(self, text: str, most: int) -> list[int]:
        """At most `most` numbers, [CLS] and [SEP] among them; what follows is left out."""
        found = [number for word in words(text) for number in self._word(word)]
        return [self.first, *found[: most - 2], self.last]

    def _word(self, word: str) -> list[int]:
        if len(word) > LONGEST_WORD:
            return [self.unknown]
        found: list[int] = []
        start = 0
        while start < len(word):
            for end in range(len(word), start, -1):
                piece = word[start:end] if not start else f"##{word[start:end]}"
                if piece in self.numbers:
                    break
            else:
                return [self.unknown]
            found.append(self.numbers[piece])
            start = end
        return found


def words(text: str) -> list[str]:
    """The words of a text, each mark of punctuation a word of its own."""
    plain = unicodedata.normalize("NFD", "".join(_kept(text)))
    plain = "".join(c.lower() for c in plain if unicodedata.category(c) != "Mn")
    return "".join(f" {c} " if _marks(c) else c for c in plain).split()


def _kept(text: str) -> Iterator[str]:
    """Characters with those that say nothing left out, and spaces around ideographs."""
    for c in text:
        if c in "\t\n\r" or unicodedata.category(c) == "Zs":
            yield " "
        elif c in "\0\ufffd" or unicodedata.category(c)[0] == "C":
            continue
        else:
            alone = any(low <= ord(c) <= high for low, high in IDEOGRAPHS)
            yield f" {c} " if alone else c


def _marks(c: str) -> bool:
    """Whether a character is punctuation: by Unicode, or one of ASCII's that is no letter."""
    printed = "!" <= c <= "~" and not c.isalnum()
    return printed or unicodedata.category(c).startswith("P")
