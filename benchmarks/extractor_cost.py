"""What an extractor costs: processor milliseconds and memory a picture, with random weights.

    OMP_NUM_THREADS=1 python benchmarks/extractor_cost.py

Processor time of one thread, so that other programs on the machine change it little.
"""

from __future__ import annotations

import statistics
import time

import numpy as np
import torch

from progan.extractors.base import Extractor
from progan.extractors.efficientnet import EfficientNetLite0, efficientnet
from progan.extractors.inception import FIDInception, inception
from progan.extractors.trained import Classifier, as_extractor

ROUNDS, PICTURES = 3, 8


def fresh(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Its first weights."""
    return network.state_dict()


def extractors() -> list[Extractor]:
    """One of each kind."""
    ten = tuple("0123456789")
    return [
        inception(fresh(FIDInception()), "0" * 64),
        efficientnet(fresh(EfficientNetLite0()), "0" * 64),
        as_extractor(Classifier(32, 1, 10), "0" * 64, side=32, channels=1, classes=ten),
        as_extractor(Classifier(64, 3, 10), "1" * 64, side=64, channels=3, classes=ten),
    ]


def main() -> None:
    """Print a line for each."""
    torch.set_num_threads(1)
    for one in extractors():
        count = PICTURES
        shape = (count, one.channels, 32, 32)
        images = np.random.default_rng(0).integers(256, size=shape, dtype=np.uint8)
        times = []
        for _ in range(ROUNDS + 1):
            began = time.process_time()
            one.features(images)
            times.append((time.process_time() - began) / count * 1000)
        weights = sum(p.numel() for p in one.network.parameters()) / 1e6
        print(
            f"{one.name:<34} {one.side:>4} px  {weights:6.2f} M weights  "
            f"{statistics.median(times[1:]):7.2f} ms a picture"
        )


if __name__ == "__main__":
    main()
