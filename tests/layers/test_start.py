from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from progan.layers.start import start


def test_orthogonal_rows_are_orthogonal_and_columns_where_those_are_fewer() -> None:
    network = nn.Sequential(nn.Conv2d(4, 8, 3), nn.Linear(4, 8))
    start(network, "orthogonal")
    conv, dense = (layer.weight.detach().flatten(1) for layer in network)
    torch.testing.assert_close(conv @ conv.T, torch.eye(8), atol=1e-5, rtol=0)
    torch.testing.assert_close(dense.T @ dense, torch.eye(4), atol=1e-5, rtol=0)
    assert all(bool((layer.bias == 0).all()) for layer in network)


def test_glorot_gives_3x3_convolutions_twice_the_variance() -> None:
    """g² · 2 / (fan in + fan out): 2 · 2 / (9 · 128); 2 / 128 of 1×1 and of those in `plain`."""
    torch.manual_seed(0)
    wide, last, one = nn.Conv2d(64, 64, 3), nn.Conv2d(64, 64, 3), nn.Conv2d(64, 64, 1)
    start(nn.ModuleList([wide, last, one]), "glorot", plain=(last,))
    expected = [4 / 1152, 2 / 1152, 2 / 128]
    found = [float(layer.weight.detach().var()) for layer in (wide, last, one)]
    assert found == pytest.approx(expected, rel=0.05)
    bound = math.sqrt(3 * 4 / 1152)  # uniform
    assert bound * 0.99 < float(wide.weight.detach().abs().max()) <= bound


def test_normal_is_narrow_and_what_is_spared_stays() -> None:
    torch.manual_seed(0)
    group = nn.Sequential(nn.Linear(3, 3))
    kept, layer = group[0].weight.detach().clone(), nn.Linear(200, 200)
    start(nn.ModuleList([group, layer]), "normal", but=(group,))
    assert torch.equal(group[0].weight, kept)
    assert float(layer.weight.detach().std()) == pytest.approx(0.02, rel=0.02)
