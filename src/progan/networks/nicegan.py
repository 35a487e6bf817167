"""NICE-GAN's networks: a discriminator whose first layers are the encoder, and a decoder.

    encoder     c4s2-w LR, c4s2-2w LR → f;   CAM;   z = LR(λ a + f)
    local       [c4s2 LR] × (layers − 6), c4s1 LR, c4s1-1
    global      of local's strided maps: c4s2 LR, c4s2 LR, c4s1 LR, c4s1-1
    decoder     c3-4w ILN R;  blocks × [x + c3 AdaILN R c3 AdaILN];
                2 × [c3 ILN R c1 ×4, pixels shuffled, ILN R];  c7 tanh

c4s2-w is a 4 × 4 convolution of stride 2 to w channels; channels double at each LR, a leaky
rectifier of slope 0.2. All borders are reflected. Every layer of encoder and heads but the 1 × 1
has spectral norm, whose vectors move only while the layer's own player does.

Source:  Chen et al. 2020, "Reusing Discriminators for Encoding: Towards Unsupervised Image-to-Image
         Translation", section 3 and appendix; sizes from the code published with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, leaky_relu, relu

from progan.layers.instance_layer import AdaptiveInstanceLayerNorm2d, InstanceLayerNorm2d
from progan.layers.spectral import with_spectral_norm

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = [
    "AttendingEncoder",
    "CamWeight",
    "GlobalHead",
    "SharedDecoder",
    "TwoHeads",
    "doubling",
]

CamWeight = Literal["stored", "normalised"]
GlobalHead = Literal["deep", "shallow"]
SLOPE = 0.2


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1, *, bias: bool) -> nn.Conv2d:
    """A convolution with reflected borders: 3 × 3 and 7 × 7 keep the side, 4 × 4 halves it or
    takes one from it."""
    pad = kernel // 2 if kernel % 2 else 1
    return nn.Conv2d(inputs, outputs, kernel, stride, pad, bias=bias, padding_mode="reflect")


def rectified(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
    """A 4 × 4 convolution and a leaky rectifier."""
    return [conv(inputs, outputs, 4, stride, bias=True), nn.LeakyReLU(SLOPE)]


class AttendingEncoder(nn.Module):
    """A picture to its features z, at a quarter of its side, and a score of it.

        score   u · [mean over places of f, maximum over places of f]
        a       1×1 of [f, f] ∘ u                  u: a number for each of the 4 w channels
        z       LR(λ a + f)                        λ = 0 at first

    `cam_weight`: which u is in a; stored: as the optimizer moves it, normalised: divided by its
    length, as it is in the score. Channels of z are 2 w. a is computed with u multiplied into the
    1×1's weight, whose two halves are added: the same, without maps twice as many.

    Source: Chen et al. 2020, section 3.2; Zhou et al. 2016 (class activation maps).
    """

    def __init__(self, channels: int, width: int, cam_weight: CamWeight = "stored") -> None:
        super().__init__()
        self.cam_weight = cam_weight
        self.features = 2 * width
        self.body = nn.Sequential(
            *rectified(channels, width, 2), *rectified(width, self.features, 2)
        )
        self.cam = nn.Linear(2 * self.features, 1, bias=False)
        self.mix = nn.Conv2d(2 * self.features, self.features, 1)
        self.strength = nn.Parameter(torch.zeros(1))
        with_spectral_norm(self, but=(self.mix,), own_turn=True)

    @property
    def attention(self) -> Float[Tensor, "1 c"]:
        """u as it weighs the channels."""
        if self.cam_weight == "normalised":
            return self.cam.weight
        stored: Tensor = self.cam.parametrizations.weight.original  # type: ignore[union-attr,assignment]
        return stored

    def forward(
        self, x: Float[Tensor, "n c h w"]
    ) -> tuple[Float[Tensor, "n f _ _"], Float[Tensor, " n"]]:
        """Features and score."""
        f = self.body(x)
        score = self.cam(torch.cat([f.mean(dim=(2, 3)), f.amax(dim=(2, 3))], dim=1))[:, 0]
        once, again = (self.mix.weight * self.attention[..., None, None]).chunk(2, dim=1)
        a = conv2d(f, once + again, self.mix.bias)
        return leaky_relu(self.strength * a + f, SLOPE), score.float()


class TwoHeads(nn.Module):
    """Features to two maps of scores: of small patches, and of large ones.

    `layers` counts as the published code does, encoder included. A patch has 70 and 286 pixels a
    side with 7, 34 and 142 with 6. `kind`: shallow makes the global head from two strided layers
    and a 3 × 3 convolution, for smaller pictures: 158 pixels with 7, 78 with 6.
    """

    def __init__(self, features: int, layers: int = 7, kind: GlobalHead = "deep") -> None:
        super().__init__()
        shared: list[nn.Module] = []
        for _ in range(layers - 6):
            shared += rectified(features, 2 * features, 2)
            features *= 2
        self.shared = nn.Sequential(*shared)
        self.local = nn.Sequential(
            *rectified(features, 2 * features, 1), conv(2 * features, 1, 4, bias=False)
        )
        strided = [*rectified(features, 2 * features, 2), *rectified(2 * features, 4 * features, 2)]
        if kind == "deep":
            strided += rectified(4 * features, 8 * features, 1)
            last = conv(8 * features, 1, 4, bias=False)
        else:
            last = conv(4 * features, 1, 3, bias=False)
        self.whole = nn.Sequential(*strided, last)
        with_spectral_norm(self, own_turn=True)

    def forward(
        self, z: Float[Tensor, "n f h w"]
    ) -> tuple[Float[Tensor, "n 1 _ _"], Float[Tensor, "n 1 _ _"]]:
        """Scores of small patches, and of large ones."""
        z = self.shared(z)
        return self.local(z).float(), self.whole(z).float()


class AdaptiveBlock(nn.Module):
    """x + AdaILN(c3(R(AdaILN(c3(x))))), with γ and β from outside."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = (conv(channels, channels, 3, bias=False) for _ in range(2))
        self.norm1, self.norm2 = (AdaptiveInstanceLayerNorm2d(channels) for _ in range(2))

    def forward(
        self,
        x: Float[Tensor, "n c h w"],
        gamma: Float[Tensor, "n c"],
        beta: Float[Tensor, "n c"],
    ) -> Float[Tensor, "n c h w"]:
        """The sum."""
        h = relu(self.norm1(self.conv1(x), gamma, beta))
        return x + self.norm2(self.conv2(h), gamma, beta)


def doubling(channels: int) -> nn.Sequential:
    """Twice the side, half the channels: a 1 × 1 convolution makes the four pixels of each."""
    half = channels // 2
    return nn.Sequential(
        conv(channels, half, 3, bias=False),
        InstanceLayerNorm2d(half),
        nn.ReLU(),
        nn.Conv2d(half, 4 * half, 1),
        nn.PixelShuffle(2),
        InstanceLayerNorm2d(half),
        nn.ReLU(),
    )


class SharedDecoder(nn.Module):
    """Features z of either domain to a picture of one, four times the side.

    One γ and one β for each picture serve all blocks; a dense network makes them of the features'
    mean over places or, where `side` is given (that of the features), of all their numbers: then
    no other side will do.

    Source: Chen et al. 2020, appendix; the published code's `light` is the mean.
    """

    def __init__(
        self, features: int, channels: int, blocks: int = 6, side: int | None = None
    ) -> None:
        super().__init__()
        wide = 2 * features
        self.light = side is None
        self.first = conv(features, wide, 3, bias=True)
        self.norm = InstanceLayerNorm2d(wide)
        inputs = wide if side is None else wide * side * side
        self.dense = nn.Sequential(
            nn.Linear(inputs, wide, bias=False),
            nn.ReLU(),
            nn.Linear(wide, wide, bias=False),
            nn.ReLU(),
        )
        self.gamma, self.beta = (nn.Linear(wide, wide, bias=False) for _ in range(2))
        self.blocks = nn.ModuleList(AdaptiveBlock(wide) for _ in range(blocks))
        self.up = nn.Sequential(doubling(wide), doubling(features))
        self.last = conv(features // 2, channels, 7, bias=False)

    def forward(self, z: Float[Tensor, "n f h w"]) -> Float[Tensor, "n c H W"]:
        """Draw the picture."""
        x = relu(self.norm(self.first(z)))
        style = self.dense(x.mean(dim=(2, 3)) if self.light else x.flatten(1))
        gamma, beta = self.gamma(style), self.beta(style)
        for block in self.blocks:
            x = block(x, gamma, beta)
        drawn: Tensor = self.last(self.up(x))
        return drawn.float().tanh()
