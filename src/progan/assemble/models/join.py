"""Levels that were trained each in a run of its own, made into one model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from progan.assemble.models.build import build_system
from progan.assemble.models.model import Model
from progan.assemble.models.recipes import resolve
from progan.assemble.models.stored import Stored, open_stored, used_names
from progan.core.errors import CheckpointError, ConfigError
from progan.core.plan import Plan, Progress, Stage, height_width
from progan.engine.loop import stage_to_plain

__all__ = ["join"]

OF_TRAINING = (
    *("levels", "images", "coarse_images", "batch", "average"),
    *("objective", "critic_steps", "optimizer", "decay", "dropout"),
)
"""Settings in which runs may differ: they shape no network and no picture."""


def join(runs: Sequence[Path], to: Path) -> Path:
    """Write one model of the levels of several runs to the folder `to`, as exports are; give it.

    Of each run the newest checkpoint that is whole is taken, with its averaged weights.

    Raises ConfigError where runs do not belong together, a level is missing or is there twice.
    """
    stored = [open_stored(run.expanduser()) for run in runs]
    owners = _owners(stored)
    whole = _whole(stored[0], owners)
    return Model(whole).save_pretrained(to)


def _owners(stored: Sequence[Stored]) -> Mapping[int, Stored]:
    """The run of each level, coarsest first."""
    first = stored[0]
    configs = [resolve(one.recipe)[1] for one in stored]
    for one, config in zip(stored, configs, strict=True):
        if not hasattr(config, "levels"):
            raise ConfigError(
                f"{one.path} is of {one.recipe.system}, which has no levels; join puts together "
                "runs of some levels each: progan train FOLDER --system lapgan --set levels=[16]"
            )
        _check_alike(first, configs[0], one, config)
    found: dict[int, Stored] = {}
    for one, config in zip(stored, configs, strict=True):
        reached = [side for side in config.sides(one.spec.resolution) if side in one.resolutions]
        for side in reached:
            if side in found:
                raise ConfigError(
                    f"The level of {side} pixels is in {found[side].path} and in {one.path}; name "
                    "each level's run once."
                )
            found[side] = one
    sides = configs[0].sides(first.spec.resolution)
    missing = [side for side in sides if side not in found]
    if missing:
        raise ConfigError(
            f"No run has the level of {missing[0]} pixels; the levels are "
            f"{', '.join(map(str, sides))}. Train it: --set levels=[{missing[0]}]"
        )
    return {side: found[side] for side in sides}


def _check_alike(first: Stored, expected: Any, one: Stored, config: Any) -> None:
    if type(config) is not type(expected):
        raise ConfigError(
            f"{first.path} is of {first.recipe.system} and {one.path} of {one.recipe.system}; "
            "levels of one model are of one system."
        )
    for field in fields(config):
        values = [getattr(found, field.name) for found in (expected, config)]
        if field.name not in OF_TRAINING and values[0] != values[1]:
            raise ConfigError(
                f"{field.name} is {values[0]} in {first.path} and {values[1]} in {one.path}; "
                "levels of one model must agree in it."
            )
    shapes = [
        (s.spec.resolution, s.spec.channels, s.spec.classes, s.spec.label_size)
        for s in (first, one)
    ]
    if shapes[0] != shapes[1]:
        names = ("resolution", "channels", "classes", "label size")
        which, a, b = next(
            (name, x, y) for name, x, y in zip(names, *shapes, strict=True) if x != y
        )
        raise ConfigError(
            f"The pictures' {which} is {a} in {first.path} and {b} in {one.path}; levels of one "
            f"model learn from the same pictures: --set data.resolution={shapes[0][0]}"
        )


def _whole(first: Stored, owners: Mapping[int, Stored]) -> Stored:
    """One model, as if a run had trained all levels for as long as these did."""
    recipe = replace(first.recipe, set={**first.recipe.set, "levels": []}, plan=None)
    stages = tuple(_stage(one, side) for side, one in owners.items())
    system = build_system(recipe, first.spec, torch.device("cpu"))
    tensors: dict[str, Tensor] = {}
    for average, live in used_names(system).values():
        name = average or live
        holder = next((one for one in owners.values() if name in one.tensors), None)
        if holder is None:
            raise CheckpointError(f"{first.path} and the others lack {name}; one is damaged.")
        tensors[name] = holder.tensors[name]
    plan = Plan(stages)
    end = Progress(
        images=plan.images,
        step=sum(one.trained.step for one in {one.path: one for one in owners.values()}.values()),
        index=len(stages) - 1,
        stage=stages[-1],
        fraction=1.0,
    )
    counters = {
        **first.meta["counters"],
        "images": end.images,
        "steps": end.step,
        "entered": end.index,
        "plan": [stage_to_plain(stage) for stage in stages],
    }
    meta = {**first.meta, "counters": counters}
    return replace(
        first, tensors=tensors, meta=meta, recipe=recipe, plan=plan, trained=end, passed=()
    )


def _stage(one: Stored, side: int) -> Stage:
    """A level's stage, as long as it was trained."""
    index, stage = next(
        (index, stage)
        for index, stage in enumerate(one.plan.stages)
        if height_width(stage.resolution)[0] == side
    )
    drawn = min(stage.images, one.trained.images - one.plan.start(index))
    return replace(stage, images=max(1, drawn))
