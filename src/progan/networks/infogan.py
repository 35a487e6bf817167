"""The networks of InfoGAN for MNIST: dense layers, and two strided convolutions.

    generator       z → dense 16w → dense 2w planes of a quarter of the size → double, w → double
    discriminator   halve, w → halve, 2w → dense 16w → 1

w is 64 in the paper: 1024 units, and at 28 pixels planes of 7×7. Kernels are 4×4, the generator's
rectifiers plain and the discriminator's leaky by a tenth; batch norm everywhere but in front of
scores and pictures and behind the first convolution. Weights start from N(0, 0.02).

Source:  Chen et al. 2016, appendix C.1 and table 1, and the code published with it.
Departs: any size that four divides. Pictures end in tanh on [−1, 1], there in a sigmoid on [0, 1];
         the published code's rectifiers leak a hundredth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from progan.core.errors import ConfigError
from progan.networks.dcgan import doubling, halving, start_small

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["InfoDiscriminator", "InfoGenerator"]

LEAK, STD = 0.1, 0.02


def quarter(resolution: int) -> int:
    """The side of the smallest planes."""
    if resolution % 4 or resolution < 8:
        raise ConfigError(
            f"resolution is {resolution}; the infogan network halves it twice, so it needs a "
            "multiple of 4 from 8 up: --set data.resolution=28"
        )
    return resolution // 4


def start(module: nn.Module) -> None:
    """Weights from N(0, 0.02), of norms' gains from N(1, 0.02), biases 0."""
    start_small(module)
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, 0.0, STD)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class InfoGenerator(nn.Module):
    """Noise and codes to square pictures."""

    def __init__(self, *, resolution: int, channels: int, latent_size: int, width: int) -> None:
        super().__init__()
        side, hidden = quarter(resolution), 16 * width
        flat = 2 * width * side**2
        self.body = nn.Sequential(
            nn.Linear(latent_size, hidden, bias=False),
            nn.BatchNorm1d(hidden),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, flat, bias=False),
            nn.BatchNorm1d(flat),
            nn.ReLU(inplace=True),
            nn.Unflatten(1, (2 * width, side, side)),
            doubling(2 * width, width, "torch", bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            doubling(width, channels, "torch", bias=True),
            nn.Tanh(),
        )
        self.apply(start)

    def forward(self, z: Float[Tensor, "n z"]) -> Float[Tensor, "n c h w"]:
        """Draw the pictures of `z`."""
        return self.body(z).float()


class InfoDiscriminator(nn.Module):
    """Square pictures to scores; Q takes the 16w features in front of the last layer."""

    def __init__(self, *, resolution: int, channels: int, width: int) -> None:
        super().__init__()
        flat, hidden = 2 * width * quarter(resolution) ** 2, 16 * width
        self.body = nn.Sequential(
            halving(channels, width, "torch", bias=True),
            nn.LeakyReLU(LEAK, inplace=True),
            halving(width, 2 * width, "torch", bias=False),
            nn.BatchNorm2d(2 * width),
            nn.LeakyReLU(LEAK, inplace=True),
            nn.Flatten(),
            nn.Linear(flat, hidden, bias=False),
            nn.BatchNorm1d(hidden),
            nn.LeakyReLU(LEAK, inplace=True),
            nn.Linear(hidden, 1),
            nn.Flatten(0),
        )
        self.apply(start)

    def forward(self, image: Float[Tensor, "n c h w"]) -> Float[Tensor, " n"]:
        """Judge `image`."""
        return self.body(image).float()
