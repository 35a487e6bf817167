"""What clipping makes of a critic, and what a penalty makes of it."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from progan.core.specs import Penalty
from progan.data.worlds import WORLDS
from progan.lab.canvas import heat, resized
from progan.lab.contest import Contest, play, scores_at, slopes_at
from progan.lab.exhibits.record import Chart, Exhibit, Finding, Number, Shown, series
from progan.lab.watch import SIDE, lattice

__all__ = ["CLIPPING"]

WORLD = WORLDS["ring"]
NOISE = 0.4
CLIP = 0.1
FEW = 4_096
BINS = 40
PIXELS = 320
MODES = 8


def around(turn: float) -> Tensor:
    """Eight places on the circle of the modes, turned by a part of the way to the next mode."""
    angle = 2 * math.pi * (torch.arange(MODES) + turn) / MODES
    return torch.stack([angle.cos(), angle.sin()], dim=1)


class Blurred(nn.Module):
    """A generator that gives the data's modes with far too much noise."""

    def forward(self, z: Tensor) -> Tensor:
        """Points n 2 1 1 of latents n 2."""
        centre = around(0.0).to(z.device)[torch.randint(MODES, (len(z),), device=z.device)]
        return (centre + NOISE * z)[:, :, None, None]


def look(contest: Contest) -> tuple[float, float, Tensor]:
    """Mean slope at data and fakes; how far modes stand out from the gaps between them, in units
    of that slope; all weights of the inner layers."""
    real = WORLD.sample(range(10**9, 10**9 + FEW))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        fake = contest.generator(torch.randn(FEW, 2)).flatten(1)
    slope = float(slopes_at(contest, torch.cat([real, fake])).norm(dim=1).mean())
    contrast = scores_at(contest, around(0.0)).mean() - scores_at(contest, around(0.5)).mean()
    weights = [p.detach().flatten() for p in contest.adversary.parameters() if p.ndim > 1]
    return slope, float(contrast) / slope, torch.cat(weights)


def picture(contest: Contest, title: str) -> Shown:
    """The critic's score over the plane."""
    field = scores_at(contest, lattice(WORLD)).view(SIDE, SIDE).double().numpy()
    low, high = np.quantile(field, [0.02, 0.98])
    upright = np.flipud(2 * (field - low) / (high - low) - 1)
    return Shown(title=title, pixels=heat(resized(upright, PIXELS, PIXELS)))


def make(seed: int) -> Finding:
    """Train a clipped critic and a penalised one against the same blurred fakes."""
    clipped = play(WORLD, "wasserstein", Blurred(), steps=1_500, clip=CLIP, seed=seed)
    priced = play(WORLD, "wasserstein", Blurred(), steps=1_500, penalty=Penalty(), seed=seed)
    clip_slope, clip_contrast, clip_weights = look(clipped)
    slope, contrast, weights = look(priced)
    at_ends = float((clip_weights.abs() > 0.95 * CLIP).float().mean())
    reach = 0.4
    edges = np.linspace(-reach, reach, BINS + 1)
    middle = ((edges[1:] + edges[:-1]) / 2).tolist()
    shares = [
        (np.histogram(w.numpy(), edges)[0] / len(w)).tolist() for w in (clip_weights, weights)
    ]
    return Finding(
        answer=(
            f"Clipping drives {at_ends:.0%} of the weights to the ends of their box, and modes "
            f"stand out from the gaps between them by {clip_contrast:.3f} of the critic's slope; "
            f"with the penalty by {contrast:.3f}, at a slope of {slope:.2f}."
        ),
        numbers={
            "ends": Number(words="share of clipped weights at the ends", value=at_ends, low=0.3),
            "slope": Number(
                words="mean slope with the penalty", value=slope, expected=1.0, within=0.15
            ),
            "clipped slope": Number(words="mean slope with clipping", value=clip_slope),
            "contrast": Number(
                words="how far modes stand out, penalty over clipping",
                value=contrast / max(abs(clip_contrast), 1e-6),
                low=2.0,
            ),
        },
        charts=[
            Chart(
                title="Weights of the two critics",
                x_label="weight",
                y_label="share of all weights",
                series=[
                    series(f"clipped to ±{CLIP:g}", middle, shares[0]),
                    series("gradient penalty", middle, shares[1]),
                ],
                from_zero=True,
            )
        ],
        pictures=[
            picture(clipped, "Critic with clipped weights"),
            picture(priced, "Critic with gradient penalty"),
        ],
    )


CLIPPING = Exhibit(
    slug="clipping",
    title="Clipping or a penalty",
    question="What does a critic look like whose weights are clipped?",
    theory=(
        "A critic must not be steep. Clipping its weights bounds its slope, but the best clipped "
        "critic pushes nearly all weights to the ends of their box: it becomes a simple function, "
        "and its slope is some number that depends on the network.",
        "A penalty on the slope itself leaves the weights alone: the critic follows the data, at "
        "slope one.",
    ),
    source="Gulrajani et al. 2017 (WGAN-GP), section 3 and figure 1",
    make=make,
)
