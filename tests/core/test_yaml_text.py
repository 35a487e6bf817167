from __future__ import annotations

import contextlib
import math

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from progan.core.errors import ConfigError
from progan.core.yaml_text import read_yaml, scalar, write_yaml

LETTERS = "aé猫😀 \n\r\t\x00\x07\x85\u2028\ufeff:-?#'\"{}[],&*!|>%@`~=<0129.eE_+/\\"
KEY = st.text(LETTERS, max_size=6) | st.integers(-(10**6), 10**6)
LEAF = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False)
    | st.text(LETTERS, max_size=12)
    | st.sampled_from(["2e-4", "no", "0o7", "1_000", "1:30", "~", ".inf", "010", "<<", "=", "y"])
)
DATA = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEY, inner, max_size=3)
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2e-4", 0.0002),  # a word in YAML 1.1
        ("1E3", 1000.0),
        (".5", 0.5),
        ("3.", 3.0),
        ("-.inf", -math.inf),
        ("600_000", 600_000),
        ("1_000.5", 1000.5),
        ("010", 10),  # 8 in YAML 1.1
        ("0x1F", 31),
        ("0o17", 15),
        ("1:30", "1:30"),  # 90 in YAML 1.1
        ("no", "no"),  # false in YAML 1.1
        ("TRUE", True),
        ("~", None),
        ("", None),
        ("2024-01-01", "2024-01-01"),
        ("1e999", "1e999"),  # too large for a float
        ("9" * 5000, "9" * 5000),
        ("1_", "1_"),
        ("e5", "e5"),
        (".", "."),
    ],
)
def test_unquoted_words_follow_yaml_1_2(text: str, value: object) -> None:
    found = scalar(text)
    assert found == value
    assert type(found) is type(value)


def test_quoted_words_stay_words() -> None:
    assert read_yaml("""[ '3', "true", '', 3 ]""", "r").value == ["3", "true", "", 3]


def test_every_key_and_item_knows_its_line() -> None:
    document = read_yaml("a: 1\nb:\n  c: [x,\n    y]\n\n  4: z\n", "r")
    assert document.value == {"a": 1, "b": {"c": ["x", "y"], 4: "z"}}
    assert document.lines == {
        ("a",): 1,
        ("b",): 2,
        ("b", "c"): 3,
        ("b", "c", 0): 3,
        ("b", "c", 1): 4,
        ("b", 4): 6,
    }


@settings(max_examples=60, deadline=None)
@given(DATA)
def test_what_is_written_is_read_back(data: object) -> None:
    back = read_yaml(write_yaml(data), "r").value
    assert back == data
    assert repr(back) == repr(data)  # types too: 1, 1.0 and True are equal


@settings(deadline=None)
@given(st.text(LETTERS, max_size=40))
def test_words_written_for_us_are_words_for_other_readers(text: str) -> None:
    assert yaml.safe_load(write_yaml([text])) == [text]


BOMB = "a: &a [x,x]\n" + "\n".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]" for i in range(20)
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (BOMB, "anchors"),
        ("a: !!python/object/apply:os.system [echo]", "tags"),
        ("a: !!int 3", "tags"),
        ("[" * 60_000, "nested deeper than 16"),
        ("{a: " * 16_000, "nested deeper than 16"),
        ("- " * 30_000, "nested deeper than 16"),
        ("x" * 70_000, "at most 65,536"),
        ("a: 1\na: 2", 'line 2: "a" stands here again, first on line 1'),
        ("a: 1\n---\nb: 2", "second document"),
        ("[a: 1", "line 1 is not YAML"),
        ("a:\n\t- 1", "line 2 is not YAML"),
        ("a: \x00", "is not YAML"),
        ('"\\UFFFFFFFF"', "is not YAML"),
        ("? [1, 2]\n: 3", "a key must be a word"),
        ("true: 3", "a key must be a word"),
        ("<<: {a: 1}\n? <<\n: 2", "stands here again"),
    ],
    ids=lambda text: text[:12].replace("\x00", "NUL"),
)
def test_hostile_text_is_refused_in_one_line(text: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_yaml(text, "recipe.yaml")
    message = str(caught.value)
    assert says in message
    assert message.startswith("recipe.yaml")
    assert "progan " in message
    assert message.isprintable()
    assert len(message) < 300


@settings(deadline=None)
@given(st.text("ab:-[]{}&*!?|>'\"%@`,# \n\t0\\Ux", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ConfigError):
        read_yaml(text, "r")
