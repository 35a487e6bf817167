"""Networks that are given a label beside their latent or picture, by concatenation.

    dense           z → [dense, relu] beside y → [dense, relu], both → [dense, relu] → dense, tanh
                    x → maxout beside y → maxout, both → maxout → dense 1
    convolutional   DCGAN's layers, each given a constant plane for every number of the label;
                    or batch norm that depends on the label, and no planes
    points          the toy networks, given the label beside the latent or the point

Labels come as rows of k numbers, one-hot for classes.

Source:  Mirza & Osindero 2014, "Conditional Generative Adversarial Nets", section 4.1: 200 and
         1000, then 1200 rectified units; maxout of 240 units and 5 pieces, 50 and 5, then 240 and
         4. Planes at every layer from the code of Radford et al. 2016 (DCGAN).
Departs: the paper's generator ends in a sigmoid, ours in tanh on [−1, 1]. Half the units of all
         hidden layers are dropped in the discriminator, whose paper names dropout without a place.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from progan.layers.labels import ConditionalBatchNorm2d, with_planes
from progan.networks.dcgan import Norm, normed, start_small, widths
from progan.networks.mlp import Maxout, stack

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = [
    "ConvLabelledDiscriminator",
    "ConvLabelledGenerator",
    "DenseLabelledDiscriminator",
    "DenseLabelledGenerator",
    "ToyLabelledCritic",
    "ToyLabelledGenerator",
]


class ToyLabelledGenerator(nn.Module):
    """Latents and labels to points, or to pictures of any range."""

    def __init__(
        self, *, resolution: int, channels: int, latent_size: int, labels: int, hidden: int = 128
    ) -> None:
        super().__init__()
        values = channels * resolution**2
        self.body = nn.Sequential(
            *stack([latent_size + labels, hidden, hidden, hidden, values], nn.ReLU),
            nn.Unflatten(1, (channels, resolution, resolution)),
        )

    def forward(self, z: Float[Tensor, "n z"], y: Float[Tensor, "n k"]) -> Float[Tensor, "n c h w"]:
        """Draw the pictures of `z` that `y` asks for."""
        return self.body(torch.cat([z, y], dim=1)).float()


class ToyLabelledCritic(nn.Module):
    """Points or pictures, and labels, to scores."""

    def __init__(self, *, resolution: int, channels: int, labels: int, hidden: int = 128) -> None:
        super().__init__()
        values = channels * resolution**2
        sizes = [values + labels, hidden, hidden, hidden, 1]
        self.body = nn.Sequential(*stack(sizes, nn.LeakyReLU, 0.2))

    def forward(
        self, image: Float[Tensor, "n c h w"], y: Float[Tensor, "n k"]
    ) -> Float[Tensor, " n"]:
        """Judge whether `image` is real and belongs to `y`."""
        return self.body(torch.cat([image.flatten(1), y], dim=1)).float().squeeze(1)


class DenseLabelledGenerator(nn.Module):
    """Latents and labels to pictures: each through rectified units of its own, then joined."""

    def __init__(self, *, resolution: int, channels: int, latent_size: int, labels: int) -> None:
        super().__init__()
        self.latent = nn.Sequential(nn.Linear(latent_size, 200), nn.ReLU())
        self.label = nn.Sequential(nn.Linear(labels, 1000), nn.ReLU())
        self.body = nn.Sequential(
            nn.Linear(1200, 1200),
            nn.ReLU(),
            nn.Linear(1200, channels * resolution**2),
            nn.Tanh(),
            nn.Unflatten(1, (channels, resolution, resolution)),
        )

    def forward(self, z: Float[Tensor, "n z"], y: Float[Tensor, "n k"]) -> Float[Tensor, "n c h w"]:
        """Draw the pictures of `z` that `y` asks for."""
        return self.body(torch.cat([self.latent(z), self.label(y)], dim=1)).float()


class DenseLabelledDiscriminator(nn.Module):
    """Pictures and labels to logits: each through maxout units of its own, then joined."""

    def __init__(self, *, resolution: int, channels: int, labels: int) -> None:
        super().__init__()
        self.image = Maxout(channels * resolution**2, 240, pieces=5)
        self.label = Maxout(labels, 50, pieces=5)
        self.body = nn.Sequential(
            nn.Dropout(0.5), Maxout(290, 240, pieces=4), nn.Dropout(0.5), nn.Linear(240, 1)
        )

    def forward(
        self, image: Float[Tensor, "n c h w"], y: Float[Tensor, "n k"]
    ) -> Float[Tensor, " n"]:
        """Judge whether `image` is real and belongs to `y`."""
        joined = torch.cat([self.image(image.flatten(1)), self.label(y)], dim=1)
        return self.body(joined).float().squeeze(1)


class ConvLabelledGenerator(nn.Module):
    """DCGAN's generator, told the label at every layer.

    By a plane for each number of the label; with `norm="conditional-batch"` by its norms alone.
    """

    def __init__(
        self,
        *,
        resolution: int,
        channels: int,
        latent_size: int,
        labels: int,
        width: int = 128,
        norm: Norm | str = "batch",
    ) -> None:
        super().__init__()
        sizes, plain = widths(resolution, width), norm == "none"
        conditional = norm == "conditional-batch"
        extra = 0 if conditional else labels
        self.planes = not conditional
        first = nn.ConvTranspose2d(latent_size + extra, sizes[0], 4, bias=plain)
        later = [
            nn.ConvTranspose2d(before + extra, after, 4, stride=2, padding=1, bias=plain)
            for before, after in pairwise(sizes)
        ]
        self.layers = nn.ModuleList([first, *later])
        norms = [
            ConditionalBatchNorm2d(size, labels)
            if conditional
            else nn.Sequential(*normed(size, "none" if plain else "batch"))
            for size in sizes
        ]
        self.norms = nn.ModuleList(norms)
        self.last = nn.ConvTranspose2d(sizes[-1] + extra, channels, 4, stride=2, padding=1)
        self.apply(start_small)

    def forward(self, z: Float[Tensor, "n z"], y: Float[Tensor, "n k"]) -> Float[Tensor, "n c h w"]:
        """Draw the pictures of `z` that `y` asks for."""
        x = z[:, :, None, None]
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = layer(self.told(x, y))
            x = norm(x, y) if isinstance(norm, ConditionalBatchNorm2d) else norm(x)
            x = x.relu_()
        return self.last(self.told(x, y)).tanh().float()

    def told(self, x: Tensor, y: Tensor) -> Tensor:
        """The input of a layer: features, and the label where it comes in planes."""
        return with_planes(x, y) if self.planes else x


class ConvLabelledDiscriminator(nn.Module):
    """DCGAN's discriminator with a plane for each number of the label at every layer."""

    def __init__(
        self, *, resolution: int, channels: int, labels: int, width: int = 128, norm: Norm = "batch"
    ) -> None:
        super().__init__()
        sizes, plain = widths(resolution, width)[::-1], norm == "none"
        first = nn.Conv2d(channels + labels, sizes[0], 4, stride=2, padding=1)
        later = [
            nn.Conv2d(before + labels, after, 4, stride=2, padding=1, bias=plain)
            for before, after in pairwise(sizes)
        ]
        self.layers = nn.ModuleList([first, *later])
        self.norms = nn.ModuleList(
            [nn.Sequential(), *(nn.Sequential(*normed(size, norm)) for size in sizes[1:])]
        )
        self.last = nn.Conv2d(sizes[-1] + labels, 1, 4)
        self.apply(start_small)

    def forward(
        self, image: Float[Tensor, "n c h w"], y: Float[Tensor, "n k"]
    ) -> Float[Tensor, " n"]:
        """Judge whether `image` is real and belongs to `y`."""
        x = image
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = leaky_relu(norm(layer(with_planes(x, y))), 0.2)
        return self.last(with_planes(x, y)).float().flatten()
