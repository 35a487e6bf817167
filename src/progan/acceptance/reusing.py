"""Tasks of NICE-GAN: do decoders upon discriminators' features keep the scene?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from progan.acceptance.record import Numbers, Task
from progan.acceptance.scenes import held_scenes, training_scenes
from progan.acceptance.translation import baselines, judged, learnt
from progan.lab.exhibits.record import Number

__all__ = ["TASKS"]

SCALE = 2
"""Scenes of 64 pixels."""
ABOVE_MEAN = 1.0
IOU = 0.60
ANY = float("-inf")


def measured(seed: int, *, sets: Sequence[str] = (), held_to: bool) -> Numbers:
    """Both directions, beside baselines; told only, unless `held_to` the bars."""
    known, held = training_scenes(seed, scale=SCALE), held_scenes(seed, scale=SCALE)
    plain = baselines(known, held)
    found = judged(learnt("nicegan", known, seed=seed, sets=sets), held)
    return {
        "psnr ab": Number(
            words="PSNR of a's pictures translated, to the same scenes in b, in dB, less that of "
            "b's mean picture",
            value=found["psnr ab"] - plain["mean"].value,
            low=ABOVE_MEAN if held_to else ANY,
        ),
        "iou": Number(
            words="mIoU of translated pictures' classes, by the nearest colour; both directions' "
            "mean",
            value=found["iou"],
            low=IOU if held_to else ANY,
        ),
        "iou ab": Number(words="the same from a to b", value=found["iou ab"]),
        "iou ba": Number(words="the same from b to a", value=found["iou ba"]),
        "psnr of ab": Number(words="PSNR from a to b", value=found["psnr ab"]),
        "psnr of ba": Number(words="PSNR from b to a", value=found["psnr ba"]),
        "back": Number(words="PSNR of a's pictures, there and back", value=found["back a"]),
        **plain,
    }


TASKS = (
    Task(
        slug="scenes",
        words="scenes of 64 pixels in two domains",
        source="bars by a measurement",
        minutes=3,
        make=partial(measured, held_to=True),
    ),
    Task(
        slug="coupled",
        words="the same with encoders that learn from the generators' losses too: the control",
        source="Chen et al. 2020, the ablation of decoupled training",
        minutes=3,
        make=partial(measured, sets=("coupled=true",), held_to=False),
    ),
)
