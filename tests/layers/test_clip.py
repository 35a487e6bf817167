from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from progan.layers.clip import clip_weights
from progan.layers.equalized import (
    EqualizedConv2d,
    EqualizedDownConv2d,
    EqualizedLinear,
    EqualizedUpConv2d,
)


def test_every_weight_and_bias_of_ordinary_layers_ends_in_the_box() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 1))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.linspace(-1, 1, parameter.numel()).view_as(parameter))
    before = [parameter.clone() for parameter in network.parameters()]
    clip_weights(network, 0.25)
    for old, new in zip(before, network.parameters(), strict=True):
        assert torch.equal(new, old.clamp(-0.25, 0.25))


@pytest.mark.parametrize(
    "kind", [EqualizedConv2d, EqualizedLinear, EqualizedUpConv2d, EqualizedDownConv2d]
)
@pytest.mark.parametrize("equalized", [True, False])
def test_the_weight_that_is_multiplied_with_is_the_one_in_the_box(
    kind: Callable[..., Any], equalized: bool
) -> None:
    """Not the stored one: of an equalized layer that is 1/scale times larger, here 2 to 6 times."""
    layer = kind(8, 4, equalized=equalized)
    limit = 0.1
    with torch.no_grad():
        layer.weight.copy_(torch.linspace(-9, 9, layer.weight.numel()).view_as(layer.weight))
        layer.bias.copy_(torch.linspace(-9, 9, 4))
    clip_weights(layer, limit)
    effective = layer.weight * layer.scale
    assert effective.abs().max().item() == pytest.approx(limit)
    assert layer.bias.abs().max().item() == pytest.approx(limit)  # the constant spares the bias
    assert (layer.weight.abs().max() > 1.9 * limit) == equalized


def test_weights_inside_the_box_are_left_to_the_bit() -> None:
    layer = EqualizedLinear(5, 3)
    before = layer.weight.clone()
    clip_weights(layer, 100.0)
    assert torch.equal(layer.weight, before)


def test_clipping_leaves_no_trace_for_gradients() -> None:
    layer = nn.Linear(2, 1)
    clip_weights(layer, 0.01)
    assert layer.weight.is_leaf
    assert layer.weight.grad is None
    layer(torch.ones(1, 2)).sum().backward()
    assert torch.equal(layer.weight.grad, torch.ones(1, 2))
