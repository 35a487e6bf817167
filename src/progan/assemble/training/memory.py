"""Micro-batches that fit: chosen before training from the measured peak of a step.

The peak of a step grows by about the same for every picture of a micro-batch:

    peak(m) ≈ peak(m₁) + (peak(m₂) − peak(m₁)) · (m − m₁) / (m₂ − m₁)

So a step is measured in the two smallest sizes, which fits wherever training can, and the largest
size that fits into the room there is, by this line, is taken. Where such a step takes over a
second only the smallest is measured, and m₂ is 0: what is held without a step.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from progan.core import distributed
from progan.core.launch import launched
from progan.core.plan import Plan, Stage, height_width
from progan.engine.loop import Trainer
from progan.engine.meter import held, peak_of, room
from progan.engine.pieces import micro_batch_at, parts_of, piece_sizes, with_limit

__all__ = ["Need", "fit_memory", "gigabytes"]

SHARE = 0.9
"""Share of the room that a step may take by the estimate."""


@dataclass(frozen=True, kw_only=True)
class Need:
    """What the stages of one resolution take."""

    stage: Stage
    """The one of them that takes most."""
    pictures: int
    """Of a shard."""
    piece: int
    """Pictures per backward pass, as chosen or as asked."""
    bytes: int | None
    """Peak of a step with it; None where it is not known."""
    room: int | None
    """Bytes there are."""
    moved: Mapping[str, int]
    """Bytes of the parameters that each player moves."""

    def text(self) -> str:
        """In words: 1024 px: batch 4 in micro-batches of 1 (9.1 of 22.4 GB)."""
        return (
            f"{height_width(self.stage.resolution)[0]} px: batch {self.stage.batch} in "
            f"micro-batches of {self.piece} ({gigabytes(self.bytes)} of {gigabytes(self.room)})"
        )


def gigabytes(size: int | None) -> str:
    """Bytes in words: 0.42 GB, 9.1 GB, or a question mark."""
    if size is None:
        return "?"
    return f"{size / 1e9:.2f} GB" if size < 1e9 else f"{size / 1e9:.1f} GB"


def fit_memory(trainer: Trainer, *, every: bool = False) -> tuple[Need, ...]:
    """Choose micro-batches for `trainer`, where memory is short; what was found.

    Sizes that the trainer was given stay. Where even the largest stage leaves room for the
    largest batch, nothing more is measured, unless `every` stage is asked for. On a CPU that
    does not tell what it holds, nothing is chosen.
    """
    stages, there = _stages(trainer.plan), _room(trainer.device)
    if there is None:
        return ()
    if not every:
        smallest = _trial(trainer, stages[-1], _sizes(trainer, stages[-1])[-1])
        most = max(trainer.share(stage.batch) for stage in stages)
        if smallest is None or smallest.at(most) <= SHARE * there:
            return ()
    needs = []
    for stage in stages:
        need = _need(trainer, stage, there)
        asked = micro_batch_at(trainer.micro_batch, stage.resolution)
        if asked is None and need.piece < need.pictures:
            trainer.micro_batch = with_limit(
                trainer.micro_batch, stage.resolution, need.piece, trainer.plan
            )
        needs.append(need)
    return tuple(needs)


def _room(device: torch.device) -> int | None:
    """Bytes for each process: on a CPU, those of a machine share what is left; the least of all."""
    there, mine, here = room(device), held(device), launched()
    if there is not None and mine is not None and here is not None and device.type == "cpu":
        there = mine + (there - mine) // here.local_world
    least = _most(None if there is None else -there)
    return None if least is None else -least


def _most(number: int | None) -> int | None:
    """The largest over all processes; None where one of them does not know."""
    unknown, most = distributed.largest(number is None, -(2**62) if number is None else number)
    return None if unknown else most


def _stages(plan: Plan) -> list[Stage]:
    """The stage of each resolution that takes most, the last of equals; smallest pictures first."""
    found: dict[int, Stage] = {}
    for stage in plan.stages:
        height, width = height_width(stage.resolution)
        old = found.get(height * width)
        if old is None or (stage.batch, stage.fade) >= (old.batch, old.fade):
            found[height * width] = stage
    return [found[pixels] for pixels in sorted(found)]


def _sizes(trainer: Trainer, stage: Stage) -> Sequence[int]:
    return piece_sizes(trainer.share(stage.batch), trainer.system.group, trainer.system.least)


def _need(trainer: Trainer, stage: Stage, there: int) -> Need:
    """Measure one stage, and choose for it."""
    pictures = trainer.share(stage.batch)
    sizes = _sizes(trainer, stage)
    small = sorted(sizes)[:2]
    asked = micro_batch_at(trainer.micro_batch, stage.resolution)
    if asked is not None:
        sizes = [pictures // parts_of(pictures, asked)]

    def need(piece: int, trial: _Trial | None) -> Need:
        peak = None if trial is None else round(trial.at(piece))
        moved = {} if trial is None else trial.moved
        return Need(
            stage=stage, pictures=pictures, piece=piece, bytes=peak, room=there, moved=moved
        )

    trial = _trial(trainer, stage, small[0])
    if trial is None:
        return need(sizes[0], None)
    if len(small) > 1 and trial.seconds < 1:
        second = _trial(trainer, stage, small[1])
        assert second is not None
        trial = replace(trial, each=max(0.0, (second.peak - trial.peak) / (small[1] - small[0])))
    piece = next((size for size in sizes if trial.at(size) <= SHARE * there), sizes[-1])
    return need(piece, trial)


@dataclass(frozen=True, kw_only=True)
class _Trial:
    """A step in micro-batches of `size`."""

    size: int
    peak: float
    """Bytes, without what the throw-away copy of the system holds twice."""
    each: float
    """Bytes of every further picture."""
    seconds: float
    moved: Mapping[str, int]
    """Bytes of the parameters that each player moved."""

    def at(self, size: int) -> float:
        """The peak in micro-batches of another size."""
        return self.peak + self.each * (size - self.size)


def _trial(trainer: Trainer, stage: Stage, size: int) -> _Trial | None:
    """A step of `stage` in micro-batches of `size`, on a throw-away copy; every turn is due.

    Two of them stand for all: gradients are then being added. Optimizers make their moments at
    the end of this first step; later ones hold them from the beginning.
    """
    pictures = min(2 * size, trainer.share(stage.batch))
    short = replace(stage, images=10**12, batch=pictures * trainer.shards)
    before = _most(held(trainer.device))
    copied = trainer.twin(trainer.data, Plan((short,)), micro_batch=size)
    began = time.perf_counter()
    peak = _most(peak_of(trainer.device, copied.step))
    seconds = distributed.agree(time.perf_counter() - began)
    if peak is None or before is None:
        return None
    kept = [copied.system, *copied.averages.modules.values()]
    twice = sum(tensor.nbytes for module in kept for tensor in module.state_dict().values())
    moments, moved = 0, {}
    for name, optimizer in copied.optimizers.items():
        memories = optimizer.state.values()
        moments += sum(value.nbytes for memory in memories for value in memory.values())
        moved[name] = sum(parameter.nbytes for parameter in optimizer.state)
    whole = peak - twice + moments
    without = before + moments + 3 * sum(moved.values())  # gradients: old, new and their sum
    return _Trial(
        size=size,
        peak=whole,
        each=max(0.0, (whole - without) / size),
        seconds=seconds,
        moved=moved,
    )
