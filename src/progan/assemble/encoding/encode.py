"""A trained encoder at work: codes of pictures, pictures drawn again, neighbours and directions.

coder = Coder(load("runs/faces"))
codes = coder.encode(pixels)                   # by name, a row for each picture
again = coder.draw(codes)                      # uint8, n c h w
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from progan.assemble.encoding.given import Given
from progan.assemble.models.model import Frame, Model
from progan.assemble.models.walks import loop_walk, straight_way
from progan.core.errors import ConfigError
from progan.core.grids import to_uint8
from progan.core.latents import Latents
from progan.core.system import Encodes, Samples
from progan.engine.precision import float32_products
from progan.engine.preview import seeded
from progan.metrics.distances import chunked, nearest

__all__ = [
    "Coder",
    "Likeness",
    "Nearest",
    "direction",
    "flat",
    "moved",
    "neighbours",
    "one_nearest",
]

Pixels = NDArray[np.uint8]
Codes = dict[str, torch.Tensor]

BATCH = 64
MOST = 1_000
"""Pictures over which likeness is measured."""
PROJECTIONS = 10
"""Random projections, of which the mean is told."""


@dataclass(frozen=True)
class Likeness:
    """How near pictures are to what is drawn from their codes."""

    error: float
    """Root mean square of a picture's errors, in levels of 256, the mean over pictures."""
    ratio: float
    """The same over that to the reconstruction of another picture."""
    pictures: int

    @property
    def text(self) -> str:
        """In words."""
        many = f"{self.pictures:,} pictures" if self.pictures > 1 else "one picture"
        beside = "" if np.isnan(self.ratio) else f", {self.ratio:.2f} of that of another picture"
        return f"off by {self.error:.1f} of 256 levels (root mean square){beside}; of {many}"


class Coder:
    """A model with an encoder.

    Raises: ConfigError for a model without.
    """

    def __init__(self, model: Model) -> None:
        system = model.system
        if not isinstance(system, Encodes) or not isinstance(system, Samples):
            raise ConfigError(
                f"{model.stored.recipe.system} has no encoder. Look for the latents of a picture "
                "by optimisation: progan project RUN PICTURE. Systems with one: vaegan, bigan"
            )
        self.model = model
        self.encodes: Encodes = system
        self.samples: Samples = system
        self.fields = tuple(system.latent_fields)

    def encode(self, pixels: Pixels) -> Codes:
        """The codes of pictures n c h w: a row for each, in float32."""
        parts: list[Latents] = []
        with torch.inference_mode(), seeded("encode"), float32_products():
            for start in range(0, len(pixels), BATCH):
                image = torch.from_numpy(pixels[start : start + BATCH]).to(self.model.device)
                found = self.encodes.encode(image.float() / 127.5 - 1, self.model.moment)
                parts.append({name: value.float().cpu() for name, value in found.items()})
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}

    def encode_all(self, given: Given, rows: NDArray[np.int64]) -> Codes:
        """The codes of given pictures; a few are in memory at a time."""
        pieces = [rows[start : start + 16 * BATCH] for start in range(0, len(rows), 16 * BATCH)]
        parts = [self.encode(given.pixels(piece)) for piece in pieces]
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}

    def draw(self, codes: Latents) -> Pixels:
        """The pictures of codes: n c h w."""
        count = len(next(iter(codes.values())))
        made = []
        with torch.inference_mode(), seeded("encode"), float32_products():
            for start in range(0, count, BATCH):
                some = {
                    name: value[start : start + BATCH].to(self.model.device)
                    for name, value in codes.items()
                }
                made.append(to_uint8(self.samples.generate(some, self.model.moment)))
        return np.concatenate(made)

    def likeness(self, given: Given) -> Likeness:
        """How near pictures are to their reconstructions: at most 1,000, spread over all.

        Source: Donahue et al. 2017 (BiGAN), the code published with it, for the ratio.
        """
        rows = given.spread(MOST)
        pixels = given.pixels(rows)
        again = self.draw(self.encode(pixels)).astype(np.float64)
        own = _off(pixels, again)
        ratio = float("nan")
        if len(rows) > 1:
            ratio = float(own.mean() / _off(np.roll(pixels, -1, axis=0), again).mean())
        return Likeness(error=float(own.mean()), ratio=ratio, pictures=len(rows))

    def way(self, pixels: Pixels, steps: int) -> Pixels:
        """From the first of two pictures to the second through their codes, in `steps` steps."""
        start, end = ({k: v[i : i + 1] for k, v in self.encode(pixels).items()} for i in (0, 1))
        rows = list(straight_way(self.fields, start, end, steps))
        return self.draw({name: torch.cat([row[name] for row in rows]) for name in rows[0]})

    def walk(self, pixels: Pixels, frames: int) -> Iterator[Frame]:
        """A film through the codes of pictures and back, h w c, resting at each."""
        codes = self.encode(pixels)
        return (self.model.picture(row) for row in loop_walk(self.fields, codes, frames))


def _off(pixels: Pixels, again: NDArray[np.float64]) -> NDArray[np.float64]:
    """Root mean square of each picture's errors."""
    squares = np.square(pixels.astype(np.float64) - again).reshape(len(pixels), -1)
    return np.asarray(np.sqrt(squares.mean(axis=1)))


def direction(codes: Codes, has: NDArray[np.bool_]) -> dict[str, torch.Tensor]:
    """The mean code of the pictures that have something, less that of those that have not.

    Fields of floats alone: a class has no direction.

    Source: Larsen et al. 2016 (VAE-GAN), section 4.2, visual attribute vectors.
    """
    mask = torch.from_numpy(has)
    return {
        name: value[mask].double().mean(dim=0).sub(value[~mask].double().mean(dim=0)).float()
        for name, value in codes.items()
        if value.is_floating_point()
    }


def moved(codes: Codes, along: Latents, strength: float) -> Codes:
    """Codes moved `strength` times along a direction."""
    return {
        name: value + strength * along[name] if name in along else value
        for name, value in codes.items()
    }


def flat(codes: Codes) -> NDArray[np.float32]:
    """All numbers of each code in a row: n k."""
    return np.asarray(torch.cat([v.float().flatten(1) for v in codes.values()], dim=1).numpy())


@dataclass(frozen=True)
class Nearest:
    """Share of pictures whose nearest other one is of their class."""

    codes: float
    """By their codes."""
    projected: float
    """By as many random projections of the pixels, the mean of ten draws."""
    chance: float
    """What is right by chance: Σ (share of a class)²."""

    @property
    def text(self) -> str:
        """In words."""
        return (
            f"{self.codes:.1%} by codes, {self.projected:.1%} by as many random projections of "
            f"the pixels, {self.chance:.1%} by chance"
        )


def one_nearest(
    codes: NDArray[np.float32], pixels: Pixels, labels: NDArray[np.int64], seed: int = 0
) -> Nearest:
    """Whether codes know classes that nobody told: each picture is tried on all others.

    Source: Donahue et al. 2017 (BiGAN), section 4.1, there with pictures of their own to try.
    """
    shares = np.bincount(labels) / len(labels)
    values = pixels.reshape(len(pixels), -1).astype(np.float32) / 127.5 - 1
    projected = []
    for number in range(PROJECTIONS):
        axes = np.random.default_rng((seed, number)).standard_normal(
            (values.shape[1], codes.shape[1]), np.float32
        )
        projected.append(_agree(values @ axes, labels))
    return Nearest(_agree(codes, labels), float(np.mean(projected)), float((shares**2).sum()))


def _agree(rows: NDArray[Any], labels: NDArray[np.int64]) -> float:
    places = nearest(rows, rows, own=True)[1]
    return float((labels[places] == labels).mean())


def neighbours(
    codes: NDArray[np.float32],
    queries: NDArray[np.float32],
    k: int,
    own: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """For each row of `queries`, the places of the `k` nearest rows of `codes`, nearest first.

    `own`: places of the queries in `codes`, where they are among them; nobody is his own.
    """
    found = np.empty((len(queries), k), np.int64)
    for rows, squares in chunked(queries, codes):
        if own is not None:
            squares[np.arange(len(squares)), own[rows]] = np.inf
        found[rows] = np.argsort(squares, axis=1, kind="stable")[:, :k]
    return found
