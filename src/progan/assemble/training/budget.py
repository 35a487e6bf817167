"""Fitting a plan to a time budget, by rates measured on this very machine.

The plan's own proportions are kept: one factor scales every stage that lies ahead. At each stage
border the factor is found again from the time that is really left. Every decision is written
down, and the plan in the checkpoint is the plan as decided.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from progan.core import distributed
from progan.core.plan import Plan, Progress, Stage
from progan.engine.loop import Draws, Trainer

__all__ = ["Budget", "Rates", "fit", "measure_stage", "scale_to_images"]

Rates = Mapping[int, float]
"""Images per second, by index of the stage."""

FINISH_SHARE = 0.08
"""Share of a budget kept for the pictures, the review and the report at the end, at least."""
LEAST_SHARE = 0.02
"""What is left of a budget is not worth a new plan below this share of it."""
PATIENCE, LONG_STEP = 10.0, 3.0
"""Where a step would take so many times the seconds given to its stage, and so many seconds, a few
pictures stand for the whole batch."""
FEW = 2
"""So many of each shard."""
PATIENCE = 10.0
"""A step that takes so many times the seconds given to its stage is not waited for: a few pictures
then stand for the whole batch."""


def scale_to_images(plan: Plan, images: int) -> Plan:
    """The same proportions, `images` long in all."""
    return _scaled(plan, images / plan.images, 0)


def _scaled(plan: Plan, factor: float, first: int) -> Plan:
    """Scale stages from `first` on; each keeps at least one whole batch if it had one."""
    lengths = []
    for index, stage in enumerate(plan.stages):
        if index < first or not stage.images:
            lengths.append(stage.images)
        else:
            lengths.append(max(1, round(stage.images * factor / stage.batch)) * stage.batch)
    return plan.with_lengths(lengths)


def fit(plan: Plan, rates: Rates, seconds: float, first: int = 0) -> Plan:
    """Scale the stages from `first` on so that they take `seconds` at `rates`."""
    needed = seconds_of(plan, rates, first)
    return _scaled(plan, max(seconds, 0.0) / needed, first) if needed else plan


def seconds_of(plan: Plan, rates: Rates, first: int = 0) -> float:
    """How long the stages from `first` on take at `rates`."""
    return sum(
        stage.images / rates[index] for index, stage in enumerate(plan.stages) if index >= first
    )


def measure_stage(
    trainer: Trainer, stage: Stage, data: Draws, *, seconds: float = 0.4, most_steps: int = 200
) -> float:
    """Images per second of `stage`, on a throw-away copy of the trainer's system."""
    few = min(stage.batch, trainer.shards * FEW)
    plan = Plan((replace(stage, images=10**12, batch=few),))
    copied = trainer.twin(data, plan, micro_batch=trainer.micro_batch)
    copied.steps = 1  # a lazy turn is due at step 0; start beside it, as most steps do
    longest = max(LONG_STEP, PATIENCE * seconds)
    rate = _rate(copied)
    if few / rate <= longest:
        rate = _rate(copied)  # the first step also prepares what all share
    if few / rate > longest:
        return rate
    if stage.batch / rate <= longest:
        copied.plan = Plan((replace(stage, images=10**12),))
        _rate(copied)
    began, images, steps = time.perf_counter(), copied.images, 0
    while steps < most_steps:
        copied.step()
        steps += 1
        taken = time.perf_counter() - began
        up = taken >= seconds and (steps >= 4 or taken >= longest)
        if distributed.largest(up and distributed.is_first())[0]:
            break
    _finish(trainer.device)
    return distributed.agree((copied.images - images) / (time.perf_counter() - began))


def _rate(trainer: Trainer) -> float:
    """Images per second of one step."""
    began, images = time.perf_counter(), trainer.images
    trainer.step()
    _finish(trainer.device)
    return distributed.agree((trainer.images - images) / (time.perf_counter() - began))


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def measure(
    trainer: Trainer, *, seconds: float = 0.4, within: float | None = None
) -> dict[int, float]:
    """Images per second of every stage; those that differ only in length, and in which the same
    players play, are measured once.

    `seconds` for each, or about `within` for all together.
    """
    kinds = [
        (replace(stage, name="", images=1, fresh_optimizers=False), _players(trainer, index))
        for index, stage in enumerate(trainer.plan.stages)
    ]
    known: dict[tuple[Stage, tuple[str, ...]], float] = {}
    began = time.perf_counter()
    for index, kind in enumerate(kinds):
        if kind in known:
            continue
        if within is not None:  # a stage may take up to twice as long as its longest step
            left = within - (time.perf_counter() - began)
            seconds = min(1.0, max(0.0, left) / len({*kinds} - {*known}) / (2 * PATIENCE))
        known[kind] = measure_stage(
            trainer, trainer.plan.stages[index], trainer.data, seconds=seconds
        )
    return {index: known[kind] for index, kind in enumerate(kinds)}


def _players(trainer: Trainer, index: int) -> tuple[str, ...]:
    """Who plays in a stage."""
    stage = trainer.plan.stages[index]
    at = Progress(images=0, step=0, index=index, stage=stage, fraction=0.0)
    return tuple(name for turn in trainer.system.turns(at) for name in turn.players)


@dataclass
class Budget:
    """Keeps a run inside its time.

    `seconds` is the whole budget; `finish` of them, or a fixed share if that is more, are kept for
    what comes after training.
    """

    seconds: float
    rates: dict[int, float]
    """Images per second of each stage, as measured."""
    began: float
    """`time.monotonic()` when the user pressed Enter."""
    decisions: list[str]
    finish: float = 0.0
    """Seconds that the end was found to take."""

    def __post_init__(self) -> None:
        self._measured = dict(self.rates)
        self._border: tuple[int, int, float] | None = None
        """Stage, images and training seconds at the last border."""
        self._taken = self._expected = 0.0

    def left(self) -> float:
        """Seconds left for training."""
        return self.rest() - self.kept()

    def rest(self) -> float:
        """Seconds left for everything."""
        return self.seconds - (time.monotonic() - self.began)

    def kept(self) -> float:
        """Seconds kept for the end; never more than half."""
        return min(max(FINISH_SHARE * self.seconds, self.finish), self.seconds / 2)

    def first_fit(self, plan: Plan, first: int = 0) -> Plan:
        """The plan that fills what is left."""
        return fit(plan, self.rates, self.left(), first)

    def refit(self, plan: Plan, at: Progress, seconds: float) -> Plan | None:
        """At a border: learn from the stages that ended, and scale what lies ahead.

        In the midst of the last stage: make it as long as its own speed so far allows.

        What the stages took, over what they should have taken at the rates measured first, says how
        much slower training is than a trial: saves, pictures and other programs included.
        """
        if self._border is not None and self._border[0] == at.index:
            return self._stretched(plan, at, seconds)
        if self._border is None and at.images - plan.start(at.index) >= at.batch:
            self._border = (at.index, at.images, seconds)  # resumed in the midst of a stage
            return None
        if self._border is not None:
            index, images, clock = self._border
            self._taken += seconds - clock
            self._expected += (at.images - images) / self._measured[index]
        self._border = (at.index, at.images, seconds)
        if self._taken > 0 and self._expected > 0:
            slowdown = self._taken / self._expected
            self.rates = {index: rate / slowdown for index, rate in self._measured.items()}
        needed = seconds_of(plan, self.rates, at.index)
        left = self.left()
        if not needed or abs(left / needed - 1) < 0.02:
            return None
        fitted = fit(plan, self.rates, left, at.index)
        if fitted == plan:
            return None
        self.decisions.append(
            f"{left:.0f} s left and {needed:.0f} s needed at {at.images:,} images: stages from "
            f"{at.stage.name} on are {left / needed:.2f} times as long."
        )
        return fitted

    def _stretched(self, plan: Plan, at: Progress, seconds: float) -> Plan | None:
        """The stage that `at` is in, ended when the time does."""
        assert self._border is not None
        _, images, clock = self._border
        done, taken = at.images - images, seconds - clock
        left = self.left()
        if done <= 0 or taken <= 0 or left < LEAST_SHARE * self.seconds:
            return None
        batch, stage = at.batch, plan.stages[at.index]
        length = (
            at.images - plan.start(at.index) + max(1, round(left * done / taken / batch)) * batch
        )
        if abs(length / stage.images - 1) < 0.02:
            return None
        self.decisions.append(
            f"{left:.0f} s left at {at.images:,} images and {done / taken:.0f} images/s: stage "
            f"{stage.name} is {length:,} images long in place of {stage.images:,}."
        )
        lengths = [one.images for one in plan.stages]
        lengths[at.index] = length
        return plan.with_lengths(lengths)

    def over(self) -> bool:
        """Whether training must end now to keep the budget."""
        return self.left() <= 0


def table(plan: Plan, rates: Rates) -> Sequence[tuple[str, int, int, float, float, float]]:
    """Rows of the printed plan: stage, images, batch, images/s, seconds from, seconds to."""
    rows, clock = [], 0.0
    for index, stage in enumerate(plan.stages):
        if not stage.images:
            continue
        end = clock + stage.images / rates[index]
        rows.append((stage.name, stage.images, stage.batch, rates[index], clock, end))
        clock = end
    return rows
