"""Operations: counted as they are dispatched, and the most of them that a machine does a second."""

from __future__ import annotations

import math
import time
from typing import Any

import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from progan.engine.precision import HALVES, Precision

__all__ = ["Operations", "machine_peak", "wait"]

PEAK_SHAPES = ((16, 512, 512, 8), (4, 512, 256, 64), (4, 128, 128, 128))
"""Batch, channels in and out, and side of the 3×3 layers that the peak is taken over."""


class Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts, while it is entered, the operations of convolutions and matrix products.

    By torch's own formulas. Its `FlopCounterMode` watches modules too, and so fails where a
    gradient with respect to images is taken.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func._overloadpacket)
        if formula is not None:
            self.total += formula(*args, **(kwargs or {}), out_val=result)
        return result


def machine_peak(device: torch.device, precision: Precision, seconds: float = 0.3) -> float:
    """The fastest 3×3 layer forward, in 10⁹ operations a second, channels last.

    Over the layers of `PEAK_SHAPES`, each for `seconds`, the best single call. It is what a layer
    can reach here, not what a maker prints.
    """
    best = 0.0
    kind = HALVES.get(precision, torch.float32)
    with torch.no_grad():
        for batch, into, out, side in PEAK_SHAPES:
            image = torch.randn(batch, into, side, side, device=device, dtype=kind)
            weight = torch.randn(out, into, 3, 3, device=device, dtype=kind)
            image = image.contiguous(memory_format=torch.channels_last)
            weight = weight.contiguous(memory_format=torch.channels_last)
            operations = 2 * 9 * batch * into * out * side * side
            F.conv2d(image, weight, padding=1)
            ends, taken = time.perf_counter() + seconds, math.inf
            while time.perf_counter() < ends or math.isinf(taken):
                wait(device)
                began = time.perf_counter()
                F.conv2d(image, weight, padding=1)
                wait(device)
                taken = min(taken, time.perf_counter() - began)
            best = max(best, operations / taken / 1e9)
    return best


def wait(device: torch.device) -> None:
    """Let a device finish what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
