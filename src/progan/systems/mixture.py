"""A mixture of generators: which one draws a picture is a latent like any other.

k ~ Categorical(π),  z ~ p(z),  x = G_k(z)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from progan.core.batch import Images
from progan.core.latents import LatentField, Latents, draw_fields
from progan.core.plan import Progress
from progan.core.system import System
from progan.systems.configs.ensemble import EnsembleConfig

__all__ = ["Mixture", "shares"]


def shares(config: EnsembleConfig) -> tuple[float, ...]:
    """π: each member's share of the pictures."""
    weights = config.mixture or (1.0,) * config.members
    return tuple(weight / sum(weights) for weight in weights)


def fields_of(config: EnsembleConfig) -> tuple[LatentField, ...]:
    """The latent of a member, and which member."""
    return (
        LatentField(name="z", shape=(config.latent_size,), prior=config.latent_prior),
        LatentField(
            name="member",
            shape=(),
            prior="categorical",
            role="class",
            choices=config.members,
            weights=shares(config) if config.mixture else (),
        ),
    )


class Mixture(System[Images]):
    """Several generators, and pictures from all of them."""

    latent_fields: tuple[LatentField, ...]

    def draw(self, n: int, truncation: float | None = None) -> Latents:
        """Draw latents for `n` pictures on the CPU: a seed is the same picture on every device."""
        return draw_fields(self.latent_fields, n, truncation=truncation)

    def generate(self, latents: Latents, at: Progress) -> Tensor:
        """Pictures for `latents`, in float32; each member draws its own rows."""
        raise NotImplementedError(f"{type(self).__name__} must say how its members draw")

    @torch.no_grad()
    def preview(self, batch: Images, at: Progress) -> Mapping[str, Tensor]:
        """Reals, and as many fakes, from one member after the other."""
        latents: dict[str, Any] = dict(self.draw(len(batch)))
        latents["member"] = torch.arange(len(batch)) % self.latent_fields[1].choices
        made = self.generate(latents, at)
        return {"real": batch.image, "samples": made.clamp(-1, 1)}
