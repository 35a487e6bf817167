"""Instance norm and layer norm in learned shares."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from progan.layers.instance_layer import AdaptiveInstanceLayerNorm2d, InstanceLayerNorm2d


def maps() -> Tensor:
    x = torch.randn(3, 4, 5, 6, generator=torch.Generator().manual_seed(1))
    return x * torch.tensor([1.0, 3.0, 0.5, 2.0])[:, None, None] + torch.arange(4.0)[:, None, None]


def written_out(x: Tensor, instance: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    """The formula, one picture and one map at a time."""
    rows = []
    for picture, stretch, move in zip(x, gamma, beta, strict=True):
        whole = (picture - picture.mean()) / (picture.var() + 1e-5).sqrt()
        for number, one in enumerate(picture):
            own = (one - one.mean()) / (one.var() + 1e-5).sqrt()
            mixed = instance[number] * own + (1 - instance[number]) * whole[number]
            rows.append(stretch[number] * mixed + move[number])
    return torch.stack(rows).view_as(x)


def test_the_given_form_is_the_formula() -> None:
    norm, x = AdaptiveInstanceLayerNorm2d(4), maps()
    gamma, beta = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        norm.logits.copy_(torch.tensor([[0.0, 0.0], [5.0, -5.0], [-5.0, 5.0], [1.0, 2.0]]))
    instance = torch.tensor(
        [0.5, 1 / (1 + 2.718281828**-10), 1 / (1 + 2.718281828**10), 0.26894142]
    )
    torch.testing.assert_close(norm(x, gamma, beta), written_out(x, instance, gamma, beta))


def test_the_learned_form_is_the_formula() -> None:
    norm, x = InstanceLayerNorm2d(4), maps()
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([1.0, 2.0, -1.0, 0.5]))
        norm.bias.copy_(torch.tensor([0.0, 1.0, 2.0, 3.0]))
    share = norm.shares[:, 0].detach()
    wanted = written_out(x, share, norm.weight.expand(3, 4), norm.bias.expand(3, 4))
    torch.testing.assert_close(norm(x), wanted)


def test_one_starts_at_nine_tenths_layer_norm_and_the_other_at_nine_tenths_instance_norm() -> None:
    """softmax(3.2, 1) = 1 / (1 + exp(−2.2)) = 0.9002."""
    learned, given = InstanceLayerNorm2d(2).shares, AdaptiveInstanceLayerNorm2d(2).shares
    torch.testing.assert_close(learned, torch.tensor([[0.0998, 0.9002]] * 2), atol=1e-4, rtol=0)
    torch.testing.assert_close(given, torch.tensor([[0.9002, 0.0998]] * 2), atol=1e-4, rtol=0)


def test_instance_norm_alone_forgets_how_bright_a_map_is_and_layer_norm_does_not() -> None:
    norm, x = AdaptiveInstanceLayerNorm2d(4), maps()
    one, none = torch.ones(3, 4), torch.zeros(3, 4)
    brighter = x + torch.tensor([5.0, 0.0, 0.0, 0.0])[:, None, None]
    for logits, forgets in (((40.0, -40.0), True), ((-40.0, 40.0), False)):
        with torch.no_grad():
            norm.logits.copy_(torch.tensor(logits).expand(4, 2))
        same = torch.allclose(norm(x, one, none), norm(brighter, one, none), atol=1e-5)
        assert same is forgets


def test_slopes_are_those_of_the_formula() -> None:
    norm = InstanceLayerNorm2d(2).double()
    x = torch.randn(2, 2, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    assert torch.autograd.gradcheck(norm, x.requires_grad_())
    one = torch.ones(2, 2, dtype=torch.float64)
    torch.testing.assert_close(norm(x), written_out(x, norm.shares[:, 0], one, 0 * one))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_stays_and_is_computed_in_float32(dtype: torch.dtype) -> None:
    norm, x = InstanceLayerNorm2d(4), 300 * maps()  # squares beyond what float16 holds
    out = norm(x.to(dtype))
    assert out.dtype is dtype
    torch.testing.assert_close(out, norm(x.to(dtype).float()).to(dtype))


def test_a_map_of_one_pixel_is_finite() -> None:
    assert bool(InstanceLayerNorm2d(3)(torch.randn(2, 3, 1, 1)).isfinite().all())
