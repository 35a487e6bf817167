"""Convolution whose gradients are written out to the second order.

    y = x ∗ w + b                              with stride s and zero padding p
    ∂L/∂x = I(g, w),   ∂L/∂w = W(g, x),        g = ∂L/∂y

I and W are again linear in each argument, and their own gradients are convolutions, Is and Ws:
nothing else is ever called. Torch's own second derivative of a convolution computes the part of
the weight as a convolution with a kernel as large as the picture, several times slower than W.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from progan.core.slopes import in_plain_form, weights_wait
from progan.layers import patches

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["channels_last", "convolve", "enlarge", "working_type"]


def channels_last(x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
    """The same numbers, those of one pixel side by side in memory."""
    return x.contiguous(memory_format=torch.channels_last)


def working_type(x: Tensor) -> torch.dtype:
    """The type that layers compute in: that of autocast where it is on, otherwise that of `x`."""
    kind = x.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype


def convolve(
    x: Float[Tensor, "n c h w"],
    weight: Float[Tensor, "o c k k"],
    bias: Float[Tensor, " o"] | None = None,
    *,
    stride: int = 1,
    padding: int = 0,
) -> Float[Tensor, "n o H W"]:
    """Convolve `x`; the same as `torch.nn.functional.conv2d`, in the type that autocast asks for.

    Small pictures go through matrix products (`progan.layers.patches`), and gradients are those
    above.
    """
    kind = working_type(x)
    x, weight = x.to(kind), weight.to(kind)
    bias = None if bias is None else bias.to(kind)
    if in_plain_form():
        return F.conv2d(x, weight, bias, stride, padding)
    if _has_graph(x, weight, bias):
        y: Tensor = _Convolve.apply(x, weight, bias, stride, padding)  # type: ignore[no-untyped-call]
        return y
    return _forwards(x, weight, bias, stride, padding)


def enlarge(
    x: Float[Tensor, "n c h w"],
    weight: Float[Tensor, "c o k k"],
    bias: Float[Tensor, " o"] | None = None,
    *,
    stride: int = 2,
    padding: int = 1,
) -> Float[Tensor, "n o H W"]:
    """Convolve `x` the other way; the same as `torch.nn.functional.conv_transpose2d`."""
    kind = working_type(x)
    x, weight = x.to(kind), weight.to(kind)
    bias = None if bias is None else bias.to(kind)
    if in_plain_form():
        return F.conv_transpose2d(x, weight, bias, stride, padding)
    if _has_graph(x, weight, bias):
        y: Tensor = _Enlarge.apply(x, weight, bias, stride, padding)  # type: ignore[no-untyped-call]
        return y
    return _backwards(x, weight, bias, stride, padding)


def _has_graph(*tensors: Tensor | None) -> bool:
    return torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in tensors)


def _forwards(x: Tensor, w: Tensor, b: Tensor | None, stride: int, padding: int) -> Tensor:
    """x ∗ w + b."""
    high, wide = (patches.size_after(side, w.shape[-1], stride, padding) for side in x.shape[2:])
    if patches.few(len(x) * high * wide, stride, w):
        return patches.convolution(x, w, b, stride, padding)
    return F.conv2d(x, w, b, stride, padding)


def _backwards(x: Tensor, w: Tensor, b: Tensor | None, stride: int, padding: int) -> Tensor:
    """I(x, w) + b, as large as a transposed convolution makes it."""
    if not patches.few(patches.pixels(x), stride, w):
        return F.conv_transpose2d(x, w, b, stride, padding)
    high, wide = ((side - 1) * stride - 2 * padding + w.shape[-1] for side in x.shape[2:])
    shape = (len(x), w.shape[1], high, wide)
    return patches.image_gradient(x, w, shape, stride, padding, b)


def _torch_gradients(
    g: Tensor, x: Tensor, w: Tensor, stride: int, padding: int, wanted: list[bool]
) -> tuple[Tensor | None, ...]:
    """Those of image, weight and bias that are wanted, in one call; None for the others."""
    found: tuple[Tensor | None, ...] = torch.ops.aten.convolution_backward(
        g, x, w, [w.shape[0]], [stride] * 2, [padding] * 2, [1, 1], False, [0, 0], 1, wanted
    )
    return found


def _image_gradient(g: Tensor, w: Tensor, like: Tensor, stride: int, padding: int) -> Tensor:
    """I(g, w), of the shape of `like`."""
    if patches.few(patches.pixels(g), stride, w):
        return patches.image_gradient(g, w, tuple(like.shape), stride, padding)
    found = _torch_gradients(g, like, w, stride, padding, [True, False, False])[0]
    assert found is not None
    return found


def _weight_gradients(
    g: Tensor, x: Tensor, like: Tensor, stride: int, padding: int, bias: bool = False
) -> tuple[Tensor, Tensor | None]:
    """W(g, x), of the shape of `like`; and the bias's gradient if it is wanted."""
    if patches.few_for_weights(patches.pixels(g), g):
        of_w = patches.weight_gradient(g, x, like.shape[-1], stride, padding)
        return of_w, g.sum(dim=(0, 2, 3)) if bias else None
    _, found, of_b = _torch_gradients(g, x, like, stride, padding, [False, True, bias])
    assert found is not None
    return found, of_b


class _Convolve(torch.autograd.Function):
    """x, w, b → x ∗ w + b."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, w: Tensor, b: Tensor | None, stride: int, padding: int
    ) -> Tensor:
        ctx.save_for_backward(x, w)
        ctx.how = stride, padding
        return _forwards(x, w, b, stride, padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (g,) = gradients
        x, w = ctx.saved_tensors
        wanted = list(ctx.needs_input_grad[:3])
        if not torch.is_grad_enabled():
            stride, padding = ctx.how
            plain_x = _image_gradient(g, w, x, stride, padding) if wanted[0] else None
            plain_w = plain_b = None
            if wanted[1]:
                plain_w, plain_b = _weight_gradients(g, x, w, stride, padding, bias=wanted[2])
            elif wanted[2]:
                plain_b = g.sum(dim=(0, 2, 3))
            return plain_x, plain_w, plain_b, None, None
        of_x = _ImageGradient.apply(g, w, x.detach(), *ctx.how) if wanted[0] else None  # type: ignore[no-untyped-call]
        if weights_wait():
            return of_x, None, None, None, None
        of_w = _WeightGradient.apply(g, x, w.detach(), *ctx.how) if wanted[1] else None  # type: ignore[no-untyped-call]
        of_b = g.sum(dim=(0, 2, 3)) if wanted[2] else None
        return of_x, of_w, of_b, None, None


class _Enlarge(torch.autograd.Function):
    """x, w, b → I(x, w) + b, the transposed convolution."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, w: Tensor, b: Tensor | None, stride: int, padding: int
    ) -> Tensor:
        ctx.save_for_backward(x, w)
        ctx.how = stride, padding
        return _backwards(x, w, b, stride, padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (g,) = gradients
        x, w = ctx.saved_tensors
        wanted = ctx.needs_input_grad
        of_x = of_w = None
        if wanted[0]:
            of_x = _Convolve.apply(g, w, None, *ctx.how)  # type: ignore[no-untyped-call]
        if wanted[1]:
            of_w = _WeightGradient.apply(x, g, w.detach(), *ctx.how)  # type: ignore[no-untyped-call]
        return of_x, of_w, g.sum(dim=(0, 2, 3)) if wanted[2] else None, None, None


class _ImageGradient(torch.autograd.Function):
    """g, w → I(g, w); `like` gives the shape of the image."""

    @staticmethod
    def forward(ctx: Any, g: Tensor, w: Tensor, like: Tensor, stride: int, padding: int) -> Any:
        ctx.save_for_backward(g, w)
        ctx.how = stride, padding
        return _image_gradient(g, w, like, stride, padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (v,) = gradients  # the gradient with respect to I, of the shape of the image
        g, w = ctx.saved_tensors
        of_g = of_w = None
        if ctx.needs_input_grad[0]:
            of_g = _Convolve.apply(v, w, None, *ctx.how)  # type: ignore[no-untyped-call]
        if ctx.needs_input_grad[1]:
            of_w = _WeightGradient.apply(g, v, w.detach(), *ctx.how)  # type: ignore[no-untyped-call]
        return of_g, of_w, None, None, None


class _WeightGradient(torch.autograd.Function):
    """g, x → W(g, x); `like` gives the shape of the weight."""

    @staticmethod
    def forward(ctx: Any, g: Tensor, x: Tensor, like: Tensor, stride: int, padding: int) -> Any:
        ctx.save_for_backward(g, x)
        ctx.how = stride, padding
        return _weight_gradients(g, x, like, stride, padding)[0]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (u,) = gradients  # the gradient with respect to W, of the shape of the weight
        g, x = ctx.saved_tensors
        of_g = of_x = None
        if ctx.needs_input_grad[0]:
            of_g = _Convolve.apply(x, u, None, *ctx.how)  # type: ignore[no-untyped-call]
        if ctx.needs_input_grad[1]:
            of_x = _ImageGradient.apply(g, u, x.detach(), *ctx.how)  # type: ignore[no-untyped-call]
        return of_g, of_x, None, None, None
