from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from progan.core.batch import Images
from progan.core.errors import ConfigError
from progan.core.plan import Progress
from progan.core.specs import SGD, Adam
from progan.networks.mlp import Maxout
from progan.systems.configs.gan import GANConfig

Make = Callable[..., Any]
At = Callable[..., Progress]


def small(make: Make, preset: str = "dcgan", **settings: Any) -> Any:
    return make(preset, system="gan", resolution=8, channels=1, **{"width": 4, **settings})


def pictures(n: int = 6) -> Images:
    return Images(torch.rand(n, 1, 8, 8) * 2 - 1)


@pytest.mark.parametrize("preset", GANConfig.PRESETS)
def test_preset_plays_both_turns_with_finite_gradients(make: Make, at: At, preset: str) -> None:
    system = small(make, preset)
    players = system.players()
    assert system.plan().at(0).resolution == 8
    for turn in system.turns(at(8)):
        total = sum(turn.loss(pictures(), at(8)).values())
        found = torch.autograd.grad(total, players[turn.player].parameters)
        assert all(gradient.isfinite().all() for gradient in found)


def test_discriminator_plays_k_times_and_the_generator_once_without_drawing(
    make: Make, at: At
) -> None:
    discriminator, generator = small(make, critic_steps=3).turns(at(8))
    assert (discriminator.player, discriminator.repeat) == ("discriminator", 3)
    assert (generator.player, generator.repeat, generator.draws) == ("generator", 1, False)


@pytest.mark.parametrize(("objective", "sign"), [("minimax", -1.0), ("non-saturating", 1.0)])
def test_at_a_discriminator_of_one_half_the_game_is_worth_log_4(
    make: Make, at: At, objective: str, sign: float
) -> None:
    system = small(make, objective=objective)
    for parameter in system.discriminator.parameters():
        torch.nn.init.zeros_(parameter)
    terms = system.critic_loss(pictures(), at(8))
    assert sum(terms.values()).item() == pytest.approx(math.log(4))
    terms = system.generator_loss(pictures(), at(8))
    assert terms["adversarial"].item() == pytest.approx(sign * math.log(2))


def test_discriminator_cannot_move_the_generator(make: Make, at: At) -> None:
    system = small(make)
    total = sum(system.critic_loss(pictures(), at(8)).values())
    found = torch.autograd.grad(total, tuple(system.generator.parameters()), allow_unused=True)
    assert all(gradient is None for gradient in found)


def test_dcgan_of_64_pixels_has_the_papers_channels(make: Make) -> None:
    with torch.device("meta"):
        system = make("dcgan", system="gan", resolution=64)
    shapes = [tuple(p.shape) for p in system.generator.parameters() if p.ndim == 4]
    assert shapes == [
        (100, 1024, 4, 4),
        (1024, 512, 4, 4),
        (512, 256, 4, 4),
        (256, 128, 4, 4),
        (128, 3, 4, 4),
    ]
    shapes = [tuple(p.shape) for p in system.discriminator.parameters() if p.ndim == 4]
    assert shapes[0] == (128, 3, 4, 4)
    assert shapes[-1] == (1, 1024, 4, 4)


def test_dcgan_weights_start_small_and_its_optimizer_is_the_papers(make: Make) -> None:
    system = small(make, width=32)
    first = next(p for p in system.generator.parameters() if p.ndim == 4)
    assert first.std().item() == pytest.approx(0.02, rel=0.05)
    assert system.config.optimizer == Adam(lr=2e-4, betas=(0.5, 0.999))


def test_dense_networks_have_the_first_papers_sizes(make: Make) -> None:
    system = make("mlp", system="gan", resolution=32, channels=1)
    generator = [tuple(p.shape) for p in system.generator.parameters() if p.ndim == 2]
    assert generator == [(1200, 100), (1200, 1200), (1024, 1200)]
    discriminator = [tuple(p.shape) for p in system.discriminator.parameters() if p.ndim == 2]
    assert discriminator == [(1200, 1024), (1200, 240), (1, 240)]
    assert system.config.optimizer == SGD(lr=0.1, momentum=0.5)


def test_maxout_keeps_the_largest_piece() -> None:
    layer = Maxout(1, 2, pieces=2)
    with torch.no_grad():
        layer.linear.weight.copy_(torch.tensor([[1.0], [-1.0], [3.0], [0.0]]))
        layer.linear.bias.zero_()
    expected = torch.tensor([[2.0, 6.0], [2.0, 0.0]])  # |x| and 3 max(x, 0)
    assert torch.equal(layer(torch.tensor([[2.0], [-2.0]])), expected)


def test_pictures_lie_between_minus_one_and_one_and_are_float32(make: Make, at: At) -> None:
    system = small(make)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        image = system.generate(system.draw(3), at(8))
    assert image.dtype == torch.float32
    assert image.abs().max() <= 1
    panels = system.preview(pictures(), at(8))
    assert panels["samples"].shape == panels["real"].shape


def test_latents_are_uniform_unless_told_otherwise(make: Make) -> None:
    assert small(make).draw(500)["z"].abs().max() <= 1
    assert small(make, latent_prior="normal").draw(500)["z"].abs().max() > 1


def test_sizes_dcgan_cannot_have_are_refused(make: Make) -> None:
    with pytest.raises(ConfigError, match="power of two from 8"):
        make("dcgan", system="gan", resolution=4)
    with pytest.raises(ConfigError, match="at least 1"):
        small(make, batch=0)
