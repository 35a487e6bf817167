"""The slope of scores in images, made to be differentiated again.

Penalties on a critic's slope (WGAN-GP, R1) first take a gradient with respect to images alone,
then differentiate a function of it with respect to weights. While the first is taken, layers that
know it need not work out what their weights would get.

In float16 what a single feature adds to a score is easily lost below the smallest number. So
within `slopes_scaled(c)` the gradient is taken of c times the scores, and divided by c in float32
once it has come to the image:

    ∂s/∂x = (∂(c s)/∂x) / c

Its value and all its derivatives are the same; only what lies between is c times larger, and what
later flows back from the slope to the weights is c times smaller on its way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

__all__ = [
    "autocast_as_now",
    "image_slope",
    "in_plain_form",
    "plain_form",
    "slopes_scaled",
    "verdict_and_slope",
    "weights_wait",
    "without_autocast",
]

_waiting: list[Tensor] = []
"""What slopes are being taken of. Kept here, not by thread: on a GPU torch differentiates in a
thread of its own."""
_factors: list[float | Tensor] = []
_plain: list[bool] = []


def without_autocast(device: torch.device) -> torch.autocast:
    """Where gradients are taken: each step back in the types of the step forward.

    Otherwise float32 products would be taken in half precision on the way back; and on a GPU,
    where torch goes back in a thread of its own, autocast is handed on to that thread without the
    type it was set to, so that bfloat16 would turn into float16.
    """
    return torch.autocast(device.type, enabled=False)


def autocast_as_now(device: torch.device) -> torch.autocast:
    """The context that is now, to be entered again inside another."""
    kind = device.type
    return torch.autocast(
        kind,
        dtype=torch.get_autocast_dtype(kind),
        enabled=torch.is_autocast_enabled(kind),
        cache_enabled=False,
    )


@contextmanager
def slopes_scaled(factor: float | Tensor) -> Iterator[None]:
    """Within, slopes are taken of `factor` times the scores, a power of two, and divided by it."""
    _factors.append(factor)
    try:
        yield
    finally:
        _factors.pop()


@contextmanager
def plain_form() -> Iterator[None]:
    """Within, layers are made of torch's own operations, and slopes are taken by torch.func.

    For torch.func and torch.compile, which do not follow autograd functions of our own to the
    second order.
    """
    _plain.append(True)
    try:
        yield
    finally:
        _plain.pop()


def in_plain_form() -> bool:
    """Whether everything must be made of torch's own operations."""
    return bool(_plain)


def image_slope(scores: Tensor, image: Tensor) -> Tensor:
    """∂(sum of scores) / ∂image, as a function of the weights; n c h w, in the type of `image`."""
    total = scores.sum()
    if _factors:
        total = total * _factors[-1]
    _waiting.append(scores)
    try:
        with without_autocast(image.device):
            (slope,) = torch.autograd.grad(total, image, create_graph=True)
    finally:
        _waiting.pop()
    return slope / _factors[-1] if _factors else slope


def verdict_and_slope(critic: Callable[[Tensor], Tensor], image: Tensor) -> tuple[Tensor, Tensor]:
    """The critic's verdict on `image`, and the slope of its scores there, n c h w.

    Of a verdict with several columns, n × k, the first holds the scores. Both are functions of
    the weights, but no longer of what made `image`.
    """
    image = image.detach()
    if not in_plain_form():
        image.requires_grad_()
        verdict = critic(image)
        return verdict, image_slope(_scores(verdict), image)
    inside = autocast_as_now(image.device)

    def total(image: Tensor) -> tuple[Tensor, Tensor]:
        with inside:
            verdict = critic(image)
        found = _scores(verdict).sum()
        return found * _factors[-1] if _factors else found, verdict

    with without_autocast(image.device):
        slope, verdict = torch.func.grad(total, has_aux=True)(image)
    return verdict, slope / _factors[-1] if _factors else slope


def _scores(verdict: Tensor) -> Tensor:
    return verdict if verdict.ndim == 1 else verdict[:, 0]


def weights_wait() -> bool:
    """Whether only the gradient with respect to images is being taken."""
    return bool(_waiting)
