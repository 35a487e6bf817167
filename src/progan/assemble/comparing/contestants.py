"""One training of a comparison: a run like any other, begun or gone on with."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from progan.assemble.training.ask import Asked, Prepared
from progan.assemble.training.screens import Screen
from progan.core.config import Recipe, read_recipe
from progan.core.errors import ConfigError
from progan.core.words import typed
from progan.data.sources import open_source
from progan.engine.checkpoint import checkpoints

__all__ = ["StoppedError", "Trains", "finished", "refuse_other", "train_one"]

Trains = Callable[[Callable[[Screen], Any]], int]
"""Plays a training on a screen of its own; gives its exit code."""


class StoppedError(Exception):
    """The user stopped a training of the comparison; a shell is told `exit_code`."""

    def __init__(self, where: Path, exit_code: int) -> None:
        super().__init__(f"Stopped in {where}. The same command goes on from there.")
        self.exit_code = exit_code


def refuse_other(recipe: Recipe, run: Path) -> None:
    """Raise ConfigError where `run` is there and was trained from another recipe."""
    if run.exists() and replace(read_recipe(run / "recipe.yaml"), places={}) != replace(
        recipe, places={}
    ):
        raise ConfigError(
            f"{run} was trained with other settings than this comparison asks for. "
            "Begin elsewhere: progan compare … --to OTHER_FOLDER"
        )


def finished(run: Path) -> bool:
    """Whether nothing is left to train."""
    from progan.report.read import read_run

    return (run / "report.html").exists() and read_run(run).finished


def train_one(recipe: Recipe, run: Path, trains: Trains) -> None:
    """Train what is missing of `run`.

    Raises: what training raises, ConfigError where the folder cannot be gone on with, and
    StoppedError where the user stopped.
    """
    from progan.assemble.training.train import resume_run, train_run

    if not run.exists():
        began = time.monotonic()
        asked = Asked(words=recipe.data.source, name=run.name, runs=run.parent, began=began)
        prepared = Prepared(asked, recipe, open_source(recipe.data.source, recipe.data))
        code = trains(lambda screen: train_run(prepared, screen))
    else:
        refuse_other(recipe, run)
        if finished(run):
            return
        if not checkpoints(run / "checkpoints"):
            again = typed("rm", "-r", run)
            raise ConfigError(
                f"{run} holds a training that never saved. Take the folder away ({again}), and "
                "again: progan compare …"
            )
        code = trains(lambda screen: resume_run(run, screen))
    if code:
        raise StoppedError(run, code)
