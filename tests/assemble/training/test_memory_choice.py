"""Micro-batches chosen before training from what a step takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from progan.assemble.models.build import build_system
from progan.assemble.training import memory, session
from progan.assemble.training.ask import Asked, prepare
from progan.assemble.training.memory import Need, fit_memory
from progan.assemble.training.train import train_run
from progan.core.config import parse_recipe, read_recipe
from progan.core.errors import ConfigError
from progan.core.plan import Plan, Stage
from progan.core.recipe import Recipe, TrainSettings
from progan.core.specs import DataSpec
from progan.engine import meter
from progan.engine.loop import Trainer
from progan.engine.pieces import parts_of
from quiet import Quiet
from toys import ToyData, ToyGrowing

CPU = torch.device("cpu")
MB = 10**6


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[int]]:
    """A machine with so many bytes, on which a step takes 100 MB and 10 MB per picture."""
    steps: list[int] = []

    def peak_of(device: torch.device, work: Callable[[], object]) -> int:
        work()
        copied: Trainer = work.__self__  # type: ignore[attr-defined]
        at = copied.at
        size = at.batch // copied.shards
        piece = size // parts_of(size, copied.micro_batch)  # type: ignore[arg-type]
        steps.append(piece)
        kept = [copied.system, *copied.averages.modules.values()]
        twice = sum(t.nbytes for module in kept for t in module.state_dict().values())
        return 100 * MB + 10 * MB * piece + twice

    def make(size: int) -> list[int]:
        monkeypatch.setattr(memory, "room", lambda device: size)
        monkeypatch.setattr(memory, "held", lambda device: 100 * MB)
        monkeypatch.setattr(memory, "peak_of", peak_of)
        return steps

    return make


def trainer(batch: int = 16, group: int = 1, **options: Any) -> Trainer:
    system = ToyGrowing(batch=batch)
    system.group = group
    return Trainer(system, ToyData(), **options)


@pytest.mark.parametrize(
    ("room", "group", "size"),
    [
        (1000 * MB, 1, None),  # 100 + 16 · 10 fit into 0.9 · 1000
        (230 * MB, 1, 8),  # 0.9 · 230 = 207: 260 do not fit, 180 do
        (190 * MB, 1, 4),  # 171: 140 fit
        (190 * MB, 8, 4),  # a group of 8 does not fit whole
        (230 * MB, 4, 8),
        (50 * MB, 1, 1),  # nothing fits: the least
    ],
)
def test_the_largest_micro_batch_that_fits_is_chosen(
    machine: Callable[[int], list[int]], room: int, group: int, size: int | None
) -> None:
    machine(room)
    t = trainer(group=group)
    needs = fit_memory(t)
    assert t.micro_batch == (None if size is None else {4: size, 8: size})
    if size is not None:
        assert [need.piece for need in needs] == [size, size]
        moments = 2 * sum(needs[1].moved.values())
        assert needs[1].bytes == pytest.approx((100 + 10 * size) * MB + moments, abs=MB)


def test_only_small_steps_are_measured_and_few_where_there_is_room(
    machine: Callable[[int], list[int]],
) -> None:
    steps = machine(230 * MB)
    fit_memory(trainer())
    assert max(steps) == 2
    steps.clear()
    machine(1000 * MB)
    assert fit_memory(trainer()) == ()
    assert steps == [1]
    assert len(fit_memory(trainer(), every=True)) == 2


def test_what_was_asked_for_stays(machine: Callable[[int], list[int]]) -> None:
    machine(190 * MB)
    t = trainer(micro_batch={8: 16})
    fit_memory(t)
    assert t.micro_batch == {4: 4, 8: 16}
    t = trainer(micro_batch=2)
    assert [need.piece for need in fit_memory(t)] == [2, 2]
    assert t.micro_batch == 2


def test_a_shard_is_what_has_to_fit(machine: Callable[[int], list[int]]) -> None:
    machine(230 * MB)
    t = trainer(shards=2)
    fit_memory(t)
    assert t.micro_batch is None  # 100 + 8 · 10 fit


def test_measuring_leaves_the_trainer_as_it_was() -> None:
    t = trainer()
    before = {name: value.clone() for name, value in t.state().tensors.items()}
    fit_memory(t, every=True)
    after = t.state().tensors
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert (t.images, t.steps, t.entered) == (0, 0, -1)


def test_a_need_says_so_in_words() -> None:
    stage = Stage(name="64", images=1, resolution=64, batch=16)
    need = Need(stage=stage, pictures=16, piece=4, bytes=9_060_000_000, room=12 * 10**9, moved={})
    assert need.text() == "64 px: batch 16 in micro-batches of 4 (9.1 GB of 12.0 GB)"


# The meter -----------------------------------------------------------------------------------


def measurable() -> bool:
    return meter.peak_of(CPU, lambda: None) is not None


@pytest.mark.skipif(not measurable(), reason="needs Linux' high-water mark")
def test_the_peak_is_what_was_held_at_once_and_is_forgotten() -> None:
    def take(size: int) -> None:
        held = torch.ones(size, dtype=torch.uint8)
        del held

    nothing = meter.peak_of(CPU, lambda: None)  # gives back what is free, too
    large, small = meter.peak_of(CPU, lambda: take(256 * MB)), meter.peak_of(CPU, lambda: take(MB))
    before = meter.held(CPU)
    assert nothing is not None
    assert large is not None
    assert small is not None
    assert before is not None
    assert 240 * MB < large - nothing < 290 * MB
    assert small - before < 30 * MB
    there = meter.room(CPU)
    assert there is not None
    assert there > before


def test_control_groups_bound_the_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = tmp_path / "jobs" / "one"
    inner.mkdir(parents=True)
    for group, limit, used in ((tmp_path / "jobs", "900", 300), (inner, "max", 100)):
        (group / "memory.max").write_text(limit)
        (group / "memory.stat").write_text(f"anon {used}\nfile 5\n")
    monkeypatch.setattr(meter, "GROUPS", tmp_path)
    real = Path.read_text

    def read(path: Path, *words: Any, **more: Any) -> str:
        told = str(path) == "/proc/self/cgroup"
        return "0::/jobs/one\n" if told else real(path, *words, **more)

    monkeypatch.setattr(Path, "read_text", read)
    assert list(meter._left_in_groups()) == [600]


# A run ---------------------------------------------------------------------------------------


def test_the_choice_stands_on_the_screen_in_the_decisions_and_in_the_lock(
    tmp_path: Path, machine: Callable[[int], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(190 * MB)
    monkeypatch.setattr(session, "finish_run", lambda *words, **more: None)
    screen = Quiet()
    sets = ("fmap_max=4", "latent_size=4", "data.images=16", "batch={4: 8}", "train.previews=4")
    fixed = ("train.threads=1", "train.precision=fp32", "stddev_group=4")
    asked = Asked(words="portraits", resolution=8, images=48, runs=tmp_path, sets=(*sets, *fixed))
    outcome = train_run(prepare(asked), screen)
    said = "4 px: batch 8 in micro-batches of 4 (0.14 GB of 0.19 GB)"
    assert f"Memory {said}" in screen.lines
    assert read_recipe(outcome.path / "recipe.lock.yaml").train.micro_batch == {4: 4, 8: 4}
    assert said in (outcome.path / "decisions.jsonl").read_text()


def test_recipes_say_one_number_or_one_for_each_resolution() -> None:
    for text, wanted in (("4", 4), ("{64: 4, 128: 2}", {64: 4, 128: 2}), ("null", None)):
        recipe = parse_recipe(f"system: progan\ntrain: {{micro_batch: {text}}}\n")
        assert recipe.train.micro_batch == wanted
    with pytest.raises(ConfigError, match=r"train.micro_batch.64 is 0; it must be at least 1"):
        TrainSettings(micro_batch={64: 0})


# Activations computed again ------------------------------------------------------------------


def gradients(setting: bool, **settings: Any) -> tuple[dict[str, torch.Tensor], int]:
    """Gradients of a whole step of both players at 16 px, and bytes kept for them."""
    recipe = Recipe(
        preset="paper",
        train=TrainSettings(checkpoint_activations=setting),
        set={"fmap_max": 8, "latent_size": 8, "batch": {4: 4}, **settings},
    )
    system = build_system(recipe, DataSpec(resolution=16, channels=3, images=9), CPU)
    plan = Plan((Stage(name="16", images=64, resolution=16, batch=4, fade=True),))
    t = Trainer(system, Pictures(), plan=plan)
    kept = 0

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        nonlocal kept
        kept += tensor.nbytes
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        t.step()
        t.step()
    return dict(t.state().tensors), kept


class Pictures:
    def batch(self, numbers: range, resolution: int) -> Any:
        from progan.core.batch import Images

        generator = torch.Generator().manual_seed(numbers.start)
        return Images(torch.rand(len(numbers), 3, resolution, resolution, generator=generator))


@pytest.mark.parametrize(
    "settings",
    [
        {},  # the gradient penalty: gradients of gradients
        {"penalty.kind": "r1", "objective": "non-saturating", "fused": True},
        {"objective": "least-squares", "noise": 0.2, "penalty.kind": "none"},
        {"generator_norm": "batch"},
        {"simultaneous": True},
    ],
    ids=["gp", "r1", "noise", "batch-norm", "joint"],
)
def test_activations_computed_again_are_the_same(settings: dict[str, Any]) -> None:
    plain, much = gradients(False, **settings)
    again, little = gradients(True, **settings)
    assert plain.keys() == again.keys()
    for name, value in plain.items():
        torch.testing.assert_close(again[name], value, rtol=0, atol=0, msg=name)
    assert little < 0.9 * much


def test_networks_without_blocks_refuse_it() -> None:
    recipe = Recipe(system="gan", train=TrainSettings(checkpoint_activations=True))
    with pytest.raises(ConfigError, match="networks of gan as set have no blocks"):
        build_system(recipe, DataSpec(resolution=16, channels=1, images=9), CPU)
