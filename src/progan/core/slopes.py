"""The slope of scores in images, made to be differentiated again.

Penalties on a critic's slope (WGAN-GP, R1) first take a gradient with respect to images alone,
then differentiate a function of it with respect to weights. While the first is taken, layers that
know it need not work out what their weights would get.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["image_slope", "weights_wait"]

_waiting: list[Tensor] = []
"""What slopes are being taken of. Kept here, not by thread: on a GPU torch differentiates in a
thread of its own."""


def image_slope(scores: Tensor, image: Tensor) -> Tensor:
    """∂(sum of scores) / ∂image, as a function of the weights; n c h w."""
    _waiting.append(scores)
    try:
        (slope,) = torch.autograd.grad(scores.sum(), image, create_graph=True)
    finally:
        _waiting.pop()
    return slope


def weights_wait() -> bool:
    """Whether only the gradient with respect to images is being taken."""
    return bool(_waiting)
