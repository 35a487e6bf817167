"""What the best critic knows, in closed form; and that small critics, trained, come to it.

Reals are N(0, 1), fakes N(Δ, 1). The fast tests put the best critic in by hand and integrate. The
slow ones train what benchmarks/optima.py trains, whose table docs/objectives.md shows.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

import pages
from progan.objectives.divergence import DIVERGENCES, alpha_divergence, weighted_js
from progan.objectives.record import total
from progan.objectives.table import OBJECTIVES, objective


def load() -> Any:
    path = pages.ROOT / "benchmarks" / "optima.py"
    spec = importlib.util.spec_from_file_location("optima", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


optima = load()

Map = Callable[[Tensor], Tensor]


# By hand --------------------------------------------------------------------------------------


def best_score(name: str) -> Map:
    """The best critic's score, of the logarithm of the density ratio."""
    base, _, numbers = name.partition("=")
    if base.startswith("least-squares"):
        a, b = (-1.0, 1.0) if base.endswith("pearson") else (0.0, 1.0)
        return lambda r: a + (b - a) * r.sigmoid()
    if base == "hinge":
        return torch.sign
    if base == "ebgan":  # energy 0 where reals are likelier, the margin elsewhere
        return lambda r: torch.where(r > 0, 40.0, -math.log(math.expm1(1.0)))
    if base == "fgan:pearson":
        return lambda r: 2 * torch.expm1(r)
    if base == "fgan:neyman":
        return lambda r: 2 * r
    if base == "fgan:total-variation":
        return lambda r: 40 * r.sign()
    if base == "fgan:alpha":
        alpha = float(numbers)
        return lambda r: max(1.0, abs(alpha), abs(alpha - 1)) * r
    return lambda r: r


def scores_of(score: Map, shift: float) -> tuple[Tensor, Tensor]:
    real, fake = optima.quantiles(0.0), optima.quantiles(shift)
    return score(optima.log_ratio(real, shift)), score(optima.log_ratio(fake, shift))


ESTIMATED = list(optima.EXACT)
CHI_SQUARES = ("fgan:pearson", "fgan:neyman", "fgan:alpha=2", "fgan:alpha=-1")


def test_every_objective_with_an_estimate_has_its_closed_form() -> None:
    games = {name: game for name, game in OBJECTIVES.items() if game.estimate is not None}
    plain = {name.removesuffix(":non-saturating") for name in games}
    assert plain - {"non-saturating", "wasserstein"} <= set(ESTIMATED)


@pytest.mark.parametrize("name", ESTIMATED)
@pytest.mark.parametrize("shift", [0.5, 1.0, 2.0])
def test_an_estimate_is_tight_at_the_best_critic(name: str, shift: float) -> None:
    if name in CHI_SQUARES:
        shift /= 4  # ∫ p²/q lives in tails, which 100,000 quantiles reach no further
    game = objective(name)
    assert game.estimate is not None
    found = game.estimate(*scores_of(best_score(name), shift)).item()
    assert found == pytest.approx(optima.EXACT[name][1](shift), rel=2e-3)


@pytest.mark.parametrize("name", ESTIMATED)
def test_an_estimate_of_any_other_critic_lies_below(name: str) -> None:
    """Best critics bent by waves, tilted, scaled, moved, or replaced by something unrelated."""
    game, best = objective(name), best_score(name)
    assert game.estimate is not None
    exact = optima.EXACT[name][1](0.5)
    others: list[Map] = [
        lambda r: best(r) + 0.5 * torch.sin(3 * r),
        lambda r: best(r) + 0.3 * r,
        lambda r: 0.5 * best(r),
        lambda r: 1.5 * best(r),
        lambda r: best(r) - 0.4,
        lambda r: best(-r),
        lambda r: torch.cos(5 * r),
        torch.zeros_like,
    ]
    tightest = game.estimate(*scores_of(best, 0.5)).item()
    for other in others:
        found = game.estimate(*scores_of(other, 0.5)).item()
        assert found <= exact + 2e-4
        assert found <= tightest + 1e-6


@pytest.mark.parametrize(
    ("name", "shift", "value"),
    [
        # log 4 − 2 JSD
        ("minimax", 1.0, 1.16345),
        ("minimax", 0.5, 1.32567),
        ("minimax", 2.0, 0.712633),
        # ½ ∫ pq/(p + q); with targets two apart, four times as much
        ("least-squares", 1.0, 0.198986),
        ("least-squares:pearson", 1.0, 4 * 0.198986),
        # 2 ∫ min(p, q), and m ∫ min(p, q)
        ("hinge", 1.0, 2 * 0.617075),
        ("ebgan", 1.0, 0.617075),
        ("ebgan", 2.0, 0.317311),
        # minus the divergence
        ("fgan:kl", 1.0, -0.5),
        ("fgan:reverse-kl", 1.0, -0.5),
        ("fgan:pearson", 0.5, -0.28403),  # 1 − e^(Δ²)
        ("fgan:neyman", 0.5, -0.28403),
        ("fgan:hellinger", 1.0, 2 * math.exp(-1 / 8) - 2),
        ("fgan:jeffrey", 1.0, -1.0),
        ("fgan:js", 1.0, -0.22284),
        ("fgan:gan", 1.0, 1.16345),
        ("fgan:weighted-js", 1.0, -0.111421),
        ("fgan:total-variation", 1.0, -0.382925),
    ],
)
def test_the_best_critic_loses_the_value_of_the_table(
    name: str, shift: float, value: float
) -> None:
    """Values by quadrature, made apart from this package."""
    loss = total(objective(name).critic_terms(*scores_of(best_score(name), shift)))
    assert loss.item() == pytest.approx(value, rel=2e-3 if name in CHI_SQUARES else 1e-4)


@pytest.mark.parametrize(
    ("f", "value"),
    [
        *((f, optima.EXACT[f"fgan:{name}"][1](1.0)) for name, f in DIVERGENCES.items()),
        (weighted_js(0.3), optima.jensen_shannon(1.0, 0.3)),
        (alpha_divergence(0.5), optima.alpha_divergence(1.0, 0.5)),
        (alpha_divergence(-1.0), optima.alpha_divergence(1.0, -1.0)),
    ],
)
def test_the_integral_of_q_f_of_p_over_q_is_the_distance_it_is_named_after(
    f: Any, value: float
) -> None:
    found = optima.integral(lambda p, q: q * f.f(p / q), 1.0)
    assert found == pytest.approx(value, rel=1e-6), f.words


def test_the_row_js_is_twice_the_jensen_shannon_divergence() -> None:
    """A table that prints JS with ½ before it, beside this f, is off by 2: the integral decides."""
    assert optima.jensen_shannon(1.0) == pytest.approx(0.111421, abs=1e-6)
    found = optima.integral(lambda p, q: q * DIVERGENCES["js"].f(p / q), 1.0)
    assert found == pytest.approx(0.222842, abs=1e-6)


def test_the_value_of_the_game_at_the_best_critic_needs_its_logarithms() -> None:
    """V(G, D*) = ∫ p log(p/(p + q)) + q log(q/(p + q)) = 2 JSD − 2 log 2. Without the logarithms
    it is ∫ (p² + q²)/(p + q): 1.20 at Δ = 1, and 1 where P = Q, in place of −log 4."""

    def with_logs(p: Tensor, q: Tensor) -> Tensor:
        return p * (p / (p + q)).log() + q * (q / (p + q)).log()

    def without(p: Tensor, q: Tensor) -> Tensor:
        return (p * p + q * q) / (p + q)

    for shift in (0.0, 1.0):
        value = 2 * optima.jensen_shannon(shift) - 2 * math.log(2)
        loss = total(objective("minimax").critic_terms(*scores_of(lambda r: r, shift)))
        assert loss.item() == pytest.approx(-value, rel=1e-5)
        assert optima.integral(with_logs, shift) == pytest.approx(value, rel=1e-6)
    assert optima.integral(without, 1.0) == pytest.approx(1.2041, abs=1e-4)
    assert optima.integral(without, 0.0) == pytest.approx(1.0)


def test_the_first_game_measures_jensen_shannon_and_not_kl() -> None:
    """At Δ = 1 the best critic of minimax estimates 0.111; KL is 0.5, and has its own game."""
    first, kl = objective("minimax"), objective("fgan:kl")
    assert first.estimate is not None
    assert kl.estimate is not None
    scores = scores_of(lambda r: r, 1.0)
    assert first.estimate(*scores).item() == pytest.approx(0.111421, rel=1e-4)
    assert kl.estimate(*scores).item() == pytest.approx(0.5, rel=1e-3)


def test_pearsons_coding_halves_what_it_is_named_after() -> None:
    """With targets (−1, 1, 0) E D*(x)² + E D*(x̃)² = ∫ (p − q)²/(p + q) = 0.4081 at Δ = 1."""
    real, fake = scores_of(best_score("least-squares:pearson"), 1.0)
    assert (real.square().mean() + fake.square().mean()).item() == pytest.approx(0.408109, rel=1e-4)


def test_a_linear_critic_of_wasserstein_measures_its_slope_times_the_shift() -> None:
    """s = −k x: the gap is k Δ, and W₁ of a shift is Δ."""
    game = objective("wasserstein")
    assert game.estimate is not None
    for slope, shift in ((1.0, 2.0), (3.0, 0.5)):
        real, fake = -slope * optima.quantiles(0.0), -slope * optima.quantiles(shift)
        assert game.estimate(real, fake).item() == pytest.approx(slope * shift)


@pytest.mark.parametrize("shift", [1.0, 2.0, 4.0])
@pytest.mark.parametrize(
    ("side", "exact"),
    [
        ("two", lambda shift: 1 + shift / 20),
        ("one", lambda shift: 1 + shift / 20),
        ("one-linear", lambda shift: 1.0),
    ],
)
def test_the_penalty_of_weight_10_leaves_the_best_slope_by_its_law(
    side: str, exact: Callable[[float], float], shift: float
) -> None:
    """Of slopes k the loss is −k Δ + 10 (k − 1)², lowest at k = 1 + Δ/20; with the linear penalty
    −k Δ + 10 max(0, k − 1), lowest at k = 1 as long as Δ < 10."""
    from progan.objectives.penalty import excess

    slopes = torch.linspace(0.5, 1.5, 1_001, dtype=torch.float64)
    loss = -slopes * shift + 10 * excess(slopes, side=side)  # type: ignore[arg-type]
    assert slopes[loss.argmin()].item() == pytest.approx(exact(shift), abs=1e-9)


@pytest.mark.parametrize("name", [n for n, g in OBJECTIVES.items() if g.relative])
def test_a_relativistic_critic_that_tells_nothing_apart_loses_its_rest(name: str) -> None:
    """And where fakes are as reals none loses less; one that shouts loses more."""
    game = OBJECTIVES[name]
    at_rest = game.at_rest
    assert at_rest is not None
    still = torch.full((100_000,), 0.7, dtype=torch.float64)
    assert total(game.critic_terms(still, still)).item() == pytest.approx(at_rest)
    x = optima.quantiles(0.0)
    shuffled = x[torch.randperm(len(x), generator=torch.Generator().manual_seed(0))]

    def loss(score: Map) -> float:
        return total(game.critic_terms(score(x), score(shuffled))).item()

    assert min(loss(torch.sin), loss(torch.tanh), loss(torch.cos)) > at_rest - 1e-9
    assert loss(lambda x: 3 * x) > at_rest + 0.1


def test_the_best_relativistic_critic_is_the_logarithm_of_the_density_ratio() -> None:
    """The pairs (real, fake) and (fake, real) have the ratio e^(r(x) − r(x̃)): a difference."""
    game, exact = objective("relativistic"), optima.pairs_told_apart(1.0)
    real, fake = scores_of(lambda r: r, 1.0)
    fake = fake[torch.randperm(len(fake), generator=torch.Generator().manual_seed(0))]
    best = total(game.critic_terms(real, fake)).item()
    assert best == pytest.approx(exact, rel=5e-3)
    for bend in (lambda r: 0.7 * r, lambda r: 1.3 * r, lambda r: r + torch.sin(2 * r)):
        assert total(game.critic_terms(bend(real), bend(fake))).item() > best


def test_on_reals_and_fakes_apart_minimax_has_no_slope_and_a_gentle_critic_has() -> None:
    """Fakes 20 away, told apart by a critic of slope 3 and by one of slope 1."""
    fake = torch.tensor([20.0], dtype=torch.float64, requires_grad=True)
    loss = total(objective("minimax").for_generator(3 * (10 - fake)))
    assert torch.autograd.grad(loss, fake)[0].abs().item() < 1e-10
    loss = total(objective("wasserstein").for_generator(10 - fake))
    assert torch.autograd.grad(loss, fake)[0].item() == 1.0


@pytest.mark.parametrize(
    ("name", "mean", "deviation"),
    [
        ("kl", 0.0, 2.1),  # P's own mean, and √(2² + 0.6²) = 2.09: zero-avoiding
        ("reverse-kl", 2.0, 0.6),  # one mode of the two, and its width: zero-forcing
    ],
)
def test_the_normal_nearest_to_two_modes_is_wide_by_kl_and_narrow_by_reverse_kl(
    name: str, mean: float, deviation: float
) -> None:
    """The least ∫ q f(p/q) over means 0, 0.1, … and deviations 0.4, 0.5, …, with
    p = ½ N(−2, 0.6²) + ½ N(2, 0.6²)."""
    x = torch.linspace(-12, 12, 2_001, dtype=torch.float64)

    def normal(m: float, s: float) -> Tensor:
        return torch.exp(-((x - m) / s).square() / 2) / (s * math.sqrt(2 * math.pi))

    p, f = (normal(-2, 0.6) + normal(2, 0.6)) / 2, DIVERGENCES[name].f
    found = {}
    for m in range(0, 26):
        for s in range(4, 25):
            q = normal(m / 10, s / 10)
            found[m / 10, s / 10] = torch.trapezoid(q * f(p / q), x).item()
    assert min(found, key=found.__getitem__) == (mean, deviation)


# Trained --------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", ESTIMATED)
def test_a_trained_critic_comes_to_the_closed_form_from_below(name: str) -> None:
    """Within 1 % (ebgan and hinge, whose best critics jump, within 3 %; the bound of a χ² 5 %)."""
    shift, exact = optima.EXACT[name][0], optima.EXACT[name][1](optima.EXACT[name][0])
    game = objective(name)
    critic = optima.train(name, shift, seed=0)
    found = game.estimate(*optima.scores(critic, shift)).item()
    near = 0.05 if name in CHI_SQUARES else 0.03 if name in ("ebgan", "hinge") else 0.01
    assert found == pytest.approx(exact, rel=near)
    assert found <= exact + 1e-3 * abs(exact)
    generator = torch.Generator().manual_seed(1)
    draws = torch.randn(2, 20, 10_000, 1, generator=generator)
    with torch.no_grad():
        parts = torch.stack(
            [game.estimate(critic(real), critic(fake + shift)) for real, fake in draws.unbind(1)]
        )
    assert parts.mean() <= exact + 3 * parts.std() / math.sqrt(len(parts))


@pytest.mark.slow
@pytest.mark.parametrize("name", optima.LOSSES)
def test_a_trained_critic_loses_the_closed_form(name: str) -> None:
    (row,) = (row for row in optima.rows(seed=0, only=name) if row.name == name)
    assert row.found == pytest.approx(row.exact, rel=0.01)


@pytest.mark.slow
def test_a_trained_discriminator_gives_the_logarithm_of_the_density_ratio() -> None:
    x = torch.linspace(-2, 2.5, 200)[:, None]
    ratio = optima.log_ratio(x, 1.0)[:, 0]
    critics = [optima.train(name, 1.0, seed=0) for name in ("minimax", "least-squares")]
    with torch.no_grad():
        logit, share = (critic(x) for critic in critics)
    assert (logit - ratio).abs().mean().item() < 0.05
    assert (share - ratio.sigmoid()).abs().mean().item() < 0.02  # D* = p/(p + q)


@pytest.mark.slow
def test_a_trained_critic_of_pearsons_coding_gives_the_generators_divergence() -> None:
    real, fake = optima.scores(optima.train("least-squares:pearson", 1.0, 0, steps=600), 1.0)
    found = (real.square().mean() + fake.square().mean()).item()
    assert found == pytest.approx(0.408109, rel=0.02)


@pytest.mark.slow
def test_a_trained_energy_passes_half_the_margin_midway() -> None:
    """N(0, 1) against N(2, 1): the loss falls to 0.3173 m, and the border lies at x = 1."""
    critic, game = optima.train("ebgan", 2.0, seed=0), objective("ebgan")
    loss = total(game.critic_terms(*optima.scores(critic, 2.0))).item()
    assert loss == pytest.approx(0.317311, rel=0.03)
    x = torch.linspace(0, 2, 2_001)
    with torch.no_grad():
        score = critic(x[:, None])
    assert x[(score - game.border).abs().argmin()].item() == pytest.approx(1.0, abs=0.1)


@pytest.mark.slow
def test_a_clipped_critics_gap_rises_with_the_shift_and_over_its_slope_is_the_distance() -> None:
    """The gap alone is K · W₁ with K unknown."""
    gaps = []
    for shift in optima.SHIFTS:
        critic = optima.clipped(shift, seed=0)
        largest = max(parameter.abs().max().item() for parameter in critic.parameters())
        assert largest <= optima.CLIP * (1 + 1e-6)
        real, fake = optima.scores(critic, shift)
        gaps.append((real.mean() - fake.mean()).item())
        assert gaps[-1] / optima.mean_slope(critic, shift) == pytest.approx(shift, rel=0.05)
    assert gaps == sorted(gaps)


@pytest.mark.slow
@pytest.mark.parametrize("side", ["two", "one", "one-linear"])
def test_a_penalised_critics_gap_follows_the_law_and_over_its_slope_is_the_distance(
    side: str,
) -> None:
    for shift in optima.SHIFTS:
        critic = optima.penalised(side, shift, seed=0)
        real, fake = optima.scores(critic, shift)
        gap = (real.mean() - fake.mean()).item()
        assert gap == pytest.approx(optima.gap_by_law(side, shift), rel=0.05)
        assert gap / optima.mean_slope(critic, shift) == pytest.approx(shift, rel=0.03)


# A generator with two numbers ------------------------------------------------------------------


def fit_normal(name: str, seed: int, moves: int = 200) -> tuple[float, float]:
    """Mean and deviation of the N(m, σ²) that a game fits to ½ N(−2, 0.6²) + ½ N(2, 0.6²).

    It starts at N(0.5, 1); the critic moves three times for each of its moves.
    """
    torch.manual_seed(seed)
    game, critic = objective(name), optima.network()
    place = torch.tensor([0.5, 0.0], requires_grad=True)  # m, log σ
    players = (
        torch.optim.Adam(critic.parameters(), lr=1e-2, betas=(0.5, 0.99)),
        torch.optim.Adam([place], lr=3e-2, betas=(0.5, 0.99)),
    )
    rates = [torch.optim.lr_scheduler.CosineAnnealingLR(player, moves) for player in players]

    def fakes() -> Tensor:
        return place[0] + place[1].exp() * torch.randn(512, 1)

    for _ in range(moves):
        for _ in range(3):
            real = 0.6 * torch.randn(512, 1) + 4.0 * torch.randint(2, (512, 1)) - 2.0
            fake = fakes().detach()
            players[0].zero_grad()
            total(game.critic_terms(critic(real), critic(fake))).backward()
            torch.nn.utils.clip_grad_norm_(critic.parameters(), 5.0)
            players[0].step()
        players[1].zero_grad()
        total(game.for_generator(critic(fakes()))).backward()
        players[1].step()
        for rate in rates:
            rate.step()
    return place[0].item(), place[1].exp().item()


@pytest.mark.slow
def test_a_normal_fitted_by_kl_covers_both_modes() -> None:
    """KL(P‖Q) is least at P's own mean, 0, and deviation, √(2² + 0.6²) = 2.09: zero-avoiding."""
    mean, deviation = fit_normal("fgan:kl", seed=0)
    assert mean == pytest.approx(0.0, abs=0.2)
    assert deviation == pytest.approx(math.sqrt(4.36), rel=0.1)
