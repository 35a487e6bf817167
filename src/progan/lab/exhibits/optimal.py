"""The best discriminator is p / (p + q)."""

from __future__ import annotations

import math

import torch

from progan.lab.contest import Affine, normal, play, scores_at
from progan.lab.exhibits.record import Chart, Exhibit, Finding, Number, series
from progan.objectives.record import total

__all__ = ["OPTIMAL"]

JSD = 0.111421
"""Jensen-Shannon divergence of N(0, 1) and N(1, 1), by quadrature."""


def make(seed: int) -> Finding:
    """Train a discriminator against a generator that stands still at N(1, 1)."""
    real, fake = normal(0.0), normal(1.0)
    contest = play(real, "minimax", Affine(1.0, fixed=True), steps=1500, seed=seed)
    x = torch.linspace(-3.5, 4.5, 161)[:, None]
    p, q = real.log_density(x).exp(), fake.log_density(x).exp()
    best = p / (p + q)
    logits = scores_at(contest, x).double()
    inside = (x[:, 0] >= -2) & (x[:, 0] <= 2.5)
    away = (logits - (p / q).log()).abs()[inside].mean()
    on_real = scores_at(contest, real.sample(range(10**9, 10**9 + 200_000))).double()
    on_fake = scores_at(contest, fake.sample(range(2 * 10**9, 2 * 10**9 + 200_000))).double()
    loss = float(total(contest.objective.critic_terms(on_real, on_fake)))
    xs = x[:, 0].tolist()
    return Finding(
        answer=(
            f"Trained, D(x) is p/(p + q): the logit is {float(away):.3f} away from log p/q on "
            f"average, and the loss is {loss:.4f} where theory has log 4 − 2·JSD = "
            f"{math.log(4) - 2 * JSD:.4f}."
        ),
        numbers={
            "logit": Number(
                words="mean distance of the logit from log p/q, −2 ≤ x ≤ 2.5",
                value=float(away),
                high=0.06,
            ),
            "loss": Number(
                words="the discriminator's loss at its best",
                value=loss,
                expected=math.log(4) - 2 * JSD,
                within=0.01 * 1.16345,
            ),
        },
        charts=[
            Chart(
                title="D(x) as trained, and the best there is",
                x_label="x",
                y_label="probability of being real",
                series=[
                    series("D(x), trained", xs, logits.sigmoid().tolist()),
                    series("p / (p + q)", xs, best.tolist()),
                ],
                from_zero=True,
            ),
            Chart(
                title="The two densities",
                x_label="x",
                y_label="density",
                series=[
                    series("p, data", xs, p.tolist()),
                    series("q, generator", xs, q.tolist()),
                ],
                from_zero=True,
            ),
        ],
    )


OPTIMAL = Exhibit(
    slug="best-discriminator",
    title="The best discriminator",
    question="What does a discriminator learn when the generator stands still?",
    theory=(
        "For data with density p and a generator with density q, every point x adds "
        "−p log D − q log(1 − D) to the discriminator's loss, which is lowest at D = p/(p + q): "
        "one half where both are equally likely, near 1 where only data are found.",
        "Put back into the loss this gives log 4 − 2·JSD(p, q): a trained discriminator measures "
        "how far the generator is from the data.",
    ),
    source="Goodfellow et al. 2014, proposition 1 and theorem 1",
    make=make,
)
