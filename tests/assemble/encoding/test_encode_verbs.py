"""`progan reconstruct`, `encode`, `neighbours` and `project`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from encoded import draw_two_kinds, encoder_run, verb
from progan.assemble.encoding import latent_files
from progan.core.errors import ConfigError, DataError

MakeRun = Callable[..., Path]


@pytest.fixture
def run(make_run: MakeRun, here: Path) -> Path:
    draw_two_kinds(here / "two")
    return encoder_run(make_run).relative_to(here)


def size_of(path: str | Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


def test_originals_stand_above_their_reconstructions(run: Path) -> None:
    """8 pictures of 16 pixels, two rows, four times enlarged."""
    said = verb("reconstruct", run, "two")
    assert said.startswith("codes-reconstructions.png  512 × 128, from runs/codes/checkpoints/")
    assert "Likeness  off by " in said
    assert "of 8 pictures" in said
    with Image.open("codes-reconstructions.png") as sheet:
        pixels = np.asarray(sheet)
    assert pixels[:64, :256].min() > 150  # bright/0 … bright/3 in the first row
    assert pixels[:64, 256:].max() < 100


def test_an_attribute_adds_two_rows_and_says_what_it_rests_on(run: Path) -> None:
    said = verb("reconstruct", run, "two", "edit.png", "--attribute", "bright", "--strength", 2)
    assert "bright: mean code of 4 pictures that have it, less that of 4 others" in said
    assert size_of("edit.png") == (512, 256)
    one = "two/dark/0.png"
    verb("reconstruct", run, one, "one.png", "--attribute", "bright", "--from", "two")
    assert size_of("one.png") == (64, 256)


def test_a_way_between_two_pictures_is_a_row_or_a_film(run: Path) -> None:
    verb("reconstruct", run, "two", "way.png", "--between", "0,7", "--steps", 5)
    assert size_of("way.png") == (5 * 64, 64)
    said = verb("reconstruct", run, "two", "way.gif", "--between", "0,7", "--seconds", 0.2)
    assert "6 frames" in said


def test_codes_are_written_with_labels_and_names(run: Path) -> None:
    said = verb("encode", run, "two", "codes.npz")
    assert said.startswith("codes.npz  8 codes of 3 numbers, from ")
    assert "nearest other of 8 pictures is the same: " in said
    with np.load("codes.npz") as found:
        assert found["z"].shape == (8, 3)
        assert found["z"].dtype == np.float32
        assert found["label"].tolist() == [0] * 4 + [1] * 4
        assert found["classes"].tolist() == ["bright", "dark"]
        assert found["name"][4] == "dark/0.png"
    verb("encode", run, "two", "codes.npz")  # ours, so it may be replaced


def test_parquet_without_pyarrow_is_told_in_a_line(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(latent_files, "import_module", missing)
    with pytest.raises(ConfigError, match=r"pip install 'progan\[parquet\]'") as error:
        verb("encode", run, "two", "codes.parquet")
    assert "\n" not in str(error.value)


def test_parquet_holds_a_column_for_each_number(run: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    verb("encode", run, "two", "codes.parquet")
    table = parquet.read_table("codes.parquet")
    assert table.column_names == ["name", "label", "z_0", "z_1", "z_2"]
    assert table["label"].to_pylist() == ["bright"] * 4 + ["dark"] * 4


def test_neighbours_stand_beside_each_picture(run: Path) -> None:
    said = verb("neighbours", run, "two", "near.png", "--show", 3, "--k", 4)
    assert size_of("near.png") == (5 * 64, 3 * 64)
    assert said.count(".png, ") >= 3  # names of the nearest
    verb("neighbours", run, "two", "of.png", "--of", "two/dark/1.png", "--k", 2)
    assert size_of("of.png") == (3 * 64, 64)
    with Image.open("of.png") as sheet:  # it is itself among them, and nobody is nearer
        pixels = np.asarray(sheet)
    assert np.array_equal(pixels[:, :64], pixels[:, 64:128])


def test_a_search_writes_latents_and_a_sheet(run: Path) -> None:
    words = ("--steps", 2, "--starts", 1, "--tried", 2)
    said = verb("project", run, "two/dark/0.png", "found.npz", *words)
    assert "found.npz  latents, from " in said
    assert "Loss " in said
    assert size_of("found.png") == (128, 64)
    with np.load("found.npz") as found:
        assert found["z"].shape == (1, 3)
        assert found["loss"] > 0


def test_colour_pictures_serve_a_model_of_grey_ones(run: Path, here: Path) -> None:
    Image.new("RGB", (40, 30), "red").save("red.png")
    verb("reconstruct", run, "red.png", "again.png")
    with Image.open("again.png") as sheet:
        assert sheet.mode == "L"


@pytest.mark.parametrize(
    ("words", "error", "says"),
    [
        ("reconstruct RUN gone", DataError, "gone"),
        ("reconstruct RUN two out.jpg", ConfigError, "must end in .png"),
        ("reconstruct RUN two way.gif", ConfigError, "--between"),
        ("reconstruct RUN two --between 0,9", ConfigError, "two of the 8 pictures"),
        ("reconstruct RUN two --between 0", ConfigError, "counted from 0"),
        ("reconstruct RUN two --show 0", ConfigError, "--show is 0"),
        ("reconstruct RUN two --attribute hat", ConfigError, 'no class "hat"'),
        ("reconstruct RUN two --from two", ConfigError, "--attribute NAME"),
        ("reconstruct RUN two/dark/0.png --attribute hat", ConfigError, "--from PICTURES"),
        ("reconstruct RUN two/dark two.png --attribute hat", ConfigError, "neither classes nor"),
        ("encode RUN two codes.csv", ConfigError, "must end in .npz or .parquet"),
        ("encode RUN two gone/codes.npz", ConfigError, "mkdir -p gone"),
        ("neighbours RUN two/dark/0.png", ConfigError, "has no neighbours"),
        ("project RUN two", ConfigError, "holds 8 pictures"),
        ("project RUN two/dark/0.png --steps 0", ConfigError, "--steps is 0"),
        ("project RUN two/dark/0.png found.png", ConfigError, "must end in .npz"),
        ("project RUN two/dark/0.png --label 3", ConfigError, "takes no label"),
    ],
)
def test_mistakes_are_told_in_a_line(
    run: Path, here: Path, words: str, error: type[Exception], says: str
) -> None:
    before = sorted(path.name for path in here.iterdir())
    with pytest.raises(error, match=says):
        verb(*words.replace("RUN", str(run)).split())
    assert sorted(path.name for path in here.iterdir()) == before


def test_a_picture_smaller_than_half_of_what_is_needed_is_refused(run: Path) -> None:
    Image.new("L", (5, 5)).save("tiny.png")
    with pytest.raises(DataError, match=r"tiny.png cannot be used: 5 × 5 pixels") as error:
        verb("project", run, "tiny.png")
    assert "\n" not in str(error.value)
