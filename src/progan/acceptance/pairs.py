"""Tasks of BiGAN: do encoder and generator become each other's inverse, though nobody compares?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from progan.acceptance import mnist
from progan.acceptance.digits import digits
from progan.acceptance.encoders import (
    codes_of,
    distance_ratio,
    drawn_again,
    nearest_accuracy,
    of_random_projections,
    rebuilt,
)
from progan.acceptance.pictures import Pictures, played, trained
from progan.acceptance.record import Numbers, Task
from progan.assemble.models.build import build_system
from progan.core.batch import Images
from progan.core.config import apply_sets
from progan.core.randomness import seed_of
from progan.core.recipe import Recipe, TrainSettings
from progan.core.specs import DataSpec
from progan.engine.loop import Trainer
from progan.lab.exhibits.record import Number

__all__ = ["TASKS", "Stretched"]

ANGLE = math.pi / 6
SCALES = (2.0, 0.5)
TRIED = 4_096
"""Points that were not learned from."""
LINEAR, UNTRAINED = 0.15, 0.5
NEAR = 0.1
CODES = 16
DIGITS = ("images=400000", "decay=linear", f"latent_size={CODES}")
REBUILT = 0.7
HELD = 2_000
"""Pictures of MNIST, of those held out, that are measured."""


@dataclass(frozen=True, kw_only=True)
class Stretched:
    """Points x = R diag(2, ½) z of the plane, z normal, R a turn by 30°: a linear code is known.

    Point number n is a function of the seed and n.
    """

    seed: int

    def batch(self, numbers: range, resolution: object = 1) -> Images:
        """The points with these numbers, n 2 1 1."""
        # A block of Philox is four numbers; a point takes two of its own block.
        source = np.random.Philox(key=seed_of("stretched", self.seed), counter=numbers.start)
        raw = source.random_raw(4 * len(numbers)).reshape(-1, 4)[:, :2]
        u = ((raw >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53
        radius, turn = np.sqrt(-2 * np.log(u[:, 0])), 2 * math.pi * u[:, 1]
        z = np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1)
        sin, cos = math.sin(ANGLE), math.cos(ANGLE)
        x = z * np.array(SCALES) @ np.array([[cos, sin], [-sin, cos]])
        return Images(torch.from_numpy(x).float()[:, :, None, None])


def on_line(seed: int) -> Numbers:
    """A linear code of points, and encoders that did not learn."""
    held = Stretched(seed=seed + 1).batch(range(TRIED)).image
    found, control = _linear(seed), _linear(seed, ["encoder_weight=0"])
    code = codes_of(found, held).double()
    first = codes_of(_begun(seed), held)
    return {
        "ratio": Number(
            words="distance of x from G(E(x)), over that of another x",
            value=distance_ratio(rebuilt(found, held), held),
            high=LINEAR,
        ),
        "mean": Number(
            words="mean of E(x), the larger of two sizes",
            value=float(code.mean(dim=0).abs().max()),
            high=NEAR,
        ),
        **{
            f"deviation {axis + 1}": Number(
                words=f"deviation of E(x) along its axis {axis + 1}",
                value=float(code[:, axis].std()),
                expected=1.0,
                within=NEAR,
            )
            for axis in range(2)
        },
        "control": Number(
            words="the ratio with the codes of an encoder that was not trained",
            value=distance_ratio(drawn_again(found, first), held),
            low=UNTRAINED,
        ),
        "untaught": Number(
            words="the ratio where the generator is taught beside an encoder that is not",
            value=distance_ratio(rebuilt(control, held), held),
            low=UNTRAINED,
        ),
    }


def _linear(seed: int, sets: Sequence[str] = ()) -> Trainer:
    return played(_begun(seed, sets))


def _begun(seed: int, sets: Sequence[str] = ()) -> Trainer:
    """A system that has yet to learn these points."""
    recipe = Recipe(system="bigan", preset="toy", train=TrainSettings(seed=seed))
    spec = DataSpec(resolution=1, channels=2)
    system = build_system(apply_sets(recipe, list(sets)), spec, torch.device("cpu"))
    return Trainer(system, Stretched(seed=seed), seed=seed)


def on_digits(seed: int) -> Numbers:
    """Digits, with a control whose encoder is not taught."""
    return _inverses(*digits(), seed)


def on_mnist(seed: int, folder: Path) -> Numbers:
    """The same on MNIST, of 16 pixels."""
    known, held = (mnist.halved(part) for part in mnist.mnist(folder))
    return _inverses(known, held.part(np.arange(HELD)), seed)


def _inverses(known: Pictures, held: Pictures, seed: int) -> Numbers:
    found = trained("bigan", known, preset="cpu", seed=seed, sets=DIGITS)
    off = trained("bigan", known, preset="cpu", seed=seed, sets=[*DIGITS, "encoder_weight=0"])
    ratio = distance_ratio(rebuilt(found, held.images), held.images)
    control = distance_ratio(rebuilt(off, held.images), held.images)
    by_chance = of_random_projections(known, held, CODES, seed)
    return {
        "ratio": Number(
            words="held-out digits: distance of x from G(E(x)), over that of another x",
            value=ratio,
            high=REBUILT,
        ),
        "control": Number(
            words="the ratio where the encoder is not taught, less that above",
            value=control - ratio,
            low=(1 - REBUILT) / 2,
        ),
        "nearest": Number(
            words=f"held-out digits whose nearest other, by {CODES} codes, is the same digit",
            value=nearest_accuracy(known, held, lambda part: codes_of(found, part.images)),
            low=by_chance,
        ),
        "projected": Number(
            words=f"the same by {CODES} random projections of the pixels, mean of ten draws",
            value=by_chance,
        ),
    }


TASKS = (
    Task(
        slug="linear",
        words="points of a stretched and turned normal, with and without a taught encoder",
        source="a code that is known: x is linear in z",
        minutes=1,
        make=on_line,
    ),
    Task(
        slug="mnist",
        words="MNIST drawn again from its codes, with and without a taught encoder",
        source="Donahue et al. 2017, table 1 and the log of the code published with it",
        minutes=8,
        make=on_mnist,
        needs=mnist.NEEDED,
    ),
    Task(
        slug="digits",
        words="digits drawn again from their codes, with and without a taught encoder",
        source="Donahue et al. 2017, section 4.1 and the log of the code published with it",
        minutes=6,
        make=on_digits,
    ),
)
