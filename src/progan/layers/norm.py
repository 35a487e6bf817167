"""Normalisations that keep no statistics of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from progan.core.slopes import in_plain_form

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["PixelNorm", "pixel_norm"]


def _inverse_root_mean_square(x: Tensor, eps: float) -> Tensor:
    """1 / sqrt(mean over channels of x² + eps), in float32 or better."""
    exact = x.dtype if x.dtype == torch.float64 else torch.float32
    x = x.float() if x.dtype == torch.float16 else x  # whose squares end at 65,504
    return (x.square().sum(dim=1, keepdim=True, dtype=exact) / x.shape[1] + eps).rsqrt()


def _inverse_fast(x: Tensor, eps: float) -> Tensor:
    """The same value, not to be differentiated, without a square of `x` in memory."""
    if not x.is_contiguous(memory_format=torch.channels_last):
        return _inverse_root_mean_square(x, eps)  # a norm across strides would be slower
    exact = x.dtype if x.dtype == torch.float64 else torch.float32
    norm = torch.linalg.vector_norm(x, dim=1, keepdim=True, dtype=exact)
    return norm.square_().div_(x.shape[1]).add_(eps).rsqrt_()


class _PixelNorm(torch.autograd.Function):
    """Pixel norm with its gradient written out, which halves the passes over memory.

    r = 1 / sqrt(mean x² + eps),  y = r x
    ∂L/∂x = r (g − x · r² · mean(g x)),        g = ∂L/∂y
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, eps: float) -> Tensor:
        r = _inverse_fast(x, eps)
        ctx.save_for_backward(x, r)
        ctx.eps = eps
        return x * r.to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (g,) = gradients
        x, r = ctx.saved_tensors
        if torch.is_grad_enabled():  # someone will differentiate this gradient again
            r = _inverse_root_mean_square(x, ctx.eps)
        along = (g * x).sum(dim=1, keepdim=True, dtype=r.dtype) * r.square()
        along = (along / -x.shape[1]).to(x.dtype)
        return torch.addcmul(g, x, along) * r.to(x.dtype), None


def pixel_norm(x: Float[Tensor, "n c *space"], eps: float = 1e-8) -> Float[Tensor, "n c *space"]:
    """Scale the feature vector at every pixel to unit mean square; see `PixelNorm`."""
    if x.ndim != 4 or in_plain_form():
        return x * _inverse_root_mean_square(x, eps).to(x.dtype)
    if not (x.requires_grad and torch.is_grad_enabled()):
        return x * _inverse_fast(x, eps).to(x.dtype)
    return _PixelNorm.apply(x, eps)  # type: ignore[no-untyped-call]


class PixelNorm(nn.Module):
    """Scale the feature vector at every pixel to unit mean square.

        y = x / sqrt(mean over channels of x² + eps)

    Stateless, and the same in training and in evaluation. The mean is taken in float32 also
    when `x` is in half precision; the output has the precision of `x`.

    Source: Karras et al. 2018 (ProGAN), section 4.2.
    """

    def __init__(self, eps: float = 1e-8) -> None:
        super().__init__()
        self.eps = eps

    def forward(self, x: Float[Tensor, "n c *space"]) -> Float[Tensor, "n c *space"]:
        """Normalise `x`."""
        return pixel_norm(x, self.eps)
