"""The leaky rectifier, whose second derivative is known to vanish."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from progan.core.slopes import in_plain_form

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["leaky_relu"]


def leaky_relu(x: Float[Tensor, "*shape"], slope: float = 0.2) -> Float[Tensor, "*shape"]:
    """max(x, slope · x), in place; nobody else may need `x` afterwards.

    Its second derivative vanishes: unlike torch's, it hands nothing back to `x` the second time,
    rather than zeros that every layer before would then work on.
    """
    if in_plain_form():
        return F.leaky_relu(x, slope)
    if slope > 0 and x.requires_grad and torch.is_grad_enabled():
        y: Tensor = _LeakyReLU.apply(x, slope)  # type: ignore[no-untyped-call]
        return y
    return F.leaky_relu(x, slope, inplace=True)


class _LeakyReLU(torch.autograd.Function):
    """In place; the sign of the result tells that of the argument."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, slope: float) -> Tensor:
        y = F.leaky_relu_(x, slope)
        ctx.mark_dirty(x)
        ctx.save_for_backward(y)
        ctx.slope = slope
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (y,) = ctx.saved_tensors
        return _Slope.apply(gradients[0], y.detach(), ctx.slope), None  # type: ignore[no-untyped-call]


class _Slope(torch.autograd.Function):
    """g → g where y is positive, slope · g elsewhere."""

    @staticmethod
    def forward(ctx: Any, g: Tensor, y: Tensor, slope: float) -> Tensor:
        ctx.save_for_backward(y)
        ctx.slope = slope
        found: Tensor = torch.ops.aten.leaky_relu_backward(g, y, slope, True)
        return found

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (y,) = ctx.saved_tensors
        return _Slope.apply(gradients[0], y, ctx.slope), None, None  # type: ignore[no-untyped-call]
