from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from progan.assemble.models.build import build_system
from progan.core.batch import Images
from progan.core.errors import ConfigError, RoomError, TrainingError
from progan.core.faults import Faults
from progan.core.recipe import Recipe
from progan.core.specs import DataSpec
from progan.core.system import System
from progan.engine.checkpoint import checkpoints, load_checkpoint, newest_valid
from progan.engine.loop import Trainer
from progan.engine.record import RunFolder
from progan.engine.run import Run, RunOptions
from small_world import damage
from toys import ToyData, toy

OFTEN = RunOptions(log_every=1, previews=4, save_seconds=0.0, keep_last=3)


class EveryStep(Run):
    """Saves after every step, so that kills land everywhere."""

    def _after(self, result):  # type: ignore[no-untyped-def]
        super()._after(result)
        self.save()


def progan() -> System[Images]:
    """Grown from 4 to 16 pixels, with a lazy penalty: every kind of state a ProGAN has."""
    settings = {
        "fmap_max": 4,
        "latent_size": 4,
        "batch": {4: 4},
        "stable_images": 16,
        "fade_images": 16,
        "final_images": 16,
        "penalty": {"every": 3},
    }
    recipe = Recipe(preset="cpu", set=settings)
    spec = DataSpec(resolution=16, channels=1, classes=0, images=64)
    return build_system(recipe, spec, torch.device("cpu"))


def start(
    folder: RunFolder,
    *,
    faults: Faults | None = None,
    make: Callable[[], System[Images]] = toy,
    kind: type[Run] = EveryStep,
) -> Run:
    trainer = Trainer(make(), ToyData(), faults=faults)
    return kind(folder, trainer, options=OFTEN)


def go_on(
    path: Path, faults: Faults | None = None, make: Callable[[], System[Images]] = toy
) -> Run:
    folder = RunFolder(path, faults)
    folder.lock()
    run = start(folder, faults=faults, make=make)
    if checkpoints(folder.checkpoints):
        _, tensors, meta, _ = newest_valid(folder.checkpoints)
        run.resume(tensors, meta)
    return run


def results(path: Path) -> dict[str, object]:
    """Everything that must be the same: state, lines, pictures."""
    tensors, meta = load_checkpoint(checkpoints(path / "checkpoints")[-1])
    kept: dict[str, object] = {name: value.numpy().tobytes() for name, value in tensors.items()}
    kept["counters"] = meta["counters"]
    kept["metrics"] = (path / "metrics.jsonl").read_text()
    for picture in sorted((path / "pictures").glob("*.png")):
        kept[picture.name] = picture.read_bytes()
    return kept


@pytest.fixture(scope="module")
def uncut(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    folder = RunFolder.create(tmp_path_factory.mktemp("uncut"), "run")
    assert start(folder).go() == "done"
    return results(folder.path)


def test_pictures_come_at_every_quarter_of_every_stage(uncut: dict[str, object]) -> None:
    names = [name for name in uncut if name.endswith(".png")]
    assert names == [
        *(f"{images:09d}_004px.png" for images in (16, 32, 48, 64)),
        *(f"{64 + i:09d}_008px_fade{i / 64:.2f}.png" for i in (16, 32, 48, 64)),
        *(f"{128 + i:09d}_008px.png" for i in (16, 32, 48, 64)),
    ]


class KillAt(Faults):
    def __init__(self, after: int) -> None:
        self.left = after

    def hit(self) -> None:
        self.left -= 1
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def write(self, path: Path) -> None:
        self.hit()

    def reach(self, point: str, images: int) -> None:
        self.hit()


def _child(work) -> int:  # type: ignore[no-untyped-def]
    """Run `work` in a forked child; its exit status."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException:
            os._exit(99)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("system", ["toy", "progan"])
def test_twenty_kills_anywhere_and_the_run_still_ends_in_the_same_bits(
    tmp_path: Path, system: str
) -> None:
    """R1. Kills land in steps, in the middle of saves, in lines, and at stage borders."""
    # A parent that used autograd must not fork: work in an interpreter of its own.
    script = Path(__file__).with_name("kill_harness.py")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), system],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        timeout=250,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "20 kills" in done.stdout


def test_a_stop_saves_at_the_last_finished_step_and_goes_on_exactly(
    tmp_path: Path, uncut: dict[str, object]
) -> None:
    folder = RunFolder.create(tmp_path, "run")
    run = start(folder)
    run.stop = lambda: run.trainer.steps >= 5
    assert run.go() == "stopped"
    assert checkpoints(folder.checkpoints)[-1].name == f"{run.trainer.images:09d}.safetensors"
    folder.unlock()
    assert go_on(folder.path).go() == "done"
    assert results(folder.path) == uncut


def test_a_damaged_newest_checkpoint_is_passed_over_and_the_end_is_the_same(
    tmp_path: Path, uncut: dict[str, object]
) -> None:
    folder = RunFolder.create(tmp_path, "run")
    run = start(folder)
    run.stop = lambda: run.trainer.steps >= 7
    run.go()
    folder.unlock()
    newest = checkpoints(folder.checkpoints)[-1]
    damage(newest)
    resumed = go_on(folder.path)
    assert resumed.trainer.steps < 7
    resumed.go()
    assert results(folder.path) == uncut


class NotFinite(Faults):
    """Puts a NaN or an infinity into gradients at chosen steps."""

    def __init__(self, steps: Sequence[int], value: float = float("nan")) -> None:
        self.steps, self.value = set(steps), value

    def gradients(self, player: str, step: int, gradients: Sequence[Tensor]) -> None:
        if step in self.steps:
            gradients[0].view(-1)[0] = self.value


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("step", range(0, 12, 2))
def test_a_non_finite_gradient_moves_nobody(tmp_path: Path, step: int, value: float) -> None:
    folder = RunFolder.create(tmp_path, "run")
    run = start(folder, faults=NotFinite([step], value), kind=Run)
    assert run.go() == "done"
    assert run.trainer.skipped == 1
    for tensor in run.trainer.state().tensors.values():
        assert torch.isfinite(tensor.float()).all()
    kinds = [line["kind"] for line in folder.read_lines("decisions.jsonl")]
    assert kinds == ["skip"]


def test_three_in_a_row_go_back_to_the_last_sound_save_at_half_the_rate(tmp_path: Path) -> None:
    class Once(NotFinite):
        def gradients(self, player: str, step: int, gradients: Sequence[Tensor]) -> None:
            super().gradients(player, step, gradients)
            if step == 8:
                self.steps = set()

    folder = RunFolder.create(tmp_path, "run")
    run = start(folder, faults=Once([6, 7, 8]))
    assert run.go() == "done"
    assert (run.trainer.recoveries, run.trainer.rate) == (1, 0.5)
    kinds = [line["kind"] for line in folder.read_lines("decisions.jsonl")]
    assert kinds == ["skip", "skip", "rollback"]


def test_a_fault_that_never_heals_ends_after_three_recoveries(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "run")
    run = start(folder, faults=NotFinite(range(6, 10_000)))
    with pytest.raises(TrainingError, match="after 3 recoveries"):
        run.go()
    _, tensors, _, _ = newest_valid(folder.checkpoints)
    assert all(torch.isfinite(t.float()).all() for t in tensors.values())


def test_two_runs_in_one_folder_are_one_too_many(tmp_path: Path) -> None:
    first = RunFolder.create(tmp_path, "run")
    began = time.monotonic()
    with pytest.raises(ConfigError, match=rf"is being trained by process {os.getpid()}"):
        RunFolder(first.path).lock()
    assert time.monotonic() - began < 1
    first.unlock()
    RunFolder(first.path).lock()


def test_names_are_taken_by_mkdir(tmp_path: Path) -> None:
    names = [RunFolder.create(tmp_path, "cats").path.name for _ in range(3)]
    assert names == ["cats", "cats-2", "cats-3"]


def test_a_folder_that_vanishes_is_an_error_and_never_a_save(tmp_path: Path) -> None:
    import shutil

    folder = RunFolder.create(tmp_path, "run")
    run = start(folder)
    run.stop = lambda: bool(run.trainer.steps == 3 and shutil.rmtree(folder.path))
    with pytest.raises(RoomError):
        run.go()


def test_a_listener_that_fails_is_dropped_and_the_bits_stay(
    tmp_path: Path, uncut: dict[str, object]
) -> None:
    class Bad:
        def hear(self, event: object) -> None:
            torch.manual_seed(random.randrange(1000))  # a listener that even draws
            raise ValueError("no")

    folder = RunFolder.create(tmp_path, "run")
    run = start(folder)
    run.listeners.append(Bad())
    run.go()
    assert "Bad failed and was dropped" in (folder.path / "log.txt").read_text()
    assert results(folder.path) == uncut
