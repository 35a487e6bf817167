"""Objectives by name: how they are asked for, and what each says about itself."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
import torch

import pages
from progan.core.config import apply_sets, parse_recipe, write_recipe
from progan.core.errors import ConfigError
from progan.core.recipe import Recipe
from progan.objectives.record import Objective, total
from progan.objectives.table import NUMBERED, OBJECTIVES, objective

EXAMPLES = (
    "least-squares=-1,1,0",
    "ebgan=0.5",
    "fgan:weighted-js=0.3",
    "fgan:weighted-js:non-saturating=0.3",
    "fgan:alpha=0.5",
    "fgan:alpha:non-saturating=-1.5",
)
ALL: dict[str, Objective] = {**OBJECTIVES, **{name: objective(name) for name in EXAMPLES}}


def test_every_objective_that_takes_numbers_is_tried_here() -> None:
    assert {name.partition("=")[0] for name in EXAMPLES} == set(NUMBERED)


@pytest.mark.parametrize("name", ALL)
def test_at_rest_is_the_least_a_critic_can_lose_on_one_distribution(name: str) -> None:
    """A score s for reals and fakes alike, the border or another: none loses less."""
    game = ALL[name]
    scores = torch.tensor([game.border, *range(-8, 9), 0.01, 0.09, 0.5], dtype=torch.float64)
    losses = [total(game.critic_terms(s, s)) for s in scores[:, None].unbind()]
    # ebgan rests wherever the energy is below the margin, relativistic games anywhere.
    assert torch.stack(losses).min().item() == pytest.approx(game.at_rest, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", [name for name, game in ALL.items() if not game.relative])
def test_the_border_is_a_best_score_where_real_and_fake_are_equally_likely(name: str) -> None:
    game = ALL[name]
    border = torch.tensor([game.border], dtype=torch.float64)
    loss = total(game.critic_terms(border, border))
    assert loss.item() == pytest.approx(game.at_rest, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(
    "name", [name for name, g in ALL.items() if not g.relative and g.kind != "critic"]
)
@pytest.mark.parametrize(("p", "q"), [(0.75, 0.25), (0.25, 0.75)])
def test_the_border_parts_scores_by_which_side_is_likelier(name: str, p: float, q: float) -> None:
    """Where one side is 3 times as likely, the best score is on its side of the border."""
    game = ALL[name]
    scores = torch.linspace(-8, 8, 161, dtype=torch.float64)
    losses = []
    for score in scores[:, None].unbind():
        terms = game.critic_terms(score, score)
        losses.append(p * terms["real"] + q * terms["fake"])
    best = scores[torch.stack(losses).argmin()].item()
    assert (best > game.border) == ((p > q) == game.higher_is_real)


def test_accuracy_counts_the_right_side_and_half_of_ties() -> None:
    """Reals: right, wrong, tie; fakes: right, right, tie. (1 + ½ + 2 + ½) / 6."""
    offsets = torch.tensor([1.0, -1.0, 0.0]), torch.tensor([-1.0, -2.0, 0.0])
    for name, game in ALL.items():
        sign = 1 if game.higher_is_real else -1
        real, fake = (game.border + sign * offset.double() for offset in offsets)
        assert game.accuracy(real, fake).item() == pytest.approx(4 / 6), name


def test_only_relative_games_look_at_reals_in_the_generators_turn() -> None:
    real, fake = torch.zeros(3, requires_grad=True), torch.ones(3, requires_grad=True)
    for name, game in ALL.items():
        loss = total(game.for_generator(fake, real))
        (slope,) = torch.autograd.grad(loss, real, allow_unused=True)
        assert (slope is not None) == game.relative == name.startswith("relativistic")


@pytest.mark.parametrize("name", ALL)
def test_an_objective_that_estimates_says_what(name: str) -> None:
    game = ALL[name]
    assert (game.estimate is None) == (not game.measures)


@pytest.mark.parametrize("name", [name for name, game in ALL.items() if game.estimate])
def test_an_estimate_of_one_distribution_by_the_best_critic_is_zero(name: str) -> None:
    """At the border; `gan` measures twice the Jensen-Shannon divergence − log 4."""
    game = ALL[name]
    assert game.estimate is not None
    border = torch.full((3,), game.border, dtype=torch.float64)
    expected = -math.log(4) if name.startswith("fgan:gan") else 0.0
    assert game.estimate(border, border).item() == pytest.approx(expected, abs=1e-7)


# names


def test_every_objective_has_its_row_in_the_documentation() -> None:
    text = pages.text_of("docs/objectives.md").partition("## Objectives")[2]
    cells = re.findall(r"^\| (`.*?) \|", text.partition("## Penalties")[0], re.MULTILINE)
    told = {name.partition("=")[0] for cell in cells for name in re.findall(r"`([^`]+)`", cell)}
    known = {name.removesuffix(":non-saturating") for name in (*OBJECTIVES, *NUMBERED)}
    assert told - {"fgan:…"} == known


@pytest.mark.parametrize("name", ALL)
def test_a_name_survives_the_command_line_and_a_recipe(name: str, tmp_path: Path) -> None:
    recipe = apply_sets(Recipe(system="progan"), [f"objective={name}"])
    assert recipe.set["objective"] == name
    write_recipe(recipe, tmp_path / "recipe.yaml")
    assert parse_recipe((tmp_path / "recipe.yaml").read_text()).set["objective"] == name


def test_numbers_behind_a_name_are_the_formulas_own() -> None:
    real, fake = torch.tensor([2.0]), torch.tensor([1.0])
    terms = objective("least-squares=-1,3,0.5").critic_terms(real, fake)
    assert (terms["real"].item(), terms["fake"].item()) == (0.5, 2.0)  # ½ (2 − 3)², ½ (1 + 1)²
    generator = objective("least-squares=-1,3,0.5").for_generator(fake)
    assert generator["adversarial"].item() == 0.125  # ½ (1 − 0.5)²
    assert objective("ebgan=2.5").at_rest == 2.5
    assert not objective("least-squares=1,0,0").higher_is_real


def test_a_name_without_its_number_is_the_usual_case() -> None:
    real, fake = torch.randn(2, 5)
    for name, spelt in (
        ("least-squares", "least-squares=0,1,1"),
        ("least-squares:pearson", "least-squares=-1,1,0"),
        ("ebgan", "ebgan=1"),
        ("fgan:weighted-js", "fgan:weighted-js=0.5"),
    ):
        for one, other in zip(
            objective(name).critic_terms(real, fake).values(),
            objective(spelt).critic_terms(real, fake).values(),
            strict=True,
        ):
            torch.testing.assert_close(one, other)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fgan:alpha", r"fgan:alpha needs 1 number after.*--set objective=fgan:alpha=0\.5"),
        ("fgan:alpha=", r"needs 1 number"),
        ("fgan:alpha=half", r"needs 1 number"),
        ("fgan:alpha=0.5:non-saturating", r"needs 1 number"),
        ("least-squares=0,1", r"needs 3 numbers.*objective=least-squares=0,1,1"),
        ("least-squares=1,1,1", r"a=1, b=1, c=1.*differ"),
        ("least-squares=0,nan,1", r"finite"),
        ("ebgan=-1", r"above 0"),
        ("hinge=2", r"hinge takes no numbers: leave out =2"),
        ("fgan:kl=1", r"fgan:kl takes no numbers"),
        ("fgan:k", r"nobody has written yet.*mean fgan:kl\?"),
        ("relativistic-avergae", r"mean relativistic-average\?"),
        ("fgan", r"Choose one of .*fgan:alpha"),
        ("", r"Choose one of"),
    ],
)
def test_a_name_that_cannot_be_played_is_refused_with_one_that_can(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        objective(name)
