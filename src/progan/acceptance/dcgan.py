"""Tasks of DCGAN: does it draw digits, smoothly, and does its discriminator know them apart?"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from progan.acceptance.digits import CLASSES, classifier, digits
from progan.acceptance.pictures import begun, drawn, trained
from progan.acceptance.record import Numbers, Task
from progan.engine.loop import Trainer
from progan.engine.preview import seeded
from progan.extractors.base import Extractor
from progan.lab.exhibits.record import Number
from progan.metrics.frechet import frechet_distance
from progan.metrics.moments import moments

__all__ = ["TASKS", "largest_jump", "linear_accuracy", "on_digits"]

PRESET, SIDE = "tiny", 32
MADE = 1_000
"""Pictures that are measured."""
HALVED, SURE, JUMP = 0.5, 0.8, 5.0
WAYS, STEPS = 10, 100
FEW = 10
"""Labels of each digit where there are few."""
COSTS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""C of the linear machine, among which the digits that it does not learn from choose."""

Rows = NDArray[np.float32]
Labels = NDArray[np.int64]


def on_digits(rectifier: str, seed: int) -> Numbers:
    """Digits of 32 pixels after 1,500 steps, against a generator that learned nothing."""
    known, held = digits(SIDE)
    judge, _ = classifier(seed)
    sets = [f"rectifier={rectifier}"]
    reals = judge.features(known.pixels[:MADE])
    first = _sheet(begun("dcgan", known, preset=PRESET, seed=seed, sets=sets))
    trainer = trained("dcgan", known, preset=PRESET, seed=seed, sets=sets)
    made = _sheet(trainer)
    before, after = (_distance(judge, reals, one) for one in (first, made))
    sure = judge.log_probabilities(made).max(dim=1).values.exp().mean()
    system: Any = trainer.system
    return {
        "distance": Number(
            words="Fréchet distance on the classifier's features, as a share of an untrained one's",
            value=after / before,
            high=HALVED,
            low=0.0,
        ),
        "untrained": Number(words="that distance of an untrained generator", value=before),
        "sure": Number(
            words="mean probability of the digit that the classifier reads",
            value=float(sure),
            low=SURE,
        ),
        "jump": Number(
            words="on ten ways between latents: the largest step over the median one",
            value=max(largest_jump(steps) for steps in _ways(trainer)),
            low=1.0,
            high=JUMP,
        ),
        **_linear(system, known, held),
    }


def _sheet(trainer: Trainer) -> NDArray[np.uint8]:
    """Pictures of so many latents: n 1 side side."""
    system: Any = trainer.system
    with seeded("acceptance latents"):
        z = system.draw(MADE)["z"]
    return drawn(trainer, "z", z)


def _distance(judge: Extractor, reals: Tensor, made: NDArray[np.uint8]) -> float:
    return frechet_distance(moments(reals.numpy()), moments(judge.features(made).numpy())).value


def _ways(trainer: Trainer) -> list[Tensor]:
    """For each way in a straight line between two latents: how far its pictures lie apart."""
    system: Any = trainer.system
    with seeded("acceptance ways"):
        ends = system.draw(2 * WAYS)["z"].split(WAYS)
    found = []
    for a, b in zip(*ends, strict=True):
        t = torch.linspace(0, 1, STEPS + 1)[:, None]
        with torch.no_grad():
            made = system.generate({"z": torch.lerp(a, b, t)}, trainer.at).flatten(1)
        found.append((made[1:] - made[:-1]).norm(dim=1))
    return found


def largest_jump(steps: Tensor) -> float:
    """The largest of these over the median one."""
    return float(steps.max() / steps.median())


def _linear(system: Any, known: Any, held: Any) -> Numbers:
    """How well a linear machine tells digits by features and by pixels, with all labels and few."""
    found: dict[str, Number] = {}
    few = np.concatenate([np.flatnonzero(known.labels == k)[:FEW] for k in range(CLASSES)])
    seen = {
        "features": tuple(system.features(part.images).numpy() for part in (known, held)),
        "pixels": tuple(part.images.flatten(1).numpy() for part in (known, held)),
    }
    for name, (rows, tried) in seen.items():
        for many, numbers in (("all", np.arange(len(known))), ("few", few)):
            labels = len(numbers)
            found[f"{name}, {many}"] = Number(
                words=f"held-out digits told by a linear machine on {name}, {labels:,} labels",
                value=linear_accuracy(rows, known.labels, numbers, tried, held.labels),
            )
    return found


def linear_accuracy(
    rows: Rows, labels: Labels, numbers: Labels, tried: Rows, truth: Labels
) -> float:
    """Share of `tried` told rightly by an L2 machine that learned the rows with these numbers.

    Its C is the one that tells most of the other rows; of all rows, most of the last quarter after
    learning the first three.

    Source: Radford et al. 2016, section 5.1, and the authors' svhn_semisup_analysis.py.
    """
    machine = import_module("sklearn.svm").LinearSVC
    others = np.setdiff1d(np.arange(len(labels)), numbers)
    learned = numbers
    if not len(others):
        learned, others = np.split(numbers, [3 * len(numbers) // 4])

    def fit(cost: float, which: Labels) -> Any:
        one = machine(C=cost, dual=True, max_iter=20_000, random_state=0)
        return one.fit(rows[which], labels[which])

    best = max(COSTS, key=lambda cost: fit(cost, learned).score(rows[others], labels[others]))
    return float(fit(best, numbers).score(tried, truth))


TASKS = tuple(
    Task(
        slug=f"digits-{rectifier}",
        words=f"digits of 32 pixels, with {rectifier} in the discriminator",
        source=source,
        minutes=2,
        make=lambda seed, rectifier=rectifier: on_digits(rectifier, seed),
    )
    for rectifier, source in {
        "lrelu": "Radford et al. 2016, sections 5.1 and 6.1, on digits",
        "rrelu": "Xu et al. 2015; the bars are those of lrelu",
    }.items()
)
