"""Micro-batches that fit: chosen before training from the measured peak of a step.

The peak of a step grows by about the same for every picture of a micro-batch:

    peak(m) ≈ peak(m₁) + (peak(m₂) − peak(m₁)) · (m − m₁) / (m₂ − m₁)

So a step is measured in the two smallest sizes, which never fails where training could succeed,
and the largest size that fits into the room there is by this line is taken.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

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
    stages = _stages(trainer.plan)
    there, before = room(trainer.device), held(trainer.device)
    if there is None or before is None:
        return ()
    if not every:
        largest = stages[-1]
        size = _sizes(trainer, largest)[-1]
        peak = _peak(trainer, largest, size)
        if peak is None:
            return ()
        most = max(stage.batch // trainer.shards for stage in stages)
        if before + max(0, peak - before) / size * most <= SHARE * there:
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


def _stages(plan: Plan) -> list[Stage]:
    """The stage of each resolution that takes most, smallest pictures first."""
    found: dict[int, Stage] = {}
    for stage in plan.stages:
        height, width = height_width(stage.resolution)
        old = found.get(height * width)
        if old is None or (stage.batch, stage.fade) > (old.batch, old.fade):
            found[height * width] = stage
    return [found[pixels] for pixels in sorted(found)]


def _sizes(trainer: Trainer, stage: Stage) -> Sequence[int]:
    return piece_sizes(stage.batch // trainer.shards, trainer.system.group)


def _need(trainer: Trainer, stage: Stage, there: int) -> Need:
    """Measure one stage, and choose for it."""
    pictures = stage.batch // trainer.shards
    asked = micro_batch_at(trainer.micro_batch, stage.resolution)
    sizes = _sizes(trainer, stage)
    if asked is not None:
        sizes = [pictures // parts_of(pictures, asked)]
    small = sorted(_sizes(trainer, stage))[:2]
    peaks = [_peak(trainer, stage, size) for size in small]

    def need(piece: int, peak: float | None) -> Need:
        whole = None if peak is None else round(peak)
        return Need(stage=stage, pictures=pictures, piece=piece, bytes=whole, room=there)

    first, second = peaks[0], peaks[-1]
    if first is None or second is None:
        return need(sizes[0], None)
    each = max(0.0, (second - first) / (small[1] - small[0])) if len(small) > 1 else 0.0
    for size in sizes:
        peak = first + each * (size - small[0])
        if peak <= SHARE * there:
            return need(size, peak)
    return need(sizes[-1], first + each * (sizes[-1] - small[0]))


def _peak(trainer: Trainer, stage: Stage, size: int) -> int | None:
    """Peak of a step of `stage` in micro-batches of `size`, every lazy turn included.

    Two of them stand for all: gradients are then being added. What the throw-away copy of the
    system holds twice does not count.
    """
    pictures = min(2 * size, stage.batch // trainer.shards)
    short = replace(stage, images=10**12, batch=pictures * trainer.shards)
    copied = Trainer(
        copy.deepcopy(trainer.system),
        trainer.data,
        plan=Plan((short,)),
        seed=trainer.seed,
        shards=trainer.shards,
        micro_batch=size,
        precision=trainer.precision,
        device=trainer.device,
    )
    copied.step()  # makes moments, and the room that convolutions keep

    def step() -> None:
        copied.steps = 0
        copied.step()

    peak = peak_of(trainer.device, step)
    twice = [*copied.system.state_dict().values()]
    for average in copied.averages.modules.values():
        twice += average.state_dict().values()
    return None if peak is None else peak - sum(tensor.nbytes for tensor in twice)
