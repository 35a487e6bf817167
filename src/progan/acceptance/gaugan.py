"""Tasks of GauGAN: do pictures show their layouts, and styles their pictures?"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from progan.acceptance.layouts import COLOURS, LaidOut, LayoutDraws, nearest_class, scenes
from progan.acceptance.pictures import played
from progan.acceptance.record import Numbers, Task
from progan.assemble.models.build import build_system
from progan.core.config import apply_sets
from progan.core.recipe import Recipe, TrainSettings
from progan.engine.loop import Trainer
from progan.engine.preview import seeded
from progan.lab.exhibits.record import Number
from progan.metrics.segmentation import confusion, mean_iou

__all__ = ["TASKS", "trained"]

KNOWN, HELD = 600, 100
AGREE = 0.85
LIKE = 0.5
VARIED = 0.04
TIMES = 3.0
DRAWS = 20
MAPS = 8


def measured(seed: int, *, preset: str) -> Numbers:
    """Scenes of 32 pixels; classes are read off by the nearest colour."""
    known, held = scenes(KNOWN, 0), scenes(HELD, 1)
    trainer = trained(known, seed, preset=preset)
    system: Any = trainer.system
    with torch.no_grad(), seeded("acceptance", "scenes"):
        drawn = torch.randn(HELD, system.style_size)
        other = system.style(held.images.roll(1, 0), trainer.at)
        own = system.style(held.images, trainer.at)
        of_noise, of_other, of_own = (
            system.styled(held.layouts, "paint", style, trainer.at) for style in (drawn, other, own)
        )
        spread = varied(system, held.layouts[:MAPS], trainer.at)
        near = local(system, held, trainer.at)
    assert held.tints is not None
    wanted = held.classes
    return {
        "oracle": Number(
            words="mIoU of real pictures, read alike", value=agreed(held.images, wanted)
        ),
        "layout": Number(
            words="mIoU in styles that are drawn", value=agreed(of_noise, wanted), low=AGREE
        ),
        "layout, style of a picture": Number(
            words="mIoU in the styles of other pictures", value=agreed(of_other, wanted), low=AGREE
        ),
        "another layout": Number(
            words="the same pictures against another's layout",
            value=agreed(of_other, wanted.roll(1, 0)),
        ),
        "one class": Number(
            words="the commonest class everywhere",
            value=mean_iou(confusion(np.zeros_like(wanted.numpy()), wanted.numpy(), len(COLOURS))),
        ),
        "style": Number(
            words="correlation of a painted picture's mean colour, less its layout's, with the "
            "tint of the picture whose style it has",
            value=correlation(offsets(of_other, wanted), held.tints.roll(1, 0)),
            **({"low": LIKE} if preset == "colour" else {}),
        ),
        "style of its own": Number(
            words="the same with the tint of a picture of the same layout",
            value=correlation(offsets(of_own, wanted), held.tints),
        ),
        "variety": Number(
            words=f"deviation over {DRAWS} styles of one layout", value=spread, low=VARIED
        ),
        "locality": Number(
            words="change where boxes became sky, over the change elsewhere",
            value=near,
            low=TIMES,
        ),
    }


def trained(known: LaidOut, seed: int, *, preset: str, sets: tuple[str, ...] = ()) -> Trainer:
    """GauGAN on pictures with layouts, to its end; left in evaluation."""
    recipe = Recipe(system="gaugan", preset=preset, train=TrainSettings(seed=seed))
    system = build_system(apply_sets(recipe, list(sets)), known.spec, torch.device("cpu"))
    return played(Trainer(system, LayoutDraws(known=known, seed=seed), seed=seed))


def agreed(images: Tensor, wanted: Tensor) -> float:
    """mIoU of the nearest colours with the classes wanted."""
    return mean_iou(confusion(nearest_class(images), wanted.numpy(), len(COLOURS)))


def offsets(images: Tensor, classes: Tensor) -> Tensor:
    """Mean colour of each picture less that of its layout: n c."""
    plain = torch.from_numpy(COLOURS)[classes].movedim(3, 1)
    return (images - plain).mean(dim=(2, 3))


def correlation(found: Tensor, wanted: Tensor) -> float:
    """Pearson's, over pictures and channels; 0 where either is the same everywhere."""
    both = np.stack([found.flatten().numpy(), wanted.flatten().numpy()])
    return float(np.corrcoef(both)[0, 1]) if both.std(axis=1).min() > 1e-6 else 0.0


def varied(system: Any, layouts: Tensor, at: Any) -> float:
    """Deviation over styles of every pixel of a layout's pictures: mean over pixels and layouts."""
    several = layouts.repeat_interleave(DRAWS, 0)
    painted = system.styled(several, "paint", torch.randn(len(several), system.style_size), at)
    return float(painted.unflatten(0, (-1, DRAWS)).std(dim=1).mean())


def local(system: Any, held: LaidOut, at: Any) -> float:
    """Mean change where boxes became sky, over that of all other pixels, in one style each."""
    box, sky = held.names.index("box"), held.names.index("sky")
    changed = held.classes == box
    without = one_hot(held.classes.masked_fill(changed, sky), len(held.names))
    style = torch.randn(len(held), system.style_size)
    before, after = (
        system.styled(layout, "paint", style, at)
        for layout in (held.layouts, without.movedim(3, 1).float())
    )
    change = (after - before).abs().mean(dim=1)
    return float(change[changed].mean() / change[~changed].mean())


TASKS = (
    Task(
        slug="scenes",
        words="scenes of four classes from their layouts, with the published encoder",
        source="Park et al. 2019, section 4; a measurement",
        minutes=2,
        make=partial(measured, preset="tiny"),
    ),
    Task(
        slug="scenes-colour",
        words="the same with an encoder without norm, which sees colours",
        source="Park et al. 2019, section 3; a measurement",
        minutes=4,
        make=partial(measured, preset="colour"),
    ),
)
