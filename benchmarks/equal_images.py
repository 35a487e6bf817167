"""Whether bfloat16 and `fast` train as well as float32 does: SWD after equal images.

    python benchmarks/equal_images.py --out found.jsonl
    python benchmarks/equal_images.py --out found.jsonl --table

Fashion-MNIST (the packaged test pictures) at 32×32, grown from 4×4, three seeds an arm. All arms
have the networks, rates and batches of preset `cpu-paper`, at its whole length or, with `--third`,
at a third of it:

    float32    the paper's step (WGAN-GP in every step), exact
    bfloat16   the same step, convolutions and products in bfloat16
    fast       bfloat16, with what preset `fast` puts in the place of WGAN-GP

Measured is the averaged generator. What is in the file already is not run again, so several of
these can share one file, a seed each.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "0")

import torch
from growth import pictures
from rows import arguments, chosen, found, seeds, work_through

from progan.assemble.models.build import build_system
from progan.core.config import apply_sets
from progan.core.recipe import DataSettings, Recipe, TrainSettings
from progan.data.build import open_or_build
from progan.data.loader import Loader
from progan.data.sources import open_source
from progan.engine.loop import Trainer
from progan.metrics.sliced import sliced_wasserstein
from progan.systems.configs.progan_presets import PRESETS

SIZE = 32
THIRD = ["stable_images=4000", "fade_images=3000", "final_images=10000"]
LAZY = [
    f"objective={PRESETS['fast']['objective']}",
    f"drift={PRESETS['fast']['drift']}",
    *(f"penalty.{key}={value}" for key, value in PRESETS["fast"]["penalty"].items()),
]
ARMS: dict[str, tuple[str, list[str]]] = {
    "float32": ("fp32", []),
    "bfloat16": ("bf16", []),
    "fast": ("bf16", LAZY),
}


def swd(one: Any, other: Any, images: int) -> float:
    """Mean over the levels, times 10³."""
    found = sliced_wasserstein(
        lambda start, n: one[start : start + n], lambda start, n: other[start : start + n], images
    )
    return float(found.mean)


def run(arm: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Train one arm to its end and measure it."""
    precision, sets = ARMS[arm]
    data = DataSettings(source="fashion-mnist", resolution=SIZE, labels="none")
    recipe = Recipe(preset="cpu-paper", data=data, train=TrainSettings(seed=seed))
    recipe = apply_sets(recipe, [*(THIRD if options.third else []), *sets])
    pyramid = open_or_build(open_source(data.source, data), data, options.cache)
    system = build_system(recipe, pyramid.spec, torch.device("cpu"))
    loader = Loader(pyramid, seed=seed, batch_type=system.batch_type)
    trainer = Trainer(system, loader, seed=seed, precision=precision)  # type: ignore[arg-type]
    began = time.perf_counter()
    while not trainer.done:
        trainer.step()
    taken = time.perf_counter() - began
    real = loader.real(0, 2 * options.images, SIZE).numpy()
    fake = pictures(trainer, trainer.at, options.images, SIZE)
    return {
        "arm": arm,
        "seed": seed,
        "images": trainer.images,
        "seconds": round(taken),
        "swd": swd(real[: options.images], fake, options.images),
        "real": swd(real[: options.images], real[options.images :], options.images),
    }


def table(rows: list[dict[str, Any]]) -> None:
    """One line an arm."""
    for arm in ARMS:
        mine = sorted((row["seed"], row["swd"]) for row in rows if row["arm"] == arm)
        if mine:
            values = [value for _, value in mine]
            spread = statistics.stdev(values) if len(values) > 1 else 0.0
            each = ", ".join(f"{value:.1f}" for value in values)
            print(f"{arm:>10}  {each}  mean {statistics.mean(values):.1f} ± {spread:.1f}")
    if rows:
        print(f"      real  {statistics.mean(row['real'] for row in rows):.1f}")


def main() -> None:
    """Run what is missing, or print what is there."""
    parser = arguments(__doc__ or "", ARMS)
    parser.add_argument("--third", action="store_true", help="a third of the preset's length")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--images", type=int, default=4096, help="to measure from")
    parser.add_argument("--cache", type=Path, default=Path("runs/.data"))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if not options.table:
        asked = [(arm, seed) for seed in seeds(options) for arm in chosen(options, ARMS)]
        work_through(options, ("arm", "seed"), asked, lambda arm, seed: run(arm, seed, options))
    table(found(options.out))


if __name__ == "__main__":
    main()
