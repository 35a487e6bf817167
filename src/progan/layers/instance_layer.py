"""Instance norm and layer norm in learned shares, channel by channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["AdaptiveInstanceLayerNorm2d", "InstanceLayerNorm2d"]

LARGE, SMALL = 3.2, 1.0
"""First logits of the share that leads, and of the other: softmax gives 90 % and 10 %."""


class _Mixed(nn.Module):
    """The mixture itself; its shares are the softmax of two logits for each channel."""

    def __init__(self, channels: int, logits: tuple[float, float], eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.logits = nn.Parameter(torch.tensor(logits).repeat(channels, 1))

    @property
    def shares(self) -> Float[Tensor, "c 2"]:
        """Of instance norm and of layer norm, for each channel."""
        return self.logits.softmax(dim=1)

    def line(
        self, x: Float[Tensor, "n c h w"]
    ) -> tuple[Float[Tensor, "n c"], Float[Tensor, "n c"]]:
        """The mixture as a line for each map: a and b of a x + b.

        Of layer norm, mean and variance come from those of the maps: one reading of `x` is enough.
        """
        pixels, channels = x.shape[2] * x.shape[3], x.shape[1]
        variance, mean = torch.var_mean(x, dim=(2, 3), correction=0)
        middle = mean.mean(dim=1, keepdim=True)
        spread = (variance + (mean - middle).square()).mean(dim=1, keepdim=True)
        own, whole = (
            (biased * (n / max(1, n - 1)) + self.eps).rsqrt()
            for biased, n in ((variance, pixels), (spread, pixels * channels))
        )
        instance, layer = self.shares.T
        return instance * own + layer * whole, -instance * own * mean - layer * whole * middle


class InstanceLayerNorm2d(_Mixed):
    """Normalise each map and the whole picture, and mix the two.

        y     γ (ρ_I (x − μ_I) / √(σ²_I + ε) + ρ_L (x − μ_L) / √(σ²_L + ε)) + β
        ρ     softmax of two logits for each channel; at first 10 % instance norm, 90 % layer norm

    μ_I and σ_I are of one map, μ_L and σ_L of all maps of a picture. Variances are the unbiased
    ones. γ, β and ρ are learned, a number (ρ: two) for each channel. In float32 or better.

    Source:  Kim et al. 2020 (U-GAT-IT), equation 1; Chen et al. 2020 (NICE-GAN), appendix, with the
             code published with it for softmax and starts.
    """

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__(channels, (SMALL, LARGE), eps)
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Normalise `x`."""
        return _on_line(x, *self.line(_exact(x)), self.weight, self.bias)


class AdaptiveInstanceLayerNorm2d(_Mixed):
    """The same with γ and β that are given, for each picture; it starts at 90 % instance norm."""

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__(channels, (LARGE, SMALL), eps)

    def forward(
        self,
        x: Float[Tensor, "n c h w"],
        gamma: Float[Tensor, "n c"],
        beta: Float[Tensor, "n c"],
    ) -> Float[Tensor, "n c h w"]:
        """Normalise `x`, then stretch and move its maps by `gamma` and `beta`."""
        return _on_line(x, *self.line(_exact(x)), _exact(gamma), _exact(beta))


def _exact(x: Tensor) -> Tensor:
    """In float32 or better."""
    return x if x.dtype is torch.float64 else x.float()


def _on_line(x: Tensor, a: Tensor, b: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    """γ (a x + b) + β, in the precision of `x`."""
    slope, offset = gamma * a, gamma * b + beta
    out = torch.addcmul(offset[..., None, None], _exact(x), slope[..., None, None])
    return out.to(x.dtype)
