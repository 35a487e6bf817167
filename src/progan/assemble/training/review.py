"""The review at the end of a run: everything its report shows that needs the network.

Pictures come first, for they cost little; then copies, repetition and spectrum; what time is left
goes to SWD and MS-SSIM, whose number of images follows from it. Everything is made with the
newest checkpoint that is whole, by its averaged weights where the system has them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from progan.assemble.measuring.evaluate import metrics_for
from progan.assemble.measuring.measure import Generated
from progan.assemble.measuring.one_picture import PICTURES
from progan.assemble.models.model import Model
from progan.assemble.models.stored import (
    is_translator,
    makes_from_noise,
    open_stored,
    weights_in_use,
)
from progan.assemble.models.translator import Translator
from progan.assemble.training import exhibits
from progan.assemble.training.review_one import record_of_one
from progan.assemble.training.review_two import record_of_two
from progan.core.errors import RoomError
from progan.data.two_loader import TwoLoader
from progan.engine.checkpoint import write_atomically
from progan.metrics import inspect
from progan.metrics.msssim import msssim
from progan.metrics.run import METRICS, Row, evaluate
from progan.metrics.sliced import sliced_wasserstein
from progan.systems.singan import SinGAN

if TYPE_CHECKING:
    from progan.data.feeding import Feed
    from progan.metrics.images import ImageSource

__all__ = ["affordable", "review"]

CPU_SECONDS, DEVICE_SECONDS = 60.0, 300.0
"""How long a review takes at most where nothing says how much time there is."""
MARGIN = 0.85
"""Share of the time that is planned for: the report is still to be written."""
REPEATS = 3
"""Measurements behind each ± of the table of quality."""
PILOT, WARMING = 64, 8
"""Images of the trial that tells how many can be measured, and of the one before it."""
ENOUGH = 256
"""Images below which there are more of them rather than repeats, and so no ±."""
HURRIED = 1.0
"""Seconds for a metric below which nothing is tried first."""
CAUTION = 1.3
"""Factor on the times of the trial: larger sets do not fit the cache."""
SHARES = {"swd": 0.75, "msssim": 0.25}
"""How the time for quality is parted."""
LOOKED_AT = 1024
"""Generated pictures among which repetition is sought, at most; as many give the spectrum."""
FEW_OF_ONE = 24
"""Pictures behind the measures of a model of one picture, where there is little time."""
FRAMES, FEW_FRAMES = 96, 48
"""Frames of the walk; few, where there is little time."""


def review(run: Path, loader: Feed, *, seconds: float | None = None) -> Path:
    """Write `review/review.json` and its pictures into `run`, in about `seconds`; give its path.

    Without `seconds`, at most a minute on a CPU. However little time there is, everything is
    made, from fewer images; the numbers of images stand beside the values.

    Raises ConfigError when `run` holds no checkpoint, RoomError when there is no room.
    """
    usual = CPU_SECONDS if loader.device.type == "cpu" else DEVICE_SECONDS
    watch = _Watch(MARGIN * seconds if seconds is not None else usual)
    folder = run / "review"
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise RoomError(
            f"Cannot make {folder}: {error.strerror or error}. Give yourself the right to, then: "
            f"progan evaluate {run}"
        ) from error
    stored = open_stored(run)
    model: Model | None = None
    if isinstance(loader, TwoLoader) and is_translator(stored):
        model = translator = Translator(stored, device=loader.device)
        record: dict[str, Any] = record_of_two(folder, translator, loader, watch.left)
    elif not makes_from_noise(stored):
        verdict = "This system makes nothing from noise alone; there is nothing to sample."
        record = {"verdict": verdict}
    else:
        model = Model(stored, device=loader.device)
        if isinstance(model.system, SinGAN):
            hurried = watch.left < 15
            record = record_of_one(
                folder, model, loader, FEW_OF_ONE if hurried else PICTURES, FEW_FRAMES
            )
        else:
            record = _Reviewer(folder, model, loader, watch).record()
    head = {
        "images": stored.trained.images,
        "system": stored.recipe.system,
        "resolution": stored.trained.resolution,
        "weights": weights_in_use(model.system) if model else "live",
    }
    content = json.dumps({**head, **record}, indent=2, ensure_ascii=False, allow_nan=False)
    write_atomically(folder / "review.json", content.encode() + b"\n")
    return folder / "review.json"


class _Watch:
    """Seconds that are left."""

    def __init__(self, seconds: float) -> None:
        self.end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Never below 0."""
        return max(0.0, self.end - time.monotonic())


def affordable(seconds: float, cost: float, most: int, least: int = PILOT) -> int:
    """The power of two of images that `seconds` allow at `cost` seconds each; at most `most`.

    `least` is kept even if it takes longer, unless `most` is less.
    """
    wanted = max(least, int(seconds / max(cost, 1e-9)))
    return 1 << min(wanted, most).bit_length() - 1 if most > 1 else most


class _Reviewer:
    """One model before one set of pictures."""

    def __init__(self, folder: Path, model: Model, loader: Feed, watch: _Watch) -> None:
        self.folder, self.model, self.loader, self.watch = folder, model, loader, watch
        size = model.resolution
        self.resolution = size if isinstance(size, int) else max(size)
        self.source = Generated(model.standing().system, model.moment, "review")

    def real(self, start: int, count: int) -> Any:
        """Real pictures as metrics ask for them; mirrored by a fair coin, as in training."""
        return self.loader.real(start, count, self.resolution, mirror=self.loader.mirror)

    def record(self) -> dict[str, Any]:
        """Everything but the head of review.json."""
        folder, model, watch = self.folder, self.model, self.watch
        record: dict[str, Any] = {
            "real": exhibits.real_grid(folder, model, self.loader),
            "samples": exhibits.sample_grid(folder, model),
            "growth": exhibits.growth(folder, model),
            "truncation": exhibits.truncation_rows(folder, model),
            "codes": exhibits.codes(folder, model),
            "walk": exhibits.walk(folder, model, FRAMES if watch.left > 15 else FEW_FRAMES),
        }
        self.cost = _seconds(lambda: self.source(PILOT, PILOT)) / PILOT
        count = affordable(0.1 * watch.left, self.cost, LOOKED_AT)
        made = self.source(0, count)
        real = np.asarray(self.real(0, min(count, self.loader.spec.images)).cpu())
        record["nearest"] = exhibits.nearest_training(folder, model, self.loader, made)
        record["duplicates"], pairs = _duplicates(made, real)
        record["spectrum"] = _spectrum(made, real)
        rows = self._quality()
        record["quality"] = [_plain(row) for row in rows]
        record["diversity"] = _diversity(rows)
        found = self._findings(rows, pairs, record)
        record["verdict"] = inspect.verdict(found)
        return record

    def _quality(self) -> list[Row]:
        """SWD and MS-SSIM, each with as many images as its share of the time allows."""
        rows: list[Row] = []
        left = self.watch.left
        for name in metrics_for(self.resolution, min(PILOT, self.loader.spec.images)):
            images, repeats = self._size(name, min(SHARES[name] * left, self.watch.left))
            rows += evaluate(
                self.real,
                self.source,
                real_images=self.loader.spec.images,
                metrics=[name],
                images=images,
                repeats=repeats,
            ).rows
        return rows

    def _size(self, name: str, seconds: float) -> tuple[int, int]:
        """How many images, and how often."""
        most = METRICS[name].images
        if METRICS[name].compares:
            # Half of the real pictures, so that the floor comes from as many images.
            most = min(most, self.loader.spec.images // 2)
        few = min(PILOT, self.loader.spec.images // 2 * 2)
        if seconds < HURRIED:
            return min(few, most), 1
        cost = CAUTION * _cost(name, self.real, self.source, few)
        images = 0
        for repeats in (REPEATS, 1):  # each repeat generates anew; one more measures real pictures
            images = affordable(seconds, (repeats + 1) * cost + repeats * self.cost, most)
            if images >= min(ENOUGH, most // 2):
                return images, repeats
        return images, 1

    def _findings(
        self, rows: Sequence[Row], pairs: tuple[int, int], record: Mapping[str, Any]
    ) -> inspect.Findings:
        swd = next((row for row in rows if row.metric == "swd" and row.level == "mean"), None)
        counters = self.model.stored.meta["counters"]
        return inspect.Findings(
            swd=swd.value if swd else None,
            swd_floor=swd.floor if swd else None,
            images=swd.images if swd else 0,
            diversity=record["diversity"],
            pairs=pairs[0],
            real_pairs=pairs[1],
            looked_at=record["duplicates"]["n"],
            distance_ratio=record["nearest"]["distance_ratio"],
            skipped=int(counters.get("skipped", 0)),
            steps=int(counters.get("steps", 0)),
        )


def _cost(name: str, real: ImageSource, fake: ImageSource, images: int) -> float:
    """Seconds per image to measure, by a trial; a smaller one before it loads what then stays."""

    def measure(n: int) -> None:
        if name == "swd":
            sliced_wasserstein(real, fake, n)
        else:
            msssim(fake, n // 2)

    measure(min(WARMING, images))
    return _seconds(lambda: measure(images)) / images


def _seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _plain(row: Row) -> dict[str, Any]:
    """A row of quality as review.json holds it."""
    notes = []
    if row.spread is not None:
        notes.append(f"± standard deviation over {row.repeats} repeats")
    if row.floor_images != row.images:
        notes.append(f"the floor from {row.floor_images:,} images")
    if not METRICS[row.metric].compares:
        notes.append("the floor is the value of real pictures")
    return {
        "metric": row.metric,
        "level": row.level,
        "value": row.value,
        "interval": row.spread,
        "floor": row.floor,
        "n": row.images,
        "note": "; ".join(notes),
    }


def _diversity(rows: Sequence[Row]) -> float | None:
    """Variety beside that of real pictures: 1 is the same."""
    for row in rows:
        if row.metric == "msssim" and row.floor is not None:
            return inspect.diversity(row.value, row.floor)
    return None


def _duplicates(made: Any, real: Any) -> tuple[dict[str, Any], tuple[int, int]]:
    """Near-identical pairs among generated pictures, and among as many real ones."""
    n = min(len(made), len(real))
    made, real = inspect.thumbnails(made[:n]), inspect.thumbnails(real[:n])
    if n < 2:
        return {"pairs": 0, "n": n, "note": "Too few pictures to compare."}, (0, 0)
    threshold = inspect.duplicate_threshold(real)
    pairs, usual = (len(inspect.near_duplicates(some, threshold)) for some in (made, real))
    note = (
        f"Pairs whose thumbnails of {made.shape[3]} px differ by at most {threshold:.1f} grey "
        f"levels (root mean square): only {inspect.RARE:.0%} of real pictures have a neighbour "
        f"that near. Such pairs among as many real pictures: {usual:,}."
    )
    return {"pairs": pairs, "n": n, "note": note}, (pairs, usual)


def _spectrum(made: Any, real: Any) -> dict[str, list[float]]:
    """Mean power at each frequency, in cycles per picture."""
    frequency, power = inspect.radial_spectrum(real)
    _, generated = inspect.radial_spectrum(made)
    return {
        "frequency": frequency.tolist(),
        "real": [float(f"{value:.6g}") for value in power],
        "generated": [float(f"{value:.6g}") for value in generated],
    }
