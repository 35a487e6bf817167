"""What attention, spectral norm and conditional norm do to ProGAN: an ablation.

    python benchmarks/options.py --out found.jsonl --minutes 10 --part 0/2 &
    python benchmarks/options.py --out found.jsonl --minutes 10 --part 1/2
    python benchmarks/options.py --out found.jsonl --table

Fashion-MNIST (the packaged test pictures) at 32×32, grown from 4×4; networks, rates, batches and
R1 penalty of preset `cpu`. Without labels: as it is, with attention at 16 pixels, with spectral
norm in the critic and in both networks, and with both. With labels: projection, with and without
conditional norm in the generator.

`--images` gives every arm as many images, its stages as long in proportion as the preset's;
`--minutes` gives every arm as long, by a trial of each stage at the start: then what an option
costs in time counts. Measured is the averaged generator: SWD, MS-SSIM, and with `--extractor` the
Fréchet distance on its features. What is in the file already is not run again; parts share one
file.
"""

from __future__ import annotations

import argparse
import math
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
from progan.assemble.training import budget
from progan.core.config import apply_sets
from progan.core.plan import Plan
from progan.core.recipe import DataSettings, Recipe, TrainSettings
from progan.data.build import open_or_build
from progan.data.loader import Loader
from progan.data.sources import open_source
from progan.engine.loop import Trainer
from progan.extractors.names import lookup
from progan.metrics.frechet import frechet_distance
from progan.metrics.moments import moments
from progan.metrics.msssim import msssim

PROJECTION = "condition=projection"
ARMS: dict[str, list[str]] = {
    "base": [],
    "attention": ["attention=[16]"],
    "spectral norm, critic": ["spectral_norm=critic"],
    "spectral norm, both": ["spectral_norm=both"],
    "attention and spectral norm": ["attention=[16]", "spectral_norm=both"],
    "labels": [PROJECTION],
    "labels, conditional norm": [PROJECTION, "generator_norm=conditional"],
}
MEASURES = ("swd", "msssim", "fd")


def trainer_of(arm: str, seed: int, options: argparse.Namespace) -> tuple[Trainer, Loader]:
    """The arm at its start, and its pictures."""
    labels = "auto" if PROJECTION in ARMS[arm] else "none"
    data = DataSettings(source=options.data, resolution=options.size, labels=labels)
    recipe = Recipe(preset="cpu", data=data, train=TrainSettings(seed=seed))
    recipe = apply_sets(recipe, [*ARMS[arm], *options.set])
    pyramid = open_or_build(open_source(data.source, data), data, options.cache)
    device = torch.device(options.device)
    system = build_system(recipe, pyramid.spec, device)
    loader = Loader(pyramid, seed=seed, batch_type=system.batch_type, device=device)
    return Trainer(system, loader, seed=seed, device=device), loader


def stretched(trainer: Trainer, options: argparse.Namespace) -> Plan:
    """The plan, its stages in proportion: as many images, or as many as there is time for."""
    plan = trainer.plan
    if options.images:
        factor = options.images / plan.images
    else:
        rates = budget.measure(trainer, seconds=options.trial)
        factor = 60 * options.minutes / budget.seconds_of(plan, rates, 0)
    batches = [max(1, round(factor * stage.images / stage.batch)) for stage in plan.stages]
    return plan.with_lengths([n * s.batch for n, s in zip(batches, plan.stages, strict=True)])


def run(arm: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Train one arm to its end and measure it."""
    trainer, loader = trainer_of(arm, seed, options)
    trainer.plan = stretched(trainer, options)
    began, worked = time.monotonic(), time.process_time()
    while not trainer.done and trainer.skipped_in_a_row < 50:
        trainer.step()
    row: dict[str, Any] = {
        **{"arm": arm, "seed": seed, "images": trainer.images, "done": trainer.done},
        **{"seconds": round(time.monotonic() - began), **dict.fromkeys(MEASURES)},
        **{"cpu_seconds": round(time.process_time() - worked), "extractor": options.extractor},
        "parameters": sum(p.numel() for p in trainer.system.parameters()),
    }
    return {**row, **measured(trainer, loader, options)} if trainer.done else row


def measured(trainer: Trainer, loader: Loader, options: argparse.Namespace) -> dict[str, Any]:
    """What the arm came to."""
    n = options.measured
    real = loader.real(0, 2 * n, options.size).cpu().numpy()
    fake = pictures(trainer, trainer.at, n, options.size)

    def read(start: int, count: int) -> Any:
        return fake[start : start + count]

    row = {
        "swd": swd(real[:n], fake, n),
        "swd_real": swd(real[:n], real[n:], n),
        "msssim": msssim(read, n // 2).value if options.size % 16 == 0 else None,
    }
    if options.extractor:
        judge = lookup(options.extractor)
        first, second, made = (
            moments(judge.features(part).numpy()) for part in (real[:n], real[n:], fake)
        )
        row["fd"] = frechet_distance(first, made).value
        row["fd_real"] = frechet_distance(first, second).value
    return row


def table(rows: list[dict[str, Any]]) -> str:
    """A line for each arm, as Markdown."""
    lines = [
        "| ProGAN | images | parameters | SWD | MS-SSIM | FD |",
        "|---|---|---|---|---|---|",
    ]
    for arm in ARMS:
        mine = sorted((row for row in rows if row["arm"] == arm), key=lambda row: row["seed"])
        if not mine:
            continue
        images = round(statistics.mean(row["images"] for row in mine))
        cells = [arm, f"{images:,}", f"{mine[0]['parameters']:,}"]
        cells += [
            cell(mine, name, digits) for name, digits in zip(MEASURES, (1, 3, 1), strict=True)
        ]
        lines.append(f"| {' | '.join(cells)} |")
    known = [row["swd_real"] for row in rows if row.get("swd_real") is not None]
    if known:
        lines.append(f"\nReal against real: SWD {statistics.mean(known):.1f}")
    named = sorted({row["extractor"] for row in rows if row["extractor"]})
    if named:
        lines.append(f"FD on features of {', '.join(named)}.")
    return "\n".join(lines)


def cell(rows: list[dict[str, Any]], name: str, digits: int) -> str:
    """Each seed's value, and their mean."""
    values = [row[name] for row in rows if row[name] is not None]
    if not values:
        return "–"
    each = " · ".join("–" if row[name] is None else f"{row[name]:.{digits}f}" for row in rows)
    return each if len(rows) == 1 else f"{each}; mean {statistics.mean(values):.{digits}f}"


def parsed(words: list[str] | None = None) -> argparse.Namespace:
    """The options."""
    parser = arguments(__doc__ or "", ARMS)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--images", type=int, default=0, help="of every arm")
    length.add_argument("--minutes", type=float, default=10.0, help="of every arm")
    parser.add_argument("--measured", type=int, default=4096, help="pictures to measure from")
    parser.add_argument("--extractor", help="whose features: effnet-lite0, or a trained one's file")
    parser.add_argument("--data", default="fashion-mnist")
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--set", action="append", default=[], help="a setting of every arm")
    parser.add_argument("--trial", type=float, default=1.0, help="seconds of each stage")
    parser.add_argument("--cache", type=Path, default=Path("runs/.data"))
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args(words)
    if options.images < 0 or not 0 < options.minutes < math.inf:
        parser.error("--images and --minutes must be above 0")
    return options


def main(words: list[str] | None = None) -> None:
    """Run what is missing, or print what is there."""
    options = parsed(words)
    torch.set_num_threads(1)
    if not options.table:
        asked = [(arm, seed) for seed in seeds(options) for arm in chosen(options, ARMS)]
        work_through(options, ("arm", "seed"), asked, lambda arm, seed: run(arm, seed, options))
    print(table(found(options.out)))


if __name__ == "__main__":
    main()
