"""Convolutions and dense layers with He's constant applied at run time, and their fused resampling.

    y = x ∗ (w · gain / √fan_in) + b,        w ~ N(0, 1),  b = 0 at the start

The constant multiplies the weight only, never the bias. Adam divides each update by the size of
the gradient, so parameters that all start at unit size all learn at the same speed: hence the
name, equalized learning rate.

With `equalized=False` every layer here is the ordinary one, drawn from N(0, gain / √fan_in).

Source: Karras et al. 2018 (ProGAN), section 4.1; the gains and the fused kernels from its code.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from progan.core.slopes import in_plain_form
from progan.layers.convolve import convolve, enlarge, working_type
from progan.layers.prepared import ready

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = [
    "ROOT_TWO",
    "EqualizedConv2d",
    "EqualizedDownConv2d",
    "EqualizedLinear",
    "EqualizedUpConv2d",
    "box_kernel",
    "nearest_kernel",
]

ROOT_TWO = math.sqrt(2.0)
"""Gain of a layer that is followed by a rectifier (He et al. 2015)."""


def draw_weight(
    shape: tuple[int, ...], fan_in: int, gain: float, equalized: bool
) -> tuple[nn.Parameter, float]:
    """Draw a weight, and the constant it must be multiplied with at run time.

    Kernels lie in memory with the weights of one tap side by side, as convolutions over pixels
    that do so want them.
    """
    constant = gain / math.sqrt(fan_in)
    weight = torch.randn(shape) if equalized else torch.randn(shape) * constant
    if len(shape) == 4:
        weight = weight.contiguous(memory_format=torch.channels_last)
    return nn.Parameter(weight), constant if equalized else 1.0


def tap_by_tap(weight: Float[Tensor, "a b k k"]) -> Float[Tensor, "a b k k"]:
    """The same weight, those of one tap together in memory."""
    return weight.permute(2, 3, 0, 1).contiguous().permute(2, 3, 0, 1)


class EqualizedConv2d(nn.Module):
    """Convolve with zero padding that keeps the size ("same"), for an odd kernel.

    Bias is zero at the start; `bias=False` leaves it out.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int = 3,
        *,
        gain: float = ROOT_TWO,
        equalized: bool = True,
        bias: bool = True,
    ) -> None:
        super().__init__()
        shape = (out_channels, in_channels, kernel, kernel)
        self.weight, self.scale = draw_weight(shape, kernel**2 * in_channels, gain, equalized)
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None
        self.padding = kernel // 2
        self.outer = kernel == in_channels == 1

    def without_constant(self) -> None:
        """Use the weight as it is from now on."""
        self.scale = 1.0

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n o h w"]:
        """Convolve `x`."""
        kind, on_input = working_type(x), x.numel() < self.weight.numel()
        if self.scale != 1.0 and on_input:  # the constant goes where there is less to multiply
            x = x * self.scale
        plain = self.scale == 1.0 or on_input
        weight = ready(
            self,
            kind,
            lambda: self.weight if plain else self.weight * self.scale,
            form="plain" if plain else "scaled",
        )
        if self.outer:  # on a CPU several times faster than a convolution over one channel
            pixels = F.linear(x.permute(0, 2, 3, 1), weight.flatten(1), self.bias)
            return pixels.permute(0, 3, 1, 2)
        return convolve(x, weight, self.bias, padding=self.padding)


class EqualizedLinear(nn.Module):
    """Multiply with a dense matrix; `bias=False` leaves the bias out."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        gain: float = ROOT_TWO,
        equalized: bool = True,
        bias: bool = True,
    ) -> None:
        super().__init__()
        shape = (out_features, in_features)
        self.weight, self.scale = draw_weight(shape, in_features, gain, equalized)
        self.bias = nn.Parameter(torch.zeros(out_features)) if bias else None

    def without_constant(self) -> None:
        """Use the weight as it is from now on."""
        self.scale = 1.0

    def forward(self, x: Float[Tensor, "n f"]) -> Float[Tensor, "n o"]:
        """Multiply `x`."""
        weight = ready(self, working_type(x), lambda: self.weight)
        return F.linear(x if self.scale == 1.0 else x * self.scale, weight, self.bias)


def box_kernel() -> Float[Tensor, "9 16"]:
    """The matrix that turns flat 3×3 kernels into 4×4 ones for a stride-2 convolution.

    Each 4×4 kernel is the mean of the four 3×3 kernels shifted by up to one pixel: convolving
    with it at stride 2 is convolving with the 3×3 kernel, then averaging 2×2 boxes.
    """
    matrix = torch.zeros(3, 3, 4, 4)
    for y in range(3):
        for x in range(3):
            matrix[y, x, y : y + 2, x : x + 2] = 0.25
    return matrix.view(9, 16)


def nearest_kernel() -> Float[Tensor, "9 16"]:
    """The matrix that turns flat 3×3 kernels into 4×4 ones for a stride-2 transposed convolution.

    Each 4×4 kernel is the sum of the four shifted 3×3 kernels, rotated by 180°, since a
    transposed convolution meets its kernel the other way round. The result equals repeating
    every pixel 2×2, then convolving with the 3×3 kernel.

    Departs: the original code stores these weights rotated instead; rotate to import them.
    """
    return 4.0 * box_kernel().view(9, 4, 4).flip(1, 2).reshape(9, 16)


class _Widen(torch.autograd.Function):
    """3×3 weight, 16 × 9 matrix → 4×4 kernel, of the type wanted, channels last in memory.

    What torch would do, with one copy fewer each way; products in the type of the weight, both
    ways.
    """

    @staticmethod
    def forward(ctx: Any, weight: Tensor, widen: Tensor, kind: torch.dtype) -> Tensor:
        ctx.save_for_backward(widen)
        ctx.kind = weight.dtype
        return _Widen.times(widen, weight, weight.dtype).to(kind, memory_format=torch.channels_last)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (widen,) = ctx.saved_tensors
        return _Widen.times(widen.t(), gradients[0], ctx.kind), None, None

    @staticmethod
    def times(matrix: Tensor, kernel: Tensor, kind: torch.dtype) -> Tensor:
        """`matrix` times the taps of `kernel`, in type `kind`; tap by tap in memory."""
        taps = kernel.permute(2, 3, 0, 1).to(kind, memory_format=torch.contiguous_format)
        with torch.autocast(taps.device.type, enabled=False):
            product = matrix @ taps.reshape(matrix.shape[1], -1)
        side = math.isqrt(len(matrix))
        return product.view(side, side, *taps.shape[2:]).permute(2, 3, 0, 1)


class _FusedConv2d(nn.Module):
    """A 3×3 layer whose kernel is widened to 4×4 by one (16 × 9)(9 × n) matrix product.

    The weight lies in memory tap by tap, so that it is that product's second factor as it is.
    """

    widen: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        widen: Tensor,
        gain: float,
        equalized: bool,
        bias: bool,
    ) -> None:
        super().__init__()
        shape = (out_channels, in_channels, 3, 3)
        weight, scale = draw_weight(shape, 9 * in_channels, gain, equalized)
        self.weight = weight
        self._lay_out()
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None
        self.scale = scale
        self.register_buffer("widen", widen.t() * scale, persistent=False)

    def without_constant(self) -> None:
        """Use the weight as it is from now on."""
        self.widen, self.scale = self.widen / self.scale, 1.0

    def _lay_out(self) -> None:
        own: Any = self  # looking at a normed layer's weight would make it
        normed = is_parametrized(self)
        stored = own.parametrizations.weight.original if normed else own.weight
        stored.data = self.turned(tap_by_tap(self.turned(stored.data)))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> _FusedConv2d:
        """Move or convert the layer; `to(memory_format=…)` has no say in how the weight lies."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self._lay_out()
        return self

    def turned(self, weight: Tensor) -> Tensor:
        """The weight as the layer's convolution takes it; turned twice, it is itself again."""
        return weight

    def kernel(self, kind: torch.dtype) -> Float[Tensor, "a b 4 4"]:
        """The 4×4 kernel, constant included, made in the precision of the weight."""

        def make() -> Tensor:
            if in_plain_form():
                return _Widen.times(self.widen, self.turned(self.weight), self.weight.dtype)
            wide: Tensor = _Widen.apply(self.turned(self.weight), self.widen, kind)  # type: ignore[no-untyped-call]
            return wide

        return ready(self, kind, make)


class EqualizedUpConv2d(_FusedConv2d):
    """Double the size and convolve in one: nearest neighbour, then 3×3, as one 4×4 layer.

    The same function as `EqualizedConv2d` after `up`, with the same weights, at 4/9 of the cost.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        gain: float = ROOT_TWO,
        equalized: bool = True,
        bias: bool = True,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            widen=nearest_kernel(),
            gain=gain,
            equalized=equalized,
            bias=bias,
        )

    def turned(self, weight: Tensor) -> Tensor:
        """Inputs first: a transposed convolution wants its kernel the other way round."""
        return weight.transpose(0, 1)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n o 2*h 2*w"]:
        """Enlarge and convolve `x`."""
        return enlarge(x, self.kernel(working_type(x)), self.bias, stride=2, padding=1)


class EqualizedDownConv2d(_FusedConv2d):
    """Convolve and halve the size in one: 3×3, then 2×2 means, as one 4×4 layer of stride 2.

    Without an activation between, the same function as `EqualizedConv2d` before `down`. In a
    critic it is *another* function: bias and activation now come after the mean, not before it.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        gain: float = ROOT_TWO,
        equalized: bool = True,
        bias: bool = True,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            widen=box_kernel(),
            gain=gain,
            equalized=equalized,
            bias=bias,
        )

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n o h//2 w//2"]:
        """Convolve and shrink `x`."""
        return convolve(x, self.kernel(working_type(x)), self.bias, stride=2, padding=1)
