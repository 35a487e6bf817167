from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn
from torch.nn.functional import avg_pool2d, interpolate, relu

from progan.layers.labels import ConditionalBatchNorm2d
from progan.layers.residual import DeepDownBlock, DeepUpBlock, DownBlock, UpBlock


def doubled(x: torch.Tensor) -> torch.Tensor:
    return interpolate(x, scale_factor=2, mode="nearest")


def test_doubling_is_the_published_order_of_layers() -> None:
    """There, the shortcut doubles first and convolves then."""
    block, x = UpBlock(6, 4, nn.BatchNorm2d), torch.randn(3, 6, 2, 2)
    h = block.conv1(doubled(relu(block.norm1(x))))
    expected = block.conv2(relu(block.norm2(h))) + block.shortcut(doubled(x))
    torch.testing.assert_close(block(x), expected)


def test_halving_is_the_published_order_of_layers() -> None:
    """There, the shortcut convolves first and takes means then, but in the first block."""
    block, x = DownBlock(4, 6, halves=True), torch.randn(3, 4, 4, 4)
    h = avg_pool2d(block.conv2(relu(block.conv1(relu(x)))), 2)
    torch.testing.assert_close(block(x), h + avg_pool2d(block.shortcut(x), 2))
    first = DownBlock(4, 6, halves=True, first=True)
    h = avg_pool2d(first.conv2(relu(first.conv1(x))), 2)
    torch.testing.assert_close(first(x), h + first.shortcut(avg_pool2d(x, 2)))


@pytest.mark.parametrize(
    "block",
    [
        UpBlock(4, 4, nn.BatchNorm2d),
        DownBlock(4, 4, halves=False),
        DownBlock(4, 6, halves=True),
        DeepUpBlock(4, 2, nn.BatchNorm2d, doubles=True),
        DeepDownBlock(4, 6, halves=True),
        DeepDownBlock(4, 4, halves=False),
    ],
    ids=lambda block: type(block).__name__,
)
def test_no_rectifier_reaches_the_shortcut(block: nn.Module) -> None:
    """What comes in stays as it was; the own path silenced, negative features come out."""
    x = -torch.rand(3, 4, 4, 4) - 0.1
    before = x.clone()
    found = block(x)
    assert torch.equal(x, before)
    last = block.get_submodule("conv4" if hasattr(block, "conv4") else "conv2")
    for parameter in last.parameters():
        nn.init.zeros_(parameter)
    if isinstance(shortcut := getattr(block, "shortcut", None), nn.Conv2d):
        nn.init.constant_(shortcut.weight, 0.25)
        assert shortcut.bias is not None
        nn.init.zeros_(shortcut.bias)
    assert block(x).shape == found.shape
    assert float(block(x).detach().max()) < 0


def test_a_block_that_changes_nothing_adds_its_input_itself() -> None:
    block, x = DownBlock(4, 4, halves=False), torch.randn(2, 4, 4, 4)
    nn.init.zeros_(block.conv2.weight)
    nn.init.zeros_(block.conv2.bias)  # type: ignore[arg-type]
    assert torch.equal(block(x), x)
    assert sum(p.numel() for p in block.shortcut.parameters()) == 0


def test_thin_blocks_are_as_wide_within_as_what_comes_in() -> None:
    def within(**options: bool) -> int:
        return DownBlock(4, 6, halves=True, **options).conv1.out_channels

    assert within(wide=False) == 4
    assert within(wide=True) == 6
    assert within(wide=False, first=True) == 6


def test_bottlenecks_are_the_published_order_of_layers() -> None:
    up, x = DeepUpBlock(8, 4, nn.BatchNorm2d, doubles=True), torch.randn(3, 8, 2, 2)
    h = up.conv1(relu(up.norm1(x)))
    h = up.conv2(doubled(relu(up.norm2(h))))
    h = up.conv4(relu(up.norm4(up.conv3(relu(up.norm3(h))))))
    torch.testing.assert_close(up(x), h + doubled(x[:, :4]))
    down = DeepDownBlock(4, 8, halves=True)
    x = torch.randn(3, 4, 4, 4)
    h = down.conv3(relu(down.conv2(relu(down.conv1(relu(x))))))
    h = down.conv4(avg_pool2d(relu(h), 2))
    assert down.shortcut is not None
    more = torch.cat([avg_pool2d(x, 2), down.shortcut(avg_pool2d(x, 2))], dim=1)
    torch.testing.assert_close(down(x), h + more)
    assert (up.conv1.out_channels, down.conv1.out_channels) == (2, 2)  # a quarter of 8


def test_norms_are_told_the_vectors() -> None:
    norm = partial(ConditionalBatchNorm2d, labels=3, common=False)
    block, x, y = UpBlock(4, 4, norm), torch.randn(2, 4, 2, 2), torch.eye(3)[:2]
    before = block(x, y)
    assert torch.equal(before, block(x, y.flip(0)))  # all vectors are 0 as yet
    nn.init.ones_(block.norm2.bias.weight)  # type: ignore[union-attr, arg-type]
    assert not torch.equal(before, block(x, y))
