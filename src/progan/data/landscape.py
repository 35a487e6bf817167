"""A landscape drawn by our own code: one picture of textures, for systems that learn from one.

    sky         from deep to pale blue, with clouds of noise
    mountains   three ridges, each nearer one darker and greener; snow on the highest
    forest      conifers on the near hill, smaller where they stand higher
    meadow      grass of noise, with flowers

Everything is placed in units of the picture's side, so any resolution shows the same scene; what
is finer than a pixel is averaged. Numpy alone; the licence is the project's.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["landscape"]

Doubles: TypeAlias = NDArray[np.float64]

FINER = 4
"""Points drawn for each pixel, on each axis, up to the largest drawn side."""
LARGEST = 1024
OCTAVES = 6
CONIFERS, FLOWERS = 90, 130

SKY_TOP, SKY_LOW = (0.30, 0.52, 0.82), (0.83, 0.90, 0.95)
CLOUD, SNOW = (0.99, 0.98, 0.96), (0.95, 0.97, 1.0)
RIDGES = (  # height, roughness, colour at the top and below
    (0.46, 0.24, (0.45, 0.52, 0.66), (0.58, 0.66, 0.75)),
    (0.56, 0.14, (0.30, 0.43, 0.48), (0.42, 0.56, 0.55)),
    (0.68, 0.10, (0.20, 0.38, 0.24), (0.33, 0.52, 0.30)),
)
GRASS, GRASS_LOW = (0.52, 0.66, 0.25), (0.30, 0.46, 0.16)
PETALS = ((0.93, 0.30, 0.25), (0.98, 0.86, 0.35), (0.96, 0.95, 0.97), (0.62, 0.38, 0.78))


def landscape(resolution: int) -> NDArray[np.uint8]:
    """The picture, uint8 3 r r: the same scene at every resolution."""
    finer = max(1, min(FINER, LARGEST // resolution))
    side = resolution * finer
    y, x = np.meshgrid(*2 * [(np.arange(side) + 0.5) / side], indexing="ij")
    dice = np.random.default_rng(20_190_502)
    image = _sky(x, y, dice)
    for number, ridge in enumerate(RIDGES):
        image = _ridge(image, x, y, dice, *ridge, snow=not number)
    image = _meadow(image, x, y, dice)
    image = _forest(image, x, y, dice)
    image = _flowers(image, x, y, dice)
    mean = image.reshape(resolution, finer, resolution, finer, 3).mean(axis=(1, 3))
    return np.ascontiguousarray((mean.clip(0, 1) * 255).round().astype(np.uint8).transpose(2, 0, 1))


def _noise(x: Doubles, y: Doubles, dice: np.random.Generator, cells: int) -> Doubles:
    """Smooth noise from 0 to 1: random numbers on a lattice, each octave twice as fine."""
    total, weight, whole = np.zeros_like(x), 1.0, 0.0
    for octave in range(OCTAVES):
        count = cells << octave
        lattice = dice.random((count + 2, count + 2))
        i, j = (np.minimum((z * count).astype(int), count) for z in (y, x))
        v, u = (_smooth(z * count - k) for z, k in ((y, i), (x, j)))
        above = lattice[i, j] * (1 - u) + lattice[i, j + 1] * u
        below = lattice[i + 1, j] * (1 - u) + lattice[i + 1, j + 1] * u
        total += weight * (above * (1 - v) + below * v)
        whole, weight = whole + weight, weight / 2
    return total / whole


def _smooth(t: Doubles) -> Doubles:
    t = t.clip(0, 1)
    return t * t * (3 - 2 * t)


def _between(low: Any, high: Any, share: Doubles) -> Doubles:
    """Colours, h w 3, from `low` at share 0 to `high` at 1."""
    mix = share.clip(0, 1)[..., None]
    return np.asarray((1 - mix) * np.asarray(low) + mix * np.asarray(high))


def _over(image: Doubles, colour: Doubles, cover: NDArray[Any]) -> Doubles:
    cover = cover.astype(np.float64)[..., None]
    return np.asarray((1 - cover) * image + cover * colour)


def _sky(x: Doubles, y: Doubles, dice: np.random.Generator) -> Doubles:
    image = _between(SKY_TOP, SKY_LOW, y / 0.5)
    clouds = _noise(x * 0.9, (y * 1.9).clip(0, 1), dice, 3)
    return _over(image, np.asarray(CLOUD), _smooth((clouds - 0.5) * 6) * _smooth((0.55 - y) * 5))


def _ridge(
    image: Doubles,
    x: Doubles,
    y: Doubles,
    dice: np.random.Generator,
    height: float,
    rough: float,
    top: Any,
    low: Any,
    *,
    snow: bool,
) -> Doubles:
    line = height + rough * (2 * _noise(x, np.zeros_like(x), dice, 3) - 1)
    below = (y - line) / 0.2
    shade = _noise(x, y, dice, 7) - 0.5
    colour = _between(top, low, below + shade)
    if snow:
        white = _smooth((0.42 - y + 0.12 * shade) * 18)
        colour = _over(colour, np.asarray(SNOW) * (0.95 + 0.3 * shade[..., None]), white)
    return _over(image, colour, y > line)


def _meadow(image: Doubles, x: Doubles, y: Doubles, dice: np.random.Generator) -> Doubles:
    line = 0.76 + 0.05 * np.sin(5.2 * x + 0.6)
    grass = _noise(x, y, dice, 11) - 0.5
    return _over(image, _between(GRASS, GRASS_LOW, (y - line) * 3 + 2.2 * grass), y > line)


def _forest(image: Doubles, x: Doubles, y: Doubles, dice: np.random.Generator) -> Doubles:
    feet = np.sort(dice.uniform(0.68, 0.86, CONIFERS))
    for foot in feet:
        left, tone = dice.random(), dice.uniform(0.75, 1.25)
        tall = 0.05 + 0.55 * (foot - 0.66)
        up = (foot - y) / tall
        steps = 0.65 + 0.35 * (1 - (up * 4) % 1)
        inside = (up > 0) & (up < 1) & (np.abs(x - left) < 0.24 * tall * (1 - up) * steps)
        light = 0.75 + 0.9 * (x - left) / tall
        colour = np.asarray((0.09, 0.27, 0.16)) * (tone * light)[..., None]
        image = _over(image, colour, inside)
    return image


def _flowers(image: Doubles, x: Doubles, y: Doubles, dice: np.random.Generator) -> Doubles:
    for _ in range(FLOWERS):
        left, foot = dice.random(), dice.uniform(0.84, 1.0)
        size = 0.004 + 0.035 * (foot - 0.80)
        petal = np.asarray(PETALS[dice.integers(len(PETALS))])
        image = _over(image, petal, (x - left) ** 2 + (y - foot) ** 2 < size**2)
    return image
