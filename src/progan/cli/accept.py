"""The verb `accept`: does a system do what its paper says, measured here?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from progan.cli.figures import clock
from progan.cli.options import Seed
from progan.cli.streams import say
from progan.core.errors import ConfigError

if TYPE_CHECKING:
    from progan.acceptance.record import Task
    from progan.acceptance.table import Outcome
    from progan.lab.exhibits.record import Number

__all__ = ["accept"]

MISSED = 6
"""Exit code where a bar is missed."""


def accept(
    system: Annotated[
        str | None, typer.Argument(metavar="SYSTEM", help="cgan, infogan …; the list if left out.")
    ] = None,
    task: Annotated[str | None, typer.Option(help="One task of it: ring, digits …")] = None,
    seed: Seed = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder of MNIST's four files, for tasks that need them.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--json", help="Write everything to this file.")
    ] = None,
) -> None:
    """Train a system on small data whose truth is known, and hold it to its paper's bars."""
    from progan.acceptance.table import TASKS, carry_out, lookup
    from progan.assemble.writing.containers import MADE_HERE
    from progan.assemble.writing.files import check_free, write_out
    from progan.cli.lab import torch_on_one_thread

    if system is None:
        for name, tasks in TASKS.items():
            for one in tasks:
                folder = " --data FOLDER" if one.needs else ""
                words = f"{one.words}; {_length(one.minutes)}"
                say(f"progan accept {name} --task {one.slug}{folder}   {words}")
        return
    tasks = _possible(lookup(system, task), data, named=task is not None)
    seed = 0 if seed is None else seed
    if not 0 <= seed < 2**63:
        raise ConfigError(f"--seed is {seed}; it must be from 0 to 2⁶³ − 1.")
    if to is not None:
        check_free(to)
    torch_on_one_thread()
    found: list[Outcome] = []
    for outcome in carry_out(
        tasks,
        seed,
        folder=data,
        heard=lambda one: say(f"{one.slug}   {one.words}; {_length(one.minutes)}"),
    ):
        found.append(outcome)
        for number in outcome.numbers.values():
            say(_line(number))
        say(f"  {clock(outcome.seconds)}   {outcome.task.source}")
    if to is not None:
        content = {
            **{"note": MADE_HERE.decode(), "system": system, "seed": seed},
            "tasks": [_plain(one) for one in found],
        }
        write_out(to, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())
    missed = [one.task.slug for one in found if not one.holds]
    if missed:
        say(f"Missed with seed {seed}: {', '.join(missed)}.")
        raise typer.Exit(MISSED)
    say(f"All bars are met with seed {seed}.")


def _possible(tasks: Sequence[Task], data: Path | None, *, named: bool) -> Sequence[Task]:
    """The tasks that can be carried out; of those that need a folder, it is said which are not.

    Raises: ConfigError for a task that was asked for by name and lacks its folder, and for a
    folder that no task takes.
    """
    wanting = [one for one in tasks if one.needs]
    if data is not None and not wanting:
        raise ConfigError("None of these tasks takes files of yours. Leave --data out.")
    if data is not None or not wanting:
        return tasks
    if named:
        raise ConfigError(
            f"The task {wanting[0].slug} needs {wanting[0].needs}, which do not come with progan. "
            "Name the folder they lie in: --data FOLDER"
        )
    for one in wanting:
        say(f"{one.slug}   left out: it needs {one.needs}, --data FOLDER")
    return [one for one in tasks if not one.needs]


def _length(minutes: float) -> str:
    return f"about {minutes:g} {'minute' if minutes == 1 else 'minutes'} of one core"


def _line(number: Number) -> str:
    mark = "    " if not number.bar else "ok  " if number.holds else "MISS"
    bar = f", {number.bar}" if number.bar else ""
    return f"  {mark} {number.value:.4g}{bar}   {number.words}"


def _plain(outcome: Outcome) -> dict[str, Any]:
    return {
        "task": outcome.task.slug,
        "holds": outcome.holds,
        "seconds": round(outcome.seconds, 1),
        "numbers": {
            name: {"value": one.value, "bar": one.bar, "holds": one.holds, "words": one.words}
            for name, one in outcome.numbers.items()
        },
    }
