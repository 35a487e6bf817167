from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from progan.assemble.measuring.evaluate import evaluate_pictures, evaluate_run, metrics_for
from progan.assemble.models.model import load
from progan.assemble.training.exhibits import nearest_training
from progan.assemble.training.review import affordable, review
from progan.core.errors import ConfigError
from progan.data.loader import Loader
from progan.report.build import build_report
from tiny_run import IMAGES, tiny_run


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Loader]:
    return tiny_run(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def found(trained: tuple[Path, Loader]) -> dict[str, Any]:
    run, loader = trained
    before = torch.get_rng_state()
    path = review(run, loader, seconds=1.0)
    assert torch.equal(torch.get_rng_state(), before)
    assert path == run / "review" / "review.json"
    read = json.loads(path.read_text())
    assert isinstance(read, dict)
    return read


def size(run: Path, name: str) -> tuple[int, int]:
    with Image.open(run / "review" / name) as picture:
        return picture.size


def test_the_head_says_what_was_reviewed(found: dict[str, Any]) -> None:
    head = {key: found[key] for key in ("images", "system", "resolution", "weights")}
    assert head == {"images": 160, "system": "progan", "resolution": 16, "weights": "average"}


def test_grids_are_8_by_8_and_enlarged(trained: tuple[Path, Loader], found: dict[str, Any]) -> None:
    # 16 pixels, 8 times enlarged to 128, 8 of them a side.
    assert size(trained[0], found["real"]) == size(trained[0], found["samples"]) == (1024, 1024)


def test_growth_shows_every_resolution_and_the_middle_of_every_fade(
    trained: tuple[Path, Loader], found: dict[str, Any]
) -> None:
    shown = [(row["resolution"], row["alpha"]) for row in found["growth"]]
    assert shown == [(4, 1), (8, 0.5), (8, 1), (16, 0.5), (16, 1)]
    # Every tile is brought to 64 pixels, 4 a side.
    assert {size(trained[0], row["picture"]) for row in found["growth"]} == {(256, 256)}
    files = [(trained[0] / "review" / row["picture"]).read_bytes() for row in found["growth"]]
    assert len(set(files)) == 5


def test_truncation_is_shown_from_strong_to_none(
    trained: tuple[Path, Loader], found: dict[str, Any]
) -> None:
    assert [row["truncation"] for row in found["truncation"]] == [0.3, 0.5, 0.7, 1.0]
    assert all((trained[0] / "review" / row["picture"]).is_file() for row in found["truncation"])


def test_the_walk_moves_and_loops(trained: tuple[Path, Loader], found: dict[str, Any]) -> None:
    with Image.open(trained[0] / "review" / found["walk"]) as film:
        assert film.n_frames == 48  # type: ignore[attr-defined]
        assert film.info["loop"] == 0


def test_quality_comes_with_floor_and_number(found: dict[str, Any]) -> None:
    rows = {(row["metric"], row["level"]): row for row in found["quality"]}
    assert set(rows) == {("swd", "16"), ("swd", "mean"), ("msssim", "")}
    for row in rows.values():
        assert row["value"] > 0
        assert row["floor"] > 0
        assert row["n"] & (row["n"] - 1) == 0
    # The floor of SWD needs as many images again: no more than half of the real ones.
    assert rows["swd", "mean"]["n"] <= IMAGES // 2


def test_nearest_and_duplicates_say_what_they_mean(
    trained: tuple[Path, Loader], found: dict[str, Any]
) -> None:
    near = found["nearest"]
    assert near["rows"] == 8
    # A sample and 5 neighbours, 17 pixels each with the gap, 8 rows; 4 times enlarged.
    assert size(trained[0], near["picture"]) == (4 * (6 * 17 - 1), 4 * (8 * 17 - 1))
    assert near["distance_ratio"] > 1  # an untrained generator copies nobody
    assert f"{IMAGES:,} training pictures" in near["note"]
    assert found["duplicates"]["n"] <= IMAGES
    assert "grey levels" in found["duplicates"]["note"]


def test_copies_of_training_pictures_are_found_mirrored_ones_where_training_mirrors(
    trained: tuple[Path, Loader], tmp_path: Path
) -> None:
    run, loader = trained
    mirroring = Loader(loader.pyramid, seed=0, mirror=True)
    copies = loader.real(7, 32, 16).numpy()
    mirrored = np.ascontiguousarray(copies[..., ::-1])

    def ratio(made: np.ndarray, pictures: Loader) -> float:
        found = nearest_training(tmp_path, load(run), pictures, made)
        return float(found["distance_ratio"])

    assert ratio(copies, loader) == ratio(mirrored, mirroring) == 0
    assert ratio(mirrored, loader) > 0


def test_spectrum_has_a_power_at_every_frequency_up_to_half_the_side(
    found: dict[str, Any],
) -> None:
    spectrum = found["spectrum"]
    assert spectrum["frequency"] == list(range(1, 9))
    for key in ("real", "generated"):
        assert len(spectrum[key]) == 8
        assert all(value > 0 and math.isfinite(value) for value in spectrum[key])


def test_the_verdict_tells_an_untrained_generator(found: dict[str, Any]) -> None:
    assert found["verdict"].startswith("The generated pictures are far from real ones (SWD ")


def test_the_report_shows_a_review_without_complaint(
    trained: tuple[Path, Loader], found: dict[str, Any]
) -> None:
    page = build_report(trained[0]).read_text(encoding="utf-8")
    assert found["verdict"].split(" (")[0] in page
    for missing in ("was not measured", "there is no walk", "were not", "cannot be shown"):
        assert missing not in page


def test_evaluating_needs_only_the_run_folder(trained: tuple[Path, Loader]) -> None:
    run, _ = trained
    found = evaluate_run(run, metrics=["swd"], images=16, repeats=2)
    row = found.report.value("swd")
    assert (found.images, found.report.resolution, row.images, row.repeats) == (160, 16, 16, 2)
    assert found.notes == ()
    small = evaluate_run(run, metrics=["swd"], images=16, at_images=96)
    assert (small.images, small.report.resolution) == (96, 8)


def make_noise(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        pixels = np.random.default_rng(number).integers(256, size=(16, 16), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def test_other_pictures_than_the_runs_own_can_be_measured_against(
    trained: tuple[Path, Loader], tmp_path: Path
) -> None:
    run, _ = trained
    noise = make_noise(tmp_path / "noise", 40)
    own = evaluate_run(run, metrics=["swd"], images=16)
    other = evaluate_run(run, metrics=["swd"], images=16, against=str(noise))
    assert other.report.value("swd").value != own.report.value("swd").value
    assert other.report.value("swd").floor != own.report.value("swd").floor
    told = f"Measured against {noise}, not the pictures it was trained on."
    assert told in other.notes


def test_pictures_that_are_files_are_measured_against_a_set(tmp_path: Path) -> None:
    made = make_noise(tmp_path / "made", 24)
    found = evaluate_pictures(made, against="fashion-mnist", images=16, cache=tmp_path / "cache")
    assert (found.images, found.report.resolution) == (24, 16)
    swd = found.report.value("swd")
    assert swd.value > 3 * swd.floor  # noise is no clothes
    assert found.report.value("msssim").value < 0.1


def test_a_run_without_checkpoints_is_refused(tmp_path: Path, trained: tuple[Path, Loader]) -> None:
    with pytest.raises(ConfigError, match="neither a run nor an exported model"):
        review(tmp_path, trained[1], seconds=1)


def test_the_number_of_images_is_a_power_of_two_that_can_be_afforded() -> None:
    assert affordable(10.0, 0.01, 20_000) == 512
    assert affordable(1000.0, 0.01, 5_000) == 4096
    assert affordable(0.0, 0.01, 5_000) == 64  # the least is always measured …
    assert affordable(0.0, 0.01, 40) == 32  # … unless there are fewer


def test_metrics_are_chosen_by_size() -> None:
    assert metrics_for(32, 1000) == ("swd", "msssim")
    assert metrics_for(8, 1000) == ("swd",)
    assert metrics_for(4, 1000) == ()
    assert metrics_for(16, 3) == ("msssim",)
