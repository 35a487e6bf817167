"""Pictures that somebody gives to a trained model, made square and equal as its own were."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from progan.assemble.measuring.reals import channels_of
from progan.assemble.models.model import Model
from progan.core.errors import ConfigError, DataError
from progan.core.recipe import DataSettings
from progan.core.spelling import nearest
from progan.core.words import typed
from progan.data.build import open_or_build
from progan.data.crew import decode
from progan.data.pyramid import Pyramid
from progan.data.records import shown
from progan.data.sources import open_source
from progan.data.sources.names import unread_format, wanted
from progan.data.sources.single import PictureSource
from progan.data.task import Task

__all__ = ["Given", "run_of", "with_column"]

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Given:
    """Pictures at the resolution and with the channels of a model."""

    name: str
    """As it was written."""
    count: int
    pyramid: Pyramid | None
    """Where they lie; None for one alone."""
    one: Pixels | None = None
    """That one, 1 c h w."""
    side: int
    channels: int = 1
    names: tuple[str, ...] = ()
    """Of the files, in order; empty where some were left out."""

    @classmethod
    def open(cls, words: str, model: Model, run: Path) -> Given:
        """What `words` name: a folder, zip, npz or IDX file, a packaged set, or one picture.

        Raises: ConfigError for a model whose pictures are not square, DataError for pictures that
        cannot be read.
        """
        side = side_of(model)
        path = Path(os.path.expanduser(words))
        if path.is_file() and (wanted(words) or unread_format(words, words) is not None):
            return cls(name=words, count=1, pyramid=None, one=_one(path, model, side), side=side)
        settings = _settings(words, model)
        pyramid = _built(settings, model, run)
        if pyramid.channels > model.channels:
            raise DataError(
                f"{shown(words)} holds colour pictures, and this model draws grey ones. Give the "
                "pictures it was built from, which are turned grey as they are read: progan "
                "reconstruct RUN FOLDER"
            )
        return cls(
            name=words,
            count=pyramid.count,
            pyramid=pyramid,
            side=side,
            channels=model.channels,
            names=_names(settings, pyramid.count),
        )

    def pixels(self, rows: Sequence[int] | NDArray[np.int64]) -> Pixels:
        """The pictures at these places: n c h w."""
        if self.pyramid is None:
            assert self.one is not None
            return self.one[np.asarray(rows, np.int64)]
        found = self.pyramid.gather(rows, self.side)
        return np.repeat(found, 3, axis=1) if found.shape[1] < self.channels else found

    def spread(self, most: int) -> NDArray[np.int64]:
        """Places of at most so many pictures, spread evenly over all of them."""
        n = min(most, self.count)
        return np.arange(n, dtype=np.int64) * self.count // n

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of their classes; empty without."""
        return () if self.pyramid is None else self.pyramid.classes

    def labels(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The class of each picture."""
        assert self.pyramid is not None
        return self.pyramid.labels(rows)


def side_of(model: Model) -> int:
    """Pixels a side of a model's pictures; ConfigError where they are not square."""
    if not isinstance(model.resolution, int):
        height, width = model.resolution
        raise ConfigError(
            f"Pictures of this model are {width}x{height}; others are made square, so they do not "
            "fit it. Look at its own: progan sample RUN"
        )
    return model.resolution


def run_of(path: Path) -> Path:
    """The run a path belongs to: itself, or that of a file in its checkpoints/ or model/."""
    return path if path.is_dir() else path.resolve().parent.parent


def _settings(words: str, model: Model) -> DataSettings:
    """How pictures are read: the model's own as in its training, others by the same rules.

    Classes are always asked for, as they tell what codes know.
    """
    data = model.stored.recipe.data
    if words == data.source:
        return data if data.labels != "none" else replace(data, labels="auto")
    return replace(
        data,
        source=words,
        channels=channels_of(model.channels),
        labels="auto",
        vectors="own",
        images=None,
        landmarks=None,
    )


def _built(settings: DataSettings, model: Model, run: Path) -> Pyramid:
    source = open_source(settings.source, settings)
    return open_or_build(
        source, settings, run.parent / ".data", resolution=model.stored.spec.resolution
    )


def _names(settings: DataSettings, count: int) -> tuple[str, ...]:
    """Names of a source's pictures, if none of them was left out."""
    source = open_source(settings.source, settings)
    if source.count != count or not source.guarded:
        return ()
    return tuple(source.title(number) for number in range(count))


def _one(path: Path, model: Model, side: int) -> Pixels:
    """The one picture in a file: 1 c h w."""
    settings = replace(
        model.stored.recipe.data,
        source=str(path),
        channels=channels_of(model.channels),
        labels="none",
        vectors="own",
        images=None,
        landmarks=None,
    )
    source = PictureSource(path)
    task = Task(source, settings, model.stored.spec.resolution)
    with closing(decode(source, task.frame, task.jobs(), 1)) as results:
        found = next(results)
    if not found.used:
        raise DataError(
            f"{shown(str(path))} cannot be used: {found.findings[0].reason}. Give another picture; "
            f"what may be one: {typed('progan', 'data', 'check', path.parent)}"
        )
    pixels = found.pixels[side]
    return np.repeat(pixels, 3, axis=1) if pixels.shape[1] < model.channels else pixels


def with_column(name: str, words: str, model: Model, run: Path) -> tuple[Given, NDArray[np.bool_]]:
    """Pictures, and which of them have `name`: a class of theirs, or a column of their table.

    Of numbers those above the mean have it. Pictures about which the table is silent are left out.

    Raises: ConfigError where no picture has it, or all do; DataError for an unknown name.
    """
    given = Given.open(words, model, run)
    if given.pyramid is None:
        raise ConfigError(
            f"{words} is one picture, and nothing tells what it has. Name labelled pictures to "
            f"learn from: --from PICTURES"
        )
    if name in given.classes:
        has = given.labels(np.arange(given.count)) == given.classes.index(name)
    else:
        pyramid = given.pyramid
        if name not in _columns(pyramid):
            pyramid = _with_labels(name, words, model, run, given)
        place = _columns(pyramid).index(name)
        values = pyramid.label_rows(np.arange(pyramid.count))[:, place]
        middle = 0.5 if pyramid.label_kind == "multi-label" else float(values.mean())
        has = values > middle
        given = replace(given, pyramid=pyramid, count=pyramid.count, names=())
    if has.all() or not has.any():
        everyone = "all" if has.any() else "none"
        raise ConfigError(
            f"{everyone.capitalize()} of the {given.count:,} pictures of {words} have {name}; a "
            "direction needs some with it and some without. Choose another: --attribute NAME"
        )
    return given, np.asarray(has, np.bool_)


def _columns(pyramid: Pyramid) -> list[str]:
    """Names of the numbers of its labels."""
    return [column.name for column in pyramid.columns]


def _with_labels(name: str, words: str, model: Model, run: Path, given: Given) -> Pyramid:
    """The pictures with one column of their table."""
    settings = replace(_settings(words, model), labels=(name,))
    if not open_source(words, settings).table_name:
        known = given.classes or ()
        meant = nearest(name, known)
        hint = f" Did you mean {meant}?" if meant else ""
        if known:
            listed = ", ".join(known[:12])
            raise ConfigError(
                f'{words} has no class "{name[:60]}".{hint} The classes: {listed}. Choose one: '
                "--attribute NAME"
            )
        raise ConfigError(
            f"{words} has neither classes nor a table of labels, so nothing tells which pictures "
            f"have {name}. Name labelled ones: --from PICTURES"
        )
    return _built(settings, model, run)
