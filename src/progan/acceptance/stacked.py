"""Tasks of StackGAN: do pictures show what their captions say, and large ones more than small?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from progan.acceptance.bands import energy_above
from progan.acceptance.captioned import (
    COLOURS,
    SHAPES,
    CaptionedDraws,
    CaptionedPictures,
    captioned_shapes,
    kinds,
    said,
)
from progan.acceptance.digits import seen
from progan.acceptance.encoders import shown
from progan.acceptance.pictures import BLOCK, Pictures, played
from progan.acceptance.record import Numbers, Task
from progan.assemble.models.build import build_system
from progan.core.config import apply_sets
from progan.core.grids import to_uint8
from progan.core.plan import Progress
from progan.core.recipe import Recipe, TrainSettings
from progan.engine.loop import Trainer
from progan.engine.preview import seeded
from progan.extractors.base import Extractor
from progan.extractors.trained import as_extractor
from progan.extractors.training import LabelledPictures, accuracy, train_classifier
from progan.lab.exhibits.record import Number
from progan.layers.resample import down

__all__ = [
    "LESS",
    "TASKS",
    "TOLD_APART",
    "end_of",
    "generated",
    "of_another_kind",
    "told_apart",
    "trained",
]

PRESET = "cpu"
KNOWN, HELD = 6_000, 1_000
READ_SIDE = 16
READER_IMAGES = 24_000
SETS = (
    "ratio=2",
    "width=16",
    "critic_width=12",
    "second_width=16",
    "second_critic_width=8",
    "blocks=1",
    "code=32",
    "latent_size=16",
    "features=64",
    "buckets=1024",
    "batch=32",
    "optimizer.lr=0.0005",
    "second_rate=1",
    "average.half_life_images=5000",
    f"text_images={32 * 250}",
    f"images={32 * 1_500}",
    f"second_images={32 * 2_000}",
)
AGREE = 0.85
LESS = 0.01
"""By how much the second stage may be read worse: two deviations of a share of 1,000."""
TOLD_APART = 0.9
STIRRED = 0.01
TURNS: tuple[tuple[str, str, dict[str, float]], ...] = (
    (
        "steady",
        "share of steps from a red to a blue caption at which colours read turn no redder",
        {"low": 1.0},
    ),
    ("turn", "how far they turn, of 2 from red to blue", {}),
    ("hue", "share of those steps at which hues of what is coloured turn no redder", {}),
    ("far", "how far these turn, of 2", {}),
)
STEPS = 6
PER_STEP = 64


def measured(seed: int) -> Numbers:
    """Shapes of 16 pixels, then of 32, from sentences; read by a classifier of real ones."""
    return told(trained(captioned_shapes(KNOWN, 0), seed))


def told(trainer: Trainer) -> Numbers:
    """What the pictures of a trained system come to."""
    held = captioned_shapes(HELD, 1)
    judge, reads = reader()
    first, last = end_of(trainer, 1), end_of(trainer, 2)
    with shown(trainer) as system, torch.no_grad(), seeded("acceptance", "stacked"):
        latents = {**system.draw(HELD), "caption": system.phrased(held.texts)}
        small, large = (generated(system, latents, at) for at in (first, last))
        stirred = _stirred(system, latents, last)
        other = of_another_kind(torch.from_numpy(held.pictures.labels))
        told_other = _redrawn(system, latents, other)
        steps = {at.stage.name: _steps(judge, system, at) for at in (first, last)}
        sure = {at.stage.name: told_apart(system, held, at) for at in (first, last)}
    wanted, real = held.pictures.labels, held.pictures.images
    return {
        "classifier": Number(
            words="the classifier: share of held-out pictures whose colour and shape it reads",
            value=reads,
        ),
        **_agreement(judge, small, wanted, "stage I"),
        **_agreement(judge, large, wanted, "stage II"),
        "heard": Number(
            words="stage II, told something else than stage I was: share read as it was told",
            value=_share(judge, told_other, wanted[other.numpy()]),
        ),
        "gain": Number(
            words="colour and shape of stage II, less those of stage I",
            value=_share(judge, large, wanted) - _share(judge, small, wanted),
            low=-LESS,
        ),
        "noise": Number(
            words="deviation that the noise around captions makes, over that of all pictures",
            value=stirred,
            low=STIRRED,
        ),
        "detail": Number(
            words="energy of stage II beyond what stage I's pictures have when enlarged, over "
            "theirs there",
            value=_detail(large, small),
            low=1.0,
        ),
        "detail of reals": Number(
            words="the same of real pictures and of those halved",
            value=_detail(real, down(real, large.shape[-1] // small.shape[-1])),
        ),
        **{
            f"{kind}, {name}": Number(words=f"{name}: {words}", value=values[kind], **bar)
            for name, values in steps.items()
            for kind, words, bar in TURNS
        },
        **{
            f"told apart, {name}": Number(
                words=f"{name}: share of held-out pictures scored higher with their own caption "
                "than with another's",
                value=value,
                low=TOLD_APART,
            )
            for name, value in sure.items()
        },
    }


def trained(known: CaptionedPictures, seed: int, sets: Sequence[str] = SETS) -> Trainer:
    """StackGAN on captioned pictures, to its end."""
    recipe = Recipe(system="stackgan", preset=PRESET, train=TrainSettings(seed=seed))
    system = build_system(apply_sets(recipe, list(sets)), known.spec, torch.device("cpu"))
    return played(Trainer(system, CaptionedDraws(known=known, seed=seed), seed=seed))


@lru_cache(maxsize=1)
def reader(seed: int = 0) -> tuple[Extractor, float]:
    """A classifier of colour and shape at 16 pixels, and what it reads of held-out pictures; the
    same one whatever is judged."""
    known, held = (_small(captioned_shapes(n, s)) for n, s in ((KNOWN, 0), (HELD, 1)))
    classes = len(COLOURS) * len(SHAPES)
    network = train_classifier(known, classes, images=READER_IMAGES, seed=seed)
    names = tuple(map(str, range(classes)))
    judge = as_extractor(network, f"shapes-{seed}", side=READ_SIDE, channels=3, classes=names)
    return judge, accuracy(network, held, classes)[0]


def _small(pictures: CaptionedPictures) -> LabelledPictures:
    own: Pictures = pictures.pictures
    pixels = to_uint8(down(own.images, own.spec.resolution // READ_SIDE))
    return LabelledPictures(gather=lambda numbers: pixels[numbers], labels=own.labels)


def end_of(trainer: Trainer, index: int) -> Progress:
    """The end of a stage."""
    return trainer.plan.at(trainer.plan.start(index + 1) - 1)


def generated(system: Any, latents: Any, at: Progress) -> Tensor:
    """Pictures of latents, in blocks."""
    count = len(latents["z"])
    return torch.cat(
        [
            system.generate({k: v[i : i + BLOCK] for k, v in latents.items()}, at)
            for i in range(0, count, BLOCK)
        ]
    )


def _read(judge: Extractor, image: Tensor) -> NDArray[np.int64]:
    return seen(judge, to_uint8(down(image, image.shape[-1] // READ_SIDE)))


def _share(judge: Extractor, image: Tensor, wanted: NDArray[np.int64]) -> float:
    return float((_read(judge, image) == wanted).mean())


def _agreement(
    judge: Extractor, image: Tensor, wanted: NDArray[np.int64], name: str
) -> dict[str, Number]:
    """Shares of pictures whose colour, shape, and both are what the caption says."""
    read, (colour, shape) = _read(judge, image), kinds(wanted)
    return {
        name: Number(
            words=f"{name}: share of pictures whose colour and shape are read as the caption says",
            value=_share(judge, image, wanted),
            low=AGREE,
        ),
        f"{name}, colour": Number(
            words="the colour alone", value=float((read // len(SHAPES) == colour).mean())
        ),
        f"{name}, shape": Number(
            words="the shape alone", value=float((read % len(SHAPES) == shape).mean())
        ),
    }


def _redrawn(system: Any, latents: Any, other: Tensor) -> Tensor:
    """Stage II's pictures upon stage I's, from the captions with the numbers `other`."""
    first, second = (system.generators[name] for name in ("first", "second"))
    phi = system.caption_rows(latents["caption"])
    parts = []
    for rows in torch.split(torch.arange(len(phi)), BLOCK):
        small = first(latents["z"][rows], phi[rows], latents["first noise"][rows])[0]
        parts.append(second(small, phi[other[rows]], latents["second noise"][rows])[0])
    return torch.cat(parts)


def _stirred(system: Any, latents: Any, at: Progress) -> float:
    """Deviation over ε alone, z and caption fixed, over the deviation of all."""
    few = {name: value[:PER_STEP] for name, value in latents.items()}
    again = []
    for _ in range(4):
        fresh = system.draw(PER_STEP)
        noise = {name: fresh[name] for name in ("first noise", "second noise")}
        again.append(generated(system, {**few, **noise}, at))
    several = torch.stack(again)
    return float(several.std(dim=0).square().mean().sqrt() / several.std())


def _steps(judge: Extractor, system: Any, at: Progress) -> dict[str, float]:
    """From red to blue, over all shapes: see `TURNS`."""
    latents = system.draw(PER_STEP)
    found: dict[str, list[float]] = {kind: [] for kind, _, _ in TURNS}
    for shape in range(len(SHAPES)):
        ends = [
            said(list(COLOURS).index(name) * len(SHAPES) + shape, 0) for name in ("red", "blue")
        ]
        start, end = system.phrased(ends)
        reads, hues = [], []
        for t in torch.linspace(0, 1, STEPS).tolist():
            rows = torch.lerp(start, end, t).expand(PER_STEP, -1)
            image = generated(system, {**latents, "caption": rows}, at)
            reads.append(_between(_read(judge, image)))
            hues.append(hue(image))
        found["steady"] += [not falls(before, after) for before, after in pairwise(reads)]
        found["turn"].append(float((reads[-1] - reads[0]).mean()))
        found["hue"] += [not falls(before, after) for before, after in pairwise(hues)]
        found["far"].append(float((hues[-1] - hues[0]).mean()))
    return {kind: float(np.mean(values)) for kind, values in found.items()}


def _between(read: NDArray[np.int64]) -> Tensor:
    """Of each picture -1 if its colour is read as red, 1 as blue, else 0."""
    red, blue = (list(COLOURS).index(name) for name in ("red", "blue"))
    colour = read // len(SHAPES)
    return torch.from_numpy((colour == blue).astype(float) - (colour == red))


def hue(image: Tensor) -> Tensor:
    """How blue what is coloured in each picture is, from -1, red, to 1: blue less red over all
    pixels, over the largest less the least channel. Grey counts for nothing, nor does size."""
    chroma = image.amax(dim=1) - image.amin(dim=1)
    return (image[:, 2] - image[:, 0]).sum(dim=(1, 2)) / chroma.sum(dim=(1, 2)).clamp(min=1e-6)


def falls(before: Tensor, after: Tensor) -> bool:
    """Whether the same pictures' numbers fall on average by more than two standard errors."""
    change = after - before
    return float(change.mean()) < -2 * float(change.std()) / len(change) ** 0.5


def told_apart(system: Any, held: CaptionedPictures, at: Progress) -> float:
    """Share of pictures whose score is higher with their own caption than with another's."""
    draws, count = CaptionedDraws(known=held, seed=0), len(held.texts)
    higher = []
    for start in range(0, count, BLOCK):
        batch = draws.batch(range(start, min(start + BLOCK, count)), at.resolution)
        phi = system.vectors(batch.caption)
        other = of_another_kind(batch.kind)
        critic = system.critic(at)
        higher.append(critic(batch.image, phi) > critic(batch.image, phi[other]))
    return float(torch.cat(higher).float().mean())


def of_another_kind(kind: Tensor) -> Tensor:
    """For each row, the next one of another kind."""
    differs = kind[:, None] != kind
    number = torch.arange(len(kind))
    away = (number - number[:, None]) % len(kind)
    return torch.where(differs, away, len(kind)).argmin(dim=1)


def _detail(large: Tensor, small: Tensor) -> float:
    """Energy of large pictures where small ones have none, over what enlarging those puts there."""
    return energy_above(large) / energy_above(_enlarged(small, large.shape[-1]))


def _enlarged(image: Tensor, side: int) -> Tensor:
    return interpolate(image, size=(side, side), mode="bilinear", align_corners=False)


TASKS = (
    Task(
        slug="shapes",
        words="coloured shapes from sentences, of 16 pixels and then of 32",
        source="Zhang et al. 2017, sections 3.2 to 3.4 and figure 7; a measurement",
        minutes=10,
        make=measured,
    ),
)
