"""Toy worlds: data so small that a whole training takes seconds and can be drawn.

A world is a distribution of points on the line or in the plane. Its sampler has no state: point
number k is a function of (seed, k), whichever points are asked for beside it. A point is a picture
of 1 × 1 pixels with one channel for each coordinate, so that every system trains on worlds as it
trains on pictures.

    uniform(seed, k, j) = mix(hash(seed) + golden · (columns · k + j)) / 2⁶⁴,  j = 0 … columns − 1
    normal = √(−2 log u₀) · (cos, sin)(2π u₁)

Source: mixing, SplitMix64 (Steele et al. 2014, figure 14); normals, Box & Muller 1958.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from progan.core.batch import Batch, Images, Labelled
from progan.core.randomness import seed_of
from progan.core.specs import DataSpec

__all__ = ["Curve", "Mixture", "ToyDraws", "World", "images_of", "points_of", "uniforms"]

Floats = NDArray[np.float64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_COLUMNS = 4
"""Uniform numbers for each point: one says where it belongs, two make its noise, one is spare."""
_NODES = 512
"""Places along a curve at which its density is summed: at most 1.05 sigma apart in all worlds here,
where the error of the sum is of the order exp(−2π²/1.05²), 2e-8."""


def uniforms(seed: int, numbers: range, columns: int = _COLUMNS) -> Floats:
    """Uniform numbers in (0, 1), one row for each of `numbers`; a row depends on its number only.

    The 53 upper bits of each hash are kept, plus a half, so that neither 0 nor 1 comes up.
    """
    rows = np.arange(numbers.start, numbers.stop, numbers.step, dtype=np.uint64)
    counter = rows[:, None] * np.uint64(columns) + np.arange(columns, dtype=np.uint64)
    x: NDArray[np.uint64] = np.multiply(counter, _GOLDEN) + np.uint64(seed_of("toy world", seed))
    x = (x ^ (x >> np.uint64(30))) * _FIRST
    x = (x ^ (x >> np.uint64(27))) * _SECOND
    x = x ^ (x >> np.uint64(31))
    return ((x >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def _normals(u: Floats, dims: int) -> Floats:
    """`dims` ≤ 2 standard normal numbers for each row of two uniform ones."""
    radius, angle = np.sqrt(-2 * np.log(u[:, 0])), 2 * math.pi * u[:, 1]
    return (radius * np.stack([np.cos(angle), np.sin(angle)][:dims])).T


def images_of(points: Tensor) -> Images:
    """Points n d as pictures of 1 × 1 pixels, n d 1 1."""
    return Images(points[:, :, None, None])


def points_of(image: Tensor) -> Tensor:
    """Pictures of 1 × 1 pixels, n d 1 1, as points n d."""
    return image.flatten(1)


@dataclass(frozen=True, kw_only=True)
class World:
    """A distribution of points in `dims` dimensions."""

    name: str
    summary: str
    """What it looks like and where it comes from, in a line."""
    dims: int
    sigma: float
    """Standard deviation of the noise in every direction; of the narrowest mode."""
    low: tuple[float, ...]
    """Lower corner of the part to draw; with room around the points."""
    high: tuple[float, ...]
    """Its upper corner."""

    def sample(self, numbers: range, seed: int = 0) -> Tensor:
        """The points with these numbers, n d, float32."""
        return torch.from_numpy(self._points(uniforms(seed, numbers))).float()

    def log_density(self, points: Tensor) -> Tensor:
        """Natural logarithm of the density at `points` n d, one value each, float64."""
        centres, weights, sigmas = self._components()
        highest = weights.log() - self.dims * (sigmas * math.sqrt(2 * math.pi)).log()
        logs = []
        for part in torch.split(points.detach().double().cpu(), 4096):
            apart = torch.cdist(part, centres, compute_mode="donot_use_mm_for_euclid_dist")
            logs.append(torch.logsumexp(highest - (apart / sigmas).square() / 2, dim=1))
        return torch.cat(logs)

    def labels(self, numbers: range, seed: int = 0) -> Tensor:
        """The labels of the points with these numbers: classes n, or rows n k of numbers."""
        return torch.from_numpy(self._labels(uniforms(seed, numbers)))

    @property
    def spec(self) -> DataSpec:
        """What a system is told about its data: one pixel, a channel for each coordinate."""
        return DataSpec(resolution=1, channels=self.dims)

    def _labels(self, u: Floats) -> NDArray[Any]:
        raise NotImplementedError

    def _points(self, u: Floats) -> Floats:
        raise NotImplementedError

    def _components(self) -> tuple[Tensor, Tensor, Tensor]:
        """The normal parts the density is a sum of: centres k d, shares and deviations."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Mixture(World):
    """Round normal modes: p(x) = Σ wₖ N(x; cₖ, σₖ² I). The density is exact."""

    centres: tuple[tuple[float, ...], ...]
    """Middle of each mode."""
    weights: tuple[float, ...] = ()
    """Share of each mode, summing to 1; empty for equal shares."""
    sigmas: tuple[float, ...] = ()
    """Deviation of each mode; empty where all have `sigma`."""
    attributes: tuple[tuple[float, ...], ...] = ()
    """Of each mode, several labels that are 0 or 1; empty where the mode itself is the label."""

    @property
    def shares(self) -> tuple[float, ...]:
        """Share of each mode."""
        return self.weights or (1 / len(self.centres),) * len(self.centres)

    @property
    def spreads(self) -> tuple[float, ...]:
        """Deviation of each mode."""
        return self.sigmas or (self.sigma,) * len(self.centres)

    @property
    def spec(self) -> DataSpec:
        """One pixel; the label is the mode, or its attributes."""
        if self.attributes:
            rates = np.asarray(self.shares) @ np.asarray(self.attributes)
            return replace(
                super().spec,
                label_kind="multi-label",
                label_size=len(self.attributes[0]),
                label_shares=tuple(rates.tolist()),
            )
        classes = len(self.centres) if len(self.centres) > 1 else 0
        return replace(super().spec, classes=classes, label_shares=self.weights)

    def _components(self) -> tuple[Tensor, Tensor, Tensor]:
        parts = (self.centres, self.shares, self.spreads)
        centres, shares, sigmas = (torch.tensor(part, dtype=torch.float64) for part in parts)
        return centres, shares, sigmas

    def _modes(self, u: Floats) -> NDArray[np.int64]:
        return np.searchsorted(np.cumsum(self.shares)[:-1], u[:, 0], side="right")

    def _labels(self, u: Floats) -> NDArray[Any]:
        modes = self._modes(u)
        return np.asarray(self.attributes, np.float32)[modes] if self.attributes else modes

    def _points(self, u: Floats) -> Floats:
        chosen = self._modes(u)
        noise = _normals(u[:, 1:3], self.dims) * np.asarray(self.spreads)[chosen, None]
        return np.asarray(self.centres)[chosen] + noise


@dataclass(frozen=True, kw_only=True)
class Curve(World):
    """A line with round normal noise: p(x) = ∫ N(x; c(t), σ² I) dt, t uniform in (0, 1).

    The integral is a sum over 512 places.
    """

    line: Callable[[Floats], Floats]
    """c: places (n,) to points (n, 2)."""

    @property
    def spec(self) -> DataSpec:
        """One pixel; the label is the place along the line, from −1 to 1."""
        return replace(super().spec, label_kind="continuous", label_size=1)

    def _labels(self, u: Floats) -> NDArray[Any]:
        return (2 * u[:, :1] - 1).astype(np.float32)

    def _components(self) -> tuple[Tensor, Tensor, Tensor]:
        places = (np.arange(_NODES) + 0.5) / _NODES
        one = torch.ones(_NODES, dtype=torch.float64)
        return torch.from_numpy(self.line(places)), one / _NODES, one * self.sigma

    def _points(self, u: Floats) -> Floats:
        return self.line(u[:, 0]) + self.sigma * _normals(u[:, 1:3], self.dims)


@dataclass(frozen=True)
class ToyDraws:
    """Where a trainer gets the points of a world from."""

    world: World
    seed: int = 0
    batch_type: type[Batch] = Images
    """Images, or Labelled for points with their labels."""

    def batch(self, numbers: range, resolution: Any) -> Images:
        """The points with these numbers, as pictures of 1 × 1 pixels; `resolution` is 1."""
        points = images_of(self.world.sample(numbers, self.seed))
        if self.batch_type is Images:
            return points
        return Labelled(points.image, self.world.labels(numbers, self.seed))
