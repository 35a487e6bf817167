"""A run: a trainer, its folder, and what happens between steps.

After each step, in this order: skipped? recover if need be → log → picture and quality at
quarters of a stage, and in the last one a look at the time → save when a stage ends or time is
up → stop if asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from progan.core import distributed
from progan.core.errors import RoomError, TrainingError
from progan.core.grids import png_bytes, tile, to_picture
from progan.core.plan import Plan, Progress, size_text
from progan.core.words import typed
from progan.engine.checkpoint import checkpoints, newest_valid, save_checkpoint
from progan.engine.events import (
    Decided,
    Ended,
    Event,
    Listener,
    Measured,
    Pictured,
    Replanned,
    Saved,
    StageBegan,
    Started,
    Stepped,
)
from progan.engine.loop import State, StepResult, Trainer
from progan.engine.preview import columns_of, preview_rows
from progan.engine.record import RunFolder

__all__ = ["Quality", "Run", "RunOptions"]

QUARTERS = 4
MOST_RECOVERIES = 3
SKIPS_BEFORE_RECOVERY = 3


@dataclass(frozen=True)
class Quality:
    """A metric measured in passing."""

    metric: str
    level: str
    value: float
    n: int


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What happens between steps."""

    log_every: int = 20
    """Steps between lines of metrics.jsonl."""
    previews: int = 64
    """Pictures in a snapshot."""
    save_seconds: float = 60.0
    """Seconds between saves; rarer when a save takes over 2 % of that."""
    keep_last: int = 3
    """Newest checkpoints kept, beside stage ends and the best."""


class Run:
    """Plays a trainer to the end of its plan inside a run folder."""

    def __init__(
        self,
        folder: RunFolder,
        trainer: Trainer,
        *,
        options: RunOptions | None = None,
        meta: Mapping[str, Any] | None = None,
        listeners: Sequence[Listener] = (),
        refit: Callable[[Plan, Progress, float], Plan | None] | None = None,
        measure: Callable[[Trainer, Progress], Sequence[Quality]] | None = None,
        shrunk: Callable[[], None] = lambda: None,
        stop: Callable[[], bool] = lambda: False,
        over: Callable[[], bool] = lambda: False,
        until: int | None = None,
    ) -> None:
        self.folder = folder
        self.trainer = trainer
        self.options = options or RunOptions()
        self.meta = dict(meta or {})
        self.listeners = list(listeners)
        self.refit = refit
        self.measure = measure
        self.shrunk = shrunk
        """Called when memory ran out and the trainer's micro-batch became smaller."""
        self.stop = stop
        self.over = over
        self.until = until
        """Image count at which the run ends although its plan goes on."""
        self.seconds_before = 0.0
        self.stage_ends: list[int] = []
        self.best: tuple[float, int] | None = None
        self._save_cost = 0.0
        self._window = (0, 0.0)

    # What survives ------------------------------------------------------------------------

    def resume(self, tensors: Mapping[str, torch.Tensor], meta: Mapping[str, Any]) -> None:
        """Go on from a checkpoint, and cut the folder's lines back to it."""
        self.trainer.load_state(State(dict(tensors), dict(meta["counters"])))
        self.seconds_before = float(meta["seconds"])
        self.stage_ends = list(meta["stage_ends"])
        best = meta.get("best")
        self.best = (float(best[0]), int(best[1])) if best else None
        if distributed.is_first():
            self.folder.cut_back(self.trainer.images)

    def save(self) -> None:
        """Commit everything that must survive."""
        trainer = self.trainer
        began = time.monotonic()
        path = self.folder.checkpoints / f"{trainer.images:09d}.safetensors"
        if distributed.is_first():
            state = trainer.state()
            meta = {
                **self.meta,
                "counters": state.counters,
                "seconds": self.seconds,
                "stage_ends": self.stage_ends,
                "best": self.best,
                "healthy": trainer.skipped_in_a_row == 0,
            }
            trainer.faults.reach("before save", trainer.images)
            save_checkpoint(path, state.tensors, meta, trainer.faults)
            trainer.faults.reach("after save", trainer.images)
            self._prune()
        self._saved_at = time.monotonic()
        self._save_cost = self._saved_at - began
        self._tell(Saved(trainer.at, path))

    def _prune(self) -> None:
        keep = {f"{images:09d}.safetensors" for images in self.stage_ends}
        if self.best:
            keep.add(f"{self.best[1]:09d}.safetensors")
        for path in checkpoints(self.folder.checkpoints)[: -self.options.keep_last]:
            if path.name not in keep:
                path.unlink(missing_ok=True)

    # Time ---------------------------------------------------------------------------------

    @property
    def seconds(self) -> float:
        """Training seconds so far, over all resumes."""
        return self.seconds_before + time.monotonic() - self._began

    # The run ------------------------------------------------------------------------------

    @property
    def done(self) -> bool:
        """Whether the plan, or what was asked of it, is at its end."""
        images = self.trainer.images
        return self.trainer.done or (self.until is not None and images >= self.until)

    def go(self) -> str:
        """Play to the end, or until asked to stop. Returns `done` or `stopped`."""
        trainer = self.trainer
        self._began = self._saved_at = time.monotonic()
        self._window = (trainer.images, self.seconds)
        if not distributed.first(lambda: bool(checkpoints(self.folder.checkpoints))):
            self.save()  # a first step that fails has somewhere to go back to
        self._tell(Started(trainer.plan, trainer.at))
        while not self.done:
            self._cross_border()
            result = self._step()
            trainer.faults.reach("step", trainer.images)
            if not result.finite:
                self._recover(result)
                continue
            self._after(result)
            due, over, stop = self._asked()
            # A micro-batch found too large by chance is part of the bits: it is saved at once.
            if due or result.pieces[1] < result.pieces[0]:
                self.save()
            if over:
                self.until = trainer.images
                self._decide("until", f"Time is up: training ends at {trainer.images:,} images.")
            if stop:
                self.save()
                self._tell(Ended(trainer.at, "stopped"))
                return "stopped"
        if trainer.images not in self.stage_ends:
            if not trainer.done:
                at = trainer.at  # ended early, away from a quarter of its stage
                distributed.first(lambda: self._snapshot(at))
            self.stage_ends.append(trainer.images)
            self.save()
        self._tell(Ended(trainer.at, "done"))
        return "done"

    def _step(self) -> StepResult:
        """One step; when memory ran out in it, say so."""
        trainer = self.trainer
        try:
            result = trainer.step()
        except RoomError as error:
            again = typed("progan", "resume", self.folder.path)
            raise RoomError(f"{error} The last save is intact: {again}") from error
        before, after = result.pieces
        if after < before:
            at = result.at
            whole = before == trainer.share(at.batch)
            what = f"batch {at.batch}" if whole else f"micro-batches of {before}"
            self._decide(
                "memory",
                f"Out of memory at {size_text(at.resolution)} px with {what}: goes on in "
                f"micro-batches of {after}.",
            )
            self.shrunk()
        return result

    def _asked(self) -> tuple[bool, bool, bool]:
        """Whether to save, to end for want of time, and to stop, which any process may ask for.

        The clock is the first process's.
        """
        due = over = False
        if distributed.is_first():
            waited = time.monotonic() - self._saved_at
            due = waited > max(self.options.save_seconds, 50 * self._save_cost)
            over = self.until is None and self.over()
        due_, over_, stop = distributed.largest(due, over, self.stop())
        return bool(due_), bool(over_), bool(stop)

    def _cross_border(self) -> None:
        """Before the first step of a stage: save the end of the last one, fit the plan again."""
        trainer = self.trainer
        if trainer.at.index == trainer.entered:
            return
        if trainer.entered >= 0 and trainer.images not in self.stage_ends:
            self.stage_ends.append(trainer.images)
            self.save()
        self._fit_again()
        self._tell(StageBegan(trainer.at, trainer.plan))

    def _fit_again(self) -> bool:
        """Ask whether the plan still fits the time; whether it changed."""
        trainer = self.trainer
        refit = self.refit
        if refit is None:
            return False
        before = trainer.plan  # who fits it may set it already
        plan = distributed.first(lambda: refit(before, trainer.at, self.seconds))
        if not isinstance(plan, Plan) or plan == before:
            return False
        trainer.plan = plan
        return True

    def _after(self, result: StepResult) -> None:
        trainer = self.trainer
        after = trainer.at
        if after.index != result.at.index:  # the stage just ended: its own end, not the next start
            after = replace(result.at, images=trainer.images, step=trainer.steps, fraction=1.0)
        terms: dict[str, float] = {}
        if result.at.step % self.options.log_every == 0 and distributed.is_first():
            terms = {name: float(value) for name, value in result.terms.items()}
        images, seconds = self._window
        now = self.seconds
        rate = (trainer.images - images) / max(now - seconds, 1e-9)
        if terms:
            self._log(after, terms, now, rate)
            self._window = (trainer.images, now)
        self._tell(Stepped(after, terms, now, rate))
        if int(after.fraction * QUARTERS) != int(result.at.fraction * QUARTERS):
            distributed.first(lambda: self._snapshot(after))
            # Nothing in a settled stage depends on how long it is, and the last has no border.
            last = after.index == len(trainer.plan.stages) - 1
            if last and not after.stage.fade and self._fit_again():
                self._tell(Replanned(trainer.at, trainer.plan))

    def _log(self, at: Progress, terms: Mapping[str, float], seconds: float, rate: float) -> None:
        where = {"images": at.images, "step": at.step, "stage": at.stage.name}
        fade = {"resolution": at.resolution, "alpha": round(at.alpha, 6)}
        self.folder.append("metrics.jsonl", {**where, **fade, **terms})
        clock = {"seconds": round(seconds, 3), "images_per_second": round(rate, 2)}
        self.folder.append("timing.jsonl", {**where, **clock})

    def _snapshot(self, at: Progress) -> None:
        """A grid of fixed latents from the averaged weights, and quality if it is measured.

        The first process does it, and the others wait.
        """
        trainer = self.trainer
        found: Sequence[Quality] = ()
        with trainer.averages.swapped_in() as system:
            shows = getattr(trainer.data, "shown_batch", trainer.data.batch)
            rows = preview_rows(system, shows, at, self.options.previews)
            for name, images in rows.items():
                suffix = "" if name == "samples" else f"_{name}"
                fade = f"_fade{at.alpha:.2f}" if at.stage.fade else ""
                side = images.shape[-1]
                file = f"pictures/{at.images:09d}_{side:03d}px{fade}{suffix}.png"
                sheet = tile(images, columns_of(system, images))
                path = self.folder.write(file, png_bytes(to_picture(sheet)))
                self._tell(Pictured(at, path))
            if self.measure is not None:
                found = self.measure(trainer, at)
        for quality in found:
            self.folder.append(
                "quality.jsonl",
                {"images": at.images, "resolution": at.resolution, **vars(quality)},
            )
            self._tell(Measured(at, quality.metric, quality.level, quality.value, quality.n))
            last = at.resolution == trainer.plan.stages[-1].resolution and at.alpha == 1
            if (
                last
                and quality.level == "mean"
                and (self.best is None or quality.value < self.best[0])
            ):
                self.best = (quality.value, at.images)
                self.save()

    def _recover(self, result: StepResult) -> None:
        """Somebody's gradient was not finite: nobody moved. Often in a row, go back."""
        trainer = self.trainer
        if trainer.skipped_in_a_row < SKIPS_BEFORE_RECOVERY:
            self._decide(
                "skip",
                f"Step {result.at.step} skipped at {trainer.images:,} images: "
                "a gradient was not finite.",
            )
            return
        if trainer.recoveries >= MOST_RECOVERIES:
            raise TrainingError(
                f"Gradients stayed non-finite after {trainer.recoveries} recoveries; stopped at "
                f"{trainer.images:,} images. The last sound save is intact. Begin again at a lower "
                "rate: progan train recipe.yaml --set optimizer.lr=5e-4"
            )
        images, recoveries, rate = trainer.images, trainer.recoveries + 1, trainer.rate / 2
        micro_batch = trainer.micro_batch
        name, tensors, meta = self._newest_sound()
        self.resume(tensors, {**meta, "seconds": self.seconds_before})
        trainer.recoveries, trainer.rate, trainer.micro_batch = recoveries, rate, micro_batch
        self._window = (trainer.images, self.seconds)
        self._decide(
            "rollback",
            f"{SKIPS_BEFORE_RECOVERY} steps in a row were not finite at {images:,} images: back to "
            f"{name} with {rate:g} times the learning rate.",
        )

    def _newest_sound(self) -> tuple[str, Mapping[str, torch.Tensor], Mapping[str, Any]]:
        """Name, tensors and header of the newest checkpoint that was saved while all was well."""
        read: dict[str, torch.Tensor] = {}

        def find() -> tuple[str, Mapping[str, Any]]:
            path, tensors, meta, _ = newest_valid(self.folder.checkpoints, healthy=True)
            read.update(tensors)
            return path.name, meta

        name, meta = distributed.first(find)
        return name, distributed.share(read), meta

    # Who hears ----------------------------------------------------------------------------

    def _decide(self, kind: str, text: str) -> None:
        if distributed.is_first():
            self.folder.decide(self.trainer.images, kind, text)
        self._tell(Decided(self.trainer.images, kind, text))

    def _tell(self, event: Event) -> None:
        for listener in list(self.listeners):
            try:
                listener.hear(event)
            except Exception as error:
                self.listeners.remove(listener)
                self.folder.log(f"{type(listener).__name__} failed and was dropped: {error!r}")
