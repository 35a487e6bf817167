"""Behind `progan truncation`: a model measured at several truncations of its latents."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from progan.assemble.measuring.measure import BLOCK
from progan.assemble.measuring.reals import as_real, cache_of, pictures_of
from progan.assemble.measuring.shared import generated_by
from progan.assemble.models.model import Model, load
from progan.assemble.writing.containers import MADE_HERE
from progan.core.errors import ConfigError
from progan.metrics.extracted import Extracted, Extractor
from progan.metrics.inception_score import inception_score
from progan.metrics.tradeoff import THRESHOLDS, Curve, Point, Within, point_of
from progan.report.figure import figure
from progan.report.svg import Series

__all__ = ["Measured", "measure"]

PUBLISHED = 50_000
"""Pictures of each kind, where there are so many."""
COLUMNS = ("threshold", "truncation", "score", "score_spread", "distance", "spread", "images")


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A curve, and what it rests on."""

    run: Path
    trained_images: int
    curve: Curve
    extractor: dict[str, str]
    against: str | None
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, texts and lists."""
        curve = self.curve
        return {
            "note": MADE_HERE.decode(),
            "run": str(self.run),
            "images": self.trained_images,
            "extractor": self.extractor,
            "against": self.against,
            "notes": list(self.notes),
            "real_score": curve.real_score,
            "points": [asdict(point) for point in curve.points],
            "least distance": asdict(curve.nearest),
            "distance at the score of real pictures": curve.at_real_score,
            "highest score": asdict(curve.surest),
        }

    def to_csv(self) -> bytes:
        """A line for each point; the last columns say by whose features, and whose file it is."""
        text = io.StringIO()
        lines = csv.writer(text, lineterminator="\n")
        lines.writerow([*COLUMNS, "extractor", "weights", "by"])
        by = (self.extractor["extractor"], self.extractor["weights"], MADE_HERE.decode())
        for point in self.curve.points:
            cells = {**asdict(point), "truncation": share_of(point.threshold)}
            row = ["" if cells[name] is None else cells[name] for name in COLUMNS]
            lines.writerow([*row, *by])
        return text.getvalue().encode()

    def to_svg(self) -> bytes:
        """Distance over score, a point for each threshold."""
        points = [(point.score, point.distance) for point in self.curve.points]
        return figure(
            "Fréchet distance over inception score, along truncation",
            [Series(name=self.extractor["extractor"], points=points)],
            x_label="inception score",
            y_label="Fréchet distance",
        ).encode()


def share_of(threshold: float | None) -> float | None:
    """The `--truncation` that cuts latents there: half of it."""
    return None if threshold is None else threshold / 2


def measure(
    path: Path,
    extractor: Extractor,
    *,
    thresholds: Sequence[float | None] = THRESHOLDS,
    images: int | None = None,
    at_images: int | None = None,
    against: str | None = None,
    device: str = "auto",
    heard: Callable[[Point], None] = lambda point: None,
) -> Measured:
    """Measure the averaged weights of a run at each of `thresholds`, from loose to tight.

    Scores and distances are by `extractor`, of `images` pictures each (50,000 where there are so
    many real ones), against the run's own pictures or those of `against`. Where the system asks
    for it, batch norm is measured anew for each threshold. `heard` is told each point.

    Raises: ConfigError for thresholds that do not shrink, latents that are not normal, or an
    extractor without classes; as `load` otherwise.
    """
    model = load(path, at_images=at_images, device=device)
    _check(model, extractor, thresholds)
    run = path if path.is_dir() else path.resolve().parent.parent
    loader, notes = pictures_of(model, run, against)
    side = model.resolution
    assert isinstance(side, int)
    store = cache_of(run.parent / ".data", loader, side, extractor)
    real = Extracted(as_real(loader, side), extractor, store=store)
    count = min(images or PUBLISHED, loader.spec.images)
    features, verdicts = real.features(0, count), real.log_probabilities(0, count)
    real.keep()
    points = []
    for threshold in thresholds:
        points.append(_point(model, threshold, extractor, features, count))
        heard(points[-1])
    curve = Curve(points=points, real_score=inception_score(verdicts, splits=_splits(count)).value)
    return Measured(
        run=run,
        trained_images=model.trained_images,
        curve=curve,
        extractor=dict(extractor.record()),
        against=against,
        notes=(*notes, *store.told),
    )


def _point(
    model: Model, threshold: float | None, extractor: Extractor, real: Any, count: int
) -> Point:
    made = generated_by(model, share_of(threshold))
    seen = Extracted(made, extractor)
    within = Within(max(1, model.classes))
    for start in range(0, count, BLOCK):
        size = min(BLOCK, count - start)
        labels = made.labels(start, size) if model.classes else np.zeros(size, np.int64)
        within.add(made(start, size), labels)
    return point_of(
        threshold,
        logits=seen.log_probabilities(0, count),
        features=seen.features(0, count),
        real=real,
        spread=within.spread,
        splits=_splits(count),
    )


def _splits(count: int) -> int:
    return min(10, count)


def _check(model: Model, extractor: Extractor, thresholds: Sequence[float | None]) -> None:
    cuts = [2.0 if one is None else one for one in thresholds]
    shrink = all(a > b for a, b in pairwise(cuts))
    if not cuts or not shrink or not all(0 < cut <= 2 for cut in cuts) or 2.0 in thresholds:
        raise ConfigError(
            "thresholds are numbers from below 2 down to above 0, each smaller than the one before "
            "it, and none before them all where latents are not cut: --thresholds none,1.5,1,0.5"
        )
    if not any(f.prior == "normal" for f in model.system.latent_fields):  # type: ignore[union-attr]
        raise ConfigError(
            "The latents of this model are not normal, so there is nothing to cut. Train one with "
            "--set latent_prior=normal, or another system: --system biggan"
        )
    if extractor.classes < 2:
        raise ConfigError(
            f"{extractor.name} tells no classes apart, which a score needs. Take another: "
            "--extractor inception"
        )
    if not isinstance(model.resolution, int):
        raise ConfigError(
            f"Pictures are {model.resolution[1]}x{model.resolution[0]}; metrics compare squares."
        )
