"""What clipping makes of a critic, and what a penalty makes of it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from progan.core.specs import Penalty
from progan.data.toy import Mixture
from progan.data.worlds import WORLDS
from progan.engine.preview import seeded
from progan.lab.canvas import heat, resized
from progan.lab.contest import Contest, play, scores_at, slopes_at
from progan.lab.exhibits.record import Chart, Exhibit, Finding, Number, Shown, series
from progan.lab.watch import SIDE, lattice

__all__ = ["CLIPPING"]

WORLD = WORLDS["ring"]
assert isinstance(WORLD, Mixture)
CENTRES = torch.tensor(WORLD.centres)
NOISE = 0.4
CLIPS = (0.01, 0.03, 0.1)
FEW = 4_096
BINS = 40
PIXELS = 320


class Blurred(nn.Module):
    """A generator that gives the data's modes with far too much noise."""

    def forward(self, z: Tensor) -> Tensor:
        """Points n 2 1 1 of latents n 2."""
        centre = CENTRES.to(z.device)[torch.randint(len(CENTRES), (len(z),), device=z.device)]
        return (centre + NOISE * z)[:, :, None, None]


def look(contest: Contest) -> tuple[float, Tensor]:
    """Mean slope at data and fakes, and all weights of the layers."""
    real = WORLD.sample(range(10**9, 10**9 + FEW))
    with torch.no_grad(), seeded(0, "clipping"):
        fake = contest.generator(torch.randn(FEW, 2)).flatten(1)
    slope = float(slopes_at(contest, torch.cat([real, fake])).norm(dim=1).mean())
    weights = [p.detach().flatten() for p in contest.adversary.parameters() if p.ndim > 1]
    return slope, torch.cat(weights)


def picture(contest: Contest, title: str) -> Shown:
    """The critic's score over the plane."""
    field = scores_at(contest, lattice(WORLD)).view(SIDE, SIDE).double().numpy()
    low, high = np.quantile(field, [0.02, 0.98])
    upright = np.flipud(2 * (field - low) / (high - low) - 1)
    return Shown(title=title, pixels=heat(resized(upright, PIXELS, PIXELS)))


def make(seed: int) -> Finding:
    """Train critics with boxes of three sizes, and one with a penalty, against blurred fakes."""
    clipped = {
        clip: play(WORLD, "wasserstein", Blurred(), steps=800, clip=clip, seed=seed)
        for clip in CLIPS
    }
    priced = play(WORLD, "wasserstein", Blurred(), steps=1_000, penalty=Penalty(), seed=seed)
    slope, weights = look(priced)
    slopes, shares, rows = [], [], []
    edges = np.linspace(-1.25, 1.25, BINS + 1)  # in sizes of the box
    middle = ((edges[1:] + edges[:-1]) / 2).tolist()
    for clip, contest in clipped.items():
        steep, found = look(contest)
        slopes.append(steep)
        shares.append(float((found.abs() > 0.95 * clip).float().mean()))
        rows.append([f"clipped to ±{clip:g}", f"{steep:.3g}", f"{shares[-1]:.0%}"])
    rows.append(["penalty", f"{slope:.3g}", ""])
    lines = [
        series(name, middle, (np.histogram(w.numpy() / CLIPS[1], edges)[0] / len(w)).tolist())
        for name, w in (
            (f"clipped to ±{CLIPS[1]:g}", look(clipped[CLIPS[1]])[1]),
            ("gradient penalty", weights),
        )
    ]
    return Finding(
        answer=(
            f"With the box from {CLIPS[0]:g} to {CLIPS[-1]:g} wide the clipped critic's slope goes "
            f"from {slopes[0]:.2g} to {slopes[-1]:.2g}, and {min(shares):.0%} or more of its "
            f"weights lie at the ends of the box. With the penalty the slope is {slope:.2f}."
        ),
        numbers={
            "ends": Number(
                words="share of clipped weights at the ends, least of three",
                value=min(shares),
                low=0.5,
            ),
            "spread": Number(
                words="slope with the widest box over that with the narrowest",
                value=slopes[-1] / slopes[0],
                low=100.0,
            ),
            "slope": Number(
                words="mean slope with the penalty", value=slope, expected=1.0, within=0.15
            ),
        },
        charts=[
            Chart(
                title="Weights of the two critics",
                x_label=f"weight, in units of {CLIPS[1]:g}",
                y_label="share of all weights",
                series=lines,
                note="Weights of the penalised critic beyond the drawn part are left out.",
                from_zero=True,
            )
        ],
        pictures=[
            picture(clipped[CLIPS[-1]], f"Critic clipped to ±{CLIPS[-1]:g}"),
            picture(clipped[CLIPS[0]], f"Critic clipped to ±{CLIPS[0]:g}"),
            picture(priced, "Critic with gradient penalty"),
        ],
        tables={"Slopes": (("critic", "mean slope", "weights at the ends"), rows)},
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
