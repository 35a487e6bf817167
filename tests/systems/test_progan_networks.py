"""ProGAN's networks: sizes, growth, both scalings, precision and layout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from progan.core.errors import ConfigError
from progan.layers.equalized import EqualizedLinear
from progan.layers.labels import LabelledScale
from progan.layers.resample import down, up
from progan.networks.progressive import Critic, Generator, resolutions

Make = Callable[..., Any]
TINY = {"fmap_base": 64, "fmap_max": 16, "latent_size": 8}


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def on_paper(make: Make, resolution: int = 1024, **settings: Any) -> Any:
    """The full networks, without memory behind their weights."""
    with torch.device("meta"):
        return make(resolution=resolution, **settings)


# sizes, of section 1.1


def test_networks_of_1024_pixels_have_the_published_numbers_of_parameters(make: Make) -> None:
    system = on_paper(make)
    assert count(system.generator) == 23_079_115
    assert count(system.critic) == 23_087_249
    earlier = [str(r) for r in resolutions(512)]
    assert (
        count(system.generator) - sum(count(system.generator.to_image[r]) for r in earlier)
        == 23_071_507
    )
    assert (
        count(system.critic) - sum(count(system.critic.from_image[r]) for r in earlier)
        == 23_077_137
    )


@pytest.mark.parametrize(
    ("resolution", "generator", "to_image", "critic", "from_image"),
    [
        (8, [2_359_808, 2_359_808], 1_539, [2_359_808, 2_359_808], 2_048),
        (32, [2_359_808, 2_359_808], 1_539, [2_359_808, 2_359_808], 2_048),
        (64, [1_179_904, 590_080], 771, [590_080, 1_180_160], 1_024),
        (128, [295_040, 147_584], 387, [147_584, 295_168], 512),
        (256, [73_792, 36_928], 195, [36_928, 73_856], 256),
        (512, [18_464, 9_248], 99, [9_248, 18_496], 128),
        (1024, [4_624, 2_320], 51, [2_320, 4_640], 64),
    ],
)
@pytest.mark.parametrize("fused", [False, True])
def test_blocks_have_the_published_numbers_of_parameters(
    make: Make,
    resolution: int,
    generator: list[int],
    to_image: int,
    critic: list[int],
    from_image: int,
    fused: bool,
) -> None:
    system, key = on_paper(make, fused=fused), str(resolution)
    assert [count(layer) for layer in system.generator.blocks[key]] == generator
    assert count(system.generator.to_image[key]) == to_image
    assert [count(layer) for layer in system.critic.blocks[key]][:2] == critic
    assert count(system.critic.from_image[key]) == from_image


def test_both_ends_have_the_published_numbers_of_parameters(make: Make) -> None:
    system = on_paper(make)
    assert [count(layer) for layer in system.generator.blocks["4"]] == [4_194_816, 2_359_808]
    verdict = system.critic.verdict
    counts = [count(layer) for layer in (verdict.conv, verdict.dense, verdict.score)]
    assert counts == [2_364_416, 4_194_816, 513]


@pytest.mark.parametrize(
    ("preset", "resolution", "generator", "critic"),
    [("table1-g", 128, 13_625_379, 13_631_009), ("cifar10", 32, 1_295_747, 1_297_153)],
)
def test_smaller_networks_have_the_published_numbers_of_parameters(
    make: Make, preset: str, resolution: int, generator: int, critic: int
) -> None:
    """Counted with the last toRGB and fromRGB alone."""
    system = on_paper(make, resolution, preset=preset)
    earlier = [str(r) for r in resolutions(resolution // 2)]
    for network, images, expected in (
        (system.generator, system.generator.to_image, generator),
        (system.critic, system.critic.from_image, critic),
    ):
        assert count(network) - sum(count(images[r]) for r in earlier) == expected


@pytest.mark.parametrize(("shrink", "weights"), [(4, 542), (2, 1_804)])
def test_mode_critics_have_the_published_numbers_of_weights(
    make: Make, shrink: int, weights: int
) -> None:
    critic = make("mnist-1k", resolution=32, critic_shrink=shrink).critic
    convolutions = [block[0].conv.weight for block in critic.blocks.values()]
    assert sum(w.numel() for w in [*convolutions, critic.score.weight]) == weights


# growth: against the straightforward form that evaluates everything


def mix(new: Tensor, old: Tensor, share_of_old: float) -> Tensor:
    return torch.lerp(new, old, min(max(share_of_old, 0.0), 1.0))


def linear_generator(network: Generator, z: Tensor, lod: float, last: int) -> Tensor:
    """Every block and every toRGB, folded from coarse to fine, at the full size."""
    x = network.blocks["4"](network.normalized(z, None))
    image = network.picture(x, 4)
    for level, r in zip(range(last.bit_length() - 4, -1, -1), resolutions(last)[1:], strict=True):
        x = network.blocks[str(r)](x)
        image = mix(network.picture(x, r), up(image), lod - level)
    return image


def linear_critic(network: Critic, image: Tensor, lod: float, last: int) -> Tensor:
    """Every fromRGB and every block, on a full-size picture."""
    x = network.from_image[str(last)](image)
    for level, r in enumerate(reversed(resolutions(last)[1:])):
        x = network.blocks[str(r)](x)
        image = down(image)
        x = mix(x, network.from_image[str(r // 2)](image), lod - level)
    return network.verdict(x, 1)


@pytest.mark.parametrize("lod", [2.0, 1.5, 1.0, 0.3, 0.0])
@pytest.mark.parametrize("fused", [False, True])
def test_active_blocks_alone_give_what_all_blocks_give(make: Make, lod: float, fused: bool) -> None:
    system = make(fused=fused, **TINY)
    factor = 2 ** int(lod)
    resolution, alpha = 16 // factor, 1 - lod % 1
    z = torch.randn(4, 8)
    with torch.no_grad():
        image = system.generator(z, None, resolution, alpha)
        expected = linear_generator(system.generator, z, lod, 16)
        torch.testing.assert_close(up(image, factor), expected)
        score = system.critic(image, resolution, alpha)
        expected = linear_critic(system.critic, up(image, factor), lod, 16)
        torch.testing.assert_close(score, expected)


@pytest.mark.parametrize("preset", ["paper", "v2", "mnist-1k-norm"])
def test_pictures_and_scores_do_not_jump_when_a_resolution_begins_or_has_faded_in(
    make: Make, preset: str
) -> None:
    system = make(preset, **TINY)
    z = torch.randn(4, 8)
    with torch.no_grad():
        for low in (4, 8):
            old = system.generator(z, None, low)
            new = system.generator(z, None, 2 * low, 0.0)
            assert (up(old) - new).abs().max() < 1e-5
            assert (system.critic(old, low) - system.critic(new, 2 * low, 0.0)).abs().max() < 1e-5
            almost = system.generator(z, None, 2 * low, 1 - 1e-6)
            done = system.generator(z, None, 2 * low, 1.0)
            assert (almost - done).abs().max() < 1e-5
            before = system.critic(done, 2 * low, 1 - 1e-6)
            assert (before - system.critic(done, 2 * low, 1.0)).abs().max() < 1e-5


def test_only_blocks_up_to_the_resolution_get_gradients(make: Make) -> None:
    system = make(**TINY)
    system.generator(torch.randn(2, 8), None, 8, 0.5).sum().backward()
    used = {name for name, p in system.generator.named_parameters() if p.grad is not None}
    assert not any(".16." in name for name in used)
    assert any("to_image.4." in name for name in used)
    assert any("blocks.8." in name for name in used)


def test_fused_generator_draws_what_the_separate_one_draws_and_the_critic_judges_otherwise(
    make: Make,
) -> None:
    fused, plain = make(fused=True, **TINY), make(fused=False, **TINY)
    for a, b in zip(fused.parameters(), plain.parameters(), strict=True):
        b.data.copy_(a.data)
    z = torch.randn(4, 8)
    image = fused.generator(z, None, 16)
    torch.testing.assert_close(image, plain.generator(z, None, 16), atol=1e-5, rtol=1e-4)
    assert (fused.critic(image, 16) - plain.critic(image, 16)).abs().max() > 1e-3


# numbers at the start


def test_signal_keeps_its_size_through_fresh_equalized_networks(make: Make) -> None:
    system = make(pixelnorm=False, stddev_group=0, fmap_base=4096, fmap_max=256, resolution=8)
    generator, critic = system.generator, system.critic
    z = torch.randn(64, 256)
    with torch.no_grad():
        stem = generator.blocks["4"][0].conv(generator.normalized(z, None))
        assert stem.square().mean().item() == pytest.approx(0.125, rel=0.1)
        x = generator.blocks["8"](torch.randn(8, 256, 4, 4))
        # 1.04 per layer; zeros beyond the border take some of it.
        assert 0.7 < x.square().mean().item() < 1.3
        x = critic.from_image["8"](torch.randn(64, 3, 8, 8))
        assert x.square().mean().item() == pytest.approx(1.04, rel=0.15)
        x = critic.blocks["8"][0](x)
        assert 0.8 < x.square().mean().item() < 1.3


@pytest.mark.parametrize(("resolution", "alpha"), [(4, 1.0), (8, 0.4), (8, 1.0), (16, 0.7)])
def test_fresh_pictures_have_finite_spread_at_every_moment(
    make: Make, resolution: int, alpha: float
) -> None:
    image = make(**TINY).generator(torch.randn(16, 8), None, resolution, alpha)
    assert image.shape == (16, 3, resolution, resolution)
    assert 0.1 < image.std().item() < 10


def test_gains_are_those_of_the_original(make: Make) -> None:
    """√2 but for toRGB and the score, 1, and the first dense layer, √2 / 4."""
    system = make(fmap_base=8192, fmap_max=512, resolution=4)
    dense = system.generator.blocks["4"][0].conv.dense
    assert isinstance(dense, EqualizedLinear)
    assert dense.scale == pytest.approx(2**0.5 / 4 / 512**0.5)
    assert system.generator.to_image["4"].scale == pytest.approx(512**-0.5)
    assert system.critic.from_image["4"].conv.scale == pytest.approx((2 / 3) ** 0.5)
    assert system.critic.verdict.score.scale == pytest.approx(512**-0.5)
    assert system.critic.verdict.conv.conv.scale == pytest.approx((2 / (513 * 9)) ** 0.5)


# precision and layout


@pytest.mark.parametrize("fused", [False, True])
def test_channels_last_changes_no_picture_and_no_score(make: Make, fused: bool) -> None:
    system = make(fused=fused, **TINY)
    z = torch.randn(4, 8)
    image = system.generator(z, None, 16, 0.5)
    score = system.critic(image, 16, 0.5)
    system.to(memory_format=torch.channels_last)
    wide = system.generator(z, None, 16, 0.5)
    assert wide.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(wide, image, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(system.critic(wide, 16, 0.5), score, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("fused", [False, True])
def test_bfloat16_gives_float32_pictures_and_scores_that_agree_loosely(
    make: Make, fused: bool
) -> None:
    system = make(fused=fused, **TINY)
    z = torch.randn(16, 8)
    image = system.generator(z, None, 16, 0.5)
    score = system.critic(image, 16, 0.5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = system.generator(z, None, 16, 0.5)
        rough_score = system.critic(image, 16, 0.5)
    assert rough.dtype == rough_score.dtype == torch.float32
    assert (rough - image).norm() < 0.03 * image.norm()
    assert (rough_score - score).norm() < 0.05 * score.norm()


def test_label_joins_after_the_latent_is_normalised_or_before(make: Make) -> None:
    z, label = 3 * torch.ones(2, 8), torch.tensor([1, 0])
    after = make(classes=2, **TINY).generator.normalized(z, label)
    torch.testing.assert_close(after[0], torch.tensor([1.0] * 8 + [0.0, 1.0]))
    before = make(classes=2, normalize_label=True, **TINY).generator.normalized(z, label)
    rms = (73 / 10) ** 0.5  # eight nines and a one, over ten components
    torch.testing.assert_close(before[1], torch.tensor([3.0] * 8 + [1.0, 0.0]) / rms)


def test_a_mixture_of_classes_is_a_label_too(make: Make) -> None:
    generator = make(classes=2, **TINY).generator
    z = torch.randn(2, 8)
    rows = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    torch.testing.assert_close(generator(z, rows, 4), generator(z, torch.tensor([1, 0]), 4))


def test_a_label_can_scale_every_layer_of_the_generator(make: Make) -> None:
    settings = {**TINY, "condition": "projection", "generator_norm": "conditional"}
    system = make(classes=2, **settings)
    generator, plain = system.generator, make(classes=2, condition="projection", **TINY).generator
    scales = [m for m in generator.modules() if isinstance(m, LabelledScale)]
    assert len(scales) == 6  # two layers at each of 4, 8 and 16 pixels
    z, label = torch.randn(2, 8), torch.tensor([0, 1])
    plain.load_state_dict({k: v for k, v in generator.state_dict().items() if ".scale." not in k})
    assert torch.equal(generator(z, label, 16), plain(z, label, 16))  # gains 1, biases 0
    with torch.no_grad():
        scales[-1].bias.weight[:, 1] = 10.0  # of class 1, in the last layer; a tenth counts
    assert torch.equal(generator(z, label, 16)[0], plain(z, label, 16)[0])
    colours = generator.to_image["16"]
    moved = (colours.weight * colours.scale).sum(dim=(1, 2, 3))  # 1 more in every channel
    difference = generator(z, label, 16)[1] - plain(z, label, 16)[1]
    expected = moved[:, None, None].expand_as(difference)
    torch.testing.assert_close(difference, expected, rtol=1e-4, atol=1e-4)
    generator.checkpointed = True
    again = generator(z, label, 16)
    generator.checkpointed = False
    assert torch.equal(again, generator(z, label, 16))
    assert system.folded(system.plan().at(0, 0), torch.float32) is None


@pytest.mark.parametrize("wrong", [{"condition": "none"}, {"pixelnorm": False}])
def test_a_scale_by_labels_needs_labels_and_pixel_norm(
    make: Make, wrong: dict[str, object]
) -> None:
    settings = {"condition": "concat", "generator_norm": "conditional", **wrong}
    with pytest.raises(ConfigError, match="generator_norm is conditional"):
        make(classes=2, **TINY, **settings)
