"""How long growing takes against training at the full size, for the same number of images.

    python benchmarks/growth_time.py --sizes 32,64,128

Each stage of preset `v2` is measured on this machine, settled and fading, on noise: seconds per
image, the median over rounds in which all stages have their turn. The rates are then multiplied
with the images of the official schedule, 600,000 at each phase. Batches are small, those of
benchmarks/peers.py, so that a laptop holds them. These are rates multiplied out, not runs.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from pathlib import Path

os.environ.setdefault("GOMP_SPINCOUNT", "0")

import torch
from peers import BATCHES, Noise

from progan.assemble.models.build import build_system, versions
from progan.assemble.training import budget
from progan.core.config import apply_sets
from progan.core.recipe import Recipe
from progan.core.specs import DataSpec
from progan.engine.loop import Trainer

PHASE = 600_000


def seconds_per_image(size: int, precision: str, rounds: int, seconds: float) -> dict[str, float]:
    """Of every stage on the way to `size`, by its name."""
    batches = {str(side): batch for side, batch in BATCHES.items() if side <= size}
    recipe = apply_sets(Recipe(preset="v2"), [f"batch={json.dumps(batches)}".replace('"', "")])
    spec = DataSpec(resolution=size, channels=3, classes=0, images=10**6)
    system = build_system(recipe, spec, torch.device("cpu"))
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        for stage in system.plan().stages:
            trainer = Trainer(
                system,
                Noise(stage.batch, stage.resolution),  # type: ignore[arg-type]
                precision=precision,  # type: ignore[arg-type]
            )
            rate = budget.measure_stage(trainer, stage, trainer.data, seconds=seconds)
            found.setdefault(stage.name, []).append(1 / rate)
    return {name: statistics.median(values) for name, values in found.items()}


def hours(costs: dict[str, float], size: int) -> tuple[float, float]:
    """Growing to `size`, and at `size` from the start."""
    stages = [name for name in costs if int(name.split()[0]) <= size]
    growing = sum(PHASE * costs[name] for name in stages)
    return growing / 3600, len(stages) * PHASE * costs[str(size)] / 3600


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", default="32,64,128")
    parser.add_argument("--precision", default="bf16", choices=["bf16", "fp32"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="for each stage in a round")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    sizes = [int(size) for size in options.sizes.split(",")]
    costs = seconds_per_image(max(sizes), options.precision, options.rounds, options.seconds)
    for name, cost in costs.items():
        print(f"{name:>10}  {1 / cost:8.3g} images/s")
    rows = []
    for size in sizes:
        growing, full = hours(costs, size)
        rows.append({"size": size, "growing": growing, "full": full})
        print(
            f"{size:>4} px  growing {growing:,.0f} h  full size {full:,.0f} h  {full / growing:.2f}"
        )
    if options.json:
        plain = {"seconds_per_image": costs, "rows": rows, "versions": versions()}
        options.json.write_text(json.dumps(plain, indent=1) + "\n")


if __name__ == "__main__":
    main()
