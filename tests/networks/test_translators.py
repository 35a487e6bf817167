from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from progan.core.errors import ConfigError
from progan.networks.ganilla import GanillaTranslator
from progan.networks.translators import (
    LastingBatchNorm,
    LastingDropout,
    ResNetTranslator,
    TestTime,
    UNetTranslator,
    doubled,
)


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_sizes_are_those_of_the_published_networks() -> None:
    assert count(ResNetTranslator(3, 3)) == 11_378_179
    assert count(ResNetTranslator(3, 3, blocks=6)) == 7_837_699
    assert count(ResNetTranslator(3, 3, blocks=3, width=16)) == 272_515
    assert count(UNetTranslator(3, 3, levels=8)) == 54_413_955
    assert count(UNetTranslator(3, 3, levels=7)) == 41_828_995
    assert count(UNetTranslator(3, 3, levels=5)) == 16_659_075


@pytest.mark.parametrize("doubling", ["transposed", "resize"])
def test_a_resnet_keeps_any_size_that_is_a_multiple_of_four(doubling: Any) -> None:
    network = ResNetTranslator(3, 1, width=2, blocks=1, doubling=doubling)
    for size in ((32, 32), (20, 36), (8, 100)):
        out = network(torch.rand(2, 3, *size) * 2 - 1)
        assert out.shape == (2, 1, *size)
        assert out.abs().max() <= 1


def test_a_unet_keeps_any_size_that_is_a_multiple_of_its_halvings() -> None:
    network = UNetTranslator(1, 3, levels=4, width=2).train()
    for size in ((32, 32), (16, 48)):
        assert network(torch.rand(2, 1, *size)).shape == (2, 3, *size)


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (ResNetTranslator(3, 3, width=2, blocks=1), "50 × 40 pixels.*multiples of 4.*48 × 40"),
        (UNetTranslator(3, 3, width=2, levels=4), "50 × 40 pixels.*multiples of 16.*48 × 32"),
    ],
)
def test_other_sizes_are_refused(network: nn.Module, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        network(torch.zeros(1, 3, 40, 50))


def test_resizing_doubles_without_a_checkerboard() -> None:
    """Of a flat picture; a transposed convolution's outputs have four kinds of neighbours."""
    torch.manual_seed(0)
    flat = torch.ones(1, 4, 8, 8)
    patchy, even = (nn.Sequential(*doubled(4, 2, how)) for how in ("transposed", "resize"))  # type: ignore[arg-type]
    assert patchy(flat)[:, :, 4:12, 4:12].std(dim=(2, 3)).max() > 0.01
    assert even(flat).std(dim=(2, 3)).max() < 1e-6
    assert even(flat).shape == patchy(flat).shape == (1, 2, 16, 16)


def test_a_unet_drops_in_the_inner_levels_of_equal_width_alone() -> None:
    """As published: three levels of eight, two of seven, none of five."""
    for levels, dropped in ((8, 3), (7, 2), (5, 0)):
        network = UNetTranslator(3, 3, levels=levels, width=1)
        assert sum(isinstance(m, LastingDropout) for m in network.modules()) == dropped


def test_a_unet_hands_maps_of_every_size_across() -> None:
    """A pixel changes its neighbourhood even where all inner levels give nothing."""
    torch.manual_seed(0)
    network = UNetTranslator(1, 1, levels=4, width=2, norm="none")
    inner: Any = network.body[1]
    with torch.no_grad():
        for parameter in inner.parameters():
            parameter.zero_()
    x = torch.zeros(1, 1, 16, 16)
    y = x.clone()
    y[..., 8, 8] = 1
    change = (network(y) - network(x)).abs()[0, 0]
    rows = change.sum(dim=1).nonzero().flatten().tolist()
    assert rows
    assert min(rows) >= 5
    assert max(rows) <= 11


def set_as_trained(network: nn.Module, *, value: bool) -> None:
    for module in network.modules():
        if isinstance(module, TestTime):
            module.as_trained = value


def test_dropout_goes_on_after_training_where_it_is_wanted() -> None:
    layer = LastingDropout().eval()
    x = torch.ones(1, 2, 30, 30)
    assert torch.equal(layer(x), x)
    layer.as_trained = True
    torch.manual_seed(0)
    out = layer(x)
    assert set(out.unique().tolist()) == {0.0, 2.0}
    assert abs(float((out == 0).float().mean()) - 0.5) < 0.05


def test_batch_norm_can_look_at_each_picture_by_itself_and_remembers_nothing_of_it() -> None:
    torch.manual_seed(0)
    layer = LastingBatchNorm(3)
    nn.init.normal_(layer.weight)
    nn.init.normal_(layer.bias)
    x = torch.randn(4, 3, 5, 5) * 3 + 2
    alone = torch.cat([layer.train()(one[None]) for one in x])
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    layer.eval()
    assert not torch.allclose(layer(x), alone, atol=1e-2)
    layer.as_trained = True
    torch.testing.assert_close(layer(x), alone, atol=1e-5, rtol=1e-5)
    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())


def test_both_are_as_in_evaluation_unless_asked_for() -> None:
    torch.manual_seed(0)
    network = UNetTranslator(3, 3, levels=6, width=2)
    x = torch.rand(2, 3, 64, 64)
    network(x)
    network.eval()
    first = network(x)
    assert torch.equal(first, network(x))
    set_as_trained(network, value=True)
    assert not torch.equal(network(x), network(x))
    set_as_trained(network, value=False)
    assert torch.equal(first, network(x))


@pytest.mark.parametrize("name", ["resnet", "ganilla"])
def test_instance_norm_hides_brightness_contrast_and_tint_of_a_whole_picture(name: str) -> None:
    """G(s x + t) = G(x) for a number s and a t for each channel: borders are reflected."""
    torch.manual_seed(0)
    made: nn.Module = (
        ResNetTranslator(3, 3, width=8, blocks=1)
        if name == "resnet"
        else GanillaTranslator(3, 3, width=8, blocks=(1, 1), lateral=8, weights=(1.0, 1.0))
    )
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.2)
    x = torch.rand(2, 3, 32, 32) * 2 - 1
    tint = torch.tensor([0.3, -0.2, 0.1]).view(1, 3, 1, 1)
    with torch.no_grad():
        plain, changed = made(x), made(0.5 * x + tint)
        other = made(x.flip(1))  # other colours, of which not all is hidden
    assert (changed - plain).abs().max() < 0.01 * plain.std()
    assert (other - plain).abs().max() > plain.std()
