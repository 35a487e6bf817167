"""Which normal distribution fits two modes best depends on the divergence."""

from __future__ import annotations

import math
from functools import lru_cache

import torch

from progan.data.worlds import WORLDS
from progan.lab.contest import Affine, play
from progan.lab.exhibits.record import Chart, Exhibit, Finding, Number, series
from progan.objectives.divergence import DIVERGENCES, Divergence
from progan.objectives.table import objective

__all__ = ["AVOIDING", "best_normal", "divergence_from"]

WORLD = WORLDS["pair1d"]
PLACES = torch.linspace(-9.0, 9.0, 6_001, dtype=torch.float64)
P = WORLD.log_density(PLACES[:, None])


def divergence_from(
    one: Divergence, mean: torch.Tensor, log_deviation: torch.Tensor
) -> torch.Tensor:
    """D_f of the world and N(mean, deviation²), by quadrature."""
    q = -((PLACES - mean) / log_deviation.exp()).square() / 2
    q = q - log_deviation - math.log(2 * math.pi) / 2
    ratio = (P - q).clamp(-60, 60).exp()
    return (q.exp() * one.f(ratio)).sum() * (PLACES[1] - PLACES[0])


@lru_cache
def best_normal(name: str, start: tuple[float, float]) -> tuple[float, float, float]:
    """(μ, σ, divergence) of the best normal distribution that is downhill from `start` (μ, σ)."""
    mean = torch.tensor(start[0], dtype=torch.float64, requires_grad=True)
    log_deviation = torch.tensor(math.log(start[1]), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([mean, log_deviation], lr=0.01)
    for _ in range(1_500):
        optimizer.zero_grad()
        loss = divergence_from(DIVERGENCES[name], mean, log_deviation)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return float(mean.detach()), float(log_deviation.detach().exp()), float(loss.detach())


GAMES = ("kl", "js", "reverse-kl")
START = (1.0, 0.8)
"""μ and σ of every generator at first: between the modes, nearer to one."""


def make(seed: int) -> Finding:
    """Fit a normal distribution to two modes by the game of each divergence."""
    numbers: dict[str, Number] = {}
    rows, lines = [], []
    found: dict[str, tuple[float, float]] = {}
    for name in GAMES:
        generator = Affine(*START)
        play(
            WORLD,
            objective(f"fgan:{name}"),
            generator,
            steps=1_500,
            critic_steps=3,
            lr=4e-3,
            seed=seed,
        )
        mean, deviation = found[name] = generator.found
        best_mean, best_deviation, best = best_normal(name, START)
        reached = float(
            divergence_from(
                DIVERGENCES[name], *torch.tensor([mean, math.log(deviation)], dtype=torch.float64)
            )
        )
        numbers[f"{name} mean"] = Number(
            words=f"{name}: mean", value=mean, expected=best_mean, within=0.15
        )
        numbers[f"{name} deviation"] = Number(
            words=f"{name}: standard deviation",
            value=deviation,
            expected=best_deviation,
            within=0.1 * best_deviation,
        )
        rows.append(
            [
                name,
                *(f"{x:.3f}" for x in (mean, best_mean, deviation, best_deviation, reached, best)),
            ]
        )
        density = torch.exp(-((PLACES - mean) / deviation).square() / 2)
        density /= deviation * math.sqrt(2 * math.pi)
        near = PLACES.abs() < 4
        lines.append(series(name, PLACES[near].tolist(), density[near].tolist()))
    near = PLACES.abs() < 4
    data = series("data", PLACES[near].tolist(), P[near].exp().tolist())
    return Finding(
        answer=(
            f"KL spreads over both modes (σ = {found['kl'][1]:.2f}): nothing of the data is left "
            f"out; reverse KL takes one of them (μ = {found['reverse-kl'][0]:.2f}, σ = "
            f"{found['reverse-kl'][1]:.2f}), so that it never makes what the data has not."
        ),
        numbers=numbers,
        charts=[
            Chart(
                title="The normal distribution each game ends with",
                x_label="x",
                y_label="density",
                series=[data, *lines],
                from_zero=True,
            )
        ],
        tables={
            "Played, and the best there is": (
                ("divergence", "μ", "best μ", "σ", "best σ", "divergence", "lowest"),
                rows,
            )
        },
    )


AVOIDING = Exhibit(
    slug="two-kls",
    title="Covering or choosing",
    question="What happens when a generator is too simple for the data?",
    theory=(
        "KL(p‖q) is infinite where the data has something that the generator cannot make: its best "
        "compromise covers all modes and fills the gap between them (zero-avoiding).",
        "KL(q‖p) is infinite where the generator makes what the data has not: its best compromise "
        "is one mode alone (zero-forcing). Jensen-Shannon stands between the two.",
    ),
    source="Nowozin et al. 2016 (f-GAN), section 2.4; Goodfellow 2016, figure 14",
    make=make,
)
