"""One picture from file to film: train, resume, sample in other sizes, remake, evaluate."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from progan.assemble.models.model import load
from progan.assemble.models.one_picture import bytes_for, of_one_picture, on_canvas
from progan.assemble.models.stored import open_stored
from progan.assemble.sampling.remake import blended, grown, read_picture, remake
from progan.cli.app import run as progan
from progan.core.errors import ConfigError, DataError, RoomError
from progan.engine import meter
from small_world import Cli
from tiny_run import tiny_run

SETS = ("layers=3", "width=4", "min_size=21", "iterations=2", "train.threads=1")
WORDS = [word for one in (*SETS, "train.precision=fp32") for word in ("--set", one)]
SIZE = (26, 34)


def scene(height: int, width: int) -> np.ndarray:
    y, x = np.meshgrid(np.linspace(0, 1, height), np.linspace(0, 1, width), indexing="ij")
    waves = np.stack([np.sin(9 * x + 4 * y), np.cos(7 * y), np.sin(30 * x * y)], axis=2)
    return np.rint((waves + 1) * 127.5).astype(np.uint8)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a picture, a mask of it, and a run that learnt it."""
    folder = tmp_path_factory.mktemp("one")
    Image.fromarray(scene(*SIZE)).save(folder / "scene.png")
    mask = np.zeros(SIZE, np.uint8)
    mask[8:14, 10:18] = 255
    Image.fromarray(mask).save(folder / "mask.png")
    Image.fromarray(mask[:-1]).save(folder / "other.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert progan(["train", "scene.png", "--system", "singan", "--preset", "cpu", *WORDS]) == 0
    return folder


@pytest.fixture
def here(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(place)
    return place / "runs" / "scene"


def test_a_run_of_one_picture_is_whole(here: Path) -> None:
    stored = open_stored(here)
    assert stored.spec.whole == SIZE
    assert stored.recipe.data.crop == "whole"
    sizes = [stage.resolution for stage in stored.plan.stages]
    assert sizes[-1] == SIZE
    assert len(stored.resolutions) == len(sizes) > 1
    for name in ("report.html", "model/model.safetensors", "timeline.webp", "pictures/real.png"):
        assert (here / name).exists(), name
    review = json.loads((here / "review" / "review.json").read_text())
    assert {row["metric"] for row in review["quality"]} == {"swd7", "diversity"}
    assert "SWD7" in (here / "report.html").read_text()
    with Image.open(here / "pictures" / "real.png") as real:
        assert real.size == (SIZE[1], SIZE[0])


def test_a_run_goes_on_in_the_same_bits_inside_and_between_scales(
    here: Path, tmp_path: Path, cli: Cli
) -> None:
    place = here.parent.parent
    known, whole = open_stored(here).tensors, open_stored(here).plan.images
    for until in (3, 6, 9):
        runs = tmp_path / f"runs{until}"
        words = ["train", place / "scene.png", "--system", "singan", "--preset", "cpu", *WORDS]
        assert cli(*words, "--set", f"train.until={until}", "--runs", runs).code == 0
        assert open_stored(runs / "scene").trained.images == until
        assert cli("resume", runs / "scene", "--images", whole - until).code == 0
        found = open_stored(runs / "scene").tensors
        assert found.keys() == known.keys()
        assert all(torch.equal(found[name], known[name]) for name in known), until


def test_pictures_of_another_size_and_from_another_scale(
    here: Path, tmp_path: Path, cli: Cli
) -> None:
    done = cli("sample", here, tmp_path / "wide.png", "--seeds", "0-1", "--size", "26x68")
    assert done.code == 0
    assert "Memory   about" in done.out
    with Image.open(tmp_path / "wide.png") as sheet:
        assert sheet.size == (2 * 68, 26)
    again = cli("sample", "--like", tmp_path / "wide.png", here, tmp_path / "again.png")
    assert again.code == 0
    pictures = [np.asarray(Image.open(tmp_path / f"{name}.png")) for name in ("wide", "again")]
    np.testing.assert_array_equal(*pictures)
    assert cli("sample", here, tmp_path / "near.png", "--from-scale", "1").code == 0
    model = load(here)
    near = on_canvas(model, 1).sample(range(6)).astype(float).std(axis=0).mean()
    far = model.sample(range(6)).astype(float).std(axis=0).mean()
    assert near < far


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--size", "26x68", "--from-scale", "1"], 2, "leave one out"),
        (["--from-scale", "9"], 2, "has the scales 0, the coarsest, to"),
        (["--size", "4x4"], 2, "a height from .* For example: --size 26x68"),
        (["--size", "26x99999"], 2, "to 16,384 pixels"),
        (["--size", "wide"], 2, 'size is "wide"'),
        (["--size", "26x68", "--walk", "0,1"], 2, "do not go together"),
        (["--size", "16000x16000"], 5, "takes about .* GB of memory .* are free"),
    ],
)
def test_canvases_that_cannot_be_had(
    here: Path, cli: Cli, words: list[str], code: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from progan.assemble.models import one_picture

    if code == 5:
        monkeypatch.setattr(one_picture, "room", lambda device: 3 * 10**9)
        monkeypatch.setattr(one_picture, "held", lambda device: 10**9)
    done = cli("sample", here, *words)
    assert done.code == code
    assert re.search(said, done.err)
    assert len(done.err.strip().splitlines()) <= 6


def test_the_memory_that_is_told_is_about_what_a_picture_takes(here: Path) -> None:
    model = load(here)
    system = of_one_picture(model)
    size = (900, 1200)
    view = on_canvas(model, size=size)
    row = view.latents(0)
    device = torch.device("cpu")
    before = meter.held(device)
    peak = meter.peak_of(device, lambda: view.picture(row))
    if before is None or peak is None:
        pytest.skip("this system does not tell what it holds")
    assert 0.4 < (peak - before) / bytes_for(system, size) < 1.6


def test_every_way_to_remake_a_picture(here: Path, tmp_path: Path, cli: Cli) -> None:
    for kind, more, size in (
        ("paint", [], SIZE),
        ("harmonise", ["--mask", "mask.png"], SIZE),
        ("edit", ["--mask", "mask.png"], SIZE),
        ("larger", ["--times", "2"], (52, 68)),
    ):
        to = tmp_path / f"{kind}.png"
        done = cli("remake", here, "scene.png", "--as", kind, *more, "--to", to)
        assert done.code == 0, done.err
        assert "about" in done.out
        with Image.open(to) as made:
            assert made.size == size[::-1], kind
    done = cli("remake", here, "--as", "film", "--seconds", "1", "--to", tmp_path / "film.gif")
    assert done.code == 0
    with Image.open(tmp_path / "film.gif") as film:
        assert getattr(film, "n_frames", 1) == 10


def test_a_picture_keeps_its_shape(here: Path) -> None:
    model = load(here)
    tall = remake(model, scene(60, 30).transpose(2, 0, 1), "paint").picture
    assert tall.shape[0] / tall.shape[1] == pytest.approx(2, abs=0.05)
    assert tall.shape[0] * tall.shape[1] == pytest.approx(SIZE[0] * SIZE[1], rel=0.05)


def test_beyond_the_grown_mask_a_picture_stays_to_the_last_bit(here: Path) -> None:
    model = load(here)
    picture = read_picture(Path("scene.png"), 3)
    mask = read_picture(Path("mask.png"), 1)
    made = remake(model, picture, "harmonise", mask=mask).picture
    reach = 1  # 7 pixels of 250 are less than one of 34, and a mask grows by at least one
    outside = np.ones(SIZE, bool)
    outside[8 - reach : 14 + reach, 10 - reach : 18 + reach] = False
    np.testing.assert_array_equal(made[outside], picture.transpose(1, 2, 0)[outside])
    assert (made != picture.transpose(1, 2, 0)).any()


def test_a_mask_falls_to_nothing_at_its_grown_border() -> None:
    inside = np.zeros((60, 80), bool)
    inside[20:40, 20:60] = True
    cover = grown(inside, 7, 5)
    assert cover[30, 40] > 0.9
    assert (cover[:, :13] == 0).all()
    assert (cover[:12] == 0).all()
    assert cover[30, 13:21].min() >= 0
    assert (np.diff(cover[30, 13:30]) >= 0).all()  # it rises from the border inwards
    given, made = np.zeros((60, 80, 3), np.uint8), np.full((60, 80, 3), 200, np.uint8)
    mixed = blended(given, made, cover)
    assert mixed[30, 40].min() > 180
    assert (mixed[cover == 0] == 0).all()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["scene.png", "--as", "harmonise"], "needs a mask"),
        (["scene.png", "--as", "harmonise", "--mask", "other.png"], "The mask has 25 × 34 .*26 ×"),
        (["scene.png", "--as", "paint", "--mask", "mask.png"], "takes no mask"),
        (["scene.png", "--as", "draw"], 'Did you mean|"draw" is not a way'),
        (["scene.png", "--as", "film"], "A film is of the training picture"),
        (["--as", "paint"], "There is no picture to paint"),
        (["scene.png", "--as", "paint", "--times", "2"], "--times is for larger"),
        (["scene.png", "--as", "paint", "--seconds", "2"], "--seconds is for films"),
        (["scene.png", "--as", "paint", "--from-scale", "0"], "enters this model at a scale from"),
        (["scene.png", "--as", "larger", "--times", "99"], "--times is 99"),
        (["scene.png", "--to", "a.jpg"], "must end in .png"),
        (["--as", "film", "--pull", "2"], "--pull is 2"),
    ],
)
def test_what_cannot_be_remade_is_told_in_a_line(
    here: Path, cli: Cli, words: list[str], said: str
) -> None:
    done = cli("remake", here, *words)
    assert done.code == 2
    assert re.search(said, done.err)
    assert len(done.err.strip().splitlines()) <= 3


def test_pictures_that_cannot_be_read(here: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no picture at"):
        read_picture(tmp_path / "gone.png", 3)
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(DataError, match=r"text\.png"):
        read_picture(tmp_path / "text.png", 3)
    Image.new("RGB", (300, 5)).save(tmp_path / "flat.png")
    with pytest.raises(DataError, match="each side must have 8"):
        read_picture(tmp_path / "flat.png", 3, least=8)


def test_masks_of_one_colour_are_refused(here: Path) -> None:
    picture, model = read_picture(Path("scene.png"), 3), load(here)
    for value, word in ((0, "black"), (255, "white")):
        with pytest.raises(ConfigError, match=f"The mask is {word} all over"):
            remake(model, picture, "edit", mask=np.full((1, *SIZE), value, np.uint8))


def test_room_is_asked_for_before_a_picture_is_enlarged(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from progan.assemble.models import one_picture

    monkeypatch.setattr(one_picture, "room", lambda device: 10**6)
    monkeypatch.setattr(one_picture, "held", lambda device: 10**6 - 1000)
    with pytest.raises(RoomError, match="Ask for less"):
        remake(load(here), read_picture(Path("scene.png"), 3), "larger", times=8)


def test_a_model_of_many_pictures_is_refused(here: Path, tmp_path: Path) -> None:
    run, _ = tiny_run(tmp_path)
    with pytest.raises(ConfigError, match="learnt from many pictures"):
        remake(load(run), read_picture(Path("scene.png"), 3), "paint")
    with pytest.raises(ConfigError, match="learnt from many pictures"):
        on_canvas(load(run), size=(16, 32))


def test_what_is_measured_is_said_and_written(here: Path, tmp_path: Path, cli: Cli) -> None:
    to = tmp_path / "found.json"
    done = cli("evaluate", here, "--images", "8", "--json", to)
    assert done.code == 0
    for word in ("reconstruction", "SWD7 from scale 0", "diversity from scale 1"):
        assert word in done.out
    found = json.loads(to.read_text())
    assert found["size"] == list(SIZE)
    assert [start["scale"] for start in found["starts"]] == [0, 1]
    assert cli("evaluate", here, "--metrics", "swd").code == 2


def test_one_picture_and_many_are_told_apart(here: Path, cli: Cli) -> None:
    done = cli("train", "scene.png")
    assert done.code == 3
    assert "progan train scene.png --system singan" in done.err
    done = cli("train", "portraits", "--system", "singan")
    assert done.code == 3
    assert "learns from one picture, and portraits holds 20,000" in done.err


def test_a_picture_that_is_too_small_is_told_before_anything_is_made(
    here: Path, tmp_path: Path, cli: Cli
) -> None:
    Image.fromarray(scene(12, 60)).save(tmp_path / "tiny.png")
    done = cli("train", tmp_path / "tiny.png", "--system", "singan", "--runs", tmp_path / "runs")
    assert done.code == 2
    assert "12 × 60 pixels; its shorter side must have" in done.err
    assert not (tmp_path / "runs" / "tiny").exists()
