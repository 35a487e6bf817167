"""Convolutions of small pictures as matrix products over patches.

A patch is what one tap of the output sees: k·k pixels of c channels, a row of k·k·c numbers. With
all N = n·H·W of them as the rows of P, the kernel as a matrix W, o × k·k·c, and G the gradient of
the output, N × o,

    y = P Wᵀ + b,        ∂L/∂W = Gᵀ P,        ∂L/∂P = G W

and the gradient of a pixel is the sum over the patches it is in. A convolution library first
sorts weights and pictures into blocks. Where pictures are small that costs more than the products
themselves: at 8×8 pixels, 512 channels and bfloat16, the weight gradient of a layer of stride 2
takes about a sixth of the time in this form (benchmarks/patches.py). It is the same sum in another
order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = [
    "convolution",
    "few",
    "few_for_weights",
    "image_gradient",
    "patches",
    "pixels",
    "size_after",
    "weight_gradient",
]

# Up to how many patches the product is the faster way. A choice by types and sizes alone: the same
# on every machine, in every process.
FEW = {torch.bfloat16: 256}
"""Of the convolution and its image gradient; times the stride."""
MANY_WEIGHTS = 2**20
"""From how many weights on: with fewer there is little to sort."""
FEW_FOR_WEIGHTS = {torch.bfloat16: 2048}
FEW_IN_OTHER_TYPES, FEW_FOR_WEIGHTS_IN_OTHER_TYPES = 0, 512
"""In float32 the matrix products of some processors are far behind their convolutions."""


def few(count: int, stride: int, w: Tensor) -> bool:
    """Whether to take a convolution of weights `w` over `count` patches as a product.

    The same for its image gradient.
    """
    most = stride * FEW.get(w.dtype, FEW_IN_OTHER_TYPES)
    return w.device.type == "cpu" and count <= most and w.numel() >= MANY_WEIGHTS


def few_for_weights(count: int, like: Tensor) -> bool:
    """The same of the gradient of its weights, of the type of `like`."""
    most = FEW_FOR_WEIGHTS.get(like.dtype, FEW_FOR_WEIGHTS_IN_OTHER_TYPES)
    return like.device.type == "cpu" and count <= most


def pixels(x: Tensor) -> int:
    """How many there are in a batch of images; of an output: how many patches it was made of."""
    return x.shape[0] * x.shape[2] * x.shape[3]


def size_after(size: int, kernel: int, stride: int, padding: int) -> int:
    """Pixels along a side of the output."""
    return (size + 2 * padding - kernel) // stride + 1


def patches(
    x: Float[Tensor, "n c h w"], kernel: int, stride: int, padding: int
) -> Float[Tensor, "N taps"]:
    """What each tap of a convolution sees, the channels of a pixel side by side."""
    channels = x.permute(0, 2, 3, 1)
    high, wide = (size_after(side, kernel, stride, padding) for side in x.shape[2:])
    if padding:
        channels = F.pad(channels, (0, 0, padding, padding, padding, padding))
    n, _, _, c = channels.shape
    of_n, of_h, of_w, of_c = channels.stride()
    seen = channels.as_strided(
        (n, high, wide, kernel, kernel, c),
        (of_n, of_h * stride, of_w * stride, of_h, of_w, of_c),
    )
    return seen.reshape(n * high * wide, kernel * kernel * c)


def rows(x: Float[Tensor, "n c h w"]) -> Float[Tensor, "N c"]:
    """A row of channels for every pixel; nothing is copied where they lie so."""
    return x.permute(0, 2, 3, 1).flatten(0, 2)


def matrix(w: Float[Tensor, "o c k k"]) -> Float[Tensor, "o taps"]:
    """A row for every output."""
    return w.permute(0, 2, 3, 1).flatten(1)


def like_channels_last(shape: tuple[int, ...], like: Tensor) -> Tensor:
    """Room for numbers of the type of `like`; no view of anything, so free to be changed."""
    return torch.empty(
        shape, dtype=like.dtype, device=like.device, memory_format=torch.channels_last
    )


def convolution(
    x: Float[Tensor, "n c h w"],
    w: Float[Tensor, "o c k k"],
    b: Float[Tensor, " o"] | None,
    stride: int,
    padding: int,
) -> Float[Tensor, "n o H W"]:
    """The convolution as a product, laid out channels last; without a graph."""
    kernel = w.shape[-1]
    high, wide = (size_after(side, kernel, stride, padding) for side in x.shape[2:])
    y = like_channels_last((len(x), len(w), high, wide), x)
    seen, taps = patches(x, kernel, stride, padding), matrix(w).t()
    if b is None:
        torch.mm(seen, taps, out=rows(y))
    else:
        torch.addmm(b, seen, taps, out=rows(y))
    return y


def image_gradient(
    g: Float[Tensor, "n o H W"],
    w: Float[Tensor, "o c k k"],
    shape: tuple[int, ...],
    stride: int,
    padding: int,
    b: Float[Tensor, " c"] | None = None,
) -> Float[Tensor, "n c h w"]:
    """The gradient of the image, of that `shape`, as a product; sums over patches in float32.

    With `b` added: a transposed convolution.
    """
    (n, c, h, w_), kernel = shape, w.shape[-1]
    high, wide = g.shape[2:]
    seen = (rows(g) @ matrix(w)).view(n, high, wide, kernel, kernel, c)
    total = torch.promote_types(g.dtype, torch.float32)
    image = torch.zeros(n, h + 2 * padding, w_ + 2 * padding, c, dtype=total, device=g.device)
    for y in range(kernel):
        for x in range(kernel):
            part = image[:, y : y + stride * high : stride, x : x + stride * wide : stride]
            part[:, :high, :wide] += seen[:, :, :, y, x]
    inner = image[:, padding : padding + h, padding : padding + w_]
    inner = inner if b is None else inner + b
    return like_channels_last(shape, g).copy_(inner.permute(0, 3, 1, 2))


def weight_gradient(
    g: Float[Tensor, "n o H W"],
    x: Float[Tensor, "n c h w"],
    kernel: int,
    stride: int,
    padding: int,
) -> Float[Tensor, "o c k k"]:
    """The gradient of the weights as a product, laid out channels last."""
    product = rows(g).t() @ patches(x, kernel, stride, padding)
    return product.view(g.shape[1], kernel, kernel, x.shape[1]).permute(0, 3, 1, 2)
