"""Task of StackGAN on portraits: is every attribute drawn that a caption names?"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from progan.acceptance.attributes import READ, Portrayed, Reader, portrayed, share
from progan.acceptance.attributes import trained as reader
from progan.acceptance.encoders import shown
from progan.acceptance.record import Numbers, Task
from progan.acceptance.stacked import (
    LESS,
    TOLD_APART,
    end_of,
    generated,
    of_another_kind,
    told_apart,
    trained,
)
from progan.engine.preview import seeded
from progan.lab.exhibits.record import Number

__all__ = ["TASKS", "agreement", "readers"]

SIDES = (16, 32)
"""Of stage I and of stage II."""
KNOWN, OTHERS, HELD = 8_000, 8_000, 1_000
"""Portraits that the system learns from, that the readers do, and that nothing does."""
SEEDS = (0, 1, 2)
"""Of these three sets of people."""
READER_IMAGES = 32_000
SETS = (
    "ratio=2",
    "average.half_life_images=5000",
    f"text_images={32 * 2_000}",
    f"images={32 * 5_000}",
    "second_rate=1",
    f"second_images={32 * 3_000}",
)
HEARD = 0.5
"""Least part of the way from wrong captions to real pictures; the bar is our own."""

Read = Mapping[str, NDArray[np.int64]]


def measured(seed: int) -> Numbers:
    """Portraits of 16 pixels, then of 32; every attribute is read that a caption names."""
    known, held = (portrayed(n, s, SIDES[1]) for n, s in ((KNOWN, SEEDS[0]), (HELD, SEEDS[2])))
    trainer = trained(known.pictures, seed, SETS)
    ends = {name: end_of(trainer, index) for name, index in (("stage I", 1), ("stage II", 2))}
    with shown(trainer) as system, torch.no_grad(), seeded("acceptance", "portrayed"):
        latents = {**system.draw(HELD), "caption": system.phrased(held.pictures.texts)}
        images = {name: generated(system, latents, at) for name, at in ends.items()}
        sure = {name: told_apart(system, held.pictures, at) for name, at in ends.items()}
    return {
        **agreement(images, held, seed),
        **{
            f"told apart, {name}": Number(
                words=f"{name}: share of held-out portraits scored higher with their own caption "
                "than with another's",
                value=value,
                low=TOLD_APART,
            )
            for name, value in sure.items()
        },
    }


def agreement(images: Mapping[str, Tensor], held: Portrayed, seed: int) -> dict[str, Number]:
    """What is read in pictures of both stages, n 3 h w in [−1, 1], drawn from `held`'s captions."""
    small, large = readers(seed)
    real = held.pictures.pictures.images
    read = {
        "stage I": (small.read(images["stage I"]), small.read(real)),
        "stage II": (large.read(images["stage II"]), large.read(real)),
    }
    numbers: dict[str, Number] = {}
    for name, (found, truth) in read.items():
        numbers |= _told(name, found, truth, held)
    gain = _named(small.read(images["stage II"]), held) - _named(read["stage I"][0], held)
    numbers["gain"] = Number(
        words="attributes that are named, stage II less stage I, both read at 16 pixels",
        value=gain,
        low=-LESS,
    )
    return {**numbers, **_each(read, held)}


@lru_cache(maxsize=1)
def readers(seed: int) -> tuple[Reader, Reader]:
    """A reader of 16 pixels and one of 32, which learn from people that the system does not see."""
    others = portrayed(OTHERS, SEEDS[1], SIDES[1])
    small, large = (reader(others, side, images=READER_IMAGES, seed=seed) for side in SIDES)
    return small, large


def _named(read: Read, held: Portrayed) -> float:
    return share(read, held.said, held.said.named)


def _wrong(read: Read, held: Portrayed) -> float:
    """The same, held against the caption of somebody else."""
    rows = of_another_kind(torch.from_numpy(held.pictures.pictures.labels)).numpy()
    return _named(read, Portrayed(pictures=held.pictures, said=held.said.part(rows)))


def _told(name: str, read: Read, truth: Read, held: Portrayed) -> dict[str, Number]:
    """Shares of attributes that are drawn as captions say, between wrong ones and real pictures."""
    drawn, wrong, real = _named(read, held), _wrong(read, held), _named(truth, held)
    return {
        f"{name}, real": Number(
            words=f"{name}'s reader: share of attributes that captions name, read so in held-out "
            "real portraits",
            value=real,
        ),
        name: Number(words=f"{name}: the same of drawn ones", value=drawn),
        f"{name}, wrong": Number(
            words=f"{name}: the same, held against somebody else's caption", value=wrong
        ),
        f"{name}, heard": Number(
            words=f"{name}: drawn less wrong, over real less wrong",
            value=(drawn - wrong) / (real - wrong),
            low=HEARD,
        ),
        f"{name}, left out": Number(
            words=f"{name}: share of attributes that captions leave out and that are not drawn",
            value=share(read, held.said, held.said.left_out),
        ),
    }


def _each(read: Mapping[str, tuple[Read, Read]], held: Portrayed) -> dict[str, Number]:
    """Each attribute alone, where it is named."""
    found = {}
    for attribute in READ:
        named = {attribute: held.said.named[attribute]}
        for name, (drawn, real) in read.items():
            for words, one in (("real", real), ("drawn", drawn)):
                found[f"{attribute}, {name}, {words}"] = Number(
                    words=f"{attribute}, where it is named: share read as said, {name}, {words}",
                    value=share(one, held.said, named),
                )
    return found


TASKS = (
    Task(
        slug="portraits",
        words="portraits from sentences, of 16 pixels and then of 32, every attribute read",
        source="Zhang et al. 2017, sections 3.2 to 3.4; bars of our own, a measurement",
        minutes=40,
        make=measured,
    ),
)
