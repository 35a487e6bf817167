"""Spectral norm: weights divided by their largest singular value."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils.parametrize import register_parametrization

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["SpectralNorm", "with_spectral_norm"]


class SpectralNorm(nn.Module):
    """Divide a weight by an estimate of its largest singular value.

        v = Wᵀu / ‖Wᵀu‖,   u ← Wv / ‖Wv‖,   out = W / (uᵀ W v)

    W has a row for each output. u is remembered, and moves by one step of the power method at
    each pass in training; it carries no gradient. In float32, whatever the precision around it.

    Source: Miyato et al. 2018 (SNGAN), algorithm 1.
    """

    u: Tensor

    def __init__(self, weight: Float[Tensor, "out ..."]) -> None:
        super().__init__()
        self.register_buffer("u", normalize(torch.randn(len(weight), device=weight.device), dim=0))

    def forward(self, weight: Float[Tensor, "out ..."]) -> Float[Tensor, "out ..."]:
        """The weight, divided."""
        kind = weight.device.type
        real = torch.amp.is_autocast_available(kind)  # the device meta has none
        with torch.autocast(kind, enabled=False) if real else nullcontext():
            rows = weight.flatten(1)
            with torch.no_grad():
                v = normalize(rows.T @ self.u, dim=0)
                u = normalize(rows @ v, dim=0)
                if self.training:
                    self.u.copy_(u)
            return weight / (u @ (rows @ v)).clamp_min(1e-12)


def with_spectral_norm(network: nn.Module) -> nn.Module:
    """Give every dense and convolutional layer of `network` spectral norm; the same network."""
    for module in list(network.modules()):
        if isinstance(module, nn.Linear | nn.Conv2d):
            register_parametrization(module, "weight", SpectralNorm(module.weight))
    return network
