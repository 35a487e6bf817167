"""What `progan bench` measures: a setting, and the work it does again and again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from progan.assemble.models.build import build_system
from progan.assemble.models.recipes import with_usual_preset
from progan.core.batch import Batch
from progan.core.launch import cores
from progan.core.plan import Plan, Progress, Stage
from progan.core.recipe import Recipe
from progan.core.specs import DataSpec
from progan.core.system import Samples
from progan.data.feeding import feed_of
from progan.data.noise import noise_for, spec_for
from progan.engine.loop import Draws, Trainer
from progan.engine.operations import Operations, wait
from progan.engine.precision import (
    Precision,
    choose_device,
    float32_products,
    has_bf16,
    refuse_precision,
)
from progan.engine.preview import seeded
from progan.systems.registry import load_system_class

__all__ = ["Arm", "Work", "drawing", "training"]

WARM_STEPS = 2
"""Steps before the clock starts."""


class _Kept:
    """The first batch of each size again and again: what reading costs is not measured here."""

    def __init__(self, data: Draws) -> None:
        self.data = data
        self._kept: dict[tuple[int, object], Batch] = {}

    def batch(self, numbers: range, resolution: Any) -> Batch:
        """Always the same images."""
        key = (len(numbers), resolution)
        if key not in self._kept:
            self._kept[key] = self.data.batch(range(len(numbers)), resolution)
        return self._kept[key]


class Arm:
    """One setting, ready to take steps at any of its stages."""

    def __init__(self, recipe: Recipe, resolution: int, channels: int) -> None:
        self.device = choose_device(recipe.train.device)
        self.recipe = recipe = with_usual_preset(recipe, self.device.type)
        kind = load_system_class(recipe.system).batch_type
        spec = DataSpec(resolution=resolution, channels=channels, classes=0, images=10**6)
        spec = spec_for(spec, kind)
        self.system = build_system(recipe, spec, self.device)
        wanted = recipe.train.precision
        refuse_precision(wanted, self.device)
        self.precision: Precision = (
            wanted if wanted != "auto" else "bf16" if has_bf16(self.device) else "fp32"
        )
        self.threads = recipe.train.threads or cores()
        self.data = _Kept(
            feed_of(
                noise_for(spec, kind),
                seed=recipe.train.seed,
                mirror=False,
                jitter=False,
                batch_type=kind,
                device=self.device,
            )
        )

    def trainer(self, stage: Stage) -> Trainer:
        """A trainer that stays at one stage."""
        train = self.recipe.train
        return Trainer(
            self.system,
            self.data,
            plan=Plan((replace(stage, images=10**12, fresh_optimizers=False),)),
            seed=train.seed,
            shards=train.shards or 1,
            micro_batch=train.micro_batch,
            precision=self.precision,
            tf32=train.tf32,
            compiled=train.compile,
            device=self.device,
        )

    def about(self) -> str:
        """What runs where, in a line."""
        preset = f" ({self.recipe.preset})" if self.recipe.preset else ""
        where = (
            f"CPU, {self.threads} thread{'s' * (self.threads > 1)}"
            if self.device.type == "cpu"
            else torch.cuda.get_device_name(self.device)
        )
        train = self.recipe.train
        more = ", TF32" * train.tf32 + ", compiled" * train.compile
        how = f"{where}, {self.precision}{more}"
        return f"{self.recipe.system}{preset}; {how}; torch {torch.__version__}"

    @contextmanager
    def in_charge(self) -> Iterator[None]:
        """With this arm's number of threads and kind of float32 products."""
        before = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        try:
            with float32_products(tf32=self.recipe.train.tf32):
                yield
        finally:
            torch.set_num_threads(before)


class Work:
    """Something done again and again, so many images at a time."""

    def __init__(
        self, act: Callable[[], object], images: int, period: int, device: torch.device
    ) -> None:
        self.act, self.images, self.period, self.device = act, images, period, device
        self._warm = False

    def warm(self) -> None:
        """So often that lazy turns were among it."""
        for _ in range(max(WARM_STEPS, self.period)):
            self.act()
        self._warm = True

    def rate(self, seconds: float) -> float:
        """Images per second over whole periods that fill `seconds`."""
        if not self._warm:
            self.warm()
        wait(self.device)
        began, done = time.perf_counter(), 0
        while True:
            for _ in range(self.period):
                self.act()
            done += self.period
            wait(self.device)
            taken = time.perf_counter() - began
            if taken >= seconds:
                return done * self.images / taken

    def gflop_per_image(self) -> float:
        """As torch's dispatcher counts, over one period."""
        with Operations() as count:
            for _ in range(self.period):
                self.act()
        return count.total / (self.period * self.images) / 1e9


def training(arm: Arm, stage: Stage) -> Work:
    """Steps at a stage; of a fade, at its middle."""
    trainer = arm.trainer(stage)
    moment = trainer.plan.stages[0].images // 2
    trainer.images = moment - moment % stage.batch  # halfway through a fade
    before = trainer.images
    trainer.step()
    return Work(
        trainer.step, trainer.images - before, arm.system.period(_middle(stage)), arm.device
    )


def drawing(arm: Arm, stage: Stage) -> Work:
    """Batches of pictures, drawn without gradients."""
    system, at = arm.system, _middle(stage)
    assert isinstance(system, Samples)

    def act() -> Tensor:
        with torch.no_grad(), seeded("bench"):
            return system.generate(system.draw(stage.batch), at)

    return Work(act, stage.batch, 1, arm.device)


def _middle(stage: Stage) -> Progress:
    return Progress(images=0, step=0, index=0, stage=stage, fraction=0.5)
