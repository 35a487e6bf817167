"""PatchGAN: a discriminator that judges every patch of a picture by itself.

    layers n > 0   c4s2-64 LR, [c4s2-min(64·2ⁱ, 512) N LR] for i = 1 … n−1,
                   c4s1-min(64·2ⁿ, 512) N LR, c4s1-1
    layers 0       c1-64 LR, c1-128 N LR, c1-1

c4s2-64 is a 4 × 4 convolution of stride 2 and padding 1 to 64 channels, N the norm, LR a leaky
rectifier of slope 0.2. A score sees a patch of 1, 16, 34, 70, 142 or 286 pixels a side for n from 0
to 5. Layers before a batch norm have no bias.

Source:  Isola et al. 2017 (pix2pix), sections 3.2.2 and 6.1.2, "70 × 70 discriminator" is n = 3;
         Zhu et al. 2017 (CycleGAN), section 7.2, with instance norm. Names of weights are those of
         the code published with both (junyanz/pytorch-CycleGAN-and-pix2pix).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from torch import Tensor, nn

from progan.core.errors import ConfigError

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["Norm", "PatchGAN", "check_patches", "norm_layer"]

Norm = Literal["instance", "batch", "none"]
LEAK = 0.2
MOST_LAYERS = 5


def norm_layer(norm: Norm, channels: int) -> list[nn.Module]:
    """The norm of so many channels: instance norm without gain and bias, batch norm with them."""
    if norm == "instance":
        return [nn.InstanceNorm2d(channels)]
    return [nn.BatchNorm2d(channels)] if norm == "batch" else []


def check_patches(layers: int, side: int, setting: str = "critic_layers") -> None:
    """Refuse discriminators that leave nothing of pictures of `side` pixels.

    Raises: ConfigError.
    """
    if not 0 <= layers <= MOST_LAYERS:
        raise ConfigError(
            f"{setting} is {layers}; it must be from 0, single pixels, to {MOST_LAYERS}, patches "
            f"of 286 pixels: --set {setting}=3"
        )
    if layers and side < 3 << layers:
        fits = max(n for n in range(MOST_LAYERS + 1) if not n or side >= 3 << n)
        raise ConfigError(
            f"{setting} is {layers}, which needs pictures of {3 << layers} pixels or more, but "
            f"these have {side}: --set {setting}={fits}"
        )


class PatchGAN(nn.Module):
    """Pictures to a map of scores, one for each patch."""

    def __init__(
        self, channels: int, *, layers: int = 3, width: int = 64, norm: Norm = "instance"
    ) -> None:
        super().__init__()
        bias = norm != "batch"
        self.body = nn.Sequential()
        if not layers:
            self._grow(nn.Conv2d(channels, width, 1), nn.LeakyReLU(LEAK))
            self._grow(nn.Conv2d(width, 2 * width, 1, bias=bias), *norm_layer(norm, 2 * width))
            self._grow(nn.LeakyReLU(LEAK), nn.Conv2d(2 * width, 1, 1, bias=bias))
            return
        self._grow(nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(LEAK))
        inputs = width
        for level in range(1, layers + 1):
            outputs, stride = width * min(2**level, 8), 2 if level < layers else 1
            self._grow(nn.Conv2d(inputs, outputs, 4, stride, 1, bias=bias))
            self._grow(*norm_layer(norm, outputs), nn.LeakyReLU(LEAK))
            inputs = outputs
        self._grow(nn.Conv2d(inputs, 1, 4, 1, 1))

    def _grow(self, *layers: nn.Module) -> None:
        for layer in layers:
            self.body.append(layer)

    def forward(self, image: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 1 H W"]:
        """Judge every patch of `image`."""
        return self.body(image).float()
