from __future__ import annotations

import pytest
import torch
from torch import nn

from progan.core.errors import ConfigError
from progan.networks.patchgan import PatchGAN, check_patches


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_sizes_are_those_of_the_published_networks() -> None:
    assert count(PatchGAN(3)) == 2_764_737
    assert count(PatchGAN(6, norm="batch")) == 2_768_705
    assert count(PatchGAN(3, layers=2)) == 662_977


@pytest.mark.parametrize(("side", "scores"), [(256, 30), (64, 6), (32, 2)])
def test_patches_of_70_pixels_give_so_many_scores(side: int, scores: int) -> None:
    found = PatchGAN(3, width=2)(torch.zeros(2, 3, side, side))
    assert found.shape == (2, 1, scores, scores)


@pytest.mark.parametrize(
    ("layers", "field"), [(0, 1), (1, 16), (2, 34), (3, 70), (4, 142), (5, 286)]
)
def test_a_score_sees_its_patch_and_nothing_else(layers: int, field: int) -> None:
    """Without norms, which look at the whole picture; of the score nearest the middle."""
    torch.manual_seed(0)
    side = 512 if layers > 3 else 256
    critic = PatchGAN(1, layers=layers, width=1, norm="none").double()
    for parameter in critic.parameters():
        nn.init.uniform_(parameter, 0.5, 1.0)  # nothing cancels
    image = torch.rand(1, 1, side, side, dtype=torch.float64, requires_grad=True)
    scores = critic.body(image)
    middle = scores.shape[-1] // 2
    (slope,) = torch.autograd.grad(scores[0, 0, middle, middle], image)
    seen = slope[0, 0].nonzero()
    low, high = seen.min(dim=0).values, seen.max(dim=0).values
    assert (high - low + 1).tolist() == [field, field]
    assert len(seen) == field**2


def test_the_norm_is_behind_every_layer_but_the_first_and_the_last() -> None:
    assert not list(PatchGAN(3, norm="instance").buffers())
    assert [type(m) for m in PatchGAN(3).body].count(nn.InstanceNorm2d) == 3
    assert [type(m) for m in PatchGAN(3, norm="batch").body].count(nn.BatchNorm2d) == 3


@pytest.mark.parametrize(
    ("layers", "side", "words"),
    [
        (3, 16, "critic_layers is 3, which needs pictures of 24 .* these have 16: .*=2"),
        (6, 256, "critic_layers is 6; it must be from 0"),
        (-1, 256, "critic_layers is -1"),
    ],
)
def test_too_many_layers_are_refused(layers: int, side: int, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        check_patches(layers, side)


def test_as_many_layers_as_fit_give_scores() -> None:
    for layers, side in ((1, 8), (2, 16), (3, 32), (5, 128), (0, 4)):
        check_patches(layers, side)
        assert PatchGAN(1, layers=layers, width=1)(torch.rand(2, 1, side, side)).numel() >= 2
