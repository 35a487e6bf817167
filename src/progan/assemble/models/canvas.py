"""What pictures of a model of one picture are drawn on: a size, and the scale that begins.

Noise is drawn for the size that is asked for; below the scale that pictures start at, the noise
that was fixed before training stands in its place.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from progan.core.latents import Latents, draw_fields, scaled
from progan.core.randomness import seed_of
from progan.systems.singan import SinGAN

__all__ = ["Canvas"]


@dataclass(frozen=True)
class Canvas:
    """What pictures are drawn on."""

    start: int = 0
    """Scale from which noise is new."""
    size: tuple[int, int] | None = None
    """Height and width; None: the training picture's."""

    def latents(self, system: SinGAN, seed: int, truncation: float | None, std: float) -> Latents:
        """One row of noise: a function of its seed and of the canvas."""
        fields = system.latent_fields
        if self.size is not None:
            fields = system.fields_of(system.sizes_for(*self.size))
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed_of("sample", seed))
            row = scaled(fields, draw_fields(fields, 1, truncation=truncation), std)
        return system.held(row, self.start) if self.start else row
