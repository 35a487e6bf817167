"""What is measured, not how fast: times are never asserted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import typer

from progan.assemble.comparing import bench as place
from progan.assemble.comparing.bench import Row, bench, compare
from progan.cli import bench as verb
from progan.core.config import apply_sets
from progan.core.errors import ConfigError
from progan.core.recipe import Recipe
from progan.engine.operations import machine_peak

SMALL = ("fmap_max=8", "latent_size=8", "batch={4: 8}", "train.precision=fp32", "train.threads=1")
FAST = {"seconds": 0.001, "rounds": 2}


@pytest.fixture(autouse=True)
def known_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measured for seconds otherwise, before anything else is."""
    monkeypatch.setattr(place, "machine_peak", lambda device, precision: 100.0)


@pytest.fixture
def small() -> Recipe:
    return apply_sets(Recipe(preset="cpu"), list(SMALL))


def test_every_stage_is_trained_and_every_size_drawn(small: Recipe) -> None:
    heard: list[Row] = []
    found = bench(small, resolution=8, **FAST, heard=lambda row, peak: heard.append(row))
    names = ["4", "8 fade", "8", "draw 4", "draw 8"]
    assert [row.stage for row in found.rows] == names
    assert list(found.rows) == heard
    assert all(row.images_per_second > 0 and row.spread >= 0 for row in found.rows)
    assert (found.threads, found.precision, found.device) == (1, "fp32", "cpu")
    assert found.peak_gflops == 100.0
    plain = json.loads(json.dumps(found.to_json()))
    assert plain["rows"][0]["gflops"] == pytest.approx(
        found.rows[0].images_per_second * found.rows[0].gflop_per_image
    )


def test_operations_are_those_of_the_layers(small: Recipe) -> None:
    rows = {row.stage: row for row in bench(small, resolution=4, **FAST).rows}
    # 8 latents to 8 channels of 4 × 4; one 3×3 layer; colours: two operations a product
    drawn = 2 * (8 * 8 * 16 + 9 * 8 * 8 * 16 + 8 * 3 * 16)
    assert rows["draw 4"].gflop_per_image * 1e9 == pytest.approx(drawn)
    # a critic's turn draws once, and a generator's draws and goes back through it: ≥ 4 drawings
    assert rows["4"].gflop_per_image > 4 * rows["draw 4"].gflop_per_image


def test_lazy_turns_are_counted_in_their_share(small: Recipe) -> None:
    def operations(every: int) -> float:
        recipe = apply_sets(small, [f"penalty.every={every}"])
        return bench(recipe, resolution=4, only=["4"], **FAST).rows[0].gflop_per_image

    always, half, quarter = operations(1), operations(2), operations(4)
    assert always - half == pytest.approx(2 * (half - quarter))


def test_two_settings_are_measured_in_turn(small: Recipe) -> None:
    heavy = apply_sets(small, ["penalty.every=1"])
    found = compare(small, heavy, resolution=8, only=["8"], seconds=0.001, rounds=3)
    (one,) = found
    assert (one.stage, len(one.ratios)) == ("8", 3)
    assert min(one.ratios) <= one.ratio <= max(one.ratios)
    with pytest.raises(ConfigError, match="no stage in common"):
        compare(small, heavy, resolution=8, only=["16"], seconds=0.001, rounds=1)


def test_threads_are_given_back(small: Recipe) -> None:
    before = torch.get_num_threads()
    bench(apply_sets(small, ["train.threads=2"]), resolution=4, **FAST)
    assert torch.get_num_threads() == before


def test_a_stage_that_is_not_there_is_refused(small: Recipe) -> None:
    with pytest.raises(ConfigError, match='no stage "64"; stages are: 4, 8 fade, 8'):
        bench(small, resolution=8, only=["64"], **FAST)


def test_the_peak_is_positive() -> None:
    assert machine_peak(torch.device("cpu"), "fp32", seconds=0.001) > 0


# The verb -------------------------------------------------------------------------------------

app = typer.Typer(add_completion=False)
app.command()(verb.bench)
app.command("other")(lambda: None)
BRIEF = ["--resolution", "4", "--seconds", "0.001", "--rounds", "1"]


def run(*words: str) -> None:
    typer.main.get_command(app).main(["bench", *words], standalone_mode=False)


def sets(*words: str) -> list[str]:
    return [part for word in words for part in ("--set", word)]


def test_the_verb_prints_a_table_and_writes_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "found.json"
    run(*BRIEF, *sets(*SMALL), "--json", str(to))
    shown = capsys.readouterr().out
    assert "GFLOP/s" in shown
    assert [line.split()[0] for line in shown.splitlines() if line[:1].isdigit()] == ["4"]
    assert [row["stage"] for row in json.loads(to.read_text())["rows"]] == ["4", "draw 4"]


def test_the_verb_compares(capsys: pytest.CaptureFixture[str]) -> None:
    run(*BRIEF, *sets(*SMALL), "--compare", "penalty.every=1", "preset=cpu-paper")
    shown = capsys.readouterr().out
    assert "A  penalty.every=1" in shown
    assert "B / A" in shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--channels", "2"], "--channels is 2"),
        (["--rounds", "0"], "--rounds 0"),
        (["--compare", "'", ""], "cannot be read"),
        (["--compare", "pennalty.every=1", ""], "penalty"),
    ],
)
def test_wrong_words_are_told(words: list[str], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        run(*BRIEF, *words)
    assert said in str(caught.value)
