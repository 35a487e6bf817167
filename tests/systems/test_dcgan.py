"""DCGAN: the paper's rules, the sizes of its two programs, and what the discriminator knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import leaky_relu

from progan.core.batch import Images
from progan.core.errors import ConfigError
from progan.core.plan import Progress
from progan.core.specs import Adam, DataSpec
from progan.networks.dcgan import ConvDiscriminator, pooled
from progan.systems.configs.dcgan import DCGANConfig
from progan.systems.dcgan import DCGAN

Make = Callable[..., Any]
At = Callable[..., Progress]


def small(make: Make, preset: str = "theano", **settings: Any) -> Any:
    settings = {"width": 4, "latent_size": 6, **settings}
    return make(preset, system="dcgan", resolution=8, channels=1, **settings)


def pictures(n: int = 6) -> Images:
    return Images(torch.rand(n, 1, 8, 8) * 2 - 1)


def weights(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("preset", "resolution", "channels", "generator", "discriminator"),
    [
        # theano, 64 px in colour, c = 128. G: 100·16,384 + 2·16,384 at 4×4, 25·(1024·512 + 512·256
        # + 256·128) doubling, 2·(512 + 256 + 128) norms, 25·128·3 at the end; no bias. D: 25·3·128,
        # 25·(128·256 + 256·512 + 512·1024), 2·(256 + 512 + 1024), 16·1024.
        ("theano", 64, 3, 18_885_760, 17_232_768),
        # torch, DC64 of the survey's sizes, c = 64: 3.58 M and 2.77 M. Biases only where no norm
        # follows: 3 at the generator's end; 64 and 1 at both ends of the discriminator.
        ("torch", 64, 3, 3_576_704 + 3, 2_765_568 + 64 + 1),
        # DC32, c = 64, grey: 1.07 M and 0.66 M. 409,600 + 524,288 + 131,072 + 1,024 weights of G,
        # 2·(256 + 128 + 64) of its norms, one bias.
        ("torch", 32, 1, 1_066_881, 661_313),
    ],
)
def test_networks_have_the_numbers_of_weights_of_the_authors_programs(
    config_of: Make,
    preset: str,
    resolution: int,
    channels: int,
    generator: int,
    discriminator: int,
) -> None:
    data = DataSpec(resolution=resolution, channels=channels)
    config = config_of(preset, system="dcgan")
    with torch.device("meta"):
        system = DCGAN(config, data)
    assert weights(system.generator) == generator
    assert weights(system.discriminator) == discriminator


@pytest.mark.parametrize("preset", DCGANConfig.PRESETS)
def test_nothing_pools_no_layer_is_dense_and_norms_stand_where_the_paper_has_them(
    make: Make, preset: str
) -> None:
    """Section 3: batch norm everywhere but at the generator's end and the discriminator's start."""
    system = make(preset, system="dcgan", resolution=32, channels=1, width=4)
    for network in (system.generator, system.discriminator):
        assert not [m for m in network.modules() if "Pool" in type(m).__name__]
        assert not [m for m in network.modules() if isinstance(m, nn.Linear | nn.Upsample)]
    kinds = nn.Conv2d | nn.ConvTranspose2d | nn.BatchNorm1d | nn.BatchNorm2d
    for network, bare in ((system.generator, {3}), (system.discriminator, {0, 3})):
        order = [
            "norm" if "Norm" in type(m).__name__ else "conv"
            for m in network.modules()
            if isinstance(m, kinds)
        ]
        expected = [
            word
            for number in range(4)
            for word in (["conv"] if number in bare else ["conv", "norm"])
        ]
        assert order == expected
    strides = [m.stride for m in system.discriminator.modules() if isinstance(m, nn.Conv2d)]
    assert strides == [(2, 2)] * 3 + [(1, 1)]
    assert isinstance(list(system.generator.modules())[-1], nn.Tanh)


def test_the_theano_code_has_kernels_of_five_no_biases_and_the_papers_descent(make: Make) -> None:
    system = small(make)
    sides = [tuple(m.kernel_size) for m in system.modules() if isinstance(m, nn.ConvTranspose2d)]
    assert sides == [(4, 4), (5, 5)]  # the first makes 4×4 of one number each: a product
    biased = [m for m in system.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    assert all(m.bias is None for m in biased)
    assert system.config.optimizer == Adam(lr=2e-4, betas=(0.5, 0.999), weight_decay=1e-5)
    assert (system.config.batch, system.config.latent_prior) == (128, "uniform")
    port = make("torch", system="dcgan", resolution=8, channels=1).config
    assert (port.width, port.batch, port.latent_prior) == (64, 64, "normal")
    assert port.optimizer.weight_decay == 0.0


def test_the_first_norm_of_the_theano_code_is_over_the_batch_alone(make: Make) -> None:
    """After a dense layer each of 16 · c numbers has a mean of its own, here 0 over the batch."""
    generator = small(make).generator
    at_four = generator.body[:5](torch.randn(64, 6))
    assert at_four.shape == (64, 4, 4, 4)
    each = at_four.mean(0).abs()
    torch.testing.assert_close(each, torch.zeros_like(each), atol=1e-5, rtol=0)


def test_weight_decay_is_added_to_the_gradient_before_adam_scales_it() -> None:
    """With no gradient but 0.1 · w, Adam's first step is the whole rate towards 0."""
    from progan.core.system import Player
    from progan.engine.play import make_optimizer

    weight = nn.Parameter(torch.tensor([2.0, -3.0]))
    adam = make_optimizer(Player((weight,), Adam(lr=0.5, betas=(0.5, 0.999), weight_decay=0.1)))
    weight.grad = torch.zeros(2)
    adam.step()
    torch.testing.assert_close(weight.detach(), torch.tensor([1.5, -2.5]))


# The rectifiers of the discriminator


def test_lrelu_leaks_a_fifth_and_rrelu_the_mean_of_its_range_in_evaluation(make: Make) -> None:
    plain, random = (small(make, rectifier=kind).discriminator for kind in ("lrelu", "rrelu"))
    x = torch.tensor([-1.0, -0.5, 2.0])
    assert [m.negative_slope for m in plain.modules() if isinstance(m, nn.LeakyReLU)] == [0.2] * 1
    layers = [m for m in random.eval().modules() if isinstance(m, nn.RReLU)]
    assert len(layers) == 1
    assert not [m for m in random.modules() if isinstance(m, nn.LeakyReLU)]
    # (1/8 + 1/3) / 2 = 11/48
    torch.testing.assert_close(layers[0](x), torch.tensor([-11 / 48, -11 / 96, 2.0]))


def test_rrelu_draws_a_leak_for_each_number_from_its_range(make: Make) -> None:
    layer = next(
        m
        for m in small(make, rectifier="rrelu", leak_range=[0.25, 0.5]).modules()
        if isinstance(m, nn.RReLU)
    )
    leaks = -layer(torch.full((4000,), -1.0))
    assert leaks.min() >= 0.25
    assert leaks.max() <= 0.5
    assert leaks.mean().item() == pytest.approx(0.375, abs=0.005)  # 5 of its deviations


@pytest.mark.parametrize("rectifier", ["lrelu", "rrelu"])
@pytest.mark.parametrize("training", [True, False])
def test_a_penalty_on_slopes_can_be_differentiated(
    make: Make, rectifier: str, training: bool
) -> None:
    """A double backward through either rectifier, drawn or not, reaches every weight but those
    behind which nothing depends on the picture."""
    system = small(make, rectifier=rectifier, critic_norm="none")
    network = system.discriminator.train(training)
    image = pictures().image.requires_grad_()
    (slope,) = torch.autograd.grad(network(image).sum(), image, create_graph=True)
    named = {n: p for n, p in network.named_parameters() if p.ndim == 4}
    found = torch.autograd.grad(slope.square().sum(), list(named.values()))
    assert all(bool(one.isfinite().all()) and bool(one.any()) for one in found)


@pytest.mark.parametrize("preset", DCGANConfig.PRESETS)
def test_preset_plays_both_turns_with_finite_gradients(make: Make, at: At, preset: str) -> None:
    system = small(make, preset)
    players = system.players()
    for turn in system.turns(at(8)):
        total = sum(turn.loss(pictures(), at(8)).values())
        found = torch.autograd.grad(total, players[turn.player].parameters)
        assert all(gradient.isfinite().all() for gradient in found)


# What the discriminator knows


def test_features_are_the_largest_of_each_part_of_each_map(make: Make) -> None:
    """An 8×8 map of 0 … 63: the corners below right of 2×2 parts, 9, 11, … 63."""
    ramp = torch.arange(64.0).view(1, 1, 8, 8)
    found = pooled([ramp, ramp[..., :4, :4] + 100])
    rows = [[9 + 16 * i + 2 * j for j in range(4)] for i in range(4)]
    assert found[0, :16].tolist() == [value for row in rows for value in row]
    assert found[0, 16:].tolist() == [100 + 8 * i + j for i in range(4) for j in range(4)]


def test_a_picture_has_the_same_features_whatever_stands_beside_it(make: Make) -> None:
    system = make("tiny", system="dcgan", resolution=16, channels=1, rectifier="rrelu", width=4)
    image = torch.rand(5, 1, 16, 16)
    alone, together = system.features(image[:1]), system.features(image)
    assert together.shape == (5, 16 * (4 + 8))
    torch.testing.assert_close(alone[0], together[0])
    assert system.discriminator.training


def test_maps_are_those_on_the_way_to_the_score() -> None:
    network = ConvDiscriminator(resolution=16, channels=1, width=4).eval()
    image = torch.randn(3, 1, 16, 16)
    maps = network.maps(image)
    assert [tuple(one.shape[1:]) for one in maps] == [(4, 8, 8), (8, 4, 4)]
    torch.testing.assert_close(network.body[-2:](maps[-1]), network(image))
    first = leaky_relu(network.body[0](image), 0.2)
    torch.testing.assert_close(maps[0], first)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"network": "mlp"}, "--system gan --set network=mlp"),
        ({"leak": 1.5}, "leak is 1.5"),
        ({"leak_range": (0.5, 0.25)}, "a range goes upwards"),
        ({"width": 0}, "at least 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        DCGANConfig(**settings)
