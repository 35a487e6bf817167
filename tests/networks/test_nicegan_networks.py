"""NICE-GAN's networks: the published sizes, what a score sees, attention, doubling."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import leaky_relu

from progan.layers.spectral import SpectralNorm
from progan.networks.nicegan import AttendingEncoder, SharedDecoder, TwoHeads, doubling


def count(*modules: nn.Module) -> int:
    return sum(p.numel() for module in modules for p in module.parameters())


def test_networks_have_the_published_sizes() -> None:
    with torch.device("meta"):
        assert count(SharedDecoder(128, 3)) == 8_104_640
        assert count(SharedDecoder(128, 3, side=256 // 4)) == 276_474_560
        assert count(AttendingEncoder(3, 64), TwoHeads(128)) == 46_874_433


def test_small_networks_have_the_sizes_worked_out_for_them() -> None:
    with torch.device("meta"):
        assert count(SharedDecoder(32, 3, blocks=4)) == 362_160
        encoder = AttendingEncoder(3, 16)
        assert count(encoder, TwoHeads(32, 6)) == 737_681
        assert count(encoder, TwoHeads(32, 6, "shallow")) == 210_193


def test_a_decoder_that_reads_means_takes_any_size_and_the_other_its_own() -> None:
    light, full = SharedDecoder(4, 3, blocks=1), SharedDecoder(4, 3, blocks=1, side=8)
    assert light(torch.randn(2, 4, 8, 8)).shape == (2, 3, 32, 32)
    assert light(torch.randn(1, 4, 6, 10)).shape == (1, 3, 24, 40)
    assert full(torch.randn(2, 4, 8, 8)).shape == (2, 3, 32, 32)
    with pytest.raises(RuntimeError):
        full(torch.randn(2, 4, 16, 16))


def seen_by(network: Any, side: int, number: int) -> tuple[int, int]:
    """Height and width of what the middle score of output `number` depends on."""
    x = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(1)).requires_grad_()
    score = network(x)[number]
    middle = score.shape[2] // 2
    (slope,) = torch.autograd.grad(score[0, 0, middle, middle], x)
    rows, columns = slope.abs().sum(dim=(0, 1)).nonzero().T
    return int(rows.max() - rows.min()) + 1, int(columns.max() - columns.min()) + 1


@pytest.mark.parametrize(
    ("layers", "kind", "local", "whole"),
    [(6, "deep", 34, 142), (7, "deep", 70, 286), (6, "shallow", 34, 78), (7, "shallow", 70, 158)],
)
def test_a_score_sees_a_patch_of_the_stated_size(
    layers: int, kind: Any, local: int, whole: int
) -> None:
    """Without attention: that looks at the whole picture."""
    torch.manual_seed(0)
    encoder, heads = AttendingEncoder(3, 2), TwoHeads(4, layers, kind)

    def scores(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return heads(encoder.body(x))  # type: ignore[no-any-return]

    assert seen_by(scores, 512, 0) == (local, local)
    assert seen_by(scores, 512, 1) == (whole, whole)


def test_without_strength_the_features_pass_attention_as_they_are() -> None:
    encoder = AttendingEncoder(3, 4).eval()
    x = torch.randn(2, 3, 16, 16)
    assert encoder.strength.item() == 0
    assert torch.equal(encoder(x)[0], leaky_relu(encoder.body(x), 0.2))


@pytest.mark.parametrize("which", ["stored", "normalised"])
def test_attention_weighs_the_channels_twice_and_mixes_them(which: Any) -> None:
    torch.manual_seed(0)
    encoder = AttendingEncoder(3, 4, which).eval()
    with torch.no_grad():
        encoder.strength.fill_(0.7)
    x = torch.randn(2, 3, 16, 16)
    f = encoder.body(x)
    stored = encoder.cam.parametrizations.weight.original  # type: ignore[union-attr,index]
    wanted = stored if which == "stored" else encoder.cam.weight
    weighed = torch.cat([f, f], dim=1) * wanted.reshape(1, -1, 1, 1)
    z, score = encoder(x)
    torch.testing.assert_close(z, leaky_relu(0.7 * encoder.mix(weighed) + f, 0.2))
    pooled = torch.cat([f.mean(dim=(2, 3)), f.amax(dim=(2, 3))], dim=1)
    torch.testing.assert_close(score, pooled @ encoder.cam.weight[0])
    assert encoder.cam.weight.norm().item() == pytest.approx(1.0, rel=1e-4)
    assert stored.norm().item() != pytest.approx(1.0, rel=1e-2)


def test_every_layer_that_judges_has_spectral_norm_but_the_mixing_one() -> None:
    encoder, heads = AttendingEncoder(3, 2), TwoHeads(4, 7)
    plain = []
    for name, module in (*encoder.named_modules(), *heads.named_modules()):
        if isinstance(module, nn.Conv2d | nn.Linear):
            found = any(isinstance(inner, SpectralNorm) for inner in module.modules())
            if not found:
                plain.append(name)
    assert plain == ["mix"]


def test_doubling_makes_four_pixels_of_each() -> None:
    """The 1 × 1 convolution's four outputs of a channel lie in rows of two."""
    x = torch.randn(1, 4, 3, 3)
    block = doubling(4)
    before, after = block[:4](x), block[:5](x)
    assert after.shape == (1, 2, 6, 6)
    assert torch.equal(after[0, 1, 2:4, 4:6].flatten(), before[0, 4:8, 1, 2])


def test_one_gamma_and_beta_serve_all_blocks() -> None:
    decoder = SharedDecoder(4, 3, blocks=3)
    given: list[tuple[torch.Tensor, torch.Tensor]] = []
    for block in decoder.blocks:
        block.register_forward_hook(lambda _, inputs, __: given.append(inputs[1:]))
    decoder(torch.randn(2, 4, 4, 4))
    assert len(given) == 3
    assert all(torch.equal(g, given[0][0]) and torch.equal(b, given[0][1]) for g, b in given)
