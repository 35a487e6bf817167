"""Measure a run again: any checkpoint, any number of images, against the pictures it learned from.

found = evaluate_run(Path("runs/cats"), images=4096, repeats=3)
print(found.report)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from progan.assemble.model import Model, load
from progan.assemble.shared import Shared, generated_by
from progan.core import distributed
from progan.core.errors import ConfigError
from progan.core.words import typed
from progan.data.build import open_or_build
from progan.data.loader import Loader
from progan.data.sources import open_source
from progan.engine.checkpoint import checkpoints
from progan.metrics.run import METRICS, Report, evaluate

__all__ = ["Evaluated", "evaluate_all", "evaluate_run", "metrics_for", "pictures_of"]

Hears = Callable[[str, float], None]


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """What was measured, and of what."""

    run: Path
    checkpoint: Path
    images: int
    """Real images it was trained on."""
    seconds: float | None
    """Training seconds behind it, over all resumes."""
    report: Report
    notes: tuple[str, ...] = ()
    """What a reader must know beside the report's own notes."""

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, texts and lists."""
        return {
            "run": str(self.run),
            "checkpoint": self.checkpoint.name,
            "weights": "average",
            "images": self.images,
            "training_seconds": self.seconds,
            "notes": list(self.notes),
            "report": self.report.to_json(),
        }


def metrics_for(resolution: int, images: int) -> tuple[str, ...]:
    """What can be measured of pictures of this side when there are so many real ones.

    SWD needs 7 pixels a side, and two halves of two pictures for its floor; MS-SSIM sides that
    divide by 16, and a pair.
    """
    fit = {"swd": resolution >= 7 and images >= 4, "msssim": not resolution % 16 and images >= 2}
    return tuple(name for name in METRICS if fit.get(name, True))


def evaluate_run(
    path: Path,
    *,
    metrics: Sequence[str] | None = None,
    images: int | None = None,
    repeats: int = 1,
    at_images: int | None = None,
    device: str = "auto",
    progress: Hears | None = None,
) -> Evaluated:
    """Measure the averaged weights of the newest checkpoint, or of the one at `at_images`.

    `path` is a run folder or a checkpoint in one. `metrics`: those named, or all that the size
    and number of the pictures allow, with a note of the others. `images` replaces the published
    number of each metric. Reals are the pictures of the run's recipe, at the resolution of the
    checkpoint.

    Raises ConfigError for a run or checkpoint that is not there, CheckpointError for a damaged
    one, DataError for pictures that are gone.
    """
    model = load(path, at_images=at_images, device=device)
    run, notes = _run_of(path), []
    if metrics is None:
        metrics = _that_fit(model)
        if not metrics:
            raise ConfigError(
                f"Pictures of {model.resolution} pixels are too small for any metric. Measure a "
                f"later checkpoint, or look at them: {typed('progan', 'report', run)}"
            )
        notes = [
            f"{METRICS[name].title} is left out: it cannot be had of "
            f"{model.stored.spec.images:,} pictures of {model.resolution} pixels."
            for name in METRICS
            if name not in metrics
        ]
    found = _measure(run, model, metrics, images, repeats, progress)
    return replace(found, notes=(*found.notes, *notes))


def evaluate_all(
    run: Path,
    *,
    metrics: Sequence[str] = tuple(METRICS),
    images: int | None = None,
    repeats: int = 1,
    device: str = "auto",
    progress: Hears | None = None,
) -> Iterator[Evaluated]:
    """Measure every checkpoint of a run, newest first, each by what its resolution allows.

    Checkpoints too small for any of `metrics` are passed over.

    Raises: as `evaluate_run`.
    """
    found = checkpoints(run / "checkpoints")
    if not found:
        load(run, device=device)  # says what is wrong with it
        raise ConfigError(
            f"{run} is one model, not a run with checkpoints. Measure it alone: "
            f"progan evaluate {run}"
        )
    for path in reversed(found):
        model = load(path, device=device)
        chosen = [name for name in metrics if name in _that_fit(model)]
        if chosen:
            yield _measure(run, model, chosen, images, repeats, progress)


def _that_fit(model: Model) -> tuple[str, ...]:
    resolution = model.resolution if isinstance(model.resolution, int) else 1
    return metrics_for(resolution, model.stored.spec.images)


def pictures_of(model: Model, run: Path) -> tuple[Loader, tuple[str, ...]]:
    """The pictures a model was trained on, and a note if they changed since."""
    recipe, meta = model.stored.recipe, model.stored.meta
    source = open_source(recipe.data.source, recipe.data)
    cache = run.parent / ".data"
    pyramid = open_or_build(source, recipe.data, cache, resolution=model.stored.spec.resolution)
    loader = Loader(pyramid, seed=recipe.train.seed, mirror=recipe.data.mirror, device=model.device)
    notes: tuple[str, ...] = ()
    if meta.get("data_fingerprint") != pyramid.fingerprint:
        notes = (
            f"The pictures changed since training ({model.stored.spec.images:,} then, "
            f"{pyramid.spec.images:,} now): this compares with those of today.",
        )
    return loader, notes


def _measure(
    run: Path,
    model: Model,
    metrics: Sequence[str],
    images: int | None,
    repeats: int,
    progress: Hears | None,
) -> Evaluated:
    loader, notes = pictures_of(model, run)
    resolution = model.resolution
    if not isinstance(resolution, int):
        raise ConfigError(
            f"Pictures of {run} are {resolution[1]}x{resolution[0]}; metrics compare squares. "
            f"Look at them instead: progan report {run}"
        )

    def real(start: int, count: int) -> Any:
        return loader.real(start, count, resolution, mirror=loader.mirror)

    report = evaluate(
        real,
        generated_by(model) if distributed.world() == 1 else Shared(model),
        real_images=loader.spec.images,
        metrics=metrics,
        images=images,
        repeats=repeats,
        progress=progress,
    )
    seconds = model.stored.meta.get("seconds")
    return Evaluated(
        run=run,
        checkpoint=model.path,
        images=model.trained_images,
        seconds=float(seconds) if seconds is not None else None,
        report=report,
        notes=notes,
    )


def _run_of(path: Path) -> Path:
    """The run a path belongs to: itself, or that of a file in its checkpoints/ or model/."""
    return path if path.is_dir() else path.resolve().parent.parent
