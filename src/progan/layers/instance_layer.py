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

    def mixed(
        self, x: Float[Tensor, "n c h w"], gamma: Tensor, beta: Tensor
    ) -> Float[Tensor, "n c h w"]:
        """γ times the mixture, plus β: γ and β are c, or n c.

        With d = x − μ_I it is the line γ (ρ_I / σ_I + ρ_L / σ_L) d + γ ρ_L (μ_I − μ_L) / σ_L + β on
        each map, and σ²_L the mean over maps of σ²_I + (μ_I − μ_L)². Torch's own variance takes
        ten times as long.
        """
        exact = _exact(x)
        pixels, channels = x.shape[2] * x.shape[3], x.shape[1]
        mean = exact.mean(dim=(2, 3))
        d = exact - mean[..., None, None]
        variance = d.square().mean(dim=(2, 3))
        off = mean - mean.mean(dim=1, keepdim=True)
        whole = (variance + off.square()).mean(dim=1, keepdim=True)
        instance, layer = self.shares.T
        by_map = instance * self._inverse(variance, pixels)
        by_picture = layer * self._inverse(whole, pixels * channels)
        slope, offset = gamma * (by_map + by_picture), gamma * by_picture * off + beta
        return torch.addcmul(offset[..., None, None], d, slope[..., None, None]).to(x.dtype)

    def _inverse(self, variance: Tensor, count: int) -> Tensor:
        """1 / √(unbiased variance of so many numbers + ε)."""
        return (variance * (count / max(1, count - 1)) + self.eps).rsqrt()


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
        return self.mixed(x, self.weight, self.bias)


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
        return self.mixed(x, _exact(gamma), _exact(beta))


def _exact(x: Tensor) -> Tensor:
    """In float32 or better."""
    return x if x.dtype is torch.float64 else x.float()
