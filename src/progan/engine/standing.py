"""Batch norm's statistics measured anew, for the very latents that pictures are made of."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch.nn.modules.batchnorm import _BatchNorm

from progan.core.latents import scaled
from progan.core.plan import Progress
from progan.core.system import Samples, System
from progan.engine.precision import float32_products
from progan.engine.preview import seeded

__all__ = ["BATCH", "standing"]

BATCH = 64
"""Pictures of a pass."""


@torch.no_grad()
def standing(
    system: System[Any], at: Progress, *, truncation: float | None = None, z_std: float = 1.0
) -> System[Any]:
    """A copy of `system` whose batch norm holds the statistics of `system.standing` batches.

    Means over passes of the batches' means and unbiased variances, of the networks that have a
    running average. Latents are a function of the pass's number, `truncation` and `z_std`. What is
    not copied is shared. Nothing else moves: spectral norm's vectors stay.

    Source: Brock et al. 2019 (BigGAN), section 3: "standing statistics".
    """
    assert isinstance(system, Samples)
    apart = {name.partition(".")[0] for name in system.averaged}
    shared = {id(module): module for name, module in system.named_children() if name not in apart}
    found: System[Any] = copy.deepcopy(system, shared)
    assert isinstance(found, Samples)
    norms = [
        module
        for name in system.averaged
        for module in found.get_submodule(name).modules()
        if isinstance(module, _BatchNorm)
    ]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all passes
        norm.train()
    for number in range(system.standing):
        with seeded("standing", number), float32_products():
            latents = scaled(found.latent_fields, found.draw(BATCH, truncation), z_std)
            found.generate(latents, at)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
    return found
