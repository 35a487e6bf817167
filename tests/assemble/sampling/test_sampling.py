from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from progan.assemble.models.model import load
from progan.assemble.models.notes import Settings, parse_seeds, read_note, seeds_to_text, to_note
from progan.assemble.sampling.like import picture_like
from progan.assemble.sampling.settings import settings_for
from progan.assemble.sampling.sheets import save_picture, save_separate, save_walk, sheet
from progan.assemble.training.runs import newest_run
from progan.core.errors import ConfigError, RoomError

MakeRun = Callable[..., Path]


# Seeds ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("0", [0]),
        ("0,3,600-605", [0, 3, 600, 601, 602, 603, 604, 605]),
        (" 5 , 2-3 ", [5, 2, 3]),
        ("7-7,7", [7, 7]),
        (str(2**63 - 1), [2**63 - 1]),
    ],
)
def test_seeds_read_as_numbers_and_ranges(text: str, seeds: list[int]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize(
    "text",
    [
        *("", ",", "1,", "a", "1-", "-1", "3-1", "1..4", "1 2", "²", "٣", "1_000", "0x10", "1.0"),
        *(str(2**63), "9" * 19, "9" * 30, "0-100000", "0-99999,5", "0-9000000000000000000"),
    ],
)
def test_other_seeds_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(ConfigError, match=r'seeds are ".*--seeds [0-9]'):
        parse_seeds(text)


def test_a_hundred_thousand_seeds_are_the_most() -> None:
    assert len(parse_seeds("0-99999")) == 100_000
    with pytest.raises(ConfigError, match="more than 100,000"):
        parse_seeds("0-100000")


@given(st.lists(st.integers(0, 40) | st.integers(0, 2**63 - 1), min_size=1, max_size=30))
def test_seeds_written_are_read_back(seeds: list[int]) -> None:
    assert parse_seeds(seeds_to_text(seeds)) == seeds


# Sheets ---------------------------------------------------------------------------------------


def test_seeds_and_grid_follow_from_each_other(make_run: MakeRun) -> None:
    model = load(make_run())
    for seeds, grid, expected in (
        (None, None, ("0-15", 4, 4)),
        (None, "6x4", ("0-23", 6, 4)),
        ("0-4", None, ("0-4", 3, 2)),
        ([9], None, ("9", 1, 1)),
        ("1,2,3", "1x5", ("1-3", 1, 5)),
    ):
        made = settings_for(model, seeds=seeds, grid=grid)
        assert (made.seeds, made.columns, made.rows) == expected
    with pytest.raises(ConfigError, match=r"36 seeds do not fit into a grid of 6 x 4.*--grid 6x6"):
        settings_for(model, seeds="0-35", grid="6x4")


def test_a_sheet_holds_each_seeds_picture_at_its_place(make_run: MakeRun) -> None:
    model = load(make_run())
    pixels = np.asarray(sheet(model, settings_for(model, seeds="5,6,7", grid="2x2")))
    assert pixels.shape == (32, 32, 3)
    alone = model.sample([5, 6, 7])
    assert np.array_equal(pixels[:16, :16], alone[0])
    assert np.array_equal(pixels[:16, 16:], alone[1])
    assert np.array_equal(pixels[16:, :16], alone[2])
    assert (pixels[16:, 16:] == 255).all()


def test_a_sheet_that_no_memory_holds_is_refused(make_run: MakeRun) -> None:
    model = load(make_run())
    huge = replace(settings_for(model, seeds="0"), columns=1000, rows=1000)
    with pytest.raises(RoomError, match="16,000 × 16,000 pixels"):
        sheet(model, huge)


def test_separate_pictures_are_those_of_the_sheet(make_run: MakeRun, tmp_path: Path) -> None:
    model = load(make_run(classes=("cat", "dog")))
    counted: list[int] = []
    settings = settings_for(model, seeds="3,900", labels=["dog", "cat"])
    places = save_separate(model, settings, tmp_path / "faces", counted.append)
    assert [p.name for p in places] == ["seed000003.png", "seed000900.png"]
    assert counted == [1, 2]
    alone = model.sample([3, 900], labels=["dog", "cat"])
    for place, picture in zip(places, alone, strict=True):
        assert np.array_equal(np.asarray(Image.open(place)), picture)
    again, note = picture_like(places[1])
    assert (note.seeds, note.labels) == ("900", (0,))
    assert np.array_equal(np.asarray(sheet(again, note)), alone[1])


def test_a_walk_is_filmed_frame_by_frame(make_run: MakeRun, tmp_path: Path) -> None:
    model = load(make_run())
    film = save_walk(model, "0,3,7", tmp_path / "walk.webp", seconds=0.5, fps=12)
    assert (film.frames, film.width) == (6, 256)
    with Image.open(film.path) as picture:
        first = np.asarray(picture.convert("RGB"))
    assert np.array_equal(first[::16, ::16], model.sample([0])[0])
    assert save_walk(model, "4", tmp_path / "wander.gif", seconds=0.2, fps=10).frames == 2
    with pytest.raises(ConfigError, match="seconds is 0"):
        save_walk(model, "0,1", tmp_path / "b.gif", seconds=0)


# The same pixels again (U9) -------------------------------------------------------------------


@pytest.mark.parametrize("count", [24, pytest.param(100, marks=pytest.mark.slow)])
def test_pictures_are_made_again_from_their_notes(
    make_run: MakeRun, tmp_path: Path, count: int
) -> None:
    plain, classes = make_run(150, 325, 450), make_run(name="pets", classes=("cat", "dog"))
    models = [
        load(plain),
        load(plain, at_images=150),
        load(plain, at_images=325),
        load(plain, weights="live"),
        load(classes),
    ]
    chance = random.Random(9)
    for number in range(count):
        model = chance.choice(models)
        size = chance.choice([r for r in model.resolutions if r != 4])
        view = model.at(size, chance.choice([None, round(chance.random(), 3)]))
        pictures = chance.randint(1, 9)
        made = settings_for(
            view,
            seeds=[
                chance.choice([chance.randrange(50), chance.randrange(2**63)])
                for _ in range(pictures)
            ],
            grid=chance.choice([None, "3x3", "9x1", "2x7"]),
            truncation=chance.choice([None, 1.0, chance.uniform(0.05, 1)]),
            labels=chance.choice([None, "dog", [chance.randrange(2) for _ in range(pictures)]])
            if model.classes
            else None,
        )
        place = tmp_path / f"{number}.png"
        picture = save_picture(view, made, place)
        again, note = picture_like(place)
        assert note == made
        assert np.array_equal(np.asarray(sheet(again, note)), np.asarray(picture))
        assert np.array_equal(np.asarray(Image.open(place)), np.asarray(picture))


def test_a_picture_is_made_again_after_its_run_went_on(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(150)
    model = load(run)
    picture = save_picture(model, settings_for(model), tmp_path / "a.png")
    other = make_run(400, name="other")
    shutil.copy(other / "checkpoints" / "000000400.safetensors", run / "checkpoints")
    assert load(run).trained_images == 400
    again, note = picture_like(tmp_path / "a.png")
    assert np.array_equal(np.asarray(sheet(again, note)), np.asarray(picture))


def test_a_picture_is_made_again_from_the_exported_model(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run()
    model = load(run)
    picture = save_picture(model, settings_for(model), tmp_path / "a.png")
    away = model.save_pretrained(tmp_path / "away")
    shutil.rmtree(run)
    with pytest.raises(ConfigError, match="Name the run that holds it: progan sample RUN --like"):
        picture_like(tmp_path / "a.png")
    again, note = picture_like(tmp_path / "a.png", away)
    assert np.array_equal(np.asarray(sheet(again, note)), np.asarray(picture))


def test_a_model_that_changed_is_not_taken_for_the_one_before(
    make_run: MakeRun, tmp_path: Path
) -> None:
    run = make_run()
    model = load(run)
    save_picture(model, settings_for(model), tmp_path / "a.png")
    shutil.rmtree(run)
    make_run(classes=("cat", "dog"))  # in the same place, at the same number of images
    with pytest.raises(ConfigError, match="moved, changed, or no longer kept"):
        picture_like(tmp_path / "a.png")


def test_a_picture_inside_its_moved_run_finds_it(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run()
    model = load(run)
    (run / "samples").mkdir()
    save_picture(model, settings_for(model), run / "samples" / "a.png")
    moved = tmp_path / "elsewhere"
    run.rename(moved)
    assert picture_like(moved / "samples" / "a.png")[0].identity == model.identity


def test_notes_do_not_tell_the_home_folder(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    run = make_run()
    model = load(run)
    assert settings_for(model).run == "~/runs/toys"
    save_picture(model, settings_for(model), tmp_path / "a.png")
    assert str(tmp_path).encode() not in (tmp_path / "a.png").read_bytes()
    assert picture_like(tmp_path / "a.png")[0].identity == model.identity
    monkeypatch.chdir(run.parent)
    assert settings_for(model).run == "toys"


# Notes from strangers -------------------------------------------------------------------------

GOOD = Settings(
    model="a" * 64, run="runs/cats", images=10, seeds="0-3", columns=2, rows=2,
    resolution=16, alpha=1.0,
)  # fmt: skip


def picture_with(folder: Path, text: str, key: str = "progan") -> Path:
    info = PngImagePlugin.PngInfo()
    info.add_text(key, text)
    Image.new("L", (2, 2)).save(folder / "note.png", pnginfo=info)
    return folder / "note.png"


def test_a_good_note_is_read_back(tmp_path: Path) -> None:
    for settings in (GOOD, replace(GOOD, resolution=(8, 16), labels=(1, 2, 0, 1), truncation=0.5)):
        assert read_note(picture_with(tmp_path, to_note(settings)["progan"])) == settings


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("version", 2),
        ("version", True),
        ("model", "A" * 64),
        ("model", "a" * 63),
        ("model", None),
        ("run", 5),
        ("run", "a\nb"),
        ("run", "x" * 5000),
        ("images", -1),
        ("images", 1.5),
        ("images", True),
        ("images", 10**400),
        ("weights", "best"),
        ("weights", ["average"]),
        ("device", "rm -rf"),
        ("seeds", "0-9"),  # ten seeds in a grid of four
        ("seeds", "0-99999999999"),
        ("seeds", [1]),
        ("columns", 0),
        ("rows", 10**9),
        ("truncation", "0.5"),
        ("truncation", 1e999),
        ("truncation", -0.1),
        ("z_std", 0),
        ("z_std", "1"),
        ("z_std", 10**400),
        ("resolution", 0),
        ("resolution", [16]),
        ("resolution", [1, 2, 3]),
        ("resolution", []),
        ("resolution", {"a": 1}),
        ("alpha", 1.01),
        ("alpha", None),
        ("labels", "dog"),
        ("labels", [-1]),
        ("labels", [0, 1]),
        ("labels", []),
        ("labels", [0.0]),
        ("traverse", 1),
        ("way", 1),
        ("way", True),  # four seeds in two rows of two
        ("arithmetic", "0,1 - 2"),  # other seeds
        ("arithmetic", "0,1 - 2,3"),  # three rows of three
        ("arithmetic", 3),
        ("extra", 1),
    ],
)
def test_a_note_with_one_thing_wrong_is_refused(tmp_path: Path, key: str, value: object) -> None:
    plain = json.loads(to_note(GOOD)["progan"])
    with pytest.raises(ConfigError, match="is not one of ours"):
        read_note(picture_with(tmp_path, json.dumps({**plain, key: value})))


@pytest.mark.parametrize(
    "text",
    [
        *("", "{}", "[]", "null", "3", "{", "[" * 30_000, '{"a":' * 9_000, "NaN", "\x00\x01"),
        *('{"version": 1, "version": 1}', "1" * 5_000),
    ],
)
def test_a_note_that_is_no_note_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="is not one of ours"):
        read_note(picture_with(tmp_path, text))


def without(plain: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in plain.items() if name != key}


def test_a_missing_key_is_refused(tmp_path: Path) -> None:
    plain = json.loads(to_note(GOOD)["progan"])
    newer = {"traverse", "to_label", "arithmetic", "way", "z_std", "start", "size"}  # of late
    for key in newer:
        assert read_note(picture_with(tmp_path, json.dumps(without(plain, key)))) == GOOD
    for key in plain.keys() - newer:
        rest = without(plain, key)
        with pytest.raises(ConfigError, match="is not one of ours"):
            read_note(picture_with(tmp_path, json.dumps(rest)))


def test_files_without_a_note_say_so(tmp_path: Path) -> None:
    good = picture_with(tmp_path, to_note(GOOD)["progan"]).read_bytes()
    for content, words in (
        (picture_with(tmp_path, "x", key="Comment").read_bytes(), "carries no note"),
        (picture_with(tmp_path, " " * 70_000).read_bytes(), "carries no note"),  # above 64 kB
        (good[:40], "carries no note"),
        (good[:8] + b"\xff\xff\xff\xfftEXtprogan\x00{}", "carries no note"),
        (good[:8] + b"\x00\x00\xff\x00tEXtprogan\x00{", "is not one of ours"),
        (b"GIF89a", "is not a PNG"),
        (b"", "is not a PNG"),
    ):
        (tmp_path / "p.png").write_bytes(content)
        with pytest.raises(ConfigError, match=words):
            read_note(tmp_path / "p.png")
    with pytest.raises(ConfigError, match="no picture at"):
        read_note(tmp_path / "gone.png")


def test_a_note_too_large_to_be_read_is_not_written() -> None:
    scattered = seeds_to_text(list(range(0, 40_000, 2)))
    with pytest.raises(ConfigError, match="Use ranges"):
        to_note(replace(GOOD, seeds=scattered, columns=200, rows=100))


def test_a_note_makes_nobody_ask_a_server(tmp_path: Path, make_run: MakeRun) -> None:
    for place in ("//server/share/runs/cats", "\\\\server\\share"):
        note = to_note(replace(GOOD, run=place))["progan"]
        with pytest.raises(ConfigError, match="moved, changed, or no longer kept"):
            picture_like(picture_with(tmp_path, note))


def test_a_note_asking_for_what_its_model_lacks_is_refused(
    make_run: MakeRun, tmp_path: Path
) -> None:
    model = load(make_run())
    honest = settings_for(model, seeds="0")
    for lie, words in (
        ({"resolution": 32}, "trained at 4, 8, 16"),
        ({"resolution": 4, "alpha": 0.5}, "nothing fades in"),
        ({"labels": (3,)}, "label that its model does not know"),
    ):
        path = picture_with(tmp_path, to_note(replace(honest, **lie))["progan"])
        with pytest.raises(ConfigError, match=words):
            picture_like(path)


# Which run ------------------------------------------------------------------------------------


def test_the_newest_run_is_the_one_that_saved_last(make_run: MakeRun, tmp_path: Path) -> None:
    first, second = make_run(name="a"), make_run(name="b")
    (tmp_path / "runs" / "z-empty" / "checkpoints").mkdir(parents=True)
    for run, seconds in ((first, 2_000), (second, 1_000)):
        for file in (run / "checkpoints").iterdir():
            os.utime(file, (seconds, seconds))
    assert newest_run(tmp_path / "runs") == first
    with pytest.raises(ConfigError, match="Make one: progan train FOLDER"):
        newest_run(tmp_path / "nowhere")


def test_a_newer_run_that_translates_is_passed_over_where_pictures_are_drawn(
    make_run: MakeRun, tmp_path: Path
) -> None:
    drawing = make_run(name="a")
    newer = tmp_path / "runs" / "z"
    (newer / "checkpoints").mkdir(parents=True)
    (newer / "checkpoints" / "000000001.safetensors").touch()
    (newer / "recipe.lock.yaml").write_text("system: cyclegan\n")
    assert newest_run(tmp_path / "runs") == newer
    assert newest_run(tmp_path / "runs", draws=True) == drawing
