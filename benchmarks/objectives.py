"""ProGAN with each objective: SWD and MS-SSIM after equal images, three seeds.

    python benchmarks/objectives.py --out found.jsonl --part 0/2 &
    python benchmarks/objectives.py --out found.jsonl --part 1/2
    python benchmarks/objectives.py --out found.jsonl --table

Fashion-MNIST (the packaged test pictures) at 16×16, grown from 4×4; networks, rates, batches and
R1 penalty of preset `cpu`, 24,000 images. Only the objective differs, and where the name says so
what holds the critic. Measured is the averaged generator. What is in the file already is not run
again; parts share one file.
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
from equal_images import swd
from growth import pictures
from rows import arguments, chosen, found, seeds, work_through

from progan.assemble.models.build import build_system
from progan.core.config import apply_sets
from progan.core.recipe import DataSettings, Recipe, TrainSettings
from progan.data.build import open_or_build
from progan.data.loader import Loader
from progan.data.sources import open_source
from progan.engine.loop import Trainer

SIZE = 16
LENGTH = ["stable_images=4000", "fade_images=3000", "final_images=10000"]
GP = ["penalty.kind=gp", "penalty.weight=10", "penalty.every=1", "drift=0.001"]
NAMES = (
    *("non-saturating", "minimax", "least-squares", "least-squares:pearson", "hinge"),
    *("relativistic", "relativistic-average", "relativistic-average:least-squares"),
    *("relativistic-average:hinge", "ebgan", "fgan:kl", "fgan:reverse-kl", "fgan:pearson"),
    *("fgan:neyman", "fgan:hellinger", "fgan:jeffrey", "fgan:js", "fgan:gan"),
    *("fgan:weighted-js", "fgan:total-variation", "fgan:alpha=0.5"),
    *("fgan:kl:non-saturating", "fgan:reverse-kl:non-saturating"),
)
ARMS: dict[str, list[str]] = {
    **{name: [f"objective={name}"] for name in NAMES},
    "reversed-least-squares": [
        *("objective=reversed-least-squares", "noise=0.2", "penalty.kind=none")
    ],
    "wasserstein, GP": ["objective=wasserstein", *GP],
    "wasserstein, clipped": ["objective=wasserstein", "penalty.kind=none", "clip=0.05"],
    "non-saturating, DRAGAN": ["penalty.kind=dragan", "penalty.weight=10", "penalty.every=1"],
    "relativistic, R1 and R2": ["objective=relativistic", "penalty.kind=r1+r2"],
}


def run(arm: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Train one arm to its end and measure it."""
    data = DataSettings(source="fashion-mnist", resolution=SIZE, labels="none")
    recipe = Recipe(preset="cpu", data=data, train=TrainSettings(seed=seed))
    recipe = apply_sets(recipe, [*LENGTH, *ARMS[arm]])
    pyramid = open_or_build(open_source(data.source, data), data, options.cache)
    device = torch.device(options.device)
    system = build_system(recipe, pyramid.spec, device)
    loader = Loader(pyramid, seed=seed, batch_type=system.batch_type, device=device)
    trainer = Trainer(system, loader, seed=seed, device=device)
    began = time.process_time()
    while not trainer.done and trainer.skipped_in_a_row < 50:
        trainer.step()
    row = {
        **{"arm": arm, "seed": seed, "images": trainer.images, "done": trainer.done},
        **{"seconds": round(time.process_time() - began), "swd": None, "real": None},
    }
    if trainer.done:
        real = loader.real(0, 2 * options.images, SIZE).cpu().numpy()
        fake = pictures(trainer, trainer.at, options.images, SIZE)
        row["swd"] = swd(real[: options.images], fake, options.images)
        row["real"] = swd(real[: options.images], real[options.images :], options.images)
    return row


def table(rows: list[dict[str, Any]]) -> None:
    """One line an arm, the best first."""
    lines = []
    for arm in ARMS:
        mine = [row["swd"] for row in sorted(rows, key=lambda r: r["seed"]) if row["arm"] == arm]
        if mine:
            values = [value for value in mine if value is not None]
            each = " · ".join("diverged" if v is None else f"{v:.1f}" for v in mine)
            mean = statistics.mean(values) if values else float("inf")
            lines.append((mean, f"| {arm} | {each} | {mean:.1f} |"))
    print("| objective | SWD of each seed | mean |\n|---|---|---|")
    print("\n".join(line for _, line in sorted(lines)))
    known = [row["real"] for row in rows if row["real"] is not None]
    if known:
        print(f"\nReal against real: {statistics.mean(known):.1f}")


def main() -> None:
    """Run what is missing, or print what is there."""
    parser = arguments(__doc__ or "", ARMS)
    parser.add_argument("--images", type=int, default=4096, help="to measure from")
    parser.add_argument("--cache", type=Path, default=Path("runs/.data"))
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if not options.table:
        asked = [(arm, seed) for seed in seeds(options) for arm in chosen(options, ARMS)]
        work_through(options, ("arm", "seed"), asked, lambda arm, seed: run(arm, seed, options))
    table(found(options.out))


if __name__ == "__main__":
    main()
