from __future__ import annotations

import pytest
import torch
from torch import nn

from progan.core.errors import ConfigError
from progan.networks.heads import CodeCritic
from progan.networks.infogan import InfoDiscriminator, InfoGenerator


def counted(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_at_28_pixels_the_networks_have_the_sizes_of_the_paper_s_table() -> None:
    """Table 1: FC 1024, FC 7·7·128, up 64, up 1; conv 64, conv 128, FC 1024, and the score."""
    generator = InfoGenerator(resolution=28, channels=1, latent_size=74, width=64)
    planes = 7 * 7 * 128
    norms = 2 * (1024 + planes + 64)
    kernels = 16 * 128 * 64 + 16 * 64 * 1 + 1
    assert counted(generator) == 74 * 1024 + 1024 * planes + norms + kernels
    critic = InfoDiscriminator(resolution=28, channels=1, width=64)
    norms = 2 * (128 + 1024)
    kernels = 16 * 1 * 64 + 64 + 16 * 64 * 128
    assert counted(critic) == kernels + planes * 1024 + norms + 1024 + 1


@pytest.mark.parametrize("side", [8, 12, 16, 28, 32])
def test_pictures_of_every_multiple_of_four_are_drawn_and_judged(side: int) -> None:
    made = InfoGenerator(resolution=side, channels=3, latent_size=5, width=2)(torch.randn(4, 5))
    assert made.shape == (4, 3, side, side)
    assert made.abs().max() <= 1
    critic = InfoDiscriminator(resolution=side, channels=3, width=2)
    assert critic(made).shape == (4,)


@pytest.mark.parametrize("side", [4, 10, 30])
def test_a_size_that_cannot_be_halved_twice_is_refused(side: int) -> None:
    with pytest.raises(ConfigError, match=r"multiple of 4 from 8 up: --set data\.resolution=28"):
        InfoGenerator(resolution=side, channels=1, latent_size=5, width=2)


def test_weights_start_from_the_published_deviation() -> None:
    torch.manual_seed(0)
    generator = InfoGenerator(resolution=28, channels=1, latent_size=74, width=64)
    for layer in generator.modules():
        if isinstance(layer, nn.Linear | nn.ConvTranspose2d):
            assert float(layer.weight.detach().std()) == pytest.approx(0.02, rel=0.05)
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            assert float(layer.weight.detach().mean()) == pytest.approx(1, abs=0.01)


def test_q_is_the_paper_s_128_units_with_batch_norm() -> None:
    critic = CodeCritic(
        InfoDiscriminator(resolution=28, channels=1, width=64), outputs=14, norm="batch"
    )
    first, norm, leak, _, last = critic.guess
    assert (first.in_features, first.out_features, first.bias) == (1024, 128, None)
    assert isinstance(norm, nn.BatchNorm1d)
    assert leak.negative_slope == 0.1
    assert (last.in_features, last.out_features) == (128, 14)
    assert critic.verdicts(torch.randn(3, 1, 28, 28)).shape == (3, 15)
