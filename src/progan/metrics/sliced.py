"""Sliced Wasserstein distance (SWD): how far apart two sets of images are, scale by scale.

    level r     Laplacian pyramid of each image; one level per resolution, down to 16
    patches     7 x 7 pixels, 128 per image and level, at uniform places; each set is given mean 0
                and standard deviation 1 per channel, over all its patches and pixels
    distance    E over directions d of mean |sort(A·d) − sort(B·d)|, 4 x 128 random unit vectors

Values are times 1,000. Two sets from the same distribution do not give 0: n independent patches
of white noise give 1.82/√n, that is 5.0 for 2¹⁷ and 2.5 for 2¹⁹ patches, and pictures more, as the
patches of one picture are alike. A value therefore says nothing without its number of images and
the same distance between two draws of real images, the floor.

Source:  Karras et al. 2018 (ProGAN), section 5 and appendix B.
Departs: a channel that never varies (a collapsed generator) is left at 0 where the official code
         divides 0 by 0.
Checked: run beside the official code (branch master) on the same images, patches and directions:
         equal to 3e-5 of the value. With patches and directions of its own choice the two differ
         by chance only; its values are in tests/golden/metrics_reference.json.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from progan.core.errors import DataError
from progan.core.randomness import seed_of
from progan.metrics.images import ImageSource, batch_for, check_count, read, shifted, stream
from progan.metrics.pyramid import laplacian_pyramid, level_resolutions

__all__ = [
    "SlicedWasserstein",
    "descriptor_distance",
    "floor_images",
    "normalise",
    "sliced_wasserstein",
]

PATCH = 7
PATCHES_PER_IMAGE = 128
DIRECTION_REPEATS = 4
DIRECTIONS = 128

PROJECTION_BYTES = 64 * 2**20
"""Room for the projections of one set: 8 directions at a time for 2²¹ patches, more for fewer."""
STORE_BYTES = 2400 * 2**20
"""Room for patches. Levels that fit together are read in one pass over the images; 16,384 RGB
images need 2,352 MiB for one level of both sets, and one pass per level."""

Floats: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class SlicedWasserstein:
    """Distances times 1,000, never without the number of images behind them."""

    levels: Mapping[int, float]
    """Distance by resolution of the level, finest first."""
    images: int
    """Images in each of the two sets."""
    floor: SlicedWasserstein | None = None
    """The same between two draws of real images; with fewer images where reals are few."""

    @property
    def mean(self) -> float:
        """Mean over levels."""
        return sum(self.levels.values()) / len(self.levels)

    def rows(self) -> list[tuple[str, float, float | None, int]]:
        """(level, value, floor, images) for each level, then for their mean."""
        floor = self.floor
        rows: list[tuple[str, float, float | None, int]] = [
            (str(r), value, floor.levels[r] if floor else None, self.images)
            for r, value in self.levels.items()
        ]
        return [*rows, ("mean", self.mean, floor.mean if floor else None, self.images)]

    def __str__(self) -> str:
        parts = [
            f"{level}: {value:.2f}" + ("" if floor is None else f" ({floor:.2f})")
            for level, value, floor, _ in self.rows()
        ]
        note = (
            "floor not measured"
            if self.floor is None
            else f"in brackets: real against real, n = {self.floor.images:,}"
        )
        return f"SWD x 10³, n = {self.images:,}: {', '.join(parts)}; {note}"


def sliced_wasserstein(
    real: ImageSource,
    fake: ImageSource,
    images: int,
    *,
    seed: int = 0,
    real_images: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> SlicedWasserstein:
    """SWD between the first `images` images of two sources, one value per pyramid level.

    Places and directions are a function of `seed` alone. With `real_images`, the number of
    different pictures `real` can give, the floor is measured too: between two disjoint draws of
    `images` where there are enough, else between two halves, and its own n says so. `progress`
    hears the fraction done. Memory: 24.5 KiB per image of each set (gray), 3 times that (RGB).

    Raises DataError for images that are not square or are smaller than 7 pixels.
    """
    size = _common_size(read(real, 0, 1), read(fake, 0, 1))
    check_count(images, 2, "sliced Wasserstein")
    count = floor_images(real_images or 2 * images, images)
    done, share = 0.0, 0.5 if real_images else 1.0

    def tell(fraction: float) -> None:
        if progress:
            progress(done + share * fraction)

    result = SlicedWasserstein(
        levels=_levels(real, fake, images, size, seed=seed, progress=tell), images=images
    )
    if real_images is None:
        return result
    done = share
    levels = _levels(real, shifted(real, count), count, size, seed=seed, progress=tell)
    return replace(result, floor=SlicedWasserstein(levels=levels, images=count))


def floor_images(available: int, images: int) -> int:
    """Images in each of two disjoint draws of real ones: `images`, or half of all where few."""
    count = min(images, available // 2)
    check_count(count, 2, "each half of the real-against-real floor")
    return count


def normalise(patches: Floats) -> Floats:
    """Give each channel mean 0 and standard deviation 1 over all patches and pixels, in place.

    `patches`: n c 7 7. A channel that never varies becomes 0. Returns n c·49.
    """
    count, channels = patches.shape[:2]
    for channel in range(channels):
        values = patches[:, channel]
        runs = range(0, count, 2**14)  # so that no copy of the whole is ever made
        total = sum(float(values[i : i + 2**14].sum(dtype=np.float64)) for i in runs)
        values -= np.float32(total / values.size)
        square = sum(float(np.square(values[i : i + 2**14]).sum(dtype=np.float64)) for i in runs)
        deviation = (square / values.size) ** 0.5
        if deviation > 0:
            values /= np.float32(deviation)
    return patches.reshape(count, -1)


def descriptor_distance(
    first: Floats, second: Floats, *, seed: int, progress: Callable[[float], None] | None = None
) -> float:
    """Mean distance between sorted projections of two sets of normalised patches, n c·49.

    Gray patches (49 numbers) count as RGB with three equal channels: every direction has 147
    numbers and meets them with the sum of its three parts, which is the same and costs a third.
    """
    together = DIRECTIONS
    while together > 1 and 4 * together * len(first) > PROJECTION_BYTES:
        together //= 2
    room = [np.empty((together, len(first)), np.float32) for _ in range(2)]
    total, made = 0.0, 0
    with ThreadPoolExecutor(2) as pool:
        for repeat in range(DIRECTION_REPEATS):
            rng = np.random.default_rng(seed_of(seed, "swd directions", repeat))
            directions = rng.standard_normal((DIRECTIONS, 3 * PATCH * PATCH))
            directions /= np.linalg.norm(directions, axis=1, keepdims=True)
            for start in range(0, DIRECTIONS, together):
                some = directions[start : start + together]
                a, b = pool.map(_sorted_projections, (first, second), (some, some), room)
                np.abs(np.subtract(a, b, out=a), out=a)
                total += float(a.sum(dtype=np.float64))
                made += together
                if progress:
                    progress(made / (DIRECTION_REPEATS * DIRECTIONS))
    return total / (made * len(first))


def _sorted_projections(patches: Floats, directions: NDArray[np.float64], out: Floats) -> Floats:
    if patches.shape[1] != directions.shape[1]:
        directions = directions.reshape(len(directions), 3, -1).sum(axis=1)
    np.matmul(directions.astype(np.float32), patches.T, out=out)
    out.sort(axis=1)
    return out


def _common_size(real: NDArray[np.uint8], fake: NDArray[np.uint8]) -> int:
    height, width = real.shape[2:]
    if real.shape[2:] != fake.shape[2:] or height != width or height < PATCH:
        raise DataError(
            f"real images are {width}x{height} and generated ones {fake.shape[3]}x{fake.shape[2]}; "
            f"sliced Wasserstein needs squares of one size, {PATCH} pixels or more. "
            "Measure both at the same resolution, 8 or above"
        )
    return int(height)


def _levels(
    first: ImageSource,
    second: ImageSource,
    images: int,
    size: int,
    *,
    seed: int,
    progress: Callable[[float], None],
) -> dict[int, float]:
    """Distance times 1,000 for each level, as many levels per pass as STORE_BYTES allows."""
    resolutions = level_resolutions(size)
    widest = max(read(source, 0, 1).shape[1] for source in (first, second))
    room = 2 * images * PATCHES_PER_IMAGE * widest * PATCH * PATCH * 4
    per_pass = max(1, STORE_BYTES // room)
    distances: dict[int, float] = {}

    def tell(fraction: float) -> None:
        progress((len(distances) + fraction) / len(resolutions))

    for start in range(0, len(resolutions), per_pass):
        wanted = resolutions[start : start + per_pass]
        a = _gather(first, images, size, wanted, seed=seed_of(seed, "swd places", 0))
        b = _gather(second, images, size, wanted, seed=seed_of(seed, "swd places", 1))
        for level in wanted:
            distances[level] = 1e3 * descriptor_distance(
                normalise(a.pop(level)),
                normalise(b.pop(level)),
                seed=seed_of(seed, "swd level", level),
                progress=tell,
            )
    return distances


def _gather(
    source: ImageSource, images: int, size: int, wanted: Sequence[int], *, seed: int
) -> dict[int, Floats]:
    """Raw patches, n c 7 7, of the wanted levels: 128 for each image, uniform over valid places."""
    resolutions = level_resolutions(size)
    places = {level: _places(images, level, seed) for level in wanted}
    patches: dict[int, Floats] = {}
    for start, batch in stream(source, images, batch_for(size)):
        bands = laplacian_pyramid(batch.astype(np.float32), len(resolutions))
        rows = slice(start * PATCHES_PER_IMAGE, (start + len(batch)) * PATCHES_PER_IMAGE)
        which = np.arange(len(batch))[:, None]
        for level in wanted:
            if level not in patches:
                shape = (images * PATCHES_PER_IMAGE, batch.shape[1], PATCH, PATCH)
                patches[level] = np.empty(shape, np.float32)
            windows = sliding_window_view(
                bands[resolutions.index(level)], (PATCH, PATCH), axis=(2, 3)
            )
            top, left = places[level][:, start : start + len(batch)]
            patches[level][rows] = windows[which, :, top, left].reshape(
                -1, *patches[level].shape[1:]
            )
    return patches


def _places(images: int, level: int, seed: int) -> NDArray[np.int16]:
    """Upper left corners, (top, left) by image by patch."""
    rng = np.random.default_rng(seed_of(seed, level))
    corners = level - PATCH + 1
    return rng.integers(corners, size=(2, images, PATCHES_PER_IMAGE), dtype=np.int16)
