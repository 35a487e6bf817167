"""Every preset can be built, and has a plan that fits its data."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from progan.assemble.models.recipes import resolve
from progan.core.batch import Captioned, Labelled, Layout, Paired, Unpaired
from progan.core.errors import ConfigError
from progan.core.plan import Plan
from progan.core.recipe import Recipe
from progan.core.specs import DataSpec
from progan.core.system import System
from progan.systems.registry import SYSTEMS, load_config_class, load_system_class

SIZES = (1024, 256, 128, 32)
PRESETS = [(name, preset) for name in SYSTEMS for preset in load_config_class(name).PRESETS]


def built(name: str, preset: str, classes: int) -> tuple[System[Any], DataSpec, Plan]:
    """The preset at the largest size it is made for, with weights that take no memory."""
    refused: list[ConfigError] = []
    for size in SIZES:
        data = DataSpec(resolution=size, classes=classes)
        if load_system_class(name).batch_type is Captioned:
            data = replace(data, captions=1, caption_texts=("a cat", "a dog"))
        if load_system_class(name).batch_type in (Unpaired, Paired):
            data = replace(data, domains=("a", "b"), second_channels=3, second_images=1)
        if load_system_class(name).batch_type is Layout:
            data = replace(data, layout_names=("sky", "sea"))
        _, config = resolve(Recipe(system=name, preset=preset))
        try:
            with torch.device("meta"):
                system = load_system_class(name)(config, data)
            return system, data, system.plan()
        except ConfigError as error:
            refused.append(error)
    raise AssertionError(f"no size suits {name} {preset}: {refused}")


def needs_labels(name: str) -> bool:
    """Whether a system takes nothing but labelled pictures."""
    return load_system_class(name).batch_type is Labelled


@pytest.mark.parametrize("name", [name for name in SYSTEMS if needs_labels(name)])
def test_a_system_that_needs_labels_says_so(name: str) -> None:
    with pytest.raises(ConfigError, match="needs labels"):
        load_system_class(name)(load_config_class(name)(), DataSpec(resolution=32))


@pytest.mark.parametrize("classes", [0, 10])
@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_every_preset_builds_and_plans(name: str, preset: str, classes: int) -> None:
    if needs_labels(name) and not classes:
        return  # refused: see above
    system, data, plan = built(name, preset, classes)
    _, config = resolve(Recipe(system=name, preset=preset))
    most = getattr(config, "max_size", data.resolution)  # of those that shrink what is larger
    assert plan.stages[-1].resolution == min(data.resolution, most)
    start = 0
    for index, stage in enumerate(plan.stages):
        assert stage.images > 0
        assert stage.batch > 0
        at = plan.at(start)
        assert at.index == index
        turns = system.turns(at)
        assert turns[0].draws  # the first to move has something to look at
        players = system.players()
        for turn in turns:
            for player in turn.players:
                assert players[player].rate(at) > 0
        start += stage.images
    for name_ in system.averaged:
        system.get_submodule(name_)


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_preset_is_explained_in_a_line(name: str) -> None:
    config = load_config_class(name)
    assert config.PRESETS.keys() == config.PRESET_HELP.keys()
    assert all(0 < len(line) < 200 and "\n" not in line for line in config.PRESET_HELP.values())
