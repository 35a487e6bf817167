"""Threads and precision of a run, unless its recipe says: the fastest on this machine."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from progan.assemble.training import budget
from progan.core import distributed
from progan.core.launch import cores, launched
from progan.core.plan import height_width
from progan.core.recipe import TrainSettings
from progan.engine.loop import Trainer
from progan.engine.precision import Precision, has_bf16

__all__ = ["Machine", "choose_machine"]

LONG_TRIAL = 3.0
"""Seconds of a trial that is not repeated."""
LARGEST_TRIED = 128
"""Pixels of the largest pictures that threads and precision are tried on."""


@dataclass(frozen=True)
class Machine:
    """What a run computes with."""

    threads: int
    precision: Precision
    what: str
    """Device, processes, threads and precision, in words."""
    how: str
    """Why these."""


def choose_machine(trainer: Trainer, train: TrainSettings) -> Machine:
    """Threads and precision, unless `train` says: the fastest on the last stage.

    Or on the last of moderate size: larger pictures only take longer to say the same. Several
    processes on a machine share its cores, and all compute alike. The number of threads is set.
    """
    device = trainer.device
    here = launched() if distributed.world() > 1 else None
    own = distributed.own_cores()
    counts = sorted({1, max(1, own // 2), own})
    threads = [train.threads] if train.threads else [1] if train.exact else counts
    if device.type != "cpu":
        threads = threads[-1:]
    precisions: list[Precision] = ["fp32"]
    if train.precision != "auto":
        precisions = [train.precision]
    elif has_bf16(device):
        precisions = ["bf16", "fp32"]
    threads, precisions = distributed.agree((threads, precisions))
    # Precision on the fewest threads first, then threads with the better precision.
    count, precision = threads[0], precisions[0]
    if len(precisions) > 1:
        precision = _fastest(trainer, [(count, p) for p in precisions])[1]
    if len(threads) > 1:
        count = _fastest(trainer, [(c, precision) for c in threads])[0]
    torch.set_num_threads(count)
    processes = f"{here.world} processes × " if here else ""
    if device.type == "cpu":
        all_cores = f"{cores()} core{'s' * (cores() > 1)}"
        what = f"CPU, {all_cores}; {processes}{count} thread{'s' * (count > 1)}"
    else:
        what = f"{processes}{torch.cuda.get_device_name(device)}"
    how = "measured fastest" if len(threads) + len(precisions) > 2 else "as asked"
    return Machine(count, precision, f"{what}, {precision}", how)


def _fastest(trainer: Trainer, choices: list[tuple[int, Precision]]) -> tuple[int, Precision]:
    """By the better of two measurements each, in turn: other programs come and go."""
    best = dict.fromkeys(choices, 0.0)
    for _ in range(2):
        began = time.monotonic()
        for choice in choices:
            best[choice] = max(best[choice], _rate(trainer, *choice))
        if distributed.agree(time.monotonic() - began > LONG_TRIAL * len(choices)):
            break  # they come and go within such a long one
    return max(choices, key=best.__getitem__)


def _rate(trainer: Trainer, threads: int, precision: Precision) -> float:
    torch.set_num_threads(threads)
    trainer.precision = precision
    sides = [max(height_width(stage.resolution)) for stage in trainer.plan.stages]
    small = [i for i, side in enumerate(sides) if side <= max(LARGEST_TRIED, min(sides))]
    last = trainer.plan.stages[small[-1]]
    return budget.measure_stage(trainer, last, trainer.data, seconds=0.2)
