from __future__ import annotations

import pytest
import torch

from progan.layers.norm import PixelNorm, pixel_norm


def test_pixel_norm_of_three_four_divides_by_the_root_of_12_5() -> None:
    x = torch.tensor([3.0, 4.0]).view(1, 2, 1, 1)
    expected = x / 12.5**0.5  # the mean of 9 and 16
    torch.testing.assert_close(PixelNorm()(x), expected)


def test_latent_lands_on_the_sphere_of_radius_root_of_its_width() -> None:
    z = pixel_norm(torch.randn(5, 512))
    torch.testing.assert_close(z.norm(dim=1), torch.full((5,), 512**0.5))


def test_zero_features_stay_zero_with_a_finite_gradient() -> None:
    x = torch.zeros(1, 4, 2, 2, requires_grad=True)
    y = pixel_norm(x)
    y.sum().backward()
    assert not y.any()
    assert x.grad is not None
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_first_and_second_derivatives_are_those_of_the_formula(layout: torch.memory_format) -> None:
    x = torch.randn(2, 3, 2, 2, dtype=torch.float64).contiguous(memory_format=layout)
    x.requires_grad_()
    torch.testing.assert_close(pixel_norm(x), x / (x.square().mean(1, keepdim=True) + 1e-8).sqrt())
    assert torch.autograd.gradcheck(pixel_norm, (x,))
    assert torch.autograd.gradgradcheck(pixel_norm, (x,))


def test_value_is_the_same_with_and_without_a_graph_and_in_either_layout() -> None:
    x = torch.randn(2, 8, 4, 4)
    wide = x.contiguous(memory_format=torch.channels_last)
    expected = pixel_norm(x)
    for other in (
        pixel_norm(wide),
        pixel_norm(x.requires_grad_()),
        pixel_norm(wide.requires_grad_()),
    ):
        torch.testing.assert_close(other, expected)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("graph", [True, False])
def test_mean_square_of_bfloat16_is_taken_in_float32(
    layout: torch.memory_format, graph: bool
) -> None:
    """4096 ones and one 64: a sum kept in bfloat16 would stop at 256 or so."""
    x = torch.ones(1, 4096, 1, 2, dtype=torch.bfloat16)
    x[:, 0] = 64.0  # mean square (4095 + 4096) / 4096 ≈ 2
    x = x.contiguous(memory_format=layout).requires_grad_(graph)
    y = pixel_norm(x)
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y[:, 1].float(), torch.full((1, 1, 2), 0.7071), atol=2e-3, rtol=0)
