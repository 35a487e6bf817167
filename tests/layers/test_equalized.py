from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from progan.layers.equalized import (
    EqualizedConv2d,
    EqualizedDownConv2d,
    EqualizedLinear,
    EqualizedUpConv2d,
    box_kernel,
    nearest_kernel,
)
from progan.layers.prepared import weights_made_once
from progan.layers.resample import down, up

LAYERS: list[Callable[..., nn.Module]] = [EqualizedConv2d, EqualizedUpConv2d, EqualizedDownConv2d]


def test_constant_multiplies_the_weight_and_never_the_bias() -> None:
    layer = EqualizedLinear(8, 1, gain=1.0)
    nn.init.ones_(layer.weight)
    nn.init.constant_(layer.bias, 5.0)
    # Eight ones times 1/√8, plus the bias as it is.
    expected = torch.tensor([[8 / math.sqrt(8) + 5.0]])
    torch.testing.assert_close(layer(torch.ones(1, 8)), expected)


@pytest.mark.parametrize("batch", [1, 64])
def test_constant_of_a_convolution_is_the_same_on_either_side(batch: int) -> None:
    """Few pictures are scaled themselves, many have the weight scaled."""
    layer = EqualizedConv2d(4, 16, gain=math.sqrt(2))
    x = torch.randn(batch, 4, 4, 4)
    expected = F.conv2d(x, layer.weight * math.sqrt(2 / 36), layer.bias, padding=1)
    torch.testing.assert_close(layer(x), expected)


def test_one_pixel_kernel_on_gray_pictures_is_still_a_convolution() -> None:
    layer = EqualizedConv2d(1, 6, 1, gain=math.sqrt(2))
    nn.init.normal_(layer.bias)
    x = torch.randn(3, 1, 4, 4)
    expected = F.conv2d(x, layer.weight * math.sqrt(2), layer.bias)
    torch.testing.assert_close(layer(x), expected)


def test_parameters_start_at_unit_size_and_biases_at_zero() -> None:
    layer = EqualizedConv2d(32, 64)
    assert abs(layer.weight.std().item() - 1.0) < 0.03
    assert layer.bias is not None
    assert not layer.bias.any()


def test_without_equalizing_the_weight_itself_has_he_size() -> None:
    layer = EqualizedConv2d(32, 64, equalized=False)
    assert abs(layer.weight.std().item() - math.sqrt(2 / 288)) < 0.003
    assert layer.scale == 1.0


def test_unit_input_leaves_a_layer_with_mean_square_1_04() -> None:
    """Variance 2 from the gain √2, of which the leaky rectifier keeps (1 + 0.2²) / 2."""
    torch.manual_seed(0)
    y = F.leaky_relu(EqualizedConv2d(64, 256)(torch.randn(8, 64, 8, 8)), 0.2)
    assert abs(y[:, :, 1:-1, 1:-1].square().mean().item() - 1.04) < 0.06


def test_fused_up_equals_enlarging_then_convolving_with_the_same_weights() -> None:
    fused, plain = EqualizedUpConv2d(3, 5).double(), EqualizedConv2d(3, 5).double()
    nn.init.normal_(fused.bias)
    plain.load_state_dict(fused.state_dict())
    x = torch.randn(2, 3, 4, 4, dtype=torch.float64)
    torch.testing.assert_close(fused(x), plain(up(x)), atol=1e-6, rtol=1e-6)


def test_unrotated_kernel_in_a_transposed_convolution_is_the_rotated_convolution() -> None:
    """The original's fused weights: equal to a plain layer turned by 180°, and not to a plain."""
    weight = torch.randn(5, 3, 3, 3, dtype=torch.float64)
    x = torch.randn(2, 3, 4, 4, dtype=torch.float64)
    kernel = (weight.reshape(-1, 9) @ (4 * box_kernel().double())).view(5, 3, 4, 4)
    fused = F.conv_transpose2d(x, kernel.transpose(0, 1), stride=2, padding=1)
    rotated = F.conv2d(up(x), weight.flip(2, 3), padding=1)
    torch.testing.assert_close(fused, rotated, atol=1e-12, rtol=1e-12)
    assert (fused - F.conv2d(up(x), weight, padding=1)).abs().max() > 0.1


def test_fused_down_equals_convolving_then_averaging_as_a_linear_map() -> None:
    fused, plain = EqualizedDownConv2d(3, 5).double(), EqualizedConv2d(3, 5).double()
    plain.load_state_dict(fused.state_dict())
    x = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    torch.testing.assert_close(fused(x), down(plain(x)), atol=1e-6, rtol=1e-6)


def test_fused_down_is_another_function_once_a_rectifier_stands_between() -> None:
    fused, plain = EqualizedDownConv2d(3, 5), EqualizedConv2d(3, 5)
    plain.load_state_dict(fused.state_dict())
    x = torch.randn(2, 3, 8, 8)
    after, before = F.leaky_relu(fused(x), 0.2), down(F.leaky_relu(plain(x), 0.2))
    assert (after - before).abs().max() > 0.05


def test_kernels_of_resampling_keep_the_sum_of_their_taps() -> None:
    assert torch.equal(box_kernel().sum(dim=1), torch.ones(9))
    assert torch.equal(nearest_kernel().sum(dim=1), torch.full((9,), 4.0))


@pytest.mark.parametrize("make", LAYERS)
@pytest.mark.parametrize("equalized", [True, False])
def test_channels_last_changes_no_value(make: Callable[..., nn.Module], equalized: bool) -> None:
    layer = make(6, 4, equalized=equalized)
    x = torch.randn(2, 6, 8, 8)
    expected = layer(x)
    layer.to(memory_format=torch.channels_last)
    result = layer(x.contiguous(memory_format=torch.channels_last))
    assert result.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(result, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("make", LAYERS)
def test_bfloat16_agrees_loosely_and_gives_float32_gradients(
    make: Callable[..., nn.Module],
) -> None:
    layer = make(16, 8)
    x = torch.randn(4, 16, 8, 8)
    expected = layer(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = layer(x)
    result.float().sum().backward()
    assert result.dtype == torch.bfloat16
    assert layer.weight.grad.dtype == torch.float32
    torch.testing.assert_close(result.float(), expected, atol=0.05, rtol=0.05)


@pytest.mark.parametrize("first", [8, 1])
def test_a_batch_of_another_size_meets_the_same_layer(first: int) -> None:
    """The constant goes to whichever has fewer numbers, the input or the weight, but once."""
    layer = EqualizedConv2d(4, 4)  # 144 weights
    large, small = torch.randn(8, 4, 4, 4), torch.randn(1, 4, 4, 4)  # 512 numbers, and 64
    expected = {8: layer(large), 1: layer(small)}
    with weights_made_once():
        for size in (first, 9 - first):
            found = layer({8: large, 1: small}[size])
            torch.testing.assert_close(found, expected[size])
