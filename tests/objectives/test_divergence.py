"""f-divergences: each closed form against brute force, and against each other."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from progan.core.errors import ConfigError
from progan.objectives.divergence import (
    DIVERGENCES,
    Divergence,
    alpha_divergence,
    f_gan,
    weighted_js,
)
from progan.objectives.record import total
from progan.objectives.table import objective

ALL: dict[str, Divergence] = {
    **DIVERGENCES,
    **{f"weighted-js={w}": weighted_js(w) for w in (0.3, 0.5, 0.8)},
    **{f"alpha={a}": alpha_divergence(a) for a in (-1.0, 0.5, 2.0, 3.0)},
}
U = torch.logspace(-2, 2, 41, dtype=torch.float64)
V = torch.linspace(-4, 4, 33, dtype=torch.float64)
PAPERS_OWN = {"pearson": lambda u: 2 * (u - 1), "neyman": lambda u: 2 * u.log()}
"""Where v is not log u, for the sake of training; alpha is treated apart."""


def best(name: str, u: Tensor) -> Tensor:
    """The v at which T(v) = f'(u)."""
    if name in PAPERS_OWN:
        return PAPERS_OWN[name](u)
    kind, _, number = name.partition("=")
    if kind == "alpha":
        alpha = float(number)
        return max(1.0, abs(alpha), abs(alpha - 1)) * u.log()
    return u.log()


@pytest.mark.parametrize("name", ALL)
def test_f_is_convex_and_smooth_and_its_slope_is_the_one_written(name: str) -> None:
    f = ALL[name]
    u = U.clone().requires_grad_()
    value = f.f(u)
    (slope,) = torch.autograd.grad(value.sum(), u)
    smooth = u != 1 if name == "total-variation" else torch.ones_like(u, dtype=torch.bool)
    torch.testing.assert_close(slope[smooth], f.slope(U)[smooth], rtol=1e-9, atol=1e-10)
    assert (f.slope(U).diff() >= 0).all()
    assert f.f(torch.ones(1, dtype=torch.float64)).item() == pytest.approx(
        -math.log(4) if name == "gan" else 0.0, abs=1e-15
    )


@pytest.mark.parametrize("name", ALL)
def test_conjugate_is_the_supremum_of_ut_minus_f(name: str) -> None:
    """Brute force over 40,001 values of u, for the t at which the best u lies well among them."""
    f = ALL[name]
    u = torch.logspace(-5, 5, 40_001, dtype=torch.float64)
    ratios = torch.logspace(-1.5, 1.5, 13, dtype=torch.float64)
    t = (
        torch.linspace(-0.5, 0.5, 13, dtype=torch.float64)
        if name == "total-variation"
        else f.slope(ratios)
    )
    found = torch.stack([(u * each - f.f(u)).max() for each in t])
    torch.testing.assert_close(found, f.conjugate(t), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_c_is_the_conjugate_of_t_wherever_both_can_be_computed(name: str) -> None:
    f = ALL[name]
    torch.testing.assert_close(f.conjugate_bound(V), f.conjugate(f.bound(V)), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", [name for name in ALL if name != "total-variation"])
def test_t_at_the_best_v_is_the_slope_of_f_and_c_is_u_times_it_minus_f(name: str) -> None:
    f, v = ALL[name], best(name, U)
    torch.testing.assert_close(f.bound(v), f.slope(U), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(f.conjugate_bound(v), U * f.slope(U) - f.f(U), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("name", ALL)
def test_t_rises_and_passes_the_slope_of_f_at_1_where_v_is_0(name: str) -> None:
    f, zero = ALL[name], torch.zeros(1, dtype=torch.float64)
    assert (f.bound(V).diff() > 0).all()
    torch.testing.assert_close(f.bound(zero), f.slope(zero + 1), rtol=0, atol=1e-15)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("v", [-60.0, 60.0])
def test_t_and_c_are_finite_in_float32_at_plus_and_minus_60(name: str, v: float) -> None:
    value = torch.tensor([v], requires_grad=True)
    for form in (ALL[name].bound, ALL[name].conjugate_bound):
        (slope,) = torch.autograd.grad(form(value).sum(), value)
        assert form(value).isfinite().all()
        assert slope.isfinite().all()


def test_pearsons_quadratic_is_never_below_the_conjugate_left_of_its_domain() -> None:
    """For t < −2 the supremum lies at u = 0 and is −1; t²/4 + t = (t/2 + 1)² − 1 is above it."""
    f, v = DIVERGENCES["pearson"], torch.linspace(-10, -2, 9, dtype=torch.float64)
    assert (f.conjugate_bound(v) >= -1).all()


# one row as another's limit or double


def assert_same_game(one: Divergence, other: Divergence, factor: float = 1.0) -> None:
    torch.testing.assert_close(one.bound(V), factor * other.bound(V), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(
        one.conjugate_bound(V), factor * other.conjugate_bound(V), rtol=1e-9, atol=1e-9
    )


def test_the_row_gan_is_the_minimax_game_number_by_number() -> None:
    real, fake = torch.randn(2, 50, dtype=torch.float64) * 3
    for name, twin in (
        ("fgan:gan", "minimax"),
        ("fgan:gan:non-saturating", "non-saturating"),
    ):
        ours, theirs = objective(name), objective(twin)
        for mine, other in (
            (ours.critic_terms(real, fake), theirs.critic_terms(real, fake)),
            (ours.for_generator(fake), theirs.for_generator(fake)),
        ):
            assert mine.keys() == other.keys()
            for key in mine:
                torch.testing.assert_close(mine[key], other[key], rtol=1e-12, atol=0)


def test_js_is_gan_moved_by_log_2_and_twice_the_weighted_one_at_one_half() -> None:
    js, gan, log2 = DIVERGENCES["js"], DIVERGENCES["gan"], math.log(2)
    torch.testing.assert_close(js.bound(V), gan.bound(V) + log2)
    torch.testing.assert_close(js.conjugate_bound(V), gan.conjugate_bound(V) - log2)
    assert_same_game(js, weighted_js(0.5), factor=2.0)


def test_jeffrey_is_kl_both_ways_at_the_best_critic() -> None:
    jeffrey, kl, reverse = (DIVERGENCES[name] for name in ("jeffrey", "kl", "reverse-kl"))
    torch.testing.assert_close(jeffrey.f(U), kl.f(U) + reverse.f(U))
    torch.testing.assert_close(jeffrey.bound(V), kl.bound(V) + reverse.bound(V))


def test_alpha_joins_hellinger_neyman_pearson_and_both_kls() -> None:
    assert_same_game(alpha_divergence(0.5), DIVERGENCES["hellinger"], factor=2.0)
    assert_same_game(DIVERGENCES["neyman"], alpha_divergence(-1.0), factor=2.0)
    torch.testing.assert_close(DIVERGENCES["pearson"].f(U), 2 * alpha_divergence(2.0).f(U))
    for limit, name, shift in ((1.0, "kl", 1.0), (0.0, "reverse-kl", -1.0)):
        near, there = alpha_divergence(limit + 1e-7), DIVERGENCES[name]
        # f differs by u − 1 times a constant, which no distance sees and which moves T alone.
        torch.testing.assert_close(near.bound(V) + shift, there.bound(V), rtol=1e-5, atol=1e-5)


# distances of discrete distributions, by hand


@pytest.mark.parametrize(
    ("name", "value"),
    [
        # P = (1/2, 1/2), Q = (1/4, 3/4): u = 2, 2/3
        ("kl", 0.5 * math.log(2) + 0.5 * math.log(2 / 3)),
        ("reverse-kl", 0.25 * math.log(1 / 2) + 0.75 * math.log(3 / 2)),
        ("pearson", (1 / 4) ** 2 / (1 / 4) + (1 / 4) ** 2 / (3 / 4)),
        ("neyman", (1 / 4) ** 2 / (1 / 2) + (1 / 4) ** 2 / (1 / 2)),
        ("hellinger", 2 - 2 * (math.sqrt(1 / 8) + math.sqrt(3 / 8))),
        ("jeffrey", 0.25 * math.log(2) + 0.25 * math.log(3 / 2)),
        ("total-variation", 1 / 4),
        ("alpha=2.0", 1 / 6),
        ("alpha=-1.0", 1 / 8),
        # M = (3/8, 5/8)
        (
            "js",
            0.5 * math.log(4 / 3)
            + 0.5 * math.log(4 / 5)
            + 0.25 * math.log(2 / 3)
            + 0.75 * math.log(6 / 5),
        ),
        # M = 0.3 P + 0.7 Q = (0.325, 0.675)
        (
            "weighted-js=0.3",
            0.3 * (0.5 * math.log(0.5 / 0.325) + 0.5 * math.log(0.5 / 0.675))
            + 0.7 * (0.25 * math.log(0.25 / 0.325) + 0.75 * math.log(0.75 / 0.675)),
        ),
    ],
)
def test_the_distance_of_two_coins_is_as_worked_out_by_hand(name: str, value: float) -> None:
    p, q = torch.tensor([[0.5, 0.5], [0.25, 0.75]], dtype=torch.float64)
    f = ALL[name]
    assert (q * f.f(p / q)).sum().item() == pytest.approx(value, rel=1e-12)
    v = best(name, p / q) if name != "total-variation" else 40 * (p / q).log()
    bound = (p * f.bound(v)).sum() - (q * f.conjugate_bound(v)).sum()
    assert bound.item() == pytest.approx(value, rel=1e-9)  # tight at the best critic


@pytest.mark.parametrize("name", ALL)
def test_no_critic_lifts_the_bound_above_the_distance(name: str) -> None:
    rng = np.random.default_rng(0)
    f = ALL[name]
    for _ in range(50):
        p, q, v = torch.from_numpy(np.stack([*rng.dirichlet(np.ones(5), 2), rng.normal(0, 2, 5)]))
        p, q = p + 1e-3, q + 1e-3
        p, q = p / p.sum(), q / q.sum()
        distance = (q * f.f(p / q)).sum()
        bound = (p * f.bound(v)).sum() - (q * f.conjugate_bound(v)).sum()
        assert bound <= distance + 1e-12


def test_the_estimate_is_the_bound_over_samples_and_the_critic_loses_its_opposite() -> None:
    real, fake = torch.randn(2, 9, dtype=torch.float64)
    for name, f in ALL.items():
        game: Any = f_gan(f)
        estimate = game.estimate(real, fake)
        torch.testing.assert_close(estimate, f.bound(real).mean() - f.conjugate_bound(fake).mean())
        torch.testing.assert_close(estimate, -total(game.critic_terms(real, fake)), msg=name)


@pytest.mark.parametrize("weight", [0.0, 1.0, -0.1, 1.5, math.nan])
def test_a_weight_outside_0_to_1_is_refused_with_one_inside(weight: float) -> None:
    with pytest.raises(ConfigError, match=r"between 0 and 1.*weighted-js=0\.3"):
        weighted_js(weight)


@pytest.mark.parametrize("alpha", [0.0, 1.0, 9.0, math.inf, math.nan])
def test_an_alpha_that_is_a_limit_or_too_large_is_refused(alpha: float) -> None:
    with pytest.raises(ConfigError, match=r"fgan:reverse-kl at 0 and fgan:kl at 1"):
        alpha_divergence(alpha)
