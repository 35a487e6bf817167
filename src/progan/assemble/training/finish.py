"""The end of a run: model, time-lapse, review and report; and how long they will take."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from progan.assemble.models.model import load
from progan.assemble.models.stored import is_translator, makes_from_noise, open_stored
from progan.assemble.models.translator import load_translator
from progan.assemble.training.budget import Budget
from progan.assemble.training.review import review
from progan.assemble.writing.containers import webp_bytes
from progan.assemble.writing.film import LARGEST_SIDE, LOSSLESS_SIDE, write_timelapse
from progan.core.grids import to_picture
from progan.core.plan import Progress
from progan.core.system import Samples, System
from progan.data.feeding import Feed
from progan.engine.preview import draw_seeds
from progan.report.build import build_report

__all__ = ["finish_run", "seconds_to_finish"]

DRAWN, ENCODED = 270, 120
"""Pictures that a short run's end draws one by one, and pictures that it compresses."""
REST = 2.4
"""Factor on the time of both, for all the rest: reading, measuring, the page, leaving."""
PAGE_SHARE = 0.4
"""What the page and leaving take of that time."""
TRIALS = 4
"""Pictures drawn and compressed to find out; the one before them is not timed."""


def finish_run(
    run: Path,
    loader: Feed,
    *,
    device: torch.device,
    complete: bool = True,
    budget: Budget | None = None,
) -> None:
    """Leave the folder ready to look at, in what is left of the budget.

    The review is for runs that are `complete`, that is, reached their end.
    """
    stored = open_stored(run)
    if makes_from_noise(stored):
        load(run, device=str(device)).save_pretrained(run / "model")
    elif is_translator(stored):
        load_translator(run, device=str(device)).save_pretrained(run / "model")
    if any((run / "pictures").glob("[0-9]*.png")):
        write_timelapse(run)
    if complete:
        seconds = None if budget is None else budget.rest() - PAGE_SHARE * budget.finish
        review(run, loader, seconds=seconds)
    build_report(run)


def seconds_to_finish(system: System[Any], at: Progress, sheet: np.ndarray[Any, Any]) -> float:
    """Least seconds that the end of a run takes on this machine as it is now, by a trial.

    `sheet`, h w c, is a grid of pictures like those of the time-lapse.
    """
    image = to_picture(sheet[:LARGEST_SIDE, :LARGEST_SIDE])
    lossless = max(image.size) <= LOSSLESS_SIDE
    seconds = ENCODED * _each(lambda _: webp_bytes(image, lossless=lossless))
    if isinstance(system, Samples):
        shown = copy.deepcopy(system).eval()  # as it will draw then, with nothing of it moved here
        seconds += DRAWN * _each(lambda seed: _draw(shown, seed, at))
    return REST * seconds


@torch.no_grad()
def _draw(system: Samples, seed: int, at: Progress) -> None:
    system.generate(draw_seeds(system, [seed]), at)


def _each(work: Callable[[int], object]) -> float:
    """Seconds of one go, on average."""
    work(0)
    began = time.monotonic()
    for number in range(TRIALS):
        work(number)
    return (time.monotonic() - began) / TRIALS
