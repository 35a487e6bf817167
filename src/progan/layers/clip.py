"""Weights kept inside a box."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["clip_weights"]


@torch.no_grad()
def clip_weights(network: nn.Module, limit: float) -> None:
    """Bring every weight and bias of `network` back into [−limit, limit].

    A weight that its layer multiplies with a constant counts after the multiplication.

    Source: Arjovsky et al. 2017 (WGAN), algorithm 1.
    """
    for module in network.modules():
        for name, parameter in module.named_parameters(recurse=False):
            factor = getattr(module, "scale", 1.0) if name == "weight" else 1.0
            parameter.clamp_(-limit / factor, limit / factor)
