"""The residual networks: sizes as published, who is told what, and what is divided."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from progan.core.errors import ConfigError
from progan.layers.labels import ConditionalBatchNorm2d
from progan.networks.residual import ResidualDiscriminator, ResidualGenerator, shape_of

IMAGENET: dict[str, Any] = {"channels": 3, "labels": 1000}
BIG: dict[str, Any] = {**IMAGENET, "shared": 128, "split": True, "attention": (64,)}


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def generator(resolution: int, **options: Any) -> ResidualGenerator:
    return ResidualGenerator(shape_of(resolution), **options)


def discriminator(resolution: int, **options: Any) -> ResidualDiscriminator:
    return ResidualDiscriminator(shape_of(resolution), **options)


@pytest.mark.parametrize(
    ("resolution", "width", "latent", "expected"),
    [
        (128, 96, 120, (70_433_988, 87_982_370)),  # together 158.4 million, the paper's row
        (128, 64, 120, (31_978_628, 39_448_258)),
        (256, 96, 140, (82_235_844, 99_225_890)),
    ],
)
def test_biggan_has_the_parameters_of_the_published_code(
    resolution: int, width: int, latent: int, expected: tuple[int, int]
) -> None:
    with torch.device("meta"):
        made = generator(resolution, width=width, latent_size=latent, **BIG)
        judge = discriminator(resolution, width=width, **IMAGENET, attention=(64,))
    assert (count(made), count(judge)) == expected


def test_small_biggans_have_the_parameters_of_the_published_code() -> None:
    """Of digits: there a third block that changes nothing has a 1×1 convolution beside it, which
    BigGAN's own has not: 64 · 64 + 64 parameters."""
    told: dict[str, Any] = {"labels": 10, "split": True}
    with torch.device("meta"):
        made = generator(32, channels=3, width=64, latent_size=80, shared=128, **told)
        judge = discriminator(32, channels=3, width=64, labels=10)
        digits = generator(8, channels=1, width=32, latent_size=24, shared=16, **told)
        reader = discriminator(8, channels=1, width=32, labels=10)
    assert (count(made), count(judge)) == (4_287_235, 4_207_361)
    assert (count(digits), count(reader)) == (121_377, 145_889 - 64 * 65)


def test_biggan_deep_has_the_parameters_of_the_published_code() -> None:
    deep = {**IMAGENET, "width": 128, "attention": (64,)}
    with torch.device("meta"):
        made = generator(128, latent_size=128, shared=128, deep=True, **deep)
        judge = discriminator(128, blocks="deep", **deep)
    assert (count(made), count(judge)) == (50_244_484, 34_590_210)


def test_sagan_and_sngan_have_the_parameters_of_the_published_codes() -> None:
    """BigGAN's code, asked for a thin discriminator, is so within its first block too: 3 channels.
    SNGAN's own has 64: 64 · 28 + 64 · (9 · 64 + 1) parameters instead of 3 · 28 + 64 · 28."""
    with torch.device("meta"):
        made = generator(128, width=64, latent_size=128, **IMAGENET, attention=(64,))
        wide = discriminator(128, width=64, **IMAGENET, attention=(64,))
        thin = discriminator(128, width=64, **IMAGENET, blocks="thin")
        plain = generator(128, width=64, latent_size=128, **IMAGENET)
        bare = discriminator(128, width=64, **IMAGENET, blocks="thin", constant=False)
    assert (count(made), count(wide)) == (42_017_412, 39_448_258)
    assert (count(plain), count(bare)) == (41_996_931, 30_041_856)
    first = 64 * 28 + 64 * (9 * 64 + 1) - (3 * 28 + 64 * 28)
    assert count(thin) == 30_005_013 + first


@pytest.mark.parametrize("resolution", [8, 16, 32, 64, 128, 256, 512])
@pytest.mark.parametrize("deep", [False, True])
def test_pictures_and_scores_have_their_shapes_at_every_size(resolution: int, deep: bool) -> None:
    shape = shape_of(resolution)
    slots = {8: 3, 16: 3, 32: 4, 64: 5, 128: 6, 256: 7, 512: 8}
    assert (shape.resolution, shape.slots) == (resolution, slots[resolution])
    with torch.device("meta"):
        made = ResidualGenerator(
            shape, channels=3, width=8, latent_size=2 * shape.slots, split=True, deep=deep
        )
        blocks = "deep" if deep else "wide"
        judge = ResidualDiscriminator(shape, channels=3, width=8, blocks=blocks)
        image = made(torch.empty(2, 2 * shape.slots))
        assert image.shape == (2, 3, resolution, resolution)
        assert judge(image).shape == (2,)


def test_sizes_that_nobody_made_networks_for_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"made for 8, 16, .*data\.resolution=128"):
        shape_of(100)
    with pytest.raises(ConfigError, match=r"cannot be split into 4 equal pieces.*latent_size=80"):
        generator(32, channels=3, width=4, latent_size=30, split=True)


def small(**options: Any) -> ResidualGenerator:
    torch.manual_seed(0)
    settings = {"channels": 1, "width": 2, "latent_size": 6, "first_weights": "orthogonal"}
    return generator(8, **{**settings, **options}).eval()


def test_a_piece_of_the_latent_reaches_its_block_and_those_behind_it_alone() -> None:
    """Pieces 0, 1, 2 of two numbers each: the first layer, block 0, block 1."""
    network = small(split=True, shared=3, labels=2)
    seen: dict[str, torch.Tensor] = {}
    for name in ("dense", "blocks.0.0", "blocks.1.0"):
        layer = network.get_submodule(name)
        layer.register_forward_hook(lambda m, i, out, name=name: seen.__setitem__(name, out))
    z, y = torch.randn(2, 6), torch.eye(2)
    network(z, y)
    before = dict(seen)
    for piece in range(3):
        moved = z.clone()
        moved[:, 2 * piece : 2 * piece + 2] += 1
        network(moved, y)
        same = [torch.equal(seen[name], before[name]) for name in before]
        assert same == [place < piece for place in range(3)]


def test_bottlenecks_are_told_all_of_the_latent_and_the_label() -> None:
    network = small(deep=True, shared=3, labels=2)
    norms = [m for m in network.modules() if isinstance(m, ConditionalBatchNorm2d)]
    assert {norm.gain.in_features for norm in norms} == {3 + 6}
    assert network.dense.in_features == 3 + 6


def test_a_class_has_vectors_of_its_own_that_start_at_nothing_where_none_are_shared() -> None:
    network, z = small(labels=3), torch.randn(3, 6)
    assert torch.equal(network(z, torch.eye(3)), network(z, torch.eye(3).flip(0)))
    assert len(network.vectors()) == 4  # two norms in each of two blocks
    norms = [m for m in network.modules() if isinstance(m, ConditionalBatchNorm2d)]
    assert all(norm.gain.in_features == 3 and norm.gain.bias is None for norm in norms)


def test_without_labels_norms_are_plain() -> None:
    kinds = {type(m) for m in small().modules()}
    assert nn.BatchNorm2d in kinds
    assert ConditionalBatchNorm2d not in kinds


def test_all_weights_are_divided_but_those_of_labels_in_the_generator() -> None:
    """And those of attention as published without spectral norm."""
    for options in ({"labels": 3}, {"labels": 3, "shared": 4, "split": True}):
        network = small(spectral=True, attention=(4,), **options)
        inside = {inner for module in network.vectors() for inner in module.modules()}
        for name, module in network.named_modules():
            if isinstance(module, nn.Linear | nn.Conv2d):
                assert is_parametrized(module) == (module not in inside), name
    judge = discriminator(8, channels=1, width=2, labels=3, attention=(4,), attention_form="full")
    for name, module in judge.named_modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            assert is_parametrized(module) == ("attention" not in name), name


def test_a_label_moves_the_score_by_an_inner_product_alone() -> None:
    """s(x, y) − s(x, y') = ⟨V y − V y', h⟩."""
    torch.manual_seed(0)
    judge = discriminator(8, channels=1, width=2, labels=3).eval()
    image, y = torch.randn(4, 1, 8, 8), torch.eye(3)[[0, 1, 2, 1]]
    other = y[[3, 2, 1, 0]]
    assert judge.embedding is not None
    moved = ((judge.embedding(y) - judge.embedding(other)) * judge.features(image)).sum(dim=1)
    torch.testing.assert_close(judge(image, y) - judge(image, other), moved)
    assert float(moved.detach().abs().max()) > 0


def test_features_are_summed_over_places_and_not_averaged() -> None:
    """Twice as many places of the same kind: a score twice as far from its constant."""
    torch.manual_seed(0)
    judge = discriminator(8, channels=1, width=2, spectral=False).eval()
    for module in judge.modules():
        if isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3):
            module.padding, module.padding_mode = (1, 1), "circular"
            module._reversed_padding_repeated_twice = [1, 1, 1, 1]
    image = torch.randn(2, 1, 8, 8)
    once, twice = judge.features(image), judge.features(torch.cat([image, image], dim=3))
    torch.testing.assert_close(twice, 2 * once)
