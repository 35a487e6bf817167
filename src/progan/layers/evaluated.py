"""Networks in evaluation for a moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

__all__ = ["evaluated"]


@contextmanager
def evaluated(network: nn.Module) -> Iterator[nn.Module]:
    """Within, `network` is in evaluation; afterwards as it was, if it was all one."""
    training = network.training
    network.eval()
    try:
        yield network
    finally:
        network.train(training)
