"""The networks of one scale of SinGAN: a generator and a critic that see patches, nothing more.

    body        [c3-w BN LR] × (layers − 1), c3-c        no padding inside
    generator   x = y + tanh(body(pad(z + y)))           y: the coarser picture, enlarged
    critic      body(x), one score for each patch

c3-w is a 3 × 3 convolution to w channels, LR a leaky rectifier of slope 0.2. With five layers a
patch has 11 × 11 pixels.

Source:  Shaham et al. 2019 (SinGAN), section 2.1 and appendix A; first weights from the code
         published with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import Tensor, nn

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["PatchCritic", "PatchGenerator", "patch_body"]

SLOPE = 0.2
DEVIATION = 0.02


def patch_body(inputs: int, outputs: int, width: int, layers: int) -> nn.Sequential:
    """Convolutions without padding: the picture loses `layers` pixels on every side."""
    blocks: list[nn.Module] = []
    for number in range(layers - 1):
        blocks += [
            nn.Conv2d(width if number else inputs, width, 3),
            nn.BatchNorm2d(width),
            nn.LeakyReLU(SLOPE),
        ]
    body = nn.Sequential(*blocks, nn.Conv2d(width if layers > 1 else inputs, outputs, 3))
    for module in body:
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, 0.0, DEVIATION)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, DEVIATION)
    return body


class PatchGenerator(nn.Module):
    """A coarser picture and noise to a picture with the detail of this scale.

    Noise has the picture's size, or `layers` pixels more on every side: what a border of zeros
    would take the place of.
    """

    def __init__(self, channels: int, width: int, layers: int) -> None:
        super().__init__()
        self.around = (layers,) * 4
        self.body = patch_body(channels, channels, width, layers)

    def forward(
        self, noise: Float[Tensor, "n d H W"], coarse: Float[Tensor, "n c h w"]
    ) -> Float[Tensor, "n c h w"]:
        """Draw upon `coarse`."""
        if noise.shape[2:] == coarse.shape[2:]:
            noise = F.pad(noise, self.around)
        detail = self.body(noise + F.pad(coarse, self.around))
        return coarse + detail.float().tanh()


class PatchCritic(nn.Module):
    """A picture to a map of scores, one for each patch."""

    def __init__(self, channels: int, width: int, layers: int) -> None:
        super().__init__()
        self.body = patch_body(channels, 1, width, layers)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 1 H W"]:
        """Judge every patch of `x`."""
        return self.body(x).float()
