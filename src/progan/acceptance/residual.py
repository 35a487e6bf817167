"""Tasks of SNGAN, SAGAN and BigGAN: are digits those asked for, varied, and better when latents are
cut? And does attention let far places agree?"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from progan.acceptance.digits import CLASSES, OWN_SIDE, classifier, digits, seen
from progan.acceptance.pictures import Pictures, drawn_by, trained
from progan.acceptance.record import Numbers, Task
from progan.engine.standing import standing
from progan.lab.exhibits.record import Number
from progan.layers.attention import SelfAttention
from progan.metrics.frechet import frechet_distance
from progan.metrics.moments import moments
from progan.metrics.tradeoff import THRESHOLDS, Curve, Point, Within, point_of

__all__ = ["TASKS", "apart", "blind", "pairs_of_patches"]

PRESET = "tiny"
EACH = 200
"""Pictures drawn of each digit, at each threshold."""
AGREE, SCORE, DISTANCE = 0.9, 8.5, 6.0
TOLERANCE = 0.1
"""Of a fall of the score; and of a rise of the spread, as a share of that without truncation."""
PROBE = ("width=16", "latent_size=16", "critic_rate=2", f"images={64 * 1_500}", "batch=64")
SIDE, PATCH = 16, 4


def on_digits(system: str, seed: int) -> Numbers:
    """Ten digits of 8 pixels, drawn by averaged weights at several truncations."""
    known, _ = digits(OWN_SIDE)
    judge, reads = classifier(seed, OWN_SIDE)
    asked = torch.arange(CLASSES).repeat_interleave(EACH)
    trainer = trained(system, known, preset=PRESET, seed=seed)
    points, shares = [], []
    with trainer.averages.swapped_in() as playing:
        for threshold in THRESHOLDS:
            cut = None if threshold is None else threshold / 2
            stands = standing(playing, trainer.at, truncation=cut)
            made = drawn_by(stands, trainer.at, "label", asked, cut)
            points.append(_point(threshold, made, asked, judge, known))
            shares.append(float((seen(judge, made) == asked.numpy()).mean()))
    curve, first = Curve(points=points, real_score=0.0), points[0]
    halves = (known.part(part) for part in np.array_split(np.arange(len(known)), 2))
    told = {
        f"cut at {point.threshold}": Number(
            words=f"latents cut at {point.threshold}: score; agreement {share:.3f}, distance "
            f"{point.distance:.2f}, spread {point.spread:.3f}",
            value=point.score,
        )
        for point, share in zip(points[1:], shares[1:], strict=True)
    }
    return {
        "classifier": Number(
            words="the classifier: share of held-out digits it reads rightly", value=reads
        ),
        "agreement": Number(
            words="share of pictures in which it reads the digit that was asked for",
            value=shares[0],
            low=AGREE,
        ),
        "score": Number(
            words="inception score by it, 10 at most, of 2,000 pictures as one part",
            value=first.score,
            low=SCORE,
        ),
        "distance": Number(
            words="Fréchet distance of the 64 pixels, black to white 2; of halves of the real ones "
            f"{_apart(*halves):.2f}",
            value=first.distance,
            low=0.0,
            high=DISTANCE,
        ),
        "spread": Number(words="spread within digits, black to white 1", value=first.spread),
        **told,
        "score falls": Number(
            words="the largest fall of the score from one threshold to the next",
            value=curve.score_fall,
            high=TOLERANCE,
        ),
        "spread rises": Number(
            words="the largest rise of the spread, as a share of that without truncation",
            value=curve.spread_rise / first.spread,
            high=TOLERANCE,
        ),
    }


def _rows(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Pictures as rows of numbers in [−1, 1]."""
    return pixels.reshape(len(pixels), -1) / 127.5 - 1


def _apart(one: Pictures, other: Pictures) -> float:
    return frechet_distance(moments(_rows(one.pixels)), moments(_rows(other.pixels))).value


def _point(
    threshold: float | None,
    made: NDArray[np.uint8],
    asked: Tensor,
    judge: Any,
    known: Pictures,
) -> Point:
    within = Within(CLASSES)
    within.add(made, asked.numpy())
    parts = [made[start : start + 256] for start in range(0, len(made), 256)]
    logs = np.concatenate([np.asarray(judge.log_probabilities(part)) for part in parts])
    return point_of(
        threshold,
        logits=logs,
        features=_rows(made),
        real=_rows(known.pixels),
        spread=within.spread,
        splits=1,
    )


def pairs_of_patches(count: int, seed: int) -> Pictures:
    """Grey pictures with a patch in two opposite corners, both of one colour, drawn evenly."""
    random = np.random.default_rng(seed)
    pixels = np.full((count, 3, SIDE, SIDE), 128, np.uint8)
    colour = random.integers(0, 256, (count, 3, 1, 1)).astype(np.uint8)
    pixels[:, :, 1 : 1 + PATCH, 1 : 1 + PATCH] = colour
    pixels[:, :, -1 - PATCH : -1, -1 - PATCH : -1] = colour
    return Pictures(pixels=pixels, labels=np.zeros(count, np.int64), classes=0)


def apart(pixels: NDArray[np.uint8]) -> float:
    """Mean difference of the two patches' mean colours, in levels of 256."""
    near = pixels[:, :, 1 : 1 + PATCH, 1 : 1 + PATCH].astype(np.float64).mean(axis=(2, 3))
    far = pixels[:, :, -1 - PATCH : -1, -1 - PATCH : -1].astype(np.float64).mean(axis=(2, 3))
    return float(np.abs(near - far).mean())


class _Blind(SelfAttention):
    """Attention in which each place looks at its own 2×2 places alone: as many parameters."""

    def attention(self, x: Tensor) -> Tensor:
        """A share of 1 where the place lies."""
        height, width = x.shape[2:]
        rows, columns = torch.arange(height) // 2, torch.arange(width) // 2
        own = (rows[:, None] * (width // 2) + columns).flatten()
        shares = nn.functional.one_hot(own, height * width // 4)
        return shares.to(x).expand(len(x), -1, -1)


def blind(system: nn.Module) -> None:
    """Let the attentions of a system look nowhere else; nothing is added or taken away."""
    for module in system.modules():
        if isinstance(module, SelfAttention):
            module.__class__ = _Blind


def on_patches(seed: int) -> Numbers:
    """Two far patches of one colour, drawn with attention and without its sight."""
    pictures = pairs_of_patches(5_000, seed)
    found: dict[str, float] = {}
    for name, change in (("attention", lambda system: None), ("blind", blind)):
        trainer = trained(
            "sagan",
            pictures,
            preset="cpu",
            seed=seed,
            sets=[*PROBE, "attention=[8]"],
            change=change,
        )
        with trainer.averages.swapped_in() as playing:
            z = torch.randn(1_000, 16, generator=torch.Generator().manual_seed(seed))
            found[name] = apart(drawn_by(playing, trainer.at, "z", z))
    words = "mean difference of the two patches' colours, in levels of 256"
    return {
        "attention": Number(words=f"{words}, with attention", value=found["attention"]),
        "blind": Number(words=f"{words}, each place seeing itself alone", value=found["blind"]),
        "unrelated": Number(
            words="the same of real pictures' patches, of different pictures",
            value=apart(_shuffled(pictures)),
        ),
    }


def _shuffled(pictures: Pictures) -> NDArray[np.uint8]:
    """Each picture with the far patch of the one before it."""
    mixed = pictures.pixels.copy()
    mixed[:, :, SIDE // 2 :] = np.roll(mixed[:, :, SIDE // 2 :], 1, axis=0)
    return mixed


def _on_digits(system: str, words: str, source: str) -> Task:
    return Task(
        slug="digits",
        words=words,
        source=source,
        minutes=4,
        make=lambda seed: on_digits(system, seed),
    )


TASKS = {
    "sngan": (
        _on_digits(
            "sngan", "digits of 8 pixels at six truncations", "Miyato & Koyama 2018; a measurement"
        ),
    ),
    "sagan": (
        _on_digits(
            "sagan", "digits of 8 pixels at six truncations", "Zhang et al. 2019; a measurement"
        ),
        Task(
            slug="patches",
            words="two far patches of one colour, with attention and without",
            source="Zhang et al. 2019, section 3, for what attention is for; no bar",
            minutes=6,
            make=on_patches,
        ),
    ),
    "biggan": (
        _on_digits(
            "biggan", "digits of 8 pixels at six truncations", "Brock et al. 2019; a measurement"
        ),
    ),
}
