from __future__ import annotations

import math

import pytest
import torch

from progan.layers.spread import MinibatchDiscrimination, MinibatchStddev, group_size


def channel(x: torch.Tensor, group: int | None = None, parts: int = 1) -> torch.Tensor:
    """The appended channel, one number per sample."""
    return MinibatchStddev(group)(x, parts)[:, -1, 0, 0]


def test_eight_samples_in_fours_group_evens_and_odds() -> None:
    x = torch.tensor([0.0, 0, 2, 0, 4, 0, 6, 0]).view(8, 1, 1, 1)
    # Evens 0 2 4 6 have variance 5 about 3; odds are all alike.
    expected = torch.tensor([math.sqrt(5 + 1e-8), 1e-4] * 4)
    torch.testing.assert_close(channel(x, group=4), expected)


def test_stddev_is_biased_and_averaged_over_all_features() -> None:
    x = torch.zeros(2, 2, 1, 1)
    x[0, 0], x[1, 0] = 1.0, -1.0  # deviation 1 in one of two features
    torch.testing.assert_close(channel(x), torch.full((2,), (1.0 + 1e-4) / 2))


def test_single_sample_sees_the_root_of_epsilon() -> None:
    torch.testing.assert_close(channel(torch.randn(1, 3, 4, 4), group=4), torch.tensor([1e-4]))


def test_input_passes_unchanged_below_the_new_channel() -> None:
    x = torch.randn(4, 3, 4, 4)
    y = MinibatchStddev(None)(x)
    assert y.shape == (4, 4, 4, 4)
    assert torch.equal(y[:, :3], x)


@pytest.mark.parametrize("group", [None, 2, 4])
def test_two_parts_in_one_pass_equal_a_pass_for_each(group: int | None) -> None:
    real, fake = torch.randn(2, 8, 3, 4, 4)
    together = channel(torch.cat([real, fake]), group, parts=2)
    apart = torch.cat([channel(real, group), channel(fake, group)])
    torch.testing.assert_close(together, apart)


@pytest.mark.parametrize(
    ("n", "group", "size"),
    [(8, 4, 4), (3, 4, 3), (14, 4, 2), (14, 16, 14), (7, 4, 1), (6, None, 6)],
)
def test_group_is_the_largest_divisor_not_above_the_wish(
    n: int, group: int | None, size: int
) -> None:
    assert group_size(n, group) == size


def test_samples_all_alike_have_finite_second_derivatives() -> None:
    x = torch.ones(4, 2, 2, 2, requires_grad=True)
    weight = torch.tensor(2.0, requires_grad=True)
    (slope,) = torch.autograd.grad(channel(x * weight).sum(), x, create_graph=True)
    second = torch.autograd.grad(
        (slope.flatten(1).square().sum(1) + slope.sum()).sum(), (x, weight)
    )
    assert slope.isfinite().all()
    assert all(gradient.isfinite().all() for gradient in second)


def test_stddev_of_bfloat16_is_taken_in_float32_and_of_any_layout() -> None:
    x = (100 + torch.randn(8, 4, 4, 4)).bfloat16()
    expected = channel(x.float(), 4)
    torch.testing.assert_close(channel(x, 4), expected.bfloat16())
    wide = x.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(channel(wide, 4), channel(x, 4))


def identity_discrimination() -> MinibatchDiscrimination:
    """Two features, seen by one kernel of two dimensions as they are."""
    layer = MinibatchDiscrimination(2, kernels=1, dims=2)
    with torch.no_grad():
        layer.direction.copy_(torch.eye(2).view(2, 1, 2))
    return layer


def test_closeness_sums_exponentials_of_l1_distances_to_the_others() -> None:
    x = torch.tensor([[0.0, 0.0], [1.0, 1.0], [0.0, 3.0]])
    # Distances: 2 between the first two, 3 and 3 to the last (|1| + |2|).
    expected = torch.tensor(
        [
            math.exp(-2) + math.exp(-3),
            math.exp(-2) + math.exp(-3),
            math.exp(-3) + math.exp(-3),
        ]
    )
    y = identity_discrimination()(x)
    assert torch.equal(y[:, :2], x)
    torch.testing.assert_close(y[:, 2], expected)


def test_parts_are_discriminated_apart() -> None:
    layer = MinibatchDiscrimination(6, kernels=4, dims=3)
    real, fake = torch.randn(2, 5, 6)
    together = layer(torch.cat([real, fake]), parts=2)
    torch.testing.assert_close(together, torch.cat([layer(real), layer(fake)]))


def test_calibration_sets_nearest_distances_to_two_and_closeness_to_zero_once() -> None:
    layer = MinibatchDiscrimination(6, kernels=4, dims=3)
    x = 30 * torch.randn(16, 6)
    layer.calibrate(x)
    nearest = layer.distances(x, 1).amin(dim=2).mean(dim=(0, 1))
    torch.testing.assert_close(nearest, torch.full((4,), 2.0))
    torch.testing.assert_close(layer(x)[:, 6:].mean(dim=0), torch.zeros(4), atol=1e-5, rtol=0)
    before = layer.log_scale.clone()
    layer.calibrate(torch.randn(16, 6))
    assert torch.equal(layer.log_scale, before)


def test_discrimination_of_equal_samples_has_finite_second_derivatives() -> None:
    layer = MinibatchDiscrimination(3, kernels=2, dims=2)
    x = torch.ones(4, 3, requires_grad=True)
    (slope,) = torch.autograd.grad(layer(x).sum(), x, create_graph=True)
    second = torch.autograd.grad(slope.square().sum(), tuple(layer.parameters()), allow_unused=True)
    assert all(gradient.isfinite().all() for gradient in second if gradient is not None)
