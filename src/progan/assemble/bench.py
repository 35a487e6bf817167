"""How fast a system trains and draws on this machine, and how much of the machine it uses.

found = bench(Recipe(preset="cpu"), resolution=32)
for row in found.rows:
    print(row.stage, row.images_per_second, row.gflops)
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor

from progan.assemble.build import build_system, versions
from progan.assemble.recipes import with_usual_preset
from progan.core.batch import Batch
from progan.core.errors import ConfigError
from progan.core.plan import Plan, Progress, Stage
from progan.core.recipe import Recipe
from progan.core.specs import DataSpec
from progan.core.system import Samples
from progan.data.loader import Loader
from progan.data.noise import NoisePyramid
from progan.engine.loop import Draws, Trainer
from progan.engine.meter import peak_of
from progan.engine.operations import Operations, machine_peak, wait
from progan.engine.precision import (
    Precision,
    choose_device,
    float32_products,
    has_bf16,
    refuse_precision,
)
from progan.engine.preview import seeded

__all__ = ["Bench", "Comparison", "Row", "bench", "compare"]

WARM_STEPS = 2
"""Steps before the clock starts."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One stage, training or drawing."""

    stage: str
    """Its name, or `draw R`."""
    batch: int
    images_per_second: float
    """Median over rounds."""
    spread: float
    """(largest − smallest) / median over rounds."""
    gflop_per_image: float
    """Multiplications and additions of convolutions and dense layers, 10⁹ per image, as torch's
    dispatcher saw them."""
    peak_bytes: int | None
    """Largest memory of the process (of the device) while it ran; None where it is not known."""

    @property
    def gflops(self) -> float:
        """10⁹ operations a second."""
        return self.images_per_second * self.gflop_per_image


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Every stage, and what they ran on."""

    system: str
    preset: str
    resolution: int
    device: str
    threads: int
    precision: str
    peak_gflops: float
    """The best 3×3 layer on this machine, in the same precision and threads, measured before."""
    rows: tuple[Row, ...]
    versions: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, texts and lists."""
        plain = asdict(self)
        plain["rows"] = [{**asdict(row), "gflops": row.gflops} for row in self.rows]
        return plain


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two settings at one stage, in turn within one process."""

    stage: str
    first: float
    """Images per second of the first, median over rounds."""
    second: float
    ratios: tuple[float, ...]
    """second / first, for each round."""

    @property
    def ratio(self) -> float:
        """Median of the ratios."""
        return statistics.median(self.ratios)


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


class _Arm:
    """One setting, ready to take steps at any of its stages."""

    def __init__(self, recipe: Recipe, resolution: int, channels: int) -> None:
        self.device = choose_device(recipe.train.device)
        self.recipe = recipe = with_usual_preset(recipe, self.device.type)
        spec = DataSpec(resolution=resolution, channels=channels, classes=0, images=10**6)
        self.system = build_system(recipe, spec, self.device)
        wanted = recipe.train.precision
        refuse_precision(wanted, self.device)
        self.precision: Precision = (
            wanted if wanted != "auto" else "bf16" if has_bf16(self.device) else "fp32"
        )
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
        self.threads = recipe.train.threads or cores or os.cpu_count() or 1
        self.data = _Kept(
            Loader(
                NoisePyramid(spec, "noise"),
                seed=recipe.train.seed,
                mirror=False,
                batch_type=self.system.batch_type,
                device=self.device,
            )
        )

    def trainer(self, stage: Stage) -> Trainer:
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


def bench(
    recipe: Recipe,
    *,
    resolution: int,
    channels: int = 3,
    only: Sequence[str] = (),
    seconds: float = 1.0,
    rounds: int = 3,
    began: Callable[[float, str], None] = lambda peak, about: None,
    heard: Callable[[Row, float], None] = lambda row, peak: None,
) -> Bench:
    """Measure training at every stage of the recipe's plan, and drawing at every resolution.

    `only` names stages (`16`, `32 fade`); all if empty. Each is measured for `seconds`, but for
    whole periods of its lazy turns, `rounds` times, stages in turn, so that a busy moment of the
    machine does not fall on one of them alone. `began` hears the peak and a line about the
    machine, `heard` each row with the peak.

    Raises: ConfigError for a stage that the plan does not have.
    """
    arm = _Arm(recipe, resolution, channels)
    stages = _chosen(arm.system.plan(), only)
    with arm.in_charge():
        peak = machine_peak(arm.device, arm.precision)
        began(peak, arm.about())
        works: list[tuple[str, int, _Work]] = [
            (stage.name, stage.batch, _training(arm, stage)) for stage in stages
        ]
        if isinstance(arm.system, Samples):
            settled = [stage for stage in stages if not stage.fade]
            works += [(f"draw {one.name}", one.batch, _drawing(arm, one)) for one in settled]
        rates: dict[str, list[float]] = {name: [] for name, _, _ in works}
        memory: dict[str, int | None] = {}
        for turn in range(rounds):
            for name, _, work in works:
                if not turn:
                    memory[name] = peak_of(arm.device, work.warm)
                rates[name].append(work.rate(seconds))
        rows = []
        for name, batch, work in works:
            row = Row(
                stage=name,
                batch=batch,
                images_per_second=statistics.median(rates[name]),
                spread=_spread(rates[name]),
                gflop_per_image=work.gflop_per_image(),
                peak_bytes=memory[name],
            )
            heard(row, peak)
            rows.append(row)
    return Bench(
        system=arm.recipe.system,
        preset=arm.recipe.preset or "",
        resolution=resolution,
        device=str(arm.device),
        threads=arm.threads,
        precision=arm.precision,
        peak_gflops=peak,
        rows=tuple(rows),
        versions=versions(),
    )


def compare(
    first: Recipe,
    second: Recipe,
    *,
    resolution: int,
    channels: int = 3,
    only: Sequence[str] = (),
    seconds: float = 1.0,
    rounds: int = 5,
    heard: Callable[[Comparison], None] = lambda found: None,
) -> tuple[Comparison, ...]:
    """Two recipes in one process, in turn, at the stages that both plans have.

    Each round measures both, the second right after the first, and gives one ratio: what slows
    the machine for a while slows both.

    Raises: ConfigError where no stage is common.
    """
    arms = (_Arm(first, resolution, channels), _Arm(second, resolution, channels))
    plans = [{stage.name: stage for stage in arm.system.plan().stages} for arm in arms]
    names = [name for name in plans[0] if name in plans[1] and (not only or name in only)]
    if not names:
        raise ConfigError(
            f"The two have no stage in common: {', '.join(plans[0])}; {', '.join(plans[1])}. "
            "Choose presets that grow alike, or leave --only out."
        )
    found = []
    for name in names:
        works = [_training(arm, plan[name]) for arm, plan in zip(arms, plans, strict=True)]
        rates: list[list[float]] = [[], []]
        for _ in range(rounds):
            for side, (arm, work) in enumerate(zip(arms, works, strict=True)):
                with arm.in_charge():
                    rates[side].append(work.rate(seconds))
        one = Comparison(
            stage=name,
            first=statistics.median(rates[0]),
            second=statistics.median(rates[1]),
            ratios=tuple(b / a for a, b in zip(*rates, strict=True)),
        )
        heard(one)
        found.append(one)
    return tuple(found)


class _Work:
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


def _training(arm: _Arm, stage: Stage) -> _Work:
    trainer = arm.trainer(stage)
    moment = trainer.plan.stages[0].images // 2
    trainer.images = moment - moment % stage.batch  # halfway through a fade
    before = trainer.images
    trainer.step()
    return _Work(
        trainer.step, trainer.images - before, arm.system.period(_middle(stage)), arm.device
    )


def _drawing(arm: _Arm, stage: Stage) -> _Work:
    system, at = arm.system, _middle(stage)
    assert isinstance(system, Samples)

    def act() -> Tensor:
        with torch.no_grad(), seeded("bench"):
            return system.generate(system.draw(stage.batch), at)

    return _Work(act, stage.batch, 1, arm.device)


def _middle(stage: Stage) -> Progress:
    return Progress(images=0, step=0, index=0, stage=stage, fraction=0.5)


def _chosen(plan: Plan, only: Sequence[str]) -> tuple[Stage, ...]:
    names = [stage.name for stage in plan.stages]
    missing = [name for name in only if name not in names]
    if missing:
        raise ConfigError(
            f'There is no stage "{missing[0][:40]}"; stages are: {", ".join(names)}. '
            f'Type: --only "{names[-1]}"'
        )
    return tuple(stage for stage in plan.stages if not only or stage.name in only)


def _spread(values: Sequence[float]) -> float:
    return (max(values) - min(values)) / statistics.median(values)
