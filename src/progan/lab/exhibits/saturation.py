"""Minimax loses its slope where the discriminator is sure; the non-saturating loss gains it."""

from __future__ import annotations

import torch

from progan.lab.exhibits.record import Chart, Exhibit, Finding, Number, series
from progan.objectives.table import objective

__all__ = ["SATURATION"]

GAMES = ("minimax", "non-saturating", "least-squares", "wasserstein")


def push(name: str, scores: torch.Tensor) -> torch.Tensor:
    """How strongly the generator of a game wants each score to change: |∂ loss/∂ score|."""
    scores = scores.clone().requires_grad_()
    loss = objective(name).for_generator(scores)["adversarial"] * len(scores)
    (slope,) = torch.autograd.grad(loss, scores)
    return slope.abs()


def make(seed: int) -> Finding:
    """Differentiate the generators' losses; nothing is drawn, so every seed gives the same."""
    scores = torch.linspace(-8, 8, 161, dtype=torch.float64)
    pushes = {name: push(name, scores) for name in GAMES}
    sure = torch.tensor([-10.0], dtype=torch.float64)
    minimax, other = float(push("minimax", sure)), float(push("non-saturating", sure))
    return Finding(
        answer=(
            f"A fake with logit −10, D = 0.00005, is pushed with {minimax:.1e} under minimax and "
            f"with {other:.5f} under the non-saturating loss: {other / minimax:,.0f} times as hard."
        ),
        numbers={
            "minimax": Number(
                words="minimax push at logit −10", value=minimax, expected=4.54e-5, within=1e-7
            ),
            "non-saturating": Number(
                words="non-saturating push there", value=other, expected=0.99995, within=1e-5
            ),
        },
        charts=[
            Chart(
                title="How hard a generator pulls at a fake's score",
                x_label="score of the fake; a discriminator that is sure gives low ones",
                y_label="|∂ loss / ∂ score|",
                series=[series(name, scores.tolist(), pushes[name].tolist()) for name in GAMES],
                note="Least squares is drawn with its target at 1: its push grows with distance, "
                "and turns around beyond the target.",
                from_zero=True,
            )
        ],
    )


SATURATION = Exhibit(
    slug="saturation",
    title="Two generators' losses, one aim",
    question="Why is log(1 − D) lowered in theory, and −log D in practice?",
    theory=(
        "Both losses fall where D rises, so both want the same. Early in training D is sure that "
        "fakes are fake; there the slope of log(1 − D) in the logit is −D, almost nothing, while "
        "that of −log D is −(1 − D), almost one.",
    ),
    source="Goodfellow et al. 2014, end of section 3",
    make=make,
)
