"""The settings of a sheet, by what was asked for: seeds, classes, codes, sums and ways."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from progan.assemble.models.labels import Label
from progan.assemble.models.model import Model
from progan.assemble.models.notes import (
    Settings,
    parse_seeds,
    parse_sum,
    seeds_to_text,
    sum_to_text,
)
from progan.assemble.models.stored import MODEL_FILE
from progan.core.errors import ConfigError
from progan.core.grids import columns_for, parse_grid

__all__ = ["SWEEP", "between", "by_class", "by_text", "settings_for", "summed", "traversal", "ways"]

DEFAULT_SEEDS = 16
CLASS_SEEDS = 8
"""Pictures of each class where nothing is said."""
SWEEP = 10
"""Values through which a code without end is swept, and steps from one label or seed to another."""
BETWEEN_SEEDS = 4
"""Rows that go from one label to another where nothing is said."""


def settings_for(
    model: Model,
    *,
    seeds: str | Sequence[int] | None = None,
    grid: str | None = None,
    truncation: float | None = None,
    labels: Label | Sequence[Label] | None = None,
) -> Settings:
    """The settings of a sheet of `model` as it stands.

    Without seeds, 0, 1, 2, … fill the grid; without a grid it is as square as can be. Raises
    ConfigError for seeds that do not fit into the grid.
    """
    columns, rows = parse_grid(grid) if grid else (0, 0)
    if seeds is None:
        numbers = list(range(columns * rows or DEFAULT_SEEDS))
    else:
        numbers = parse_seeds(seeds) if isinstance(seeds, str) else list(seeds)
    if not columns:
        columns = columns_for(len(numbers))
        rows = math.ceil(len(numbers) / columns)
    if len(numbers) > columns * rows:
        wide = columns_for(len(numbers))
        raise ConfigError(
            f"{len(numbers)} seeds do not fit into a grid of {columns} x {rows}. "
            f"For example: --grid {wide}x{math.ceil(len(numbers) / wide)}"
        )
    return Settings(
        model=model.identity,
        run=_shown_place(model.path),
        images=model.trained_images,
        weights=model.weights,
        device="cuda" if model.device.type == "cuda" else "cpu",
        seeds=seeds_to_text(numbers),
        columns=columns,
        rows=rows,
        truncation=truncation,
        z_std=None if model.z_std == 1 else model.z_std,
        resolution=model.resolution,
        alpha=model.alpha,
        labels=model.asked(labels, len(numbers)),
        start=0 if model.canvas is None else model.canvas.start,
        size=None if model.canvas is None else model.canvas.size,
    )


def by_class(
    model: Model,
    *,
    seeds: str | Sequence[int] | None = None,
    truncation: float | None = None,
) -> Settings:
    """The settings of a sheet with a row for each class, the same seeds in every row.

    Of several labels, a row for each of them off and one for on; of numbers, five rows for each,
    from the least to the greatest. What a row does not name is as its seed draws it.

    Raises ConfigError for a model without labels.
    """
    rows = model.words.rows()
    if not rows:
        raise ConfigError(
            "This model has no classes, so there are no rows to make. Leave --grid-by-class out."
        )
    given = range(CLASS_SEEDS) if seeds is None else seeds
    numbers = parse_seeds(given) if isinstance(given, str) else list(given)
    settings = settings_for(
        model,
        seeds=numbers * len(rows),
        grid=f"{len(numbers)}x{len(rows)}",
        truncation=truncation,
    )
    return replace(settings, labels=tuple(asked for asked in rows for _ in numbers))


def by_text(
    model: Model,
    texts: Sequence[str],
    *,
    seeds: str | Sequence[int] | None = None,
    truncation: float | None = None,
) -> Settings:
    """The settings of a sheet with a row for each caption, the same seeds in every row."""
    given = range(CLASS_SEEDS) if seeds is None else seeds
    numbers = parse_seeds(given) if isinstance(given, str) else list(given)
    return settings_for(
        model,
        seeds=numbers * len(texts),
        grid=f"{len(numbers)}x{len(texts)}",
        truncation=truncation,
        labels=[text for text in texts for _ in numbers],
    )


def between(
    model: Model,
    start: Label,
    end: Label,
    *,
    seeds: str | Sequence[int] | None = None,
    truncation: float | None = None,
) -> Settings:
    """The settings of a sheet whose rows each go from one label to another: see `Model.between`.

    Raises ConfigError for labels that the model does not know.
    """
    given = range(BETWEEN_SEEDS) if seeds is None else seeds
    numbers = parse_seeds(given) if isinstance(given, str) else list(given)
    grid = f"{SWEEP}x{max(1, len(numbers))}"
    settings = settings_for(model, seeds=numbers, grid=grid, truncation=truncation, labels=start)
    ends = model.asked(end, 1)
    assert ends is not None
    return replace(settings, to_label=ends[0])


def traversal(
    model: Model,
    *,
    seeds: str | Sequence[int] | None = None,
    truncation: float | None = None,
) -> Settings:
    """The settings of a sheet whose rows each sweep one code or label: see `Model.traverse`.

    Raises ConfigError for a model that has none.
    """
    given = [0] if seeds is None else seeds
    numbers = parse_seeds(given) if isinstance(given, str) else list(given)
    counts = model.code_counts
    columns = max([count or SWEEP for count in counts], default=1)
    grid = f"{columns}x{max(1, len(numbers) * len(counts))}"
    settings = settings_for(model, seeds=numbers, grid=grid, truncation=truncation)
    return replace(settings, traverse=True)


def summed(model: Model, words: str, *, truncation: float | None = None) -> Settings:
    """The settings of a sheet of a sum of latents: `1,2,3 - 4,5,6 + 7,8,9`.

    A row for each term, its seeds and their mean; then the sum, after its neighbours: see
    `arithmetic_cells`.

    Raises ConfigError for words that are no such sum.
    """
    terms = parse_sum(words)
    seeds = [seed for _, some in terms for seed in some]
    grid = f"{max(len(some) for _, some in terms) + 1}x{len(terms) + 1}"
    settings = settings_for(model, seeds=seeds, grid=grid, truncation=truncation)
    return replace(settings, arithmetic=sum_to_text(terms))


def ways(model: Model, seeds: str | Sequence[int], *, truncation: float | None = None) -> Settings:
    """The settings of a sheet whose rows each go from one seed to the next, in ten equal steps.

    Raises ConfigError for fewer than two seeds.
    """
    numbers = parse_seeds(seeds) if isinstance(seeds, str) else list(seeds)
    if len(numbers) < 2:
        raise ConfigError(
            f"{len(numbers)} seed has nowhere to go in a picture; give two or more, or film its "
            "walk: progan sample --walk 0,3,7 ways.png"
        )
    grid = f"{SWEEP}x{len(numbers) - 1}"
    settings = settings_for(model, seeds=numbers, grid=grid, truncation=truncation)
    return replace(settings, way=True)


def _shown_place(file: Path) -> str:
    """The run, folder or file of a model: from here if it lies below, else with ~ for home."""
    place = file.parent.parent if file.parent.name == "checkpoints" else file
    place = file.parent if file.name == MODEL_FILE else place
    place = place.parent if place.name == "model" else place
    whole = place.absolute()
    for base, sign in ((Path.cwd(), ""), (Path.home(), "~")):
        if whole != base and whole.is_relative_to(base):
            return (Path(sign) / whole.relative_to(base)).as_posix()
    return whole.as_posix()
