"""How near a picture comes to the one it should be, where that is known.

    PSNR   10 log₁₀(255² / mean squared difference), in dB; 100 where they are equal, at most
    SSIM   structural similarity, at one scale, from -1 to 1

Beside a value stand those of pictures that took no skill: see `Likeness`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from progan.metrics.msssim import ssim_scores

__all__ = ["Likeness", "likenesses", "psnr_scores"]

Pixels: TypeAlias = NDArray[np.uint8]
MOST_DB = 100.0


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """How near some pictures come to the truth, on average."""

    of: str
    """translated; copy: what was translated, left as it is; mean picture: of the domain that it
    was to become; other truth: the true picture of another one."""
    psnr: float
    ssim: float
    n: int


def psnr_scores(made: Pixels, truth: Pixels) -> NDArray[np.float64]:
    """Peak signal-to-noise ratio of each of n c h w with its partner, in dB."""
    error = np.square(made.astype(np.float64) - truth).mean(axis=(1, 2, 3))
    least = 255.0**2 / 10 ** (MOST_DB / 10)
    found: NDArray[np.float64] = 10 * np.log10(255.0**2 / np.maximum(error, least))
    return found


def likenesses(
    made: Pixels, truth: Pixels, given: Pixels | None, mean: NDArray[np.float64]
) -> list[Likeness]:
    """Of `made`, n c h w, and of what takes no skill, to `truth`.

    `given`: what was translated, where it is a picture like them; `mean`, c h w: the mean picture
    of the target domain's training pictures.
    """
    rivals = {"translated": made}
    if given is not None and given.shape == truth.shape:
        rivals["copy"] = given
    flat = np.rint(mean).astype(np.uint8)[None]
    rivals["mean picture"] = np.broadcast_to(flat, truth.shape)
    if len(truth) > 1:
        rivals["other truth"] = np.roll(truth, 1, axis=0)
    return [
        Likeness(
            of=name,
            psnr=float(psnr_scores(some, truth).mean()),
            ssim=float(ssim_scores(some, truth).mean()),
            n=len(truth),
        )
        for name, some in rivals.items()
    ]
