"""Small dense networks for points and tiny pictures: a step takes milliseconds.

    generator   z → [dense, relu] × 3 → dense
    critic      [dense, leaky relu] × 3 → dense 1

Nothing bounds what the generator gives: points lie where they lie.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from progan.networks.mlp import stack

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

__all__ = ["ToyCritic", "ToyGenerator"]


class ToyGenerator(nn.Module):
    """Latents to points, or to pictures of any range."""

    def __init__(
        self, *, resolution: int, channels: int, latent_size: int, hidden: int = 128
    ) -> None:
        super().__init__()
        values = channels * resolution**2
        self.body = nn.Sequential(
            *stack([latent_size, hidden, hidden, hidden, values], nn.ReLU),
            nn.Unflatten(1, (channels, resolution, resolution)),
        )

    def forward(self, z: Float[Tensor, "n z"]) -> Float[Tensor, "n c h w"]:
        """Draw the pictures of `z`."""
        return self.body(z).float()


class ToyCritic(nn.Module):
    """Points or pictures to scores."""

    def __init__(self, *, resolution: int, channels: int, hidden: int = 128) -> None:
        super().__init__()
        values = channels * resolution**2
        self.body = nn.Sequential(
            nn.Flatten(), *stack([values, hidden, hidden, hidden, 1], nn.LeakyReLU, 0.2)
        )

    def forward(self, image: Float[Tensor, "n c h w"]) -> Float[Tensor, " n"]:
        """Judge `image`."""
        return self.body(image).float().squeeze(1)
