"""StackGAN's networks: published sizes, and what reaches what."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import nn

from progan.networks.stackgan import FirstGenerator, PairDiscriminator, SecondGenerator
from progan.networks.text import PictureVector, TextVector

PUBLISHED = {"channels": 3, "features": 1024, "code": 128}


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_the_published_networks_have_the_published_sizes() -> None:
    with torch.device("meta"):
        first = FirstGenerator(resolution=64, latent_size=100, width=128, **PUBLISHED)
        second = SecondGenerator(resolution=256, ratio=4, width=128, blocks=4, **PUBLISHED)
        judges = [PairDiscriminator(resolution=side, width=64, **PUBLISHED) for side in (64, 256)]
    # condition: 1024 · 256 + 256; dense: 228 · 16,384 + 2 · 16,384 of its norm
    dense = 1024 * 256 + 256 + 228 * 16_384 + 2 * 16_384

    def conv(inputs: int, outputs: int, kernel: int) -> int:
        return inputs * outputs * kernel**2 + 2 * outputs

    def narrow(c: int) -> int:
        return conv(c, c // 4, 1) + conv(c // 4, c // 4, 3) + conv(c // 4, c, 3)

    ups = conv(1024, 512, 3) + narrow(512) + conv(512, 256, 3) + conv(256, 128, 3)
    assert parameters(first) == dense + narrow(1024) + ups + 128 * 27 + 3
    inner = 3 * 128 * 9 + 128 + conv(128, 256, 4) + conv(256, 512, 4) + conv(640, 512, 3)
    outer = sum(conv(a, a // 2, 3) for a in (512, 256, 128, 64)) + 32 * 27 + 3
    assert parameters(second) == 1024 * 256 + 256 + inner + 8 * conv(512, 512, 3) + outer

    def judge(sizes: list[int], falls: list[int]) -> int:
        total = 3 * 64 * 16 + 64
        total += sum(conv(a, b, 4) for a, b in pairwise(sizes))
        total += sum(conv(a, a // 2, 1) for a in falls)
        return total + narrow(512) + 1024 * 128 + 128 + conv(640, 512, 1) + 512 * 16 + 1

    assert parameters(judges[0]) == judge([64, 128, 256, 512], [])
    assert parameters(judges[1]) == judge([64, 128, 256, 512, 1024, 2048], [2048, 1024])


@pytest.mark.parametrize(("side", "ratio"), [(8, 2), (8, 4), (16, 4), (32, 2)])
def test_pictures_come_in_the_sizes_asked_for(side: int, ratio: int) -> None:
    sizes = {"channels": 1, "features": 5, "code": 3}
    first = FirstGenerator(resolution=side, latent_size=4, width=2, **sizes)
    second = SecondGenerator(resolution=side * ratio, ratio=ratio, width=4, blocks=1, **sizes)
    caption, noise = torch.randn(3, 5), torch.randn(3, 3)
    small, mean, log_variance = first(torch.randn(3, 4), caption, noise)
    large, _, _ = second(small, caption, noise)
    assert small.shape == (3, 1, side, side)
    assert large.shape == (3, 1, side * ratio, side * ratio)
    assert mean.shape == log_variance.shape == (3, 3)
    for image in (small, large):
        assert float(image.detach().abs().max()) <= 1
        judge = PairDiscriminator(resolution=image.shape[-1], width=2, **sizes)
        assert judge(image, caption).shape == (3,)


@pytest.mark.parametrize(
    ("small", "inner", "side"), [(64, 16, 16), (32, 16, 16), (16, 16, 16), (8, 16, 8), (16, 4, 4)]
)
def test_maps_inside_are_as_large_as_published(small: int, inner: int, side: int) -> None:
    network = SecondGenerator(
        resolution=2 * small,
        ratio=2,
        channels=1,
        features=5,
        code=3,
        width=2,
        blocks=1,
        inner=inner,
    )
    assert network.inner(torch.randn(2, 1, small, small)).shape == (2, 8, side, side)


def test_the_noise_and_the_caption_reach_large_pictures_each_by_both_ways() -> None:
    sizes = {"channels": 1, "features": 5, "code": 3}
    first = FirstGenerator(resolution=8, latent_size=4, width=4, **sizes).eval()
    second = SecondGenerator(resolution=16, ratio=2, width=4, blocks=1, **sizes).eval()
    for module in (first, second):
        for layer in module.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.normal_(layer.weight, 0, 0.3)
    z, caption, noise = torch.randn(1, 4), torch.randn(1, 5), torch.randn(1, 3)
    small = first(z, caption, noise)[0]
    large = second(small, caption, noise)[0]
    assert not torch.equal(second(small, -caption, noise)[0], large)
    assert not torch.equal(second(small, caption, -noise)[0], large)
    assert not torch.equal(second(-small, caption, noise)[0], large)
    assert not torch.equal(first(z, caption, -noise)[0], small)
    assert not torch.equal(first(-z, caption, noise)[0], small)


def test_a_captions_vector_does_not_look_at_what_fills_its_row() -> None:
    network = TextVector(buckets=50, features=8)
    short, filled = torch.tensor([[3, 9]]), torch.tensor([[3, 9, 0, 0, 0]])
    assert torch.equal(network(short), network(filled))
    torch.testing.assert_close(network(short).norm(), torch.tensor(8.0).sqrt())
    assert torch.equal(network(torch.tensor([[53, 9]])), network(short))  # 53 = 3 of 50


def test_a_pictures_vector_has_the_length_of_a_captions() -> None:
    network = PictureVector(resolution=16, channels=3, features=8, width=4)
    length = network(torch.randn(2, 3, 16, 16)).norm(dim=1)
    torch.testing.assert_close(length, torch.full((2,), 8.0).sqrt())
