from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from progan.core.slopes import verdict_and_slope
from progan.layers.resample import down, up
from progan.objectives.penalty import (
    dragan,
    drift,
    excess,
    gradient_penalty,
    norms,
    orthogonal,
    pixel_penalty,
    r1,
    r2,
)

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


# the sides


@pytest.mark.parametrize("n", [1, 64])
@pytest.mark.parametrize(
    ("length", "side", "expected"),
    [
        (3.0, "two", 4.0),
        (3.0, "one", 4.0),
        (3.0, "one-linear", 2.0),
        (1.0, "two", 0.0),
        (0.25, "two", 0.5625),  # (0.25 − 1)²
        (0.25, "one", 0.0),
        (0.25, "one-linear", 0.0),
    ],
)
def test_a_linear_critic_pays_for_its_slope_whatever_the_batch(
    n: int, length: float, side: Any, expected: float
) -> None:
    weight = torch.full((3, 4, 4), length / math.sqrt(48), dtype=torch.float64)
    real, fake = torch.randn(2, n, 3, 4, 4, dtype=torch.float64)

    def critic(x: Tensor) -> Tensor:
        return (x * weight).sum((1, 2, 3))

    for penalty in (
        gradient_penalty(critic, real, fake, side=side),
        dragan(critic, real, side=side),
    ):
        assert penalty.item() == pytest.approx(expected, rel=1e-12, abs=1e-24)


def test_sides_of_three_norms_are_as_worked_out_by_hand() -> None:
    norm = torch.tensor([0.0, 1.0, 4.0])
    assert excess(norm, 2.0, "two").tolist() == [4.0, 1.0, 4.0]
    assert excess(norm, 2.0, "one").tolist() == [0.0, 0.0, 4.0]
    assert excess(norm, 2.0, "one-linear").tolist() == [0.0, 0.0, 2.0]


def test_norms_are_taken_over_all_values_of_an_image() -> None:
    slope = torch.zeros(2, 2, 3, 3)
    slope[0, 0, 0, 0], slope[0, 1, 2, 1] = 3.0, 4.0
    assert norms(slope).tolist() == [5.0, 0.0]


# where slopes are taken


def seen_by(penalty: Callable[[Callable[[Tensor], Tensor]], Tensor]) -> Tensor:
    """Where a penalty looks."""
    seen = []

    def watch(x: Tensor) -> Tensor:
        seen.append(x.detach())
        return x.flatten(1).sum(1)

    penalty(watch)
    (place,) = seen
    return place


@pytest.mark.parametrize("shape", [(64, 3, 4, 4), (64, 2)])
def test_each_image_has_one_point_on_the_line_to_its_partner(shape: tuple[int, ...]) -> None:
    """Of (x̂ − x) = u (x̃ − x) all values give the same u, and each pair its own; images or not."""
    real, fake = torch.randn(2, *shape, dtype=torch.float64)
    place = seen_by(lambda critic: gradient_penalty(critic, real, fake))
    share = ((place - real) / (fake - real)).flatten(1)
    torch.testing.assert_close(share, share[:, :1].expand_as(share), rtol=1e-6, atol=1e-6)
    assert len(share[:, 0].unique()) == 64
    assert 0 <= share.min() < 0.2
    assert 0.8 < share.max() <= 1


@pytest.mark.parametrize("shape", [(500, 1, 4, 4), (500, 2)])
def test_dragan_looks_up_to_half_a_deviation_beside_reals(shape: tuple[int, ...]) -> None:
    """u per image times v per value, both from U[0, 1]: mean ¼, largest 1, in units of ½ σ."""
    real = torch.randn(shape, dtype=torch.float64) * 3
    place = seen_by(lambda critic: dragan(critic, real))
    moved = (place - real) / (real.std(correction=0) / 2)
    assert moved.min() >= 0
    assert 0.7 < moved.max() <= 1
    assert moved.mean().item() == pytest.approx(0.25, abs=0.03)
    largest = moved.flatten(1).amax(1)  # u times the largest of its values
    assert largest.min() < 0.1  # some images hardly move, others far
    assert largest.max() > 0.8
    if len(shape) == 4:
        assert (moved.flatten(1).amin(1) < 0.9 * largest).all()  # values of one image differ


def test_dragan_of_a_single_value_stays_there() -> None:
    """One value has no spread: σ = 0, where the unbiased estimate would be 0/0."""
    place = seen_by(lambda critic: dragan(critic, torch.full((1, 1, 1, 1), 0.7)))
    assert place.item() == pytest.approx(0.7)


def test_penalties_of_a_bent_critic_are_as_worked_out_by_hand() -> None:
    """s = Σ ½ x² has the slope x: at (3, 4) of length 5."""
    spot = torch.tensor([[3.0, 4.0]]).view(1, 2, 1, 1).expand(6, 2, 1, 1).contiguous()

    def critic(x: Tensor) -> Tensor:
        return x.square().sum((1, 2, 3)) / 2

    assert gradient_penalty(critic, spot, spot).item() == pytest.approx(16.0)
    assert gradient_penalty(critic, spot, spot, target=5.0).item() == pytest.approx(0.0, abs=1e-9)
    _, slope = verdict_and_slope(critic, spot)
    assert r1(slope).item() == r2(slope).item() == 12.5


def test_the_score_of_a_verdict_with_classes_is_its_first_column() -> None:
    """Slopes of the class logits, here 100 times the score's, are not charged."""

    def judge(x: Tensor) -> Tensor:
        return torch.stack([linear(x), 100 * linear(x)], dim=1)

    assert gradient_penalty(judge, REAL, FAKE).item() == pytest.approx(4.0)
    assert dragan(judge, REAL).item() == pytest.approx(4.0)


# twice differentiable


def deep() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1), nn.Tanh(), nn.Flatten(), nn.Linear(27, 1), nn.Flatten(0)
    ).double()


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kind", ["gp", "gp one-linear", "dragan", "r1"])
def test_gradients_of_weights_are_those_of_finite_differences(kind: str, training: bool) -> None:
    """Through the slope, that is, by differentiating twice; in both modes of the critic."""
    critic = deep().train(training)
    real, fake = torch.randn(2, 3, 2, 3, 3, dtype=torch.float64)

    def penalty() -> Tensor:
        torch.manual_seed(1)  # the same points each time
        if kind == "r1":
            return r1(verdict_and_slope(critic, real)[1])
        if kind == "dragan":
            return dragan(critic, real, target=0.1)
        side: Any = "one-linear" if "linear" in kind else "two"
        return gradient_penalty(critic, real, fake, target=0.1, side=side)

    weights = dict(critic.named_parameters())
    found = torch.autograd.grad(penalty(), list(weights.values()), allow_unused=True)
    for (name, weight), gradient in zip(weights.items(), found, strict=True):
        flat = weight.detach().view(-1)
        index, step = len(flat) // 2, 1e-6
        values = []
        for sign in (1, -1):
            flat[index] += sign * step
            values.append(penalty().item())
            flat[index] -= sign * step
        expected = (values[0] - values[1]) / (2 * step)
        actual = 0.0 if gradient is None else gradient.flatten()[index].item()
        assert actual == pytest.approx(expected, rel=1e-5, abs=1e-8), name
        assert expected != 0 or name == "3.bias"  # a slope does not know the last bias


def test_a_penalty_moves_the_critic_and_not_the_pictures() -> None:
    real, fake = (x.clone().requires_grad_() for x in (REAL, FAKE))
    weight = WEIGHT.clone().requires_grad_()
    penalty = gradient_penalty(lambda x: (x * weight).sum((1, 2, 3)), real, fake)
    found = torch.autograd.grad(penalty, [weight, real, fake], allow_unused=True)
    # (‖w‖ − 1)² has the slope 2 (‖w‖ − 1) w/‖w‖ = 2 · 2 · ½
    torch.testing.assert_close(found[0], torch.full_like(WEIGHT, 2.0))
    assert found[1:] == (None, None)


# rows of a weight


@pytest.mark.parametrize("scale", [1.0, 7.0])
def test_orthogonal_rows_cost_nothing_however_long(scale: float) -> None:
    assert orthogonal(scale * torch.eye(5)).item() == 0.0
    turned = torch.tensor([[0.6, 0.8], [-0.8, 0.6]], dtype=torch.float64)
    assert orthogonal(scale * turned).item() == pytest.approx(0.0, abs=1e-24)


def test_rows_that_are_not_orthogonal_pay_their_products_squared() -> None:
    """(1, 2) · (3, 4) = 11, counted for both orders: 2 · 121. Lengths, 5 and 25, count nothing."""
    weight = torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float64, requires_grad=True)
    assert orthogonal(weight).item() == 242.0
    assert torch.autograd.gradcheck(orthogonal, weight)
    kernels = weight.detach().view(2, 1, 1, 2)  # two outputs of a convolution
    assert orthogonal(kernels).item() == 242.0


def test_the_pixel_penalty_is_the_mean_excess_of_each_pixels_slope() -> None:
    # slope (3, 4, 0) in three channels at every pixel but one, where it is 0: norms 5 and 0
    weight = torch.tensor([3.0, 4.0, 0.0]).view(1, 3, 1, 1).repeat(1, 1, 2, 2)
    weight[0, :, 0, 0] = 0
    real, fake = torch.randn(2, 5, 3, 2, 2)
    penalty = pixel_penalty(lambda x: (x * weight).sum((1, 2, 3)), real, fake)
    torch.testing.assert_close(penalty, torch.tensor((3 * (5 - 1) ** 2 + (0 - 1) ** 2) / 4))


@pytest.mark.parametrize("norm", ["pixel", "image"])
def test_both_norms_of_a_patch_critic_agree_with_finite_differences(norm: str) -> None:
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Tanh(), nn.Conv2d(3, 1, 2)).double()
    image = torch.randn(1, 2, 6, 5, dtype=torch.float64)

    def total(x: Tensor) -> Tensor:
        scores = critic(x)
        return scores.sum((1, 2, 3)) if norm == "pixel" else scores.mean((1, 2, 3))

    step, slope = 1e-6, torch.zeros_like(image)
    with torch.no_grad():
        for place in range(image.numel()):
            moved = torch.zeros_like(image).view(-1)
            moved[place] = step
            up_, down_ = (total(image + sign * moved.view_as(image)) for sign in (1, -1))
            slope.view(-1)[place] = (up_ - down_).item() / (2 * step)
    if norm == "pixel":
        expected = (slope.square().sum(1).sqrt() - 1).square().mean()
        found = pixel_penalty(total, image, image)
    else:
        expected = (slope.square().sum().sqrt() - 1).square()
        found = gradient_penalty(total, image, image)
    torch.testing.assert_close(found.detach(), expected, rtol=1e-6, atol=1e-8)
