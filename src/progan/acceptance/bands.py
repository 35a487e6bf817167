"""Tasks of LAPGAN: is the detail drawn upon coarse pictures what such pictures lack?"""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor

from progan.acceptance.digits import CLASSES, OWN_SIDE, classifier, digits, seen
from progan.acceptance.encoders import shown
from progan.acceptance.likeness import confidence
from progan.acceptance.pictures import trained
from progan.acceptance.record import Numbers, Task
from progan.core.grids import to_uint8
from progan.core.plan import Progress
from progan.engine.loop import Trainer
from progan.engine.preview import seeded
from progan.lab.exhibits.record import Number
from progan.layers.labels import label_rows
from progan.layers.laplacian import bands, coarse, enlarged, rebuilt

__all__ = ["TASKS", "energy_above"]

PRESET = "cpu"
TRAINED = ("coarse_width=300", f"images={64 * 2_000}", "coarsest=4")
LABELLED = (*TRAINED, f"coarse_images={64 * 3_000}", "labelled=true")
PLAIN = (*TRAINED, f"coarse_images={64 * 12_000}")
"""Without labels coarse digits take longer to look like digits."""
AGREE = 0.95
LIKE = 0.2
TIMES = 2.0
EXACT = 1e-5
NOISES = 8
STIRRED = 0.01
"""Least share of a band's deviation that noise alone makes."""


def measured(seed: int, *, labelled: bool) -> Numbers:
    """Digits of 8 pixels, from 4: what is drawn upon real coarse ones, and upon drawn ones."""
    known, held = digits(OWN_SIDE)
    judge, reads = classifier(seed, OWN_SIDE)
    found = trained("lapgan", known, preset=PRESET, seed=seed, sets=LABELLED if labelled else PLAIN)
    label = torch.from_numpy(held.labels)
    y = label_rows(label, CLASSES) if labelled else None
    with shown(found) as system, torch.no_grad(), seeded("acceptance", "bands"):
        how = system.config.enlarge
        low = coarse(held.images, how)
        several = torch.stack([system.band(low, y) for _ in range(NOISES)])
        latents = {**system.draw(len(held)), **({"label": label} if labelled else {})}
        whole = system.generate(latents, found.at)
        first = enlarged(system.generate(latents, _at_first(found)), how)
    drawn, real = several[0], held.images - low
    there = float((rebuilt(bands(held.images, 1, how), how) - held.images).abs().max())
    sure = {name: confidence(judge, image) for name, image in (("whole", whole), ("first", first))}

    def read(image: Tensor) -> float:
        return float((seen(judge, to_uint8(image)) == held.labels).mean())

    agreement = {
        "classifier": Number(
            words="the classifier: share of held-out digits it reads rightly", value=reads
        ),
        "agreement": Number(
            words="share read as what they are, of held-out digits whose band is drawn anew",
            value=read(low + drawn),
            low=AGREE if labelled else -math.inf,
        ),
        "without": Number(words="the same with no band at all", value=read(low)),
    }
    if labelled:
        agreement["drawn"] = Number(
            words="share read as what was asked for, of digits drawn through both levels",
            value=read(whole),
        )
    return {
        "round trip": Number(
            words="largest error of pictures rebuilt from their bands", value=there, high=EXACT
        ),
        **agreement,
        "deviation": Number(
            words="deviation of drawn bands over that of real ones, on real coarse digits",
            value=float(drawn.std() / real.std()),
            expected=1.0,
            within=LIKE,
        ),
        "spectrum": Number(
            words="their energy above the coarse digits' highest frequency, over the real one's",
            value=energy_above(drawn) / energy_above(real),
            low=1 / TIMES,
            high=TIMES,
        ),
        "noise": Number(
            words="deviation that noise alone makes in them, over their own",
            value=float(several.std(dim=0).square().mean().sqrt() / drawn.std()),
            low=STIRRED,
        ),
        "gain": Number(
            words="how sure the classifier is of digits through both levels, less that of the "
            "first level's, enlarged",
            value=sure["whole"] - sure["first"],
            low=0.0,
        ),
        "sure": Number(words="how sure it is of those through both", value=sure["whole"]),
        "sure of reals": Number(words="and of held-out ones", value=confidence(judge, held.images)),
    }


def _at_first(trainer: Trainer) -> Progress:
    """The end of the coarsest level."""
    return trainer.plan.at(trainer.plan.start(1) - 1)


def energy_above(image: Tensor) -> float:
    """Mean energy of n c h w beyond a quarter of a turn per pixel, on either axis.

    Halved pictures have nothing there.
    """
    spectrum = torch.fft.fft2(image.double()).abs().square().mean(dim=(0, 1))
    high = [torch.fft.fftfreq(size).abs() > 0.25 for size in image.shape[2:]]
    return float(spectrum[high[0][:, None] | high[1]].mean())


TASKS = (
    Task(
        slug="labelled",
        words="labelled digits of 8 pixels, drawn upon digits of 4",
        source="Denton et al. 2015, sections 2.3 and 3.1; a measurement",
        minutes=3,
        make=partial(measured, labelled=True),
    ),
    Task(
        slug="digits",
        words="the same without labels",
        source="Denton et al. 2015, section 2.3; a measurement",
        minutes=3,
        make=partial(measured, labelled=False),
    ),
)
