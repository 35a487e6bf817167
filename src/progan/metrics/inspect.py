"""Beyond one number: copies of training pictures, copies of each other, lost detail, lost variety.

    nearest           the pictures of a pool nearest to each query, by root mean square difference
    near_duplicates   pairs closer than a threshold that real pictures set
    radial_spectrum   power over fineness, averaged over pictures and directions
    verdict           what all the findings come to, in words

Pictures are arrays n c h w of grey levels 0 … 255, all of one size. Nothing here draws at random.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Findings",
    "diversity",
    "duplicate_threshold",
    "excess",
    "near_duplicates",
    "nearest",
    "radial_spectrum",
    "thumbnails",
    "verdict",
]

Pixels: TypeAlias = NDArray[np.generic]
Doubles: TypeAlias = NDArray[np.float64]
Numbers: TypeAlias = NDArray[np.int64]

THUMBNAIL = 16
"""Side in pixels of the thumbnails that duplicates are sought among: grain is no difference."""
RARE = 0.01
"""Share of real pictures that have a neighbour closer than the threshold for duplicates."""
LEAST_THRESHOLD = 1.0
"""Grey levels: pictures closer than this are the same to the eye, however alike the real ones."""

SWD_BANDS = ((10.0, "are close to real ones"), (25.0, "resemble real ones"))
"""Upper ends of `excess`, in SWD x 10³, and what is said. In table 1 of Karras et al. 2018 sound
configurations lie at 4 to 9 on average over levels, and the one spoilt by small batches at 46."""
SWD_FAR = 60.0
"""From this `excess` on, patches of the two sets have little in common."""
VARIED = 0.9
"""`diversity` from which pictures count as about as varied as real ones."""
COLLAPSED = 0.5
"""`diversity` below which variety counts as collapsed."""
SCATTERED = 1.15
"""`diversity` above which pictures differ more than real ones do: disorder, not variety."""
REPEATS = 3.0
"""So many times the near-identical pairs of real pictures are a sign of repetition."""
MEMORISED = 0.5
"""Ratio of distances below which pictures lie suspiciously close to training pictures."""
SKIPPED = 0.01
"""Share of steps that, when skipped, is worth a word."""


# Pictures ----------------------------------------------------------------------------------


def nearest(
    queries: Pixels, pool: Pixels, count: int = 1, *, own: Numbers | None = None
) -> tuple[Numbers, Doubles]:
    """The `count` pictures of `pool` nearest to each query: their places and distances, n count.

        distance   sqrt(mean over channels and pixels of (a − b)²), in grey levels

    Nearest first; among equals, the one that comes first in the pool. `own`, n or n k, gives
    the places of each query in the pool where it stands there itself: they are passed over.
    """
    flat = queries.reshape(len(queries), -1).astype(np.float32) - 127.5
    close = np.empty((len(flat), len(pool)), np.float32)
    for start in range(0, len(pool), 1024):
        some = pool[start : start + 1024].reshape(-1, flat.shape[1]).astype(np.float32) - 127.5
        close[:, start : start + len(some)] = np.einsum("ij,ij->i", some, some) - 2 * (
            flat @ some.T
        )
    most = len(pool)
    if own is not None:
        own = own.reshape(len(flat), -1)
        close[np.arange(len(flat))[:, None], own] = np.inf
        most -= own.shape[1]
    # The short form above is rounded; a few more than asked for are measured exactly.
    count = min(count, most)
    kept = np.argpartition(close, min(count + 8, most) - 1, axis=1)[:, : min(count + 8, most)]
    exact = np.stack([_distances(queries[row], pool[kept[row]]) for row in range(len(flat))])
    order = np.lexsort((kept, exact), axis=1)[:, :count]
    return (
        np.take_along_axis(kept, order, axis=1).astype(np.int64),
        np.take_along_axis(exact, order, axis=1),
    )


def _distances(picture: Pixels, others: Pixels) -> Doubles:
    difference = others.astype(np.float64) - picture.astype(np.float64)
    distances: Doubles = np.sqrt(np.square(difference).reshape(len(others), -1).mean(axis=1))
    return distances


def thumbnails(images: Pixels, side: int = THUMBNAIL) -> Doubles:
    """Means over equal blocks, so that the sides come down to `side`, or a little more."""
    n, c, height, width = images.shape
    down, across = max(1, height // side), max(1, width // side)
    rows, columns = height // down, width // across
    cut = images[:, :, : rows * down, : columns * across].astype(np.float64)
    means: Doubles = cut.reshape(n, c, rows, down, columns, across).mean(axis=(3, 5))
    return means


def duplicate_threshold(real: Pixels) -> float:
    """The distance that `RARE` of real pictures have a neighbour within; at least one grey level.

    Two generated pictures that are closer would be rare as a pair of real ones. The set should be
    as large as the one that is looked through.
    """
    _, distances = nearest(real, real, own=np.arange(len(real)))
    return max(LEAST_THRESHOLD, float(np.quantile(distances, RARE)))


def near_duplicates(images: Pixels, threshold: float) -> Numbers:
    """Pairs (i, j), i < j, whose root mean square difference is at most `threshold`: pairs 2."""
    flat = images.reshape(len(images), -1).astype(np.float64)
    squares = np.square(flat).sum(1)
    pairs: list[Numbers] = []
    for start in range(0, len(flat), 512):
        some = flat[start : start + 512]
        gap = squares[start : start + 512, None] + squares - 2 * (some @ flat.T)
        rows, columns = np.nonzero(gap <= threshold**2 * flat.shape[1] + 1e-6)
        close = np.stack([rows + start, columns], axis=1)
        pairs.append(close[close[:, 0] < close[:, 1]])
    return np.concatenate(pairs).astype(np.int64)


def radial_spectrum(images: Pixels) -> tuple[Doubles, Doubles]:
    """Frequencies 1, 2, … in cycles per picture, and the mean power at each.

        power(k)   mean over pictures, and over coefficients with round(‖f‖) = k, of |F(f)|²

    F is the Fourier transform divided by the number of pixels, of the mean over channels scaled
    to [-1, 1]. The highest frequency is half the shorter side. No window is applied.

    Source: Durall et al. 2020 (Watch your up-convolution), azimuthal integration; there the sum
    over each ring, here its mean.
    """
    height, width = images.shape[2:]
    side = min(height, width)
    down, across = np.fft.fftfreq(height) * side, np.fft.fftfreq(width) * side
    ring = np.rint(np.hypot(down[:, None], across[None])).astype(np.int64)
    total = np.zeros((height, width))
    for start in range(0, len(images), 64):
        grey = images[start : start + 64].mean(axis=1, dtype=np.float64) / 127.5 - 1
        total += np.square(np.abs(np.fft.fft2(grey) / (height * width))).sum(axis=0)
    total /= len(images)
    wanted = np.arange(1, side // 2 + 1)
    sums = np.bincount(ring.ravel(), weights=total.ravel(), minlength=side)
    counts = np.bincount(ring.ravel(), minlength=side)
    return wanted.astype(np.float64), sums[wanted] / counts[wanted]


# Words -------------------------------------------------------------------------------------


def excess(value: float, floor: float) -> float:
    """About what is left of an SWD without the chance in it: sqrt(value² − floor²), or 0.

    Where two distributions have one mean and differ in spread, as normalised patches do, chance
    and distance add up about like the sides of a right angle: unlike the value itself this then
    hardly depends on the number of images. Both must come from the same number. Well below
    `floor` nothing can be told: the floor is a measurement, too.
    """
    return math.sqrt(max(0.0, value**2 - floor**2))


def diversity(generated: float, real: float) -> float | None:
    """Variety beside that of real pictures, from MS-SSIM: (1 − generated) / (1 − real).

    1 is as varied as real ones, 0 all the same; None where the real ones are all the same.
    """
    return (1 - generated) / (1 - real) if real < 1 else None


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What a verdict rests on; None for what was not measured."""

    swd: float | None = None
    """Mean over levels, times 10³."""
    swd_floor: float | None = None
    """The same between real pictures, from as many images."""
    images: int = 0
    """Images behind both."""
    diversity: float | None = None
    pairs: int | None = None
    """Near-identical pairs among the generated pictures."""
    real_pairs: int | None = None
    """The same among as many real ones."""
    looked_at: int = 0
    """Pictures the pairs were sought among."""
    distance_ratio: float | None = None
    """Distance of generated pictures to the nearest training picture, over that of real ones."""
    skipped: int = 0
    """Steps that were skipped because a gradient was not finite."""
    steps: int = 0


def verdict(findings: Findings) -> str:
    """One or two sentences: how good, how varied, and what to be wary of.

    While pictures are far from real ones, their variety and the absence of copies say nothing
    (noise is varied), so only what is wrong is said of them.
    """
    over = None
    if findings.swd is not None and findings.swd_floor is not None:
        over = excess(findings.swd, findings.swd_floor)
    far = over is not None and over >= SWD_FAR
    varied = _variety(findings.diversity, far=far)
    sentences = [_likeness(findings, over, varied), _warnings(findings, far=far)]
    return " ".join(sentence for sentence in sentences if sentence)


def _likeness(found: Findings, over: float | None, varied: str) -> str:
    if over is None:
        if varied:
            return f"The generated pictures are {varied}."
        return "Likeness to real pictures was not measured."
    words = next((text for end, text in SWD_BANDS if over < end), "")
    if over < SWD_BANDS[0][0] < (found.swd_floor or 0):
        words += ", as far as so few images tell"
    if not words:
        words = "resemble real ones only roughly" if over < SWD_FAR else "are far from real ones"
    numbers = (
        f"SWD {found.swd:.1f}, where real pictures among themselves give "
        f"{found.swd_floor:.1f}, n = {found.images:,}"
    )
    return f"The generated pictures {words} ({numbers}){varied and f' and are {varied}'}."


def _variety(share: float | None, *, far: bool) -> str:
    if share is None:
        return ""
    if share < COLLAPSED:
        return f"nearly all alike (variety {share:.0%} of real): the generator has collapsed"
    if far:
        return ""
    if share < VARIED:
        return f"less varied (variety {share:.0%} of real)"
    if share > SCATTERED:
        return f"more scattered (variety {share:.0%} of real)"
    return f"about as varied (variety {share:.0%} of real)"


def _warnings(found: Findings, *, far: bool) -> str:
    bad, good = [], []
    if found.pairs is not None and found.real_pairs is not None:
        if found.pairs > REPEATS * max(found.real_pairs, 1):
            bad.append(
                f"{found.pairs:,} near-identical pairs among {found.looked_at:,} pictures "
                f"(real ones: {found.real_pairs:,})"
            )
        else:
            good.append("repetition")
    if found.distance_ratio is not None:
        if found.distance_ratio < MEMORISED:
            bad.append(
                "probably copies of training pictures, to which the generated ones lie "
                f"{found.distance_ratio:.2f} times as far as training pictures to each other"
            )
        else:
            good.append("copying training pictures")
    if found.skipped and found.skipped >= SKIPPED * found.steps:
        bad.append(f"{found.skipped:,} of {found.steps:,} steps skipped")
    if bad:
        return f"Be wary: {'; '.join(bad)}."
    return f"There is no sign of {' or of '.join(good)}." if good and not far else ""
