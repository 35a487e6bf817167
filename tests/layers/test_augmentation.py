"""Conditions drawn around a caption's vector."""

from __future__ import annotations

import torch

from progan.layers.augmentation import ConditioningAugmentation, truncated_normal


def test_a_condition_is_its_mean_and_its_deviation_times_the_noise() -> None:
    layer = ConditioningAugmentation(2, 1)
    with torch.no_grad():
        layer.both.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
        layer.both.bias.zero_()
    caption = torch.tensor([[3.0, 0.5], [-5.0, -1.0]])
    condition, mean, log_variance = layer(caption, torch.tensor([[2.0], [-1.0]]))
    # rows behind the rectifier: (3, 0.5) and (−1, −0.2); σ = e^0.5 and e^−0.2
    torch.testing.assert_close(mean, torch.tensor([[3.0], [-1.0]]))
    torch.testing.assert_close(log_variance, torch.tensor([[1.0], [-0.4]]))
    root = torch.tensor([[0.5], [-0.2]]).exp()
    torch.testing.assert_close(condition, mean + root * torch.tensor([[2.0], [-1.0]]))


def test_without_noise_a_condition_is_its_mean() -> None:
    layer = ConditioningAugmentation(4, 3)
    condition, mean, _ = layer(torch.randn(5, 4), torch.zeros(5, 3))
    assert torch.equal(condition, mean)


def test_cut_noise_stays_within_its_limit_and_is_narrower() -> None:
    torch.manual_seed(0)
    drawn = truncated_normal(torch.empty(200, 100))
    assert float(drawn.abs().max()) <= 2
    # of a normal cut at ±2 the deviation is √(1 − 4 φ(2) / (2 Φ(2) − 1)) = 0.8796
    assert abs(float(drawn.std()) - 0.8796) < 0.01
