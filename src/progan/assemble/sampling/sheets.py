"""Sheets, single pictures and films of a model, drawn as their settings say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from progan.assemble.models.labels import Label
from progan.assemble.models.model import Frame, Model
from progan.assemble.models.notes import Settings, parse_seeds, parse_sum, to_note
from progan.assemble.models.one_picture import on_canvas
from progan.assemble.sampling.arithmetic import arithmetic_cells, way_cells
from progan.assemble.sampling.settings import SWEEP
from progan.assemble.writing.containers import MADE_HERE
from progan.assemble.writing.files import check_free, write_out
from progan.assemble.writing.film import Film, write_film
from progan.core.errors import ConfigError, RoomError
from progan.core.grids import png_bytes, to_picture
from progan.core.plan import height_width

__all__ = ["save_picture", "save_separate", "save_walk", "sheet", "view_of"]

LARGEST_SHEET = 128 * 2**20
"""Pixels of the largest sheet."""


def sheet(model: Model, settings: Settings) -> Image.Image:
    """The sheet of `settings`, row by row; cells without a seed are white."""
    height, width = height_width(settings.size or settings.resolution)
    shape = (settings.rows * height, settings.columns * width)
    if shape[0] * shape[1] > LARGEST_SHEET:
        raise RoomError(
            f"The sheet would be {shape[1]:,} × {shape[0]:,} pixels; at most {LARGEST_SHEET:,} in "
            "all. Take fewer seeds, a lower --resolution, or one file a seed: --separate FOLDER"
        )
    view = view_of(model, settings)
    filled = np.full((*shape, model.channels), 255, np.uint8)
    for row, column, picture in _cells(view, settings):
        top, left = row * height, column * width
        filled[top : top + height, left : left + width] = picture
    return to_picture(filled)


def view_of(model: Model, settings: Settings) -> Model:
    """The model as the settings have it."""
    view = model.at(settings.resolution, settings.alpha).with_std(settings.z_std)
    return on_canvas(view, settings.start or None, settings.size)


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
    view = view_of(model, settings)
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
