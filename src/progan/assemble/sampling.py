"""Behind `progan sample`: which model and settings, sheets of pictures, bringing one back."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from progan.assemble.arithmetic import arithmetic_cells, way_cells
from progan.assemble.containers import MADE_HERE
from progan.assemble.files import check_free, write_out
from progan.assemble.film import Film, write_film
from progan.assemble.labels import Label
from progan.assemble.model import Frame, Model, load
from progan.assemble.notes import (
    Settings,
    parse_seeds,
    parse_sum,
    read_note,
    seeds_to_text,
    sum_to_text,
    to_note,
)
from progan.assemble.stored import MODEL_FILE
from progan.core.errors import CheckpointError, ConfigError, RoomError
from progan.core.grids import columns_for, parse_grid, png_bytes, to_picture
from progan.core.plan import height_width
from progan.engine.checkpoint import checkpoints, read_header

__all__ = [
    "between",
    "by_class",
    "model_of",
    "parse_seeds",
    "picture_like",
    "save_picture",
    "save_separate",
    "save_walk",
    "settings_for",
    "sheet",
    "summed",
    "traversal",
    "ways",
]

LARGEST_SHEET = 128 * 2**20
"""Pixels of the largest sheet."""
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


def sheet(model: Model, settings: Settings) -> Image.Image:
    """The sheet of `settings`, row by row; cells without a seed are white."""
    height, width = height_width(settings.resolution)
    shape = (settings.rows * height, settings.columns * width)
    if shape[0] * shape[1] > LARGEST_SHEET:
        raise RoomError(
            f"The sheet would be {shape[1]:,} × {shape[0]:,} pixels; at most {LARGEST_SHEET:,} in "
            "all. Take fewer seeds, a lower --resolution, or one file a seed: --separate FOLDER"
        )
    view = _view(model, settings)
    filled = np.full((*shape, model.channels), 255, np.uint8)
    for row, column, picture in _cells(view, settings):
        top, left = row * height, column * width
        filled[top : top + height, left : left + width] = picture
    return to_picture(filled)


def _view(model: Model, settings: Settings) -> Model:
    """The model as the settings have it."""
    return model.at(settings.resolution, settings.alpha).with_std(settings.z_std)


def _cells(view: Model, settings: Settings) -> Iterator[tuple[int, int, Frame]]:
    """Row, column and picture of every cell that has one."""
    if settings.arithmetic is not None:
        yield from arithmetic_cells(view, parse_sum(settings.arithmetic), settings.truncation)
        return
    if settings.way:
        yield from way_cells(view, settings.seed_list, settings.columns, settings.truncation)
        return
    if settings.to_label is not None:
        assert settings.labels is not None
        ends, steps = (settings.labels[0], settings.to_label), settings.columns
        for row, seed in enumerate(settings.seed_list):
            for column, picture in enumerate(view.between(seed, *ends, steps, settings.truncation)):
                yield row, column, picture
        return
    if not settings.traverse:
        pictures = view.each_of(settings.seed_list, settings.truncation, settings.labels)
        for index, picture in enumerate(pictures):
            yield *divmod(index, settings.columns), picture
        return
    swept = (view.traverse(seed, settings.truncation, steps=SWEEP) for seed in settings.seed_list)
    for row, (_, pictures_) in enumerate(one for rows in swept for one in rows):
        for column, picture in enumerate(pictures_):
            yield row, column, picture


def _png(picture: Image.Image, settings: Settings) -> bytes:
    return png_bytes(picture, {"Software": MADE_HERE.decode(), **to_note(settings)})


def save_picture(model: Model, settings: Settings, path: Path) -> Image.Image:
    """Write the sheet of `settings` as PNG, with the note that brings it back."""
    if path.suffix.lower() != ".png":
        raise ConfigError(
            f'A picture cannot be written as "{path.name}"; only PNG keeps its pixels and its '
            f"settings. For example: {path.stem or 'samples'}.png"
        )
    check_free(path)
    to_note(settings)
    picture = sheet(model, settings)
    write_out(path, _png(picture, settings))
    return picture


def save_separate(
    model: Model, settings: Settings, folder: Path, done: Callable[[int], None] = lambda _: None
) -> list[Path]:
    """Write one PNG for each seed into `folder`, each with a note of its own."""
    seeds = settings.seed_list
    places = [folder / f"seed{seed:06d}.png" for seed in seeds]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RoomError(
            f"The folder {folder} cannot be made ({error.strerror or error}). Name another one."
        ) from error
    for place in places:
        check_free(place)
    view = _view(model, settings)
    pictures = view.each_of(seeds, settings.truncation, settings.labels)
    for index, (seed, place, picture) in enumerate(zip(seeds, places, pictures, strict=True)):
        labels = settings.labels
        own = replace(
            settings,
            seeds=str(seed),
            columns=1,
            rows=1,
            labels=None if labels is None else (labels[index % len(labels)],),
        )
        write_out(place, _png(to_picture(picture), own))
        done(index + 1)
    return places


def save_walk(
    model: Model,
    seeds: str | Sequence[int],
    path: Path,
    *,
    seconds: float = 8.0,
    fps: float = 30.0,
    truncation: float | None = None,
    labels: Label | Sequence[Label] | None = None,
) -> Film:
    """Film a walk through `seeds`, or with one seed a smooth random walk."""
    numbers = parse_seeds(seeds) if isinstance(seeds, str) else list(seeds)
    if not 0 < seconds <= 3600:
        raise ConfigError(f"seconds is {seconds:g}; a film takes up to 3600. Type: --seconds 8")
    check_free(path)
    frames = model.walk(
        numbers,
        max(1, round(seconds * fps)),
        kind="smooth" if len(numbers) == 1 else "loop",
        truncation=truncation,
        labels=labels,
        sigma=max(fps, 0.1),
    )
    return write_film(frames, path, fps=fps)


# The same picture again ----------------------------------------------------------------------


def picture_like(
    picture: Path, run: Path | None = None, device: str | None = None
) -> tuple[Model, Settings]:
    """The model and settings that made a picture, so that `sheet` gives the same pixels.

    The model is looked for in `run` if given, else where the note says, and in the folders the
    picture lies in. Raises ConfigError when none there has the same weights.
    """
    settings = read_note(picture)
    if device is None:
        device = settings.device if settings.device == "cpu" or torch.cuda.is_available() else "cpu"
    model = model_of(settings, _places(settings, picture, run), device)
    if model is None:
        searched = run or Path(settings.run)
        raise ConfigError(
            f"The model that made {picture} ({settings.run} at {settings.images:,} images) is not "
            f"in {searched}: moved, changed, or no longer kept. Name the run that holds it: "
            f"progan sample RUN --like {picture}"
        )
    _view(model, settings)
    asked = (*(settings.labels or ()), *([settings.to_label] if settings.to_label else []))
    if not all(map(model.words.fits, asked)):
        raise ConfigError(f"The note in {picture} has a label that its model does not know.")
    return model, settings


def _places(settings: Settings, picture: Path, run: Path | None) -> Iterator[Path]:
    if run is not None:
        yield run
        return
    said = settings.run
    if not said.startswith(("//", "\\\\")):  # never a server that a stranger names
        place = Path(said).expanduser() if said[:2] == "~/" else Path(said)
        yield place
        if not place.is_absolute():
            yield picture.absolute().parent / place
    yield from list(picture.absolute().parents)[:3]


def model_of(settings: Settings, places: Iterable[Path], device: str = "cpu") -> Model | None:
    """The first model with the weights that `settings` name, or None."""
    for file in dict.fromkeys(file for place in places for file in _files(place, settings.images)):
        try:
            if read_header(file)["counters"]["images"] != settings.images:
                continue
            model = load(file, weights=settings.weights, device=device)
        except (CheckpointError, ConfigError, KeyError, TypeError):
            continue
        if model.identity == settings.model:
            return model
    return None


def _files(place: Path, images: int) -> Iterator[Path]:
    """Files of a place that may hold a model, the likeliest first."""
    if place.is_file() and place.suffix == ".safetensors":
        yield place
    likely = f"checkpoints/{images:09d}.safetensors"
    for name in (likely, f"model/{MODEL_FILE}", MODEL_FILE):
        if (place / name).is_file():
            yield place / name
    yield from checkpoints(place / "checkpoints")
