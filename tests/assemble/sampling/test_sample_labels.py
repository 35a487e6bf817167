"""Labels that are no classes, asked for by name: sheets, rows between two labels, films."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from progan.assemble.models.labels import asked_from_plain, plain, told
from progan.assemble.models.model import Model, load
from progan.assemble.models.walks import label_rows
from progan.core.errors import ConfigError
from progan.core.latents import LatentField
from progan.core.recipe import DataSettings, Recipe
from progan.core.specs import DataSpec
from sampled import pixels_of, run_verb

MakeRun = Callable[..., Path]

SWITCHES = DataSpec(
    resolution=16,
    label_kind="multi-label",
    label_size=2,
    label_names=("glasses", "hat"),
    label_ranges=((0.0, 1.0), (0.0, 1.0)),
    label_rows=((0.0, 1.0), (1.0, 0.0)),
)

NUMBERS = DataSpec(
    resolution=16,
    label_kind="continuous",
    label_size=2,
    label_names=("age", "smile"),
    label_ranges=((20.0, 60.0), (-0.5, 0.5)),
    label_rows=((-1.0, 0.5), (0.25, -1.0), (1.0, 1.0)),
)


@pytest.fixture
def switches(make_run: MakeRun, here: Path) -> Model:
    return load(make_run(name="faces", labels=SWITCHES))


@pytest.fixture
def numbers(make_run: MakeRun, here: Path) -> Model:
    return load(make_run(name="faces", labels=NUMBERS))


def label_of(model: Model, seed: int, *labels: object) -> list[float]:
    asked = model.asked(labels[0], 1) if labels else None  # type: ignore[arg-type]
    row = model.latents(seed, None, asked[0] if asked else None)
    return [round(value, 4) for value in row["label"][0].tolist()]


# what is asked for


def test_named_labels_are_set_and_the_others_stay_as_the_seed_draws_them(switches: Model) -> None:
    drawn = [label_of(switches, seed) for seed in range(12)]
    assert {tuple(row) for row in drawn} == {(0.0, 1.0), (1.0, 0.0)}  # rows of the data
    for seed in range(12):
        assert label_of(switches, seed, "hat=1") == [drawn[seed][0], 1.0]
        assert label_of(switches, seed, "hat=no, glasses=yes") == [1.0, 0.0]
        assert label_of(switches, seed, {"glasses": 0}) == [0.0, drawn[seed][1]]


def test_numbers_are_asked_for_in_the_units_of_the_data(numbers: Model) -> None:
    # 37 of 20 to 60: 2 · 17/40 − 1 = −0.15
    assert label_of(numbers, 3, "age=37")[0] == -0.15
    assert label_of(numbers, 3, {"age": 60, "smile": -0.5}) == [1.0, -1.0]
    assert label_of(numbers, 3, "smile=0.25")[1] == 0.5


def test_other_labels_give_other_pictures(numbers: Model) -> None:
    young, old, again = numbers.sample([1, 1, 1], labels=["age=20", "age=60", "age=20"])
    assert np.array_equal(young, again)
    assert not np.array_equal(young, old)


@pytest.mark.parametrize(
    ("kind", "label", "message"),
    [
        (SWITCHES, "glases=1", "The labels: glasses, hat (0 or 1 each). Did you mean glasses?"),
        (SWITCHES, "3", 'A label is "3"; write names with values'),
        (SWITCHES, "glasses", "such as --label glasses=1,hat=1"),
        (SWITCHES, "glasses=1,glasses=0", "each once"),
        (SWITCHES, "glasses=0.5", 'glasses is "0.5"; it must be 0 or 1'),
        (SWITCHES, "glasses=-1", "it must be 0 or 1"),
        (SWITCHES, "glasses=maybe", "it must be 0 or 1"),
        (NUMBERS, "age=19", 'age is "19"; it must be a number from 20 to 60, as the data\'s'),
        (NUMBERS, "age=nan", "it must be a number from 20 to 60"),
        (NUMBERS, "weight=3", "The labels: age (20 to 60), smile (-0.5 to 0.5)"),
    ],
)
def test_labels_that_cannot_be_are_one_clear_line(
    make_run: MakeRun, here: Path, kind: DataSpec, label: str, message: str
) -> None:
    run = make_run(name="faces", labels=kind)
    with pytest.raises(ConfigError) as error:
        run_verb(run, "--label", label)
    assert message in str(error.value)
    assert len(str(error.value).splitlines()) == 1


# sheets and films


def test_a_label_that_is_asked_for_comes_back_from_the_picture(numbers: Model) -> None:
    printed = run_verb("--label", "age=37", "--seeds", "0-3", "a.png")
    again = re.search("Again: progan sample (.*)", printed)
    assert again is not None
    pixels = pixels_of("a.png")
    assert np.array_equal(pixels[:16, :16], numbers.sample([0], labels="age=37")[0])
    Path("a.png").rename("kept.png")
    run_verb(*shlex.split(again[1]))
    assert np.array_equal(pixels_of("a.png"), pixels)
    run_verb("--like", "kept.png", "like.png")
    assert np.array_equal(pixels_of("like.png"), pixels)


def test_rows_show_each_label_off_and_on(switches: Model) -> None:
    run_verb("--grid-by-class", "--seeds", "5,6", "rows.png")
    wanted = ["glasses=0", "glasses=1", "hat=0", "hat=1"]
    rows = [np.concatenate(list(switches.sample([5, 6], labels=one)), axis=1) for one in wanted]
    assert np.array_equal(pixels_of("rows.png"), np.concatenate(rows))
    run_verb("--like", "rows.png", "again.png")
    assert np.array_equal(pixels_of("again.png"), np.concatenate(rows))


def test_rows_show_each_number_at_five_values(numbers: Model) -> None:
    run_verb("--grid-by-class", "--seeds", "5", "rows.png")
    wanted = [f"age={value}" for value in (20, 30, 40, 50, 60)]
    wanted += [f"smile={value}" for value in (-0.5, -0.25, 0, 0.25, 0.5)]
    rows = [numbers.sample([5], labels=one)[0] for one in wanted]
    assert np.array_equal(pixels_of("rows.png"), np.concatenate(rows))


def test_sweeps_bear_the_names_of_the_labels(numbers: Model) -> None:
    assert [name for name, _ in numbers.traverse(0, steps=2)] == ["age", "smile"]


def test_a_row_goes_from_one_label_to_another(numbers: Model) -> None:
    printed = run_verb("--label", "age=20", "--to-label", "age=60", "--seeds", "4,7", "way.png")
    sheet = pixels_of("way.png")
    assert sheet.shape[:2] == (2 * 16, 10 * 16)
    for row, seed in enumerate((4, 7)):
        for column, age in ((0, 20), (9, 60)):
            cell = sheet[16 * row :, 16 * column :][:16, :16]
            assert np.array_equal(cell, numbers.sample([seed], labels=f"age={age}")[0])
    run_verb("--like", "way.png", "like.png")
    assert np.array_equal(pixels_of("like.png"), sheet)
    again = re.search("Again: progan sample (.*)", printed)
    assert again is not None
    assert "--to-label age=60" in again[1]


def test_classes_are_mixed_on_the_way(make_run: MakeRun, here: Path) -> None:
    run_verb(make_run(name="pets", classes=("cat", "dog", "owl")))
    run_verb("--label", "cat", "--to-label", "owl", "--seeds", "2", "way.png")
    model = load("runs/pets")
    ends = model.sample([2, 2], labels=["cat", "owl"])
    sheet = pixels_of("way.png")
    assert np.array_equal(sheet[:, :16], ends[0])
    assert np.array_equal(sheet[:, -16:], ends[1])
    run_verb("--like", "way.png", "like.png")
    assert np.array_equal(pixels_of("like.png"), sheet)


def test_the_way_is_a_line_in_equal_steps() -> None:
    fields = (
        LatentField(name="z", shape=(2,)),
        LatentField(name="label", shape=(2,), prior="uniform", role="class"),
    )
    z = torch.tensor([[1.0, 2.0]])
    ends = [{"z": z, "label": torch.tensor([row])} for row in ([-1.0, 0.5], [1.0, 0.5])]
    rows = list(label_rows(fields, *ends, 5))
    assert [row["label"].tolist() for row in rows] == [
        [[value, 0.5]] for value in (-1.0, -0.5, 0.0, 0.5, 1.0)
    ]
    assert all(torch.equal(row["z"], z) for row in rows)
    classes = (LatentField(name="c", shape=(), prior="categorical", role="class", choices=3),)
    mixed = (
        LatentField(name="c", shape=(), prior="categorical", role="class", choices=3, mixes=True),
    )
    first, last = {"c": torch.tensor([0])}, {"c": torch.tensor([2])}
    assert [row["c"].tolist() for row in label_rows(mixed, first, last, 3)] == [
        [[1.0, 0.0, 0.0]],
        [[0.5, 0.0, 0.5]],
        [[0.0, 0.0, 1.0]],
    ]
    assert [row["c"].tolist() for row in label_rows(classes, first, last, 3)] == [[0], [2], [2]]


def test_the_way_is_filmed_there_and_back(numbers: Model) -> None:
    words = ["--label", "age=20", "--to-label", "age=60", "--seconds", "1", "--fps", "8"]
    assert "8 frames" in run_verb(*words, "--seeds", "3", "way.gif")
    frames = list(
        numbers.walk([3, 3], 8, labels=["age=20", "age=60"])  # at the middle it is there
    )
    assert np.array_equal(frames[0], numbers.sample([3], labels="age=20")[0])
    assert np.array_equal(frames[4], numbers.sample([3], labels="age=60")[0])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--to-label age=60", "--to-label needs one --label to begin from"),
        ("--label age=20 --label age=30 --to-label age=60", "needs one --label"),
        ("--label age=20 --to-label age=60 --grid 2x2", "do not go together"),
        ("--label age=20 --to-label age=99", 'age is "99"'),
        ("--label age=20 --to-label age=60 --seeds 1,2 w.gif", "shows one seed"),
        ("--label age=20 --to-label age=60 --seconds 3 w.png", "is no film"),
    ],
)
def test_ways_that_cannot_be_are_refused(numbers: Model, words: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        run_verb(*shlex.split(words))


def test_many_have_the_label_that_is_asked_for(numbers: Model) -> None:
    run_verb("runs/faces", "--n", 3, "--label", "age=37", "--exact", "faces")
    assert json.loads(Path("faces/sample.json").read_text())["labels"] == [
        [[0, pytest.approx(-0.15)]]
    ]
    exact = [pixels_of(f"faces/seed00000{seed}.png") for seed in range(3)]
    assert np.array_equal(np.stack(exact), numbers.sample(range(3), labels="age=37"))
    Path("faces/seed000001.png").unlink()
    run_verb("runs/faces", "--n", 3, "--label", "age=37", "--exact", "faces")  # gone on with
    assert np.array_equal(pixels_of("faces/seed000001.png"), exact[1])
    with pytest.raises(ConfigError, match="pictures of another labels"):
        run_verb("runs/faces", "--n", 3, "--label", "age=38", "--exact", "faces")


def test_an_exported_model_knows_its_labels(numbers: Model) -> None:
    there = load(numbers.save_pretrained("exported"))
    assert there.label_names == ("age", "smile")
    assert there.label_ranges == ((20.0, 60.0), (-0.5, 0.5))
    assert np.array_equal(there.sample([1], labels="age=37"), numbers.sample([1], labels="age=37"))
    config = json.loads(Path("exported/config.json").read_text())
    assert config["labels"] == {"age": [20.0, 60.0], "smile": [-0.5, 0.5]}


def test_labels_without_names_go_by_number(make_run: MakeRun, here: Path) -> None:
    spec = DataSpec(resolution=16, label_kind="continuous", label_size=2)
    model = load(make_run(name="points", labels=spec))
    assert label_of(model, 0, "2=-0.5")[1] == -0.5
    recipe = Recipe(
        system="cgan", preset="toy", data=DataSettings(source="/x", resolution=16), set={}
    )
    assert load(make_run(name="game", labels=spec, recipe=recipe)).label_names == ("1", "2")


# notes from strangers


def test_what_was_asked_survives_its_plain_form() -> None:
    for asked in (3, ((0, 1.0), (5, -0.25)), ()):
        assert asked_from_plain(json.loads(json.dumps(plain(asked)))) == asked


@pytest.mark.parametrize(
    "value",
    [
        -1,
        True,
        1.5,
        "1",
        [[0]],
        [[0, 2.0]],
        [[0, "1"]],
        [[-1, 0.0]],
        [[0, 0.0], [0, 1.0]],
        [[1e9, 0]],
    ],
)
def test_what_nobody_can_have_asked_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="labels is not what it must be"):
        asked_from_plain(value)


def test_rows_that_ask_for_nothing_stay_as_they_are() -> None:
    field = LatentField(name="label", shape=(2,), prior="uniform", role="class")
    rows = torch.tensor([[0.1, 0.2], [0.3, 0.4]])
    found = told((field,), {"label": rows}, [None, ((1, -1.0),)])
    assert torch.equal(found["label"], torch.tensor([[0.1, 0.2], [0.3, -1.0]]))
    assert torch.equal(rows, torch.tensor([[0.1, 0.2], [0.3, 0.4]]))
