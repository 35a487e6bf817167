"""Generators that miss modes, and lose them again; and an ensemble, which misses fewer."""

from __future__ import annotations

import statistics
from typing import Any

import torch

from progan.assemble.models.build import build_system
from progan.core.config import apply_sets
from progan.core.plan import Progress
from progan.core.recipe import Recipe, TrainSettings
from progan.data.toy import Mixture, ToyDraws, points_of
from progan.data.worlds import WORLDS
from progan.engine.loop import Trainer
from progan.engine.preview import seeded
from progan.lab.exhibits.record import Chart, Exhibit, Finding, Number, series
from progan.metrics.modes import Modes, count_modes, rotation

__all__ = ["COLLAPSE"]

WORLD = WORLDS["ring"]
assert isinstance(WORLD, Mixture)
CENTRES = torch.tensor(WORLD.centres)
MEMBERS = 6
ROUNDS = 1_500
LOOKS = 25
SAMPLES = 1_000
# A critic slower than its generator, which so runs from mode to mode before it.
GAME = ["critic_rate=0.55"]


def members(system: Any, at: Progress) -> list[Modes]:
    """How each member's samples lie on the modes, all from the same latents."""
    with torch.no_grad(), seeded(0, "collapse"):
        z = system.draw(SAMPLES)["z"]
        points = [
            points_of(system.generate({"z": z, "member": torch.full((SAMPLES,), k)}, at))
            for k in range(MEMBERS)
        ]
    return [count_modes(found, CENTRES, 3 * WORLD.sigma) for found in points]


def make(seed: int) -> Finding:
    """Train several unbalanced games side by side, and look at them now and then."""
    recipe = Recipe(system="ensemble", preset="toy", train=TrainSettings(seed=seed))
    recipe = apply_sets(recipe, [f"members={MEMBERS}", f"images={256 * ROUNDS * MEMBERS}", *GAME])
    system = build_system(recipe, WORLD.spec, torch.device("cpu"))
    trainer = Trainer(system, ToyDraws(WORLD, seed), seed=seed)
    seen: list[list[Modes]] = []
    while not trainer.done:
        trainer.step()
        if trainer.steps % (ROUNDS // LOOKS) == 0:
            seen.append(members(system, trainer.at))
    covered = [[one.strong for one in look] for look in seen]
    ends = [len(one) for one in covered[-1]]
    union = len(frozenset().union(*covered[-1]))
    turned = [rotation([look[k] for look in covered]) for k in range(MEMBERS)]
    mean, whole = (statistics.fmean(getattr(t, n) for t in turned) for n in ("mean", "union"))
    steps = [(index + 1) * (ROUNDS // LOOKS) for index in range(len(seen))]
    return Finding(
        answer=(
            f"At the end the six generators cover {', '.join(map(str, ends))} of 8 modes; over "
            f"their last ten looks each covered {mean:.1f} at a time and {whole:.1f} in all: "
            f"what it finds it loses again. The six together cover {union}."
        ),
        numbers={
            "single": Number(
                words="modes a generator covers at the end, mean of six",
                value=statistics.fmean(ends),
                low=0.0,
                high=7.0,
            ),
            "dropping": Number(
                words="modes a generator covered over its last ten looks, above those at a time",
                value=whole - mean,
                low=0.5,
            ),
            "ensemble": Number(
                words="modes the six cover together, above the mean of one",
                value=union - statistics.fmean(ends),
                low=1.0,
            ),
        },
        charts=[
            Chart(
                title="Modes covered, of 8",
                x_label="generator updates",
                y_label="modes",
                series=[
                    *(
                        series(f"generator {k + 1}", steps, [len(look[k]) for look in covered])
                        for k in range(3)
                    ),
                    series(
                        "six together", steps, [len(frozenset().union(*look)) for look in covered]
                    ),
                ],
                note="Three of the six are drawn. A mode counts as covered with a tenth of its "
                "fair share of samples within nine sigma: reach is asked for, not sharpness.",
                from_zero=True,
            )
        ],
    )


COLLAPSE = Exhibit(
    slug="collapse",
    title="Collapse, dropping, and an ensemble",
    question="Why do generators forget modes, and what do several of them do better?",
    theory=(
        "A generator is told only how each of its samples could please the discriminator more. "
        "Where the discriminator is slow, all samples run to the same place, the most pleasing "
        "one, and leave it when it is found out: few modes at a time (collapse), others later "
        "(dropping).",
        "Independent games do so at different times and places. If each covers a share q of the "
        "modes, K of them miss a mode with probability (1 − q)^K. An ensemble draws a member, "
        "then its sample: its modes are the union of theirs.",
    ),
    source="Survey, sections on mode collapse, mode dropping and the ensemble of generators",
    make=make,
)
