"""Modes that each objective reaches on the ring and on the grid: three seeds, all of them shown.

    python benchmarks/coverage.py --out found.jsonl --part 0/2 &
    python benchmarks/coverage.py --out found.jsonl --part 1/2
    python benchmarks/coverage.py --out found.jsonl --table

Every game is played as `progan lab` plays it, for 4,000 rounds (WGAN and WGAN-GP, whose rounds
have five critic steps: 3,000; "longer": 7,500). "R1" is with a penalty of weight 0.1; players of an
f-GAN then move in turns. Counted are 2,500 samples of the weights that played: modes touched and
strongly covered, share of high quality, reverse KL (`progan.metrics.modes`). What is in the file
already is not played again; parts share one file.
"""

from __future__ import annotations

import os
import time
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "0")

import torch
from rows import arguments, chosen, found, seeds, work_through

from progan.assemble.models.build import build_system
from progan.core.config import apply_sets
from progan.core.recipe import Recipe, TrainSettings
from progan.data.toy import Mixture, ToyDraws, points_of
from progan.data.worlds import lookup
from progan.engine.loop import Trainer
from progan.engine.preview import seeded
from progan.lab.games import find
from progan.metrics.modes import Modes, count_modes

SAMPLES = 2500
R1 = ("penalty.kind=r1", "penalty.weight=0.1")
F = ("kl", "reverse-kl", "pearson", "neyman", "hellinger", "jeffrey", "js", "gan")
HELD = ("kl", "reverse-kl", "pearson", "neyman", "total-variation")
ARMS: dict[str, tuple[str, tuple[str, ...]]] = {
    "minimax": ("minimax", ()),
    "non-saturating": ("non-saturating", ()),
    "non-saturating, R1": ("non-saturating", R1),
    "non-saturating, DRAGAN": ("non-saturating", ("penalty.kind=dragan", "penalty.weight=0.1")),
    "least-squares": ("least-squares", ()),
    "least-squares, Pearson": ("least-squares", ("fake_target=-1", "real_target=1", "aim=0")),
    "hinge, R1": ("hinge", R1),
    "relativistic, R1 and R2": ("relativistic", ()),
    "relativistic-average, R1": ("relativistic-average", R1),
    "wgan": ("wgan", ()),
    "wgan_gp": ("wgan_gp", ()),
    "wgan_gp, one-sided": ("wgan_gp", ("penalty.side=one",)),
    **{f"fgan:{name}": (f"fgan:{name}", ()) for name in F},
    "fgan:total-variation": ("fgan:total-variation", ()),
    "fgan:alpha=0.5": ("fgan:alpha=0.5", ()),
    **{f"fgan:{name}, R1": (f"fgan:{name}", (*R1, "simultaneous=false")) for name in HELD},
    "wgan, longer": ("wgan", ("images=9600000",)),
    "ebgan": ("ebgan", ()),
    "ensemble of 4": ("ensemble", ()),
}
WORLDS = ("ring", "grid")


def count(points: torch.Tensor, world: Mixture) -> Modes:
    """How `points` lie on the modes of `world`."""
    return count_modes(points, torch.tensor(world.centres), world.spreads, world.shares)


def play(arm: str, data: str, seed: int) -> dict[str, Any]:
    """Play one game to its end and count."""
    world = lookup(data)
    assert isinstance(world, Mixture)
    name, sets = ARMS[arm]
    game = find(name)
    recipe = Recipe(
        system=game.system, preset="toy", set=dict(game.set), train=TrainSettings(seed=seed)
    )
    system: Any = build_system(apply_sets(recipe, sets), world.spec, torch.device("cpu"))
    trainer = Trainer(system, ToyDraws(world, seed), seed=seed)
    began = time.process_time()
    while not trainer.done and trainer.skipped_in_a_row < 50:
        trainer.step()
    taken = time.process_time() - began
    system.eval()
    with torch.no_grad(), seeded(seed, "coverage"):
        found = count(points_of(system.generate(system.draw(SAMPLES), trainer.at)), world)
    return {
        **{"arm": arm, "data": data, "seed": seed, "steps": trainer.steps},
        **{"any": len(found.any), "strong": len(found.strong), "modes": len(world.centres)},
        **{"hq": round(found.high_quality, 4), "rkl": round(min(found.reverse_kl, 99.0), 4)},
        "seconds": round(taken),
    }


def table(rows: list[dict[str, Any]]) -> None:
    """A line for each game, world after world; seeds in order."""
    for data in WORLDS:
        mine = [row for row in rows if row["data"] == data]
        if not mine:
            continue
        world = lookup(data)
        assert isinstance(world, Mixture)
        best = count(world.sample(range(10**9, 10**9 + SAMPLES)), world)
        print(f"\n| {data} | strong modes of {len(world.centres)} | high quality | reverse KL |")
        print("|---|---|---|---|")
        print(
            f"| the data itself | {len(best.strong)} | {best.high_quality:.3f} "
            f"| {best.reverse_kl:.4f} |"
        )
        for arm in ARMS:
            found = sorted((row for row in mine if row["arm"] == arm), key=lambda r: r["seed"])
            if found:
                cells = [
                    " · ".join(form.format(row[key]) for row in found)
                    for key, form in (("strong", "{}"), ("hq", "{:.2f}"), ("rkl", "{:.3f}"))
                ]
                print(f"| {arm} | {' | '.join(cells)} |")


def main() -> None:
    """Play what is missing, or print what is there."""
    parser = arguments(__doc__ or "", ARMS)
    parser.add_argument("--data", default=",".join(WORLDS))
    options = parser.parse_args()
    torch.set_num_threads(1)
    if not options.table:
        asked = [
            (arm, data, seed)
            for seed in seeds(options)
            for data in options.data.split(",")
            for arm in chosen(options, ARMS)
        ]
        work_through(options, ("arm", "data", "seed"), asked, play)
    table(found(options.out))


if __name__ == "__main__":
    main()
