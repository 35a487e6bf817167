"""Trained critics beside the closed form of what the best critic measures, for every objective.

    python benchmarks/optima.py
    python benchmarks/optima.py --seed 1 --only fgan

Reals are N(0, 1), fakes N(Δ, 1). A small critic is trained on fresh samples of both, and then
judged on 100,000 quantiles of each, so that what is printed has no sampling noise of its own. A
markdown table comes out; with one thread it takes one to two minutes.

tests/objectives/test_optima.py holds the same rows to their tolerances.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

os.environ.setdefault("GOMP_SPINCOUNT", "0")

import torch
from torch import Tensor, nn

from progan.core.specs import Penalty
from progan.layers.clip import clip_weights
from progan.objectives.record import total
from progan.objectives.table import objective
from progan.objectives.verdicts import look

QUANTILES = 100_000
LAMBDA = 10.0
"""Weight of the gradient penalty."""
SHIFTS = (1.0, 2.0, 4.0)
CLIP = 0.1
"""Largest size of a clipped critic's weights."""


# The two distributions ------------------------------------------------------------------------


def quantiles(mean: float, n: int = QUANTILES) -> Tensor:
    """The middles of n equally likely parts of N(mean, 1): their mean is an integral over it."""
    share = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    return mean + math.sqrt(2) * torch.erfinv(2 * share - 1)


def log_ratio(x: Tensor, shift: float) -> Tensor:
    """log p/q at x, with p = N(0, 1) and q = N(shift, 1)."""
    return shift**2 / 2 - shift * x


def integral(of: Callable[[Tensor, Tensor], Tensor], shift: float) -> float:
    """∫ of(p(x), q(x)) dx, by the trapezoid rule; exact to the last digits shown."""
    x = torch.linspace(-12, 12 + shift, 48_001, dtype=torch.float64)
    p, q = (torch.exp(-(x - mean).square() / 2) / math.sqrt(2 * math.pi) for mean in (0, shift))
    return torch.trapezoid(of(p, q), x).item()


def jensen_shannon(shift: float, weight: float = 0.5) -> float:
    """π KL(P‖M) + (1 − π) KL(Q‖M), M = π P + (1 − π) Q."""

    def of(p: Tensor, q: Tensor) -> Tensor:
        m = weight * p + (1 - weight) * q
        return weight * p * (p / m).log() + (1 - weight) * q * (q / m).log()

    return integral(of, shift)


def total_variation(shift: float) -> float:
    """½ ∫ |p − q| = 2 Φ(Δ/2) − 1."""
    return math.erf(shift / (2 * math.sqrt(2)))


def alpha_divergence(shift: float, alpha: float) -> float:
    """(∫ p^α q^(1 − α) − 1) / (α (α − 1)), where the integral is e^(α (α − 1) Δ²/2)."""
    return math.expm1(alpha * (alpha - 1) * shift**2 / 2) / (alpha * (alpha - 1))


def pairs_told_apart(shift: float) -> float:
    """log 2 − JSD(P⊗Q‖Q⊗P) = E log(1 + e^(−d)), with d = r(x) − r(x̃) ~ N(Δ², 2Δ²), r = log p/q."""
    z = torch.linspace(-12, 12, 24_001, dtype=torch.float64)
    lead = shift**2 + math.sqrt(2) * shift * z
    weight = torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi)
    return torch.trapezoid(weight * nn.functional.softplus(-lead), z).item()


EXACT: dict[str, tuple[float, Callable[[float], float]]] = {
    "minimax": (1.0, jensen_shannon),
    "least-squares": (1.0, lambda s: integral(lambda p, q: (p - q) ** 2 / (p + q), s) / 2),
    "least-squares:pearson": (1.0, lambda s: integral(lambda p, q: (p - q) ** 2 / (p + q), s) / 2),
    "hinge": (1.0, total_variation),
    "ebgan": (2.0, total_variation),
    "fgan:kl": (1.0, lambda s: s**2 / 2),
    "fgan:reverse-kl": (1.0, lambda s: s**2 / 2),
    "fgan:pearson": (0.5, lambda s: math.expm1(s**2)),
    "fgan:neyman": (0.5, lambda s: math.expm1(s**2)),
    "fgan:hellinger": (1.0, lambda s: -2 * math.expm1(-(s**2) / 8)),
    "fgan:jeffrey": (1.0, lambda s: s**2),
    "fgan:js": (1.0, lambda s: 2 * jensen_shannon(s)),
    "fgan:gan": (1.0, lambda s: 2 * jensen_shannon(s) - math.log(4)),
    "fgan:total-variation": (1.0, total_variation),
    "fgan:weighted-js": (1.0, jensen_shannon),
    "fgan:weighted-js=0.3": (1.0, partial(jensen_shannon, weight=0.3)),
    "fgan:alpha=0.5": (1.0, partial(alpha_divergence, alpha=0.5)),
    "fgan:alpha=-1": (0.5, partial(alpha_divergence, alpha=-1.0)),
    "fgan:alpha=2": (0.5, partial(alpha_divergence, alpha=2.0)),
}
"""Objective → Δ, and what its `estimate` comes to for the best critic."""

LOSSES: dict[str, tuple[float, Callable[[float], float]]] = {
    "reversed-least-squares": (
        1.0,
        lambda s: integral(lambda p, q: 0.1 * p * q / (p + 0.1 * q), s),
    ),
    "relativistic": (1.0, pairs_told_apart),
}
"""Objectives without an `estimate` → Δ, and what the best critic loses."""


# Critics --------------------------------------------------------------------------------------


def network(activation: Callable[[], nn.Module] = nn.Tanh, width: int = 64) -> nn.Sequential:
    """1 → width → width → 1: n × 1 points to n scores."""
    return nn.Sequential(
        nn.Linear(1, width),
        activation(),
        nn.Linear(width, width),
        activation(),
        nn.Linear(width, 1),
        nn.Flatten(0),
    )


leaky = partial(nn.LeakyReLU, 0.2)
NO_PENALTY = Penalty(kind="none")


def train(
    name: str,
    shift: float,
    seed: int,
    *,
    steps: int = 300,
    rate: float = 1e-2,
    batch: int = 1024,
    activation: Callable[[], nn.Module] = nn.Tanh,
    penalty: Penalty = NO_PENALTY,
    clip: float = 0.0,
) -> nn.Sequential:
    """A critic of `name`, for reals of N(0, 1) and fakes of N(shift, 1).

    Adam with a rate that falls to zero along a cosine, gradients no longer than 5; with `clip`
    RMSprop and free gradients, as the clipped critic's paper has it.
    """
    torch.manual_seed(seed)
    game, critic = objective(name), network(activation)
    parameters = list(critic.parameters())
    optimizer: torch.optim.Optimizer = (
        torch.optim.RMSprop(parameters, lr=rate)
        if clip
        else torch.optim.Adam(parameters, lr=rate, betas=(0.9, 0.99))
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for step in range(steps):
        real, fake = torch.randn(batch, 1), torch.randn(batch, 1) + shift
        on_real, on_fake, price = look(critic, real, fake, penalty, step, together=critic)
        optimizer.zero_grad()
        total({**game.critic_terms(on_real, on_fake), **price}).backward()
        if clip:
            optimizer.step()
            clip_weights(critic, clip)
        else:
            nn.utils.clip_grad_norm_(parameters, 5.0)
            optimizer.step()
        schedule.step()
    return critic


@torch.no_grad()
def scores(critic: nn.Module, shift: float) -> tuple[Tensor, Tensor]:
    """The critic's scores of the quantiles of reals, and of fakes."""
    return tuple(critic(quantiles(mean).float()[:, None]).double() for mean in (0.0, shift))  # type: ignore[return-value]


def mean_slope(critic: nn.Module, shift: float) -> float:
    """E‖∇s‖ at random points between reals and fakes, where the penalty looks."""
    generator = torch.Generator().manual_seed(0)
    real, fake, mix = (
        torch.randn(20_000, 1, generator=generator),
        torch.randn(20_000, 1, generator=generator) + shift,
        torch.rand(20_000, 1, generator=generator),
    )
    point = torch.lerp(real, fake, mix).requires_grad_()
    (slope,) = torch.autograd.grad(critic(point).sum(), point)
    return slope.abs().mean().item()


def penalised(side: str, shift: float, seed: int) -> nn.Sequential:
    """A critic of WGAN-GP."""
    return train(
        "wasserstein",
        shift,
        seed,
        steps=400,
        rate=5e-3,
        batch=512,
        activation=leaky,
        penalty=Penalty(kind="gp", weight=LAMBDA, side=side),  # type: ignore[arg-type]
    )


def clipped(shift: float, seed: int) -> nn.Sequential:
    """A critic of WGAN whose weights are kept in a box."""
    return train("wasserstein", shift, seed, rate=5e-3, batch=512, activation=leaky, clip=CLIP)


def gap_by_law(side: str, shift: float) -> float:
    """Δ (1 + Δ/2λ) for squared penalties, whose best slope is 1 + Δ/2λ; Δ for the linear one."""
    return shift if side == "one-linear" else shift * (1 + shift / (2 * LAMBDA))


# The table ------------------------------------------------------------------------------------


class Row(NamedTuple):
    """One number of a trained critic, and what it should be."""

    name: str
    shift: float
    what: str
    found: float
    exact: float


def rows(seed: int, only: str = "") -> Iterator[Row]:
    """Every objective in turn."""
    for name, (shift, exact) in EXACT.items():
        if only in name:
            game = objective(name)
            assert game.estimate is not None
            found = game.estimate(*scores(train(name, shift, seed), shift)).item()
            yield Row(name, shift, game.measures, found, exact(shift))
    for name, (shift, exact) in LOSSES.items():
        if only in name:
            real, fake = scores(train(name, shift, seed), shift)
            order = torch.randperm(len(fake), generator=torch.Generator().manual_seed(0))
            found = total(objective(name).critic_terms(real, fake[order])).item()
            yield Row(name, shift, "the critic's loss", found, exact(shift))
    if only in "wasserstein":
        for label, make, law in (
            (f"clip={CLIP:g}", clipped, None),
            *(
                (f"gp, side={side}", partial(penalised, side), partial(gap_by_law, side))
                for side in ("two", "one", "one-linear")
            ),
        ):
            for shift in SHIFTS:
                critic = make(shift, seed)
                real, fake = scores(critic, shift)
                gap = (real.mean() - fake.mean()).item()
                if law is not None:
                    yield Row(f"wasserstein, {label}", shift, "gap", gap, law(shift))
                slope = mean_slope(critic, shift)
                yield Row(f"wasserstein, {label}", shift, "gap / slope", gap / slope, shift)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="objectives whose name contains this")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| objective | Δ | what | closed form | measured | off by |")
    print("|---|---|---|---|---|---|")
    for row in rows(options.seed, options.only):
        off = 100 * (row.found - row.exact) / abs(row.exact)
        print(
            f"| `{row.name}` | {row.shift:g} | {row.what} "
            f"| {row.exact:.4f} | {row.found:.4f} | {off:+.1f} % |",
            flush=True,
        )


if __name__ == "__main__":
    main()
