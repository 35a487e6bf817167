from __future__ import annotations

import math

import torch

from progan.objectives.translation import translation_critic, translation_generator

REAL = torch.tensor([3.0, 0.0]).view(2, 1, 1, 1)
FAKE = torch.tensor([1.0, -1.0]).view(2, 1, 1, 1)


def test_least_squares_are_halved_for_the_critic_alone() -> None:
    terms = translation_critic("least-squares", REAL, FAKE)
    # ½ · mean(2², 1²) and ½ · mean(1, 1)
    assert {name: float(term) for name, term in terms.items()} == {"real": 1.25, "fake": 0.5}
    # mean(0, 4)
    assert math.isclose(float(translation_generator("least-squares", FAKE)), 2.0, rel_tol=1e-6)


def test_cross_entropy_is_halved_for_the_critic_alone() -> None:
    terms = translation_critic("non-saturating", REAL, FAKE)
    sure = [-math.log(1 / (1 + math.exp(-s))) for s in (3.0, 0.0)]
    fooled = [-math.log(1 - 1 / (1 + math.exp(-s))) for s in (1.0, -1.0)]
    wanted = [-math.log(1 / (1 + math.exp(-s))) for s in (1.0, -1.0)]
    assert math.isclose(float(terms["real"]), sum(sure) / 4, rel_tol=1e-5)
    assert math.isclose(float(terms["fake"]), sum(fooled) / 4, rel_tol=1e-5)
    found = float(translation_generator("non-saturating", FAKE))
    assert math.isclose(found, sum(wanted) / 2, rel_tol=1e-5)
