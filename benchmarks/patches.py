"""Weight gradients of small pictures: torch's convolution beside one product over patches.

    python benchmarks/patches.py

512 channels to 512, with the batches of benchmarks/peers.py and twice those; milliseconds, the
lower quartile of turns in which both alternate, and how many times as fast the product is.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("GOMP_SPINCOUNT", "0")

import torch
from torch import Tensor

from progan.layers import patches

SHAPES = [(4, 3, 1), (8, 3, 1), (8, 4, 2), (16, 3, 1), (16, 4, 2), (32, 3, 1), (32, 4, 2)]
BATCHES = {4: 16, 8: 16, 16: 8, 32: 4}
CHANNELS = 512


def race(seconds: float, *ways: Callable[[], object]) -> list[float]:
    """Milliseconds of each."""
    taken: list[list[float]] = [[] for _ in ways]
    for way in ways:
        way()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(taken[0]) < 5:
        for way, times in zip(ways, taken, strict=True):
            began = time.perf_counter()
            way()
            times.append(1e3 * (time.perf_counter() - began))
    return [statistics.quantiles(times, n=4)[0] for times in taken]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--precision", default="bf16", choices=["bf16", "fp32"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=1.0)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    kind = torch.bfloat16 if options.precision == "bf16" else torch.float32

    def pixels(*shape: int) -> Tensor:
        return torch.randn(shape).to(kind, memory_format=torch.channels_last)

    print("pixels batch kernel stride patches  convolution  product  times  taken")
    for size, kernel, stride in SHAPES:
        for batch in (BATCHES[size], 2 * BATCHES[size]):
            x, w = pixels(batch, CHANNELS, size, size), pixels(CHANNELS, CHANNELS, kernel, kernel)
            g = pixels(batch, CHANNELS, size // stride, size // stride)
            how = ([CHANNELS], [stride] * 2, [1, 1], [1, 1], False, [0, 0], 1, [False, True, False])
            one, other = race(
                options.seconds,
                lambda g=g, x=x, w=w, how=how: torch.ops.aten.convolution_backward(g, x, w, *how),
                lambda g=g, x=x, k=kernel, s=stride: patches.weight_gradient(g, x, k, s, 1),
            )
            count = patches.pixels(g)
            taken = "product" if patches.few_for_weights(count, g) else "convolution"
            print(
                f"{size:>6} {batch:>5} {kernel:>6} {stride:>6} {count:>7} {one:>12.2f} "
                f"{other:>8.2f} {one / other:>6.1f}  {taken}",
                flush=True,
            )


if __name__ == "__main__":
    main()
