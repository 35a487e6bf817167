"""Perceptual path length (PPL): how far pictures move for a small step in latent space.

    PPL   mean over pairs of ‖f(G(p(t + ε))) − f(G(p(t)))‖² / ε²,  ε = 10⁻⁴

p(t) goes from one random latent to another: along the great circle for normal latents, straight
for uniform ones. t is uniform on [0, 1], or 0 for steps at the ends. Pairs below the 1st and above
the 99th percentile are left out, as in the authors' code.

The distance is the squared Euclidean distance of the features f that are given. It is the
published PPL if, and only if, f is such that this is LPIPS on VGG16; else it is a path length of
whatever the extractor is called, and compares with the same extractor only. f must take pictures
as they leave the generator: rounding to 256 levels would bury a step of 10⁻⁴.

Bias: none from the number of pairs, only spread. In float32, rounding of relative size 10⁻⁷ in
the features adds about 10⁻⁶ ‖f‖² to every value.

Source: Karras et al. 2019 (StyleGAN), section 4.1; great circles between vectors of any length
        by Shoemake 1985 and White 2016 (Sampling generative networks).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from progan.core.errors import ConfigError, DataError
from progan.core.randomness import seed_of
from progan.metrics.intervals import Estimate, bootstrap

__all__ = ["PathLength", "lerp", "path_length", "path_lengths", "slerp"]

Doubles: TypeAlias = NDArray[np.float64]
Generate: TypeAlias = Callable[[Tensor, NDArray[np.int64]], Tensor]
Extract: TypeAlias = Callable[[Tensor], Tensor]

NEARLY_PARALLEL = 1e-6
"""Sine of the angle below which a great circle is taken for a straight line."""


@dataclass(frozen=True, kw_only=True)
class PathLength:
    """Mean squared speed of pictures along latent paths."""

    value: float
    spread: float
    """Standard deviation over the pairs that are kept."""
    estimate: Estimate
    """Of `value`, over the pairs that are kept."""
    pairs: int
    kept: int
    epsilon: float
    trim: tuple[float, float]
    """Percentiles between which pairs are kept."""
    at: Literal["path", "ends"]
    prior: Literal["normal", "uniform"]
    seed: int
    distance: str
    """What the distance rests on."""


def path_length(
    generate: Generate,
    features: Extract,
    width: int,
    *,
    distance: str,
    pairs: int = 10_000,
    prior: Literal["normal", "uniform"] = "normal",
    at: Literal["path", "ends"] = "path",
    epsilon: float = 1e-4,
    trim: tuple[float, float] = (1.0, 99.0),
    batch: int = 32,
    level: float = 0.95,
    seed: int = 0,
) -> PathLength:
    """PPL of a generator whose latents have `width` numbers.

    `generate(latent, numbers)` gives pictures for latents, n width, float32: `numbers` are the
    numbers of their pairs. Both ends of a pair are asked for in one call; whatever else the
    generator draws (labels, noise) must be a function of the number, so that only the latent
    moves. `features(pictures)` gives n d, or any shape behind n. `distance` says in words what
    they are, for the record.

    The value is a function of the seed, whatever the batch. Time is that of 2 · pairs pictures.
    """
    if not 0 <= trim[0] < trim[1] <= 100:
        raise ConfigError(f"trim is {trim}; it must be two percentiles that rise: trim=(1, 99)")
    found = path_lengths(
        generate,
        features,
        width,
        pairs=pairs,
        prior=prior,
        at=at,
        epsilon=epsilon,
        batch=batch,
        seed=seed,
    )
    low = np.percentile(found, trim[0], method="lower")
    high = np.percentile(found, trim[1], method="higher")
    kept = found[(low <= found) & (found <= high)]
    estimate = bootstrap(kept, level=level, seed=seed)
    return PathLength(
        value=estimate.value,
        spread=float(kept.std()),
        estimate=estimate,
        pairs=pairs,
        kept=len(kept),
        epsilon=epsilon,
        trim=trim,
        at=at,
        prior=prior,
        seed=seed,
        distance=distance,
    )


def path_lengths(
    generate: Generate,
    features: Extract,
    width: int,
    *,
    pairs: int,
    prior: Literal["normal", "uniform"] = "normal",
    at: Literal["path", "ends"] = "path",
    epsilon: float = 1e-4,
    batch: int = 32,
    seed: int = 0,
) -> Doubles:
    """The squared speed at each pair: pairs. As `path_length`, before trimming."""
    if epsilon <= 0 or pairs < 1 or batch < 1:
        raise ConfigError(
            f"epsilon is {epsilon}, with {pairs:,} pairs in batches of {batch}; all must be above "
            "0: epsilon=1e-4"
        )
    move = slerp if prior == "normal" else lerp
    speeds = np.empty(pairs)
    for first in range(0, pairs, batch):
        numbers = np.arange(first, min(first + batch, pairs))
        drawn = [_draw(seed, int(number), width, prior) for number in numbers]
        start, end, t = (torch.tensor(np.stack(part)) for part in zip(*drawn, strict=True))
        t = t if at == "path" else torch.zeros_like(t)
        latents = torch.cat([move(start, end, t), move(start, end, t + epsilon)]).float()
        with torch.no_grad():
            found = features(generate(latents, np.concatenate([numbers, numbers])))
        if len(found) != 2 * len(numbers):
            raise DataError(
                f"{2 * len(numbers)} latents were given and features of {len(found)} pictures "
                "came; generator and extractor must give one row for each."
            )
        before, after = found.detach().cpu().double().flatten(1).chunk(2)
        speeds[numbers] = ((after - before).square().sum(1) / epsilon**2).numpy()
    return speeds


def slerp(start: Tensor, end: Tensor, t: Tensor) -> Tensor:
    """Along the great circle, at constant angular speed: start and end n d, t n.

        (sin((1 − t)Ω) a + sin(tΩ) b) / sin Ω,  Ω the angle between a and b

    Vectors of one length keep it. Nearly parallel ones go straight.
    """
    t = t[:, None]
    lengths = start.norm(dim=1, keepdim=True) * end.norm(dim=1, keepdim=True)
    cosine = ((start * end).sum(1, keepdim=True) / lengths).clamp(-1, 1)
    angle = cosine.acos()
    sine = angle.sin()
    straight = sine < NEARLY_PARALLEL
    safe = torch.where(straight, torch.ones_like(sine), sine)
    first = torch.where(straight, 1 - t, ((1 - t) * angle).sin() / safe)
    second = torch.where(straight, t, (t * angle).sin() / safe)
    return first * start + second * end


def lerp(start: Tensor, end: Tensor, t: Tensor) -> Tensor:
    """Along the straight line: start and end n d, t n."""
    return start + t[:, None] * (end - start)


def _draw(seed: int, number: int, width: int, prior: str) -> tuple[Doubles, Doubles, Doubles]:
    """Both ends of a path, and the place on it."""
    rng = np.random.default_rng(seed_of(seed, "path length", number))
    if prior == "normal":
        start, end = rng.standard_normal((2, width))
    else:
        start, end = rng.uniform(-1, 1, (2, width))
    return start, end, np.asarray(rng.uniform())
