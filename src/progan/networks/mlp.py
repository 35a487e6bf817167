"""The dense networks of the first GAN paper.

    generator       z → [dense, relu] × 2 → dense → tanh
    discriminator   dropout → [dense, maxout, dropout] × 2 → dense 1

Source:  Goodfellow et al. 2014, section 5; sizes from the code published with it: 1200 rectified
         units twice, and 240 maxout units of 5 pieces twice, with half of all units dropped
         (a fifth in the first hidden layer).
Departs: pictures end in tanh on [−1, 1]; the paper's in a sigmoid on [0, 1].
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["DenseDiscriminator", "DenseGenerator", "Maxout"]


class Maxout(nn.Module):
    """A dense layer of which each output is the largest of `pieces` linear ones.

    Source: Goodfellow et al. 2013 (Maxout Networks), section 2.
    """

    def __init__(self, in_features: int, out_features: int, pieces: int = 5) -> None:
        super().__init__()
        self.linear = nn.Linear(in_features, out_features * pieces)
        self.pieces = pieces

    def forward(self, x: Float[Tensor, "n f"]) -> Float[Tensor, "n o"]:
        """Multiply `x`, and keep the largest pieces."""
        return self.linear(x).view(len(x), -1, self.pieces).amax(dim=2)


class DenseGenerator(nn.Module):
    """Latents to square pictures through rectified dense layers."""

    def __init__(
        self, *, resolution: int, channels: int, latent_size: int, hidden: int = 1200
    ) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(latent_size, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, channels * resolution**2),
            nn.Tanh(),
            nn.Unflatten(1, (channels, resolution, resolution)),
        )

    def forward(self, z: Float[Tensor, "n z"]) -> Float[Tensor, "n c h w"]:
        """Draw the pictures of `z`."""
        return self.body(z).float()


class DenseDiscriminator(nn.Module):
    """Square pictures to logits of being real, through maxout layers."""

    def __init__(self, *, resolution: int, channels: int, hidden: int = 240) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Flatten(),
            Maxout(channels * resolution**2, hidden),
            nn.Dropout(0.2),
            Maxout(hidden, hidden),
            nn.Dropout(0.5),
            nn.Linear(hidden, 1),
        )

    def forward(self, image: Float[Tensor, "n c h w"]) -> Float[Tensor, " n"]:
        """Judge `image`."""
        return self.body(image).float().squeeze(1)
