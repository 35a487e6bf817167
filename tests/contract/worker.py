"""Plays variants in a process of its own, alone or as one of several: `python -m contract.worker`.

The argument is a JSON file of jobs; RANK and WORLD_SIZE say which process this is. Each state is
saved under its job's name with the process's number: all processes must hold the same bits.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch.distributed as dist

from contract.checks import load, save
from contract.variants import VARIANTS
from progan.core import distributed

__all__ = ["Job", "play", "spawn"]


@dataclass(frozen=True, kw_only=True)
class Job:
    """Play a variant from its start, or from a saved state, and save on the way."""

    variant: str
    stage_steps: int
    saves: Mapping[int, str]
    """Step → the file, but for its ending, to save the state in when so many were played."""
    start: str | None = None
    until: int | None = None
    """Step to stop at before the plan's end."""
    shards: int = 1
    batch: int | None = None
    """Images in every batch; None leaves the variant's own."""
    joint: bool = False
    """Whether batch norm looks at all processes together."""


def play(job: Job) -> None:
    """Do a job."""
    variant = next(v for v in VARIANTS if v.id == job.variant)
    if job.batch is not None:
        variant = replace(variant, set={**variant.set, "batch": {4: job.batch}})
    if job.joint:
        variant = replace(variant, set={**variant.set, "statistics": "all"})
    trainer = variant.trainer(steps=job.stage_steps, shards=job.shards)
    if job.start is not None:
        trainer.load_state(load(Path(job.start)))
    while not trainer.done and trainer.steps != job.until:
        trainer.step()
        if trainer.steps in job.saves:
            save(trainer, Path(f"{job.saves[trainer.steps]}.{distributed.rank()}.safetensors"))


def spawn(jobs: Sequence[Job], folder: Path, *, processes: int = 1, **environment: str) -> None:
    """Do `jobs` in `processes` new processes that share every batch, in `folder`."""
    list_ = folder / "jobs.json"
    list_.write_text(json.dumps([asdict(job) for job in jobs]))
    shared = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "WORLD_SIZE": str(processes),
        "GLOO_SOCKET_IFNAME": "lo",
        **environment,
    }
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "contract.worker", str(list_)],
            cwd=folder,
            env={**shared, "RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(processes)
    ]
    try:
        said = [process.communicate(timeout=600)[0] for process in running]
    finally:
        for process in running:
            process.kill()
    for process, text in zip(running, said, strict=True):
        assert process.returncode == 0, text


def main(list_: Path) -> None:
    """Do every job of a list."""
    rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    if world > 1:
        meeting = list_.with_name("meeting").as_uri()
        dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=world)
    for plain in json.loads(list_.read_text()):
        saves = {int(step): name for step, name in plain["saves"].items()}
        play(Job(**{**plain, "saves": saves}))
    if world > 1:
        dist.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
