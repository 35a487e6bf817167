"""How well pictures made from a single one keep its patches, and how much they differ.

    SWD7        mean over 128 random unit directions d of W₁(A·d, B·d),  A, B: all 7 × 7 patches of
                two pictures, values in [−1, 1]; W₁ is the area between the distribution functions
    diversity   mean over pixels of the deviation of a pixel's intensity over pictures, divided by
                the deviation of the training picture's intensities; intensity: mean of channels
    SIFID       Fréchet distance of the features at all places of two pictures: `spatial_distance`

SWD7 and SIFID take pictures of different sizes. SWD7 is no SIFID: it knows pixels alone. A SIFID
is called so only of Inception's features; of another network it bears that network's name.

Source: Shaham et al. 2019 (SinGAN), section 3.1 (diversity) and 3.2 (SIFID); SWD7 is ours, after
        Karras et al. 2018 (ProGAN), appendix B.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from progan.core.errors import DataError
from progan.metrics.frechet import frechet_distance
from progan.metrics.moments import moments

__all__ = ["PATCH", "diversity", "patch_distance", "spatial_distance"]

Doubles: TypeAlias = NDArray[np.float64]
Pixels: TypeAlias = NDArray[np.uint8]

PATCH = 7
DIRECTIONS = 128


def patch_distance(real: Pixels, fake: Pixels, *, seed: int = 0) -> float:
    """SWD7 of two pictures, uint8 c h w, of any sizes of 7 pixels or more.

    Directions are a function of `seed`: with the same one values can be compared.

    Raises: DataError for smaller pictures, or other numbers of channels.
    """
    if len(real) != len(fake) or min(*real.shape[1:], *fake.shape[1:]) < PATCH:
        raise DataError(
            f"The pictures have shapes {real.shape} and {fake.shape}; they must have the same "
            f"channels and sides of {PATCH} pixels or more."
        )
    dice = np.random.default_rng(seed)
    directions = dice.standard_normal((len(real) * PATCH**2, DIRECTIONS))
    directions /= np.linalg.norm(directions, axis=0)
    a, b = (np.sort(_patches(picture) @ directions, axis=0) for picture in (real, fake))
    return float(np.mean([_area(a[:, i], b[:, i]) for i in range(DIRECTIONS)]))


def _patches(picture: Pixels) -> Doubles:
    """Every patch as a row."""
    values = picture.astype(np.float64) / 127.5 - 1
    windows = sliding_window_view(values, (PATCH, PATCH), axis=(1, 2))
    return windows.transpose(1, 2, 0, 3, 4).reshape(-1, len(picture) * PATCH**2)


def _area(a: NDArray[Any], b: NDArray[Any]) -> float:
    """W₁ of two sets of numbers, sorted."""
    if len(a) == len(b):
        return float(np.abs(a - b).mean())
    places = np.sort(np.concatenate([a, b]))
    below = [np.searchsorted(x, places[:-1], "right") / len(x) for x in (a, b)]
    return float((np.abs(below[0] - below[1]) * np.diff(places)).sum())


def diversity(real: Pixels, fakes: Pixels) -> float:
    """How much pictures n c h w differ, over how much the picture c h w differs in itself.

    0 where all are the same; 1 where each pixel varies over pictures as much as the training
    picture's pixels vary over its places. Deviations divide by n.

    Raises: DataError for a picture of one intensity.
    """
    spread = float(real.mean(axis=0, dtype=np.float64).std())
    if not spread:
        raise DataError("The training picture has one intensity everywhere; there is no diversity.")
    return float(fakes.mean(axis=1, dtype=np.float64).std(axis=0).mean()) / spread


def spatial_distance(real: NDArray[Any], fake: NDArray[Any]) -> float:
    """The Fréchet distance of features p d and q d, one row for each place of a picture."""
    return frechet_distance(moments(real), moments(fake)).value
