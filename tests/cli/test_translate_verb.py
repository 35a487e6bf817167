"""`progan translate`: files in, files out, whatever their size; and every wrong word told."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from progan.assemble.models.translator import load_translator
from progan.cli.app import run as progan
from progan.systems.registry import SYSTEMS
from small_painter import ENTRY
from small_translator import TINY, train_two
from small_world import Cli


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_two(tmp_path_factory.mktemp("verb"), images=8, name="run").path


@pytest.fixture
def painted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run that paints layouts."""
    monkeypatch.setitem(SYSTEMS, "painter", ENTRY)  # type: ignore[arg-type]
    sets = ("data.images=40", "train.previews=2", "train.threads=1", "train.precision=fp32")
    out = train_two(
        tmp_path, second="portraits-layouts", system="painter", images=256, sets=sets, name="p"
    )
    return out.path


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def opened(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


# Pictures ------------------------------------------------------------------------------------


def test_one_picture_keeps_its_size_and_says_how_it_was_made(
    cli: Cli, trained: Path, here: Path
) -> None:
    Image.fromarray(noise(37, 51)).save(here / "dog.png")
    said = cli("translate", trained, "dog.png")
    assert said.code == 0, said.err
    assert "dog-ab.png  portraits to portraits-ink" in said.out
    made = opened(here / "dog-ab.png")
    np.testing.assert_array_equal(made, load_translator(trained).translate(noise(37, 51), "ab"))
    with Image.open(here / "dog-ab.png") as image:
        note = json.loads(image.info["progan-translate"])
    assert note["direction"] == "ab"
    assert len(note["model"]) == 64


def test_the_other_direction_by_name_or_by_what_comes_out(
    cli: Cli, trained: Path, here: Path
) -> None:
    Image.fromarray(noise(16, 16)).save(here / "dog.png")
    for number, words in enumerate(("ba", "portraits")):
        said = cli("translate", trained, "dog.png", "--direction", words, "--to", f"{number}.png")
        assert said.code == 0, said.err
    assert (here / "0.png").read_bytes() == (here / "1.png").read_bytes()


def test_a_folder_becomes_a_folder_and_a_page(cli: Cli, trained: Path, here: Path) -> None:
    for name, size in (("x/1.png", (20, 30)), ("x/sub/2.jpg", (64, 16)), ("x/sub/3.png", (5, 5))):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise(*size)).save(here / name)
    (here / "x/broken.png").write_bytes(b"\x89PNG\r\nnot")
    said = cli("translate", trained, "x", "--to", "out")
    assert said.code == 0, said.err
    assert "out  3 pictures, portraits to portraits-ink" in said.out
    assert "Not translated: broken" in said.out
    assert opened(here / "out/sub/2.png").shape == (64, 16, 3)
    page = (here / "out/index.html").read_text()
    assert page.count("data:image/webp") == 6
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    again = cli("translate", trained, "x", "--to", "out")  # what we made is made again
    assert again.code == 0, again.err


def test_size_brings_the_shorter_side(cli: Cli, trained: Path, here: Path) -> None:
    Image.fromarray(noise(40, 80)).save(here / "dog.png")
    assert cli("translate", trained, "dog.png", "--size", "16", "--to", "s.png").code == 0
    assert opened(here / "s.png").shape == (16, 32, 3)


def test_a_picture_is_turned_as_exif_says_and_laid_on_the_ground(
    cli: Cli, trained: Path, here: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(noise(16, 32)).save(here / "t.png", exif=exif)
    clear = Image.new("RGBA", (16, 16), (0, 0, 0, 0))
    clear.putpixel((3, 3), (255, 255, 255, 255))
    clear.save(here / "clear.png")
    assert cli("translate", trained, "t.png", "clear.png", "--to", "o", "--no-page").code == 0
    assert opened(here / "o/t.png").shape == (32, 16, 3)
    white = np.full((16, 16, 3), 255, np.uint8)
    np.testing.assert_array_equal(
        opened(here / "o/clear.png"), load_translator(trained).translate(white)
    )
    assert not (here / "o/index.html").exists()


def test_large_pictures_go_in_tiles_and_it_is_said(cli: Cli, trained: Path, here: Path) -> None:
    Image.fromarray(noise(80, 100)).save(here / "big.png")
    said = cli("translate", trained, "big.png", "--tile", "64")
    assert "Note: in tiles of 64 pixels" in said.out
    assert opened(here / "big-ab.png").shape == (80, 100, 3)


def test_frames_become_a_film(cli: Cli, trained: Path, here: Path) -> None:
    (here / "f").mkdir()
    for number in range(3):
        Image.fromarray(noise(16, 16, number)).save(here / f"f/{number:03d}.png")
    said = cli("translate", trained, "f", "--to", "o", "--film", "o.gif", "--fps", "10")
    assert said.code == 0, said.err
    with Image.open(here / "o.gif") as film:
        assert film.n_frames == 3  # type: ignore[attr-defined]
    assert [p.name for p in sorted((here / "o").glob("*.png"))] == ["000.png", "001.png", "002.png"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nothere.png"], "There is no picture or folder at nothere.png"),
        (["dog.png", "--direction", "xy"], "translates ab .portraits to portraits-ink."),
        (["dog.png", "--size", "big"], "--size is .big.; it must be as-is"),
        (["dog.png", "--to", "x.jpg"], "must end in .png"),
        (["dog.png", "dog.png", "--to", "x.png"], "is one file"),
        (["dog.png", "--tile", "3"], "--tile is 3"),
        (["dog.png", "--film", "x.avi"], "must end in .gif"),
        (["dog.png", "--styles", "2"], "without a choice of style"),
        (["bad.png"], "None of them could be translated: bad: no picture"),
        (["empty"], "holds no pictures"),
        (["dog.png", "--to", "mine.png"], "was not made by progan"),
    ],
)
def test_wrong_words_are_told_in_one_line(
    words: list[str], told: str, cli: Cli, trained: Path, here: Path
) -> None:
    Image.fromarray(noise(16, 16)).save(here / "dog.png")
    Image.fromarray(noise(16, 16)).save(here / "mine.png")
    (here / "bad.png").write_bytes(b"<html>")
    (here / "empty").mkdir()
    said = cli("translate", trained, *words)
    assert said.code in (2, 3)  # 3: what was given is at fault
    assert re.search(told, said.err), said.err
    assert "Traceback" not in said.err
    assert len(said.err.strip().splitlines()) == 1


def test_a_run_that_draws_from_noise_does_not_translate(cli: Cli, here: Path) -> None:
    from tiny_run import tiny_run

    run, _ = tiny_run(here)
    Image.fromarray(noise(16, 16)).save(here / "dog.png")
    said = cli("translate", run, "dog.png")
    assert said.code == 2
    assert "does not translate pictures" in said.err


def test_a_translator_is_not_sampled(cli: Cli, trained: Path, here: Path) -> None:
    said = cli("sample", trained)
    assert said.code == 2
    assert "does not make pictures from noise" in said.err


def test_evaluate_tells_both_ways(cli: Cli, trained: Path, here: Path) -> None:
    said = cli("evaluate", trained, "--images", "16", "--repeats", "1", "--json", "e.json")
    assert said.code == 0, said.err
    assert said.out.count("SWD") >= 2
    assert "Translated: portraits-ink to portraits" in said.out
    assert "px, weights as last trained" in said.out  # CycleGAN keeps no average
    found = (here / "e.json").read_text()
    assert "against" in found
    assert '"weights": "live"' in found


def test_train_takes_a_system_and_two_sources(cli: Cli, here: Path) -> None:
    for name in ("a", "b"):
        (here / name).mkdir()
        for number in range(3):
            Image.fromarray(noise(16, 16, number)).save(here / name / f"{number}.png")
    sets = [w for s in TINY if "data." not in s for w in ("--set", s)]
    words = ["train", "cyclegan", "a", "b", "--images", "4", "--resolution", "16", *sets]
    assert progan(words) == 0
    said = cli("translate", "runs/a-b", "b", "--direction", "ba")
    assert said.code == 0, said.err
    assert (here / "a-b-ba/index.html").is_file()
    said = cli("train", "cyclegan", "a", "b", "c")
    assert said.code == 2
    assert '"c" is too much' in said.err


# Layouts -------------------------------------------------------------------------------------


def test_a_class_map_is_painted_in_its_classes_colours(cli: Cli, painted: Path, here: Path) -> None:
    spec = load_translator(painted).stored.spec
    classes = np.zeros((19, 30), np.uint8)
    classes[:, 10:] = 1
    Image.fromarray(classes).save(here / "ids.png")
    Image.fromarray(np.array(spec.layout_colours, np.uint8)[classes]).save(here / "rgb.png")
    said = cli("translate", painted, "ids.png", "rgb.png", "--to", "o")
    assert said.code == 0, said.err
    one, two = (opened(here / f"o/{name}.png") for name in ("ids", "rgb"))
    np.testing.assert_array_equal(one, two)
    assert one.shape == (19, 30, 3)
    assert len(np.unique(one.reshape(-1, 3), axis=0)) == 2


def test_a_map_with_an_unknown_colour_is_told(cli: Cli, painted: Path, here: Path) -> None:
    Image.new("RGB", (8, 8), (1, 2, 3)).save(here / "m.png")
    said = cli("translate", painted, "m.png")
    assert said.code == 2
    assert "#010203 is not in palette.json" in said.err


def test_a_palette_beside_maps_is_read_by_its_names(cli: Cli, painted: Path, here: Path) -> None:
    names = load_translator(painted).stored.spec.layout_names
    rows = {str(50 + n): [name, n, 0, n] for n, name in enumerate(names)}
    (here / "palette.json").write_text(json.dumps(rows))
    Image.fromarray(np.full((8, 8), 51, np.uint8)).save(here / "own.png")
    assert cli("translate", painted, "own.png").code == 0
    (here / "palette.json").unlink()
    Image.fromarray(np.full((8, 8), 1, np.uint8)).save(here / "plain.png")
    assert cli("translate", painted, "plain.png").code == 0
    np.testing.assert_array_equal(opened(here / "own-paint.png"), opened(here / "plain-paint.png"))
    (here / "palette.json").write_text('{"0": ["cat", 1, 2, 3]}')
    said = cli("translate", painted, "plain.png")
    assert "names cat, which is no class of this model" in said.err


def test_maps_are_read_by_the_ids_of_the_training(
    cli: Cli, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SYSTEMS, "painter", ENTRY)  # type: ignore[arg-type]
    for name in ("x/images", "x/layouts"):
        (here / name).mkdir(parents=True)
    for number, id_ in enumerate((7, 26, 7, 26)):
        Image.new("RGB", (8, 8), (30 * number, 9, 9)).save(here / f"x/images/{number}.png")
        Image.new("L", (8, 8), id_).save(here / f"x/layouts/{number}.png")
    (here / "x/palette.json").write_text('{"26": ["car", 0, 0, 142], "7": ["road", 128, 64, 128]}')
    words = ("--system", "painter", "--resolution", "8", "--images", "8")
    said = cli("train", "x", *words, "--set", "train.previews=2", "--set", "train.threads=1")
    assert said.code == 0, said.err
    (here / "x/palette.json").unlink()
    assert cli("translate", "runs/x", "x/layouts/1.png", "--to", "car.png").code == 0
    Image.new("RGB", (8, 8), (0, 0, 142)).save(here / "colours.png")
    assert cli("translate", "runs/x", "colours.png", "--to", "blue.png").code == 0
    np.testing.assert_array_equal(opened(here / "car.png"), opened(here / "blue.png"))
    Image.new("L", (8, 8), 1).save(here / "one.png")
    said = cli("translate", "runs/x", "one.png")
    assert said.code == 2
    assert "1 is not in palette.json" in said.err


def test_styles_of_a_picture_and_at_random(cli: Cli, painted: Path, here: Path) -> None:
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(here / "m.png")
    Image.new("RGB", (8, 8), (255, 255, 255)).save(here / "light.png")
    Image.new("RGB", (8, 8), (0, 0, 0)).save(here / "dark.png")
    words = ("--style", "light.png", "--style", "dark.png", "--styles", "2", "--to", "o")
    said = cli("translate", painted, "m.png", *words)
    assert said.code == 0, said.err
    names = ["m-style-0.png", "m-style-1.png", "m-style-dark.png", "m-style-light.png"]
    assert sorted(p.name for p in (here / "o").glob("*.png")) == names
    light, dark = (opened(here / f"o/m-style-{name}.png") for name in ("light", "dark"))
    assert light.mean() > dark.mean()


def test_a_painter_is_reviewed_beside_the_truth(painted: Path) -> None:
    review = json.loads((painted / "review/review.json").read_text())
    (row,) = review["translations"]
    drawn, own = "pictures in a drawn style", "in the style of the truth"
    assert row["columns"] == ["layouts", drawn, own, "truth"]
    found = {one["of"]: one["psnr"] for one in review["likeness"]}
    assert found["translated"] > found["other truth"]
    assert "copy" not in found
    assert "Nearness to the truth" in (painted / "report.html").read_text()
