"""Where metrics take their pictures from, checked at the border.

A source is any `source(start, count)` that returns the images numbered start … start + count − 1
as uint8, n c h w, gray or RGB: an array, or a tensor on any device. The same numbers must always
give the same images, because a metric that works level by level asks for them more than once.
The order must be random: neighbours are taken for independent pictures.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from progan.core.errors import ConfigError, DataError

__all__ = [
    "ImageSource",
    "Spool",
    "batch_for",
    "by_channel",
    "check_count",
    "read",
    "shifted",
    "stream",
]

Pixels: TypeAlias = NDArray[np.uint8]
ImageSource: TypeAlias = Callable[[int, int], Any]

IN_MEMORY = 64 * 2**20
"""Bytes a spool holds in memory before it moves to a temporary file."""


def read(source: ImageSource, start: int, count: int) -> Pixels:
    """Images start … start + count − 1 of `source`: uint8, n c h w, on the processor.

    Raises DataError when the source returns anything else.
    """
    images = source(start, count)
    if hasattr(images, "detach"):
        images = images.detach().cpu().numpy()
    pixels = np.asarray(images)
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[1] not in (1, 3):
        raise DataError(
            f"the images to measure have shape {pixels.shape} and type {pixels.dtype}; metrics "
            "take uint8 pictures of 0 to 255, n c h w, with 1 or 3 channels. Convert them first: "
            "round((x + 1) · 127.5), cut to 0 … 255"
        )
    if len(pixels) != count:
        raise DataError(
            f"{count:,} images were asked for from number {start:,} on, and {len(pixels):,} came. "
            "Measure with fewer images"
        )
    return pixels


def stream(source: ImageSource, count: int, batch: int) -> Iterator[tuple[int, Pixels]]:
    """The first `count` images in runs of `batch`, each with the number of its first image."""
    for start in range(0, count, batch):
        yield start, read(source, start, min(batch, count - start))


def shifted(source: ImageSource, start: int) -> ImageSource:
    """`source` with its numbers counted from `start`."""
    return lambda first, count: source(start + first, count)


def by_channel(source: ImageSource) -> ImageSource:
    """Each channel of each picture as a grey picture: number 3i + k is channel k of picture i.

    Raises ConfigError for grey pictures.
    """

    def split(start: int, count: int) -> Pixels:
        first = start // 3
        pixels = read(source, first, (start + count - 1) // 3 + 1 - first)
        if pixels.shape[1] != 3:
            raise ConfigError(
                "A metric that reads each channel alone was asked for, and these pictures are "
                "grey: leave it out"
            )
        grey = pixels.reshape(-1, 1, *pixels.shape[2:])
        return grey[start - 3 * first :][:count]

    return split


def batch_for(resolution: int) -> int:
    """Images to hold at once: 8,192 / resolution, between 4 and 256.

    Source: the evaluation driver of the official code of Karras et al. 2018.
    """
    return int(np.clip(8192 // resolution, 4, 256))


def check_count(images: int, least: int, metric: str) -> None:
    """Raise ConfigError unless `images` is at least `least`."""
    if images < least:
        raise ConfigError(
            f"{metric} was asked to measure {images:,} images; it needs at least {least:,}. "
            "Give it more pictures"
        )


class Spool:
    """Remember the images of a costly source, so that each of them is made only once.

    Images 0 … images − 1 are kept as bytes: in memory while they are few, else in a temporary
    file (its folder follows TMPDIR). A set larger than `limit` bytes, or than the disk has room
    for, is not kept, and every question then goes to the source. Close it, or use it in a `with`.
    """

    def __init__(self, source: ImageSource, images: int, limit: int = 4 * 2**30) -> None:
        self._source = source
        self._limit = limit
        self._shape: tuple[int, ...] = ()
        self._known = np.zeros(images, dtype=bool)
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115

    def __call__(self, start: int, count: int) -> Pixels:
        """Images start … start + count − 1."""
        stop = start + count
        if stop <= len(self._known) and self._known[start:stop].all():
            size = math.prod(self._shape)
            self._file.seek(start * size)
            data = np.frombuffer(self._file.read(count * size), dtype=np.uint8)
            return data.reshape(count, *self._shape)
        images = read(self._source, start, count)
        if stop <= len(self._known) and images[0].size * len(self._known) <= self._limit:
            self._keep(start, images)
        return images

    def _keep(self, start: int, images: Pixels) -> None:
        self._shape = images.shape[1:]
        try:
            self._file.seek(start * images[0].size)
            self._file.write(images.tobytes())
            self._file.flush()
        except OSError:  # the disk is full: go on without
            self._known[:] = False
            self._limit = -1
        else:
            self._known[start : start + len(images)] = True

    def close(self) -> None:
        """Forget the images."""
        self._known[:] = False
        with suppress(OSError):  # what a full disk did not take
            self._file.close()

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
