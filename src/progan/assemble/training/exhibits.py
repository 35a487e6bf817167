"""The pictures of a review: grids, growth, truncation, a walk, and nearest training pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from progan.assemble.writing.film import write_film
from progan.core.grids import png_bytes, tile, to_picture
from progan.core.plan import Size, height_width
from progan.engine.checkpoint import write_atomically
from progan.metrics.inspect import MEMORISED, nearest, thumbnails

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from progan.assemble.models.model import Model
    from progan.data.feeding import Feed

    Pixels = NDArray[np.uint8]

__all__ = [
    "codes",
    "growth",
    "nearest_training",
    "real_grid",
    "sample_grid",
    "truncation_rows",
    "walk",
]

GRID = 64
"""Pictures in a grid, 8 by 8: the first seeds, none chosen by hand."""
SIDE = 128
"""Side of one picture in a grid, in pixels; smaller ones are enlarged by a whole number."""
GROWTH_SEEDS, GROWTH_SIDE = 16, 64
TRUNCATIONS = (0.3, 0.5, 0.7, 1.0)
TRUNCATION_SEEDS = 8
CODE_SEEDS, MOST_VALUES = 4, 20
"""Rows of a code's picture, and values in each."""
WALK_SEEDS = (0, 1, 2, 3, 4, 5)
WALK_RATE = 24.0
"""Frames a second."""
POOL, POOL_SIDE = 10_000, 32
"""Training pictures among which the nearest are sought, and their largest side."""
SHOWN, NEIGHBOURS = 8, 5
"""Rows of the picture of nearest ones, and training pictures in each."""
COMPARED = 256
"""Pictures behind each of the two medians of the ratio of distances, at most."""


def _write(folder: Path, name: str, images: Pixels, side: int, columns: int, gap: int = 0) -> str:
    """A grid of n c h w, each picture enlarged to about `side`."""
    scale = max(1, side // max(images.shape[2:]))
    sheet = to_picture(tile(images, columns, gap=gap), scale)
    write_atomically(folder / name, png_bytes(sheet))
    return name


def _sampled(model: Model, seeds: Sequence[int], truncation: float | None = None) -> Pixels:
    return model.sample(seeds, truncation).transpose(0, 3, 1, 2)


def real_grid(folder: Path, model: Model, loader: Feed) -> str:
    """Real pictures, 8 by 8."""
    if loader.spec.images == 1:
        images = loader.real(0, 1, model.resolution).cpu().numpy()
        return _write(folder, "real.png", images, 4 * SIDE, 1)
    images = loader.real(0, GRID, _square(model.resolution)).cpu().numpy()
    return _write(folder, "real.png", images, SIDE, 8)


def sample_grid(folder: Path, model: Model) -> str:
    """Pictures of seeds 0 … 63, 8 by 8."""
    return _write(folder, "samples.png", _sampled(model, range(GRID)), SIDE, 8)


def growth(folder: Path, model: Model) -> list[dict[str, Any]]:
    """The same seeds at every resolution, and half-way into each that faded in."""
    rows = []
    for resolution, alpha in _moments(model):
        view = model.at(resolution, alpha)
        height, width = height_width(resolution)
        size = str(height) if height == width else f"{height}x{width}"
        fade = f"_fade{alpha:.2f}" if alpha < 1 else ""
        name = f"growth_{max(height, width):04d}px{fade}.png"
        images = _sampled(view, range(GROWTH_SEEDS))
        _write(folder, name, images, GROWTH_SIDE, 4)
        shown: int | str = height if height == width else size
        rows.append({"resolution": shown, "alpha": alpha, "picture": name})
    return rows


def codes(folder: Path, model: Model) -> list[dict[str, Any]]:
    """Each code or label swept through its values, a row for each of four seeds."""
    found: dict[str, list[Pixels]] = {}
    if not model.code_counts:
        return []
    for seed in range(CODE_SEEDS):
        for name, swept in model.traverse(seed, most=MOST_VALUES):
            found.setdefault(name, []).append(np.stack(swept).transpose(0, 3, 1, 2))
    rows = []
    for index, (name, seeds) in enumerate(found.items()):
        file = f"code_{index}.png"
        _write(folder, file, np.concatenate(seeds), GROWTH_SIDE, len(seeds[0]))
        rows.append({"code": name, "picture": file})
    return rows


def _moments(model: Model) -> list[tuple[Size, float]]:
    """Every settled resolution, with the middle of its fade before it; the last as it is."""
    trained = model.stored.trained
    reached = model.stored.plan.stages[: trained.index + 1]
    moments: list[tuple[Size, float]] = []
    for resolution in model.resolutions:
        end = trained.alpha if resolution == trained.resolution else 1.0
        faded = any(stage.fade and stage.resolution == resolution for stage in reached)
        if faded and end > 0.5:
            moments.append((resolution, 0.5))
        moments.append((resolution, end))
    return moments


def truncation_rows(folder: Path, model: Model) -> list[dict[str, Any]]:
    """The same seeds with latents kept ever nearer to the middle."""
    rows = []
    for truncation in TRUNCATIONS:
        images = _sampled(model, range(TRUNCATION_SEEDS), truncation)
        name = f"truncation_{truncation:.1f}.png"
        _write(folder, name, images, GROWTH_SIDE, 4)
        rows.append({"truncation": truncation, "picture": name})
    return rows


def walk(folder: Path, model: Model, frames: int) -> str:
    """A film through six seeds and back to the first, in a loop."""
    write_film(model.walk(WALK_SEEDS, frames), folder / "walk.webp", fps=WALK_RATE)
    return "walk.webp"


def nearest_training(folder: Path, model: Model, loader: Feed, made: Pixels) -> dict[str, Any]:
    """The training pictures nearest to some samples, and how near `made` come in general.

    distance_ratio   median distance of `made` to the nearest training picture, over the median
                     distance of a training picture to its nearest other one

    Distances are root mean squares over pixels, at 32 pixels or less. With mirrored training,
    mirrored pictures count as training pictures too.
    """
    resolution = _square(model.resolution)
    side = min(resolution, POOL_SIDE)
    count = min(POOL, loader.spec.images)
    pool = loader.real(0, count, side).cpu().numpy()
    made = made[:COMPARED]
    own = np.arange(min(len(made), count))
    places = own[:, None]
    if loader.mirror:
        pool = np.concatenate([pool, pool[..., ::-1]])
        places = np.stack([own, own + count], axis=1)
    samples = _sampled(model, range(SHOWN))
    queries = np.concatenate([_smaller(samples, side), _smaller(made, side)])
    neighbours, distances = nearest(queries, pool, NEIGHBOURS)
    rows = [
        np.concatenate([samples[k : k + 1], _originals(loader, neighbours[k], count, resolution)])
        for k in range(SHOWN)
    ]
    columns = 1 + neighbours.shape[1]
    _write(folder, "nearest.png", np.concatenate(rows), GROWTH_SIDE, columns, gap=1)
    found = {"picture": "nearest.png", "rows": SHOWN}
    usual = 0.0
    if count > 1:
        usual = float(np.median(nearest(pool[own], pool, own=places)[1]))
    if not usual:
        note = "Training pictures repeat themselves, or are too few: no distance is usual."
        return {**found, "distance_ratio": None, "note": note}
    distances = distances[SHOWN:, 0]
    note = (
        f"How far {len(made):,} generated pictures lie from the nearest of {count:,} training "
        f"pictures (median), over how far those lie from each other. 1 is usual; below "
        f"{MEMORISED:g} the generator probably copies. Differences are of pixels, at {side} px: "
        "blurred pictures come nearer without being copies."
    )
    return {**found, "distance_ratio": float(np.median(distances)) / usual, "note": note}


def _smaller(images: Pixels, side: int) -> Pixels:
    return np.rint(thumbnails(images, side)).astype(np.uint8)


def _originals(loader: Feed, places: NDArray[np.int64], count: int, resolution: int) -> Pixels:
    """Training pictures by their place in the pool, whose second half is mirrored."""
    pictures = []
    for place in places:
        picture = loader.real(int(place) % count, 1, resolution).cpu().numpy()
        pictures.append(picture[..., ::-1] if place >= count else picture)
    return np.concatenate(pictures)


def _square(resolution: Size) -> int:
    """Pictures of data sets are square."""
    return max(height_width(resolution))
