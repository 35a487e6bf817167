"""The toy worlds by name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from progan.core.errors import ConfigError
from progan.core.spelling import nearest
from progan.data.toy import Curve, Floats, Mixture, World

__all__ = ["WORLDS", "lookup"]


def _circle(modes: int, radius: float) -> tuple[tuple[float, float], ...]:
    """Points at equal angles; the last stands one step before the first, not on it."""
    angles = [2 * math.pi * index / modes for index in range(modes)]
    return tuple((radius * math.cos(angle), radius * math.sin(angle)) for angle in angles)


def _square(side: int, spacing: float) -> tuple[tuple[float, float], ...]:
    places = [spacing * (index - (side - 1) / 2) for index in range(side)]
    return tuple((x, y) for x in places for y in places)


def _box(reach: float) -> dict[str, Any]:
    return {"low": (-reach, -reach), "high": (reach, reach)}


def _roll(t: Floats) -> Floats:
    angle = 1.5 * math.pi * (1 + 2 * t)
    return np.stack([angle * np.cos(angle), angle * np.sin(angle)], axis=1) / 7.5


def _moons(t: Floats) -> Floats:
    upper = t < 0.5
    angle = math.pi * (2 * t - np.where(upper, 0.0, 1.0))
    x = np.where(upper, np.cos(angle), 1 - np.cos(angle)) - 0.5
    y = np.where(upper, np.sin(angle), 0.5 - np.sin(angle)) - 0.25
    return np.stack([x, y], axis=1)


def _rings(t: Floats) -> Floats:
    inner = t < 1 / 3  # half the length of the outer one, and as dense
    angle = 2 * math.pi * np.where(inner, 3 * t, 1.5 * (t - 1 / 3))
    radius = np.where(inner, 0.5, 1.0)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


_ALL: tuple[World, ...] = (
    Mixture(
        name="ring",
        summary="8 modes on a circle of radius 1, sigma 0.02",
        dims=2,
        sigma=0.02,
        centres=_circle(8, 1.0),
        **_box(1.5),
    ),
    Mixture(
        name="ring-pacgan",
        summary="8 modes on a circle of radius 1, sigma 0.01, as PacGAN measures them",
        dims=2,
        sigma=0.01,
        centres=_circle(8, 1.0),
        **_box(1.5),
    ),
    Mixture(
        name="ring-wgan-gp",
        summary="8 modes, radius 2 and sigma 0.02 divided by 1.414, as in WGAN-GP's code",
        dims=2,
        sigma=0.02 / 1.414,
        centres=_circle(8, 2 / 1.414),
        **_box(2.1),
    ),
    Mixture(
        name="corners",
        summary="4 modes at the corners of a square, sigma 0.1; labels: whether right, whether up",
        dims=2,
        sigma=0.1,
        centres=((-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0)),
        attributes=((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)),
        **_box(1.7),
    ),
    Mixture(
        name="grid",
        summary="5 x 5 modes, 2 apart, sigma 0.05",
        dims=2,
        sigma=0.05,
        centres=_square(5, 2.0),
        **_box(5.2),
    ),
    Mixture(
        name="grid-wgan-gp",
        summary="5 x 5 modes, spacing 2 and sigma 0.05 divided by 2.828, as in WGAN-GP's code",
        dims=2,
        sigma=0.05 / 2.828,
        centres=_square(5, 2 / 2.828),
        **_box(1.85),
    ),
    Curve(
        name="spiral",
        summary="a Swiss roll, scaled and blurred as in WGAN-GP's code",
        dims=2,
        sigma=0.25 / 7.5,
        line=_roll,
        **_box(2.2),
    ),
    Curve(
        name="moons",
        summary="two half circles that reach into each other, sigma 0.05",
        dims=2,
        sigma=0.05,
        line=_moons,
        **_box(1.9),
    ),
    Curve(
        name="two-rings",
        summary="a circle of radius 0.5 inside one of radius 1, sigma 0.03",
        dims=2,
        sigma=0.03,
        line=_rings,
        **_box(1.5),
    ),
    Mixture(
        name="gaussian1d",
        summary="one normal mode on the line, N(0, 1)",
        dims=1,
        sigma=1.0,
        centres=((0.0,),),
        low=(-4.5,),
        high=(4.5,),
    ),
    Mixture(
        name="gaussians1d",
        # f-GAN's own mixture is not printed. This one was fitted to the optima that its paper
        # gives for five divergences, as we remember them: not checked against the page
        summary="a narrow and a broad mode on the line, in the manner of f-GAN's experiment",
        dims=1,
        sigma=0.255,
        centres=((-1.0,), (2.0,)),
        weights=(0.33, 0.67),
        sigmas=(0.255, 1.415),
        low=(-5.0,),
        high=(9.0,),
    ),
    Mixture(
        name="pair1d",
        summary="two equal modes on the line at -1.5 and 1.5, sigma 0.3",
        dims=1,
        sigma=0.3,
        centres=((-1.5,), (1.5,)),
        low=(-4.0,),
        high=(4.0,),
    ),
    Mixture(
        name="trio1d",
        summary="three equal modes on the line at -1, 0 and 1, sigma 1, that lie over each other",
        dims=1,
        sigma=1.0,
        centres=((-1.0,), (0.0,), (1.0,)),
        low=(-5.0,),
        high=(5.0,),
    ),
    Mixture(
        name="far1d",
        summary="one narrow mode on the line at 4, sigma 0.3, far from where a generator begins",
        dims=1,
        sigma=0.3,
        centres=((4.0,),),
        low=(-3.0,),
        high=(6.0,),
    ),
)

WORLDS: Mapping[str, World] = {world.name: world for world in _ALL}
"""Add a world here, and the lab can play on it."""


def lookup(name: str) -> World:
    """The world with this name; an unknown name is an error that lists the known ones."""
    if name not in WORLDS:
        meant = nearest(name, WORLDS)
        hint = f"Did you mean {meant}?" if meant else "For example: --data ring"
        raise ConfigError(
            f"data is {name!r}, which is no toy world; choose one of {', '.join(WORLDS)}. {hint}"
        )
    return WORLDS[name]
