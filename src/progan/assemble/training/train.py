"""From what a user typed to a finished run: data, plan, training, review, report.

Everything decided on the way stands in the run folder, and `recipe.lock.yaml` replays it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from progan.assemble.models.build import build_system, versions
from progan.assemble.models.recipes import with_captions, with_usual_preset
from progan.assemble.training.ask import Asked, Prepared, run_name
from progan.assemble.training.screens import Screen
from progan.assemble.training.session import Outcome, Session
from progan.core import distributed
from progan.core.config import Recipe, parse_recipe, write_recipe
from progan.core.errors import CheckpointError, ConfigError, DataError, TrainingError
from progan.core.faults import Faults
from progan.core.launch import LostError
from progan.core.system import System
from progan.core.words import typed
from progan.data.opening import Data, Store, open_data, open_store, side_for, stored
from progan.engine.checkpoint import newest_valid, remove_leftovers
from progan.engine.precision import choose_device, refuse_precision
from progan.engine.record import Onlooker, RunFolder

__all__ = ["Outcome", "resume_run", "suited", "train_run"]

CPU_MINUTES = 10.0
"""Length of a run on a CPU when nothing was asked."""
PATIENT_MINUTES = 60.0
"""From this budget on, a CPU trains at 64 pixels instead of 32."""


@dataclass(frozen=True)
class _Begun:
    """What the first process has found and decided, for all."""

    recipe: Recipe
    asked: Asked
    device: str
    data: Path
    folder: Path
    remark: str = ""
    meta: Mapping[str, Any] | None = None
    changed: bool = False


def train_run(prepared: Prepared | None, screen: Screen, faults: Faults | None = None) -> Outcome:
    """Train from the start.

    Of several processes, the first one brings what was `prepared`, reads the pictures and makes
    the folder; the others bring None, and wait to be told.
    """
    parts: list[tuple[Store, System[Any], RunFolder]] = []

    def begin() -> _Begun:
        assert prepared is not None
        asked, recipe, source = prepared.asked, prepared.recipe, prepared.source
        device = choose_device(recipe.train.device)
        recipe, remark = suited(recipe, source, device)
        cache = asked.runs / ".data"
        pyramid = stored(source, recipe.data, cache, progress=screen.building)
        system = build_system(recipe, pyramid.spec, device)  # refuses what it cannot be

        folder = RunFolder.create(asked.runs, asked.name or run_name(asked), faults)
        write_recipe(prepared.recipe, folder.path / "recipe.yaml")
        folder.write("data.json", pyramid.report.json())
        report = folder.write("data_report.txt", pyramid.report.text())
        for number, line in enumerate(pyramid.report.lines(str(report))):
            screen.line("" if number else "Data", line)
        parts.append((pyramid, system, folder))
        return _Begun(recipe, asked, device.type, pyramid.path.resolve(), folder.path, remark)

    begun = distributed.first(begin)
    with _way_on(begun.folder):
        pyramid, system, folder = parts[0] if parts else _take_part(begun)
        session = Session(begun.recipe, pyramid, system, folder, screen, begun.asked, faults)
        session.choose_memory()
        session.choose_machine()
        session.fit_plan(begun.remark)
        return session.go()


def resume_run(
    path: Path | None,
    screen: Screen,
    *,
    minutes: float | None = None,
    images: int | None = None,
    accept_new_data: bool = False,
    began: float | None = None,
    faults: Faults | None = None,
) -> Outcome:
    """Go on exactly where a run stopped; with `minutes` or `images`, go on for so much longer.

    Of several processes, the first one brings the path and reads; the others bring None.
    """
    began = time.monotonic() if began is None else began
    parts: list[tuple[Store, System[Any], RunFolder]] = []
    read: dict[str, torch.Tensor] = {}

    def begin() -> _Begun:
        assert path is not None
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
        distributed.owned(recipe.train.shards or 1)  # refuses a wrong number of processes
        device = choose_device(recipe.train.device)
        refuse_precision(recipe.train.precision, device)
        source = open_data(recipe.data)
        pyramid = stored(source, recipe.data, path.parent / ".data", progress=screen.building)
        changed = pyramid.fingerprint != meta["data_fingerprint"]
        if changed and not accept_new_data:
            raise CheckpointError(
                f"The data changed since this run began ({meta['spec']['images']:,} pictures then, "
                f"{pyramid.spec.images:,} now). Go on with it: "
                f"{typed('progan', 'resume', path, '--accept-new-data')}"
            )
        asked = Asked(words=recipe.data.source, minutes=minutes, images=images, began=began)
        parts.append((pyramid, build_system(recipe, pyramid.spec, device), folder))
        read.update(tensors)
        data = pyramid.path.resolve()
        return _Begun(recipe, asked, device.type, data, path, meta=meta, changed=changed)

    begun = distributed.first(begin)
    assert begun.meta is not None
    with _way_on(begun.folder):
        pyramid, system, folder = parts[0] if parts else _take_part(begun)
        session = Session(begun.recipe, pyramid, system, folder, screen, begun.asked, faults)
        session.take_up(distributed.share(read), begun.meta)
        if begun.changed:
            text = "The data changed: not bit-exact from here on."
            folder.decide(begun.meta["counters"]["images"], "data", text)
        _compare_versions(begun.meta, folder)
        return session.go()


def _take_part(begun: _Begun) -> tuple[Store, System[Any], RunFolder]:
    """What a process that is not the first needs for a run that the first one began."""
    device = choose_device(begun.recipe.train.device)
    if device.type != begun.device:
        raise ConfigError(
            f"Process {distributed.rank()} has {device.type} where process 0 has {begun.device}; "
            "all processes compute on one kind of device: --device cpu"
        )
    if device.type == "cuda":
        torch.cuda.set_device(device)
    try:
        pyramid = open_store(begun.data)
    except DataError as error:
        raise DataError(
            f"Process {distributed.rank()} does not find the pictures that process 0 has read: "
            f"{error} All machines need the same folder of runs: --runs FOLDER"
        ) from error
    system = build_system(begun.recipe, pyramid.spec, device)
    return pyramid, system, Onlooker(begun.folder)


@contextmanager
def _way_on(run: Path) -> Iterator[None]:
    """Where another process ended without a word, say how to go on."""
    try:
        yield
    except LostError as error:
        raise TrainingError(
            f"{error} What was saved is intact. Go on from there, with as many processes or one: "
            f"{typed('progan', 'resume', run)}"
        ) from error


def _choose_shards(recipe: Recipe) -> Recipe:
    """As many shards as processes begin the run, where the recipe does not say."""
    shards = recipe.train.shards or distributed.world()
    recipe = replace(recipe, train=replace(recipe.train, shards=shards))
    distributed.owned(shards)  # refuses what cannot be shared
    return recipe


def suited(recipe: Recipe, source: Data, device: torch.device) -> tuple[Recipe, str]:
    """Preset, length, resolution and shards that suit, where the recipe does not say.

    And a remark for the plan's title. Refuses a precision that does not suit the device.
    """
    refuse_precision(recipe.train.precision, device)
    recipe, remark = _choose_for(with_captions(recipe), device)
    return _choose_shards(_choose_resolution(recipe, source, device)), remark


def _choose_for(recipe: Recipe, device: torch.device) -> tuple[Recipe, str]:
    """Preset and length that suit the device, where the recipe does not say."""
    if recipe.plan is not None or recipe.preset is not None:
        return recipe, ""
    recipe = with_usual_preset(recipe, device.type)
    train = recipe.train
    if device.type == "cpu" and train.minutes is None and train.images is None:
        recipe = replace(recipe, train=replace(train, minutes=CPU_MINUTES))
        return recipe, "the default on a CPU; longer is better: --minutes 60"
    return recipe, ""


def _choose_resolution(recipe: Recipe, source: Data, device: torch.device) -> Recipe:
    if recipe.data.resolution is not None:
        return recipe
    resolution = side_for(source, recipe.data)
    if device.type == "cpu" and recipe.data.crop != "whole":
        patient = (recipe.train.minutes or 0) >= PATIENT_MINUTES
        resolution = min(resolution, 64 if patient else 32)
    return replace(recipe, data=replace(recipe.data, resolution=resolution))


def _compare_versions(meta: Mapping[str, Any], folder: RunFolder) -> None:
    now = versions()
    changed = [f"{k} {v} → {now.get(k)}" for k, v in meta["versions"].items() if now.get(k) != v]
    if changed:
        images = meta["counters"]["images"]
        folder.decide(images, "versions", f"{', '.join(changed)}: perhaps not bit-exact from here.")
