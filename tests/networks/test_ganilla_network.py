from __future__ import annotations

import pytest
import torch
from torch import nn

from progan.core.errors import ConfigError
from progan.networks.ganilla import ConcatBlock, GanillaTranslator, SumBlock


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def tiny() -> GanillaTranslator:
    torch.manual_seed(0)
    return GanillaTranslator(3, 3, width=4, blocks=(1, 1, 1, 1), lateral=4)


def test_sizes_are_those_of_the_published_networks() -> None:
    assert count(GanillaTranslator(3, 3)) == 7_228_419
    assert count(GanillaTranslator(3, 3, blocks=(3, 4, 6, 3))) == 13_274_115
    small = GanillaTranslator(3, 3, width=16, blocks=(2, 2, 2), lateral=32, weights=(1, 1, 1))
    assert count(small) == 174_819


def test_pictures_keep_their_size_and_may_change_their_channels() -> None:
    network = GanillaTranslator(1, 3, width=4, blocks=(1, 1), lateral=4, weights=(1, 1))
    for size in ((8, 8), (12, 40)):
        out = network(torch.rand(2, 1, *size))
        assert out.shape == (2, 3, *size)
        assert out.abs().max() <= 1


def test_sizes_that_stages_cannot_halve_are_refused() -> None:
    network = tiny()
    with pytest.raises(ConfigError, match=r"50 × 64 pixels.*multiples of 16 here, and 32 or more"):
        network(torch.zeros(1, 3, 64, 50))
    with pytest.raises(ConfigError, match="32 or more: resize it to 32 × 32"):
        network(torch.zeros(1, 3, 16, 16))


def test_stage_one_reaches_the_picture_across_where_all_other_stages_give_nothing() -> None:
    network = tiny()
    with torch.no_grad():
        for stage, lateral in list(zip(network.stages, network.laterals, strict=True))[1:]:
            for parameter in (*stage.parameters(), *lateral.parameters()):
                parameter.zero_()
    x = torch.rand(1, 3, 32, 32)
    whole = network(x)
    bump = torch.zeros(1, 4, 16, 16)
    bump[..., 8, 8] = 1.0
    handle = network.stages[0].register_forward_hook(lambda *parts: parts[2] + bump)
    change = (network(x) - whole).abs()[0].sum(dim=0)
    handle.remove()
    rows = change.sum(dim=1).nonzero().flatten().tolist()
    # one place of 2 × 2 pixels, seen by a 3 × 3 and a 7 × 7 convolution
    assert (min(rows), max(rows)) == (16 - 4, 17 + 4)


def test_a_stage_of_no_weight_is_not_carried_across() -> None:
    torch.manual_seed(0)
    network = GanillaTranslator(3, 3, width=4, blocks=(1, 1), lateral=4, weights=(0, 1))
    x = torch.rand(1, 3, 16, 16)
    before = network(x)
    with torch.no_grad():
        network.laterals[0].weight.add_(1)
        assert torch.equal(network(x), before)
        network.laterals[1].weight.add_(1)
        assert not torch.equal(network(x), before)


def test_blocks_put_x_beside_what_they_find() -> None:
    """With what is found at nothing, x alone reaches the merging convolution."""
    torch.manual_seed(0)
    block = ConcatBlock(3, 3, 1, dropped=False)
    assert not len(block.shortcut)
    x = torch.rand(2, 3, 8, 8)
    merged = torch.cat([block.found(x), x], dim=1)
    torch.testing.assert_close(block(x), block.merge(merged))


def test_sums_are_plain_residual_blocks() -> None:
    torch.manual_seed(0)
    block = SumBlock(3, 6, 2, dropped=False)
    x = torch.rand(2, 3, 8, 8)
    wanted = torch.relu(block.found(x) + block.shortcut(x))
    assert block(x).shape == (2, 6, 4, 4)
    assert torch.equal(block(x), wanted)
