"""The Python side of the command line, in the same words.

    run = train("~/cats", minutes=10)
    model = load("runs/cats")
    grid(model.sample(seeds=range(16)), "4x4").save("cats.png")

torch is imported when something is trained or loaded, not before.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from progan.core.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

    from progan.assemble.models.model import Model

__all__ = ["Run", "grid", "load", "train"]

_log = logging.getLogger("progan")


@dataclass(frozen=True)
class Run:
    """A run folder."""

    path: Path
    """Where it is."""

    @property
    def report(self) -> Path:
        """The page that tells how the run went."""
        return self.path / "report.html"

    def model(
        self,
        *,
        at_images: int | None = None,
        weights: Literal["average", "live"] = "average",
        device: str = "auto",
    ) -> Model:
        """The newest model of the run, or the one at a number of images: see `load`."""
        return load(self.path, at_images=at_images, weights=weights, device=device)


def train(
    source: str | Path,
    second: str | Path | None = None,
    *,
    minutes: float | None = None,
    images: int | None = None,
    resolution: int | None = None,
    seed: int | None = None,
    system: str | None = None,
    preset: str | None = None,
    name: str | None = None,
    runs: str | Path = "runs",
    set: Mapping[str, Any] | None = None,
    screen: Any = None,
) -> Run:
    """Train on pictures, as `progan train` does, and return the run.

    `source` is a folder of pictures, an archive, a packaged set or a recipe; `second` is that of
    the other domain, for systems that translate. The length follows from `minutes` (wall clock,
    report included) or `images`, or is chosen. `set` changes settings by dotted name:
    `{"optimizer.lr": 2e-4}`. What is left out is as the recipe says, or ProGAN with seed 0.
    Progress goes to the logger `progan`, or to `screen`.
    Ctrl-C saves, stops and returns the run as it is.

    Of several processes that torchrun started, all call this in the same words and share every
    batch; the first one alone writes and tells, and all go on when it is done.

    Raises a `ProganError` for words, data or a machine that do not fit: where one process raises,
    all do.
    """
    from progan.assemble.training.ask import Asked, prepare
    from progan.assemble.training.screens import Onlooking
    from progan.assemble.training.taking_part import taking_part
    from progan.assemble.training.train import train_run

    asked = Asked(
        words=os.path.expanduser(source),
        second=None if second is None else os.path.expanduser(second),
        system=system,
        preset=preset,
        resolution=resolution,
        minutes=minutes,
        images=images,
        seed=seed,
        name=name,
        sets=tuple(f"{key}={_as_yaml(key, value)}" for key, value in (set or {}).items()),
        runs=Path(runs).expanduser(),
        began=time.monotonic(),
    )
    with taking_part() as first:
        prepared, face = (prepare(asked), screen or _Logged()) if first else (None, Onlooking())
        outcome = train_run(prepared, face)
    return Run(outcome.path)


def _as_yaml(key: str, value: Any) -> str:
    """A value as the command line would say it; JSON is YAML."""
    try:
        return json.dumps(value)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"set says {key} is {value!r}; a value is a number, a word, true, false, None, "
            "a list or a mapping. Settings: progan describe"
        ) from error


def load(
    path: str | Path,
    *,
    at_images: int | None = None,
    weights: Literal["average", "live"] = "average",
    device: str = "auto",
) -> Model:
    """Load a model from a run folder, a checkpoint file or an exported folder.

    Of a run, the newest checkpoint that is whole is taken, or the one saved at `at_images`. What
    translates comes as a `Model` whose `translate` makes pictures of other ones.
    """
    from progan.assemble.models.loading import load_any

    return load_any(path, at_images=at_images, weights=weights, device=device)


def grid(
    images: np.ndarray[Any, np.dtype[np.uint8]], shape: str | tuple[int, int] | None = None
) -> Image.Image:
    """Lay pictures, uint8 n h w c, out as one: `shape` is "6x4" or (columns, rows).

    Cells left over are white; without a shape the grid is as square as can be. Raises ConfigError
    for pictures that do not fit.
    """
    from progan.core.grids import columns_for, parse_grid, tile, to_picture

    if images.ndim != 4 or images.dtype.name != "uint8" or not len(images):
        raise ConfigError(
            f"grid came with {images.dtype.name} of shape {images.shape}; it lays out pictures as "
            "Model.sample gives them: uint8, n h w c, at least one."
        )
    columns, rows = parse_grid(shape) if isinstance(shape, str) else shape or (0, 0)
    columns = columns or columns_for(len(images))
    if rows and len(images) > columns * rows:
        raise ConfigError(
            f"{len(images)} pictures do not fit into a grid of {columns} x {rows}. Give a larger "
            "one, or none."
        )
    sheet = tile(images.transpose(0, 3, 1, 2), columns)
    missing = rows * images.shape[1] - sheet.shape[0]
    if missing > 0:
        import numpy as np

        sheet = np.pad(sheet, [(0, missing), (0, 0), (0, 0)], constant_values=255)
    return to_picture(sheet)


class _Logged:
    """Tells the logger `progan` what a terminal would show."""

    def line(self, head: str, text: str) -> None:
        """A line under a head."""
        _log.info("%s %s", head, text)

    def building(self, done: int, total: int) -> None:
        """Pictures read so far."""
        _log.debug("%d of %d pictures read", done, total)

    def plan(self, title: str, plan: Any, rates: Mapping[int, float], finish: float) -> None:
        """The plan, in a line."""
        stages = ", ".join(f"{stage.name} ({stage.images:,})" for stage in plan.stages)
        _log.info("%s: %s", title, stages)

    def hear(self, event: object) -> None:
        """What happens during training."""
        _log.debug("%s", event)
