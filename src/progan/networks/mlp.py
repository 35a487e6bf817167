"""Dense networks for whole pictures: those of the first GAN paper, of f-GAN and of WGAN.

    generator            z → [dense, (batch norm,) relu] × 2 → dense → tanh
    discriminator        [dense, maxout, dropout] × 2 → dense 1
    f-GAN's              [dense, elu] × 2 → dense 1
    WGAN's               [dense, leaky relu] × 3 → dense 1

Source:  Goodfellow et al. 2014, section 5; sizes from the code published with it: 1200 rectified
         units twice, and 240 maxout units of 5 pieces twice, with half of all units dropped
         (a fifth in the first hidden layer). Nowozin et al. 2016 (f-GAN), section 4.2: batch norm
         in the generator, exponential linear units in the other. Arjovsky et al. 2017 (WGAN),
         section 4.3: four layers, 512 units.
Departs: pictures end in tanh on [−1, 1]; in the first two papers in a sigmoid on [0, 1]. f-GAN's
         hidden layers have 240 units, which its paper leaves open; WGAN's critic is leaky.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from torch import Tensor, nn

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["DenseCritic", "DenseDiscriminator", "DenseGenerator", "Maxout", "stack"]


def stack(sizes: list[int], activation: type[nn.Module], *options: float) -> list[nn.Module]:
    """Dense layers from each size to the next, each with its activation but the last."""
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes[:-1]):
        layers += [nn.Linear(before, after), activation(*options)]
    return [*layers, nn.Linear(sizes[-2], sizes[-1])]


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
        self,
        *,
        resolution: int,
        channels: int,
        latent_size: int,
        hidden: int = 1200,
        batch_norm: bool = False,
    ) -> None:
        super().__init__()

        def layer(before: int) -> list[nn.Module]:
            norm: list[nn.Module] = [nn.BatchNorm1d(hidden)] if batch_norm else []
            return [nn.Linear(before, hidden), *norm, nn.ReLU()]

        self.body = nn.Sequential(
            *layer(latent_size),
            *layer(hidden),
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


class DenseCritic(nn.Module):
    """Square pictures to scores, through layers that neither drop units nor look at the batch."""

    def __init__(
        self,
        *,
        resolution: int,
        channels: int,
        hidden: int = 512,
        layers: int = 3,
        elu: bool = False,
    ) -> None:
        super().__init__()
        sizes = [channels * resolution**2, *[hidden] * layers, 1]
        inner = stack(sizes, nn.ELU) if elu else stack(sizes, nn.LeakyReLU, 0.2)
        self.body = nn.Sequential(nn.Flatten(), *inner)

    def forward(self, image: Float[Tensor, "n c h w"]) -> Float[Tensor, " n"]:
        """Judge `image`."""
        return self.body(image).float().squeeze(1)
