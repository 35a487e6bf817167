"""Train an extractor on a labelled set: pictures found and split, classifier trained, tested, kept.

made = train_extractor(ExtractorAsked(data="fashion-mnist"))
made.facts.accuracy, made.name, made.path
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from progan.assemble.writing.files import free_name
from progan.core.errors import ConfigError, DataError
from progan.core.randomness import seed_of
from progan.core.recipe import DataSettings
from progan.core.words import typed
from progan.data.build import open_or_build
from progan.data.order import Order
from progan.data.pyramid import Pyramid
from progan.data.sources import open_source
from progan.data.task import choose_resolution
from progan.engine.precision import choose_device
from progan.extractors.names import FOLDER
from progan.extractors.trained import Facts, save_trained
from progan.extractors.training import (
    LabelledPictures,
    accuracy,
    images_within,
    shown,
    train_classifier,
)
from progan.extractors.weights import room_for

__all__ = ["ExtractorAsked", "ExtractorMade", "free_place", "train_extractor"]

IMAGES = 240_000
"""Pictures shown unless asked otherwise: four times the 60,000 of Fashion-MNIST."""
HELD_OUT = 7
"""One picture of so many is held out where no other set is there to test on."""
LEAST = 20
"""Pictures that a test needs at least."""
SMALLEST, LARGEST = 16, 64
TESTS = {"fashion-mnist-full": "fashion-mnist"}
"""Sets whose publisher set other pictures apart for tests."""


class Hears(Protocol):
    """Where the work tells how far it is."""

    def line(self, head: str, text: str) -> None:
        """A line under a head."""

    def building(self, done: int, total: int) -> None:
        """Pictures read so far."""

    def encoding(self, done: int, total: int) -> None:
        """Captions that have become vectors."""

    def counted(self, head: str, done: int, total: int, what: str) -> None:
        """How many of something are done."""


class Unheard:
    """Shows nothing."""

    def line(self, head: str, text: str) -> None:
        """Nothing."""

    def building(self, done: int, total: int) -> None:
        """Nothing."""

    def encoding(self, done: int, total: int) -> None:
        """Nothing."""

    def counted(self, head: str, done: int, total: int, what: str) -> None:
        """Nothing."""


@dataclass(frozen=True, kw_only=True)
class ExtractorAsked:
    """What a user wants trained."""

    data: str
    test: str | None = None
    """Another labelled set to test on; None: the publisher's, or a part that is held out."""
    to: Path | None = None
    minutes: float | None = None
    images: int | None = None
    resolution: int | None = None
    mirror: bool = False
    seed: int = 0
    device: str = "auto"
    runs: Path = Path("runs")
    """Pictures are kept read in its folder `.data`."""


@dataclass(frozen=True, kw_only=True)
class ExtractorMade:
    """What came of it."""

    path: Path
    sha256: str
    facts: Facts

    @property
    def name(self) -> str:
        """As `lookup` takes it."""
        return f"trained:{self.sha256[:12]}"


def train_extractor(asked: ExtractorAsked, hears: Hears | None = None) -> ExtractorMade:
    """Train, test on pictures it has not seen, and keep the classifier.

    Raises: ConfigError for words that do not fit together, DataError for pictures without labels
    or too few of them, RoomError when the file cannot be written.
    """
    hears = hears or Unheard()
    to = free_place(asked)
    device = choose_device(asked.device)
    learned = _pyramid(asked, asked.data, hears)
    test = asked.test or TESTS.get(asked.data)
    tested = _pyramid(asked, test, hears, learned) if test else learned
    train_rows, test_rows = _split(learned.count) if tested is learned else (None, None)
    train, judged = _part(learned, train_rows), _part(tested, test_rows)
    _enough(learned, train, judged)
    classes = learned.classes
    hears.line(
        "Data",
        f"{len(train):,} pictures to learn from, {len(judged):,} held out for the test; "
        f"{len(classes)} classes, {learned.resolutions[-1]} px",
    )
    with room_for(to):
        pass  # better said before training than after
    images = asked.images or IMAGES
    if asked.minutes is not None:
        images = images_within(asked.minutes, train, len(classes), device=device)
    images = shown(images, train)
    network = train_classifier(
        train,
        len(classes),
        images=images,
        seed=asked.seed,
        mirror=asked.mirror,
        device=device,
        heard=lambda done: hears.counted("Training", done, images, "pictures"),
    )
    share, by_class = accuracy(network, judged, len(classes))
    facts = Facts(
        side=learned.resolutions[-1],
        channels=learned.channels,
        classes=classes,
        data=learned.manifest.source,
        data_fingerprint=learned.fingerprint,
        test=tested.manifest.source if tested is not learned else f"1 in {HELD_OUT}, held out",
        test_fingerprint=tested.fingerprint,
        seed=asked.seed,
        images=images,
        trained_on=len(train),
        tested_on=len(judged),
        accuracy=share,
        accuracy_by_class=by_class,
    )
    return ExtractorMade(path=to, sha256=save_trained(to, network.cpu(), facts), facts=facts)


def free_place(asked: ExtractorAsked) -> Path:
    """Where the file goes. An extractor that is there is never replaced: numbers name it.

    Raises: ConfigError for a place that is taken, or words that contradict each other.
    """
    for word, number in (("minutes", asked.minutes), ("images", asked.images)):
        if number is not None and number <= 0:
            raise ConfigError(f"--{word} is {number:g}; it must be above 0.")
    if asked.minutes is not None and asked.images is not None:
        raise ConfigError("--minutes and --images both set the length; leave one out.")
    if asked.to is None:
        name = Path(asked.data).name or "pictures"
        return free_name(FOLDER / f"{name}.safetensors")
    to = asked.to.expanduser()
    if to.suffix != ".safetensors":
        raise ConfigError(f"--to is {to}; its name must end in .safetensors: --to {to}.safetensors")
    if to.exists() or to.is_symlink():
        raise ConfigError(
            f"{to} is there already, and extractors are never replaced, because numbers name them. "
            f"Choose another name: --to {free_name(to)}"
        )
    return to


def _pyramid(
    asked: ExtractorAsked, words: str, hears: Hears, like: Pyramid | None = None
) -> Pyramid:
    """The pictures that `words` name, at one size, in as many channels as those of `like`."""
    settings = DataSettings(source=words, channels=like.channels if like else None)  # type: ignore[arg-type]
    source = open_source(words, settings)
    side = like.resolutions[-1] if like else asked.resolution
    if side is None:
        side = min(LARGEST, max(SMALLEST, choose_resolution(source, settings)))
    pyramid = open_or_build(
        source,
        settings,
        asked.runs / ".data",
        resolution=side,
        progress=hears.building,
        encoding=hears.encoding,
    )
    if not pyramid.classes:
        raise DataError(
            f"{words} has no labels, and a classifier needs them. Put the pictures of each class "
            "into a subfolder of its own, at least two."
        )
    if like and pyramid.classes != like.classes:
        raise DataError(
            f"the classes of {words} are {_few(pyramid.classes)}; those of {asked.data} are "
            f"{_few(like.classes)}. They must be the same, in the same order, for a test."
        )
    if like and pyramid.fingerprint == like.fingerprint:
        again = typed("progan", "metrics", "train-extractor", asked.data)
        raise DataError(
            f"--test {words} are the very pictures to learn from. Leave it out, and a part is held "
            f"out: {again}"
        )
    return pyramid


def _split(count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices to learn from, and held out. The same for every seed of the training."""
    order = Order(count, seed_of("held out")).indices(np.arange(count))
    first = count // HELD_OUT
    return np.sort(order[first:]), np.sort(order[:first])


def _part(pyramid: Pyramid, rows: NDArray[np.int64] | None) -> LabelledPictures:
    chosen = np.arange(pyramid.count) if rows is None else rows
    side = pyramid.resolutions[-1]

    def gather(indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        return pyramid.gather(chosen[indices], side)

    return LabelledPictures(gather=gather, labels=pyramid.labels(chosen))


def _enough(pyramid: Pyramid, train: LabelledPictures, judged: LabelledPictures) -> None:
    seen = np.bincount(train.labels, minlength=len(pyramid.classes))
    if len(judged) < LEAST or not seen.all():
        raise DataError(
            f"{pyramid.manifest.source} has {len(pyramid.classes)} classes and leaves "
            f"{len(train):,} pictures to learn from and {len(judged):,} to test on; a test takes "
            f"{LEAST} at least, and every class must be learned. Give more pictures, or test on "
            "another set: --test OTHER"
        )


def _few(names: tuple[str, ...]) -> str:
    return ", ".join(names[:6]) + (", …" if len(names) > 6 else "")
