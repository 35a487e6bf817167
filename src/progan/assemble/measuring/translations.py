"""A translator measured: held-out pictures of one domain, translated, against real ones of the
other.

Distances (SWD, and with an extractor FD, KD and others) compare the two sets; where the truth of
each picture is known, PSNR and SSIM compare each with it, beside pictures that took no skill.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from progan.assemble.measuring.evaluate import FEATURES, Evaluated
from progan.assemble.measuring.judged import Case, judged
from progan.assemble.models.stored import weights_in_use
from progan.assemble.models.translator import Translator, Way, load_translator
from progan.core.errors import ConfigError
from progan.core.words import typed
from progan.data.opening import open_data, stored
from progan.data.pyramid import Pyramid
from progan.data.two import Domains
from progan.extractors.base import Extractor
from progan.metrics.likeness import Likeness, likenesses
from progan.metrics.run import METRICS, Report, Row, evaluate

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "MeasuredWay",
    "Sides",
    "Translations",
    "data_of",
    "fitting",
    "likeness_of",
    "measure_translator",
    "measure_way",
]

Pixels = NDArray[np.uint8]
Hears = Callable[[str, float], None]

USUAL = 500
"""Pictures of each kind that are measured where nothing is said."""
ENOUGH = 16
"""Held-out pictures of each kind that are worth measuring by."""
MEAN_OF = 512
"""Training pictures behind a mean picture, at most."""


@dataclass(frozen=True, kw_only=True)
class MeasuredWay:
    """One direction, measured."""

    way: Way
    report: Report
    likeness: tuple[Likeness, ...] = ()
    """Where the truth is known."""


@dataclass(frozen=True)
class Sides:
    """The pictures of one direction: what is translated, and what that should look like."""

    source: Pyramid
    target: Pyramid
    held_out: bool
    trained_target: Pyramid
    partners: bool
    """Whether source and target of the same number belong together."""

    @classmethod
    def of(cls, domains: Domains, way: Way, least: int = ENOUGH) -> Sides:
        """Held-out pictures, where there are at least so many of each; else those of training."""
        own = domains.a, domains.b
        test = domains.test
        held_out = test is not None and min(part.count for part in test) >= least
        parts = test if test is not None and held_out else own
        fields = ("image", "layout") if domains.kind == "layouts" else ("a", "b")
        by_field = dict(zip(fields, parts, strict=True))
        trained = dict(zip(fields, own, strict=True))
        source, target = (by_field[f] for f in (way.direction.source, way.direction.target))
        together = domains.kind != "unpaired"
        return cls(source, target, held_out, trained[way.direction.target], together)


class Translations:
    """The pictures of a side translated, each once: a source of pictures for metrics.

    Where a model has styles, each in one of its own that is drawn; or, with `truth`, in the style
    of the true picture.
    """

    def __init__(
        self,
        model: Translator,
        way: Way,
        source: Pyramid,
        side: int,
        truth: Pyramid | None = None,
    ) -> None:
        self.model, self.way, self.source, self.side = model, way, source, side
        self.truth = truth
        self.order = _shuffle(source.count)
        self._made: dict[int, Pixels] = {}

    def __call__(self, start: int, count: int) -> Pixels:
        """Translations of the pictures start … start + count − 1 of a fixed shuffle: n c h w."""
        return np.stack([self._one(int(row)) for row in self.order[start : start + count]])

    def _one(self, row: int) -> Pixels:
        if row not in self._made:
            pixels = self.source.gather([row], self.side)[0].transpose(1, 2, 0)
            maps = self.way.direction.source == "layout"
            given = pixels[..., :2] if maps else pixels
            made = self.model.one(np.ascontiguousarray(given), self.way, style=self._style(row))
            self._made[row] = np.ascontiguousarray(made.transpose(2, 0, 1))
        return self._made[row]

    def _style(self, row: int) -> Tensor | None:
        if not self.model.has_styles:
            return None
        if self.truth is None:
            return self.model.random_styles(1, seed=row)[0]
        own = self.truth.gather([row], self.side)[0].transpose(1, 2, 0)
        return self.model.style_of(np.ascontiguousarray(own))


def _shuffle(count: int) -> NDArray[np.int64]:
    """One order of pictures for all measures; of pairs the same on both sides."""
    order: NDArray[np.int64] = np.random.default_rng(count).permutation(count)
    return order


def data_of(model: Translator, run: Path) -> Domains:
    """The two domains a model was trained on.

    Raises: DataError for pictures that are gone.
    """
    data = model.stored.recipe.data
    found = stored(open_data(data), data, run.parent / ".data")
    assert isinstance(found, Domains)
    return found


def measure_translator(
    path: Path,
    *,
    metrics: Sequence[str] | None = None,
    images: int | None = None,
    repeats: int = 1,
    at_images: int | None = None,
    extractor: Extractor | None = None,
    device: str = "auto",
    progress: Hears | None = None,
) -> list[tuple[Evaluated, MeasuredWay]]:
    """Measure every direction of the newest checkpoint, or of the one at `at_images`.

    Raises: ConfigError for metrics that translations cannot have, DataError for lost pictures.
    """
    model = load_translator(path, at_images=at_images, device=device)
    run = path if path.is_dir() else path.resolve().parent.parent
    domains, found = data_of(model, run), []
    for way in model.ways:
        sides = Sides.of(domains, way)
        chosen = list(metrics) if metrics is not None else fitting(model, sides, extractor)
        one = measure_way(
            model, way, sides, chosen, images, repeats, extractor=extractor, progress=progress
        )
        if domains.kind != "unpaired":
            one = MeasuredWay(
                way=way,
                report=one.report,
                likeness=tuple(likeness_of(model, way, sides, images or USUAL)),
            )
        found.append((_as_evaluated(run, model, way, sides, one.report), one))
    return found


def fitting(model: Translator, sides: Sides, extractor: Extractor | None) -> list[str]:
    """What can be measured of so many pictures: SWD; with an extractor FD, KD, precision, recall.

    Raises: ConfigError where nothing can.
    """
    fewest = min(sides.source.count, sides.target.count)
    found = ["swd"] if model.side >= 7 and fewest >= 4 else []
    if extractor is not None:
        found += [name for name in FEATURES if fewest >= 2 * METRICS[name].least]
    if not found:
        raise ConfigError(
            f"There are {fewest} pictures to measure by, of {model.side} pixels, which is too few. "
            "Hold out more: --set data.held_out=0.2, or add a test part"
        )
    return found


def measure_way(
    model: Translator,
    way: Way,
    sides: Sides,
    metrics: Sequence[str],
    images: int | None = None,
    repeats: int = 1,
    *,
    extractor: Extractor | None = None,
    progress: Hears | None = None,
) -> MeasuredWay:
    """Distances between translated pictures and real ones of the target domain."""
    unfit = [
        name
        for name in metrics
        if METRICS[name].of_model is not None or METRICS[name].of_training or name == "msssim"
    ]
    if unfit:
        raise ConfigError(
            f"{unfit[0]} cannot be had of a translator. Measure what compares two sets: "
            "--metrics swd,kd"
        )
    order = _shuffle(sides.target.count)

    def real(start: int, count: int) -> Pixels:
        rows = order[np.arange(start, start + count) % len(order)]
        return sides.target.gather(rows, model.side)

    made = Translations(model, way, sides.source, model.side)
    report = Report(rows=(), resolution=model.side, seed=0, seconds=0.0)
    asking = [name for name in metrics if METRICS[name].of_translations]
    rows, notes = _judged(way, sides, made, asking, progress) if asking else ([], ())
    if plain := [name for name in metrics if name not in asking]:
        report = evaluate(
            real,
            made,
            real_images=sides.target.count,
            fake_images=sides.source.count,
            metrics=plain,
            images=images or USUAL,
            repeats=repeats,
            extractor=extractor,
            progress=progress,
        )
    report = replace(report, rows=[*report.rows, *rows], warnings=(*report.warnings, *notes))
    return MeasuredWay(way=way, report=report)


def _judged(
    way: Way, sides: Sides, made: Translations, names: Sequence[str], progress: Hears | None
) -> tuple[list[Row], tuple[str, ...]]:
    """What judges of style and content say.

    Raises: ConfigError for maps, and where too few pictures are held out.
    """
    if way.direction.source == "layout":
        raise ConfigError(
            f"{names[0]} is asked about pictures that were made of pictures, and this model paints "
            "maps. Measure what compares two sets: --metrics swd,kd"
        )
    return judged(
        Case(
            names=(way.source, way.target),
            source=sides.source,
            target=sides.target,
            held_out=sides.held_out,
            partners=sides.partners,
            orders=(made.order, _shuffle(sides.target.count)),
            made=made,
            side=made.side,
        ),
        names,
        hear=progress,
    )


def likeness_of(model: Translator, way: Way, sides: Sides, images: int) -> list[Likeness]:
    """PSNR and SSIM to the truth of translated pictures, and of others that took no skill.

    Where a model has styles, in that of the truth."""
    n = min(images, sides.source.count)
    rows = _shuffle(sides.source.count)[:n]
    made = Translations(model, way, sides.source, model.side, sides.target)(0, n)
    truth = sides.target.gather(rows, model.side)
    given = sides.source.gather(rows, model.side) if way.direction.source != "layout" else None
    trained = sides.trained_target
    some = np.arange(min(MEAN_OF, trained.count), dtype=np.int64)
    spread = some * trained.count // len(some)
    mean = trained.gather(spread, model.side).mean(axis=0, dtype=np.float64)
    return likenesses(made, truth, given, mean)


def _as_evaluated(
    run: Path, model: Translator, way: Way, sides: Sides, report: Report
) -> Evaluated:
    """As other measurements are shown and kept."""
    seconds: Any = model.stored.meta.get("seconds")
    notes = [f"Translated: {way.source} to {way.target}, one picture at a time."]
    if model.has_styles:
        notes.append("Each in a style that was drawn; PSNR and SSIM in that of the true picture.")
    if not sides.held_out:
        again = typed("progan", "train", "A", "B", "--set", "data.held_out=0.1")
        notes.append(f"They were trained on, as too few pictures were held out: {again}")
    return Evaluated(
        run=run,
        checkpoint=model.path,
        images=model.trained_images,
        seconds=float(seconds) if seconds is not None else None,
        report=report,
        against=f"{way.direction.name}: {way.source} to {way.target}",
        notes=tuple(notes),
        weights=weights_in_use(model.system, model.weights),
    )
