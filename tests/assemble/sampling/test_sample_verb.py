from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from progan.assemble.models.model import load
from progan.core.errors import ConfigError, ProganError
from sampled import pixels_of, run_verb

MakeRun = Callable[..., Path]


def size_of(path: str) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


def test_alone_it_samples_the_newest_run_here(make_run: MakeRun, here: Path) -> None:
    make_run(name="cats")
    printed = run_verb()
    assert size_of("cats.png") == (64, 64)
    assert printed.startswith("cats.png  64 × 64, from runs/cats/checkpoints/")
    assert "450 images" in printed
    # A second time nothing is overwritten unasked.
    run_verb()
    assert size_of("cats-2.png") == (64, 64)


@pytest.mark.parametrize(
    "words",
    [
        "--seeds 0-5 --grid 3x2",
        "--seeds 7 --truncation 0.5 --resolution 8 --alpha 0.25",
        "--label dog --seeds 1-4 --at-images 450 --weights live",
        "--label dog --label cat --seeds 1,2",
        "--arithmetic '1,2,3 - 4-6 + 7' --truncation 0.5",
        "--walk 0,3,7",
    ],
)
def test_the_command_it_prints_gives_the_same_pixels(
    make_run: MakeRun, here: Path, words: str
) -> None:
    run = make_run(name="猫 画像 #1", classes=("cat", "dog"))
    printed = run_verb(run, *shlex.split(words), "first one.png")
    pixels = pixels_of("first one.png")
    again = re.search("Again: progan sample (.*)", printed)
    like = re.search("progan sample (--like .*)", printed)
    assert again is not None
    assert like is not None
    Path("first one.png").rename("kept.png")
    run_verb(*shlex.split(again[1]))
    assert np.array_equal(pixels_of("first one.png"), pixels)
    run_verb(*shlex.split(like[1]), "like.png")
    assert np.array_equal(pixels_of("like.png"), pixels)


def test_a_lone_word_with_a_pictures_ending_is_what_to_write(make_run: MakeRun, here: Path) -> None:
    make_run(name="cats")
    assert "32 frames" in run_verb("--walk", "0,3", "--seconds", "2", "--fps", "16", "walk.gif")
    assert size_of("walk.gif") == (256, 256)
    run_verb("--seeds", "0-3", "--separate", "faces")
    assert sorted(p.name for p in Path("faces").iterdir()) == [
        f"seed00000{k}.png" for k in range(4)
    ]


@pytest.mark.parametrize("out", ["faces", "faces.zip", "faces.npz", ""])
def test_many_are_made_fast_or_exactly(make_run: MakeRun, here: Path, out: str) -> None:
    make_run(name="cats", classes=("cat", "dog"))
    printed = run_verb("--n", 5, "--label", "dog", *([out] if out else []))
    place = out or "cats-pictures"
    assert f"{place}  5 pictures, 16 × 16, from runs/cats/checkpoints/" in printed
    assert "Backend  eager-fp32" in printed
    again = re.search("Again: progan sample (.*)", printed)
    assert again is not None
    assert again[1].endswith(f"--backend eager-fp32 {place}")
    if not Path(place).suffix:
        before = {path: path.read_bytes() for path in Path(place).glob("*.png")}
        assert len(before) == 5
        Path(place, "seed000002.png").unlink()
        run_verb(*shlex.split(again[1]))
        assert {path: path.read_bytes() for path in Path(place).glob("*.png")} == before


def test_exact_ones_are_those_of_a_sheet(make_run: MakeRun, here: Path) -> None:
    run = make_run(name="cats")
    run_verb(run, "two", "--n", 2, "--exact", "--truncation", 0.7, "--resolution", 8)
    run_verb(
        run,
        "two.png",
        "--seeds",
        "0,1",
        "--grid",
        "2x1",
        *["--truncation", "0.7"],
        *["--resolution", "8"],
    )
    pair = [pixels_of(f"two/seed00000{seed}.png") for seed in (0, 1)]
    assert np.array_equal(np.concatenate(pair, axis=1), pixels_of("two.png"))


def test_growth_is_filmed_from_the_snapshots(make_run: MakeRun, here: Path) -> None:
    run = make_run(name="cats")
    for images, size in ((1, 8), (2, 16)):
        Image.new("RGB", (size, size)).save(run / "pictures" / f"{images:09d}_{size:03d}px.png")
    assert "cats-growth.webp  2 frames, 256 × 256" in run_verb("--timelapse")
    run_verb(run, "--timelapse", "--fps", 2, "growth.gif")
    assert size_of("growth.gif") == (256, 256)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--seeds cat", 'seeds are "cat"'),
        ("--grid 0x4", 'grid is "0x4"'),
        ("--grid 2x2 --seeds 0-9", "10 seeds do not fit"),
        ("--truncation 3", "truncation is 3"),
        ("--resolution 64", "trained at 4, 8, 16"),
        ("--resolution big", 'resolution is "big"'),
        ("--resolution ²", 'resolution is "²"'),
        ("--alpha 7", "alpha is 7"),
        ("--label cat", "without classes"),
        ("--n 0", "n is 0"),
        ("--n 5 --seeds 3", "--n and --seeds do not go together"),
        ("--n 5 --grid 2x2", "--n and --grid do not go together"),
        ("--n 5 --separate", "--n and --separate do not go together"),
        ("--n 5 faces.png", "cannot be written as"),
        ("--n 5 --backend quantum", 'backend is "quantum"; it must be one of eager-fp32'),
        ("--n 5 --exact --backend eager-fp32", "leave --backend out"),
        ("--n 5 --label a --label b", "takes one --label for all"),
        ("--exact", "progan sample --n 50000 --exact"),
        ("--backend eager-fp32", "progan sample --n 50000 --backend eager-fp32"),
        ("--n 5 --truncation 3", "truncation is 3"),
        ("--seconds 3", "progan sample --walk 0,3,7 --seconds 3"),
        ("--walk 0,1 --grid 2x2", "--walk and --grid do not go together"),
        ("--like a.png --seeds 3", "--like and --seeds do not go together"),
        ("--timelapse --seeds 3", "--timelapse and --seeds do not go together"),
        ("--separate --grid 2x2", "leave one out"),
        ("--like gone.png", "no picture at gone.png"),
        ("--at-images 3", "no checkpoint at 3 images"),
        ("--walk 0,1 --fps 5 walk.png", "A film cannot be written"),
        ("--walk 3 walk.png", "nowhere to go"),
        ("--walk 0,1 --label cat walk.png", "keeps each seed's own"),
        ("--arithmetic 1,2,3", "takes 2 to 16 terms"),
        ("--arithmetic king", "with commas between, and . or - between blanks"),
        ("--arithmetic 1 --seeds 3", "--arithmetic and --seeds do not go together"),
        ("cats.gif", "films need --walk"),
        ("runs/cats out.jpg", "A picture cannot be written"),
        ("runs/cast", "Did you mean runs/cats"),
        ("runs/cats nowhere/a.png", "mkdir -p nowhere"),
        ("--timelapse", "no snapshots"),
        ("--walk 0,1 --fps 90", "GIF shows"),
        ("--weights best", "average or live"),
        ("--device toaster", "use auto, cpu"),
    ],
)
def test_mistakes_are_told_in_a_few_lines_and_write_nothing(
    make_run: MakeRun, here: Path, words: str, message: str
) -> None:
    make_run(name="cats")
    with pytest.raises(ProganError, match=message) as caught:
        run_verb(*words.split())
    assert len(str(caught.value)) < 400
    assert [p.name for p in here.iterdir()] == ["runs"]


def test_without_a_run_it_says_how_to_make_one(here: Path) -> None:
    with pytest.raises(ConfigError, match="progan train FOLDER"):
        run_verb()


def test_a_users_picture_is_not_overwritten(make_run: MakeRun, here: Path) -> None:
    run = make_run(name="cats")
    Image.new("RGB", (3, 3)).save("holiday.png")
    with pytest.raises(ConfigError, match="not made by progan"):
        run_verb(run, "holiday.png")
    assert size_of("holiday.png") == (3, 3)
    run_verb(run, "mine.png")
    run_verb(run, "--seeds", "0", "mine.png")  # ours, and asked for by name
    assert size_of("mine.png") == (16, 16)


def test_a_walk_through_labels_keeps_them(make_run: MakeRun, here: Path) -> None:
    run = make_run(classes=("cat", "dog"))
    run_verb(run, "--walk", "0,3", "--label", "dog", "--seconds", "0.2", "walk.apng")
    first = pixels_of("walk.apng")[::16, ::16]
    assert np.array_equal(first, load(run).sample([0], labels="dog")[0])


def test_a_row_for_each_class_has_the_same_seeds(make_run: MakeRun, here: Path) -> None:
    run = make_run(name="pets", classes=("cat", "dog"))
    run_verb(run, "rows.png", "--grid-by-class", "--seeds", "3,5,8")
    model = load(run)
    sheet = pixels_of("rows.png")
    assert sheet.shape == (32, 48, 3)
    for row, name in enumerate(("cat", "dog")):
        for column, seed in enumerate((3, 5, 8)):
            cell = sheet[row * 16 : row * 16 + 16, column * 16 : column * 16 + 16]
            assert np.array_equal(cell, model.sample([seed], labels=name)[0])
    run_verb("--like", "rows.png", run, "again.png")
    assert np.array_equal(pixels_of("again.png"), sheet)


def test_labels_and_codes_are_swept_along_rows(make_run: MakeRun, here: Path) -> None:
    run = make_run(name="pets", classes=("cat", "dog"))
    run_verb(run, "sweep.png", "--traverse", "--seeds", "4,7")
    sheet = pixels_of("sweep.png")
    assert sheet.shape == (32, 32, 3)  # two seeds, two classes
    assert np.array_equal(sheet[16:, :16], load(run).sample([7], labels="cat")[0])
    run_verb("--like", "sweep.png", run, "again.png")
    assert np.array_equal(pixels_of("again.png"), sheet)


def test_a_walk_between_labels_of_one_seed_changes_the_label_alone(
    make_run: MakeRun, here: Path
) -> None:
    run = make_run(name="pets", classes=("cat", "dog"))
    run_verb(*(run, "glide.gif", "--walk", "3,3", "--label", "cat", "--label", "dog"), "--fps", 4)
    model = load(run)
    frames = list(model.walk([3, 3], 8, labels=["cat", "dog"]))
    assert np.array_equal(frames[0], model.sample([3], labels="cat")[0])
    assert np.array_equal(frames[4], model.sample([3], labels="dog")[0])
    assert len({frame.tobytes() for frame in frames[:5]}) > 2  # there is a way between


@pytest.mark.parametrize("option", ["--grid-by-class", "--traverse"])
def test_without_classes_or_codes_there_are_no_rows(
    make_run: MakeRun, here: Path, option: str
) -> None:
    run = make_run(name="plain")
    with pytest.raises(ConfigError, match=r"no classes|neither codes nor classes"):
        run_verb(run, "rows.png", option)
    with pytest.raises(ConfigError, match="do not go together"):
        run_verb(run, "rows.png", option, "--grid", "2x2")
