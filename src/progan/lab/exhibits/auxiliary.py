"""Classes that lie over each other: AC-GAN moves them apart, projection finds them."""

from __future__ import annotations

import torch

from progan.data.toy import images_of
from progan.lab.exhibits.record import Exhibit, Finding, Number
from progan.lab.labelled import OfClass, judge_trained, mixture, of_classes, trained

__all__ = ["AUXILIARY", "GAMES", "ratio_error"]

WORLD = mixture("trio1d")
STEPS, RATIO_STEPS = 3_000, 1_500
NEAR, RATIO_NEAR = 0.15, 0.1
PLACES = torch.linspace(-2.5, 2.5, 51)[:, None]
"""Where the log ratio is looked at; 95 % of the points of all classes lie there."""
GAMES = {
    "ac-gan": ["condition=ac-gan"],
    "projection": ["condition=projection", "penalty.kind=r1", "penalty.weight=0.1"],
}


def ratio_error(seed: int) -> float:
    """Mean distance of a(x, y) − a(x, y') from log p(x|y)/p(x|y') for the outer two classes.

    Over 51 places from −2.5 to 2.5.
    """
    game = judge_trained(WORLD, condition="projection", steps=RATIO_STEPS, seed=seed)
    image, eye = images_of(PLACES).image, torch.eye(3)
    with torch.no_grad():
        last, first = (game.judge(image, eye[k].expand(len(image), -1)) for k in (2, 0))
    exact = 2 * PLACES[:, 0]  # −(x − 1)²/2 + (x + 1)²/2
    return float((last - first - exact).abs().mean())


def rows_of(name: str, found: list[OfClass]) -> list[tuple[str, ...]]:
    """The rows of a game in the table."""
    return [
        (name, f"{centre:+.0f}", f"{one.mean[0]:+.3f}", f"{one.deviation:.3f}")
        for (centre,), one in zip(WORLD.centres, found, strict=True)
    ]


def make(seed: int) -> Finding:
    """Train both games on three normals a deviation apart."""
    found = {
        name: of_classes(trained("cgan", WORLD, steps=STEPS, seed=seed, sets=sets), WORLD)
        for name, sets in GAMES.items()
    }
    auxiliary, projected = found["ac-gan"], found["projection"]
    off = max(one.off for one in projected)
    wide = max(abs(one.deviation - 1) for one in projected)
    apart = auxiliary[2].mean[0] - auxiliary[0].mean[0]
    widest = max(one.deviation for one in auxiliary)
    error = ratio_error(seed)
    return Finding(
        answer=(
            f"AC-GAN's outer classes lie {apart:.2f} apart in the place of 2, and none of its "
            f"classes is wider than {widest:.2f} in the place of 1. Projection is off by at most "
            f"{off:.3f} in the means and {wide:.3f} in the deviations."
        ),
        numbers={
            "apart": Number(
                words="AC-GAN: distance of the outer classes' means, 2 in the data",
                value=apart,
                low=2.4,
            ),
            "widest": Number(
                words="AC-GAN: largest deviation of a class, 1 in the data",
                value=widest,
                low=0.0,
                high=0.9,
            ),
            "projected means": Number(
                words="projection: largest error of a class's mean",
                value=off,
                low=0.0,
                high=NEAR,
            ),
            "projected deviations": Number(
                words="projection: largest error of a class's deviation",
                value=wide,
                low=0.0,
                high=NEAR,
            ),
            "ratio": Number(
                words="projection, generator standing still: mean error of a(x, y) − a(x, y') "
                "beside log p(x|y)/p(x|y'), in nats",
                value=error,
                low=0.0,
                high=RATIO_NEAR,
            ),
        },
        tables={
            "Classes": (
                ("game", "mode", "mean", "deviation"),
                [row for name, one in found.items() for row in rows_of(name, one)],
            )
        },
    )


AUXILIARY = Exhibit(
    slug="auxiliary",
    title="What an auxiliary classifier does to classes",
    question="Does a generator that is paid for being classified still draw the data?",
    theory=(
        "AC-GAN's generator lowers −log C(y|G(z, y)) beside the game of GAN. A point in the middle "
        "of two classes costs it log 2, one far out nothing: it moves the classes apart, and makes "
        "each narrower than it is.",
        "Projection plays one game on pairs, whose best logit is log p(x, y) − log q(x, y). The "
        "lowest value is at the data itself, whether classes overlap or not. Where the generator "
        "treats labels alike, two labels' logits differ by the log ratio of the classes.",
    ),
    source="Odena et al. 2017; Miyato & Koyama 2018, section 3",
    make=make,
)
