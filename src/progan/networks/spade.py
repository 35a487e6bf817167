"""Networks of GauGAN: layouts to pictures, pictures to styles, and scores of both together.

    generator       z → dense 16w, or layout shrunk → 3×3 16w; then SPADE blocks, doubling between:
                    normal   16w, ×2 16w, 16w, ×2 8w, ×2 4w, ×2 2w, ×2 w
                    more     ×2 before the third too;   most     and ×2 w/2 at the end
                    small    from 4×4: 8w, ×2 4w, ×2 2w, ×2 w at 32 pixels
                    leaky relu, 3×3, tanh
    encoder         [3×3 stride 2] … → 4×4, 8w at most → dense: mean, log variance
    discriminator   of the picture beside its layout, at several scales:
                    [4×4 stride 2] …, 4×4, 4×4 to one number for each patch

Spectral norm divides the convolutions of the blocks, those of the encoder, and of the discriminator
those between its first and last; the latter two are followed by instance norm. Doubling repeats
pixels.

Source:  Park et al. 2019 (SPADE), appendix A, figures 11 to 14; sizes as in the code published with
         it (NVlabs/SPADE). First weights: Glorot & Bengio 2010.
Departs: the encoder has as many layers as lead to 4×4, so that it works at any power of two; in the
         code pictures are brought to 256 pixels first. `small` and an encoder without norm are
         ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from progan.layers.resample import up
from progan.layers.spade import LEAK, Plain, SPADEBlock
from progan.layers.spectral import with_spectral_norm

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["Depth", "LayoutDiscriminator", "LayoutGenerator", "StyleEncoder", "doublings"]

Depth = Literal["small", "normal", "more", "most"]
SMALLEST = 4
GAIN = 0.02


def doublings(depth: Depth, resolution: int) -> int:
    """How often the generator doubles; `resolution` is the shorter side, in pixels."""
    if depth == "small":
        return max(0, resolution.bit_length() - SMALLEST.bit_length())
    return {"normal": 5, "more": 6, "most": 7}[depth]


def start_glorot(network: nn.Module) -> None:
    """Weights from N(0, g² · 2 / (inputs + outputs)) with g = 0.02, biases 0."""
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            nn.init.xavier_normal_(module.weight, GAIN)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


class LayoutGenerator(nn.Module):
    """Layouts, and styles unless `style_size` is 0, to pictures."""

    def __init__(
        self,
        *,
        size: tuple[int, int],
        channels: int,
        layouts: int,
        style_size: int,
        width: int = 64,
        depth: Depth = "normal",
        hidden: int = 128,
        norm: Plain = "batch",
    ) -> None:
        super().__init__()
        plan = self.blocks_of(depth, width, doublings(depth, min(size)))
        self.factor = 2 ** sum(doubles for *_, doubles in plan)
        self.doubles = tuple(doubles for *_, doubles in plan)
        first = plan[0][0]
        self.first = (first, size[0] // self.factor, size[1] // self.factor)
        self.start: nn.Linear | nn.Conv2d
        if style_size:
            self.start = nn.Linear(style_size, first * self.first[1] * self.first[2])
        else:
            self.start = nn.Conv2d(layouts, first, 3, padding=1)
        self.blocks = nn.ModuleList(
            SPADEBlock(inputs, outputs, layouts=layouts, hidden=hidden, norm=norm)
            for inputs, outputs, _ in plan
        )
        self.last = nn.Conv2d(plan[-1][1], channels, 3, padding=1)
        start_glorot(self)
        for block in self.blocks:
            assert isinstance(block, SPADEBlock)
            for layer in block.convolutions:
                with_spectral_norm(layer)

    @staticmethod
    def blocks_of(depth: Depth, width: int, times: int) -> list[tuple[int, int, bool]]:
        """Of each block: channels in, channels out, and whether doubling comes before it."""
        if depth == "small":
            wide = [width * 2 ** min(times - k, 4) for k in range(times + 1)]
            tail = [(wide[k], wide[k + 1], True) for k in range(times)]
            return [(wide[0], wide[0], False), *tail]
        top = 16 * width
        found = [(top, top, False), (top, top, True), (top, top, depth != "normal")]
        found += [(top >> k, top >> (k + 1), True) for k in range(4)]
        return [*found, (width, max(1, width // 2), True)] if depth == "most" else found

    def forward(
        self, layout: Float[Tensor, "n l h w"], style: Float[Tensor, "n k"] | None = None
    ) -> Float[Tensor, "n c h w"]:
        """Pictures in [-1, 1]."""
        if isinstance(self.start, nn.Linear):
            assert style is not None
            x = self.start(style).unflatten(1, self.first)
        else:
            height, wide = (side // self.factor for side in layout.shape[2:])
            x = self.start(F.interpolate(layout, (height, wide), mode="nearest"))
        for block, doubles in zip(self.blocks, self.doubles, strict=True):
            x = block(up(x) if doubles else x, layout)
        return torch.tanh(self.last(F.leaky_relu(x, LEAK)))


class StyleEncoder(nn.Module):
    """Pictures to the mean and the log variance of their style.

    `norm` instance takes each channel's mean and deviation out of every layer, and with them nearly
    all of a picture's overall colour; none keeps it.
    """

    def __init__(
        self,
        *,
        size: tuple[int, int],
        channels: int,
        style_size: int,
        width: int = 64,
        norm: Literal["instance", "none"] = "instance",
    ) -> None:
        super().__init__()
        halvings = max(1, min(size).bit_length() - SMALLEST.bit_length())
        layers: list[nn.Module] = []
        inputs = channels
        for k in range(halvings):
            outputs = width * min(2**k, 8)
            plain = norm == "none"
            layers.append(nn.Conv2d(inputs, outputs, 3, 2, 1, bias=plain))
            layers += [] if plain else [nn.InstanceNorm2d(outputs)]
            layers.append(nn.LeakyReLU(LEAK))
            inputs = outputs
        self.body = nn.Sequential(*layers)
        numbers = inputs * (size[0] >> halvings) * (size[1] >> halvings)
        self.mean = nn.Linear(numbers, style_size)
        self.log_variance = nn.Linear(numbers, style_size)
        start_glorot(self)
        with_spectral_norm(self.body)

    def forward(
        self, image: Float[Tensor, "n c h w"]
    ) -> tuple[Float[Tensor, "n k"], Float[Tensor, "n k"]]:
        """Mean and log variance."""
        h = self.body(image).flatten(1)
        return self.mean(h), self.log_variance(h)


class PatchScores(nn.Module):
    """One scale of the discriminator: the features of its layers, the last of them scores.

    Convolutions are padded by 2, so that every side is one more than half of it.
    """

    def __init__(self, inputs: int, *, width: int = 64, layers: int = 4) -> None:
        super().__init__()
        wide = [width * min(2**k, 8) for k in range(layers)]
        self.first = nn.Conv2d(inputs, wide[0], 4, 2, 2)
        self.middle = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(wide[k], wide[k + 1], 4, 1 if k == layers - 2 else 2, 2, bias=False),
                nn.InstanceNorm2d(wide[k + 1]),
            )
            for k in range(layers - 1)
        )
        self.last = nn.Conv2d(wide[-1], 1, 4, 1, 2)
        start_glorot(self)
        with_spectral_norm(self.middle)

    def forward(self, x: Float[Tensor, "n c h w"]) -> list[Float[Tensor, "n _ _ _"]]:
        """From the first layer's features to the scores of patches."""
        found = [F.leaky_relu(self.first(x), LEAK)]
        for layer in self.middle:
            found.append(F.leaky_relu(layer(found[-1]), LEAK))
        return [*found, self.last(found[-1])]


class LayoutDiscriminator(nn.Module):
    """Scores of pictures beside their layouts, at each of `scales` sizes.

    Each next scale sees means over 3×3 at every other pixel, the border not counted.
    """

    def __init__(
        self, *, channels: int, layouts: int, width: int = 64, layers: int = 4, scales: int = 2
    ) -> None:
        super().__init__()
        self.scales = nn.ModuleList(
            PatchScores(channels + layouts, width=width, layers=layers) for _ in range(scales)
        )

    def forward(
        self, image: Float[Tensor, "n c h w"], layout: Float[Tensor, "n l h w"]
    ) -> list[list[Float[Tensor, "n _ _ _"]]]:
        """Of each scale the features of every layer, scores last."""
        x, found = torch.cat([layout, image], dim=1), []
        for number, scale in enumerate(self.scales):
            if number:
                x = F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)
            found.append(scale(x))
        return found
