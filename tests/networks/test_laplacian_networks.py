"""LAPGAN's networks: the published sizes, joins, label planes, pooled pairs."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from progan.networks.laplacian import (
    BandDiscriminator,
    BandGenerator,
    CoarseDiscriminator,
    CoarseGenerator,
    PairPool,
)


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def generator(**settings: Any) -> BandGenerator:
    asked = {"resolution": 32, "channels": 3, "labels": 0, "width": 64, "kind": "small"}
    return BandGenerator(**{**asked, **settings})


def discriminator(**settings: Any) -> BandDiscriminator:
    asked = {"resolution": 32, "channels": 3, "labels": 0, "width": 64, "kind": "small"}
    return BandDiscriminator(**{**asked, "join": "sum", "dropout": 0.5, **settings})


def conv(inputs: int, outputs: int, kernel: int, groups: int = 1) -> int:
    return outputs * (inputs // groups) * kernel**2 + outputs


def test_the_small_networks_have_the_published_sizes() -> None:
    assert count(generator()) == conv(4, 64, 7) + conv(64, 64, 7) + conv(64, 3, 5) == 218_179
    wanted = conv(3, 64, 5) + conv(64, 64, 5) + 64 * 12 * 12 + 1
    assert count(discriminator()) == wanted == 116_545


def test_the_large_networks_have_the_published_sizes() -> None:
    """The published description of D ends in a dense layer of 166,400 numbers."""
    wanted = conv(4, 64, 7) + conv(64, 368, 7, 4) + conv(368, 128, 7, 4) + conv(64, 224, 5, 2)
    assert count(generator(kind="large")) == wanted + conv(224, 3, 7)
    judge = discriminator(kind="large")
    assert judge.last.in_features == 166_400
    wanted = conv(3, 48, 3) + conv(48, 448, 5, 4) + conv(448, 416, 7, 16) + 166_401
    assert count(judge) == wanted


def test_the_coarsest_networks_are_dense() -> None:
    draw = CoarseGenerator(resolution=8, channels=3, latent_size=100, labels=0, hidden=1200)
    judge = CoarseDiscriminator(resolution=8, channels=3, labels=0, hidden=600, dropout=0.5)
    assert count(draw) == 101 * 1200 + 1201 * 1200 + 1201 * 192
    assert count(judge) == 193 * 600 + 601 * 600 + 601
    assert draw(torch.randn(2, 100)).shape == (2, 3, 8, 8)
    assert judge(torch.randn(2, 3, 8, 8)).shape == (2,)


@pytest.mark.parametrize("kind", ["small", "large"])
@pytest.mark.parametrize("side", [8, 16, 32])
def test_every_side_of_a_pyramid_works(kind: str, side: int) -> None:
    settings = {"resolution": side, "channels": 1, "labels": 3, "width": 16, "kind": kind}
    noise, low, y = torch.randn(2, 1, side, side), torch.randn(2, 1, side, side), torch.eye(3)[:2]
    band = generator(**settings)(noise, low, y)
    assert band.shape == low.shape
    for join in ("sum", "concat"):
        assert discriminator(**settings, join=join)(band, low, y).shape == (2,)


def test_a_sum_is_blind_to_what_moves_between_band_and_coarse_picture() -> None:
    band, low = torch.randn(2, 4, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    for join, blind in (("sum", True), ("concat", False)):
        torch.manual_seed(0)
        judge = discriminator(width=8, join=join).eval()
        moved = judge(band + 0.5, low - 0.5)
        assert torch.allclose(judge(band, low), moved, atol=1e-5) is blind


def test_the_label_is_a_plane_that_both_networks_see() -> None:
    torch.manual_seed(0)
    noise, low = torch.randn(2, 1, 16, 16), torch.randn(2, 1, 16, 16)
    settings = {"resolution": 16, "channels": 1, "labels": 2, "width": 8}
    draw, judge = generator(**settings), discriminator(**settings).eval()
    one, other = torch.eye(2)
    assert draw.plane is not None
    assert draw.plane(one[None]).shape == (1, 1, 16, 16)
    for network, image in ((draw, noise), (judge, low)):
        first, second = (network(image, low, y.expand(2, -1)) for y in (one, other))
        assert not torch.allclose(first, second)


def test_pairs_of_maps_become_the_root_of_their_squares() -> None:
    x = torch.tensor([3.0, 4.0, 0.0, 0.0]).view(1, 4, 1, 1).requires_grad_()
    pooled = PairPool()(x)
    assert pooled.flatten().tolist() == [5, 0]
    (slope,) = torch.autograd.grad(pooled.sum(), x)
    torch.testing.assert_close(slope.flatten(), torch.tensor([0.6, 0.8, 0.0, 0.0]))


def test_only_the_large_generators_inner_layers_are_normed() -> None:
    """A norm of the band itself would force its size."""
    modules = list(generator(kind="large").body)
    assert sum(isinstance(m, nn.BatchNorm2d) for m in modules) == 4
    assert isinstance(modules[-1], nn.Conv2d)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in generator().body)
