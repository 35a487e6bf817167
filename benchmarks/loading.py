"""How much of a training step is spent on reading its images.

    python benchmarks/loading.py portraits --resolution 64

Steps are taken as in training, from the pyramid of the pictures named. Each is followed by reading
a batch alone, with new numbers, timed apart: its share is that time over the step's.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path

os.environ.setdefault("GOMP_SPINCOUNT", "0")

import torch

from progan.assemble.models.build import build_system
from progan.core.plan import Plan, Stage
from progan.core.recipe import DataSettings, Recipe
from progan.data.build import open_or_build
from progan.data.loader import Loader
from progan.data.sources import open_source
from progan.engine.loop import Trainer


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", help="a folder of pictures, or a data set by name")
    parser.add_argument("--resolution", type=int, default=64)
    parser.add_argument("--preset", default="v2")
    parser.add_argument("--sizes", help="such as 4,64; all if left out")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", default="bf16", choices=["bf16", "fp32"])
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "progan")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    data = DataSettings(source=options.source, resolution=options.resolution, labels="none")
    recipe = Recipe(preset=options.preset, data=data)
    pyramid = open_or_build(open_source(data.source, data), data, options.cache)
    system = build_system(recipe, pyramid.spec, torch.device("cpu"))
    loader = Loader(pyramid, seed=0, mirror=True, batch_type=system.batch_type)
    settled = [stage for stage in system.plan().stages if not stage.fade]
    wanted = [int(size) for size in options.sizes.split(",")] if options.sizes else []
    for planned in settled:
        size = int(planned.name)
        if wanted and size not in wanted:
            continue
        batch = min(planned.batch, 16 if size <= 8 else 4)
        stage = Stage(name=planned.name, images=10**12, resolution=size, batch=batch)
        trainer = Trainer(system, loader, plan=Plan((stage,)), precision=options.precision)
        trainer.step()
        steps, reads = [], []
        for number in range(options.steps):
            began = time.perf_counter()
            trainer.step()
            middle = time.perf_counter()
            start = 10**6 + number * batch
            loader.batch(range(start, start + batch), size)
            steps.append(middle - began)
            reads.append(time.perf_counter() - middle)
        step, read = statistics.median(steps), statistics.median(reads)
        print(
            f"{size:>5} px, batch {batch:>3}: step {1e3 * step:9.1f} ms, "
            f"reading {1e3 * read:7.2f} ms, {read / step:7.2%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
