"""Files in, translated files out: pictures of any size, folders, class maps; a page to look at."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from progan.assemble.measuring.reals import channels_of
from progan.assemble.models.translator import Translator, Way
from progan.core.errors import ConfigError, DataError
from progan.core.words import typed
from progan.data.layouts import Palette, read_palette
from progan.data.records import shown
from progan.data.sources.files import Files, MapReader, read_whole
from progan.data.sources.folder import FolderSource

__all__ = ["Inputs", "Made", "made_from", "open_inputs", "painted_map", "palette_for"]

Frame = NDArray[np.uint8]


@dataclass(frozen=True)
class Inputs:
    """Pictures that somebody wants translated."""

    paths: tuple[Path, ...]
    names: tuple[str, ...]
    """Of what is made of each, without an ending: below the folder they came from."""
    several: bool
    """Whether they may be many: a folder, or more than one file."""


@dataclass(frozen=True)
class Made:
    """What became of one of them."""

    name: str
    given: Frame | None = None
    """As it was read, h w c; of a class map its colours."""
    made: tuple[Frame, ...] = ()
    """One for each style; one without."""
    reason: str = ""
    """Why there is nothing."""
    notes: tuple[str, ...] = field(default=())


def open_inputs(words: Sequence[str]) -> Inputs:
    """The pictures that `words` name: files, or folders with all that is below them.

    Raises: DataError for what is not there, or a folder without a picture.
    """
    paths: list[Path] = []
    names: list[str] = []
    for word in words:
        path = Path(os.path.expanduser(word))
        if os.path.isdir(path):
            found = FolderSource(path)
            if not found.count:
                raise DataError(
                    f"{shown(word)} holds no pictures. Look: "
                    f"{typed('progan', 'data', 'check', word)}"
                )
            paths += [path / name for name in found.names]
            names += [os.path.splitext(name)[0] for name in found.names]
        elif os.path.isfile(path):
            paths.append(path)
            names.append(path.stem)
        else:
            raise DataError(
                f"There is no picture or folder at {shown(word)}. Name a PNG, JPEG or WebP, or a "
                "folder of them."
            )
    several = len(paths) > 1 or any(os.path.isdir(os.path.expanduser(word)) for word in words)
    return Inputs(tuple(paths), tuple(_apart(names)), several)


def _apart(names: Sequence[str]) -> list[str]:
    """Names that differ: a second dog becomes dog-2."""
    taken: set[str] = set()
    out = []
    for name in names:
        free, number = name, 1
        while free in taken:
            number += 1
            free = f"{name}-{number}"
        taken.add(free)
        out.append(free)
    return out


def palette_for(model: Translator, inputs: Inputs) -> Palette:
    """How class maps are read: by a palette.json beside them, or by the ids and colours that
    the run was trained with.

    Raises: ConfigError for a palette whose classes the model does not know.
    """
    spec = model.stored.spec
    ids = spec.layout_ids or tuple(range(len(spec.layout_names)))
    own = Palette(ids, spec.layout_names, spec.layout_colours)
    places = (inputs.paths[0].parent, inputs.paths[0].parent.parent)
    beside = next((p / "palette.json" for p in places if os.path.isfile(p / "palette.json")), None)
    if beside is None:
        return own
    found = read_palette(beside)
    strange = [name for name in found.names if name not in own.names]
    if strange:
        raise ConfigError(
            f"{shown(str(beside))} names {shown(strange[0])}, which is no class of this model. It "
            f"knows {', '.join(map(shown, own.names[:12]))}. Rename it, or take the file away."
        )
    rows = sorted(
        (own.names.index(name), number, colour)
        for number, name, colour in zip(found.ids, found.names, found.colours, strict=True)
    )
    if [row[0] for row in rows] == list(range(len(own.names))):
        # Maps come out numbered as the model numbers its classes.
        return Palette(tuple(row[1] for row in rows), own.names, tuple(row[2] for row in rows))
    missing = next(name for name in own.names if name not in found.names)
    raise ConfigError(
        f"{shown(str(beside))} lacks {shown(missing)}, a class of this model. Add it, or take the "
        "file away."
    )


def painted_map(model: Translator, classes: Frame) -> Frame:
    """A class map h w in its colours, h w 3; black where no class is known."""
    colours = model.stored.spec.layout_colours
    table = np.zeros((256, 3), np.uint8)
    table[: len(colours)] = colours
    return table[classes]


def made_from(
    model: Translator,
    way: Way,
    inputs: Inputs,
    *,
    size: int | None = None,
    tile: int,
    styles: Sequence[Tensor] = (),
) -> Iterator[Made]:
    """Each input translated, in order; with `size`, its shorter side is brought to it first.

    What cannot be read comes with its reason.
    """
    maps = way.direction.source == "layout"
    data = model.stored.recipe.data
    if maps:
        files = Files(inputs.paths, MapReader(palette_for(model, inputs).plain()))
        channels = None
    else:
        files = Files(inputs.paths)
        channels = channels_of(model.channels_of(way.direction.source))
    for found in read_whole(files, channels, data.background, maps=maps):
        name = inputs.names[found.place]
        if found.pixels is None:
            yield Made(name, reason=found.reason)
            continue
        picture = _resized(found.pixels, size, maps=maps)
        given = painted_map(model, picture) if maps else picture
        chosen: Sequence[Tensor | None] = styles or [None]
        made = tuple(model.one(picture, way, style=style, tile=tile) for style in chosen)
        yield Made(name, given, made, notes=_notes(model, picture, tile, shrunk=found.shrunk))


def _resized(picture: Frame, size: int | None, *, maps: bool) -> Frame:
    if size is None:
        return picture
    height, width = picture.shape[:2]
    scale = size / min(height, width)
    wanted = max(1, round(width * scale)), max(1, round(height * scale))
    way = Image.Resampling.NEAREST if maps else Image.Resampling.LANCZOS
    flat = picture[..., 0] if picture.ndim == 3 and picture.shape[2] == 1 else picture
    found = np.asarray(Image.fromarray(flat).resize(wanted, way))
    return found.reshape(*found.shape[:2], *picture.shape[2:])


def _notes(model: Translator, picture: Frame, tile: int, *, shrunk: bool) -> tuple[str, ...]:
    """What a reader must know of how it was made."""
    found = []
    system = model.system
    if shrunk:
        found.append("shrunk as it was read, to 4,096 pixels")
    if getattr(system, "fixed", False):
        if picture.shape[:2] != (model.side, model.side):
            found.append(f"translated at {model.side} × {model.side} and brought back to its size")
    elif max(picture.shape[:2]) > tile:
        found.append(
            f"in tiles of {tile} pixels, each of which is normalised by its own statistics"
        )
    return tuple(found)
