"""Handwritten digits, and a classifier that has not seen what it is tried on."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from progan.acceptance.pictures import Pictures
from progan.core.errors import ConfigError
from progan.core.randomness import seed_of
from progan.data.order import Order
from progan.extractors.base import Extractor
from progan.extractors.trained import as_extractor
from progan.extractors.training import LabelledPictures, accuracy, train_classifier

__all__ = ["CLASSES", "HELD_OUT", "OWN_SIDE", "classifier", "digits", "reader", "seen"]

CLASSES, SIDE, OWN_SIDE = 10, 16, 8
HELD_OUT = 500
"""Pictures that nothing learns from."""
SHOWN = 40_000
"""Pictures a classifier is shown in its training."""


@lru_cache(maxsize=4)
def digits(side: int = SIDE) -> tuple[Pictures, Pictures]:
    """The pictures to learn from, and those held out: 1,297 and 500 of `side` pixels a side.

    They are scikit-learn's (UCI, optical recognition of handwritten digits), of 8 pixels and 17
    shades, enlarged by bicubic interpolation unless 8 are asked for.

    Raises: ConfigError where scikit-learn is not installed.
    """
    try:
        found = import_module("sklearn.datasets").load_digits()
    except ImportError:
        raise ConfigError(
            "Acceptance on digits takes them from scikit-learn, which is not installed: "
            "pip install 'progan[accept]'"
        ) from None
    small = np.rint(np.asarray(found.images) * (255 / 16)).astype(np.uint8)
    large = np.stack(
        [
            np.asarray(Image.fromarray(one).resize((side, side), Image.Resampling.BICUBIC))
            for one in small
        ]
    )
    labels = np.asarray(found.target, np.int64)
    every = Pictures(pixels=large[:, None], labels=labels, classes=CLASSES)
    order = Order(len(labels), seed_of("digits")).indices(np.arange(len(labels)))
    return every.part(order[HELD_OUT:]), every.part(order[:HELD_OUT])


@lru_cache(maxsize=4)
def classifier(seed: int, side: int = SIDE) -> tuple[Extractor, float]:
    """A classifier of digits, and the share of held-out digits it reads rightly."""
    return reader(*digits(side), f"digits-{seed}-{side}", images=SHOWN, seed=seed)


def reader(
    known: Pictures, held: Pictures, name: str, *, images: int, seed: int
) -> tuple[Extractor, float]:
    """A classifier that has been shown so many of `known`, and the share of `held` it reads."""
    network = train_classifier(_labelled(known), CLASSES, images=images, seed=seed)
    names, side = tuple(map(str, range(CLASSES))), known.spec.resolution
    judge = as_extractor(network, name, side=side, channels=1, classes=names)
    return judge, accuracy(network, _labelled(held), CLASSES)[0]


def _labelled(pictures: Pictures) -> LabelledPictures:
    return LabelledPictures(gather=lambda numbers: pictures.pixels[numbers], labels=pictures.labels)


def seen(judge: Extractor, pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The digit that is read in each picture."""
    parts = [pixels[start : start + 256] for start in range(0, len(pixels), 256)]
    return np.concatenate([np.asarray(judge.log_probabilities(p)).argmax(axis=1) for p in parts])
