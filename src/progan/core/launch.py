"""What a launcher tells a process that is one of several. Torch-free.

    torchrun --nproc-per-node 2 -m progan train …

starts every process with RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR and
MASTER_PORT in its environment. How they meet stands in `progan.core.meeting`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from progan.core.errors import TrainingError

__all__ = ["BESIDE", "Launch", "LostError", "ToldError", "alone_with", "cores", "launched"]

BESIDE = "PROGAN_SIDE_BY_SIDE"
"""In the environment of programs that share a machine: how many there are, this one among them."""
WORDS = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True)
class Launch:
    """Which of several processes this one is."""

    rank: int
    """From 0, over all machines."""
    world: int
    """How many processes there are."""
    local_rank: int
    """From 0, on this machine."""
    local_world: int
    """How many of them run on this machine."""


class LostError(TrainingError):
    """Another process ended without a word, so this one cannot go on."""


class ToldError(Exception):
    """Another process ended and told why: this one ends with its exit code, in silence."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(f"Another process ended with exit code {exit_code}")
        self.exit_code = exit_code


def launched() -> Launch | None:
    """What the launcher said; None where this process is the only one."""
    words = os.environ
    if not set(WORDS) <= words.keys():
        return None
    try:
        rank, world, local = (int(words[n]) for n in ("RANK", "WORLD_SIZE", "LOCAL_RANK"))
        local_world = int(words.get("LOCAL_WORLD_SIZE", world))
    except ValueError:
        return None
    return Launch(rank, world, local, local_world) if world > 1 else None


def cores(processes: int = 1) -> int:
    """Cores that this process may use: its fair share where so many run on this machine."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    said = os.environ.get(BESIDE, "")
    beside = int(said) if said.isdecimal() else 1
    return max(1, (found or 1) // (processes * max(1, beside)))


def alone_with(share: int) -> dict[str, str]:
    """The environment of a program that is its launcher's only one, and takes 1/`share` of the
    cores."""
    kept = {name: value for name, value in os.environ.items() if name not in WORDS}
    threads = str(cores(share))
    return {**kept, BESIDE: str(share), "OMP_NUM_THREADS": kept.get("OMP_NUM_THREADS", threads)}
