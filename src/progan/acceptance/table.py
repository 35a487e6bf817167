"""Every system's tasks, and carrying them out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from progan.acceptance import (
    bands,
    codes,
    conditional,
    dcgan,
    filtered,
    gaugan,
    likeness,
    one_picture,
    painted_portraits,
    pairs,
    portrayed,
    residual,
    reusing,
    stacked,
    translation,
    vendors,
)
from progan.acceptance.record import Numbers, Task
from progan.core.config import choose
from progan.core.errors import ConfigError

__all__ = ["TASKS", "Outcome", "carry_out", "lookup"]

TASKS: Mapping[str, Sequence[Task]] = {
    "cgan": conditional.TASKS,
    "dcgan": dcgan.TASKS,
    "infogan": codes.TASKS,
    "vaegan": likeness.TASKS,
    "bigan": pairs.TASKS,
    "lapgan": bands.TASKS,
    "singan": one_picture.TASKS,
    "stackgan": (*stacked.TASKS, *portrayed.TASKS),
    "nicegan": reusing.TASKS,
    "gaugan": (*gaugan.TASKS, *painted_portraits.TASKS),
    **residual.TASKS,
    **translation.TASKS,
    "cyclegan": (*translation.TASKS["cyclegan"], *vendors.TASKS),
    "ganilla": (*translation.TASKS["ganilla"], filtered.TASK),
}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a task came to."""

    task: Task
    seed: int
    numbers: Numbers
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether every number is within its bar."""
        return all(number.holds for number in self.numbers.values())


def lookup(system: str, slug: str | None = None) -> Sequence[Task]:
    """The tasks of a system, or one of them.

    Raises: ConfigError for a system that has none, or a task it does not have.
    """
    if system not in TASKS:
        raise ConfigError(choose("system", system, tuple(TASKS), "progan accept"))
    tasks = TASKS[system]
    if slug is None:
        return tasks
    chosen = [task for task in tasks if task.slug == slug]
    if not chosen:
        names = tuple(task.slug for task in tasks)
        raise ConfigError(choose("task", slug, names, f"progan accept {system}"))
    return chosen


def carry_out(
    tasks: Sequence[Task],
    seed: int,
    *,
    folder: Path | None = None,
    heard: Callable[[Task], None] = lambda task: None,
) -> Iterator[Outcome]:
    """Each task in turn; `heard` is told which begins. `folder` is for tasks that need one."""
    for task in tasks:
        heard(task)
        began = time.monotonic()
        numbers = task.make(seed, folder) if task.needs else task.make(seed)
        yield Outcome(task=task, seed=seed, numbers=numbers, seconds=time.monotonic() - began)
