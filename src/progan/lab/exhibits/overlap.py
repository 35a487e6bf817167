"""Without overlap the Jensen-Shannon divergence stands still; the Wasserstein distance does not."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from progan.core.specs import Penalty
from progan.data.toy import images_of, points_of
from progan.lab.contest import Affine, Contest, normal, play, scores_at, slopes_at
from progan.lab.exhibits.record import Chart, Exhibit, Finding, Number, series

__all__ = ["OVERLAP"]

WIDTH = 0.1
AWAY = (0.1, 0.3, 0.8, 1.6, 3.2)
FEW = 4_096


def jensen_shannon(distance: float) -> float:
    """Of N(0, w²) and N(distance, w²), by quadrature."""
    x = torch.linspace(-1.0, distance + 1.0, 40_001, dtype=torch.float64)
    p, q = (
        torch.exp(-((x - mean) / WIDTH).square() / 2) / (WIDTH * math.sqrt(2 * math.pi))
        for mean in (0.0, distance)
    )
    mixed = (p + q) / 2
    kl = torch.xlogy(p, p / mixed.clamp_min(1e-300)) + torch.xlogy(q, q / mixed.clamp_min(1e-300))
    return float(kl.sum() * (x[1] - x[0]) / 2)


def estimates(contest: Contest, real: Tensor, fake: Tensor) -> tuple[float, float]:
    """What the critic's objective estimates, and its mean slope at real and fake points."""
    estimate = contest.objective.estimate
    assert estimate is not None
    value = estimate(scores_at(contest, real), scores_at(contest, fake))
    slope = slopes_at(contest, torch.cat([real, fake])).norm(dim=1).mean()
    return float(value), float(slope)


def make(seed: int) -> Finding:
    """Train both critics against a generator that stands ever further away."""
    found: dict[str, list[float]] = {
        name: [] for name in ("js", "js measured", "w measured", "mm push", "ns push", "w push")
    }
    for distance in AWAY:
        real, fake = normal(0.0, WIDTH), normal(distance, WIDTH)
        xs, ys = (w.sample(range(10**9, 10**9 + FEW)) for w in (real, fake))
        stands = Affine(distance, WIDTH, fixed=True)
        told = play(real, "minimax", stands, steps=300, seed=seed)
        # One-sided: far from both, a critic that begins with its slope the wrong way round would
        # have to pass slope 0 on its way, which the two-sided penalty forbids.
        held = Penalty(weight=10.0, side="one")
        priced = play(real, "wasserstein", stands, steps=600, penalty=held, seed=seed)
        found["js"].append(jensen_shannon(distance))
        found["js measured"].append(estimates(told, xs, ys)[0])
        gap, slope = estimates(priced, xs, ys)
        found["w measured"].append(gap / slope)
        at = told.plan().at(0)
        for name, contest in (("mm push", told), ("w push", priced)):
            push = points_of(contest.push(images_of(ys).image, at))
            found[name].append(float(push.norm(dim=1).mean()))
        certain = scores_at(told, ys).sigmoid()  # of being real
        steep = slopes_at(told, ys).norm(dim=1)
        found["ns push"].append(float(((1 - certain) * steep).mean()))
    far = len(AWAY) - 1
    return Finding(
        answer=(
            f"From a distance of {AWAY[2]:g} on, eight widths, the Jensen-Shannon divergence is "
            f"log 2 and says nothing more; the critic of slope one still tells {AWAY[far]:g} as "
            f"{found['w measured'][far]:.2f}. Minimax pushes fakes there with "
            f"{found['mm push'][far]:.1e} of force, Wasserstein with {found['w push'][far]:.2f}."
        ),
        numbers={
            "js": Number(
                words=f"JS divergence measured at distance {AWAY[far]:g}",
                value=found["js measured"][far],
                expected=math.log(2),
                within=0.01,
            ),
            "w": Number(
                words=f"Wasserstein distance measured at {AWAY[far]:g}, gap over mean slope",
                value=found["w measured"][far],
                expected=AWAY[far],
                within=0.05 * AWAY[far],
            ),
            "mm": Number(words="minimax push there", value=found["mm push"][far], high=0.05),
            "w push": Number(
                words="Wasserstein push there",
                value=found["w push"][far],
                expected=1 + AWAY[far] / 20,
                within=0.1,
            ),
        },
        charts=[
            Chart(
                title="Two ways to measure how far the generator is",
                x_label="distance between the two",
                y_label="measured, in nats or in units of x",
                series=[
                    series("Wasserstein: critic of slope one", AWAY, found["w measured"]),
                    series("Wasserstein, exact", AWAY, AWAY),
                    series("Jensen-Shannon: discriminator", AWAY, found["js measured"]),
                    series("Jensen-Shannon, exact", AWAY, found["js"]),
                ],
                from_zero=True,
            ),
            Chart(
                title="How hard the best opponent pushes a fake towards the data",
                x_label="distance between the two",
                y_label="mean push",
                series=[
                    series("Wasserstein", AWAY, found["w push"]),
                    series("minimax", AWAY, found["mm push"]),
                ],
                note="The non-saturating push grows with the slope of the logit instead: "
                f"{found['ns push'][far]:.1f} at the largest distance.",
                from_zero=True,
            ),
        ],
    )


OVERLAP = Exhibit(
    slug="overlap",
    title="Far apart",
    question="What does an opponent tell a generator that is nowhere near the data?",
    theory=(
        "Two distributions that do not overlap are log 2 apart in Jensen-Shannon divergence, "
        "however far they are: the best discriminator is sure everywhere, and its loss is flat.",
        "The Wasserstein distance is how far mass must be moved. It grows with the distance, and "
        "the critic that measures it has slope one all the way between the two. With a gradient "
        "penalty of weight λ the slope settles at 1 + Δ/2λ.",
    ),
    source="Arjovsky et al. 2017 (WGAN), section 2 and figures 1 and 2",
    make=make,
)
