from __future__ import annotations

import math

import pytest
import torch

from progan.assemble.models.build import build_system
from progan.core.errors import ConfigError
from progan.core.recipe import Recipe
from progan.data.worlds import WORLDS
from progan.lab.games import GAMES, SAME, find, lesson_of
from progan.objectives.table import OBJECTIVES


def system_of(name: str) -> tuple[object, object]:
    game = find(name)
    recipe = Recipe(system=game.system, preset="toy", set=dict(game.set))
    return game, build_system(recipe, WORLDS["ring"].spec, torch.device("cpu"))


@pytest.mark.parametrize("name", [*SAME, *GAMES, *OBJECTIVES, "fgan:alpha=0.5", "ebgan=2"])
def test_whatever_is_played_has_a_lesson_and_a_system_that_can_be_watched(name: str) -> None:
    game, system = system_of(name)
    lesson = lesson_of(game, system)  # type: ignore[arg-type]
    assert lesson.title
    assert lesson.formula
    assert lesson.look


@pytest.mark.parametrize("name", ["fgan:kl", "fgan:js:non-saturating", "fgan:alpha=0.5"])
def test_an_f_divergence_is_played_by_fgan_in_the_form_that_is_named(name: str) -> None:
    game, system = system_of(name)
    assert game.system == "fgan"  # type: ignore[attr-defined]
    assert system.config.objective == name  # type: ignore[attr-defined]
    assert system.config.saturating == (not name.endswith("non-saturating"))  # type: ignore[attr-defined]


def test_targets_are_the_losses_of_a_discriminator_that_cannot_tell() -> None:
    for name, sign in (("non-saturating", 1.0), ("minimax", -1.0)):
        game, system = system_of(name)
        lesson = lesson_of(game, system)  # type: ignore[arg-type]
        found = {target.player: target.value for target in lesson.targets}
        assert found == {
            "discriminator": pytest.approx(math.log(4)),
            "generator": pytest.approx(sign * math.log(2)),
        }


def test_an_unknown_game_is_told_what_may_have_been_meant() -> None:
    with pytest.raises(ConfigError, match=r"Did you mean minimax\?"):
        find("minmax")
    with pytest.raises(ConfigError, match="For example: progan lab"):
        find("xyzzyxyzzy")
    with pytest.raises(ConfigError, match="nobody has written"):
        find("fgan:unheard-of")


@pytest.mark.parametrize("name", ["matching-aware", "two-head", "ac-gan", "infogan"])
def test_games_with_more_terms_than_the_objectives_have_no_target(name: str) -> None:
    game, system = system_of(name)
    assert lesson_of(game, system).targets == ()  # type: ignore[arg-type]
