"""CPU time and memory of the metrics of features, on random features.

    python benchmarks/metrics_cost.py [--images 10000] [--width 1280] [--only …]

One thread. As many reals as fakes; Parzen on 784 pixels; moments in batches of 64. CPU seconds are
those of the mathematics alone: to make pictures and take their features costs far more. Memory is
the peak of what was allocated beside the features themselves, in MiB.
"""

from __future__ import annotations

import argparse
import os
import time
import tracemalloc
from collections.abc import Callable

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np

from progan.metrics.frechet import fid
from progan.metrics.inception_score import inception_score
from progan.metrics.kernels import RBF, kid, mmd
from progan.metrics.memorisation import memorisation
from progan.metrics.moments import MomentStream
from progan.metrics.neighbours import one_nearest_accuracy, prdc, precision_recall
from progan.metrics.parzen import parzen
from progan.metrics.stacked import count_stacked

Jobs = dict[str, Callable[[], object]]


def jobs(images: int, width: int) -> Jobs:
    def draw(n: int, d: int, seed: int) -> np.ndarray:
        return np.random.default_rng(seed).standard_normal((n, d), dtype=np.float32)

    real, fake = draw(images, width, 0), draw(images, width, 1)

    def stream() -> None:
        moments = MomentStream()
        for start in range(0, images, 64):
            moments.add(real[start : start + 64])
        moments.moments()

    def likelihood() -> object:
        pixels = [draw(n, 784, seed) for n, seed in ((images, 0), (1000, 1), (images, 2))]
        return parzen(*pixels)

    def digits() -> object:
        return count_stacked(np.random.default_rng(0).integers(10, size=(26_000, 3)))

    return {
        "moments, streamed": stream,
        "FID, with its interval": lambda: fid(real, fake),
        "KID, 100 subsets of 1,000": lambda: kid(real, fake),
        "RBF MMD, 200 permutations": lambda: mmd(
            real, fake, RBF(sigma=width**0.5), permutations=200
        ),
        "Inception score, 1,000 classes": lambda: inception_score(draw(images, 1000, 2)),
        "Parzen, 784 pixels": likelihood,
        "precision and recall": lambda: precision_recall(real, fake),
        "density and coverage": lambda: prdc(real, fake),
        "1-NN accuracy": lambda: one_nearest_accuracy(real, fake),
        "memorisation, half held out": lambda: memorisation(
            real[: images // 2], real[images // 2 :], fake
        ),
        "stacked digits, 26,000": digits,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--width", type=int, default=1280, help="features a picture")
    parser.add_argument("--only", default="", help="those whose name holds this")
    chosen = parser.parse_args()
    print(f"| {chosen.images:,} pictures, {chosen.width:,} features | CPU s | MiB |")
    print("|---|---|---|")
    for name, job in jobs(chosen.images, chosen.width).items():
        if chosen.only not in name:
            continue
        tracemalloc.start()
        began = time.process_time()
        job()
        taken = time.process_time() - began
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        print(f"| {name} | {taken:.1f} | {most / 2**20:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
