from __future__ import annotations

import pytest
import torch
from torch import nn

from progan.layers.attention import AttentionForm, SelfAttention

FORMS: tuple[AttentionForm, ...] = ("pooled", "full")


def awake(form: AttentionForm, channels: int = 8) -> SelfAttention:
    torch.manual_seed(0)
    layer = SelfAttention(channels, form=form, spectral_norm=False).double()
    nn.init.constant_(layer.gamma, 0.7)
    return layer


@pytest.mark.parametrize("form", FORMS)
def test_at_first_nothing_is_changed_but_gamma_learns(form: AttentionForm) -> None:
    layer, x = SelfAttention(8, form=form), torch.randn(2, 8, 4, 4)
    found = layer(x)
    assert torch.equal(found, x)
    (slope,) = torch.autograd.grad(found.square().sum(), layer.gamma)
    assert float(slope) != 0


@pytest.mark.parametrize(("form", "places"), [("pooled", 8), ("full", 32)])
def test_each_place_deals_out_one_whole(form: AttentionForm, places: int) -> None:
    """4 × 8 places, or 2 × 4 of the pooled ones."""
    shares = awake(form).attention(torch.randn(3, 8, 4, 8, dtype=torch.float64))
    assert shares.shape == (3, 32, places)
    assert shares.min() >= 0
    torch.testing.assert_close(shares.sum(dim=2), torch.ones(3, 32, dtype=torch.float64))


def naive(layer: SelfAttention, x: torch.Tensor) -> torch.Tensor:
    """The formula, place by place, of one picture c h w."""
    theta, phi, value = (
        torch.einsum("oc,chw->ohw", conv.weight[:, :, 0, 0], x)
        + (conv.bias[:, None, None] if conv.bias is not None else 0)
        for conv in (layer.query, layer.key, layer.value)
    )
    if layer.pools:
        phi, value = (
            torch.stack(
                [m[:, i : i + 2, j : j + 2].amax((1, 2)) for i in (0, 2) for j in (0, 2)], dim=1
            )
            for m in (phi, value)
        )
    else:
        phi, value = phi.flatten(1), value.flatten(1)
    out = x.clone()
    for i in range(4):
        for j in range(4):
            scores = [theta[:, i, j] @ phi[:, place] for place in range(phi.shape[1])]
            powers = [score.exp() for score in scores]
            seen = sum(p * value[:, k] for k, p in enumerate(powers)) / sum(powers)
            if layer.pools:
                assert layer.out is not None
                seen = layer.out.weight[:, :, 0, 0] @ seen
            out[:, i, j] += layer.gamma * seen
    return out


@torch.no_grad()
@pytest.mark.parametrize("form", FORMS)
def test_attention_is_the_formula_place_by_place(form: AttentionForm) -> None:
    layer, x = awake(form), torch.randn(2, 8, 4, 4, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(layer(x), torch.stack([naive(layer, one) for one in x]))


def test_the_forms_have_the_weights_of_the_published_codes() -> None:
    """64 channels. pooled: 64·8 twice, 64·32 twice, γ; full: (64·8 + 8) twice, 64·64 + 64, γ."""
    counts = {
        form: sum(p.numel() for p in SelfAttention(64, form=form).parameters()) for form in FORMS
    }
    assert counts == {"pooled": 2 * 512 + 2 * 2048 + 1, "full": 2 * 520 + 4160 + 1}


def test_a_place_far_away_is_seen() -> None:
    """A convolution would need seven 3×3 layers for that."""
    layer, x = awake("pooled"), torch.randn(1, 8, 8, 8, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(layer(x)[0, :, 0, 0].sum(), x)
    assert float(slope[0, :, 6:, 6:].abs().max()) > 0


@pytest.mark.parametrize("norm", [True, False])
def test_gradients_of_gradients_reach_its_weights(norm: bool) -> None:
    torch.manual_seed(0)
    layer = SelfAttention(16, spectral_norm=norm)
    nn.init.constant_(layer.gamma, 0.7)
    x = torch.randn(2, 16, 4, 4, requires_grad=True)
    (slope,) = torch.autograd.grad(layer(x).square().sum(), x, create_graph=True)
    for found in torch.autograd.grad(slope.square().sum(), list(layer.parameters())):
        assert found.isfinite().all()
        assert found.any()


@pytest.mark.parametrize(("form", "norm", "count"), [("pooled", True, 4), ("full", False, 0)])
def test_spectral_norm_is_on_all_its_convolutions_or_on_none(
    form: AttentionForm, norm: bool, count: int
) -> None:
    names = SelfAttention(16, form=form, spectral_norm=norm).state_dict()
    assert sum(name.endswith(".u") for name in names) == count
