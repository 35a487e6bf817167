"""From a system to a folder that shows how it learnt a toy world."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from progan.assemble.writing.files import write_out
from progan.core.grids import png_bytes, to_picture
from progan.data.toy import World
from progan.engine.loop import Trainer
from progan.lab.film import frames, write_lab_film
from progan.lab.lesson import Lesson
from progan.lab.numbers import final_numbers, perfect_numbers, rotating
from progan.lab.page import write_page
from progan.lab.watch import Record, watch

__all__ = ["Shown", "play", "show"]

FRAMES = 60


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What lies in a folder of the lab."""

    record: Record
    numbers: Mapping[str, Any]
    """As in numbers.json."""
    page: Path
    film: Path
    picture: Path
    """The last moment, PNG."""


def play(
    trainer: Trainer,
    world: World,
    lesson: Lesson,
    folder: Path,
    *,
    command_line: str,
    seed: int = 0,
    looks: int = FRAMES,
    film: str = "film.webp",
) -> Shown:
    """Train to the end of the plan on `world`, and show it in `folder`, which exists.

    `film` is the name of the film, GIF or WebP. The same seed and the same weights at the start
    give the same files.
    """
    record = watch(trainer, world, frames=looks, seed=seed)
    return show(record, lesson, folder, command_line=command_line, film=film)


def show(
    record: Record, lesson: Lesson, folder: Path, *, command_line: str, film: str = "film.webp"
) -> Shown:
    """Write film, last picture, numbers and page of `record` into `folder`."""
    pictures = list(frames(record, lesson))
    moving = write_lab_film(pictures, folder / film).path
    last = folder / "last.png"
    write_out(last, png_bytes(to_picture(pictures[-1])))
    numbers = plain(record)
    write_out(folder / "numbers.json", (json.dumps(numbers, indent=2) + "\n").encode())
    page = write_page(
        record, lesson, moving, pictures, folder / "lab.html", command_line=command_line
    )
    return Shown(record=record, numbers=numbers, page=page, film=moving, picture=last)


def plain(record: Record) -> dict[str, Any]:
    """The numbers of a record as JSON holds them; what is infinite or no number is null."""
    turned = rotating(record)
    covered = [sorted(m.modes.strong) for m in record.moments if m.modes is not None]
    return {
        "data": record.world.name,
        "steps": record.moments[-1].step,
        "diverged": record.diverged,
        "generated": _finite(final_numbers(record)),
        "perfect": _finite(perfect_numbers(record)),
        "last_looks": None
        if turned is None
        else {"union": turned.union, "mean": turned.mean, "distance": turned.distance},
        "covered": covered[-1] if covered else None,
        "losses": {player: points[-1][1] for player, points in record.losses.items()},
        "push": record.moments[-1].mean_push,
    }


def _finite(numbers: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in numbers.items()}
