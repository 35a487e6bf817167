"""A task of GauGAN: portraits from their class maps, in the styles of portraits."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from progan.acceptance.gaugan import trained
from progan.acceptance.layouts import LaidOut
from progan.acceptance.record import Numbers, Task
from progan.core.grids import to_uint8
from progan.data.portraits import LAYOUT_CLASSES, layout, people, render
from progan.engine.preview import seeded
from progan.extractors.segmentation import LaidOutPictures, LayoutJudge, train_judge
from progan.lab.exhibits.record import Number
from progan.metrics.likeness import psnr_scores

__all__ = ["TASKS"]

SIDE = 32
SETS = (f"images={8 * 3_000}",)
KNOWN, HELD, JUDGED = range(2_000), range(100_000, 100_200), range(50_000, 52_000)
"""Numbers of the people to learn from, those held out of everything, and the judge's own."""
JUDGE_IMAGES = 9_600
OF_REALS = 0.8
MORE = 0.2
DECIBELS = 1.0


def measured(seed: int) -> Numbers:
    """Portraits of 32 pixels; classes are read by a segmenter that learned from other people."""
    known, held = portraits(KNOWN), portraits(HELD)
    judge = reader(seed)
    trainer = trained(known, seed, preset="cpu", sets=SETS)
    system: Any = trainer.system
    with torch.no_grad(), seeded("acceptance", "portraits"):
        styles = {
            "drawn": torch.randn(len(held), system.style_size),
            "own": system.style(held.images, trainer.at),
            "other": system.style(held.images.roll(1, 0), trainer.at),
        }
        painted = {
            name: system.styled(held.layouts, "paint", style, trainer.at)
            for name, style in styles.items()
        }
    stand_ins = {
        "mean picture": known.images.mean(0).expand_as(held.images),
        "mean colours": in_mean_colours(known, held),
        "another person": held.images.roll(1, 0),
    }
    reals, right = judge.facts.mean_iou, judge.facts.accuracy
    return {
        "judge": Number(words=f"mIoU that {judge.name} reads off held-out portraits", value=reals),
        "judge, pixels": Number(words="the share of pixels it reads rightly", value=right),
        **_agreement(judge, held, painted, stand_ins, reals),
        **_likeness(held, painted, stand_ins),
    }


def _agreement(
    judge: LayoutJudge,
    held: LaidOut,
    painted: Mapping[str, Tensor],
    stand_ins: Mapping[str, Tensor],
    reals: float,
) -> dict[str, Number]:
    """mIoU of painted portraits and of what could stand in for them."""
    wanted = held.classes.numpy()

    def read(image: Tensor) -> float:
        return judge.agreement(to_uint8(image), wanted)[0]

    drawn = read(painted["drawn"])
    others = {name: read(image) for name, image in stand_ins.items()}
    return {
        "layout": Number(
            words="mIoU in styles that are drawn, over that of held-out portraits",
            value=drawn / reals,
            low=OF_REALS,
        ),
        "layout, other style": Number(
            words="the same in the styles of other people",
            value=read(painted["other"]) / reals,
            low=OF_REALS,
        ),
        "layout, gain": Number(
            words="mIoU in drawn styles, less that of the mean picture and of other people, the "
            "higher of the two",
            value=drawn - max(others["mean picture"], others["another person"]),
            low=MORE,
        ),
        **{
            f"layout, {name}": Number(words=f"mIoU of {name}", value=value)
            for name, value in others.items()
        },
    }


def _likeness(
    held: LaidOut, painted: Mapping[str, Tensor], stand_ins: Mapping[str, Tensor]
) -> dict[str, Number]:
    """PSNR with the portrait whose layout and style it is."""
    own = psnr(painted["own"], held.images)
    others = {name: psnr(image, held.images) for name, image in stand_ins.items()}
    best = max(others, key=lambda name: others[name])
    return {
        "likeness": Number(words="PSNR of portraits painted in their own style, in dB", value=own),
        "likeness, gain": Number(
            words=f"the same less that of the best stand-in, here {best}",
            value=own - others[best],
            low=DECIBELS,
        ),
        "likeness, style": Number(
            words="the same less that in another's style",
            value=own - psnr(painted["other"], held.images),
            low=DECIBELS,
        ),
        **{
            f"likeness, {name}": Number(words=f"PSNR of {name}", value=value)
            for name, value in others.items()
        },
    }


@lru_cache(maxsize=4)
def portraits(numbers: range) -> LaidOut:
    """People of seed 0 with those numbers, and their maps."""
    who = people(0, np.asarray(numbers))
    images = torch.from_numpy(render(who, SIDE)).float().div(127.5).sub(1)
    classes = torch.from_numpy(layout(who, SIDE).astype(np.int64))
    return LaidOut(images=images, classes=classes, names=LAYOUT_CLASSES, colours=())


@lru_cache(maxsize=1)
def reader(seed: int) -> LayoutJudge:
    """A judge that learned from people whom nobody else sees."""
    return train_judge(
        _pictures(JUDGED), _pictures(HELD), LAYOUT_CLASSES, images=JUDGE_IMAGES, seed=1_000 + seed
    )


def _pictures(numbers: range) -> LaidOutPictures:
    some = portraits(numbers)
    pixels, classes = to_uint8(some.images), some.classes.numpy()
    name = f"portraits {numbers.start} to {numbers.stop - 1}"
    return LaidOutPictures(
        gather=lambda rows: (pixels[rows], classes[rows]), count=len(numbers), name=name
    )


def in_mean_colours(known: LaidOut, held: LaidOut) -> Tensor:
    """The layouts of `held`, each class in its mean colour among `known`."""
    layouts = known.layouts
    sums = torch.einsum("nchw,nlhw->lc", known.images, layouts)
    table = sums / layouts.sum(dim=(0, 2, 3)).clamp_min(1)[:, None]
    return torch.einsum("nlhw,lc->nchw", held.layouts, table)


def psnr(found: Tensor, wanted: Tensor) -> float:
    """Mean over pictures of the peak signal-to-noise ratio, in dB."""
    return float(psnr_scores(to_uint8(found), to_uint8(wanted)).mean())


TASKS = (
    Task(
        slug="portraits",
        words="portraits of 32 pixels from their class maps, in the styles of portraits",
        source="Park et al. 2019, sections 3 and 4; a measurement",
        minutes=4,
        make=measured,
    ),
)
