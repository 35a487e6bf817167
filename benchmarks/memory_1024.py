"""Does the paper's ProGAN train at 1024 × 1024 with batch 4 in 20 GiB, and what helps?

    python benchmarks/memory_1024.py                       all three ways, each in its own process
    python benchmarks/memory_1024.py --ways checkpointed --steps 3

The full-width networks of the preset `paper`, WGAN-GP every step, on noise: peak resident memory
and seconds of every step, the first of which makes the optimizers' moments. The ways:

    plain           the whole batch at once
    checkpointed    train.checkpoint_activations
    micro-batch     train.micro_batch=1
    both            the two together
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time

WAYS = {
    "plain": (False, None),
    "checkpointed": (True, None),
    "micro-batch": (False, 1),
    "both": (True, 1),
}
GOAL = 20.0


def train(way: str, resolution: int, batch: int, steps: int, precision: str, threads: int) -> None:
    """Play a few steps, and print a line of JSON after each."""
    import torch

    from progan.assemble.models.build import build_system
    from progan.core.plan import Plan, Stage
    from progan.core.recipe import Recipe, TrainSettings
    from progan.core.specs import DataSpec
    from progan.data.loader import Loader
    from progan.data.noise import NoisePyramid
    from progan.engine.loop import Trainer
    from progan.engine.meter import peak_of

    torch.set_num_threads(threads)
    again, micro_batch = WAYS[way]
    recipe = Recipe(preset="paper", train=TrainSettings(checkpoint_activations=again))
    spec = DataSpec(resolution=resolution, channels=3, images=1000)
    device = torch.device("cpu")
    system = build_system(recipe, spec, device)
    stage = Stage(name="last", images=10**9, resolution=resolution, batch=batch)
    trainer = Trainer(
        system,
        Loader(NoisePyramid(spec, "noise"), seed=0),
        plan=Plan((stage,)),
        micro_batch=micro_batch,
        precision=precision,  # type: ignore[arg-type]
    )
    for step in range(steps):
        began = time.monotonic()
        peak = peak_of(device, trainer.step)
        seconds = time.monotonic() - began
        print(json.dumps({"step": step, "peak": peak, "seconds": seconds}), flush=True)


def main() -> None:
    """Train each way in a process of its own, and say whether the goal is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ways", default="plain,checkpointed,micro-batch")
    parser.add_argument("--resolution", type=int, default=1024)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    given = (options.resolution, options.batch, options.steps, options.precision, options.threads)
    if options.child:
        train(options.child, *given)
        return
    print(f"{'way':<14}{'step':>5}{'peak GiB':>10}{'seconds':>9}  goal: under {GOAL:g} GiB")
    for way in options.ways.split(","):
        child = subprocess.Popen(
            [sys.executable, __file__, *sys.argv[1:], "--child", way],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        for line in child.stdout:
            row = json.loads(line)
            size = row["peak"] / 2**30 if row["peak"] else float("nan")
            met = "met" if size < GOAL else "missed"
            print(
                f"{way:<14}{row['step']:>5}{size:>10.2f}{row['seconds']:>9.1f}  {met}", flush=True
            )
        if child.wait():
            print(f"{way:<14}ended with {child.returncode}", flush=True)


if __name__ == "__main__":
    main()
