"""Settings of SinGAN, its presets, and the sizes of its scales. No torch here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from progan.core.errors import ConfigError
from progan.core.plan import Plan, Size, Stage, height_width
from progan.core.specs import Adam, Average

__all__ = ["LEAST_SIDE", "SinGANConfig", "same_shape", "sizes"]

LEAST_SIDE = 21
"""Shorter side of the coarsest scale, at least: a critic of 11 × 11 patches then has 11 × 11 of
them to judge. Below, its scores were seen to run away."""


@dataclass(frozen=True, kw_only=True)
class SinGANConfig:
    """A pyramid of small patch games upon one picture."""

    DEVICE_PRESETS: ClassVar[Mapping[str, str]] = {"cpu": "cpu"}
    """What is taken where no preset is named."""
    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {},
        "larger": {"factor": 4 ** (-1 / 6), "exact_factor": True, "reconstruction": 100.0},
        "animation": {"border": "noise"},
        "paint": {"paint_scale": 2},
        "cpu": {"max_size": 64, "min_size": 24, "iterations": 270},
        "cpu-larger": {
            "max_size": 64,
            "min_size": 24,
            "iterations": 270,
            "factor": 4 ** (-1 / 6),
            "exact_factor": True,
            "reconstruction": 100.0,
        },
        "cpu-paint": {"max_size": 64, "min_size": 24, "iterations": 270, "paint_scale": 1},
    }
    PRESET_HELP: ClassVar[Mapping[str, str]] = {
        "paper": "Shaham et al. 2019 as published: up to 250 pixels, 2000 rounds a scale",
        "larger": "the same for super-resolution: scales a sixth of 4 apart, pictures held closer",
        "animation": "the same for films: noise goes on beyond the border",
        "paint": "the same for sketches: scale 2 learns to draw upon five colours",
        "cpu": "at most 64 pixels and 270 rounds a scale, about two minutes on a core",
        "cpu-larger": "larger, in the size and length of cpu",
        "cpu-paint": "paint, in the size and length of cpu, at scale 1",
    }

    max_size: int = 250
    """Longer side of the finest scale, in pixels; a larger picture is shrunk to it."""
    min_size: int = 25
    """Shorter side of the coarsest scale, in pixels, about."""
    factor: float = 0.75
    """From a scale to the next coarser one; bent so that the coarsest has `min_size`."""
    exact_factor: bool = False
    """Whether the factor is kept as it is, and the coarsest scale is larger than `min_size`."""
    layers: int = 5
    """Convolutions of each network; each sees one pixel further, so patches are 2 · layers + 1."""
    width: int = 32
    """Channels of the networks of the coarsest scales."""
    doubling: int = 4
    """Scales after which the width doubles."""
    widest: int = 128
    """Channels at most."""
    iterations: int = 2000
    """Rounds of both players at each scale."""
    critic_steps: int = 3
    """Moves of the critic in a round."""
    generator_steps: int = 3
    """Moves of the generator in a round, each on fakes of its own."""
    batch: int = 1
    """Fakes at a time, beside as many copies of the picture."""
    optimizer: Adam = field(default_factory=lambda: Adam(lr=5e-4, betas=(0.5, 0.999)))
    """Of both players."""
    settled: float = 0.8
    """Share of a scale after which the rate is a tenth."""
    reconstruction: float = 10.0
    """Weight of the error of the picture that the fixed noise must give (α)."""
    penalty: float = 0.1
    """Weight of the gradient penalty (λ)."""
    penalty_norm: Literal["pixel", "image"] = "pixel"
    """Whose slope is held near one: each pixel's, over its channels, as the published code; or the
    whole picture's, as in WGAN-GP."""
    noise: float = 0.1
    """Deviation of a scale's noise, over the error of the scales below it."""
    border: Literal["zero", "noise"] = "zero"
    """What surrounds the noise of a picture: zeros, or more noise; the picture always has zeros."""
    paint_scale: int = 0
    """A scale that learns to draw upon few colours, for sketches that enter there; 0 for none."""
    paint_colours: int = 5
    """How many."""
    average: Average = field(default_factory=lambda: Average(half_life_images=None, decay=0.0))
    """Running average by which generators are shown; the published ones have none."""

    def __post_init__(self) -> None:
        for name in ("layers", "width", "doubling", "widest", "iterations", "batch"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least 1.")
        for name in ("critic_steps", "generator_steps"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least 1.")
        if not LEAST_SIDE <= self.min_size <= self.max_size <= 1024:
            raise ConfigError(
                f"min_size is {self.min_size} and max_size {self.max_size}; they must be from "
                f"{LEAST_SIDE} to 1024, the first no larger than the second."
            )
        if not 0.3 <= self.factor <= 0.95:
            raise ConfigError(f"factor is {self.factor}; it must be from 0.3 to 0.95.")
        if self.paint_scale < 0 or not 2 <= self.paint_colours <= 64:
            raise ConfigError(
                f"paint_scale is {self.paint_scale} and paint_colours {self.paint_colours}; the "
                "first must be 0 or more, the second from 2 to 64."
            )
        if not 0 < self.settled <= 1:
            raise ConfigError(f"settled is {self.settled}; it must be above 0 and at most 1.")

    def sizes(self, height: int, width: int) -> tuple[tuple[int, int], ...]:
        """The sizes of a picture's scales, coarsest first."""
        return sizes(
            height,
            width,
            max_size=self.max_size,
            min_size=self.min_size,
            factor=self.factor,
            exact=self.exact_factor,
        )

    def width_at(self, scale: int) -> int:
        """Channels of the networks of a scale: min(width · 2^⌊scale / doubling⌋, widest)."""
        wide = self.width << min(scale // self.doubling, 16)
        return min(wide, max(self.widest, self.width))

    def plan(self, size: Size) -> Plan:
        """A stage for each scale of a picture, coarsest first."""
        return Plan(
            tuple(
                Stage(
                    name=f"{scale[0]}x{scale[1]}",
                    images=self.iterations * self.critic_steps * self.batch,
                    resolution=same_shape(scale),
                    batch=self.batch,
                )
                for scale in self.sizes(*height_width(size))
            )
        )


def same_shape(size: tuple[int, int]) -> Size:
    """A size as plans have it: one number for a square."""
    return size[0] if size[0] == size[1] else size


def sizes(
    height: int,
    width: int,
    *,
    max_size: int = 250,
    min_size: int = 25,
    factor: float = 0.75,
    exact: bool = False,
) -> tuple[tuple[int, int], ...]:
    """Height and width of the scales of a picture, coarsest first.

        S = ⌈log(min_size / min(H, W)) / log r₀⌉ + 1 − ⌈log(min(max_size, max(H, W)) / max(H, W)) /
            log r₀⌉
        r = (min_size / min(h, w))^(1/S),   scale n has r^(S − n) · (h, w),   n = 0 … S

    with H × W the picture and h × w the same, shrunk to `max_size`; r₀ is `factor`. Sides are
    rounded to whole pixels. Where the factor is `exact`, r is r₀ and S is as large as keeps the
    shorter side of the coarsest scale at `min_size` or above.

    Raises: ConfigError where the shorter side, shrunk, is below `min_size`.

    Source: Shaham et al. 2019 (SinGAN), section 2.1; the number of scales from the code published
            with it (functions.py), and its exact factor from its super-resolution.
    """
    shrunk = min(1.0, max_size / max(height, width))
    h, w = (max(1, round(side * shrunk)) for side in (height, width))
    short = min(h, w)
    if short < min_size:
        longer = f", shrunk to {h} × {w} by max_size {max_size}" if shrunk < 1 else ""
        wanted = math.ceil(min_size * max(h, w) / short)
        able = shrunk < 1 and min(height, width) >= min_size and wanted <= 1024
        way = f"set max_size={wanted}" if able else "cut or enlarge the picture"
        raise ConfigError(
            f"The picture is {height} × {width} pixels{longer}; its shorter side must have "
            f"{min_size} or more at its finest scale: {way}."
        )
    steps = math.log(factor)
    if exact:
        scales, ratio = math.floor(math.log(min_size / short) / steps + 1e-9), factor
    else:
        stop = math.ceil(math.log(min(max_size, max(height, width)) / max(height, width)) / steps)
        scales = math.ceil(math.log(min_size / min(height, width)) / steps) + 1 - stop
        scales = max(1, scales) if short > min_size else 0
        ratio = (min_size / short) ** (1 / scales) if scales else 1.0
    found = [
        (round(h * ratio ** (scales - n)), round(w * ratio ** (scales - n)))
        for n in range(scales + 1)
    ]
    return tuple(dict.fromkeys(found))
