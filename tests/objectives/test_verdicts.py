"""One look of a critic at reals and fakes: passes, columns, and what the penalty adds."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from progan.core.specs import Penalty
from progan.objectives.penalty import dragan, gradient_penalty
from progan.objectives.verdicts import look

WEIGHT = torch.full((1, 2, 2), 1.5, dtype=torch.float64)  # ‖WEIGHT‖ = 3
REAL, FAKE = torch.randn(
    2, 4, 1, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(3)
)


class Judge:
    """A linear critic with slope 3 on reals, 3 `tilt` on its last passes, that keeps a diary."""

    def __init__(self, columns: int = 0) -> None:
        self.columns = columns
        self.passes: list[int] = []

    def __call__(self, x: Tensor) -> Tensor:
        self.passes.append(len(x))
        score = (x * WEIGHT).sum((1, 2, 3))
        if not self.columns:
            return score
        others = [50.0 * k * score for k in range(1, self.columns)]
        return torch.stack([score, *others], dim=1)


def term(kind: str, judge: Any = None, step: int = 0, scale: float = 1.0, **options: Any) -> float:
    penalty = Penalty(kind=kind, **options)  # type: ignore[arg-type]
    _, _, terms = look(judge or Judge(), REAL, FAKE, penalty, step, scale=scale)
    return terms["penalty"].item()


@pytest.mark.parametrize(
    ("kind", "options", "expected"),
    [
        # weight 10 unless said otherwise; slope 3 everywhere
        ("gp", {}, 40.0),  # 10 (3 − 1)²
        ("gp", {"target": 2.0}, 2.5),  # 10/4 (3 − 2)²
        ("gp", {"target": 6.0}, 2.5),  # 10/36 (3 − 6)²
        ("gp", {"target": 6.0, "side": "one"}, 0.0),
        ("gp", {"target": 2.0, "side": "one-linear"}, 5.0),  # 10 (3/2 − 1)
        ("gp", {"weight": 0.5, "side": "one-linear"}, 1.0),
        ("gp", {"every": 8}, 320.0),
        ("dragan", {}, 40.0),
        ("dragan", {"side": "one-linear"}, 20.0),
        ("r1", {}, 45.0),  # 10/2 · 9
        ("r2", {"weight": 2.0}, 9.0),
        ("r1+r2", {"weight": 2.0}, 18.0),
        ("r1+r2", {"weight": 2.0, "every": 4}, 72.0),
    ],
)
@pytest.mark.parametrize("columns", [0, 1, 3])
def test_the_price_of_a_linear_critic_is_as_worked_out_by_hand(
    kind: str, options: dict[str, Any], expected: float, columns: int
) -> None:
    assert term(kind, Judge(columns), **options) == pytest.approx(expected, rel=1e-12, abs=1e-20)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("gp", 2.5), ("dragan", 2.5), ("r1", 11.25), ("r2", 11.25), ("r1+r2", 22.5)],
)
def test_scale_halves_the_slope_of_every_kind(kind: str, expected: float) -> None:
    """10 (3/2 − 1)², and 10/2 · (3/2)²."""
    assert term(kind, scale=0.5) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("columns", [0, 3])
@pytest.mark.parametrize("kind", ["gp", "dragan", "r1", "r2", "r1+r2", "none"])
def test_verdicts_are_the_judges_own_in_every_way_of_looking(
    kind: Any, columns: int, together: bool
) -> None:
    judge, once = Judge(columns), Judge(columns)
    on_real, on_fake, terms = look(
        judge, REAL, FAKE, Penalty(kind=kind), 0, together=once if together else None
    )
    torch.testing.assert_close(on_real, Judge(columns)(REAL))
    torch.testing.assert_close(on_fake, Judge(columns)(FAKE))
    assert set(terms) == ({"penalty"} if kind != "none" else set())
    apart = kind in ("r1", "r2", "r1+r2")
    extra = [4] if kind in ("gp", "dragan") else []
    if together and not apart:
        assert (once.passes, judge.passes) == ([8], extra)  # one pass over both
    else:
        assert (once.passes, judge.passes) == ([], [4, 4, *extra])


@pytest.mark.parametrize("kind", ["r1", "r2", "r1+r2"])
def test_r1_looks_at_reals_and_r2_at_fakes(kind: Any) -> None:
    """s = Σ ½ x²: the squared slope at x is ‖x‖². Weight 2 leaves E‖x‖²."""

    def bent(x: Tensor) -> Tensor:
        return x.square().sum((1, 2, 3)) / 2

    _, _, terms = look(bent, REAL, FAKE, Penalty(kind=kind, weight=2.0), 0)
    sides = {"r1": [REAL], "r2": [FAKE], "r1+r2": [REAL, FAKE]}[kind]
    expected = sum(side.square().sum((1, 2, 3)).mean().item() for side in sides)
    assert terms["penalty"].item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("kind", ["gp", "dragan"])
def test_gp_lies_between_both_and_dragan_beside_reals(kind: Any) -> None:
    def bent(x: Tensor) -> Tensor:
        return x.square().sum((1, 2, 3)) / 2

    torch.manual_seed(5)
    _, _, terms = look(bent, REAL, FAKE, Penalty(kind=kind, weight=1.0), 0)
    torch.manual_seed(5)
    expected = gradient_penalty(bent, REAL, FAKE) if kind == "gp" else dragan(bent, REAL)
    torch.testing.assert_close(terms["penalty"], expected)


@pytest.mark.parametrize("kind", ["gp", "dragan", "r1", "r2", "r1+r2"])
def test_a_lazy_penalty_is_worth_its_weight_on_average(kind: Any) -> None:
    lazy, always = Penalty(kind=kind, every=4), Penalty(kind=kind)
    prices = [look(Judge(), REAL, FAKE, lazy, step)[2] for step in range(8)]
    assert [step for step, terms in enumerate(prices) if terms] == [0, 4]
    found = sum(terms["penalty"].item() for terms in prices if terms) / 8
    assert found == pytest.approx(look(Judge(), REAL, FAKE, always, 1)[2]["penalty"].item())


@pytest.mark.parametrize("kind", ["r1", "r2", "r1+r2"])
def test_a_lazy_slope_that_is_not_due_leaves_the_single_pass(kind: Any) -> None:
    once = Judge()
    look(Judge(), REAL, FAKE, Penalty(kind=kind, every=4), 1, together=once)
    assert once.passes == [8]


@pytest.mark.parametrize("kind", ["gp", "dragan", "r1", "r2", "r1+r2"])
def test_the_price_and_the_verdicts_both_teach_the_critic(kind: Any) -> None:
    critic = nn.Sequential(nn.Flatten(), nn.Linear(4, 8), nn.Softplus(), nn.Linear(8, 1)).double()
    on_real, on_fake, terms = look(
        lambda x: critic(x)[:, 0], REAL, FAKE, Penalty(kind=kind), 0, together=None
    )
    for found in (on_real.mean(), on_fake.mean(), terms["penalty"]):
        gradients = torch.autograd.grad(
            found, list(critic.parameters()), retain_graph=True, allow_unused=True
        )
        assert all(g.isfinite().all() for g in gradients if g is not None)
        assert gradients[0] is not None
        assert gradients[0].abs().max() > 0


def test_a_look_leaves_the_pictures_as_they_were() -> None:
    real, fake = REAL.clone(), FAKE.clone()
    look(Judge(), real, fake, Penalty(kind="r1+r2"), 0)
    assert not real.requires_grad
    assert not fake.requires_grad
    assert torch.equal(real, REAL)


def test_points_in_the_plane_are_judged_as_pictures_are() -> None:
    """s = 3 a + 4 b has a slope of length 5, on n × 2 as on n × c × h × w."""
    points = torch.randn(6, 2)
    slope = torch.tensor([3.0, 4.0])
    for kind, expected in (("gp", 160.0), ("dragan", 160.0), ("r1", 125.0), ("r1+r2", 250.0)):
        penalty = Penalty(kind=kind)  # type: ignore[arg-type]
        _, _, terms = look(lambda x: x @ slope, points, -points, penalty, 0)
        assert terms["penalty"].item() == pytest.approx(expected, rel=1e-5)
    assert math.isclose(10 * (5 - 1) ** 2, 160.0)
