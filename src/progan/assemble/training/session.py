"""One session of a run: prepared, trained and finished.

A session measures the machine, fits the plan, writes both down, trains, and leaves a run folder
that is complete: model, time-lapse, review and report.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from progan.assemble.measuring.measure import QualityInPassing
from progan.assemble.models.build import spec_to_plain, versions
from progan.assemble.models.recipes import resolve
from progan.assemble.training import budget as budgets
from progan.assemble.training.ask import Asked
from progan.assemble.training.finish import finish_run
from progan.assemble.training.preparation import Preparation
from progan.assemble.training.screens import Screen
from progan.core import distributed, meeting
from progan.core.config import Recipe, lock
from progan.core.errors import ConfigError
from progan.core.faults import Faults
from progan.core.grids import png_bytes, to_picture
from progan.core.plan import Plan, Progress
from progan.core.system import System
from progan.core.words import typed
from progan.data.opening import Store
from progan.engine.events import Listener
from progan.engine.loop import stage_from_plain, stage_to_plain
from progan.engine.record import RunFolder
from progan.engine.run import Run, RunOptions
from progan.engine.stop import StopOnSignals

__all__ = ["Outcome", "Session"]

SHORT_SECONDS = 20.0
"""Training time below which a budget deserves a remark."""


@dataclass(frozen=True)
class Outcome:
    """How a session ended."""

    path: Path
    exit_code: int
    images: int
    seconds: float


class Session(Preparation):
    """A run being prepared, trained and finished."""

    def __init__(
        self,
        recipe: Recipe,
        pyramid: Store,
        system: System[Any],
        folder: RunFolder,
        screen: Screen,
        asked: Asked,
        faults: Faults | None = None,
    ) -> None:
        super().__init__(recipe, pyramid, system, screen, asked, faults)
        self.folder = folder
        self.resumed: tuple[Mapping[str, torch.Tensor], Mapping[str, Any]] | None = None

    # Preparing ----------------------------------------------------------------------------

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

    def take_up(self, tensors: Mapping[str, torch.Tensor], meta: Mapping[str, Any]) -> None:
        """Prepare to go on from a checkpoint, perhaps for longer than planned."""
        self.threads, self.precision = int(meta["threads"]), meta["precision"]
        torch.set_num_threads(self.threads)
        counters = dict(meta["counters"])
        plan = Plan(tuple(stage_from_plain(stage) for stage in counters["plan"]))
        self.trainer = self.new_trainer(plan)
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
        self.budget = self.budget_of(self.asked.minutes)
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

    def _show_reals(self) -> None:
        if not (self.folder.pictures / "real.png").exists():
            self.folder.write("pictures/real.png", png_bytes(to_picture(self.reals())))

    def _outcome(self, exit_code: int) -> Outcome:
        seconds = time.monotonic() - self.asked.began
        return Outcome(self.folder.path, exit_code, self.trainer.images, seconds)
