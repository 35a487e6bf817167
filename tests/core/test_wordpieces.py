"""Texts are cut into pieces by BERT's rules."""

from __future__ import annotations

import pytest

from progan.core.wordpieces import WordPieces, words

PIECES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "glass", "##less", "##es", "cat", "猫", ",", "$")


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Glassless cat", [2, 4, 5, 7, 3]),
        ("glasses,cat", [2, 4, 6, 9, 7, 3]),
        ("猫猫 cat$", [2, 8, 8, 7, 10, 3]),  # each ideograph is a word
        ("catx", [2, 1, 3]),  # no piece ends it: the whole word is unknown
        ("cát\u200b", [2, 7, 3]),  # accents and marks without width do not count
        ("c" * 101, [2, 1, 3]),
        ("", [2, 3]),
    ],
)
def test_a_text_becomes_its_longest_pieces(text: str, pieces: list[int]) -> None:
    assert WordPieces(PIECES)(text, 10) == pieces


def test_what_is_too_long_is_left_out_but_for_its_end() -> None:
    assert WordPieces(PIECES)("cat cat cat cat", 4) == [2, 7, 7, 3]


def test_words_are_cut_at_spaces_and_marks() -> None:
    assert words("A\tb\u00a0c-d!\r\n«e»") == ["a", "b", "c", "-", "d", "!", "«", "e", "»"]
    assert words("ΣΊΣΥΦΟΣ \0É") == ["σισυφοσ", "e"]
