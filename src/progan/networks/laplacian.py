"""Networks of LAPGAN: dense ones for the coarsest pictures, convolutions for each finer band.

    coarsest   generator      z → [dense, relu] × 2 → dense
               discriminator  x → [dense, relu, dropout] × 2 → dense 1
    small      generator      noise, l → [7×7, relu] × 2 → 5×5
               discriminator  h + l → 5×5, relu → 5×5 stride 2, relu, dropout → dense 1
    large      generator      noise, l → 7×7 64 → 7×7 368 → 7×7 128, pairs pooled → 5×5 224 → 7×7
               discriminator  h + l → 3×3 48 → 5×5 448 → 7×7 416 → dense 1

Nothing bounds what generators give: bands and pictures are as they come. A label becomes one plane
beside the maps of a level, or numbers beside those of the coarsest.

Source:  Denton et al. 2015, "Deep Generative Image Models using a Laplacian Pyramid of Adversarial
         Networks"; sizes and kernels from the code published with it (facebook/eyescream): small is
         its CIFAR-10 model, large its LSUN model, with its groups, batch norms, dropped maps and
         pooling of pairs of maps by their root of squares.
Departs: the large generator's batch norm of the band itself is left out: it would force a
         band's size. Up to 8 pixels convolutions of discriminators are padded: unpadded ones
         would leave nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = [
    "BandDiscriminator",
    "BandGenerator",
    "CoarseDiscriminator",
    "CoarseGenerator",
    "PairPool",
]

Join = Literal["sum", "concat"]
Kind = Literal["small", "large"]
PADDED = 8
"""Pixels up to which convolutions of discriminators are padded."""


class CoarseGenerator(nn.Module):
    """Latents, and a label's row if there are labels, to the coarsest pictures."""

    def __init__(
        self, *, resolution: int, channels: int, latent_size: int, labels: int, hidden: int
    ) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(latent_size + labels, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, channels * resolution**2),
            nn.Unflatten(1, (channels, resolution, resolution)),
        )

    def forward(
        self, z: Float[Tensor, "n z"], y: Float[Tensor, "n k"] | None = None
    ) -> Float[Tensor, "n c h w"]:
        """Draw the pictures of `z`."""
        return self.body(z if y is None else torch.cat([z, y], dim=1)).float()


class CoarseDiscriminator(nn.Module):
    """The coarsest pictures, and a label's row if there are labels, to logits."""

    def __init__(
        self, *, resolution: int, channels: int, labels: int, hidden: int, dropout: float
    ) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(channels * resolution**2 + labels, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, 1),
        )

    def forward(
        self, image: Float[Tensor, "n c h w"], y: Float[Tensor, "n k"] | None = None
    ) -> Float[Tensor, " n"]:
        """Judge `image`."""
        x = image.flatten(1)
        return self.body(x if y is None else torch.cat([x, y], dim=1)).float().squeeze(1)


class LabelPlane(nn.Module):
    """A label's row as one plane, which has a number of its own at every place.

    Source: Denton et al. 2015, section 3.1, the class-conditional model.
    """

    def __init__(self, labels: int, resolution: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(labels, resolution**2),
            nn.ReLU(),
            nn.Unflatten(1, (1, resolution, resolution)),
        )

    def forward(self, y: Float[Tensor, "n k"]) -> Float[Tensor, "n 1 h w"]:
        """Draw the plane of `y`."""
        return self.body(y)


class BandGenerator(nn.Module):
    """A plane of noise and the enlarged coarse picture to the band of detail it lacks."""

    def __init__(
        self, *, resolution: int, channels: int, labels: int, width: int, kind: Kind
    ) -> None:
        super().__init__()
        self.plane = LabelPlane(labels, resolution) if labels else None
        make = {"small": small_generator, "large": large_generator}[kind]
        self.body = make(1 + channels + bool(labels), channels, width)

    def forward(
        self,
        noise: Float[Tensor, "n 1 h w"],
        coarse: Float[Tensor, "n c h w"],
        y: Float[Tensor, "n k"] | None = None,
    ) -> Float[Tensor, "n c h w"]:
        """Draw the band of `coarse`."""
        return self.body(beside([noise, coarse], self.plane, y)).float()


class BandDiscriminator(nn.Module):
    """Band and coarse picture to logits, joined by their sum or side by side.

    With the sum nothing changes where a constant moves from one to the other.
    """

    def __init__(
        self,
        *,
        resolution: int,
        channels: int,
        labels: int,
        width: int,
        kind: Kind,
        join: Join,
        dropout: float,
    ) -> None:
        super().__init__()
        self.join = join
        self.plane = LabelPlane(labels, resolution) if labels else None
        inputs = channels * (1 if join == "sum" else 2) + bool(labels)
        padded = resolution <= PADDED
        self.body, maps, side = (
            small_discriminator(inputs, width, resolution, padded, dropout)
            if kind == "small"
            else large_discriminator(inputs, width, resolution, padded)
        )
        self.last = nn.Linear(maps * side**2, 1)

    def forward(
        self,
        band: Float[Tensor, "n c h w"],
        coarse: Float[Tensor, "n c h w"],
        y: Float[Tensor, "n k"] | None = None,
    ) -> Float[Tensor, " n"]:
        """Judge whether `band` is what `coarse` lacks."""
        maps = [band + coarse] if self.join == "sum" else [band, coarse]
        return self.last(self.body(beside(maps, self.plane, y))).float().squeeze(1)


def beside(maps: list[Tensor], plane: LabelPlane | None, y: Tensor | None) -> Tensor:
    """`maps` and the label's plane, if there is one, in one tensor."""
    if plane is None:
        return torch.cat(maps, dim=1)
    assert y is not None
    return torch.cat([*maps, plane(y)], dim=1)


class PairPool(nn.Module):
    """Neighbouring pairs of maps become one: √(a² + b²).

    Source: the code published with Denton et al. 2015, the LSUN generator (pooling over features
            by their 2-norm).
    """

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d h w"]:
        """Pool `x`."""
        # of the norm the slope at 0 is 0; that of a root would be infinite
        n, c, h, w = x.shape
        return torch.linalg.vector_norm(x.view(n, c // 2, 2, h, w), dim=2)


def small_generator(inputs: int, channels: int, width: int) -> nn.Sequential:
    """The CIFAR-10 model's: three convolutions."""
    return nn.Sequential(
        nn.Conv2d(inputs, width, 7, padding=3),
        nn.ReLU(),
        nn.Conv2d(width, width, 7, padding=3),
        nn.ReLU(),
        nn.Conv2d(width, channels, 5, padding=2),
    )


def small_discriminator(
    inputs: int, width: int, side: int, padded: bool, dropout: float
) -> tuple[nn.Sequential, int, int]:
    """The CIFAR-10 model's: two convolutions; with their maps, and the maps' side."""
    pad = 2 if padded else 0
    body = nn.Sequential(
        nn.Conv2d(inputs, width, 5, padding=pad),
        nn.ReLU(),
        nn.Conv2d(width, width, 5, stride=2, padding=pad),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(dropout),
    )
    return body, width, (side + 4 * pad - 9) // 2 + 1


def large_generator(inputs: int, channels: int, width: int) -> nn.Sequential:
    """The LSUN model's: five convolutions, three of them in groups."""
    a, b, c, d = (share_of(size, width) for size in (64, 368, 128, 224))

    def block(inputs: int, outputs: int, kernel: int, groups: int) -> list[nn.Module]:
        convolution = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups)
        return [convolution, nn.ReLU(), nn.BatchNorm2d(outputs, affine=False)]

    return nn.Sequential(
        *block(inputs, a, 7, 1),
        *block(a, b, 7, 4),
        nn.Dropout2d(0.5),
        *block(b, c, 7, 4),
        PairPool(),
        *block(c // 2, d, 5, 2),
        nn.Dropout2d(0.5),
        nn.Conv2d(d, channels, 7, padding=3),
    )


def large_discriminator(
    inputs: int, width: int, side: int, padded: bool
) -> tuple[nn.Sequential, int, int]:
    """The LSUN model's: three convolutions, two of them in groups, none with a stride."""
    layers: list[nn.Module] = []
    for size, kernel, groups in ((48, 3, 1), (448, 5, 4), (416, 7, 16)):
        outputs, pad = share_of(size, width), kernel // 2 if padded else 0
        layers += [nn.Conv2d(inputs, outputs, kernel, padding=pad, groups=groups), nn.ReLU()]
        inputs, side = outputs, side + 2 * pad - kernel + 1
    return nn.Sequential(*layers, nn.Flatten()), inputs, side


def share_of(size: int, width: int) -> int:
    """A layer's maps where 64 stands for the published width: multiples of 16, for the groups."""
    return max(1, round(size * width / 1024)) * 16
