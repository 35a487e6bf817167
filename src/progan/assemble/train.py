"""From what a user typed to a finished run: data, plan, training, review, report.

Everything decided on the way stands in the run folder, and `recipe.lock.yaml` replays it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from progan.assemble.ask import Asked, Prepared, name_of
from progan.assemble.build import build_system, versions
from progan.assemble.recipes import resolve
from progan.assemble.session import Outcome, Screen, Session
from progan.core.config import Recipe, parse_recipe, write_recipe
from progan.core.errors import CheckpointError
from progan.core.faults import Faults
from progan.core.words import typed
from progan.data.build import choose_resolution, open_or_build
from progan.data.sources import Source, open_source
from progan.engine.checkpoint import newest_valid, remove_leftovers
from progan.engine.precision import choose_device
from progan.engine.record import RunFolder

__all__ = ["Outcome", "Screen", "resume_run", "suited", "train_run"]

CPU_MINUTES = 10.0
"""Length of a run on a CPU when nothing was asked."""
PATIENT_MINUTES = 60.0
"""From this budget on, a CPU trains at 64 pixels instead of 32."""


def train_run(prepared: Prepared, screen: Screen, faults: Faults | None = None) -> Outcome:
    """Train from the start."""
    asked, recipe, source = prepared.asked, prepared.recipe, prepared.source
    device = choose_device(recipe.train.device)
    recipe, remark = suited(recipe, source, device)
    cache = asked.runs / ".data"
    pyramid = open_or_build(source, recipe.data, cache, progress=screen.building)
    system = build_system(recipe, pyramid.spec, device)  # refuses what it cannot be

    folder = RunFolder.create(asked.runs, asked.name or name_of(asked.words), faults)
    write_recipe(prepared.recipe, folder.path / "recipe.yaml")
    folder.write("data.json", pyramid.report.json())
    report = folder.write("data_report.txt", pyramid.report.text())
    for number, line in enumerate(pyramid.report.lines(str(report))):
        screen.line("" if number else "Data", line)
    session = Session(recipe, pyramid, system, folder, screen, asked, faults)
    session.choose_memory()
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
        text = f"{message} Going on from {found.stem}."
        folder.decide(meta["counters"]["images"], "damage", text)
        screen.line("Note", text)
    recipe = parse_recipe(meta["recipe"], "recipe.lock.yaml")
    device = choose_device(recipe.train.device)
    source = open_source(recipe.data.source, recipe.data)
    pyramid = open_or_build(source, recipe.data, path.parent / ".data", progress=screen.building)
    changed = pyramid.fingerprint != meta["data_fingerprint"]
    if changed and not accept_new_data:
        raise CheckpointError(
            f"The data changed since this run began ({meta['spec']['images']:,} pictures then, "
            f"{pyramid.spec.images:,} now). Go on with it: "
            f"{typed('progan', 'resume', path, '--accept-new-data')}"
        )
    asked = Asked(words=recipe.data.source, minutes=minutes, images=images, began=began)
    system = build_system(recipe, pyramid.spec, device)
    session = Session(recipe, pyramid, system, folder, screen, asked, faults)
    session.take_up(tensors, meta)
    if changed:
        text = "The data changed: not bit-exact from here on."
        folder.decide(meta["counters"]["images"], "data", text)
    _compare_versions(meta, folder)
    return session.go()


def suited(recipe: Recipe, source: Source, device: torch.device) -> tuple[Recipe, str]:
    """Preset, length and resolution that suit device and pictures, where the recipe does not say.

    And a remark for the plan's title.
    """
    recipe, remark = _choose_for(recipe, device)
    return _choose_resolution(recipe, source, device), remark


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


def _choose_resolution(recipe: Recipe, source: Source, device: torch.device) -> Recipe:
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
