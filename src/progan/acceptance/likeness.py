"""Tasks of VAE-GAN: are pictures drawn again as the discriminator sees them, and sharply?"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from progan.acceptance.digits import classifier, digits
from progan.acceptance.encoders import distance_ratio, in_blocks, rebuilt, sharpness, shown
from progan.acceptance.pictures import BLOCK, trained
from progan.acceptance.record import Numbers, Task
from progan.core.grids import to_uint8
from progan.engine.preview import seeded
from progan.extractors.base import Extractor
from progan.lab.exhibits.record import Number

__all__ = ["TASKS", "confidence"]

PRESET = "digits"
PLAIN = ("likeness=pixels", "adversarial=0", "gamma=1")
"""What makes it a plain autoencoder, trained alike."""
SAMPLES = 1_000
LIKE, SURE = 0.5, 0.8


def on_digits(seed: int) -> Numbers:
    """Digits drawn again, and drawn from the prior, beside a plain autoencoder's."""
    known, held = digits()
    judge, _ = classifier(seed)
    found = trained("vaegan", known, preset=PRESET, seed=seed, sets=())
    plain = trained("vaegan", known, preset=PRESET, seed=seed, sets=PLAIN)
    system: Any = found.system
    again, blurred = rebuilt(found, held.images), rebuilt(plain, held.images)
    found_features, features = (
        in_blocks(system.discriminator.features, image) for image in (again, held.images)
    )
    with shown(found) as playing, torch.no_grad(), seeded("acceptance", "prior"):
        samples = torch.cat(
            [playing.generate(playing.draw(BLOCK), found.at) for _ in range(SAMPLES // BLOCK)]
        )
    sure, surest = (confidence(judge, image) for image in (samples, again))
    real = sharpness(held.images)
    return {
        "likeness": Number(
            words="held-out digits: squared distance of features of x and x̃, over that of "
            "another x",
            value=distance_ratio(found_features, features, power=2.0),
            high=LIKE,
        ),
        "sharpness": Number(
            words="sharpness of x̃ over that of a plain autoencoder's, trained alike",
            value=sharpness(again) / sharpness(blurred),
            low=1.0,
        ),
        "sharpness of reals": Number(
            words="the same of held-out digits themselves", value=real / sharpness(blurred)
        ),
        "confidence": Number(
            words="how sure a classifier is of pictures of the prior, over how sure of x̃",
            value=sure / surest,
            low=SURE,
        ),
        "reconstructions": Number(words="how sure it is of x̃", value=surest),
        "pixels": Number(
            words="distance of x from x̃ in pixels, over that of another x",
            value=distance_ratio(again, held.images),
        ),
    }


def confidence(judge: Extractor, image: torch.Tensor) -> float:
    """The probability that a classifier gives the class it finds likeliest, mean over pictures."""
    pixels = to_uint8(image)
    parts = [
        np.asarray(judge.log_probabilities(pixels[start : start + BLOCK])).max(axis=1)
        for start in range(0, len(pixels), BLOCK)
    ]
    return float(np.exp(np.concatenate(parts).astype(np.float64)).mean())


TASKS = (
    Task(
        slug="digits",
        words="digits drawn again and drawn from the prior, beside a plain autoencoder's",
        source="Larsen et al. 2016, section 4 and table 1, on digits",
        minutes=7,
        make=on_digits,
    ),
)
