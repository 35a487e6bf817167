from __future__ import annotations

import pytest
import yaml

from progan.report.outline import outline

RECIPE = {
    "system": "progan",
    "data": {"source": "a # b: 'c' \"d\" {e}", "resolution": 32, "labels": None},
    "set": {"optimizer": {"lr": 0.001, "betas": [0.0, 0.99]}, "note": "word " * 40 + "end"},
    "plan": [{"name": "4", "images": 12000, "fade": False}, {"name": "8 fade", "images": 9000}],
}
EXPECTED = {
    "system": "progan",
    "data.source": "a # b: 'c' \"d\" {e}",
    "data.resolution": "32",
    "data.labels": "null",
    "set.optimizer.lr": "0.001",
    "set.optimizer.betas.0": "0.0",
    "set.optimizer.betas.1": "0.99",
    "set.note": "word " * 40 + "end",
    "plan.0.name": "4",
    "plan.0.images": "12000",
    "plan.0.fade": "false",
    "plan.1.name": "8 fade",
    "plan.1.images": "9000",
}


@pytest.mark.parametrize("width", [40, 80, 10_000])
def test_what_a_yaml_writer_wrote_is_read_back(width: int) -> None:
    assert outline(yaml.safe_dump(RECIPE, sort_keys=False, width=width)) == EXPECTED


def test_hand_written_forms_are_read() -> None:
    recipe = """\
# A recipe
system: progan  # the paper
data: {source: fashion mnist, resolution: 32, more: {a: 'x, y', b: "c: d"}}
plan:
  - {name: '4', images: 200_000}
  - name: "8"
    resolution: [8, 16]
say: 'it''s'
"""
    assert outline(recipe) == {
        "system": "progan",
        "data.source": "fashion mnist",
        "data.resolution": "32",
        "data.more.a": "x, y",
        "data.more.b": "c: d",
        "plan.0.name": "4",
        "plan.0.images": "200_000",
        "plan.1.name": "8",
        "plan.1.resolution": "[8, 16]",
        "say": "it's",
    }


def test_a_cut_recipe_gives_its_first_part() -> None:
    whole = yaml.safe_dump(RECIPE, sort_keys=False)
    for end in range(len(whole)):
        cut = outline(whole[:end])
        complete = list(cut.items())[:-1]
        assert all(EXPECTED.get(place) == value for place, value in complete)


@pytest.mark.parametrize(
    "hostile",
    [
        "{" * 5000,
        "[{" * 5000,
        "- " * 5000,
        "a: " * 5000,
        '"' * 5000,
        "a: &x [*x]",
        ": : :",
        "{a: {b",
    ],
)
def test_nonsense_is_never_an_error(hostile: str) -> None:
    outline(hostile)
