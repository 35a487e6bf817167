from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from progan.data.packaged import packaged
from progan.data.pyramid import Pyramid
from small_world import Cli, damage, draw_pictures, listing

NAMES = ["猫 画像 #1", "🐈 & 'cats' $HOME", "-x=1 [a] %s"]


def pixels(path: str) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_check_counts_names_and_changes_nothing(cli: Cli, here: Path) -> None:
    draw_pictures(here / "cats")
    (here / "cats" / "cut.png").write_bytes((here / "cats" / "0.png").read_bytes()[:60])
    (here / "cats" / "notes.txt").write_text("not a picture")
    Image.new("RGB", (3, 3)).save(here / "cats" / "tiny.png")
    before = {path: path.read_bytes() for path in (here / "cats").iterdir()}
    said = cli("data", "check", "cats", "--resolution", "16")
    assert said.code == 0
    assert "6 pictures used of 8  (1 unreadable, 1 too small)" in said.out
    assert re.search(r"Not used unreadable +cut.png: ", said.out)
    assert re.search(r"too small +tiny.png: ", said.out)
    assert "files that are no pictures, left out: 1" in said.out
    assert {path: path.read_bytes() for path in (here / "cats").iterdir()} == before
    assert listing(here) == ["cats", *sorted(f"cats/{path.name}" for path in before)]


def test_check_names_a_few_findings_and_all_when_asked(cli: Cli, here: Path) -> None:
    draw_pictures(here / "cats", 2)
    for number in range(20):
        (here / "cats" / f"empty{number:02d}.png").touch()
    said = cli("data", "check", "cats")
    assert said.out.count(": 0 bytes") == 12
    assert "and 8 more: progan data check cats --all" in said.out
    assert cli("data", "check", "cats", "--all").out.count(": 0 bytes") == 20


def test_check_says_which_classes_there_are(cli: Cli, here: Path) -> None:
    draw_pictures(here / "pets" / "cat", 3)
    draw_pictures(here / "pets" / "dog", 2)
    out = cli("data", "check", "pets").out
    assert "2 classes" in out
    assert "Classes  cat 3, dog 2" in out
    assert "classes" not in cli("data", "check", "pets", "--set", "labels=none").out


def test_check_reads_every_byte_of_what_was_built(cli: Cli, here: Path) -> None:
    draw_pictures(here / "cats")
    assert cli("data", "build", "cats", "--to", "built").code == 0
    assert "every byte is as it was written" in cli("data", "check", "built").out
    damage(here / "built" / "r0008-00000.u8")
    said = cli("data", "check", "built")
    assert said.code == 3
    assert "r0008-00000.u8" in said.err


def test_build_keeps_every_resolution_up_to_the_one_asked_for(cli: Cli, here: Path) -> None:
    draw_pictures(here / "cats")
    said = cli("data", "build", "cats", "--to", "built", "--resolution", "8", "--images", "4")
    assert "Built    built: 4 pictures at 4 to 8 pixels" in said.out
    built = Pyramid.open(here / "built")
    assert (built.resolutions, built.count) == ((4, 8), 4)
    # A second time it is found, not made again.
    stamp = (here / "built" / "manifest.json").stat().st_mtime_ns
    assert cli(*shlex.split("data build cats --to built --resolution 8 --images 4")).code == 0
    assert (here / "built" / "manifest.json").stat().st_mtime_ns == stamp


def test_rules_of_reading_are_set_as_in_a_recipe(cli: Cli, here: Path) -> None:
    Image.new("RGB", (16, 32), (255, 0, 0)).save(here / "tall.png")
    draw_pictures(here / "tall", 1)
    (here / "tall.png").rename(here / "tall" / "tall.png")
    words = "data build tall --to built --resolution 16 --set crop=pad --set data.background=black"
    assert cli(*shlex.split(words)).code == 0
    assert "padded with black" in cli("data", "check", "built").out


def test_a_sheet_shows_the_pictures_row_by_row_as_they_are(cli: Cli, here: Path) -> None:
    said = cli("data", "show", "fashion-mnist", "--count", "9")
    assert "9 pictures of 32 × 32, grey" in said.out
    sheet = pixels("fashion-mnist-sheet.png")
    scale = 512 // 96
    assert sheet.shape == (96 * scale, 96 * scale)
    # Spread evenly: picture k of 9 is picture k · 10,000 / 9 of the set, rounded down.
    expected = packaged("fashion-mnist").pictures(np.array([5 * 10_000 // 9]), 32)[0, 0]
    assert np.array_equal(sheet[32 * scale : 64 * scale : scale, -32 * scale :: scale], expected)


def test_a_sheet_of_what_was_built_is_that_of_the_pictures(cli: Cli, here: Path) -> None:
    draw_pictures(here / "cats")
    assert cli("data", "build", "cats", "--to", "built").code == 0
    assert cli("data", "show", "cats").code == cli("data", "show", "built").code == 0
    assert np.array_equal(pixels("cats-sheet.png"), pixels("built-sheet.png"))
    assert cli("data", "show", "built", "--resolution", "4", "--to", "four.png").code == 0
    assert pixels("four.png").shape == (2 * 4 * 42, 3 * 4 * 42, 3)  # 42 · 12 pixels are near 512


def test_a_second_sheet_takes_another_name(cli: Cli, here: Path) -> None:
    for _ in range(2):
        assert cli("data", "show", "portraits", "--count", "1", "--resolution", "8").code == 0
    assert listing(here) == ["portraits-sheet-2.png", "portraits-sheet.png"]


def test_a_folder_of_pictures_with_a_manifest_of_its_own_is_no_built_one(
    cli: Cli, here: Path
) -> None:
    draw_pictures(here / "icons")
    (here / "icons" / "manifest.json").write_text('{"name": "web page"}')
    assert "6 pictures used of 6" in cli("data", "check", "icons").out


@pytest.mark.parametrize("name", NAMES)
def test_any_name_of_a_folder_will_do_and_what_is_printed_can_be_typed(
    cli: Cli, here: Path, name: str
) -> None:
    draw_pictures(here / name, 3)
    path = f"./{name}" if name.startswith("-") else name
    assert cli("data", "check", path).code == 0
    said = cli("data", "build", path, "--to", f"{path} built")
    assert said.code == 0
    typed = re.search(r"Look: progan (.*)", said.out.replace("\n         ", " "))
    assert typed is not None
    again = cli(*shlex.split(typed[1]), "--to", "sheet.png")
    assert again.code == 0, again
    assert pixels("sheet.png").shape == (32 * 16, 32 * 16, 3)
    shutil.rmtree(here / f"{name} built")


def test_a_build_stopped_by_the_user_says_so_and_goes_on(
    cli: Cli, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from progan.cli.screen import Face

    def stop(face: Face, done: int, total: int) -> None:
        raise KeyboardInterrupt

    draw_pictures(here / "cats")
    with monkeypatch.context() as patch:
        patch.setattr(Face, "building", stop)
        said = cli("data", "build", "cats", "--to", "built")
    assert said.code == 130
    assert "what was read is kept" in said.out
    assert cli("data", "build", "cats", "--to", "built").code == 0
