"""A user's picture made again by a model of one: painted over, harmonised, edited, enlarged.

    enter     the picture, shrunk to scale n − 1 and enlarged to n, is drawn upon by G_n … G_S
    keep      m · drawn + (1 − m) · given,     m: the mask, grown and smoothed, 0 outside

A picture keeps its shape: where that is the training picture's it is brought to its size, else to
as many pixels.

Source:  Shaham et al. 2019 (SinGAN), section 4; how far masks grow and are smoothed from the code
         published with it, in pixels of a picture of 250, and so in proportion here.
Departs: a smoothed mask is cut to the grown one, m = max(0, 2 · blurred − 1) inside, so that beyond
         it the picture stays as it was, to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from progan.assemble.models.model import Frame, Model
from progan.assemble.models.one_picture import check_room, of_one_picture
from progan.core.errors import ConfigError, DataError
from progan.core.grids import to_uint8
from progan.core.recipe import DataSettings
from progan.data.crew import decode
from progan.data.records import shown
from progan.data.sources.single import PictureSource
from progan.data.task import Task
from progan.engine.precision import float32_products
from progan.engine.preview import seeded
from progan.layers.resample import resized
from progan.systems.singan import SinGAN

__all__ = [
    "KINDS",
    "MASKED",
    "Kind",
    "Remade",
    "film_frames",
    "grown",
    "read_picture",
    "remake",
    "usual_start",
]

Kind = Literal["paint", "harmonise", "edit", "larger", "film"]
KINDS: tuple[Kind, ...] = ("paint", "harmonise", "edit", "larger", "film")
MASKED: tuple[Kind, ...] = ("harmonise", "edit")
GROWN = {"harmonise": 7.0, "edit": 20.0}
"""Pixels that a mask grows by, where the picture has 250."""
SMOOTH = 5.0
OF = 250.0
STARTS = {"paint": 0.25, "edit": 0.5, "harmonise": 0.7, "film": 0.15}
"""Share of the scales that stay as they are, where nothing is said."""
SHAPE = 0.03
"""Shares of sides that differ by less are one shape."""
LARGEST_TIMES = 16.0


@dataclass(frozen=True, kw_only=True)
class Remade:
    """What was made, and how."""

    picture: Frame
    """h w c."""
    start: int
    needed: int
    """Bytes it took, about."""


def usual_start(system: SinGAN, kind: Kind) -> int:
    """The scale that pictures enter at, where nothing is said."""
    last = len(system.sizes) - 1
    least = 0 if kind == "film" else 1
    if kind == "paint" and system.config.paint_scale:
        return system.config.paint_scale
    return min(last, max(least, round(STARTS.get(kind, 0.0) * last)))


def read_picture(path: Path, channels: int, *, least: int = 1) -> NDArray[np.uint8]:
    """The picture in a file as it is, c h w, at most 1024 pixels a side; decoded under limits.

    Raises: DataError for a file that is missing, is no picture, or is smaller than `least`.
    """
    if not path.is_file():
        raise DataError(f"There is no picture at {shown(str(path))}. Name a PNG, JPEG or WebP.")
    settings = DataSettings(
        source=str(path), crop="whole", channels=1 if channels == 1 else 3, labels="none"
    )
    source = PictureSource(path)
    task = Task(source, settings)
    with closing(decode(source, task.frame, task.jobs(), 1)) as results:
        found = next(results)
    if not found.used or task.whole is None:
        raise DataError(
            f"{shown(str(path))} cannot be used: {found.findings[0].reason}. Give another picture."
        )
    height, width = task.whole
    if min(height, width) < least:
        raise DataError(
            f"{shown(str(path))} has {height} × {width} pixels; each side must have {least} or "
            "more. Give a larger picture."
        )
    pixels = found.pixels[task.frame.resolution][0, :, :height, :width]
    return np.ascontiguousarray(
        np.repeat(pixels, channels, 0) if len(pixels) < channels else pixels
    )


def remake(
    model: Model,
    picture: NDArray[np.uint8],
    kind: Kind,
    *,
    mask: NDArray[np.uint8] | None = None,
    start: int | None = None,
    times: float = 4.0,
    still: bool = False,
    seed: int = 0,
) -> Remade:
    """Make `picture`, c h w, again; a function of the model, the picture and `seed`.

    `mask`, 1 h w, white where something is new, is for harmonise and edit. `times` is for larger;
    `still` leaves its noise out.

    Raises: ConfigError for a model of many pictures, a scale there is not, or a mask of another
    size; RoomError where memory is short.
    """
    system = of_one_picture(model)
    image = torch.from_numpy(picture[None]).to(model.device).float() / 127.5 - 1
    if kind == "larger":
        return _larger(model, system, image, times, seed, still=still)
    last = len(system.sizes) - 1
    start = usual_start(system, kind) if start is None else start
    if not 1 <= start <= last:
        raise ConfigError(
            f"--from-scale is {start}; a picture enters this model at a scale from 1 to {last}, "
            "the finest. Leave it out, or choose one of them."
        )
    size = _size_for(system, *picture.shape[1:])
    needed = check_room(model, size)
    given = resized(image, *size)
    cover = None if mask is None else _cover(mask, picture, size, kind, model.device)
    with torch.inference_mode(), seeded("remake", seed), float32_products():
        fields = system.fields_of(system.sizes_for(*size))
        latents = {field.name: torch.randn(1, *field.shape) for field in fields}
        made = system.refined(given, start, latents).clamp(-1, 1)
    frame = _frame(made)
    if cover is not None:
        frame = blended(_frame(given), frame, cover)
    return Remade(picture=frame, start=start, needed=needed)


def _larger(
    model: Model, system: SinGAN, image: Tensor, times: float, seed: int, *, still: bool
) -> Remade:
    if not 1 < times <= LARGEST_TIMES:
        raise ConfigError(
            f"--times is {times:g}; it must be above 1 and at most {LARGEST_TIMES:g}: --times 4"
        )
    size = round(image.shape[2] * times), round(image.shape[3] * times)
    needed = check_room(model, size)
    with torch.inference_mode(), seeded("remake", seed), float32_products():
        made = system.enlarged(image, times, 0.0 if still else 1.0).clamp(-1, 1)
    return Remade(picture=_frame(made), start=len(system.sizes) - 1, needed=needed)


def film_frames(
    model: Model, frames: int, *, start: int | None, pull: float, inertia: float, seed: int
) -> Iterator[Frame]:
    """The frames of a film that wanders about the training picture: see `SinGAN.wander`.

    Raises: ConfigError for numbers outside their ranges.
    """
    system = of_one_picture(model)
    last = len(system.sizes) - 1
    start = usual_start(system, "film") if start is None else start
    if not 0 <= start <= last:
        raise ConfigError(f"--from-scale is {start}; this model has the scales 0 to {last}.")
    for name, value in (("pull", pull), ("inertia", inertia)):
        if not 0 <= value <= 1:
            raise ConfigError(f"--{name} is {value:g}; it must be from 0 to 1.")
    with seeded("film", seed):
        rows = list(system.wander(frames, start, pull, inertia))
    return (model.picture(row) for row in rows)


def _frame(image: Tensor) -> Frame:
    return np.ascontiguousarray(to_uint8(image)[0].transpose(1, 2, 0))


def _size_for(system: SinGAN, height: int, width: int) -> tuple[int, int]:
    """The size that a picture is brought to."""
    finest = system.sizes[-1]
    if abs(height * finest[1] / (width * finest[0]) - 1) < SHAPE:
        return finest
    scale = math.sqrt(finest[0] * finest[1] / (height * width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _cover(
    mask: NDArray[np.uint8],
    picture: NDArray[np.uint8],
    size: tuple[int, int],
    kind: Kind,
    device: torch.device,
) -> NDArray[np.float64]:
    """How much of the drawn picture is shown at each pixel, h w."""
    if mask.shape[1:] != picture.shape[1:]:
        raise ConfigError(
            f"The mask has {mask.shape[1]} × {mask.shape[2]} pixels and the picture "
            f"{picture.shape[1]} × {picture.shape[2]}; they must have the same size. Draw it upon "
            "a copy of the picture: white where something is new, black elsewhere."
        )
    inside = torch.from_numpy((mask[None] > 127).astype(np.float32)).to(device) * 2 - 1
    there = (resized(inside, *size)[0, 0] > 0).cpu().numpy()
    if not there.any() or there.all():
        what = "black" if not there.any() else "white"
        raise ConfigError(
            f"The mask is {what} all over; it must be white where something is new, and black "
            "elsewhere."
        )
    share = max(size) / OF
    return grown(there, GROWN[kind] * share, SMOOTH * share)


def grown(inside: NDArray[np.bool_], radius: float, smooth: float) -> NDArray[np.float64]:
    """A mask h w, grown by a disk and smoothed: from 1 within to 0 at its grown border and beyond.

    d = inside, grown by `radius`;   m = max(0, 2 · gauss(d, `smooth`) − 1) within d, else 0
    """
    wide = max(1, math.ceil(radius))
    padded = np.pad(inside, wide)
    height, width = inside.shape
    disk = np.zeros(inside.shape, bool)
    for down in range(-wide, wide + 1):
        for right in range(-wide, wide + 1):
            if down**2 + right**2 <= max(1.0, radius) ** 2:
                disk |= padded[wide + down :, wide + right :][:height, :width]
    reach = max(1, math.ceil(4 * smooth))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(smooth, 1e-6)) ** 2)
    weights /= weights.sum()
    blurred = disk.astype(np.float64)
    for axis in (0, 1):
        around = [(reach, reach) if a == axis else (0, 0) for a in (0, 1)]
        whole = np.pad(blurred, around, mode="edge")
        blurred = np.apply_along_axis(np.convolve, axis, whole, weights, "valid")
    return np.where(disk, np.clip(2 * blurred - 1, 0, 1), 0.0)


def blended(given: Frame, made: Frame, cover: NDArray[np.float64]) -> Frame:
    """`made` where it is covered and `given` elsewhere, to the last bit where nothing is."""
    share = cover[..., None]
    mixed = np.rint(share * made + (1 - share) * given).astype(np.uint8)
    return np.where(share > 0, mixed, given)
