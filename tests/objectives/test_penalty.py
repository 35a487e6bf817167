from __future__ import annotations

import pytest
import torch
from torch import Tensor

from progan.core.slopes import verdict_and_slope
from progan.layers.resample import down, up
from progan.objectives.penalty import drift, gradient_penalty, r1

WEIGHT = torch.full((1, 2, 2), 1.5)  # ‖WEIGHT‖ = 3
REAL, FAKE = torch.randn(2, 5, 1, 2, 2)


def linear(x: Tensor) -> Tensor:
    """A critic whose slope is 3 everywhere."""
    return (x * WEIGHT).sum((1, 2, 3))


@pytest.mark.parametrize(
    ("target", "scale", "expected"), [(1.0, 1.0, 4.0), (3.0, 1.0, 0.0), (1.0, 0.5, 0.25)]
)
def test_penalty_of_a_linear_critic_is_its_excess_slope_squared(
    target: float, scale: float, expected: float
) -> None:
    penalty = gradient_penalty(linear, REAL, FAKE, target, scale)
    torch.testing.assert_close(penalty, torch.tensor(expected))


def test_slope_is_taken_between_each_pair() -> None:
    """With the critic Σ x³ the slope at x is 3 x²: pairs (0, 0) and (2, 2) have one point each."""
    pictures = torch.tensor([0.0, 2.0]).view(2, 1, 1, 1)
    penalty = gradient_penalty(lambda x: x.pow(3).sum((1, 2, 3)), pictures, pictures)
    torch.testing.assert_close(penalty, torch.tensor((1.0 + 11.0**2) / 2))
    seen = []

    def watch(x: Tensor) -> Tensor:
        seen.append(x.detach())
        return linear(x)

    gradient_penalty(watch, torch.zeros(500, 1, 2, 2), torch.ones(500, 1, 2, 2))
    mix = seen[0]
    assert torch.equal(mix[:, :, :1, :1].expand_as(mix), mix)  # one number per pair
    assert 0 <= mix.min() < 0.05
    assert 0.95 < mix.max() <= 1
    assert mix.mean().item() == pytest.approx(0.5, abs=0.05)


def test_a_slope_of_zero_passes_back_zero() -> None:
    weight = torch.zeros(1, 2, 2, requires_grad=True)
    penalty = gradient_penalty(lambda x: (x * weight).sum((1, 2, 3)), REAL, FAKE)
    penalty.backward()
    torch.testing.assert_close(penalty.detach(), torch.tensor(1.0))
    assert torch.equal(weight.grad, torch.zeros(1, 2, 2))


@pytest.mark.parametrize("k", [0, 1, 2, 3])
def test_slope_on_enlarged_pictures_is_2_to_minus_k_of_the_native_slope(k: int) -> None:
    """What `scale` stands for: the original reads pictures enlarged 2^k times, box by box."""
    native = gradient_penalty(linear, REAL, FAKE, scale=2.0**-k)
    factor = 2**k
    enlarged = gradient_penalty(
        lambda x: linear(down(x, factor)), up(REAL, factor), up(FAKE, factor)
    )
    torch.testing.assert_close(native, enlarged)
    torch.testing.assert_close(native, torch.tensor((3.0 / factor - 1.0) ** 2))


def test_r1_of_a_linear_critic_is_half_its_squared_slope() -> None:
    scores, slope = verdict_and_slope(linear, REAL)
    torch.testing.assert_close(scores, linear(REAL))
    torch.testing.assert_close(r1(slope), torch.tensor(4.5))
    torch.testing.assert_close(r1(slope, scale=0.5), torch.tensor(4.5 / 4))


def test_drift_is_the_mean_squared_score() -> None:
    assert drift(torch.tensor([1.0, 3.0])).item() == 5.0
