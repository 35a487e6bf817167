from __future__ import annotations

import math

import pytest
import torch

from progan.core.errors import ConfigError
from progan.objectives.energy import (
    energy_of_score,
    margin_critic,
    margin_generator,
    margin_of_scores,
    pulling_away,
)
from progan.objectives.record import total

CODES = torch.tensor([[3.0, 4.0], [4.0, -3.0], [1.0, 0.0]], dtype=torch.float64)


def test_the_margin_game_of_four_energies_is_as_worked_out_by_hand() -> None:
    """Reals 1 and 3; fakes 2 and 14 against a margin of 10: (8 + 0)/2."""
    terms = margin_critic(torch.tensor([1.0, 3.0]), torch.tensor([2.0, 14.0]), 10.0)
    assert terms["real"].item() == 2.0
    assert terms["fake"].item() == 4.0
    assert margin_generator(torch.tensor([2.0, 14.0]))["adversarial"].item() == 8.0


def test_the_hinge_is_taken_sample_by_sample() -> None:
    """Energies 0 and 20 have the mean of the margin, 10: a hinge of the mean would cost nothing."""
    fake = torch.tensor([0.0, 20.0], requires_grad=True)
    cost = margin_critic(torch.zeros(2), fake, 10.0)["fake"]
    assert cost.item() == 5.0
    (slope,) = torch.autograd.grad(cost, fake)
    assert slope.tolist() == [-0.5, 0.0]  # only the fake below the margin is pushed up


def test_energies_of_reals_have_no_margin() -> None:
    real = torch.tensor([50.0], requires_grad=True)
    cost = margin_critic(real, torch.tensor([50.0]), 10.0)["real"]
    assert torch.autograd.grad(cost, real)[0].item() == 1.0


def test_pulling_away_of_three_codes_is_as_worked_out_by_hand() -> None:
    """Cosines 0, 3/5 and 4/5: two of each, 2 (0 + 9/25 + 16/25) / 6 = 1/3."""
    assert pulling_away(CODES).item() == pytest.approx(1 / 3, rel=1e-12)


@pytest.mark.parametrize("n", [2, 4, 32])
def test_pulling_away_is_1_for_one_direction_and_0_for_orthogonal_ones(n: int) -> None:
    lengths = torch.arange(1.0, n + 1)[:, None]
    assert pulling_away(lengths * torch.ones(n, 5)).item() == pytest.approx(1.0, rel=1e-6)
    assert pulling_away(lengths * torch.eye(n)).item() == 0.0


def test_pulling_away_sees_neither_lengths_nor_signs() -> None:
    expected = pulling_away(CODES)
    scaled = CODES * torch.tensor([[0.01], [7.0], [300.0]])
    flipped = CODES * torch.tensor([[1.0], [-1.0], [-1.0]])
    torch.testing.assert_close(pulling_away(scaled), expected)
    torch.testing.assert_close(pulling_away(flipped), expected)


def test_pulling_away_of_one_code_or_of_none_is_zero_and_passes_back_zero() -> None:
    code = torch.ones(1, 3, requires_grad=True)
    found = pulling_away(code)
    (slope,) = torch.autograd.grad(found, code)
    assert found.item() == 0.0
    assert torch.equal(slope, torch.zeros(1, 3))
    assert pulling_away(torch.zeros(4, 3)).item() == 0.0


def test_gradients_of_pulling_away_are_those_of_finite_differences_in_float64() -> None:
    codes = CODES.clone().requires_grad_()
    assert torch.autograd.gradcheck(pulling_away, codes)


def test_pulling_away_of_half_precision_codes_is_computed_in_float32() -> None:
    codes = torch.tensor([[300.0, 400.0], [400.0, 300.0]], dtype=torch.float16)  # 500² overflows
    assert pulling_away(codes).item() == pytest.approx((24 / 25) ** 2, rel=1e-6)


def test_pulling_away_stays_in_float32_where_products_are_taken_in_bfloat16() -> None:
    codes = torch.tensor([[300.0, 400.0], [400.0, 300.0]])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = pulling_away(codes)
    assert found.item() == pytest.approx((24 / 25) ** 2, rel=1e-6)  # bfloat16 keeps 8 bits


def test_an_energy_of_a_score_is_positive_and_falls_as_the_score_rises() -> None:
    energy = energy_of_score(torch.linspace(-50, 50, 101, dtype=torch.float64))
    assert (energy > 0).all()
    assert (energy.diff() < 0).all()
    assert energy_of_score(torch.zeros(1)).item() == pytest.approx(math.log(2))


@pytest.mark.parametrize("margin", [0.1, 1.0, 20.0])
def test_the_border_of_a_margin_game_is_where_the_energy_is_half_the_margin(margin: float) -> None:
    border = torch.tensor([margin_of_scores(margin).border], dtype=torch.float64)
    assert energy_of_score(border).item() == pytest.approx(margin / 2, rel=1e-6)


def test_with_nothing_to_tell_apart_the_margin_game_rests_at_the_margin() -> None:
    """Any energy up to the margin costs E + (m − E) = m; above, more."""
    game = margin_of_scores(3.0)
    assert game.at_rest == 3.0
    for energy, expected in ((0.5, 3.0), (3.0, 3.0), (5.0, 5.0)):
        score = torch.tensor([-math.log(math.expm1(energy))])
        assert total(game.critic_terms(score, score)).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("margin", [0.0, -1.0, math.nan, math.inf])
def test_a_margin_that_is_no_positive_number_is_refused(margin: float) -> None:
    with pytest.raises(ConfigError, match=r"above 0.*ebgan=1"):
        margin_of_scores(margin)
