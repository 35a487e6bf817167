"""A generator that is told which mode to draw, and a discriminator that knows what was meant."""

from __future__ import annotations

import statistics

from progan.lab.exhibits.record import Exhibit, Finding, Number
from progan.lab.labelled import mixture, of_classes, trained

__all__ = ["LABELS"]

WORLD = mixture("ring")
STEPS = 3_000
OFF, QUALITY = 0.1, 0.9


def make(seed: int) -> Finding:
    """Train a conditional GAN on the ring, the mode being the label, and look at each class."""
    found = of_classes(trained("cgan", WORLD, steps=STEPS, seed=seed), WORLD)
    worst, poorest = max(one.off for one in found), min(one.high_quality for one in found)
    rows = [
        (
            f"{label}",
            f"({one.mean[0]:+.3f}, {one.mean[1]:+.3f})",
            f"{one.off:.3f}",
            f"{one.deviation:.3f}",
            f"{one.high_quality:.3f}",
        )
        for label, one in enumerate(found)
    ]
    mean = statistics.fmean(one.high_quality for one in found)
    return Finding(
        answer=(
            f"Yes: the mean of each class lies within {worst:.3f} of its mode, and at least "
            f"{poorest:.1%} of its points within three sigma, {mean:.1%} on average."
        ),
        numbers={
            "off": Number(
                words="distance of a class's mean from its mode, the largest of eight",
                value=worst,
                low=0.0,
                high=OFF,
            ),
            "high quality": Number(
                words="share of a class's points within 3σ of its mode, the smallest of eight",
                value=poorest,
                low=QUALITY,
            ),
        },
        tables={"Class by class": (("class", "mean", "off", "deviation", "within 3σ"), rows)},
    )


LABELS = Exhibit(
    slug="labels",
    title="A generator that is told what to draw",
    question="Does a generator draw the class it is told, and all of the classes?",
    theory=(
        "Where generator and discriminator both see the label, the game is one for each label: its "
        "value is lowest where G(z, y) is distributed as the data of label y, for every y.",
        "So a mode that is a label of its own cannot be dropped. On a ring of eight labelled modes "
        "each class must be found at its own place, and nowhere else. The perfect share within "
        "three sigma is 98.9 %.",
    ),
    source="Mirza & Osindero 2014, section 3.2",
    make=make,
)
