"""From what a user typed to a finished run: data, plan, training, review, report.

Everything decided on the way stands in the run folder, and `recipe.lock.yaml` replays it.
"""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import torch

from progan.assemble import budget as budgets
from progan.assemble.ask import Asked, Prepared, name_of
from progan.assemble.build import build_system, spec_to_plain, versions
from progan.assemble.measure import QualityInPassing
from progan.assemble.recipes import resolve
from progan.core.config import Recipe, lock, parse_recipe, write_recipe
from progan.core.errors import CheckpointError, ConfigError
from progan.core.faults import Faults
from progan.core.grids import png_bytes, tile, to_picture
from progan.core.plan import Plan, Progress
from progan.data.build import choose_resolution, open_or_build
from progan.data.loader import Loader
from progan.data.sources import open_source
from progan.engine.checkpoint import newest_valid, remove_leftovers
from progan.engine.events import Listener
from progan.engine.loop import Trainer
from progan.engine.precision import Precision, choose_device, has_bf16
from progan.engine.record import RunFolder
from progan.engine.run import Run, RunOptions
from progan.engine.stop import StopOnSignals

__all__ = ["Outcome", "Screen", "resume_run", "train_run"]

CPU_MINUTES = 10.0
"""Length of a run on a CPU when nothing was asked."""
PATIENT_MINUTES = 60.0
"""From this budget on, a CPU trains at 64 pixels instead of 32."""


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


def train_run(prepared: Prepared, screen: Screen, faults: Faults | None = None) -> Outcome:
    """Train from the start."""
    asked, recipe, source = prepared.asked, prepared.recipe, prepared.source
    device = choose_device(recipe.train.device)
    recipe, remark = _choose_for(recipe, device)
    recipe = _choose_resolution(recipe, source, device)
    cache = asked.runs / ".data"
    pyramid = open_or_build(source, recipe.data, cache, progress=screen.building)
    for number, line in enumerate(pyramid.report.lines()):
        screen.line("" if number else "Data", line)

    folder = RunFolder.create(asked.runs, asked.name or name_of(asked.words), faults)
    write_recipe(prepared.recipe, folder.path / "recipe.yaml")
    folder.write("data.json", pyramid.report.json())
    folder.write("data_report.txt", pyramid.report.text())
    session = _Session(recipe, pyramid, folder, device, screen, asked, faults)
    session.choose_machine()
    session.fit_plan(remark)
    return session.go()


def resume_run(
    path: Path,
    screen: Screen,
    *,
    minutes: float | None = None,
    images: int | None = None,
    accept_new_data: bool = False,
    began: float | None = None,
    faults: Faults | None = None,
) -> Outcome:
    """Go on exactly where a run stopped; with `minutes` or `images`, go on for so much longer."""
    began = time.monotonic() if began is None else began
    folder = RunFolder.open(path, faults)
    folder.lock()
    for leftovers in (folder.path, folder.checkpoints, folder.pictures):
        remove_leftovers(leftovers)
    found, tensors, meta, damaged = newest_valid(folder.checkpoints)
    for message in damaged:
        folder.decide(
            meta["counters"]["images"], "damage", f"{message} Going on from {found.stem}."
        )
        screen.line("Note", f"{message} Going on from {found.stem}.")
    recipe = parse_recipe(meta["recipe"], "recipe.lock.yaml")
    device = choose_device(recipe.train.device)
    source = open_source(recipe.data.source, recipe.data)
    pyramid = open_or_build(source, recipe.data, path.parent / ".data", progress=screen.building)
    if pyramid.fingerprint != meta["data_fingerprint"]:
        if not accept_new_data:
            raise CheckpointError(
                f"The data changed since this run began ({meta['spec']['images']:,} pictures then, "
                f"{pyramid.spec.images:,} now). Go on with it: progan resume {path} "
                "--accept-new-data"
            )
        folder.decide(
            meta["counters"]["images"], "data", "The data changed: not bit-exact from here on."
        )
    _compare_versions(meta, folder)
    asked = Asked(words=recipe.data.source, minutes=minutes, images=images, began=began)
    session = _Session(recipe, pyramid, folder, device, screen, asked, faults)
    session.take_up(tensors, meta)
    return session.go()


# Choices -----------------------------------------------------------------------------------


def _choose_for(recipe: Recipe, device: torch.device) -> tuple[Recipe, str]:
    """Preset and length that suit the device, where the recipe does not say."""
    if recipe.plan is not None or recipe.preset is not None:
        return recipe, ""
    _, config = resolve(recipe)
    chosen = getattr(type(config), "DEVICE_PRESETS", {}).get(device.type)
    recipe = replace(recipe, preset=chosen)
    train = recipe.train
    if device.type == "cpu" and train.minutes is None and train.images is None:
        recipe = replace(recipe, train=replace(train, minutes=CPU_MINUTES))
        return recipe, "the default on a CPU; longer is better: --minutes 60"
    return recipe, ""


def _choose_resolution(recipe: Recipe, source: Any, device: torch.device) -> Recipe:
    if recipe.data.resolution is not None:
        return recipe
    resolution = choose_resolution(source, recipe.data)
    if device.type == "cpu":
        patient = (recipe.train.minutes or 0) >= PATIENT_MINUTES
        resolution = min(resolution, 64 if patient else 32)
    return replace(recipe, data=replace(recipe.data, resolution=resolution))


def _compare_versions(meta: Mapping[str, Any], folder: RunFolder) -> None:
    now = versions()
    changed = [f"{k} {v} → {now.get(k)}" for k, v in meta["versions"].items() if now.get(k) != v]
    if changed:
        images = meta["counters"]["images"]
        folder.decide(images, "versions", f"{', '.join(changed)}: perhaps not bit-exact from here.")


# One session -------------------------------------------------------------------------------


class _Session:
    """A run being prepared, trained and finished."""

    def __init__(
        self,
        recipe: Recipe,
        pyramid: Any,
        folder: RunFolder,
        device: torch.device,
        screen: Screen,
        asked: Asked,
        faults: Faults | None,
    ) -> None:
        self.recipe, self.pyramid, self.folder = recipe, pyramid, folder
        self.device, self.screen, self.asked = device, screen, asked
        self.faults = faults
        self.system = build_system(recipe, pyramid.spec, device)
        self.loader = Loader(
            pyramid,
            seed=recipe.train.seed,
            mirror=recipe.data.mirror,
            batch_type=self.system.batch_type,
            device=device,
        )
        self.threads = recipe.train.threads or 1
        self.precision: Precision = "fp32"
        self.budget: budgets.Budget | None = None
        self.rates: dict[int, float] = {}
        self.notes: list[str] = []
        self.resumed: tuple[Mapping[str, torch.Tensor], Mapping[str, Any]] | None = None
        plan = Plan(recipe.plan) if recipe.plan else self.system.plan()
        self.trainer = self._trainer(plan)

    def _trainer(self, plan: Plan, precision: Precision = "fp32") -> Trainer:
        train = self.recipe.train
        return Trainer(
            self.system,
            self.loader,
            plan=plan,
            seed=train.seed,
            shards=train.shards,
            micro_batch=train.micro_batch,
            precision=precision,
            device=self.device,
            faults=self.faults,
        )

    # Preparing

    def choose_machine(self) -> None:
        """Threads and precision: the fastest on the last stage, unless the recipe says."""
        train, last = self.recipe.train, self.trainer.plan.stages[-1]
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        threads = [train.threads] if train.threads else [1] if train.exact else _counts(cores or 1)
        if self.device.type != "cpu":
            threads = threads[-1:]
        precisions: list[Precision] = ["fp32"]
        if train.precision != "auto":
            precisions = [train.precision]
        elif has_bf16(self.device):
            precisions = ["fp32", "bf16"]
        best = (0.0, threads[0], precisions[0])
        trials = [(t, p) for t in threads for p in precisions]
        for count, precision in trials:
            torch.set_num_threads(count)
            self.trainer.precision = precision
            rate = 0.0
            if len(trials) > 1:
                rate = budgets.measure_stage(self.trainer, last, self.loader, seconds=0.5)
            best = max(best, (rate, count, precision))
        _, self.threads, self.precision = best
        torch.set_num_threads(self.threads)
        self.trainer = self._trainer(self.trainer.plan, self.precision)
        how = "measured fastest" if len(trials) > 1 else "as asked"
        if self.device.type == "cpu":
            what = f"CPU, {cores} cores; {self.threads} thread{'s' * (self.threads > 1)}"
        else:
            what = torch.cuda.get_device_name(self.device)
        self.screen.line("Machine", f"{what}, {self.precision} ({how})")
        self.notes.append(f"{what}, {self.precision}: {how}.")

    def fit_plan(self, remark: str) -> None:
        """Fit the plan to what was asked, show it, and write the lock."""
        train = self.recipe.train
        if train.images is not None and self.recipe.plan is None:
            self.trainer.plan = budgets.scale_to_images(self.trainer.plan, train.images)
        self.rates = budgets.measure(self.trainer, seconds=0.3)
        length = ""
        finish = 0.0
        if train.minutes is not None:
            seconds = 60 * train.minutes
            self.budget = budgets.Budget(seconds, dict(self.rates), self.asked.began, [])
            self.trainer.plan = self.budget.first_fit(self.trainer.plan)
            finish = seconds * budgets.REPORT_SHARE
            length = f", {train.minutes:g} min including report"
            self.notes.append(
                f"Plan fitted to {train.minutes:g} min: {self.trainer.plan.images:,} images."
            )
        preset = f" ({self.recipe.preset})" if self.recipe.preset else ""
        title = (
            f"{self.recipe.system}{preset}, {self.pyramid.spec.resolution} px{length}, "
            f"seed {train.seed}" + (f"  [{remark}]" if remark else "")
        )
        self.screen.plan(title, self.trainer.plan, self.rates, finish)
        self._write_lock()
        self._write_environment()
        for note in self.notes:
            self.folder.decide(0, "plan", note)

    def take_up(self, tensors: Mapping[str, torch.Tensor], meta: Mapping[str, Any]) -> None:
        """Prepare to go on from a checkpoint, perhaps for longer than planned."""
        self.threads, self.precision = int(meta["threads"]), meta["precision"]
        torch.set_num_threads(self.threads)
        self.trainer = self._trainer(self.trainer.plan, self.precision)
        self.resumed = (tensors, meta)
        images, minutes = self.asked.images, self.asked.minutes
        counters = dict(meta["counters"])
        plan = self.trainer.plan = _plan_of(counters)
        at = plan.at(counters["images"], counters["steps"])
        ended = self.recipe.train.until or plan.images
        if images is None and minutes is None:
            if counters["images"] >= ended:
                raise ConfigError(
                    f"{self.folder.path} is finished: {counters['images']:,} images. Go on for "
                    f"longer: progan resume {self.folder.path} --minutes 20"
                )
            return
        self.rates = budgets.measure(self.trainer, seconds=0.3)
        if minutes is not None:
            self.budget = budgets.Budget(60 * minutes, dict(self.rates), self.asked.began, [])
            left = self.budget.left()
            needed = budgets.seconds_of(plan, self.rates, at.index + 1)
            rest = plan.start(at.index) + at.stage.images - counters["images"]
            needed += max(0, rest) / self.rates[at.index]
            extra = max(0.0, left - needed) * self.rates[len(plan.stages) - 1]
        else:
            assert images is not None
            extra = max(0, counters["images"] + images - plan.images)
        batch = plan.stages[-1].batch
        lengths = [stage.images for stage in plan.stages]
        lengths[-1] += round(extra / batch) * batch
        self.trainer.plan = plan.with_lengths(lengths)
        counters["plan"] = _plan_to_plain(self.trainer.plan)
        self.resumed = (tensors, {**meta, "counters": counters})
        self.recipe = replace(self.recipe, train=replace(self.recipe.train, until=None))
        self.folder.decide(
            counters["images"],
            "longer",
            f"Asked to go on: the last stage is {lengths[-1]:,} images long.",
        )

    # Writing down

    def _lock_text(self) -> str:
        _, config = resolve(self.recipe)
        train = replace(
            self.recipe.train,
            minutes=None,
            images=None,
            threads=self.threads,
            precision=self.precision,
            device=self.device.type,
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
                "command": shlex.join(["progan", *sys.argv[1:]]),
                "started": time.strftime("%Y-%m-%d %H:%M:%S"),
            },
        )

    # Training

    def _refit(self, plan: Plan, at: Progress, seconds: float) -> Plan | None:
        assert self.budget is not None
        fitted = self.budget.refit(plan, at, seconds)
        if fitted is not None:
            self.folder.decide(at.images, "refit", self.budget.decisions[-1])
            self.trainer.plan = fitted
            self._write_lock()
            self.run.meta["recipe"] = self._lock_text()
        return fitted

    def go(self) -> Outcome:
        """Train, and finish with model, review and report."""
        train = self.recipe.train
        with StopOnSignals(lambda: self.screen.line("Stop", "after this step …")) as stop:
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
                listeners=self._listeners(),
                refit=self._refit if self.budget else None,
                measure=QualityInPassing(self.loader),
                stop=stop,
                over=self.budget.over if self.budget else lambda: False,
                until=train.until,
            )
            if self.resumed is not None:
                self.run.resume(*self.resumed)
            self._show_reals()
            reason = self.run.go()
            if reason == "stopped":
                self.folder.log("stopped")
                self.folder.unlock()
                return self._outcome(stop.exit_code)
        self._finish()
        self.folder.unlock()
        return self._outcome(0)

    def _listeners(self) -> list[Listener]:
        listeners: list[Listener] = [self.screen]
        if self.asked.tensorboard:
            from progan.engine.tensorboard import TensorBoard

            listeners.append(TensorBoard(self.folder.path / "tensorboard"))
        return listeners

    def _show_reals(self) -> None:
        """The grid of real pictures that stands beside the generated ones."""
        if (self.folder.pictures / "real.png").exists():
            return
        spec, count = self.pyramid.spec, min(self.recipe.train.previews, self.pyramid.spec.images)
        reals = self.loader.real(0, count, spec.resolution).numpy()
        self.folder.write("pictures/real.png", png_bytes(to_picture(tile(reals))))

    def _outcome(self, exit_code: int) -> Outcome:
        seconds = time.monotonic() - self.asked.began
        return Outcome(self.folder.path, exit_code, self.trainer.images, seconds)

    def _finish(self) -> None:
        from progan.assemble.film import write_timelapse
        from progan.assemble.model import load
        from progan.assemble.review import review
        from progan.report.build import build_report

        if self.run.until is not None:
            self.recipe = replace(
                self.recipe, train=replace(self.recipe.train, until=self.run.until)
            )
            self._write_lock()
        left = None
        if self.budget is not None:
            left = self.budget.seconds - (time.monotonic() - self.asked.began)
        load(self.folder.path).save_pretrained(self.folder.path / "model")
        write_timelapse(self.folder.path)
        review(self.folder.path, self.loader, seconds=left)
        build_report(self.folder.path)


def _counts(cores: int) -> list[int]:
    return sorted({1, max(1, cores // 2), cores})


def _plan_of(counters: Mapping[str, Any]) -> Plan:
    from progan.engine.loop import stage_from_plain

    return Plan(tuple(stage_from_plain(stage) for stage in counters["plan"]))


def _plan_to_plain(plan: Plan) -> list[dict[str, Any]]:
    from progan.engine.loop import stage_to_plain

    return [stage_to_plain(stage) for stage in plan.stages]
