"""Models of one picture: in other sizes, from any scale on, and what that takes in memory."""

from __future__ import annotations

import copy
import math

from progan.assemble.models.canvas import Canvas
from progan.assemble.models.model import Model
from progan.core.errors import ConfigError, RoomError
from progan.engine.meter import held, room
from progan.systems.singan import SinGAN

__all__ = ["LARGEST_SIDE", "bytes_for", "check_room", "of_one_picture", "on_canvas"]

LARGEST_SIDE = 16384
MAPS = 3
"""Maps of the finest scale's width that are held at once: before, after and beside batch norm."""
PLANES = 6
"""Pictures and noise that are held besides."""


def of_one_picture(model: Model) -> SinGAN:
    """The system of a model of one picture.

    Raises: ConfigError for any other model.
    """
    if not isinstance(model.system, SinGAN):
        raise ConfigError(
            f"{model.path} learnt from many pictures, with {model.stored.recipe.system}; this is "
            "for a model of one: progan train PICTURE.jpg --system singan"
        )
    return model.system


def on_canvas(model: Model, start: int | None = None, size: tuple[int, int] | None = None) -> Model:
    """The model as it draws from scale `start` on, or in another height and width.

    Raises: ConfigError for a scale that there is not, a side that is too small or too large, or
    both at once; RoomError where a picture of that size does not fit into memory.
    """
    if start is None and size is None:
        return model
    system = of_one_picture(model)
    last = system.scale_of(model.moment)
    if start is not None and not 0 <= start <= last:
        raise ConfigError(
            f"--from-scale is {start}; this model has the scales 0, the coarsest, to {last}. "
            "For example: --from-scale 1"
        )
    if start and size is not None:
        raise ConfigError(
            "--from-scale keeps the layout of the training picture, and --size changes its shape; "
            "leave one out."
        )
    if size is not None:
        _check_sides(system, size, last)
        check_room(model, size)
    view = copy.copy(model)
    view.canvas = Canvas(start or 0, size)
    return view


def _check_sides(system: SinGAN, size: tuple[int, int], last: int) -> None:
    patch, finest = 2 * system.config.layers + 1, system.sizes[last]
    least = [
        math.ceil(patch * whole / coarse)
        for whole, coarse in zip(finest, system.sizes[0], strict=True)
    ]
    if size[0] < least[0] or size[1] < least[1] or max(size) > LARGEST_SIDE:
        raise ConfigError(
            f"--size is {size[0]}x{size[1]}; a picture of this model has a height from {least[0]} "
            f"and a width from {least[1]} to {LARGEST_SIDE:,} pixels. "
            f"For example: --size {finest[0]}x{2 * finest[1]}"
        )


def bytes_for(system: SinGAN, size: tuple[int, int]) -> int:
    """About the most bytes that drawing a picture of that height and width takes at once.

    That is at the finest scale: 4 · h · w · (3 · channels inside + 6 · channels of a picture).
    """
    width = system.config.width_at(len(system.sizes) - 1)
    return 4 * size[0] * size[1] * (MAPS * width + PLANES * system.data.channels)


def check_room(model: Model, size: tuple[int, int]) -> int:
    """The bytes that a picture of that size takes.

    Raises: RoomError where there are not as many.
    """
    needed = bytes_for(of_one_picture(model), size)
    there, mine = room(model.device), held(model.device)
    if there is not None and mine is not None and needed > there - mine:
        share = ((there - mine) / needed) ** 0.5
        fits = f"{int(size[0] * share)}x{int(size[1] * share)}"
        raise RoomError(
            f"A picture of {size[0]} × {size[1]} pixels takes about {needed / 1e9:.1f} GB of "
            f"memory with this model, and {(there - mine) / 1e9:.1f} GB are free. Ask for less, at "
            f"most about {fits}."
        )
    return needed
