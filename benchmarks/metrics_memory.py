"""Peak memory and time of the sliced Wasserstein distance at its published size.

python benchmarks/metrics_memory.py [--images 16384] [--resolution 128] [--channels 3] [--floor]

Prints the peak resident memory of the whole process, torch loaded, in MiB.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time

import numpy as np
import torch

from progan.metrics.images import ImageSource
from progan.metrics.sliced import sliced_wasserstein


def noise(resolution: int, channels: int, seed: int) -> ImageSource:
    def source(start: int, count: int) -> torch.Tensor:
        rng = np.random.default_rng((seed, start))
        shape = (count, channels, resolution, resolution)
        return torch.from_numpy(rng.integers(256, size=shape, dtype=np.uint8))

    return source


def peak_mib() -> float:
    # Linux counts in KiB, macOS in bytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if _MAC else 2**10)


_MAC = sys.platform == "darwin"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=16_384)
    parser.add_argument("--resolution", type=int, default=128)
    parser.add_argument("--channels", type=int, default=3, choices=(1, 3))
    parser.add_argument("--floor", action="store_true", help="measure the floor as well")
    chosen = parser.parse_args()
    before, began = peak_mib(), time.monotonic()
    real, fake = (noise(chosen.resolution, chosen.channels, seed) for seed in (0, 1))
    found = sliced_wasserstein(
        real,
        fake,
        chosen.images,
        real_images=2 * chosen.images if chosen.floor else None,
        progress=lambda part: print(f"\r{part:6.1%}", end="", file=sys.stderr),
    )
    print(file=sys.stderr)
    print(found)
    print(f"{time.monotonic() - began:.0f} s")
    print(f"peak {peak_mib():,.0f} MiB, of which {before:,.0f} MiB before the first image")


if __name__ == "__main__":
    main()
