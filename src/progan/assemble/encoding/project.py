"""Latents of a picture for a model without an encoder, found by going down the slope.

    loss(z) = mean over pixels of (G(z) − x)² + w · mean of (F(G(z)) − F(x))² / mean of F(x)²

F are the features of an extractor, where one is given. Many latents are drawn and the best few go
on, each by Adam with a rate that falls to 0 in a line; the best of them is the answer. Uniform
latents stay within [−1, 1]. Classes and labels stay what they are.

Source:  Zhu et al. 2016, "Generative Visual Manipulation on the Natural Image Manifold", equation
         2; Abdal et al. 2019, "Image2StyleGAN", equation 1, for features beside pixels.
Departs: neither says how to begin; theirs are one random or mean latent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from progan.assemble.models.labels import Asked, told
from progan.assemble.models.model import Model
from progan.core.grids import to_uint8
from progan.core.latents import Latents
from progan.core.system import Encodes, Samples
from progan.engine.precision import float32_products
from progan.engine.preview import draw_seeds, seeded
from progan.extractors.base import Extractor

__all__ = ["Projection", "Search", "project"]

Pixels = NDArray[np.uint8]

BLOCK = 16
"""Latents that are tried at once."""


@dataclass(frozen=True, kw_only=True)
class Search:
    """How long to look, and from where."""

    starts: int = 4
    """Latents that are improved."""
    tried: int = 64
    """Latents that are drawn, of which the best are improved."""
    steps: int = 200
    """Steps of Adam for each."""
    rate: float = 0.05
    """Its first rate."""
    features: float = 1.0
    """Weight of features, where there is an extractor (w)."""
    seed: int = 0
    """Of the first latents that are drawn."""


@dataclass(frozen=True, kw_only=True)
class Projection:
    """What was found."""

    latents: Latents
    """One row."""
    picture: Pixels
    """What the model draws of it: 1 c h w."""
    loss: float
    losses: tuple[float, ...]
    """Of each start at its end, the least first."""
    before: float
    """Of the best latent that was drawn."""


def project(
    model: Model,
    target: Pixels,
    search: Search | None = None,
    *,
    extractor: Extractor | None = None,
    label: Asked | None = None,
    progress: Callable[[int], None] = lambda step: None,
) -> Projection:
    """The latents whose picture is nearest to `target`, 1 c h w.

    A model with an encoder also begins from what that says. `progress` is told each step.
    """
    search = search or Search()
    system = model.system
    assert isinstance(system, Samples)
    fields = tuple(system.latent_fields)
    wanted = (torch.from_numpy(target).float() / 127.5 - 1).to(model.device)
    loss = _loss(wanted, extractor, search.features)

    def losses_of(latents: Latents) -> Tensor:
        return loss(system.generate(latents, model.moment))

    with seeded("project"), float32_products():
        seeds = range(search.seed, search.seed + max(search.tried, search.starts))
        drawn = draw_seeds(system, seeds)
        if label is not None:
            drawn = dict(told(fields, drawn, [label] * len(seeds), system))
        drawn = {name: value.to(model.device) for name, value in drawn.items()}
        with torch.no_grad():
            values = torch.cat(
                [
                    losses_of({k: v[first : first + BLOCK] for k, v in drawn.items()})
                    for first in range(0, len(seeds), BLOCK)
                ]
            )
            best = values.argsort(stable=True)[: search.starts]
            start = {name: value[best].clone() for name, value in drawn.items()}
            if isinstance(system, Encodes):
                for name, value in system.encode(wanted, model.moment).items():
                    start[name][-1:] = value
        moving = {
            field.name: start[field.name].requires_grad_()
            for field in fields
            if field.prior in ("normal", "uniform") and field.role != "class"
        }
        adam = torch.optim.Adam(list(moving.values()), lr=search.rate, betas=(0.9, 0.999))
        for step in range(search.steps):
            for group in adam.param_groups:
                group["lr"] = search.rate * (1 - step / search.steps)
            adam.zero_grad()
            losses_of(start).sum().backward()  # type: ignore[no-untyped-call]
            adam.step()
            with torch.no_grad():
                for field in fields:
                    if field.prior == "uniform" and field.name in moving:
                        moving[field.name].clamp_(-1, 1)
            progress(step + 1)
        with torch.no_grad():
            ends = losses_of(start)
            order = ends.argsort(stable=True)
            row = {
                name: value[order[0] : order[0] + 1].detach().cpu() for name, value in start.items()
            }
            made = to_uint8(system.generate(row, model.moment))
    return Projection(
        latents=row,
        picture=made,
        loss=float(ends.min()),
        losses=tuple(ends[order].tolist()),
        before=float(values.min()),
    )


def _loss(wanted: Tensor, extractor: Extractor | None, weight: float) -> Callable[[Tensor], Tensor]:
    """What is lowered, for each picture of n c h w."""
    if extractor is None:
        return lambda made: (made - wanted).square().flatten(1).mean(dim=1)
    with torch.no_grad():
        seen = extractor.traced(wanted)
        scale = seen.square().mean()

    def both(made: Tensor) -> Tensor:
        pixels = (made - wanted).square().flatten(1).mean(dim=1)
        features = (extractor.traced(made) - seen).square().mean(dim=1) / scale
        return pixels + weight * features

    return both
