"""GANILLA: CycleGAN's game, another translator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from contract.variants import CARRIED, DOMAINS
from progan.core.errors import ConfigError
from progan.networks.ganilla import GanillaTranslator
from progan.systems.cyclegan import TwoWay

Make = Callable[..., Any]


def small(make: Make, **settings: Any) -> Any:
    return make(system="ganilla", data=DOMAINS, **{**CARRIED, "blocks": [1, 2], **settings})


def test_it_is_cyclegans_game_with_its_own_translators(make: Make) -> None:
    system = small(make)
    assert isinstance(system, TwoWay)
    assert type(system).translator_loss is TwoWay.translator_loss
    assert type(system).critic_loss is TwoWay.critic_loss
    assert all(isinstance(one, GanillaTranslator) for one in system.translators.values())
    assert system.multiple == 4


def test_settings_reach_the_translators(make: Make) -> None:
    plain, sums = (small(make, merge=merge).translators["ab"] for merge in ("concat", "sum"))
    assert len(plain.stages[1]) == 2
    assert plain.weights == (1.0, 0.5)
    assert len(plain.state_dict()) > len(sums.state_dict())


def test_presets_of_the_paper_have_its_size(make: Make) -> None:
    data = replace(DOMAINS, resolution=256)
    for preset, size in (("paper", 7_228_419), ("deep", 13_274_115)):
        system = make(preset, system="ganilla", data=data)
        assert sum(p.numel() for p in system.translators["ab"].parameters()) == size
        assert system.multiple == 16


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"blocks": [1, 0]}, r"blocks is \[1, 0\]"),
        ({"blocks": [1] * 5}, "one to four stages"),
        ({"blocks": [1] * 3}, r"laterals has 2 weights for 3 stages.*laterals=\[1,1,1\]"),
        ({"blocks": [1] * 4, "laterals": [1.0] * 4}, "need pictures of 32 .* these have 16"),
        ({"lateral": 0}, "lateral is 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    make: Make, settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        small(make, **settings)


def test_data_of_one_domain_are_refused(make: Make) -> None:
    with pytest.raises(ConfigError, match=r"ganilla needs pictures of two domains"):
        make(system="ganilla", **{**CARRIED, "blocks": [1, 1]})
