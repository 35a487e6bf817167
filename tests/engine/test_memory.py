"""Memory that runs out, injected at every place where it is taken."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from progan.assemble.models.build import build_system
from progan.core.errors import RoomError, is_out_of_memory
from progan.core.faults import Faults
from progan.core.recipe import Recipe
from progan.core.specs import SGD, DataSpec
from progan.core.system import System
from progan.engine.checkpoint import checkpoints, newest_valid
from progan.engine.loop import State, Trainer
from progan.engine.pieces import (
    micro_batch_at,
    micro_batch_from_plain,
    micro_batch_to_plain,
    parts_of,
    piece_sizes,
    with_limit,
)
from progan.engine.record import RunFolder
from progan.engine.run import Run, RunOptions
from toys import ToyData, bits, same, toy

POINTS = ("forward", "backward", "moments", "step")
TORCH = "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory"


class Short(Faults):
    """Memory runs out at a point of a step for more than so many pictures at once."""

    def __init__(self, point: str, step: int, most: int, *, after: int = 0) -> None:
        self.point, self.step, self.most, self.after = point, step, most, after
        self.hits = 0

    def memory(self, point: str, step: int, pictures: int) -> None:
        if (point, step) == (self.point, self.step) and pictures > self.most:
            self.after -= 1
            if self.after < 0:
                self.hits += 1
                raise RuntimeError(TORCH)


def progan() -> System[Any]:
    """With a buffer that its critic's turn moves, a lazy penalty and groups of two."""
    settings = {
        "fmap_max": 4,
        "latent_size": 4,
        "batch": {4: 8},
        "stable_images": 32,
        "fade_images": 32,
        "final_images": 32,
        "objective": "least-squares",
        "noise": 0.2,
        "stddev_group": 2,
        "penalty": {"every": 3},
    }
    spec = DataSpec(resolution=8, channels=1, classes=0, images=64)
    return build_system(Recipe(preset="cpu", set=settings), spec, torch.device("cpu"))


def trainer(make: Callable[[], System[Any]] = toy, **options: Any) -> Trainer:
    return Trainer(make(), ToyData(), **options)


# Sizes ---------------------------------------------------------------------------------------


def test_sizes_keep_groups_whole_as_long_as_they_can() -> None:
    assert piece_sizes(16) == (16, 8, 4, 2, 1)
    assert piece_sizes(14) == (14, 7, 2, 1)
    assert piece_sizes(12, 4) == (12, 4, 3, 2, 1)  # not 6: it would be cut into groups of three
    assert piece_sizes(6, 4) == (6, 3, 2, 1)
    assert piece_sizes(1, 4) == (1,)


def test_no_micro_batch_is_smaller_than_what_can_be_trained_on() -> None:
    assert piece_sizes(12, least=2) == (12, 6, 4, 3, 2)
    assert piece_sizes(15, 4, 5) == (15, 5)
    assert piece_sizes(7, least=2) == (7,)
    assert piece_sizes(1, least=2) == (1,)


def test_a_micro_batch_is_never_larger_than_asked() -> None:
    assert [parts_of(12, size) for size in (None, 12, 11, 6, 5, 4, 1)] == [1, 1, 2, 2, 3, 3, 12]


def test_a_limit_at_one_resolution_leaves_the_others() -> None:
    plan = toy().plan()  # 4 px and 8 px
    assert with_limit(None, 8, 2, plan) == {8: 2}
    assert with_limit(4, 8, 2, plan) == {4: 4, 8: 2}
    assert with_limit({4: 1}, (8, 16), 2, plan) == {4: 1, 8: 2}
    assert [micro_batch_at(s, 8) for s in (None, 3, {8: 2}, {4: 2})] == [None, 3, 2, None]
    for setting in (None, 4, {4: 4, 8: 2}):
        assert micro_batch_from_plain(micro_batch_to_plain(setting)) == setting


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (RuntimeError(TORCH), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("std::bad_alloc"), True),
        (RuntimeError("could not create a primitive"), True),
        (RuntimeError("could not create a primitive descriptor for a convolution"), False),
        (RuntimeError("The size of tensor a (3) must match"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_errors_of_memory_are_told_from_others(error: Exception, is_one: bool) -> None:
    assert is_out_of_memory(error) == is_one


# The step, once more -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "shards", "point"),
    [
        *((toy, shards, point) for shards in (1, 2) for point in POINTS[:3]),
        *((progan, 1, "moments"), (progan, 2, "backward")),
    ],
)
def test_a_step_out_of_memory_is_the_same_step_in_smaller_pieces(
    make: Callable[[], System[Any]], shards: int, point: str
) -> None:
    step = {"moments": 0}.get(point, 3)  # moments are made in the first step
    share = 8 // shards
    short = trainer(make, shards=shards, faults=Short(point, step, share // 2))
    told = trainer(make, shards=shards)
    for number in range(8):
        if number == step:
            told.micro_batch = share // 2
        result = short.step()
        wanted = (share, share // 2) if number == step else (short.piece(result.at),) * 2
        assert result.pieces == wanted
        assert {k: float(v) for k, v in result.terms.items()} == {
            k: float(v) for k, v in told.step().terms.items()
        }
        if number == step:
            assert short.micro_batch == {4: share // 2}
            told.micro_batch = {4: share // 2}  # and as before at 8 px
    assert short.faults.hits == 1  # type: ignore[attr-defined]
    assert short.at.resolution == 8
    assert same(bits(short), bits(told))
    assert short.state().counters == told.state().counters


def test_pieces_shrink_until_they_fit() -> None:
    short = trainer(faults=Short("backward", 1, 1))
    told = trainer()
    short.step(), told.step()
    assert short.step().pieces == (8, 1)
    told.micro_batch = 1
    told.step()
    assert short.faults.hits == 3  # type: ignore[attr-defined]  # 8, 4, 2
    assert same(bits(short), bits(told))


def test_a_later_micro_batch_that_does_not_fit_undoes_the_ones_before_it() -> None:
    def halves(faults: Faults | None = None) -> Trainer:
        return trainer(progan, micro_batch=4, faults=faults)

    short, told = halves(Short("backward", 2, 2, after=1)), halves()
    for number in range(4):
        told.micro_batch = 2 if number >= 2 else 4
        short.step(), told.step()
    assert same(bits(short), bits(told))


def test_turns_that_were_played_before_are_not_played_again() -> None:
    """The generator's turn runs short: the critic's, two draws long, stands as it was."""

    class Later(Trainer):
        def _play(self, turn: Any, *words: Any) -> Any:
            if self.steps == 2 and turn.player == "generator":
                self.micro_batch = 4
            return super()._play(turn, *words)

    short = trainer(faults=Short("forward", 2, 4, after=2))
    told = Later(toy(), ToyData())
    for _ in range(3):
        short.step(), told.step()
    assert short.images == told.images
    assert same(bits(short), bits(told))


@pytest.mark.parametrize("joint", [False, True])
@pytest.mark.parametrize("point", POINTS[:3])
def test_what_never_fits_is_said_and_leaves_no_trace(point: str, joint: bool) -> None:
    t = trainer(lambda: toy(joint=joint), faults=Short(point, 0, 0))
    before = bits(t)
    with pytest.raises(RoomError, match=r"at 4 px with batch 8, even in micro-batches of 1\.") as e:
        t.step()
    assert "\n" not in str(e.value)
    assert same(bits(t), before)  # nobody has begun to remember, no buffer has moved
    assert t.steps == 0
    assert all(p.grad is None and p.requires_grad for p in t.system.parameters())


def test_half_a_step_is_never_gone_on_from() -> None:
    t = trainer(lambda: toy(joint=True), faults=Short("step", 0, 0, after=1))
    with pytest.raises(RoomError, match="middle of an optimizer's step"):
        t.step()


def test_adams_memory_made_beforehand_is_the_memory_it_makes() -> None:
    from progan.engine.play import _remember

    weights = [torch.nn.Parameter(torch.randn(3, 4)) for _ in range(2)]
    for fused in (True, None):
        ours = torch.optim.Adam(weights, fused=fused)
        theirs = torch.optim.Adam(weights, fused=fused)
        _remember(ours, weights, lambda: None)
        for weight in weights:
            weight.grad = torch.zeros_like(weight)
        theirs.step()  # a gradient of zero moves nothing but the count
        for weight in weights:
            made, wanted = ours.state[weight], theirs.state[weight]
            assert list(made) == list(wanted)
            for name, value in made.items():
                assert (value.dtype, value.device) == (wanted[name].dtype, wanted[name].device)
                assert value.shape == wanted[name].shape
                assert float(value.sum()) == 0


def test_an_optimizer_without_moments_runs_short_as_well() -> None:
    def sgd() -> System[Any]:
        system = toy()
        players = system.players()
        plain = {n: type(p)(p.parameters, SGD(lr=0.1)) for n, p in players.items()}
        system.players = lambda: plain  # type: ignore[method-assign]
        return system

    short, told = trainer(sgd, faults=Short("backward", 0, 4)), trainer(sgd, micro_batch=4)
    short.step(), told.step()
    assert same(bits(short), bits(told))


def test_what_the_failed_attempt_held_is_let_go_before_the_next() -> None:
    held: list[Any] = []
    looked: list[int] = []

    class Watching(Short):
        def memory(self, point: str, step: int, pictures: int) -> None:
            if self.hits and not looked:
                gc.collect()
                looked.append(sum(reference() is not None for reference in held))
            super().memory(point, step, pictures)

    t = trainer(faults=Watching("backward", 0, 4))
    loss = t.system.critic_loss

    def watched(batch: Any, at: Any) -> Any:
        terms = loss(batch, at)
        held.extend(weakref.ref(term) for term in terms.values())
        return terms

    t.system.critic_loss = watched  # type: ignore[method-assign]
    assert t.step().pieces == (8, 4)
    assert looked == [0]
    assert len(held) == 5  # one before, two pieces of each of two turns


# The run -------------------------------------------------------------------------------------


OFTEN = RunOptions(log_every=1, previews=4, save_seconds=0.0, keep_last=99)


def run_of(folder: RunFolder, faults: Faults | None = None) -> Run:
    return Run(folder, trainer(faults=faults), options=OFTEN)


def test_a_run_says_it_in_a_line_and_resumes_bit_for_bit(tmp_path: Path) -> None:
    whole = run_of(RunFolder.create(tmp_path, "whole"), Short("backward", 5, 2))
    assert whole.go() == "done"
    decisions = whole.folder.read_lines("decisions.jsonl")
    assert [(line["kind"], line["text"]) for line in decisions] == [
        ("memory", "Out of memory at 8 px with batch 8: goes on in micro-batches of 2.")
    ]
    # The step that ran short was saved; from there on memory need not run out again.
    step_5 = 6 * 16
    folder = RunFolder.create(tmp_path, "resumed")
    resumed = run_of(folder)
    path = whole.folder.checkpoints / f"{step_5:09d}.safetensors"
    assert path in checkpoints(whole.folder.checkpoints)
    from progan.engine.checkpoint import load_checkpoint

    tensors, meta = load_checkpoint(path)
    assert meta["counters"]["micro_batch"] == {"8": 2}
    resumed.resume(tensors, meta)
    assert resumed.go() == "done"
    assert same(bits(resumed.trainer), bits(whole.trainer))


def test_a_run_that_never_fits_ends_with_room_code_and_a_valid_save(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "run")
    run = run_of(folder, Short("forward", 5, 0))
    with pytest.raises(RoomError, match=r"micro-batches of 1\..* The last save is intact: ") as e:
        run.go()
    assert e.value.exit_code == 5
    assert f"progan resume {folder.path}" in str(e.value)
    _, tensors, meta, passed = newest_valid(folder.checkpoints)
    assert 4 <= meta["counters"]["steps"] <= 5  # the end of a stage, or later
    assert passed == []
    again = trainer()
    again.load_state(State(tensors, meta["counters"]))
    told = trainer()
    while told.steps < again.steps:
        told.step()
    assert same(bits(again), bits(told))
    again.step(), told.step()
    assert same(bits(again), bits(told))


def test_a_rollback_keeps_the_smaller_micro_batch(tmp_path: Path) -> None:
    class Both(Short):
        def gradients(self, player: str, step: int, gradients: Any) -> None:
            if step in (6, 7, 8) and not self.done:
                gradients[0].fill_(float("nan"))
            self.done = self.done or step == 8

        done = False

    run = run_of(RunFolder.create(tmp_path, "run"), Both("backward", 6, 4))
    assert run.go() == "done"
    assert run.trainer.recoveries == 1
    assert run.trainer.micro_batch == {8: 4}


def test_files_without_a_micro_batch_are_read(tmp_path: Path) -> None:
    t = trainer(micro_batch=4)
    state = t.state()
    del state.counters["micro_batch"]
    t.load_state(state)
    assert t.micro_batch == 4
