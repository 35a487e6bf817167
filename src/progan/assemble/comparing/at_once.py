"""Several trainings or measurements of a comparison at a time, each in a process of its own.

Before any clock starts the pictures are read once, for all. Each process has its share of the
cores; nothing is measured until the last has ended, since measuring would take time from those
that still train.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from progan.assemble.comparing.contestants import StoppedError, finished
from progan.assemble.comparing.numbers import Asked, measured, measured_before
from progan.assemble.comparing.side_by_side import Ended, Job, side_by_side
from progan.core.comparison import Entry
from progan.core.config import Recipe, recipe_text
from progan.core.errors import ConfigError, DataError
from progan.core.launch import cores
from progan.report.words import duration

__all__ = ["LOGS", "measure_at_once", "train_at_once"]

LOGS = "logs"
"""Folder of what each training would have shown on a screen."""

STOPPED = (130, 143)
"""Exit codes of who was asked to stop."""

Hears = Callable[[str], None]


def train_at_once(
    asked: Sequence[tuple[Entry, Recipe]],
    folder: Path,
    at_once: int,
    *,
    worker: str,
    words: Sequence[str],
    heard: Hears,
) -> list[Entry]:
    """Train what is missing of all; give all in their order, those that failed with a reason.

    `worker` is the module whose `main` trains one of them; `words` are the command.

    Raises: ConfigError where the machine has fewer cores, StoppedError where the user stopped, and
    what reading pictures raises.
    """
    _refuse_too_many(asked, at_once)
    todo = [(entry, recipe) for entry, recipe in asked if not finished(entry.run)]
    if not todo:
        return [entry for entry, _ in asked]
    _read_pictures([recipe for _, recipe in todo], folder)
    entries = {entry.run.name: entry for entry, _ in todo}
    failed: dict[str, str] = {}
    done = len(asked) - len(todo)
    heard(f"{len(todo)} trainings, {at_once} at a time; what each shows: {folder / LOGS}")

    def job(name: str, recipe: Recipe) -> Job:
        run = folder / name
        told = {"recipe": recipe_text(recipe), "run": str(run), "words": list(words)}
        return Job(name=name, asked=told, log=folder / LOGS / f"{name}.txt", makes=run)

    def began(one: Job) -> None:
        entry = entries[one.name]
        heard(f"Begins   {entry.contestant}, seed {entry.seed}   {entry.run}")

    def ended(end: Ended) -> None:
        nonlocal done
        done += 1
        entry = entries[end.job.name]
        who = f"{entry.contestant}, seed {entry.seed}"
        if end.code in STOPPED:
            failed[end.job.name] = _why(end)
            heard(f"{done} of {len(asked)}   {who}: stopped")
        elif end.code:
            failed[end.job.name] = _why(end)
            heard(f"{done} of {len(asked)}   {who}: left out: {failed[end.job.name]}")
        else:
            heard(f"{done} of {len(asked)}   {who}: done in {duration(end.seconds)}")

    jobs = [job(entry.run.name, recipe) for entry, recipe in todo]
    _, code = side_by_side(
        jobs,
        worker,
        at_once,
        company=lambda number: job(f"_company_{number}", todo[-1][1]),
        began=began,
        ended=ended,
        stopping=lambda: heard("Stopping: each training saves first. Again to leave at once."),
    )
    if code:
        raise StoppedError(folder, code)
    return [replace(entry, failed=failed.get(entry.run.name, "")) for entry, _ in asked]


def measure_at_once(
    entries: Sequence[Entry],
    asked: Asked,
    folder: Path,
    at_once: int,
    *,
    worker: str,
    extractor: str | None,
    heard: Hears,
) -> None:
    """Measure what is not measured yet, and leave the numbers in each run.

    The first is measured alone: what it finds out about the real pictures is there for all others.
    One that fails here is not told: who asks for its numbers measures it once more, and hears why.

    Raises: StoppedError where the user stopped, and what measuring the first raises.
    """
    todo = [entry for entry in entries if measured_before(entry, asked) is None]
    if not todo:
        return
    measured(todo[0], asked, heard)

    def job(entry: Entry) -> Job:
        metrics = None if asked.metrics is None else list(asked.metrics)
        measure = {"metrics": metrics, "images": asked.images, "extractor": extractor}
        told = {"run": str(entry.run), "measure": measure}
        log = folder / LOGS / f"{entry.run.name}.txt"
        return Job(name=entry.run.name, asked=told, log=log, makes=entry.run)

    names = {entry.run.name: f"{entry.contestant}, seed {entry.seed}" for entry in todo}
    _, code = side_by_side(
        [job(entry) for entry in todo[1:]],
        worker,
        at_once,
        began=lambda one: heard(f"Measuring   {names[one.name]}"),
    )
    if code:
        raise StoppedError(folder, code)


def _refuse_too_many(asked: Sequence[tuple[Entry, Recipe]], at_once: int) -> None:
    from progan.engine.precision import choose_device

    if at_once <= cores():
        return
    if any(choose_device(recipe.train.device).type == "cpu" for _, recipe in asked):
        raise ConfigError(
            f"--at-once is {at_once}, but there are {cores()} cores, and each training needs one: "
            f"--at-once {cores()}"
        )


def _read_pictures(recipes: Sequence[Recipe], folder: Path) -> None:
    """Let everybody find the pictures read: nobody's time is spent on it, nobody waits for it.

    A contestant whose settings do not suit them tells so itself, and is left out.
    """
    from progan.assemble.training.train import suited
    from progan.data.build import open_or_build
    from progan.data.sources import open_source
    from progan.engine.precision import choose_device

    known: list[Any] = []
    for recipe in recipes:
        try:
            source = open_source(recipe.data.source, recipe.data)
            data = suited(recipe, source, choose_device(recipe.train.device))[0].data
            if data not in known:
                known.append(data)
                open_or_build(source, data, folder / ".data")
        except (ConfigError, DataError):
            continue


def _why(end: Ended) -> str:
    """Why a training came to nothing."""
    said: Mapping[str, Any] = end.answer
    if said.get("said"):
        return str(said["said"])
    if end.code < 0:
        return f"It was ended by signal {-end.code}; its last lines are in {end.job.log}."
    return f"It ended with exit code {end.code}; its last lines are in {end.job.log}."
