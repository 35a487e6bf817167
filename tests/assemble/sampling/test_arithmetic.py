from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from progan.assemble.models.model import Model, load
from progan.assemble.models.notes import parse_sum, sum_to_text
from progan.assemble.sampling.arithmetic import (
    NEIGHBOUR,
    arithmetic_cells,
    mean_of,
    sum_of,
    way_cells,
)
from progan.assemble.sampling.like import picture_like
from progan.assemble.sampling.settings import summed, ways
from progan.assemble.sampling.sheets import save_picture, sheet
from progan.core.errors import ConfigError

MakeRun = Callable[..., Path]


@pytest.fixture
def model(make_run: MakeRun) -> Model:
    return load(make_run(name="cats"))


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("1,2,3 - 4,5,6 + 7,8,9", ((1, (1, 2, 3)), (-1, (4, 5, 6)), (1, (7, 8, 9)))),
        ("1-3 - 4-6", ((1, (1, 2, 3)), (-1, (4, 5, 6)))),  # a range has no blanks around its dash
        ("  5 +  6,7 ", ((1, (5,)), (1, (6, 7)))),
        ("5 − 6", ((1, (5,)), (-1, (6,)))),
    ],
)
def test_sums_are_read_and_written_back(text: str, terms: Any) -> None:
    assert parse_sum(text) == terms
    assert parse_sum(sum_to_text(terms)) == terms


@pytest.mark.parametrize(
    "text",
    ["", "1", "1,2,3", "1+2", "1 - ", "- 1 + 2", "1 * 2", "a - b", "1 - 2-", "0-99 - 1", "1 + 2 +"],
)
def test_what_is_no_sum_is_told_in_one_line_with_an_example(text: str) -> None:
    with pytest.raises(ConfigError, match=r'--arithmetic "1,2,3 - 4,5,6 \+ 7,8,9"') as caught:
        parse_sum(text)
    assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match="at most 32"):
        parse_sum(" + ".join(["1"] * 17))


def test_a_sum_is_that_of_the_means(model: Model) -> None:
    z = {seed: model.latents(seed)["z"] for seed in range(1, 6)}
    torch.testing.assert_close(mean_of(model, [1, 2])["z"], (z[1] + z[2]) / 2)
    found = sum_of(model, parse_sum("1,2 - 3 + 4,5"))["z"]
    torch.testing.assert_close(found, (z[1] + z[2]) / 2 - z[3] + (z[4] + z[5]) / 2)


def test_taking_away_what_was_added_gives_the_first_picture(model: Model) -> None:
    cells = {
        (row, column): one for row, column, one in arithmetic_cells(model, parse_sum("1 + 4 - 4"))
    }
    assert sorted(cells) == [(row, column) for row in range(4) for column in range(2)]
    alone = model.sample([1])[0]
    difference = np.abs(cells[3, 1].astype(int) - alone.astype(int))
    assert difference.max() <= 1  # (z + a) − a rounds
    assert np.array_equal(cells[0, 0], alone)
    assert np.array_equal(cells[0, 1], alone)  # the mean of one is itself


def test_neighbours_lie_within_a_quarter_of_the_sum(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[torch.Tensor] = []
    monkeypatch.setattr(type(model), "picture", lambda self, row: seen.append(row["z"]))
    list(arithmetic_cells(model, parse_sum("1,2,3 - 4")))
    *neighbours, found = seen[-4:]
    for one in neighbours:
        away = (one - found).abs().max()
        assert 0 < away <= NEIGHBOUR
    assert not torch.equal(neighbours[0], neighbours[1])


def test_classes_stay_those_of_the_first_seed(make_run: MakeRun) -> None:
    told = load(make_run(name="dogs", classes=("cat", "dog")))
    found = sum_of(told, parse_sum("1,2 - 3 + 4"))
    assert torch.equal(found["label"], told.latents(1)["label"])


def test_a_way_between_seeds_begins_and_ends_at_them(model: Model) -> None:
    cells = {(row, column): one for row, column, one in way_cells(model, [2, 5, 9], 4)}
    first = model.sample([2, 5, 9])
    assert np.array_equal(cells[0, 0], first[0])
    for place, seed in (((0, 3), 1), ((1, 0), 1), ((1, 3), 2)):
        assert np.abs(cells[place].astype(int) - first[seed].astype(int)).max() <= 1
    assert len(cells) == 8


def test_both_sheets_can_be_made_again_from_their_notes(model: Model, tmp_path: Path) -> None:
    for name, settings, size in (
        ("sum.png", summed(model, "1-3 - 4,5,6", truncation=0.7), (4, 3)),
        ("way.png", ways(model, "0,3,7"), (10, 2)),
    ):
        made = save_picture(model, settings, tmp_path / name)
        assert (made.width, made.height) == (16 * size[0], 16 * size[1])
        again, read = picture_like(tmp_path / name)
        assert np.array_equal(np.asarray(sheet(again, read)), np.asarray(made))


def test_one_seed_has_nowhere_to_go(model: Model) -> None:
    with pytest.raises(ConfigError, match="two or more"):
        ways(model, [3])
