from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, make_dataclass
from typing import Literal

import pytest
from pydantic import TypeAdapter

from imported import imported
from progan.core.describe import Setting, describe, help_of, schema, summary_of
from progan.core.plan import Stage
from progan.core.recipe import DataSettings, Recipe, TrainSettings
from progan.core.specs import SGD, Adam, Average, DataSpec, RMSprop


@dataclass(frozen=True, kw_only=True)
class Rate:
    """How fast."""

    base: float = 0.5
    """At the
    beginning."""


@dataclass(frozen=True, kw_only=True)
class Slow:
    """Slower."""

    half: int = 3


@dataclass(frozen=True, kw_only=True)
class Paper:
    """A paper in small.

    More about it.
    """

    width: int = 512
    """Of the noise."""
    rate: Rate | Slow = Rate()
    """Which rate."""
    single: Rate = Rate(base=1.0)
    pairs: Mapping[int, int] | None = None
    """By resolution."""
    loss: Literal["a", "b"] = "a"
    betas: tuple[float, float] = (0.0, 0.9)
    stages: tuple[Stage, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Sequel(Paper):
    width: int = 256
    """Of the larger noise."""
    needed: str


def row(rows: tuple[Setting, ...], key: str) -> Setting:
    (found,) = (row for row in rows if row.key == key)
    return found


def test_help_is_the_string_under_the_field_on_one_line() -> None:
    assert help_of(Rate) == {"base": "At the beginning."}
    assert help_of(Paper) == {
        "width": "Of the noise.",
        "rate": "Which rate.",
        "pairs": "By resolution.",
    }


def test_inherited_fields_keep_their_help_unless_it_is_said_anew() -> None:
    assert help_of(Sequel) == {**help_of(Paper), "width": "Of the larger noise."}


def test_a_class_without_source_has_no_help_and_still_a_description() -> None:
    made = make_dataclass("Made", [("a", int, 3)])
    assert describe(made) == (Setting(key="a", type="int", value=3, help=""),)


def test_a_summary_is_the_first_line() -> None:
    assert summary_of(Paper) == "A paper in small."


def test_every_key_is_described_in_order_with_its_type_and_value() -> None:
    assert [(row.key, row.type, row.value, row.group) for row in describe(Paper)] == [
        ("width", "int", 512, False),
        ("rate", "Rate | Slow", None, True),
        ("rate.kind", "Rate | Slow", "Rate", False),
        ("rate.base", "float", 0.5, False),
        ("single", "Rate", None, True),
        ("single.base", "float", 1.0, False),
        ("pairs", "{int: int} | null", None, False),
        ("loss", "a | b", "a", False),
        ("betas", "[float, float]", [0.0, 0.9], False),
        ("stages", "[Stage, …]", [], False),
    ]


def test_a_preset_shows_in_values_and_in_what_departs() -> None:
    rows = describe(Paper, {"width": 64, "single.base": 1.0, "rate": {"kind": "Slow", "half": 3}})
    assert {row.key for row in rows if row.departs} == {
        "width",
        "rate",  # another kind: all of it is new
        "rate.kind",
        "rate.half",
    }
    assert row(rows, "width").value == 64
    assert row(rows, "rate.kind").value == "Slow"
    assert not any(row.departs for row in describe(Paper))


@pytest.mark.parametrize(
    "cls", [Recipe, DataSettings, TrainSettings, Adam, RMSprop, SGD, Average, DataSpec]
)
def test_every_setting_of_ours_has_help(cls: type) -> None:
    without = [row.key for row in describe(cls) if not row.help]
    assert without == []


def test_a_schema_has_descriptions_defaults_and_no_room_for_other_keys() -> None:
    found = schema(Paper)
    assert found["title"] == "Paper"
    assert found["additionalProperties"] is False
    assert "required" not in found
    properties = found["properties"]
    assert properties["width"] == {
        "type": "integer",
        "description": "Of the noise.",
        "default": 512,
    }
    assert properties["loss"] == {"type": "string", "enum": ["a", "b"], "default": "a"}
    assert properties["single"]["properties"]["base"]["description"] == "At the beginning."
    assert properties["single"]["default"] == {"base": 1.0}
    assert json.loads(json.dumps(found)) == found


def test_a_schema_tells_kinds_apart_and_writes_out_what_lists_hold() -> None:
    properties = schema(Paper)["properties"]
    kinds = [choice["properties"]["kind"]["const"] for choice in properties["rate"]["anyOf"]]
    assert kinds == ["Rate", "Slow"]
    assert properties["rate"]["default"] == {"kind": "Rate", "base": 0.5}
    stage = properties["stages"]["items"]
    assert stage["required"] == ["name", "images", "resolution", "batch"]
    assert stage["properties"]["fade"]["default"] is False


def test_a_setting_without_a_default_is_required() -> None:
    assert schema(Sequel)["required"] == ["needed"]


def test_properties_are_what_pydantic_says_of_the_class_itself() -> None:
    theirs = TypeAdapter(Adam).json_schema()["properties"]
    for name, ours in schema(Adam)["properties"].items():
        assert {k: v for k, v in ours.items() if k != "description"} == {
            k: v for k, v in theirs[name].items() if k != "title"
        }


def test_describing_imports_neither_torch_nor_pydantic() -> None:
    code = (
        "from progan.core.describe import describe; "
        "from progan.core.config import Recipe, parse_recipe; describe(Recipe)"
    )
    assert imported(code, "torch", "pydantic", "numpy") == set()
