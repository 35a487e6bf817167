"""Activations that are computed again instead of being kept."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

__all__ = ["forgetful"]


def forgetful(work: Callable[[Tensor], Tensor], x: Tensor, *, draws: bool) -> Tensor:
    """`work(x)`, which keeps only `x` for the gradient and is done once more when that is due.

    The same numbers, also in gradients of gradients; `draws` says whether `work` draws some.
    """
    if not torch.is_grad_enabled():
        return work(x)
    return checkpoint(work, x, use_reentrant=False, preserve_rng_state=draws)
