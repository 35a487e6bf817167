from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

Source = Callable[[int, int], NDArray[np.uint8]]


def units(*numbers: NDArray[np.integer] | int) -> NDArray[np.float64]:
    """splitmix64 over whole numbers, to [0, 1): the same on every machine."""
    state = np.uint64(0)
    with np.errstate(over="ignore"):
        for number in numbers:
            state = state + np.asarray(number, np.uint64) + np.uint64(0x9E3779B97F4A7C15)
            state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            state = state ^ (state >> np.uint64(31))
    return (state >> np.uint64(11)) / 2.0**53


def make_waves(size: int, *, noise: float, steepness: float, channels: int = 3) -> Source:
    """Pictures by formula: four plane waves per image and channel, and noise.

    rint(128 + Σ_w a_w sin(2π(f_w x + g_w y + p_w)) + noise·(u − ½)), cut to 0 … 255, where
    a = 40·u/(1 + w)^steepness, f and g = (2u − 1)·2^w/size·1.5, p = u, and u is a hash of
    (image, channel, wave, 0…3), or of (image, channel, y, x) for the noise.
    """

    def source(start: int, count: int) -> NDArray[np.uint8]:
        image = np.arange(start, start + count).reshape(-1, 1, 1, 1)
        channel = np.arange(channels).reshape(1, -1, 1, 1)
        y, x = np.arange(size).reshape(-1, 1), np.arange(size)
        total = 128 + noise * (units(image, channel, 1000 + y, 1000 + x) - 0.5)
        for wave in range(4):
            a, f, g, p = (units(image, channel, wave, k) for k in range(4))
            f, g = ((2 * v - 1) * 2**wave / size * 1.5 for v in (f, g))
            total += 40 * a / (1 + wave) ** steepness * np.sin(2 * np.pi * (f * x + g * y + p))
        return np.clip(np.rint(total), 0, 255).astype(np.uint8)

    return source


@pytest.fixture
def waves() -> Callable[..., Source]:
    return make_waves
