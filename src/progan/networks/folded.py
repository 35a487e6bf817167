"""ProGAN's generator at one moment of its growth, as a plain network for many pictures.

What training keeps apart is multiplied together once: He's constants and the statistics of batch
norm go into the weights, nearest neighbour and the 3×3 kernel behind it become one transposed 4×4
convolution. What is left are ordinary layers, channels last, in the precision asked for.

The function is that of `Generator.forward` in evaluation; sums are only taken in another order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from progan.core.latents import Latents
from progan.core.system import Fixed
from progan.layers.equalized import EqualizedUpConv2d, nearest_kernel
from progan.layers.labels import label_rows
from progan.layers.norm import pixel_norm
from progan.layers.resample import up
from progan.networks.progressive import Enlarge, Generator, Layer, resolutions

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["FoldedGenerator"]

P = TypeVar("P", nn.Linear, nn.Conv2d, nn.ConvTranspose2d)


class FoldedGenerator(Fixed):
    """`generator` at `resolution` and `alpha`, its constants folded into plain layers.

        features → dense → 4×4 → conv → [transposed 4×4 conv, conv] … → 1×1 conv

    Latents are normalised in float32 by `inputs`, outside of the network proper, and pictures are
    always float32; between them everything is of type `dtype`. The weights are copies: later
    training does not show.
    """

    def __init__(
        self,
        generator: Generator,
        resolution: int,
        alpha: float = 1.0,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.classes = generator.classes
        self.normalize_latent = generator.normalize_latent
        self.normalize_label = generator.normalize_label
        self.tanh, self.alpha, self.dtype = generator.tanh, alpha, dtype
        blocks: Any = generator.blocks
        stem, conv = blocks["4"]
        self.slope, self.pixelnorm = conv.slope, conv.pixelnorm
        self.stem = _stem(stem)
        layers = [_convolution(conv)]
        self.values = 16 * layers[0].out_channels
        for r in resolutions(resolution)[1:]:
            layers += [_convolution(layer) for layer in blocks[str(r)]]
            self.values = max(self.values, r * r * layers[-1].out_channels)
        self.layers = nn.ModuleList(layers)
        self.to_image = _convolution(generator.to_image[str(resolution)])
        self.to_coarse: nn.Module | None = None
        if alpha < 1 and resolution > 4:
            self.to_coarse = _convolution(generator.to_image[str(resolution // 2)])
        self.to(dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.eval().requires_grad_(False)

    def inputs(self, latents: Latents) -> tuple[Tensor, ...]:
        """One tensor: the latent on its sphere with the label's row beside it, n f."""
        z, label = latents["z"].to(self.stem.weight.device), latents.get("label")
        rows = []
        if self.classes and label is not None:
            rows.append(label_rows(label.to(z.device), self.classes))
        if self.normalize_label:
            z, rows = torch.cat([z, *rows], dim=1), []
        if self.normalize_latent:
            z = pixel_norm(z)
        return (torch.cat([z, *rows], dim=1),)

    def forward(self, features: Float[Tensor, "n f"]) -> Float[Tensor, "n c r r"]:
        """Draw the pictures of `features`."""
        x = self.stem(features.to(self.dtype))
        x = self._finish(x.view(x.shape[0], 4, 4, -1).permute(0, 3, 1, 2))
        coarse = x = self._finish(self.layers[0](x))
        for enlarge, conv in zip(self.layers[1::2], self.layers[2::2], strict=True):
            coarse, x = x, self._finish(conv(self._finish(enlarge(x))))
        image = self._picture(self.to_image(x))
        if self.to_coarse is not None:
            image = torch.lerp(up(self._picture(self.to_coarse(coarse))), image, self.alpha)
        return image

    def _finish(self, x: Tensor) -> Tensor:
        x = F.leaky_relu(x, self.slope, inplace=True)  # nobody else keeps its input
        return pixel_norm(x) if self.pixelnorm else x

    def _picture(self, colours: Tensor) -> Tensor:
        image = colours.float()
        return image.tanh() if self.tanh else image


def _batch_norm(norm: nn.Module | None, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Factor and bias, one a channel, of a convolution's bias and the batch norm behind it.

    γ (x + b − μ) / √(σ² + ε) + β  =  f x + (b − μ) f + β,        f = γ / √(σ² + ε)
    """
    if norm is None:
        return torch.ones_like(bias), bias
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    factor = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    return factor, (bias - norm.running_mean.double()) * factor + norm.bias.double()


@torch.no_grad()
def _stem(layer: Layer) -> nn.Linear:
    """The dense layer, its rows ordered as pixels with their channels: 4×4×c, channels last."""
    stem: Any = layer.conv
    weight = stem.dense.weight.double() * stem.dense.scale
    weight = weight.view(-1, 16, weight.shape[1]).transpose(0, 1)
    factor, bias = _batch_norm(layer.norm, stem.bias.double().flatten())
    weight = (weight * factor[None, :, None]).flatten(0, 1)
    plain = nn.Linear(weight.shape[1], weight.shape[0], device="meta")
    return _filled(plain, weight, bias.repeat(16))


@torch.no_grad()
def _convolution(layer: nn.Module) -> nn.Conv2d | nn.ConvTranspose2d:
    """A layer's convolution with its constant, and with its batch norm if there is one."""
    conv: Any = layer.conv if isinstance(layer, Layer) else layer
    norm = layer.norm if isinstance(layer, Layer) else None
    factor, bias = _batch_norm(norm, conv.bias.double())
    weight = conv.weight.double() * factor[:, None, None, None]
    outputs, inputs, side, _ = weight.shape
    if type(conv) not in (EqualizedUpConv2d, Enlarge):
        plain = nn.Conv2d(inputs, outputs, side, padding=side // 2, device="meta")
        return _filled(plain, weight * conv.scale, bias)
    fused = type(conv) is EqualizedUpConv2d
    widen = conv.widen.t() if fused else nearest_kernel().double() * conv.scale
    kernel = (weight.reshape(-1, 9) @ widen.to(weight)).view(outputs, inputs, 4, 4)
    double = nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, device="meta")
    return _filled(double, kernel.transpose(0, 1), bias)


def _filled(plain: P, weight: Tensor, bias: Tensor) -> P:
    """A layer made without memory, with these as its weight and bias."""
    plain.weight, plain.bias = nn.Parameter(weight), nn.Parameter(bias)
    return plain
