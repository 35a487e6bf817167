"""SPADE: the layout, and nothing else, says how a pixel is scaled and shifted."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.functional import one_hot

from progan.layers.spade import SPADE, Plain, SPADEBlock
from progan.layers.spectral import held, with_spectral_norm


def layout(n: int, side: int, classes: int = 3) -> torch.Tensor:
    dice = torch.Generator().manual_seed(0)
    rows = torch.randint(classes, (n, side, side), generator=dice)
    return one_hot(rows, classes).movedim(3, 1).float()


def test_a_pixel_is_scaled_and_shifted_as_its_class_asks() -> None:
    spade = SPADE(2, layouts=3, hidden=3)
    with torch.no_grad():
        for conv in (spade.shared, spade.gain, spade.bias):
            conv.weight.zero_()
            conv.bias.zero_()
        for k in range(3):  # hidden unit k is class k
            spade.shared.weight[k, k, 1, 1] = 1.0
            spade.gain.weight[:, k, 1, 1] = float(k)  # scale by 1 + k
            spade.bias.weight[1, k, 1, 1] = 10.0 * k  # shift the second channel by 10 k
    x, seen = torch.randn(4, 2, 8, 8), layout(4, 8)
    classes = seen.argmax(dim=1, keepdim=True).float()
    mean = x.mean(dim=(0, 2, 3), keepdim=True)
    normal = (x - mean) / (x.var(dim=(0, 2, 3), keepdim=True, unbiased=False) + 1e-5).sqrt()
    shift = torch.tensor([0.0, 10.0]).view(1, 2, 1, 1) * classes
    torch.testing.assert_close(spade(x, seen), normal * (1 + classes) + shift)


def test_layouts_are_resized_without_inventing_classes() -> None:
    spade = SPADE(1, layouts=2, hidden=1, norm="instance")
    seen: list[torch.Tensor] = []
    spade.shared.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    halves = torch.zeros(1, 2, 8, 8)
    halves[:, 0, :, :5], halves[:, 1, :, 5:] = 1, 1  # the border lies inside a shrunk pixel
    spade(torch.randn(1, 1, 4, 4), halves)
    assert set(seen[0].flatten().tolist()) == {0.0, 1.0}
    assert torch.equal(seen[0].sum(dim=1), torch.ones(1, 4, 4))


@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_what_has_no_layout_is_lost_where_features_are_even(norm: Plain) -> None:
    """An even field of features has no contrast to normalise: the output is the layout's alone."""
    spade = SPADE(3, layouts=3, hidden=4, norm=norm)
    seen = layout(2, 8)
    low, high = (spade(torch.full((2, 3, 8, 8), value), seen) for value in (-3.0, 5.0))
    torch.testing.assert_close(low, high)
    assert float(low.detach().std()) > 0


def test_a_blocks_shortcut_is_the_input_itself_where_channels_stay() -> None:
    block = SPADEBlock(4, 4, layouts=3, hidden=2)
    assert block.shortcut is None
    for conv in block.convolutions:
        nn.init.zeros_(conv.weight)
        assert conv.bias is not None
        nn.init.zeros_(conv.bias)
    x = torch.randn(2, 4, 8, 8)
    assert torch.equal(block(x, layout(2, 8)), x)
    wider = SPADEBlock(4, 6, layouts=3, hidden=2)
    assert wider.conv1.out_channels == 4  # the fewer of both
    assert wider.shortcut is not None
    assert wider.shortcut.bias is None
    assert wider(x, layout(2, 8)).shape == (2, 6, 8, 8)


def test_networks_that_are_held_compute_as_in_training_and_remember_nothing() -> None:
    network = nn.Sequential(with_spectral_norm(nn.Conv2d(3, 4, 3)), nn.BatchNorm2d(4))
    x = torch.randn(5, 3, 8, 8)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with held(network):
        within = network(x)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    after = network(x)
    assert torch.equal(within, after)
    moved = {n for n, value in network.state_dict().items() if not torch.equal(value, before[n])}
    assert moved == {
        "0.parametrizations.weight.0.u",
        "1.running_mean",
        "1.running_var",
        "1.num_batches_tracked",
    }
