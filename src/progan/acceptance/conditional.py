"""Tasks of conditional GANs: do they draw what is asked for, and does the critic know the label?"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from progan.acceptance.digits import CLASSES, classifier, digits, seen
from progan.acceptance.pictures import Pictures, drawn, trained
from progan.acceptance.record import Numbers, Task
from progan.lab.exhibits import auxiliary, labels
from progan.lab.exhibits.record import Number

__all__ = ["TASKS", "on_digits", "pair_shares", "variety"]

PRESET, LENGTH = "cpu", ("images=128000", "decay=linear")
EACH = 200
"""Pictures drawn of each digit."""
AGREE, CHANCE = 0.95, 0.15
READS = 0.98
RIGHT, WRONG = 0.8, 0.9
MEANS = 0.1


def on_ring(seed: int) -> Numbers:
    """Eight labelled modes of the plane."""
    return labels.make(seed).numbers


def on_overlap(seed: int) -> Numbers:
    """Three normals that lie over each other."""
    found = auxiliary.make(seed).numbers
    means = found["projected means"]
    strict = Number(words=means.words, value=means.value, low=0.0, high=MEANS)
    return {**found, "projected means": strict}


def on_digits(form: str, seed: int) -> Numbers:
    """Ten digits, drawn on demand and read by a classifier of its own."""
    known, _ = digits()
    judge, reads = classifier(seed)
    trainer = trained("cgan", known, preset=PRESET, seed=seed, sets=[f"condition={form}", *LENGTH])
    asked = torch.arange(CLASSES).repeat_interleave(EACH)
    made = drawn(trainer, "label", asked)
    read = seen(judge, made)
    right = read == asked.numpy()
    worst = right.reshape(CLASSES, EACH).mean(axis=1).min()
    others = np.random.default_rng(seed).permutation(asked.numpy())
    by_chance = read == others
    numbers = {
        "classifier": Number(
            words="the classifier: share of held-out digits it reads rightly",
            value=reads,
            low=READS,
        ),
        "agreement": Number(
            words="share of pictures in which it reads the digit that was asked for",
            value=float(right.mean()),
            low=AGREE,
        ),
        "worst digit": Number(words="the same of the worst digit", value=float(worst)),
        "shuffled": Number(
            words="the same against digits in another order",
            value=float(by_chance.mean()),
            low=0.0,
            high=CHANCE,
        ),
        "variety": Number(
            words="deviation of a digit's pictures over that of real ones, mean of ten digits",
            value=variety(made, asked.numpy(), known),
        ),
    }
    return {**numbers, **_pairs(form, trainer.system)}


def variety(made: NDArray[np.uint8], asked: NDArray[np.int64], known: Pictures) -> float:
    """Mean over classes of the pictures' root mean square deviation, over that of `known`."""

    def deviation(pixels: NDArray[np.uint8]) -> float:
        return float(np.sqrt(pixels.astype(np.float64).var(axis=0).mean()))

    each = [
        deviation(made[asked == k]) / deviation(known.pixels[known.labels == k])
        for k in range(CLASSES)
    ]
    return float(np.mean(each))


def _pairs(form: str, system: Any) -> Numbers:
    """What the discriminator says of held-out pairs; a bar for the forms that learn wrong ones."""
    if form not in ("concat", "matching-aware", "two-head"):
        return {}
    right, wrong = pair_shares(system, head=1 if form == "two-head" else 0)
    told = form != "concat"
    return {
        "right pairs": Number(
            words="held-out digits with their own label: share above a half",
            value=right,
            low=RIGHT if told else -np.inf,
        ),
        "wrong pairs": Number(
            words="held-out digits with a wrong label: share below a half",
            value=wrong,
            low=WRONG if told else -np.inf,
        ),
    }


def pair_shares(system: Any, head: int = 0) -> tuple[float, float]:
    """Of pictures nothing learned from: right pairs with D > ½, wrong pairs with D < ½.

    A wrong label is each of the nine others in turn.
    """
    _, held = digits()
    image, own = held.images, torch.from_numpy(held.labels)

    def logits(label: Tensor) -> Tensor:
        with torch.no_grad():
            said: Tensor = system.verdicts(image, system.rows(label))
        return said if said.ndim == 1 else said[:, head]

    right = (logits(own) > 0).double().mean()
    wrong = torch.stack([logits((own + step) % CLASSES) < 0 for step in range(1, CLASSES)])
    return float(right), float(wrong.double().mean())


TASKS = (
    Task(
        slug="ring",
        words="concatenation on a ring of eight labelled modes",
        source="Mirza & Osindero 2014; a ring as in mode-collapse studies",
        minutes=1,
        make=on_ring,
    ),
    Task(
        slug="overlap",
        words="AC-GAN and projection on three normals that lie over each other",
        source="Odena et al. 2017; Miyato & Koyama 2018",
        minutes=2,
        make=on_overlap,
    ),
    *(
        Task(
            slug=f"digits-{form}",
            words=f"{form} on digits, read by a classifier",
            source=source,
            minutes=3,
            make=lambda seed, form=form: on_digits(form, seed),
        )
        for form, source in {
            "concat": "Mirza & Osindero 2014",
            "matching-aware": "Reed et al. 2016",
            "two-head": "the survey's two heads",
            "ac-gan": "Odena et al. 2017",
            "projection": "Miyato & Koyama 2018",
        }.items()
    ),
)
