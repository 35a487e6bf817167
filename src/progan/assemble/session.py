"""One session of a run: prepared, trained and finished.

A session measures the machine, fits the plan, writes both down, trains, and leaves a run folder
that is complete: model, time-lapse, review and report.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from progan.assemble import budget as budgets
from progan.assemble.ask import Asked
from progan.assemble.build import spec_to_plain, versions
from progan.assemble.finish import finish_run, seconds_to_finish
from progan.assemble.measure import QualityInPassing
from progan.assemble.memory import Need, fit_memory
from progan.assemble.recipes import resolve
from progan.core import distributed, meeting
from progan.core.config import Recipe, lock
from progan.core.errors import ConfigError
from progan.core.faults import Faults
from progan.core.grids import png_bytes, tile, to_picture
from progan.core.launch import launched
from progan.core.plan import Plan, Progress, height_width
from progan.core.system import System
from progan.core.words import typed
from progan.data.loader import Loader
from progan.data.pyramid import Pyramid
from progan.engine.events import Listener
from progan.engine.loop import Trainer, stage_from_plain, stage_to_plain
from progan.engine.precision import Precision, has_bf16
from progan.engine.record import RunFolder
from progan.engine.run import Run, RunOptions
from progan.engine.stop import StopOnSignals

__all__ = ["Outcome", "Screen", "Session"]

SHORT_SECONDS = 20.0
"""Training time below which a budget deserves a remark."""
LONG_TRIAL = 3.0
"""Seconds of a trial that is not repeated."""
LARGEST_TRIED = 128
"""Pixels of the largest pictures that threads and precision are tried on."""


class Screen(Listener, Protocol):
    """Where a session talks to."""

    def line(self, head: str, text: str) -> None:
        """A line under a head such as Data or Machine; an empty head goes on with the last."""
        ...

    def building(self, done: int, total: int) -> None:
        """Pictures read so far."""
        ...

    def plan(self, title: str, plan: Plan, rates: Mapping[int, float], finish: float) -> None:
        """The plan as a table; `finish` are the seconds kept for the report."""
        ...


@dataclass(frozen=True)
class Outcome:
    """How a session ended."""

    path: Path
    exit_code: int
    images: int
    seconds: float


class Session:
    """A run being prepared, trained and finished."""

    def __init__(
        self,
        recipe: Recipe,
        pyramid: Pyramid,
        system: System[Any],
        folder: RunFolder,
        screen: Screen,
        asked: Asked,
        faults: Faults | None = None,
    ) -> None:
        self.recipe, self.pyramid, self.system = recipe, pyramid, system
        self.folder, self.screen, self.asked, self.faults = folder, screen, asked, faults
        self.device = next(system.parameters()).device
        self.loader = Loader(
            pyramid,
            seed=recipe.train.seed,
            mirror=recipe.data.mirror,
            batch_type=system.batch_type,
            device=self.device,
        )
        self.threads = recipe.train.threads or 1
        self.precision: Precision = "fp32"
        self.timed = asked.minutes is not None or recipe.train.minutes is not None
        self.budget: budgets.Budget | None = None
        """Of the first process, where the run is fitted to a time."""
        self.rates: dict[int, float] = {}
        self.notes: list[str] = []
        self.resumed: tuple[Mapping[str, torch.Tensor], Mapping[str, Any]] | None = None
        self.trainer = self._trainer(Plan(recipe.plan) if recipe.plan else system.plan())

    def _trainer(self, plan: Plan) -> Trainer:
        train = self.recipe.train
        return Trainer(
            self.system,
            self.loader,
            plan=plan,
            seed=train.seed,
            shards=train.shards or 1,
            micro_batch=train.micro_batch,
            precision=self.precision,
            tf32=train.tf32,
            compiled=train.compile,
            device=self.device,
            faults=self.faults,
        )

    # Preparing ----------------------------------------------------------------------------

    def choose_memory(self, *, every: bool = False) -> tuple[Need, ...]:
        """Micro-batches that fit, unless the recipe says; what stages take, if it was measured."""
        asked = self.trainer.micro_batch
        needs = fit_memory(self.trainer, every=every)
        if self.trainer.micro_batch != asked:
            train = replace(self.recipe.train, micro_batch=self.trainer.micro_batch)
            self.recipe = replace(self.recipe, train=train)
            said = [need.text() for need in needs if need.piece < need.pictures]
            for index, text in enumerate(said):
                self.screen.line("" if index else "Memory", text)
            self.notes.append(f"Memory: {'; '.join(said)}.")
        return needs

    def choose_machine(self) -> None:
        """Threads and precision, unless the recipe says: the fastest on the last stage.

        Or on the last of moderate size: larger pictures only take longer to say the same. Several
        processes on a machine share its cores, and all compute alike.
        """
        train = self.recipe.train
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        here = launched() if distributed.world() > 1 else None
        own = max(1, (cores or 1) // (here.local_world if here else 1))
        counts = sorted({1, max(1, own // 2), own})
        threads = [train.threads] if train.threads else [1] if train.exact else counts
        if self.device.type != "cpu":
            threads = threads[-1:]
        precisions: list[Precision] = ["fp32"]
        if train.precision != "auto":
            precisions = [train.precision]
        elif has_bf16(self.device):
            precisions = ["bf16", "fp32"]
        threads, precisions = distributed.agree((threads, precisions))
        # Precision on the fewest threads first, then threads with the better precision.
        self.threads, self.precision = threads[0], precisions[0]
        if len(precisions) > 1:
            self.precision = self._fastest([(threads[0], p) for p in precisions])[1]
        if len(threads) > 1:
            self.threads = self._fastest([(count, self.precision) for count in threads])[0]
        torch.set_num_threads(self.threads)
        self.trainer = self._trainer(self.trainer.plan)
        how = "measured fastest" if len(threads) + len(precisions) > 2 else "as asked"
        processes = f"{here.world} processes × " if here else ""
        if self.device.type == "cpu":
            each = f"{self.threads} thread{'s' * (self.threads > 1)}"
            what = f"CPU, {cores} cores; {processes}{each}"
        else:
            what = f"{processes}{torch.cuda.get_device_name(self.device)}"
        self.screen.line("Machine", f"{what}, {self.precision} ({how})")
        self.notes.append(f"{what}, {self.precision}: {how}.")
        if train.compile and self.device.type == "cpu":
            self.screen.line("Note", "Compiled code is no faster on a CPU: train.compile=false")

    def _fastest(self, choices: list[tuple[int, Precision]]) -> tuple[int, Precision]:
        """By the better of two measurements each, in turn: other programs come and go."""
        best = dict.fromkeys(choices, 0.0)
        for _ in range(2):
            began = time.monotonic()
            for choice in choices:
                best[choice] = max(best[choice], self._rate(*choice))
            if distributed.agree(time.monotonic() - began > LONG_TRIAL * len(choices)):
                break  # they come and go within such a long one
        return max(choices, key=best.__getitem__)

    def _rate(self, threads: int, precision: Precision) -> float:
        torch.set_num_threads(threads)
        self.trainer.precision = precision
        sides = [max(height_width(stage.resolution)) for stage in self.trainer.plan.stages]
        small = [i for i, side in enumerate(sides) if side <= max(LARGEST_TRIED, min(sides))]
        last = self.trainer.plan.stages[small[-1]]
        return budgets.measure_stage(self.trainer, last, self.loader, seconds=0.2)

    def fit_plan(self, remark: str) -> None:
        """Fit the plan to what was asked, show it, and write the lock."""
        self.measure()
        title, finish = self.fit(remark)
        self.screen.plan(title, self.trainer.plan, self.rates, finish)
        if self.budget is not None and self.budget.left() < SHORT_SECONDS:
            left = max(0.0, self.budget.left())
            self.screen.line("Note", f"Only {left:.0f} s are left for training: --minutes 10")
        self._write_lock()
        self._write_environment()
        for note in self.notes:
            self.folder.decide(0, "plan", note)

    def measure(self, within: float | None = None) -> None:
        """Images per second of every stage, found in a moment each, or `within` seconds in all."""
        self.rates = budgets.measure(self.trainer, seconds=0.2, within=within)

    def fit(self, remark: str = "") -> tuple[str, float]:
        """Fit the plan to what was asked, by the rates; its title, and seconds for the report."""
        train = self.recipe.train
        if train.images is not None and self.recipe.plan is None:
            self.trainer.plan = budgets.scale_to_images(self.trainer.plan, train.images)
        length, finish = "", 0.0
        if train.minutes is not None:
            plan, finish = distributed.first(self._fitted)
            self.trainer.plan = plan
            length = f", {train.minutes:g} min including report"
            self.notes.append(
                f"Plan fitted to {train.minutes:g} min: {self.trainer.plan.images:,} images."
            )
        preset = f" ({self.recipe.preset})" if self.recipe.preset else ""
        title = (
            f"{self.recipe.system}{preset}, {self.pyramid.spec.resolution} px{length}, "
            f"seed {train.seed}" + (f"  [{remark}]" if remark else "")
        )
        return title, finish

    def _fitted(self) -> tuple[Plan, float]:
        """The plan that fits the minutes, and the seconds kept for the end."""
        assert self.recipe.train.minutes is not None
        self.budget = self._budget(self.recipe.train.minutes)
        return self.budget.first_fit(self.trainer.plan), self.budget.kept()

    def _budget(self, minutes: float) -> budgets.Budget:
        sheet = self._reals()
        plan = self.trainer.plan
        finish = seconds_to_finish(self.system, plan.at(plan.images), sheet)
        return budgets.Budget(60 * minutes, dict(self.rates), self.asked.began, [], finish)

    def take_up(self, tensors: Mapping[str, torch.Tensor], meta: Mapping[str, Any]) -> None:
        """Prepare to go on from a checkpoint, perhaps for longer than planned."""
        self.threads, self.precision = int(meta["threads"]), meta["precision"]
        torch.set_num_threads(self.threads)
        counters = dict(meta["counters"])
        plan = Plan(tuple(stage_from_plain(stage) for stage in counters["plan"]))
        self.trainer = self._trainer(plan)
        self.resumed = (tensors, meta)
        if self.asked.images is not None or self.asked.minutes is not None:
            self._lengthen(plan, counters)
            return
        if counters["images"] >= (self.recipe.train.until or plan.images):
            distributed.first(lambda: self._refuse_finished(counters["images"]))

    def _refuse_finished(self, images: int) -> None:
        if (self.folder.path / "report.html").exists():
            again = typed("progan", "resume", self.folder.path, "--minutes", "20")
            raise ConfigError(
                f"{self.folder.path} is finished: {images:,} images. Go on for longer: {again}"
            )

    def _lengthen(self, plan: Plan, counters: dict[str, Any]) -> None:
        """Make the last stage as much longer as was asked."""
        assert self.resumed is not None
        at = plan.at(counters["images"], counters["steps"])
        self.rates = budgets.measure(self.trainer, seconds=0.3)
        if self.asked.minutes is not None:
            extra = distributed.first(lambda: self._images_left(plan, at))
        else:
            assert self.asked.images is not None
            extra = counters["images"] + self.asked.images - plan.images
        last = plan.stages[-1]
        lengths = [stage.images for stage in plan.stages]
        lengths[-1] += math.ceil(max(0.0, extra) / last.batch) * last.batch
        self.trainer.plan = plan.with_lengths(lengths)
        counters["plan"] = [stage_to_plain(stage) for stage in self.trainer.plan.stages]
        self.resumed = (self.resumed[0], {**self.resumed[1], "counters": counters})
        self.recipe = replace(self.recipe, train=replace(self.recipe.train, until=None))
        text = f"Asked to go on: the last stage is {lengths[-1]:,} images long."
        self.folder.decide(counters["images"], "longer", text)
        self._write_lock()

    def _images_left(self, plan: Plan, at: Progress) -> float:
        """Images of the last stage for which there is time beyond the plan."""
        assert self.asked.minutes is not None
        self.budget = self._budget(self.asked.minutes)
        rest = plan.start(at.index) + at.stage.images - at.images
        needed = max(0, rest) / self.rates[at.index]
        needed += budgets.seconds_of(plan, self.rates, at.index + 1)
        return (self.budget.left() - needed) * self.rates[len(plan.stages) - 1]

    # Writing down -------------------------------------------------------------------------

    def _lock_text(self) -> str:
        _, config = resolve(self.recipe)
        train = replace(
            self.recipe.train,
            minutes=None,
            images=None,
            threads=self.threads,
            precision=self.precision,
            device=self.device.type,
            micro_batch=self.trainer.micro_batch,
        )
        return lock(replace(self.recipe, train=train), config, self.trainer.plan.stages)

    def _write_lock(self) -> None:
        self.folder.write("recipe.lock.yaml", self._lock_text())

    def _write_environment(self) -> None:
        self.folder.write_json(
            "environment.json",
            {
                **versions(),
                "device": str(self.device),
                "threads": self.threads,
                "precision": self.precision,
                "processes": distributed.world(),
                "command": typed("progan", *sys.argv[1:]),
                "started": time.strftime("%Y-%m-%d %H:%M:%S"),
            },
        )

    # Training -----------------------------------------------------------------------------

    def go(self) -> Outcome:
        """Train, and finish with model, time-lapse, review and report.

        The first of several processes finishes; the others have nothing left to do.
        """
        train, first = self.recipe.train, distributed.is_first()
        alone = distributed.world() == 1  # otherwise a signal may come because another ended
        with StopOnSignals(self._say_stop if alone else lambda: None) as stop:
            self.run = Run(
                self.folder,
                self.trainer,
                options=RunOptions(log_every=train.log_every, previews=train.previews),
                meta={
                    "recipe": self._lock_text(),
                    "spec": spec_to_plain(self.pyramid.spec),
                    "class_names": list(self.pyramid.classes),
                    "data_fingerprint": self.pyramid.fingerprint,
                    "versions": versions(),
                    "threads": self.threads,
                    "precision": self.precision,
                },
                listeners=self._listeners() if first else [],
                refit=self._refit if self.timed else None,
                measure=QualityInPassing(self.loader),
                shrunk=self._relock,
                stop=stop,
                over=self.budget.over if self.budget else lambda: False,
                until=train.until,
            )
            if self.resumed is not None:
                self.run.resume(*self.resumed)
            if first:
                self._show_reals()
            reason = self.run.go()
            asked = stop.exit_code if stop() else 0
            exit_code = distributed.largest(asked)[0] if reason == "stopped" else 0
            meeting.part()
            if self.run.until is not None:
                train = replace(self.recipe.train, until=self.run.until)
                self.recipe = replace(self.recipe, train=train)
                self._write_lock()
            if first:
                finish_run(
                    self.folder.path,
                    self.loader,
                    device=self.device,
                    complete=reason == "done",
                    budget=self.budget,
                )
            self.folder.unlock()
            return self._outcome(exit_code)

    def _say_stop(self) -> None:
        self.screen.line("Stop", "after this step …")

    def _refit(self, plan: Plan, at: Progress, seconds: float) -> Plan | None:
        assert self.budget is not None
        fitted = self.budget.refit(plan, at, seconds)
        if fitted is not None:
            self.folder.decide(at.images, "refit", self.budget.decisions[-1])
            self.trainer.plan = fitted
            self._relock()
        return fitted

    def _relock(self) -> None:
        """Write the lock again, here and in the next save: something was decided."""
        self._write_lock()
        self.run.meta["recipe"] = self._lock_text()

    def _listeners(self) -> list[Listener]:
        listeners: list[Listener] = [self.screen]
        if self.asked.tensorboard:
            from progan.engine.tensorboard import TensorBoard

            listeners.append(TensorBoard(self.folder.path / "tensorboard"))
        return listeners

    def _reals(self) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """The grid of real pictures, h w c, that stands beside the generated ones."""
        spec, count = self.pyramid.spec, min(self.recipe.train.previews, self.pyramid.spec.images)
        return tile(self.loader.real(0, count, spec.resolution).cpu().numpy())

    def _show_reals(self) -> None:
        if not (self.folder.pictures / "real.png").exists():
            self.folder.write("pictures/real.png", png_bytes(to_picture(self._reals())))

    def _outcome(self, exit_code: int) -> Outcome:
        seconds = time.monotonic() - self.asked.began
        return Outcome(self.folder.path, exit_code, self.trainer.images, seconds)
