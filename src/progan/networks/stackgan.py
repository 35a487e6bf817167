"""Networks of StackGAN: captions and noise to small pictures, and those to large ones.

    first    generator      ĉ, z → dense 4×4 8w → residual → [double, 3×3] …, tanh
                            (behind the first doubling once more residual)
             discriminator  x → [4×4 stride 2] … → 4×4 8w → residual → with caption → 1×1 → 4×4
    second   generator      x → 3×3 w → [4×4 stride 2] × 2 4w → with ĉ → 3×3 → residual × n
                            → [double, 3×3] …, tanh;   3×3 alone where x is small already: `inner`
             discriminator  as the first's, deeper: channels double to 4×4, then fall to 8w by 1×1

Of the first generator, channels halve at each doubling but the last, which gives the picture. Batch
norm follows every layer but the first and last; generators have relu, discriminators leaky relu of
slope 0.2. Doubling repeats pixels. Weights start from N(0, 0.02).

Source:  Zhang et al. 2017 (StackGAN), section 3 and figure 2; layers and channels from the code
         published with it (hanzhanggit/StackGAN, stageI/model.py and stageII/model.py).
Departs: any sides from 8 pixels up that are powers of two; discriminators of small pictures leave
         out their first layers, so that 4×4 has 8w channels. Layers before batch norms have no
         biases, which those would take away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from progan.layers.augmentation import ConditioningAugmentation
from progan.networks.dcgan import start_small

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["FirstGenerator", "PairDiscriminator", "SecondGenerator"]

LEAK = 0.2


def convolution(
    inputs: int, outputs: int, kernel: int = 3, stride: int = 1, act: nn.Module | None = None
) -> nn.Sequential:
    """A convolution that keeps the size, or halves it; batch norm; `act`."""
    layer = nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), *([] if act is None else [act]))


class Residual(nn.Module):
    """x + f(x), then the rectifier."""

    def __init__(self, body: nn.Module, act: nn.Module) -> None:
        super().__init__()
        self.body, self.act = body, act

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Add to `x` what the body finds in it."""
        return self.act(x + self.body(x))


def bottleneck(channels: int, act: nn.Module) -> Residual:
    """1×1 and 3×3 at a quarter of the channels, 3×3 back to all of them."""
    few = max(1, channels // 4)
    return Residual(
        nn.Sequential(
            convolution(channels, few, 1, act=act),
            convolution(few, few, act=act),
            convolution(few, channels),
        ),
        act,
    )


def doubled(inputs: int, outputs: int, act: nn.Module | None) -> nn.Sequential:
    """Every pixel four times, then 3×3."""
    return nn.Sequential(nn.Upsample(scale_factor=2), *convolution(inputs, outputs, act=act))


def pictured(inputs: int, channels: int, *, double: bool) -> nn.Sequential:
    """The last layer: 3×3 to colours, and tanh."""
    last = [nn.Conv2d(inputs, channels, 3, padding=1), nn.Tanh()]
    return nn.Sequential(*([nn.Upsample(scale_factor=2)] if double else []), *last)


def start_all(network: nn.Module) -> None:
    """First weights of every layer."""
    network.apply(start_small)
    for module in network.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0.0, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


class FirstGenerator(nn.Module):
    """A caption's vector, noise around it and a latent to small pictures."""

    def __init__(
        self,
        *,
        resolution: int,
        channels: int,
        features: int,
        code: int,
        latent_size: int,
        width: int,
    ) -> None:
        super().__init__()
        act = nn.ReLU()
        self.condition = ConditioningAugmentation(features, code)
        self.dense = nn.Sequential(
            nn.Linear(code + latent_size, 128 * width, bias=False),
            nn.BatchNorm1d(128 * width),
            nn.Unflatten(1, (8 * width, 4, 4)),
        )
        layers: list[nn.Module] = [bottleneck(8 * width, act)]
        doublings, inputs = resolution.bit_length() - 3, 8 * width
        for number in range(doublings - 1):
            outputs = max(width, inputs // 2)
            layers.append(doubled(inputs, outputs, act if number else None))
            layers += [] if number else [bottleneck(outputs, act)]
            inputs = outputs
        self.body = nn.Sequential(*layers, pictured(inputs, channels, double=True))
        start_all(self)

    def forward(
        self, z: Float[Tensor, "n z"], caption: Float[Tensor, "n f"], noise: Float[Tensor, "n k"]
    ) -> tuple[Float[Tensor, "n c h w"], Float[Tensor, "n k"], Float[Tensor, "n k"]]:
        """Pictures; with μ and log σ² of their conditions."""
        condition, mean, log_variance = self.condition(caption, noise)
        image = self.body(self.dense(torch.cat([condition, z], dim=1)))
        return image.float(), mean, log_variance


class SecondGenerator(nn.Module):
    """Small pictures and a caption's vector, with noise around it, to large ones."""

    def __init__(
        self,
        *,
        resolution: int,
        ratio: int,
        channels: int,
        features: int,
        code: int,
        width: int,
        blocks: int,
        inner: int = 16,
    ) -> None:
        super().__init__()
        act = nn.ReLU()
        self.condition = ConditioningAugmentation(features, code)
        halvings = min(2, (resolution // ratio // inner).bit_length() - 1)
        halves = [number < halvings for number in range(2)]
        self.inner = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1),
            act,
            *(
                convolution(width << n, width << (n + 1), *((4, 2) if half else (3, 1)), act)
                for n, half in enumerate(halves)
            ),
        )
        wide = 4 * width
        self.join = convolution(wide + code, wide, act=act)
        self.residual = nn.Sequential(
            *(
                Residual(
                    nn.Sequential(convolution(wide, wide, act=act), convolution(wide, wide)), act
                )
                for _ in range(blocks)
            )
        )
        layers: list[nn.Module] = []
        for doubles in (*sorted(halves), *[True] * (ratio.bit_length() - 1)):
            fewer = max(1, wide // 2)
            layers.append((doubled if doubles else convolution)(wide, fewer, act=act))
            wide = fewer
        self.outer = nn.Sequential(*layers, pictured(wide, channels, double=False))
        start_all(self)

    def forward(
        self,
        image: Float[Tensor, "n c h w"],
        caption: Float[Tensor, "n f"],
        noise: Float[Tensor, "n k"],
    ) -> tuple[Float[Tensor, "n c H W"], Float[Tensor, "n k"], Float[Tensor, "n k"]]:
        """Pictures; with μ and log σ² of their conditions."""
        condition, mean, log_variance = self.condition(caption, noise)
        x = self.inner(image)
        image = self.outer(self.residual(self.join(with_code(x, condition))))
        return image.float(), mean, log_variance


class PairDiscriminator(nn.Module):
    """Pictures, with captions' vectors, to logits of being real and suiting them."""

    def __init__(
        self, *, resolution: int, channels: int, features: int, code: int, width: int
    ) -> None:
        super().__init__()
        act = nn.LeakyReLU(LEAK)
        halvings = resolution.bit_length() - 3
        sizes = [width << (max(0, 4 - halvings) + number) for number in range(halvings)]
        layers: list[nn.Module] = [nn.Conv2d(channels, sizes[0], 4, 2, 1), act]
        for number, outputs in enumerate(sizes[1:], 1):
            # the rectifier before the residual stands behind it
            last = outputs == sizes[-1] == 8 * width and number == halvings - 1
            layers.append(convolution(sizes[number - 1], outputs, 4, 2, None if last else act))
        wide = sizes[-1]
        while wide > 8 * width:
            wide //= 2
            layers.append(convolution(2 * wide, wide, 1, act=None if wide == 8 * width else act))
        self.body = nn.Sequential(*layers, bottleneck(wide, act))
        self.caption = nn.Sequential(nn.Linear(features, code), nn.LeakyReLU(LEAK))
        self.last = nn.Sequential(convolution(wide + code, wide, 1, act=act), nn.Conv2d(wide, 1, 4))
        start_all(self)

    def forward(
        self, image: Float[Tensor, "n c h w"], caption: Float[Tensor, "n f"]
    ) -> Float[Tensor, " n"]:
        """Judge whether `image` is real and as `caption` says."""
        found = self.last(with_code(self.body(image), self.caption(caption)))
        return found.float().flatten()


def with_code(x: Float[Tensor, "n c h w"], code: Float[Tensor, "n k"]) -> Float[Tensor, "n d h w"]:
    """A caption's numbers beside the maps, the same at every place."""
    planes = code[:, :, None, None].expand(-1, -1, *x.shape[2:])
    return torch.cat([x, planes.to(x.dtype)], dim=1)
