"""Tasks of InfoGAN: do codes that nobody explains come to mean something?"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from progan.acceptance import mnist
from progan.acceptance.digits import CLASSES, classifier, digits, seen
from progan.acceptance.encoders import shown
from progan.acceptance.pictures import drawn, drawn_by, trained
from progan.acceptance.record import Numbers, Task
from progan.acceptance.shapes import angles, ellipses, ranks_agree, sizes
from progan.engine.loop import Trainer
from progan.extractors.base import Extractor
from progan.lab.exhibits import codes
from progan.lab.exhibits.record import Number

__all__ = ["TASKS", "best_match"]

PRESET = "cpu"
STEPS = 3_000
LENGTH = (f"images={64 * STEPS}", "decay=linear")
PUBLISHED = 5_000
"""Steps of the published code on MNIST: 50 epochs of 100."""
ON_MNIST = ("network=infogan", "continuous=0", f"images={64 * PUBLISHED}")
"""No continuous codes beside the one that is measured: they take over part of what digits are."""
OFF = ("information=0", f"images={64 * 3_000}")
"""The control on MNIST, which need not be trained as long."""
FEW = 2_000
"""Steps on digits, which are few: a hundred epochs. Later the discriminator knows them by heart."""
ON_DIGITS = ("network=infogan", f"images={64 * FEW}")
EACH = 200
PURE, RING = 0.98, 2.0
TOLD, SILENT, MATCHED = 2.0, 0.5, 0.8
READS = 0.98
RANKS = 0.8
SHAPES = 10_000


def on_ring(seed: int) -> Numbers:
    """A code of eight values on eight modes."""
    found = dict(codes.make(seed).numbers)
    for name, low in (("information", RING), ("purity", PURE), ("modes", 8)):
        one = found[name]
        found[name] = Number(words=one.words, value=one.value, low=low)
    return found


def on_digits(seed: int) -> Numbers:
    """A code of ten values on ten digits, with its control."""
    known, _ = digits()
    judge, _ = classifier(seed)
    asked = torch.arange(CLASSES).repeat_interleave(EACH)
    told = trained("infogan", known, preset=PRESET, seed=seed, sets=ON_DIGITS)
    off = trained("infogan", known, preset=PRESET, seed=seed, sets=[*ON_DIGITS, "information=0"])
    return {
        "information": _information(told.system, FEW),
        "control": _control(off, asked, seed),
        **_matched(asked.numpy(), _digits_of(told, asked, judge)),
    }


def on_mnist(seed: int, folder: Path) -> Numbers:
    """The same code on MNIST, by the paper's own networks at half their width."""
    known, _ = mnist.mnist(folder)
    judge, reads = mnist.classifier(folder, seed)
    asked = torch.arange(CLASSES).repeat_interleave(EACH)
    told = trained("infogan", known, preset=PRESET, seed=seed, sets=ON_MNIST)
    off = trained("infogan", known, preset=PRESET, seed=seed, sets=[*ON_MNIST, *OFF])
    return {
        "classifier": Number(
            words="the classifier: share of held-out digits it reads rightly",
            value=reads,
            low=READS,
        ),
        "information": _information(told.system, PUBLISHED),
        "control": _control(off, asked, seed),
        **_matched(asked.numpy(), _digits_of(told, asked, judge)),
    }


def _digits_of(told: Trainer, asked: Tensor, judge: Extractor) -> NDArray[np.int64]:
    """The digit in a picture of each of these codes, by averaged weights."""
    with shown(told) as system:
        return seen(judge, drawn_by(system, told.at, "category", asked))


def _information(system: Any, steps: int) -> Number:
    return Number(
        words=f"L_I of the code after {steps:,} steps, in nats of log 10 = 2.303",
        value=system.measured(2_000)["category"],
        low=TOLD,
        high=math.log(CLASSES) + 1e-3,
    )


def _control(off: Trainer, asked: Tensor, seed: int) -> Number:
    """What pictures tell of a code that nobody was told to read off them."""
    made = torch.from_numpy(drawn(off, "category", asked)).float().flatten(1).div(127.5).sub(1)
    by_code = list(torch.split(made, EACH))
    return Number(
        words="with λ = 0: what a reader of its own finds, in nats",
        value=codes.independent_information(by_code, seed, stops_early=True),
        low=-0.1,
        high=SILENT,
    )


def _matched(asked: NDArray[np.int64], found: NDArray[np.int64]) -> Numbers:
    """How well codes and the digits found in their pictures go together."""
    counts = np.zeros((CLASSES, CLASSES), np.int64)
    np.add.at(counts, (asked, found), 1)
    return {
        "matched": Number(
            words="share of pictures whose digit is their code's, best matching of the two",
            value=best_match(counts) / counts.sum(),
            low=MATCHED,
        ),
        "codes": Number(
            words="digits that are some code's most frequent one, of 10",
            value=len(set(counts.argmax(axis=1).tolist())),
        ),
    }


def best_match(counts: NDArray[np.int64]) -> int:
    """The largest sum of `counts`, k k, over one entry of each row and column.

    By dynamic programming over the sets of columns taken.
    """
    best = {0: 0}
    for row in counts:
        grown: dict[int, int] = {}
        for taken, total in best.items():
            for column, count in enumerate(row):
                if not taken >> column & 1:
                    after = taken | 1 << column
                    grown[after] = max(grown.get(after, 0), total + int(count))
        best = grown
    return max(best.values())


def on_shapes(seed: int) -> Numbers:
    """One even code on ellipses of every size and angle."""
    pictures = ellipses(SHAPES, seed)
    sets = [*LENGTH, "categories=[]", "continuous=1", "continuous_information=1"]
    found = trained("infogan", pictures, preset=PRESET, seed=seed, sets=sets)
    code = torch.linspace(-1, 1, 1_000)[:, None]
    made = drawn(found, "continuous", code)
    values = code[:, 0].double().numpy()
    by_size, by_angle = (abs(ranks_agree(values, read(made))) for read in (sizes, angles))
    return {
        "ranks": Number(
            words="Spearman's correlation of the code with size or angle, the larger of the two",
            value=max(by_size, by_angle),
            low=RANKS,
        ),
        "size": Number(words="of these with size", value=by_size),
        "angle": Number(words="of these with angle", value=by_angle),
    }


TASKS = (
    Task(
        slug="ring",
        words="a code of eight values on a ring of eight modes, with λ = 1 and 0",
        source="Chen et al. 2016, figure 1",
        minutes=3,
        make=on_ring,
    ),
    Task(
        slug="digits",
        words="a code of ten values on ten digits, with λ = 1 and 0",
        source="Chen et al. 2016, section 7.2",
        minutes=5,
        make=on_digits,
    ),
    Task(
        slug="mnist",
        words="a code of ten values on MNIST, with λ = 1 and 0",
        source="Chen et al. 2016, section 7.2",
        minutes=16,
        make=on_mnist,
        needs=mnist.NEEDED,
    ),
    Task(
        slug="shapes",
        words="an even code on ellipses of every size and angle",
        source="Chen et al. 2016, section 7.2, whose codes are width and rotation",
        minutes=4,
        make=on_shapes,
    ),
)
