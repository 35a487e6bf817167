"""A run before it trains: its trainer, the memory and the machine it uses, and the plan that fits.

Nothing is written here, so that `progan plan` tells what a run would do by the code that does it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from progan.assemble.models.texts import take_vectors
from progan.assemble.training import budget as budgets
from progan.assemble.training.ask import Asked
from progan.assemble.training.finish import seconds_to_finish
from progan.assemble.training.machine import choose_machine
from progan.assemble.training.memory import Need, fit_memory
from progan.assemble.training.screens import Screen
from progan.core import distributed
from progan.core.config import Recipe
from progan.core.faults import Faults
from progan.core.grids import tile
from progan.core.plan import Plan, size_text
from progan.core.system import System
from progan.data.feeding import Feed, feed_of
from progan.data.opening import Store
from progan.data.pyramid import Pyramid
from progan.engine.loop import Trainer
from progan.engine.precision import Precision

__all__ = ["Preparation"]


class Preparation:
    """What is decided about a run, in this order: memory, machine, rates, plan."""

    def __init__(
        self,
        recipe: Recipe,
        pyramid: Store,
        system: System[Any],
        screen: Screen,
        asked: Asked,
        faults: Faults | None = None,
    ) -> None:
        self.recipe, self.pyramid, self.system = recipe, pyramid, system
        self.screen, self.asked, self.faults = screen, asked, faults
        self.device = next(system.parameters()).device
        self.loader: Feed = feed_of(
            pyramid,
            seed=recipe.train.seed,
            mirror=recipe.data.mirror,
            jitter=recipe.data.jitter,
            batch_type=system.batch_type,
            device=self.device,
        )
        if isinstance(pyramid, Pyramid):
            take_vectors(system, pyramid)
        self.threads = recipe.train.threads or 1
        self.precision: Precision = "fp32"
        self.timed = asked.minutes is not None or recipe.train.minutes is not None
        self.budget: budgets.Budget | None = None
        """Of the first process, where the run is fitted to a time."""
        self.rates: dict[int, float] = {}
        self.notes: list[str] = []
        self.trainer = self.new_trainer(Plan(recipe.plan) if recipe.plan else system.plan())

    def new_trainer(self, plan: Plan) -> Trainer:
        """A trainer with what is decided so far."""
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
        """Threads and precision, unless the recipe says: the fastest."""
        found = choose_machine(self.trainer, self.recipe.train)
        self.threads, self.precision = found.threads, found.precision
        self.trainer = self.new_trainer(self.trainer.plan)
        self.screen.line("Machine", f"{found.what} ({found.how})")
        self.notes.append(f"{found.what}: {found.how}.")
        if self.recipe.train.compile and self.device.type == "cpu":
            self.screen.line("Note", "Compiled code is no faster on a CPU: train.compile=false")

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
        size = size_text(self.trainer.plan.stages[-1].resolution)
        title = f"{self.recipe.system}{preset}, {size} px{length}, seed {train.seed}" + (
            f"  [{remark}]" if remark else ""
        )
        return title, finish

    def _fitted(self) -> tuple[Plan, float]:
        """The plan that fits the minutes, and the seconds kept for the end."""
        assert self.recipe.train.minutes is not None
        self.budget = self.budget_of(self.recipe.train.minutes)
        return self.budget.first_fit(self.trainer.plan), self.budget.kept()

    def budget_of(self, minutes: float) -> budgets.Budget:
        """So many minutes from Enter, with the end of the run kept free."""
        sheet = self.reals()
        plan = self.trainer.plan
        finish = seconds_to_finish(self.system, plan.at(plan.images), sheet)
        return budgets.Budget(60 * minutes, dict(self.rates), self.asked.began, [], finish)

    def reals(self) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """The grid of real pictures, h w c, that stands beside the generated ones."""
        spec, count = self.pyramid.spec, min(self.recipe.train.previews, self.pyramid.spec.images)
        return tile(self.loader.real(0, count, spec.size).cpu().numpy())
