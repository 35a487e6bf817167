"""A trained generator, ready to use: load it, sample it, look at it half grown, walk, save.

    model = load("runs/cats")
    images = model.sample(seeds=range(16), truncation=0.8)      # uint8, n h w c

Pictures are generated one at a time and on one thread. Convolutions of a batch, or on another
number of threads, add up in another order, and a few values in thousands then round to another
of the 256 levels; alone, a picture is a function of its seed. (Measured on CPU: one at a time
costs about what batches do at one thread.)
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from progan.assemble.models.canvas import Canvas
from progan.assemble.models.export import save_model
from progan.assemble.models.labels import Asked, Label, Words, told
from progan.assemble.models.many import Frame, choose_for, draw
from progan.assemble.models.notes import MOST_STD
from progan.assemble.models.stored import Stored, Weights, fill, open_stored
from progan.assemble.models.walks import code_rows, label_rows, loop_walk, smooth_walk
from progan.core.batch import Labelled
from progan.core.errors import ConfigError
from progan.core.grids import to_uint8
from progan.core.latents import Latents, scaled
from progan.core.plan import Progress, Size, height_width
from progan.core.system import Samples, System, Translates
from progan.engine.precision import choose_device, float32_products
from progan.engine.preview import alone, draw_seeds, seeded
from progan.engine.standing import standing
from progan.systems.singan import SinGAN

__all__ = ["Frame", "Label", "Model", "load"]

MOST_SEED = 2**63


def load(
    path: str | Path,
    *,
    at_images: int | None = None,
    weights: Weights = "average",
    device: str = "auto",
) -> Model:
    """Load a model from a run folder, a checkpoint file or an exported folder.

    Of a run, the newest checkpoint that is whole is taken, or the one saved at `at_images`.
    `weights="live"` takes the weights as last trained instead of their running average.

    Raises ConfigError when there is no model at `path`, CheckpointError when it is damaged.
    """
    chosen = choose_device(device)
    return Model(open_stored(Path(path).expanduser(), at_images), weights, chosen)


class Model:
    """A generator at one moment of its growth."""

    def __init__(
        self, stored: Stored, weights: Weights = "average", device: torch.device | None = None
    ) -> None:
        self.weights = weights
        self.device = device or torch.device("cpu")
        filled = fill(stored, weights, self.device)
        self.stored = replace(stored, tensors={})  # moments of optimizers need not stay in memory
        if not isinstance(filled.system, Samples):
            what = "Translate pictures by it: progan translate RUN PICTURES"
            if not isinstance(filled.system, Translates):
                what = "Look at what it makes: progan report RUN"
            raise ConfigError(
                f"{stored.recipe.system} does not make pictures from noise, so it cannot be "
                f"sampled. {what}"
            )
        self.system: System[Any] = filled.system
        self.identity: str = filled.identity
        """SHA-256 of the weights in use: equal for a checkpoint and the model saved from it."""
        self.moment: Progress = stored.trained
        self.z_std = 1.0
        """Standard deviation of its normal noise."""
        self.canvas: Canvas | None = None
        """Another size, or its own layout, of a model of one picture: `one_picture.on_canvas`."""
        self._standing: dict[Any, Model] = {}
        self._stands_for: Any = None

    # What it is ---------------------------------------------------------------------------

    @property
    def resolution(self) -> Size:
        """Side of its pictures, or (height, width), in pixels."""
        return self.moment.resolution

    @property
    def alpha(self) -> float:
        """Weight of the newest layers."""
        return self.moment.alpha

    @property
    def resolutions(self) -> tuple[Size, ...]:
        """Every resolution it has been trained at, smallest first."""
        return self.stored.resolutions

    @property
    def channels(self) -> int:
        """1 for grey, 3 for colour."""
        return self.stored.spec.channels

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of its classes; empty when it has none, or they are not those of the data."""
        return self.stored.class_names if issubclass(self.system.batch_type, Labelled) else ()

    @property
    def classes(self) -> int:
        """Number of classes a label can choose from; 0 when it takes no label."""
        return self.words.classes

    @property
    def label_names(self) -> tuple[str, ...]:
        """Names of the numbers of its label; empty for classes, and without labels."""
        return self.words.names

    @property
    def label_ranges(self) -> tuple[tuple[float, float], ...]:
        """What can be asked for of each, in the data's units."""
        return self.words.ranges

    @property
    def words(self) -> Words:
        """The labels it knows."""
        return Words.of(self._fields, self.stored.spec, self.class_names)

    @property
    def trained_images(self) -> int:
        """Real images it was trained on, counting repeats."""
        return self.stored.trained.images

    @property
    def path(self) -> Path:
        """The file it was loaded from."""
        return self.stored.path

    @property
    def _fields(self) -> tuple[Any, ...]:
        return tuple(self.system.latent_fields)  # type: ignore[arg-type]

    def __repr__(self) -> str:
        height, width = height_width(self.resolution)
        fade = f", alpha {self.alpha:g}" if self.alpha < 1 else ""
        return (
            f"Model({self.stored.recipe.system}, {height} × {width}{fade}, "
            f"{self.trained_images:,} images, {self.path})"
        )

    def at(self, resolution: Size | None = None, alpha: float | None = None) -> Model:
        """The half-grown network: this model at a lower resolution, or within a fade.

        `alpha` runs from 0, where the newest layers do not count, to 1. Weights are shared.
        """
        view = copy.copy(self)
        view.moment = self.stored.moment(
            self.resolution if resolution is None else resolution,
            self.alpha if resolution is None and alpha is None else alpha,
        )
        return view

    def with_std(self, z_std: float | None) -> Model:
        """This model with noise of another standard deviation than 1; weights are shared.

        Raises ConfigError for a deviation that is none, or a model without normal noise.
        """
        if z_std is None:
            return self
        if not 0 < z_std <= MOST_STD:
            raise ConfigError(
                f"z_std is {z_std}; it must be above 0 and at most {MOST_STD}: --z-std 0.5"
            )
        if not any(f.prior == "normal" and f.role == "noise" for f in self._fields):
            raise ConfigError(
                "The latents of this model are not normal, so --z-std changes nothing. Leave it "
                "out."
            )
        view = copy.copy(self)
        view.z_std = float(z_std)
        return view

    def standing(self, truncation: float | None = None) -> Model:
        """This model as it draws with such a truncation; itself, unless its system stands anew.

        Of a system with `standing`, batch norm's statistics are measured for these latents, on one
        thread, and kept until others are asked for: see `progan.engine.standing`.
        """
        key = (truncation, self.z_std, self.moment)
        if not self.system.standing or self._stands_for == key:
            return self
        if key not in self._standing:
            self._checked([], truncation)
            view = copy.copy(self)
            with alone():
                view.system = standing(
                    self.system, self.moment, truncation=truncation, z_std=self.z_std
                )
            view._stands_for = key
            self._standing.clear()
            self._standing[key] = view
        return self._standing[key]

    # What it makes ------------------------------------------------------------------------

    def sample(
        self,
        seeds: Iterable[int] | int = range(16),
        truncation: float | None = None,
        labels: Label | Sequence[Label] | None = None,
    ) -> Frame:
        """Pictures as uint8, n h w c: picture k is a function of seed k, and of nothing beside it.

        `truncation`, above 0 and at most 1: the smaller, the safer and the more alike. `labels`,
        one for all or one a seed, for models that take them: a class by name or number, or
        {"age": 37} for labels that are numbers, or a caption; without, classes go round by seed,
        and what else is not said is drawn from the rows of the data.
        """
        pictures = list(self.each(seeds, truncation, labels))
        if not pictures:
            raise ConfigError("There are no seeds; give at least one: seeds=range(16)")
        return np.stack(pictures)

    def each(
        self,
        seeds: Iterable[int] | int,
        truncation: float | None = None,
        labels: Label | Sequence[Label] | None = None,
    ) -> Iterator[Frame]:
        """The pictures of `sample`, h w c, one by one."""
        seeds = [seeds] if isinstance(seeds, int) else list(seeds)
        return self.each_of(seeds, truncation, self.asked(labels, len(seeds)))

    def each_of(
        self, seeds: list[int], truncation: float | None, asked: Sequence[Asked] | None
    ) -> Iterator[Frame]:
        """The same for labels that have been read: one for all, or one a seed."""
        seeds = self._checked(seeds, truncation)
        view = self.standing(truncation)
        for index, seed in enumerate(seeds):
            label = None if asked is None else asked[index % len(asked)]
            yield view.picture(view.latents(seed, truncation, label))

    def many(
        self,
        seeds: Sequence[int],
        truncation: float | None = None,
        labels: Label | Sequence[Label] | None = None,
        *,
        backend: str | None = None,
    ) -> Iterator[Frame]:
        """Pictures of many seeds, in blocks n h w c as they are made: fast, and nearly exact.

            for block in model.many(range(50_000)): ...

        They agree with those of `sample` within a few of the 256 levels: see
        `progan.engine.backends.TOLERANCES`. The `backend` is one of those, or "exact"; None: the
        fastest here by measurement, so that two calls may choose differently.
        """
        self._checked([], truncation)
        numbers = self.asked(labels, len(seeds))
        view = self.standing(truncation)
        chosen = choose_for(view, len(seeds), backend).backend

        def blocks() -> Iterator[Frame]:
            for start in range(0, len(seeds), chosen.batch):
                piece = self._checked(list(seeds[start : start + chosen.batch]), None)
                own = None if numbers is None else numbers[start : start + chosen.batch] or numbers
                yield draw(view, chosen, piece, truncation, own)

        return blocks()

    def walk(
        self,
        seeds: Iterable[int] | int,
        frames: int,
        *,
        kind: Literal["loop", "smooth"] = "loop",
        truncation: float | None = None,
        labels: Label | Sequence[Label] | None = None,
        sigma: float = 30.0,
    ) -> Iterator[Frame]:
        """`frames` pictures h w c, whose last leads back to the first.

        `loop` goes through the seeds in turn and rests at each; `smooth` is a random walk that
        starts from one seed and never rests, the smoother the larger `sigma`, in frames.
        """
        seeds = self._checked([seeds] if isinstance(seeds, int) else list(seeds), truncation)
        if frames < 1:
            raise ConfigError(f"frames is {frames}; a walk needs at least 1.")
        numbers = self.asked(labels, len(seeds))
        label = None if numbers is None else numbers[0]
        rows: Iterable[Latents]
        std = 1.0  # of what is still to be scaled
        if kind == "smooth":
            if len(seeds) != 1 or sigma <= 0:
                raise ConfigError(
                    f"A smooth walk came with {len(seeds)} seeds and sigma {sigma}; it takes one "
                    'seed, and a sigma above 0. Through several seeds: kind="loop"'
                )
            rows = smooth_walk(self._fields, seeds[0], frames, sigma=sigma, truncation=truncation)
            fields, std = self._fields, self.z_std
            rows = (
                rows if label is None else (told(fields, row, [label], self.system) for row in rows)
            )
        elif kind == "loop":
            if len(seeds) < 2:
                raise ConfigError(
                    f"A walk through {len(seeds)} seeds goes nowhere; give two or more, "
                    'or wander at random: kind="smooth"'
                )
            keys = [
                self.latents(
                    seed, truncation, None if numbers is None else numbers[i % len(numbers)]
                )
                for i, seed in enumerate(seeds)
            ]
            joined = {name: torch.cat([key[name] for key in keys]) for name in keys[0]}
            rows = loop_walk(self._fields, joined, frames)
        else:
            raise ConfigError(f'kind is "{kind}"; a walk is "loop" or "smooth".')
        view = self.standing(truncation)
        return (view.picture(scaled(self._fields, row, std)) for row in rows)

    def traverse(
        self,
        seed: int,
        truncation: float | None = None,
        *,
        steps: int = 10,
        most: int | None = None,
    ) -> list[tuple[str, list[Frame]]]:
        """For each code or label the model has: its name, and the pictures of its values in a row.

        All else is that of `seed`. A code without end is swept in `steps` steps, another takes all
        its values, or the first `most`.

        Raises ConfigError for a model that has neither codes nor labels.
        """
        self._checked([seed], truncation)
        if steps < 2:
            raise ConfigError(f"steps is {steps}; a code is swept in 2 or more: steps=10")
        names = self.label_names
        rows = code_rows(self._fields, self.latents(seed, truncation), steps, most, names)
        if not rows:
            raise ConfigError(
                "This model has neither codes nor classes, so there is nothing to sweep. Train "
                "one that has: progan train PICTURES --system infogan"
            )
        view = self.standing(truncation)
        return [(name, [view.picture(row) for row in swept]) for name, swept in rows]

    def between(
        self,
        seed: int,
        start: Asked,
        end: Asked,
        steps: int = 10,
        truncation: float | None = None,
    ) -> Iterator[Frame]:
        """The picture of `seed` with labels from `start` to `end`, in equal steps.

        Raises ConfigError for fewer than two steps.
        """
        self._checked([seed], truncation)
        if steps < 2:
            raise ConfigError(f"steps is {steps}; from one label to another takes 2 or more.")
        first, last = (self.latents(seed, truncation, label) for label in (start, end))
        view = self.standing(truncation)
        return (view.picture(row) for row in label_rows(self._fields, first, last, steps))

    @property
    def code_counts(self) -> tuple[int, ...]:
        """Of each code or label, how many values it has; 0 where it has no end."""
        return tuple(
            field.choices
            for field in self._fields
            if field.role in ("class", "code")
            for _ in range(math.prod(field.shape))
        )

    def latents(
        self, seed: int, truncation: float | None = None, label: Asked | None = None
    ) -> Latents:
        """One row of latents: a function of its seed, but for what a label says."""
        if self.canvas is not None:
            assert isinstance(self.system, SinGAN)
            return self.canvas.latents(self.system, seed, truncation, self.z_std)
        assert isinstance(self.system, Samples)
        row = draw_seeds(self.system, [seed], truncation, self.z_std)
        return row if label is None else told(self._fields, row, [label], self.system)

    def picture(self, row: Latents) -> Frame:
        """The picture, h w c, of one row of latents."""
        assert isinstance(self.system, Samples)
        moved = {name: value.to(self.device) for name, value in row.items()}
        with torch.inference_mode(), alone(), seeded("picture"), float32_products():
            image = to_uint8(self.system.generate(moved, self.moment))[0]
        return np.ascontiguousarray(image.transpose(1, 2, 0))

    def asked(self, labels: Label | Sequence[Label] | None, count: int) -> tuple[Asked, ...] | None:
        """Read labels as they are given: one, or one for each of `count`."""
        if labels is None:
            return None
        given = [labels] if isinstance(labels, int | str | Mapping) else list(labels)
        if not self.classes and not self.label_names and not self.words.captions:
            raise ConfigError(
                "This model was trained without classes, so it takes no label. Leave labels out."
            )
        if len(given) not in (1, count):
            raise ConfigError(
                f"{len(given)} labels came for {count} seeds; give one for all, or one a seed."
            )
        words = self.words
        return tuple(words.read(label) for label in given)

    @staticmethod
    def _checked(seeds: list[int], truncation: float | None) -> list[int]:
        for seed in seeds:
            if not 0 <= int(seed) < MOST_SEED:
                raise ConfigError(f"A seed is {seed}; it must be from 0 to 2⁶³ − 1.")
        if truncation is not None and not 0 < truncation <= 1:
            raise ConfigError(f"truncation is {truncation}; it must be above 0 and at most 1.")
        return [int(seed) for seed in seeds]

    def translate(
        self,
        images: Frame | Sequence[Frame],
        direction: str | None = None,
        *,
        style: torch.Tensor | None = None,
        tile: int | None = None,
    ) -> Any:
        """Pictures of one domain made into the other's: see `Translator.translate`.

        Raises ConfigError for a model that makes its pictures from noise.
        """
        raise ConfigError(
            f"{self.stored.recipe.system} draws from noise and does not translate. A system that "
            "does learns from two folders: progan train cyclegan A B"
        )

    # What it leaves -----------------------------------------------------------------------

    def save_pretrained(self, folder: str | Path) -> Path:
        """Save as model.safetensors (averaged weights only), config.json and README.md.

        `load` reads the folder again. Paths in the recipe are cut to their last name.
        """
        return save_model(self, Path(folder).expanduser())
