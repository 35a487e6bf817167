from __future__ import annotations

import math

import pytest
import torch

from progan.core.errors import ConfigError
from progan.objectives.table import OBJECTIVES, objective

LOG2 = math.log(2.0)
REAL, FAKE = torch.tensor([2.0, 4.0]), torch.tensor([-1.0, 3.0])


@pytest.mark.parametrize(
    ("name", "real", "fake", "generator"),
    [
        # means 3 and 1
        ("wasserstein", -3.0, 1.0, -1.0),
        # ½(1 + 9)/2, ½(1 + 9)/2, ½(4 + 4)/2
        ("least-squares", 2.5, 2.5, 2.0),
        # (4 + 16)/2, 0.1 (4 + 4)/2, (1 + 9)/2
        ("reversed-least-squares", 10.0, 0.4, 5.0),
        # reals are beyond the margin; (0 + 4)/2
        ("hinge", 0.0, 2.0, -1.0),
    ],
)
def test_terms_of_four_scores_are_as_worked_out_by_hand(
    name: str, real: float, fake: float, generator: float
) -> None:
    terms = objective(name).critic_terms(REAL, FAKE)
    assert terms["real"].item() == pytest.approx(real)
    assert terms["fake"].item() == pytest.approx(fake)
    assert objective(name).generator_terms(FAKE)["adversarial"].item() == pytest.approx(generator)


def test_an_undecided_discriminator_pays_log_2_for_each_side() -> None:
    zero = torch.zeros(3)
    for name in ("minimax", "non-saturating"):
        terms = objective(name).critic_terms(zero, zero)
        assert terms["real"].item() == pytest.approx(LOG2)
        assert terms["fake"].item() == pytest.approx(LOG2)
    assert objective("minimax").generator_terms(zero)["adversarial"].item() == pytest.approx(-LOG2)
    assert objective("non-saturating").generator_terms(zero)["adversarial"].item() == pytest.approx(
        LOG2
    )


def test_only_minimax_loses_its_slope_where_the_discriminator_is_sure() -> None:
    slopes = {}
    for name in ("minimax", "non-saturating"):
        score = torch.tensor([-20.0], requires_grad=True)
        objective(name).generator_terms(score)["adversarial"].backward()
        assert score.grad is not None
        slopes[name] = score.grad.item()
    assert slopes["minimax"] == pytest.approx(0.0, abs=1e-8)
    assert slopes["non-saturating"] == pytest.approx(-1.0)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_generator_moves_fakes_to_where_the_critic_wants_reals(name: str) -> None:
    game = OBJECTIVES[name]
    far = game.border + (-1.5 if game.higher_is_real else 1.5)  # on the wrong side
    score = torch.tensor([far], requires_grad=True)
    game.for_generator(score, torch.tensor([game.border]))["adversarial"].backward()
    assert score.grad is not None
    assert (score.grad.item() < 0) == game.higher_is_real


def test_an_unknown_objective_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"'wgan'.*wasserstein, non-saturating"):
        objective("wgan")
