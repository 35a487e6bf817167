"""Measure a run again: any checkpoint, any number of images, against the pictures it learned from.

found = evaluate_run(Path("runs/cats"), images=4096, repeats=3)
print(found.report)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from progan.assemble.measuring.feature_cache import FeatureCache
from progan.assemble.measuring.moves import Moved
from progan.assemble.measuring.reals import as_real, cache_of, channels_of, learned_by, pictures_of
from progan.assemble.measuring.shared import Shared, SharedExtractor, generated_by
from progan.assemble.models.model import Model, load
from progan.assemble.models.stored import Weights, weights_in_use
from progan.core import distributed
from progan.core.errors import ConfigError
from progan.core.recipe import DataSettings
from progan.core.words import typed
from progan.data.build import choose_resolution, open_or_build
from progan.data.loader import Loader
from progan.data.sources import open_source
from progan.engine.checkpoint import checkpoints
from progan.engine.precision import choose_device
from progan.extractors.base import Extractor as Network
from progan.metrics.extracted import Extractor
from progan.metrics.run import METRICS, Report, evaluate

__all__ = [
    "Evaluated",
    "evaluate_all",
    "evaluate_pictures",
    "evaluate_run",
    "metrics_for",
]

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
    against: str | None = None
    """The source of other real pictures than the run's own."""
    notes: tuple[str, ...] = ()
    """What a reader must know beside the report's own notes."""
    weights: Weights = "average"
    """Those measured; `live` is as last trained, where a system keeps no average."""

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, texts and lists."""
        return {
            "run": str(self.run),
            "checkpoint": self.checkpoint.name,
            "weights": self.weights,
            "images": self.images,
            "training_seconds": self.seconds,
            "against": self.against,
            "notes": list(self.notes),
            "report": self.report.to_json(),
        }


PIXELS = ("swd", "msssim")
"""Metrics of pixels: what is measured where nothing is said."""
FEATURES = ("fd", "kd", "prdc")
"""What is measured too where an extractor is named."""


def metrics_for(resolution: int, images: int, *, features: bool = False) -> tuple[str, ...]:
    """What can be measured of pictures of this side when there are so many real ones.

    SWD needs 7 pixels a side, and two halves of two pictures for its floor; MS-SSIM sides that
    divide by 16, and a pair; distances of features twice the images that they need at least.
    """
    fit = {"swd": resolution >= 7 and images >= 4, "msssim": not resolution % 16 and images >= 2}
    found = [name for name in PIXELS if fit[name]]
    if features:
        found += [name for name in FEATURES if images >= 2 * METRICS[name].least]
    return tuple(found)


def evaluate_run(
    path: Path,
    *,
    metrics: Sequence[str] | None = None,
    images: int | None = None,
    repeats: int = 1,
    at_images: int | None = None,
    extractor: Extractor | None = None,
    against: str | None = None,
    device: str = "auto",
    progress: Hears | None = None,
) -> Evaluated:
    """Measure the newest checkpoint, or the one at `at_images`.

    Its averaged weights, where the system keeps an average, else those as last trained.

    `path` is a run folder or a checkpoint in one. `metrics`: those named, or all that the size
    and number of the pictures allow, with a note of the others. `images` replaces the published
    number of each metric. Reals are the pictures of the run's recipe, at the resolution of the
    checkpoint, or those of the source `against`, made square and equal as the run's were.
    `extractor` is for metrics of features.

    Raises ConfigError for a run or checkpoint that is not there, CheckpointError for a damaged
    one, DataError for pictures that are gone.
    """
    model = load(path, at_images=at_images, device=device)
    run, notes = _run_of(path), []
    if metrics is None:
        metrics = _that_fit(model, extractor)
        if not metrics:
            raise ConfigError(
                f"Pictures of {model.resolution} pixels are too small for any metric. Measure a "
                f"later checkpoint, or look at them: {typed('progan', 'report', run)}"
            )
        notes = [
            f"{METRICS[name].title} is left out: it cannot be had of "
            f"{model.stored.spec.images:,} pictures of {model.resolution} pixels."
            for name in PIXELS + (FEATURES if extractor else ())
            if name not in metrics
        ]
    found = _measure(
        run, model, metrics, images, repeats, progress, extractor=extractor, against=against
    )
    return replace(found, notes=(*found.notes, *notes))


def evaluate_all(
    run: Path,
    *,
    metrics: Sequence[str] = PIXELS,
    images: int | None = None,
    repeats: int = 1,
    extractor: Extractor | None = None,
    against: str | None = None,
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
        unfit = set(PIXELS) - set(_that_fit(model, None))
        chosen = [name for name in metrics if name not in unfit]
        if chosen:
            yield _measure(
                run, model, chosen, images, repeats, progress, extractor=extractor, against=against
            )


def _that_fit(model: Model, extractor: Extractor | None) -> tuple[str, ...]:
    resolution = model.resolution if isinstance(model.resolution, int) else 1
    return metrics_for(resolution, model.stored.spec.images, features=extractor is not None)


def evaluate_pictures(
    path: Path,
    *,
    against: str,
    metrics: Sequence[str] | None = None,
    images: int | None = None,
    repeats: int = 1,
    extractor: Extractor | None = None,
    resolution: int | None = None,
    cache: Path = Path("runs/.data"),
    device: str = "auto",
    progress: Hears | None = None,
) -> Evaluated:
    """Measure pictures that are files, whoever made them: a folder, zip or npz, against a source.

    Both are made square and equal alike, at `resolution`, or at that of the pictures of `path`.

    Raises: DataError for pictures that cannot be read, ConfigError for what cannot be measured.
    """
    found = choose_device(device)
    settings = DataSettings(source=str(path), resolution=resolution, labels="none")
    source = open_source(settings.source, settings)
    if resolution is None:
        settings = replace(settings, resolution=choose_resolution(source, settings))
    made = Loader(open_or_build(source, settings, cache), seed=0, device=found)
    settings = replace(settings, source=against, channels=channels_of(made.spec.channels))
    pyramid = open_or_build(open_source(against, settings), settings, cache)
    reals = Loader(pyramid, seed=0, device=found)
    side = made.spec.resolution
    few = min(made.spec.images, reals.spec.images)
    if metrics is None:
        metrics = metrics_for(side, few, features=extractor is not None)
    store = None
    if extractor is not None:
        store = cache_of(cache, reals, side, extractor)
    report = evaluate(
        lambda start, count: reals.real(start, count, side),
        lambda start, count: made.real(start, count, side),
        real_images=reals.spec.images,
        fake_images=made.spec.images,
        metrics=metrics,
        images=images,
        repeats=repeats,
        extractor=_by_all(extractor),
        real_store=store,
        progress=progress,
    )
    return Evaluated(
        run=path,
        checkpoint=path,
        images=made.spec.images,
        seconds=None,
        report=report,
        against=against,
        notes=tuple(store.told) if store else (),
    )


def _measure(
    run: Path,
    model: Model,
    metrics: Sequence[str],
    images: int | None,
    repeats: int,
    progress: Hears | None,
    *,
    extractor: Extractor | None = None,
    against: str | None = None,
) -> Evaluated:
    loader, notes = pictures_of(model, run, against)
    resolution = model.resolution
    if not isinstance(resolution, int):
        raise ConfigError(
            f"Pictures of {run} are {resolution[1]}x{resolution[0]}; metrics compare squares. "
            f"Look at them instead: progan report {run}"
        )

    made = generated_by(model) if distributed.world() == 1 else Shared(model)
    store = trained = None
    if extractor is not None:
        store = cache_of(run.parent / ".data", loader, resolution, extractor)
        if against is not None and any(METRICS[name].of_training for name in metrics):
            trained = learned_by(model, run, loader, against, resolution, extractor)
    moves = None
    if any(METRICS[name].of_model for name in metrics):
        moves = Moved(model.standing().system, model.moment)
    report = evaluate(
        as_real(loader, resolution),
        made,
        real_labels=loader.real_labels if loader.spec.classes else None,
        fake_labels=made.labels,
        real_images=loader.spec.images,
        metrics=metrics,
        images=images,
        repeats=repeats,
        extractor=_by_all(extractor),
        real_store=store,
        trained=trained,
        moves=moves,
        progress=progress,
    )
    stores = [one for one in (store, trained and trained.store) if isinstance(one, FeatureCache)]
    notes = (*notes, *dict.fromkeys(line for one in stores for line in one.told))
    seconds = model.stored.meta.get("seconds")
    return Evaluated(
        run=run,
        checkpoint=model.path,
        images=model.trained_images,
        seconds=float(seconds) if seconds is not None else None,
        report=report,
        against=against,
        notes=notes,
        weights=weights_in_use(model.system, model.weights),
    )


def _by_all(extractor: Extractor | None) -> Extractor | None:
    """An extractor that all processes carry out, where there are several."""
    if isinstance(extractor, Network) and distributed.world() > 1:
        return SharedExtractor(extractor)
    return extractor


def _run_of(path: Path) -> Path:
    """The run a path belongs to: itself, or that of a file in its checkpoints/ or model/."""
    return path if path.is_dir() else path.resolve().parent.parent
