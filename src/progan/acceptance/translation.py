"""Tasks of translators: do pictures of one domain become the same scenes in the other?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from progan.acceptance.record import Numbers, Task
from progan.acceptance.scenes import (
    SceneDraws,
    Scenes,
    held_scenes,
    mean_image_of,
    mean_iou,
    nearest_colour,
    psnr,
    rolled,
    training_scenes,
)
from progan.assemble.models.build import build_system
from progan.core.batch import Paired, Unpaired
from progan.core.config import apply_sets
from progan.core.recipe import Recipe, TrainSettings
from progan.core.specs import DataSpec
from progan.engine.loop import Draws, Trainer
from progan.engine.preview import seeded
from progan.lab.exhibits.record import Number
from progan.systems.registry import load_system_class

__all__ = ["TASKS", "Known", "learnt", "train", "translated"]

IMAGES = {Unpaired: 4_800, Paired: 3_000}
"""Pictures that a training sees: 1,200 steps of four, and 750."""
GANILLA_IMAGES = 9_600
"""Twice as many as CycleGAN's: with as many, one seed of three was below the bar."""
CYCLE_IOU, GANILLA_IOU = 0.66, 0.60
ABOVE_MEAN = 2.0
CONTROL = 0.1
PAIRED_PSNR, PAIRED_IOU = 22.0, 0.88


class Known(Draws, Protocol):
    """Pictures of two domains that say what they are."""

    @property
    def spec(self) -> DataSpec:
        """What a system is told of them."""
        ...


def train(system: str, known: Known, *, seed: int, sets: Sequence[str] = ()) -> Trainer:
    """A system, in its preset for a CPU, trained to its end; it is left in evaluation."""
    recipe = Recipe(system=system, preset="cpu", train=TrainSettings(seed=seed))
    made = build_system(apply_sets(recipe, list(sets)), known.spec, torch.device("cpu"))
    trainer = Trainer(made, known, seed=seed)
    while not trainer.done:
        trainer.step()
    made.eval()
    return trainer


def learnt(system: str, known: Scenes, *, seed: int, sets: Sequence[str] = ()) -> Trainer:
    """A system trained on scenes, for as long as the bars were measured at."""
    kind = load_system_class(system).batch_type
    draws = SceneDraws(known=known, seed=seed, batch_type=kind)
    return train(system, draws, seed=seed, sets=[f"images={IMAGES[kind]}", *sets])


def translated(trainer: Trainer, image: Tensor, direction: str) -> Tensor:
    """What becomes of pictures, in [−1, 1]."""
    system: Any = trainer.system
    with torch.no_grad(), seeded("acceptance", direction):
        made: Tensor = system.translate(image, direction, trainer.at)
    return made


def judged(trainer: Trainer, held: Scenes) -> dict[str, float]:
    """Of both directions PSNR and mIoU to the truth, and PSNR of what comes back."""
    found: dict[str, float] = {}
    for source, target in (("a", "b"), ("b", "a")):
        there = translated(trainer, held.image(source), source + target)
        back = translated(trainer, there, target + source)
        found[f"psnr {source}{target}"] = psnr(there, held.image(target))
        found[f"iou {source}{target}"] = mean_iou(nearest_colour(there, target), held.classes)
        found[f"back {source}"] = psnr(back, held.image(source))
    found["iou"] = (found["iou ab"] + found["iou ba"]) / 2
    return found


def baselines(known: Scenes, held: Scenes) -> Numbers:
    """What those come to who translate nothing; told, not held to anything."""
    truth = held.image("b")
    mean = mean_image_of(known.image("b"), len(held))
    return {
        "copy": Number(words="PSNR of the picture itself", value=psnr(held.image("a"), truth)),
        "mean": Number(words="PSNR of the mean picture of b", value=psnr(mean, truth)),
        "rolled": Number(words="PSNR of another scene of b", value=psnr(rolled(truth), truth)),
    }


def unpaired(
    system: str,
    seed: int,
    *,
    least: float,
    above_mean: float = -math.inf,
    control: bool = False,
    sets: Sequence[str] = (),
) -> Numbers:
    """Both directions of a system, beside baselines and itself without the way back."""
    known, held = training_scenes(seed), held_scenes(seed)
    found = judged(learnt(system, known, seed=seed, sets=sets), held)
    plain = baselines(known, held)
    numbers = {
        "psnr ab": Number(
            words="PSNR of a's pictures translated, to the same scenes in b, in dB, less that of "
            "b's mean picture",
            value=found["psnr ab"] - plain["mean"].value,
            low=above_mean,
        ),
        "iou": Number(
            words="mIoU of translated pictures' classes, by the nearest colour; both directions' "
            "mean",
            value=found["iou"],
            low=least,
        ),
        "iou ab": Number(words="the same from a to b", value=found["iou ab"]),
        "iou ba": Number(words="the same from b to a", value=found["iou ba"]),
        "psnr of ab": Number(words="PSNR from a to b", value=found["psnr ab"]),
        "psnr of ba": Number(words="PSNR from b to a", value=found["psnr ba"]),
        "back": Number(words="PSNR of a's pictures, there and back", value=found["back a"]),
        **plain,
    }
    if control:
        without = judged(learnt(system, known, seed=seed, sets=[*sets, "cycle=0"]), held)
        numbers["control"] = Number(
            words="mIoU less that of the same training without the way back",
            value=found["iou"] - without["iou"],
            low=CONTROL,
        )
        numbers["control iou"] = Number(words="mIoU without the way back", value=without["iou"])
        numbers["control psnr"] = Number(
            words="PSNR from a to b without the way back", value=without["psnr ab"]
        )
    return numbers


def cyclegan(seed: int) -> Numbers:
    """CycleGAN on scenes, with and without the cycle."""
    return unpaired("cyclegan", seed, least=CYCLE_IOU, above_mean=ABOVE_MEAN, control=True)


def ganilla(seed: int) -> Numbers:
    """GANILLA on scenes."""
    return unpaired("ganilla", seed, least=GANILLA_IOU, sets=[f"images={GANILLA_IMAGES}"])


def pix2pix(seed: int) -> Numbers:
    """pix2pix on pairs of scenes, beside CycleGAN on as many that are no pairs."""
    held = held_scenes(seed)
    other = judged(learnt("cyclegan", training_scenes(seed), seed=seed), held)
    trainer = learnt("pix2pix", training_scenes(seed, paired=True), seed=seed)
    there = translated(trainer, held.image("a"), "ab")
    found = psnr(there, held.image("b"))
    iou = mean_iou(nearest_colour(there, "b"), held.classes)
    return {
        "psnr": Number(words="PSNR from a to b, in dB", value=found, low=PAIRED_PSNR),
        "iou": Number(
            words="mIoU of translated pictures' classes, by the nearest colour",
            value=iou,
            low=PAIRED_IOU,
        ),
        "psnr above": Number(
            words="PSNR less that of CycleGAN, which saw no pairs",
            value=found - other["psnr ab"],
            low=0.0,
        ),
        "iou above": Number(words="mIoU less CycleGAN's", value=iou - other["iou ab"], low=0.0),
        **baselines(training_scenes(seed, paired=True), held),
    }


SOURCE = "bars by a measurement"
TASKS = {
    "cyclegan": (
        Task(
            slug="scenes",
            words="scenes of 32 pixels in two domains, with and without the way back",
            source=SOURCE,
            minutes=4,
            make=cyclegan,
        ),
    ),
    "pix2pix": (
        Task(
            slug="scenes",
            words="pairs of scenes of 32 pixels, beside CycleGAN without pairs",
            source=SOURCE,
            minutes=2,
            make=pix2pix,
        ),
    ),
    "ganilla": (
        Task(
            slug="scenes",
            words="scenes of 32 pixels in two domains",
            source=SOURCE,
            minutes=4,
            make=ganilla,
        ),
    ),
}
