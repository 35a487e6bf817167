"""Every objective, against the formula of its paper written once more in numpy, in float64.

Nothing here is written as the package writes it: probabilities are probabilities, conjugates are
composed with T, and T is the paper's f' at e^v.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from progan.objectives.record import total
from progan.objectives.table import OBJECTIVES, objective

Array = Any
Formula = Callable[[Array, Array], float]

RNG = np.random.default_rng(0)
REAL, FAKE = RNG.normal(0.4, 1.5, 7), RNG.normal(-0.3, 1.5, 7)


def sigmoid(s: Array) -> Array:
    return 1 / (1 + np.exp(-s))


def clipped(d: Array) -> Array:
    return np.maximum(0, d)


def bce(r: Array, f: Array) -> float:
    return -np.log(sigmoid(r)).mean() - np.log(1 - sigmoid(f)).mean()


def rising(f: Array, r: Array) -> float:
    return -f.mean()


def pairs(loss: Callable[[Array], Array]) -> tuple[Formula, Formula]:
    return lambda r, f: loss(r - f).mean(), lambda f, r: loss(f - r).mean()


def averages(real: Callable[[Array], Array], fake: Callable[[Array], Array]) -> Any:
    """Both sides as Jolicoeur-Martineau prints them: `real` of what should be high, `fake` low."""
    return (
        lambda r, f: real(r - f.mean()).mean() + fake(f - r.mean()).mean(),
        lambda f, r: real(f - r.mean()).mean() + fake(r - f.mean()).mean(),
    )


def energy(s: Array) -> Array:
    return np.log1p(np.exp(-s))


def dual(t: Callable[[Array], Array], conjugate: Callable[[Array], Array]) -> Any:
    """The two players of f-GAN, and the generator that does not saturate."""
    return (
        lambda r, f: -t(r).mean() + conjugate(t(f)).mean(),
        lambda f, r: -conjugate(t(f)).mean(),
        lambda f, r: -t(f).mean(),
    )


def lambert(x: Array) -> Array:
    """The root of w e^w = x by halving, as far as float64 goes."""
    low, high = np.zeros_like(x), np.log1p(x) + 1
    for _ in range(200):
        middle = (low + high) / 2
        below = middle * np.exp(middle) < x
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2


def jeffrey_conjugate(t: Array) -> Array:
    w = lambert(np.exp(1 - t))
    return w + 1 / w + t - 2


F_GANS: dict[str, tuple[Formula, Formula, Formula]] = {
    # name: T at v, f* at t; both from the table of Nowozin et al. with u = e^v
    "kl": dual(lambda v: 1 + v, lambda t: np.exp(t - 1)),
    "reverse-kl": dual(lambda v: -1 / np.exp(v), lambda t: -1 - np.log(-t)),
    "pearson": dual(lambda v: v, lambda t: t**2 / 4 + t),
    "neyman": dual(lambda v: 1 - np.exp(-v), lambda t: 2 - 2 * np.sqrt(1 - t)),
    "hellinger": dual(lambda v: 1 - np.exp(v) ** -0.5, lambda t: t / (1 - t)),
    "jeffrey": dual(lambda v: 1 - 1 / np.exp(v) + v, jeffrey_conjugate),
    "js": dual(lambda v: np.log(2 * sigmoid(v)), lambda t: -np.log(2 - np.exp(t))),
    "gan": dual(lambda v: np.log(sigmoid(v)), lambda t: -np.log(1 - np.exp(t))),
    "total-variation": dual(lambda v: np.tanh(v) / 2, lambda t: t),
    "weighted-js": dual(
        lambda v: 0.5 * np.log(np.exp(v) / (0.5 + 0.5 * np.exp(v))),
        lambda t: 0.5 * np.log(0.5 / (1 - 0.5 * np.exp(2 * t))),
    ),
}

FORMULAS: dict[str, tuple[Formula, Formula]] = {
    "wasserstein": (lambda r, f: f.mean() - r.mean(), rising),
    "minimax": (bce, lambda f, r: np.log(1 - sigmoid(f)).mean()),
    "non-saturating": (bce, lambda f, r: -np.log(sigmoid(f)).mean()),
    "least-squares": (
        lambda r, f: ((r - 1) ** 2).mean() / 2 + (f**2).mean() / 2,
        lambda f, r: ((f - 1) ** 2).mean() / 2,
    ),
    "least-squares:pearson": (
        lambda r, f: ((r - 1) ** 2).mean() / 2 + ((f + 1) ** 2).mean() / 2,
        lambda f, r: (f**2).mean() / 2,
    ),
    "reversed-least-squares": (
        lambda r, f: (r**2).mean() + ((f - 1) ** 2).mean() / 10,
        lambda f, r: (f**2).mean(),
    ),
    "hinge": (lambda r, f: clipped(1 - r).mean() + clipped(1 + f).mean(), rising),
    "relativistic": pairs(lambda d: -np.log(sigmoid(d))),
    "relativistic:least-squares": pairs(lambda d: (d - 1) ** 2),
    "relativistic:hinge": pairs(lambda d: clipped(1 - d)),
    "relativistic-average": averages(
        lambda d: -np.log(sigmoid(d)), lambda d: -np.log(1 - sigmoid(d))
    ),
    "relativistic-average:least-squares": averages(lambda d: (d - 1) ** 2, lambda d: (d + 1) ** 2),
    "relativistic-average:hinge": averages(lambda d: clipped(1 - d), lambda d: clipped(1 + d)),
    "ebgan": (
        lambda r, f: energy(r).mean() + clipped(1 - energy(f)).mean(),
        lambda f, r: energy(f).mean(),
    ),
    **{f"fgan:{name}": (players[0], players[1]) for name, players in F_GANS.items()},
    **{f"fgan:{name}:non-saturating": (p[0], p[2]) for name, p in F_GANS.items()},
    # with numbers
    "least-squares=-1,3,0.5": (
        lambda r, f: ((r - 3) ** 2).mean() / 2 + ((f + 1) ** 2).mean() / 2,
        lambda f, r: ((f - 0.5) ** 2).mean() / 2,
    ),
    "ebgan=0.3": (
        lambda r, f: energy(r).mean() + clipped(0.3 - energy(f)).mean(),
        lambda f, r: energy(f).mean(),
    ),
    "fgan:weighted-js=0.2": dual(
        lambda v: 0.2 * np.log(np.exp(v) / (0.8 + 0.2 * np.exp(v))),
        lambda t: 0.8 * np.log(0.8 / (1 - 0.2 * np.exp(t / 0.2))),
    )[:2],
    "fgan:alpha=0.5": dual(  # f* = ((1 − t/2)^(α/(α − 1)) − 1)/α with α/(α − 1) = −1
        lambda v: (np.exp(v) ** -0.5 - 1) / -0.5, lambda t: 2 / (1 - t / 2) - 2
    )[:2],
    "fgan:alpha=3": dual(  # v is three times the logarithm of the ratio
        lambda v: (np.exp(v / 3) ** 2 - 1) / 2, lambda t: ((2 * t + 1) ** 1.5 - 1) / 3
    )[:2],
}


def test_every_objective_has_its_formula_here() -> None:
    assert set(OBJECTIVES) <= set(FORMULAS)


@pytest.mark.parametrize("name", FORMULAS)
def test_both_players_lower_what_their_paper_prints(name: str) -> None:
    game, (critic, generator) = objective(name), FORMULAS[name]
    real, fake = torch.from_numpy(REAL), torch.from_numpy(FAKE)
    found = total(game.critic_terms(real, fake))
    assert found.item() == pytest.approx(critic(REAL, FAKE), rel=1e-9)
    found = total(game.for_generator(fake, real if game.relative else None))
    assert found.item() == pytest.approx(generator(FAKE, REAL), rel=1e-9)


@pytest.mark.parametrize("name", FORMULAS)
def test_gradients_of_both_players_are_those_of_finite_differences(name: str) -> None:
    game = objective(name)
    real = torch.from_numpy(REAL).requires_grad_()
    fake = torch.from_numpy(FAKE).requires_grad_()
    assert torch.autograd.gradcheck(lambda r, f: total(game.critic_terms(r, f)), (real, fake))
    assert torch.autograd.gradcheck(lambda r, f: total(game.for_generator(f, r)), (real, fake))


@pytest.mark.parametrize("name", FORMULAS)
def test_an_objective_is_finite_in_float32_however_sure_the_critic_is(name: str) -> None:
    game = objective(name)
    for real, fake in ((60.0, -60.0), (-60.0, 60.0)):
        scores = torch.tensor([real]).requires_grad_(), torch.tensor([fake]).requires_grad_()
        losses = total(game.critic_terms(*scores)), total(game.for_generator(*reversed(scores)))
        for loss in losses:
            assert loss.isfinite()
            for gradient in torch.autograd.grad(loss, scores, allow_unused=True):
                assert gradient is None or gradient.isfinite().all()


# where the generator stands when the critic is sure


def slope_at(name: str, score: float) -> float:
    fake = torch.tensor([score], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(total(objective(name).for_generator(fake)), fake)
    return slope.item()


def test_minimax_fades_and_non_saturating_does_not_where_fakes_score_minus_10() -> None:
    minimax, ours = slope_at("minimax", -10.0), slope_at("non-saturating", -10.0)
    assert minimax == pytest.approx(-1 / (1 + math.exp(10)), rel=1e-9)  # −σ(−10)
    assert minimax == pytest.approx(-4.5e-5, rel=0.01)
    assert ours == pytest.approx(-0.99995, abs=5e-6)  # −(1 − σ(−10))


def test_at_an_undecided_critic_both_generators_move_alike() -> None:
    """−σ(0) and −(1 − σ(0)): half the way each."""
    assert slope_at("minimax", 0.0) == slope_at("non-saturating", 0.0) == -0.5


def test_the_critic_of_minimax_has_no_slope_where_real_and_fake_are_one_distribution() -> None:
    """With a = 0 everywhere, a change δ of the score costs −½ δ on reals and +½ δ on fakes."""
    score = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(total(objective("minimax").critic_terms(score, score)), score)
    assert torch.equal(slope, torch.zeros_like(slope))


def test_the_slope_of_the_log_trick_is_steep_where_the_saturating_one_is_flat() -> None:
    """KL: C' = e^v against T' = 1; at v = −10 the first is 4.5e-5 of the second."""
    assert slope_at("fgan:kl", -10.0) == pytest.approx(-math.exp(-10), rel=1e-9)
    assert slope_at("fgan:kl:non-saturating", -10.0) == -1.0


def test_hinge_forgives_each_sample_beyond_its_margin_and_no_other() -> None:
    """Reals at 3 and −1: max(0, −2) and max(0, 2), on average 1. A hinge of the mean gives 0."""
    terms = objective("hinge").critic_terms(torch.tensor([3.0, -1.0]), torch.tensor([-5.0, 1.0]))
    assert terms["real"].item() == 1.0
    assert terms["fake"].item() == 1.0  # max(0, −4) and max(0, 2)


def test_a_pair_of_relativistic_scores_is_as_worked_out_by_hand() -> None:
    """Reals 2, 0 against fakes 1, −1: leads of 1 and 1; from the means (1 and 0) 2, 0 and 0, 2."""
    real, fake = torch.tensor([2.0, 0.0]), torch.tensor([1.0, -1.0])

    def critic(name: str) -> float:
        return total(objective(name).critic_terms(real, fake)).item()

    assert critic("relativistic:least-squares") == 0.0
    assert critic("relativistic:hinge") == 0.0
    assert critic("relativistic") == pytest.approx(math.log(1 + math.exp(-1)))
    assert critic("relativistic-average:least-squares") == 2.0  # (1 + 1)/2 + (1 + 1)/2
    assert critic("relativistic-average:hinge") == 1.0  # (0 + 1)/2 + (1 + 0)/2
    generator = objective("relativistic:least-squares").for_generator(fake, real)
    assert total(generator).item() == 4.0  # (−1 − 1)²


def test_a_relativistic_game_sees_only_differences() -> None:
    real, fake = torch.from_numpy(REAL), torch.from_numpy(FAKE)
    for name, game in OBJECTIVES.items():
        if game.relative:
            here = total(game.critic_terms(real, fake))
            there = total(game.critic_terms(real + 5, fake + 5))
            torch.testing.assert_close(here, there, msg=name)


def test_samples_from_the_prior_are_fakes_beside_reconstructions() -> None:
    """VAE-GAN's discriminator: −log D(x) − log(1 − D(G(E(x)))) − log(1 − D(G(z)))."""
    game, real, recon = objective("minimax"), torch.zeros(4), torch.zeros(4)
    prior = torch.tensor([2.0, 2.0, 2.0, 2.0], requires_grad=True)
    terms = game.against(real, reconstruction=(recon, 1.0), prior=(prior, 1.0))
    assert list(terms) == ["real", "reconstruction", "prior"]
    # log 2 + log 2 + log(1 + e²); without the prior's term it would be 2 log 2
    loss = total(terms)
    assert float(loss.detach()) == pytest.approx(
        2 * math.log(2) + math.log1p(math.exp(2)), rel=1e-6
    )
    (slope,) = torch.autograd.grad(loss, prior)
    assert float(slope.sum()) == pytest.approx(1 / (1 + math.exp(-2)), rel=1e-6)


def test_a_kind_of_fakes_without_samples_costs_nothing() -> None:
    real, fake = torch.tensor([0.3, -1.0]), torch.tensor([1.0, -2.0])
    game = objective("hinge")
    terms = game.against(real, fake=(fake, 0.5), wrong=(torch.zeros(0), 0.5))
    plain = game.critic_terms(real, fake)
    assert float(terms["wrong"]) == 0.0
    assert float(terms["fake"]) == float(plain["fake"]) / 2
    assert float(terms["real"]) == float(plain["real"])
