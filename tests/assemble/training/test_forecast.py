"""What a training would take, told without training."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from progan.assemble.training import budget
from progan.assemble.training import forecast as forecasts
from progan.assemble.training.ask import Asked, prepare
from progan.assemble.training.forecast import forecast, gradient_bytes, seconds_on
from progan.assemble.training.memory import Need
from progan.cli.app import run
from progan.cli.plan import forecast_lines
from progan.core.batch import Labelled
from progan.core.errors import ConfigError
from progan.core.recipe import DataSettings
from progan.core.specs import DataSpec
from progan.data.build import already_built, open_or_build
from progan.data.loader import Loader
from progan.data.noise import NoisePyramid
from progan.data.sources import open_source
from progan.engine.loop import Trainer
from quiet import Quiet
from toys import ToyData, ToyGrowing

TINY = (
    *("fmap_max=4", "latent_size=4", "data.images=20", "batch={4: 8}", "stddev_group=4"),
    *("train.threads=1", "train.precision=fp32"),
)
RATE = 100.0


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Every stage makes a hundred images per second; which resolutions were measured."""
    asked: list[int] = []

    def measure_stage(trainer: Any, stage: Any, data: Any, *, seconds: float) -> float:
        asked.append(stage.resolution)
        return RATE

    monkeypatch.setattr(budget, "measure_stage", measure_stage)
    return asked


def told(tmp_path: Path, **more: Any) -> tuple[forecasts.Forecast, Quiet]:
    options = {"devices": more.pop("devices", 1), "seconds": more.pop("seconds", 1.0)}
    sets = (*TINY, *more.pop("sets", ()))
    asked = Asked(words="portraits", resolution=8, sets=sets, runs=tmp_path / "runs", **more)
    screen = Quiet()
    return forecast(prepare(asked), screen, **options), screen


def test_without_a_length_it_is_the_plans_own(tmp_path: Path, measured: list[int]) -> None:
    found, screen = told(tmp_path)
    assert [stage.name for stage in found.stages] == ["4", "8 fade", "8"]
    for stage in found.stages:
        assert stage.seconds == stage.images / RATE
        assert (stage.batch, stage.micro_batch) == (8, 8)
        assert stage.memory is None or stage.memory > 10**7
    assert found.seconds == sum(stage.images for stage in found.stages) / RATE
    assert sorted(set(measured)) == [4, 8]
    assert "noise stands in" in screen.lines[0]
    assert not (tmp_path / "runs").exists()  # nothing was written


def test_a_length_in_minutes_is_fitted_as_training_fits_it(
    tmp_path: Path, measured: list[int]
) -> None:
    found, _ = told(tmp_path, minutes=1.0)
    assert "1 min including report" in found.title
    assert found.report_seconds >= 0.08 * 60
    # What starting took is not there for training; measuring for long does not count.
    assert 0.5 * 60 < found.seconds < 61


def test_compiling_on_a_cpu_is_said_to_gain_nothing(tmp_path: Path, measured: list[int]) -> None:
    _, screen = told(tmp_path, sets=["train.compile=true", "train.device=cpu"])
    assert "Note Compiled code is no faster on a CPU: train.compile=false" in screen.lines
    _, screen = told(tmp_path, sets=["train.device=cpu"])
    assert not any("Compiled" in line for line in screen.lines)


def test_fp16_on_a_cpu_is_refused_before_anything_is_measured(
    tmp_path: Path, measured: list[int]
) -> None:
    with pytest.raises(ConfigError, match="fp16, which only GPUs are fast in"):
        told(tmp_path, sets=["train.precision=fp16", "train.device=cpu"])
    assert not measured


def test_a_length_in_images_is_scaled(tmp_path: Path, measured: list[int]) -> None:
    found, _ = told(tmp_path, images=800)
    assert sum(stage.images for stage in found.stages) == pytest.approx(800, abs=24)


def test_data_that_are_built_are_used(
    tmp_path: Path, measured: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = DataSettings(source="portraits", resolution=8, images=20)
    source = open_source("portraits", settings)
    cache = tmp_path / "runs" / ".data"
    assert already_built(source, settings, cache) is None
    built = open_or_build(source, settings, cache, workers=1)
    opened = already_built(source, settings, cache)
    assert opened is not None
    assert opened.fingerprint == built.fingerprint
    files = sorted(path.name for path in cache.rglob("*"))
    monkeypatch.setattr(forecasts, "NoisePyramid", None)
    _, screen = told(tmp_path)
    assert screen.lines[0].startswith("Data 20 pictures used of 20")
    assert sorted(path.name for path in cache.rglob("*")) == files
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == [".data"]


def test_noise_is_shaped_like_pictures_and_a_function_of_their_number() -> None:
    pyramid = NoisePyramid(DataSpec(resolution=16, channels=3, classes=3, images=9), "cats")
    assert pyramid.spec == DataSpec(resolution=16, channels=3, classes=3, images=9)
    once, again = pyramid.gather([4, 7], 8), pyramid.gather([7], 8)
    assert once.shape == (2, 3, 8, 8)
    assert np.array_equal(once[1:], again)
    assert not np.array_equal(once[0], once[1])
    batch = Loader(pyramid, seed=0, batch_type=Labelled).batch(range(5), 16)
    assert isinstance(batch, Labelled)
    assert batch.image.shape == (5, 3, 16, 16)
    assert set(batch.label.tolist()) <= {0, 1, 2}


# Several devices -----------------------------------------------------------------------------


def test_several_devices_share_pictures_and_add_gradients() -> None:
    assert seconds_on(1, 16, 8.0, 10**9, 10**9) == 8.0
    # two pictures of sixteen each: an eighth of the time; 2 · 7 / 8 of 1 GB at 1 GB/s
    assert seconds_on(8, 16, 8.0, 10**9, 10**9) == 1.0 + 1.75
    # a batch of three keeps three busy, one picture each
    assert seconds_on(8, 3, 9.0, 0, 10**9) == 3.0


def test_gradients_are_those_of_every_move() -> None:
    system = ToyGrowing()  # per two draws: the critic twice, once more in three, the generator
    at = system.plan().at(0)
    moved = {"critic": 300, "generator": 1000}
    assert gradient_bytes(system, at, moved) == pytest.approx((2 * 300 + 100 + 1000) / 2)


def test_only_parameters_that_move_are_sent(tmp_path: Path, measured: list[int]) -> None:
    alone, _ = told(tmp_path)
    many, _ = told(tmp_path, devices=4)
    assert many.seconds == alone.seconds
    for stage in many.stages:
        least = stage.seconds / 4
        assert least < stage.seconds_on_all < least + stage.images / 8 * 0.001
    assert many.plain()["extrapolated"]
    assert not alone.plain()["extrapolated"]


# Rates ---------------------------------------------------------------------------------------


class Slow(ToyGrowing):
    """A second for every picture of 8 pixels, by a clock of its own."""

    clock = 0.0
    largest = 0

    def critic_loss(self, batch: Any, at: Any) -> Any:
        Slow.clock += len(batch) * (1.0 if at.resolution == 8 else 0.001) / 2  # two draws a step
        Slow.largest = max(Slow.largest, len(batch)) if at.resolution == 8 else Slow.largest
        return super().critic_loss(batch, at)


def test_a_step_too_long_to_wait_for_is_measured_on_few_pictures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(budget.time, "perf_counter", lambda: Slow.clock)
    trainer = Trainer(Slow(batch=64), ToyData())
    rates = budget.measure(trainer, seconds=0.4)
    assert Slow.largest == budget.FEW
    assert rates[0] == pytest.approx(2000)
    assert rates[1] == pytest.approx(2)
    assert trainer.images == 0


def test_time_for_measuring_is_shared_by_what_is_left_to_measure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[float] = []
    clock = [0.0]

    def measure_stage(trainer: Any, stage: Any, data: Any, *, seconds: float) -> float:
        given.append(seconds)
        clock[0] += 10.0
        return 1.0

    monkeypatch.setattr(budget, "measure_stage", measure_stage)
    monkeypatch.setattr(budget.time, "perf_counter", lambda: clock[0])
    budget.measure(Trainer(ToyGrowing(), ToyData()), within=60.0)
    # a stage may take twenty times its seconds: 60 for three, 50 for two, 40 for one
    assert given == pytest.approx([1.0, min(1.0, 50 / 2 / 20), min(1.0, 40 / 20)])


# The verb ------------------------------------------------------------------------------------


def words(*more: str) -> list[str]:
    sets = [word for one in TINY for word in ("--set", one)]
    return ["plan", "portraits", "--resolution", "8", "--seconds", "1", *sets, *more]


def test_the_verb_prints_a_table_and_writes_the_numbers(
    tmp_path: Path,
    measured: list[int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(words("--gpus", "4", "--json", "plan.json")) == 0
    out = capsys.readouterr().out
    heads = [line.split()[0] for line in out.splitlines() if line and line[0] != " "]
    assert heads == ["Data", "Machine", "Plan", "Note"]
    assert "On 4 devices is extrapolated, not measured" in out
    lines = out.splitlines()
    head = next(line for line in lines if "images/s" in line)
    assert head.split()[-2:] == ["on", "4"]
    assert all(len(line) <= 100 for line in lines)
    total = next(line for line in lines if line.startswith("  total"))
    numbers = json.loads((tmp_path / "plan.json").read_text())
    assert f"{sum(stage['images'] for stage in numbers['stages']):,}" in total
    assert numbers["devices"] == 4
    assert numbers["seconds"] == sum(stage["seconds"] for stage in numbers["stages"])
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--gpus", "0"], "--gpus is 0; it must be at least 1"),
        (["--seconds", "0"], "--seconds is 0; it must be above 0"),
        (["--minutes", "1", "--images", "9"], "give one: --minutes 10"),
        (["--json", "no/such/plan.json"], "no/such/plan.json cannot be written"),
    ],
)
def test_wrong_words_are_told(
    more: list[str],
    said: str,
    tmp_path: Path,
    measured: list[int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(words(*more)) in (2, 5)
    assert said in capsys.readouterr().err


def test_memory_that_is_not_told_is_a_dash(tmp_path: Path) -> None:
    stage = forecasts.StageForecast(
        name="64 fade",
        resolution=64,
        images=800_000,
        batch=16,
        micro_batch=8,
        memory=None,
        images_per_second=0.5,
        seconds=1.6e6,
        seconds_on_all=1.6e6,
    )
    found = forecasts.Forecast(
        title="",
        stages=(stage,),
        report_seconds=0.0,
        devices=1,
        link=1e9,
        measured_seconds=1.0,
    )
    assert forecast_lines(found)[1].split() == [
        *("64", "fade", "64", "800,000", "16", "8", "-", "0.50", "444", "h", "444", "h")
    ]


def test_a_need_is_found_for_every_stage_of_its_resolution() -> None:
    trainer = Trainer(ToyGrowing(), ToyData())
    from progan.assemble.training.memory import fit_memory

    needs = fit_memory(trainer, every=True)
    if not needs:
        pytest.skip("this machine does not tell what it holds")
    assert [type(need) for need in needs] == [Need, Need]
    critic = sum(p.nbytes for p in trainer.system.critic[0].parameters())  # type: ignore[operator]
    assert needs[0].moved["critic"] == critic  # at 4 px only the small one moves
    assert isinstance(trainer.device, torch.device)
