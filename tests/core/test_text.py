"""Text as numbers: words and pairs, whatever their case; and what is refused."""

from __future__ import annotations

import pytest

from progan.core.errors import ConfigError
from progan.core.text import MOST_BYTES, cleaned, gram_rows, grams


def test_a_text_is_its_words_and_the_pairs_of_neighbours() -> None:
    red, hair, pair = grams("red hair")
    assert grams("red") == (red,)
    assert grams("hair") == (hair,)
    assert pair not in (red, hair)
    assert set(grams("hair red")) & {red, hair} == {red, hair}
    assert pair not in grams("hair red")  # the order of a pair counts


def test_case_and_punctuation_do_not_count() -> None:
    assert grams("Red hair, glasses.") == grams("RED hair glasses")
    assert grams("ﬁne") == grams("fine")  # a ligature is its letters


def test_no_text_is_without_a_number_and_none_is_zero() -> None:
    assert len(grams("...")) == 1
    assert all(number > 0 for number in grams("猫 и 🙂 the cat"))
    assert len(grams("🙂 🐈")) == 3


def test_rows_are_filled_with_zeros_to_the_longest() -> None:
    short, long = gram_rows(["red", "red hair"])
    assert short == [*grams("red"), 0, 0]
    assert long == list(grams("red hair"))


def test_captions_lose_what_is_no_letter_and_double_spaces() -> None:
    assert cleaned("  a\tred\x00 \n cat ") == "a red cat"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("  \n", "cats.txt is empty"),
        ("a" * (MOST_BYTES + 1), "cats.txt has 1,001 bytes"),
        ("a\udc80", "cats.txt is not UTF-8"),
    ],
)
def test_what_is_no_caption_is_told_in_one_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        cleaned(text, "cats.txt")
    assert "\n" not in str(caught.value)
