"""Tasks of SinGAN: are new pictures made of the patches of the one that was learnt?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from progan.acceptance.record import Numbers, Task
from progan.assemble.measuring.one_picture import (
    measure_starts,
    pictures_from,
    reconstruction_error,
)
from progan.assemble.models.build import build_system
from progan.core.batch import Images
from progan.core.errors import ConfigError
from progan.core.grids import to_uint8
from progan.core.plan import Size, height_width
from progan.core.recipe import Recipe, TrainSettings
from progan.core.specs import DataSpec
from progan.engine.loop import Trainer
from progan.engine.preview import seeded
from progan.lab.exhibits.record import Number
from progan.layers.resample import resized
from progan.metrics.one_picture import patch_distance
from progan.systems.singan import SinGAN

__all__ = ["TASKS", "photograph"]

RECONSTRUCTED = 0.09
ALIKE, ALIKE_WIDE = 0.17, 0.18
VARIED = 0.3, 0.7
CALM = 15.0
WIDE = 16
"""Pictures of double width."""
TIMES = 4


def photograph() -> Tensor:
    """The picture china.jpg of scikit-learn: 1 3 427 640 in [−1, 1].

    Raises: ConfigError where scikit-learn is not installed.
    """
    try:
        pixels = import_module("sklearn.datasets").load_sample_image("china.jpg")
    except ImportError:
        raise ConfigError(
            "SinGAN's acceptance takes its photograph from scikit-learn, which is not installed: "
            "pip install 'progan[accept]'"
        ) from None
    return to_tensor(np.asarray(pixels))


def to_tensor(pixels: NDArray[np.uint8]) -> Tensor:
    """A picture h w c as 1 c h w in [−1, 1]."""
    return torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy()).float() / 127.5 - 1


@dataclass(frozen=True)
class OnePicture:
    """Where a trainer gets its one picture from, at any size."""

    image: Tensor

    def batch(self, numbers: range, resolution: Size) -> Images:
        """As many copies of it."""
        image = resized(self.image, *height_width(resolution)).expand(len(numbers), -1, -1, -1)
        return Images(image.clone(memory_format=torch.channels_last))


def learnt(image: Tensor, preset: str, seed: int) -> tuple[Trainer, Mapping[int, float]]:
    """SinGAN trained on a picture to its end; of every scale, the critic's last mean of fakes."""
    recipe = Recipe(system="singan", preset=preset, train=TrainSettings(seed=seed))
    height, width = image.shape[2:]
    spec = DataSpec(
        resolution=1 << (max(height, width) - 1).bit_length(), images=1, whole=(height, width)
    )
    system = build_system(recipe, spec, torch.device("cpu"))
    trainer, last = Trainer(system, OnePicture(image), seed=seed), dict[int, float]()
    while not trainer.done:
        result = trainer.step()
        last[result.at.index] = float(result.terms[f"critic.{result.at.index}/fake"])
    system.eval()
    return trainer, last


def picture(seed: int) -> Numbers:
    """A photograph at 64 pixels: reconstruction, patches, variety, another width."""
    image = photograph()
    trainer, scores = learnt(image, "cpu", seed)
    system, at = cast(SinGAN, trainer.system), trainer.at
    errors = [
        reconstruction_error(system, resized(image, *size), scale)
        for scale, size in enumerate(system.sizes)
    ]
    height, width = system.sizes[-1]
    real = to_uint8(resized(image, height, width))[0]
    first, second = measure_starts(system, at, real)
    wide = pictures_from(system, at, 0, WIDE, (height, 2 * width))
    alike = float(np.mean([patch_distance(real, one) for one in wide]))
    return {
        "reconstruction": Number(
            words="largest error of the reconstruction over scales, of pixels in [0, 1]",
            value=max(errors),
            high=RECONSTRUCTED,
        ),
        "patches": Number(
            words="SWD7 of new pictures to the photograph", value=first.swd7, high=ALIKE
        ),
        "patches second": Number(
            words="the same, with the coarsest scale as it was", value=second.swd7
        ),
        "patches gain": Number(
            words="by how much that is nearer", value=first.swd7 - second.swd7, low=0.0
        ),
        "diversity": Number(
            words="diversity of new pictures (paper: 0.50)",
            value=first.diversity,
            low=VARIED[0],
            high=VARIED[1],
        ),
        "diversity second": Number(
            words="the same, with the coarsest scale as it was (paper: 0.35)",
            value=second.diversity,
        ),
        "diversity loss": Number(
            words="by how much that is less", value=first.diversity - second.diversity, low=0.0
        ),
        "width": Number(
            words="pixels by which pictures of double width miss it",
            value=float(abs(wide.shape[3] - 2 * width) + abs(wide.shape[2] - height)),
            high=0.0,
        ),
        "patches wide": Number(words="SWD7 of those", value=alike, high=ALIKE_WIDE),
        "calm": Number(
            words="largest mean score of fakes, without sign, at the end of a scale",
            value=max(map(abs, scores.values())),
            high=CALM,
        ),
    }


def larger(seed: int) -> Numbers:
    """A photograph of 64 pixels enlarged four times, beside bicubic enlargement."""
    whole = photograph()
    trainer, _ = learnt(whole, "cpu-larger", seed)
    system = cast(SinGAN, trainer.system)
    small = resized(whole, *system.sizes[-1])
    size = TIMES * small.shape[2], TIMES * small.shape[3]
    truth = resized(whole, *size)
    with torch.no_grad(), seeded("acceptance", "larger"):
        found = {
            "noise": system.enlarged(small, TIMES),
            "still": system.enlarged(small, TIMES, 0.0),
            "published": system.enlarged(small, TIMES, projections=0),
            "bicubic": resized(small, *size),
        }
    real = to_uint8(truth)[0]
    words = {
        "noise": "enlarged four times by the finest scale",
        "still": "the same without noise",
        "published": "the same with noise and without projections, as published",
        "bicubic": "enlarged by cubics alone",
    }
    numbers: dict[str, Number] = {}
    for name, image in found.items():
        error = float((image.clamp(-1, 1) - truth).square().mean().sqrt()) / 2
        numbers[f"{name} error"] = Number(
            words=f"error of the photograph {words[name]}, of pixels in [0, 1]", value=error
        )
        numbers[f"{name} patches"] = Number(
            words="SWD7 of that to the photograph in its size",
            value=patch_distance(real, to_uint8(image)[0]),
        )
    return numbers


TASKS = (
    Task(
        slug="picture",
        words="a photograph of 43 × 64 pixels, drawn anew",
        source="Shaham et al. 2019, sections 2 and 3.1; bars by a measurement",
        minutes=4,
        make=picture,
    ),
    Task(
        slug="larger",
        words="a photograph of 43 × 64 pixels, enlarged four times",
        source="Shaham et al. 2019, section 4; a measurement",
        minutes=4,
        make=larger,
    ),
)
