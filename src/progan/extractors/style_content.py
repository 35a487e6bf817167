"""Two judges of translated pictures, trained on the user's own: one of style, one of content.

    style     a classifier of the domains, or of the hands that drew them, which sees patches:
              windows of 150/256 of a picture's side at random places, so that what is shown, and
              where, is hidden from it
    content   a classifier of what the source's pictures show, which sees them whole; or, where
              nobody says what they show, of which picture a window is of
    scores    share of translations whose style is called the wanted one; share whose content is
              called that of their source; the mean of both

Judges must not have seen what a translator learnt from, nor what they judge.

Source:  Hicsonmez et al. 2020 (GANILLA), section 4.3, and the code published with it
         (giddyyupp/style-content-cnn).
Departs: there both are ResNet-50s that begin with ImageNet's weights; here they are the small
         classifiers of `progan metrics train-extractor`, from their first weights. There windows
         are continued by reflection to the 224 pixels that those networks take; these take any
         size. What is said of a picture is said of some windows together. Contents are there ten
         kinds of scenes; telling single pictures apart is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from progan.core.errors import DataError
from progan.core.randomness import seed_of
from progan.extractors.base import Extractor
from progan.extractors.trained import as_extractor
from progan.extractors.training import LabelledPictures, train_classifier

__all__ = ["Judge", "content_judge", "patches", "picture_judge", "recoloured", "style_judge"]

Pixels = NDArray[np.uint8]
WINDOW = 150 / 256
PER_PICTURE = 4
"""Patches of each picture that a style judge learns from, and is asked about."""
PER_ONE = 32
"""Patches of each picture that a judge learns from who tells pictures apart."""


def patches(pixels: Pixels, seed: int, *, window: float = WINDOW) -> Pixels:
    """A random window of each picture, n c side side."""
    side = pixels.shape[-1]
    size = max(2, round(window * side))
    places = np.random.default_rng(seed).integers(side - size + 1, size=(len(pixels), 2))
    return np.stack(
        [
            one[:, top : top + size, left : left + size]
            for one, (top, left) in zip(pixels, places, strict=True)
        ]
    )


def recoloured(pixels: Pixels, seed: int) -> Pixels:
    """Pictures n c h w with their channels mixed and shifted at random, half of them made grey.

        y = M x + b,   x in [-1, 1];   M = 1 + 0.5 N, or u/c in every place;   b = 0.3 N

    with N standard normal and u uniform in [0.6, 1.6].
    """
    dice, (n, c) = np.random.default_rng(seed), pixels.shape[:2]
    mixed = np.eye(c) + 0.5 * dice.standard_normal((n, c, c))
    grey = np.full((c, c), 1 / c) * dice.uniform(0.6, 1.6, (n, 1, 1))
    matrix = np.where(dice.random((n, 1, 1)) < 0.5, grey, mixed).astype(np.float32)
    shift = 0.3 * dice.standard_normal((n, c, 1, 1)).astype(np.float32)
    image = pixels.astype(np.float32) / 127.5 - 1
    made = np.einsum("nij,njhw->nihw", matrix, image) + shift
    found: Pixels = np.rint((made + 1) * 127.5).clip(0, 255).astype(np.uint8)
    return found


@dataclass(frozen=True)
class Judge:
    """A classifier of styles or of contents."""

    extractor: Extractor
    window: float | None
    """Share of the side that patches are cut of; None: it sees pictures whole."""

    def said(self, pixels: Pixels) -> NDArray[np.int64]:
        """The class of each picture n c side side: of patches, by the sum of their logarithms."""
        return self._total(pixels).argmax(axis=1)

    def leaning(self, pixels: Pixels, wanted: int) -> NDArray[np.float64]:
        """How far it takes each picture for `wanted`: log p less that of the likeliest other class.

        Above 0 is `said`. Another limit than 0 makes it easier or harder to convince.
        """
        total = self._total(pixels)
        return total[:, wanted] - np.delete(total, wanted, axis=1).max(axis=1)

    def share(self, pixels: Pixels, wanted: int | NDArray[np.int64]) -> float:
        """Share of pictures that are of the class `wanted`, or each of its own."""
        return float((self.said(pixels) == wanted).mean())

    def features(self, pixels: Pixels) -> NDArray[np.float64]:
        """What it sees in each picture, n f: of patches, the mean."""
        rows = [np.asarray(self.extractor.features(one)) for one in self._seen(pixels)]
        return np.mean(rows, axis=0, dtype=np.float64)

    def _total(self, pixels: Pixels) -> NDArray[np.float64]:
        rows = [np.asarray(self.extractor.log_probabilities(one)) for one in self._seen(pixels)]
        return np.sum(rows, axis=0, dtype=np.float64)

    def _seen(self, pixels: Pixels) -> list[Pixels]:
        if self.window is None:
            return [pixels]
        return [
            patches(pixels, seed_of("style", number), window=self.window)
            for number in range(PER_PICTURE)
        ]


def style_judge(
    domains: Sequence[Pixels],
    names: Sequence[str],
    *,
    images: int,
    seed: int = 0,
    window: float = WINDOW,
    heard: Callable[[int], None] | None = None,
) -> Judge:
    """Learn to tell sets of pictures apart by patches; class k is set k.

    Each set counts as much as the others, however many pictures it has. `images` patches are shown.

    Raises: DataError for a set without pictures.
    """
    most = max((len(one) for one in domains), default=0)
    count, cut = PER_PICTURE * most, []
    for number, pixels in enumerate(domains):
        if not len(pixels):
            raise DataError(f"there are no pictures of {names[number]} to learn the style from.")
        turns = -(-count // len(pixels))
        every = [
            patches(pixels, seed_of(seed, "style", number, turn), window=window)
            for turn in range(turns)
        ]
        cut.append(np.concatenate(every)[:count])
    labels = np.repeat(np.arange(len(domains)), count)
    return _judge(np.concatenate(cut), labels, names, images, seed, window, heard)


def picture_judge(
    pixels: Pixels,
    *,
    images: int,
    seed: int = 0,
    window: float = WINDOW,
    heard: Callable[[int], None] | None = None,
) -> Judge:
    """Learn which picture a window is of; class k is picture k. `images` patches are shown.

    Each is shown in colours of chance (`recoloured`), so that shapes tell them apart.

    Raises: DataError for fewer than two pictures.
    """
    if len(pixels) < 2:
        raise DataError(f"there are {len(pixels)} pictures to tell apart; it takes two or more.")
    cut = []
    for turn in range(PER_ONE):
        own = seed_of(seed, "content", turn)
        cut.append(recoloured(patches(pixels, own, window=window), own))
    labels = np.tile(np.arange(len(pixels)), PER_ONE)
    names = [str(number) for number in range(len(pixels))]
    return _judge(np.concatenate(cut), labels, names, images, seed, window, heard)


def content_judge(
    pixels: Pixels,
    labels: NDArray[np.int64],
    names: Sequence[str],
    *,
    images: int,
    seed: int = 0,
) -> Judge:
    """Learn to tell what pictures show, by their `labels`; mirrored ones too."""
    return _judge(pixels, labels, names, images, seed, None)


def _judge(
    pixels: Pixels,
    labels: NDArray[np.int64],
    names: Sequence[str],
    images: int,
    seed: int,
    window: float | None,
    heard: Callable[[int], None] | None = None,
) -> Judge:
    known = LabelledPictures(gather=lambda numbers: pixels[numbers], labels=labels)
    network = train_classifier(
        known, len(names), images=images, seed=seed, mirror=True, heard=heard
    )
    name = f"{'content' if window is None else 'style'}-{seed}"
    _, channels, side, _ = pixels.shape
    judge = as_extractor(network, name, side=side, channels=channels, classes=tuple(names))
    return Judge(judge, window)
