from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from imported import imported
from progan.core.batch import Paired, Unpaired
from progan.core.errors import ConfigError
from progan.core.specs import DataSpec
from progan.core.system import Samples, Scores, System, Translates
from progan.systems.registry import SYSTEMS, load_config_class, load_system_class, lookup


@pytest.mark.parametrize("name", SYSTEMS)
def test_entry_leads_to_a_system_and_its_settings(name: str) -> None:
    system, config = load_system_class(name), load_config_class(name)
    assert issubclass(system, System)
    assert SYSTEMS[name].name == name
    assert list(config.PRESETS) == list(config.PRESET_HELP)


@pytest.mark.parametrize("name", SYSTEMS)
def test_systems_sample_and_score(make: Callable[..., Any], name: str) -> None:
    data = DataSpec(
        resolution=32, channels=3, classes=3, captions=1, caption_texts=("a red circle",)
    )
    if load_system_class(name).batch_type in (Unpaired, Paired):
        data = DataSpec(resolution=256, domains=("a", "b"), second_channels=3, second_images=1)
    with torch.device("meta"):
        system = make(system=name, classes=3, data=data)
    if data.domains:
        assert isinstance(system, Translates)
        return
    assert isinstance(system, Samples)
    assert isinstance(system, Scores) or name == "ensemble"  # whose members have one each


def test_settings_and_registry_do_without_torch() -> None:
    code = (
        "from progan.systems.registry import SYSTEMS, load_config_class\n"
        "for name in SYSTEMS: load_config_class(name)().plan(256)"
    )
    assert imported(code, "torch") == set()


def test_an_unknown_system_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"'stylegan'.*progan, gan"):
        lookup("stylegan")
