"""The film of a watched training, and its frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from progan.assemble.writing.containers import webp_bytes
from progan.assemble.writing.film import Film, write_film
from progan.core.grids import to_picture
from progan.lab.canvas import Frame
from progan.lab.lesson import Lesson
from progan.lab.line import draw_line
from progan.lab.plane import draw_plane
from progan.lab.tone import calm
from progan.lab.watch import Record, lattice

__all__ = ["frames", "write_lab_film"]

FPS = 10.0
HOLD_SECONDS = 2.5
QUALITIES = (80, 70, 60, 50, 40, 30)
"""Of a film in WebP: the best that fits."""
ROOM = 1_400_000
"""Bytes of a film in WebP."""


def frames(record: Record, lesson: Lesson, push: float | None = None) -> Iterator[Frame]:
    """A picture h w 3 of each moment; `push` is the length of a long push, if not their own."""
    world, last = record.world, record.moments[-1].step
    places = lattice(world)
    steady = calm(record.moments, lesson.scale, push)
    for moment, now in zip(record.moments, steady, strict=True):
        if world.dims == 1:
            yield draw_line(world, moment, now, lesson.scale, places, title=lesson.title, last=last)
        else:
            yield draw_plane(world, moment, now, lesson.scale, title=lesson.title, last=last)


def write_lab_film(pictures: Sequence[Frame], path: Path) -> Film:
    """Write `pictures` as a film, in the format of the suffix of `path`.

    WebP gets the best quality that stays below about 1.4 MB. GIF, which stores every dot anew and
    without loss, has half the size and every second frame.
    """
    shown, fps = pictures, FPS
    if path.suffix.lower() == ".gif":
        shown, fps = [_halved(p) for p in [*pictures[:-1:2], pictures[-1]]], FPS / 2
    return write_film(
        iter(shown),
        path,
        fps=fps,
        scale=1,
        hold=HOLD_SECONDS,
        lossless=False,
        quality=fitting(pictures),
    )


def fitting(pictures: Sequence[Frame]) -> int:
    """The best quality in which `pictures` as WebP take at most `ROOM`, by four of them."""
    chosen = [to_picture(pictures[round(k / 4 * (len(pictures) - 1))]) for k in range(1, 5)]
    for quality in QUALITIES:
        taken = sum(len(webp_bytes(one, lossless=False, quality=quality)) for one in chosen)
        if taken / len(chosen) * len(pictures) <= ROOM:
            return quality
    return QUALITIES[-1]


def _halved(picture: Frame) -> Frame:
    image = Image.fromarray(picture)
    size = (image.width // 2, image.height // 2)
    return np.asarray(image.resize(size, Image.Resampling.BOX))
