"""BiGAN and ALI: pairs, swapped labels, one player of encoder and generator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import softplus

from progan.core.batch import Images
from progan.core.errors import ConfigError
from progan.core.plan import Progress, Stage
from progan.engine.play import gradients_of
from progan.systems.configs.bigan import BiGANConfig

Make = Callable[..., Any]
At = Callable[..., Progress]


def small(make: Make, preset: str = "toy", **settings: Any) -> Any:
    settings = {"width": 2, "latent_size": 3, "simultaneous": True, **settings}
    resolution = 32 if preset == "ali" else 8
    return make(preset, system="bigan", resolution=resolution, channels=1, **settings)


def pictures(n: int = 6, side: int = 8) -> Images:
    return Images(torch.rand(n, 1, side, side, generator=torch.Generator().manual_seed(1)) * 2 - 1)


def slopes(system: Any, at: Progress, batch: Images | None = None) -> dict[str, list[Tensor]]:
    (turn,) = system.turns(at)
    torch.manual_seed(3)
    found, _ = gradients_of(turn, system.players(), batch or pictures(), at, micro_batch=None)
    return {name: [one for one in row if one is not None] for name, row in found.items()}


def test_pairs_of_reals_and_of_fakes_are_judged_with_their_own_codes(make: Make, at: At) -> None:
    system = small(make)
    torch.manual_seed(3)
    terms = system.joint_losses(pictures(), at(8))
    torch.manual_seed(3)
    x, z = pictures().image, torch.randn(6, 3)
    real = system.discriminator(x, system.encoder(x))
    fake = system.discriminator(system.generator(z), z)
    expected = {
        "discriminator": {"real": softplus(-real).mean(), "fake": softplus(fake).mean()},
        "generator": {"real": softplus(real).mean(), "fake": softplus(-fake).mean()},
    }
    for player, row in expected.items():
        assert set(terms[player]) == set(row)
        for name, value in row.items():
            torch.testing.assert_close(terms[player][name], value)


def test_the_zero_sum_form_turns_the_sign_of_the_discriminators_loss(make: Make, at: At) -> None:
    torch.manual_seed(3)
    terms = small(make, objective="minimax").joint_losses(pictures(), at(8))
    for name in ("real", "fake"):
        assert torch.equal(terms["generator"][name], -terms["discriminator"][name])


def test_the_encoder_is_taught_by_reals_and_moves_with_the_generator(make: Make, at: At) -> None:
    """An encoder that is forgotten in the generator's optimizer would stay what it was."""
    system = small(make)
    owned = {id(p) for p in system.players()["generator"].parameters}
    assert {id(p) for p in system.encoder.parameters()} < owned
    real = system.joint_losses(pictures(), at(8))["generator"]["real"]
    found = torch.autograd.grad(real, list(system.encoder.parameters()))
    assert all(one.abs().max() > 0 for one in found[:-1])


def test_an_encoder_of_weight_0_is_taught_exactly_nothing(make: Make, at: At) -> None:
    encoders = len(list(small(make).encoder.parameters()))
    whole, none = (
        slopes(small(make, encoder_weight=weight), at(8))["generator"] for weight in (1.0, 0.0)
    )
    assert all(one.abs().max() == 0 for one in none[-encoders:])
    assert any(one.abs().max() > 0 for one in whole[-encoders:])
    rest = zip(whole[:-encoders], none[:-encoders], strict=True)
    assert all(torch.equal(a, b) for a, b in rest)


def test_nobody_compares_a_code_with_its_latent(make: Make, at: At) -> None:
    """A discriminator that looks at no code teaches the encoder nothing, however wrong it is."""
    system = small(make)
    with torch.no_grad():
        system.discriminator.body[0].weight[:, -3:].zero_()
    encoders = len(list(system.encoder.parameters()))
    found = slopes(system, at(8))["generator"][-encoders:]
    assert all(one.abs().max() == 0 for one in found)


def test_weight_decay_is_half_the_squares_of_matrices_and_not_of_biases(make: Make, at: At) -> None:
    """Its slope at a weight w is λ w."""
    without, much = (
        slopes(small(make, weight_decay=decay), at(8))["discriminator"] for decay in (0.0, 0.5)
    )
    for plain, decayed, weight in zip(
        without, much, small(make).discriminator.parameters(), strict=True
    ):
        expected = plain + (0.5 * weight if weight.ndim > 1 else 0)
        torch.testing.assert_close(decayed, expected)


def test_alis_codes_are_drawn_and_bigans_are_not(make: Make) -> None:
    plain, random = small(make), small(make, encoder="gaussian")
    x = pictures().image
    assert torch.equal(plain.coded(x), plain.coded(x))
    first, second = random.coded(x), random.coded(x)
    assert not torch.equal(first, second)
    mean, log_variance = random.encoder(x)
    torch.manual_seed(5)
    drawn = random.coded(x)
    torch.manual_seed(5)
    noise = torch.randn(6, 3)
    torch.testing.assert_close(drawn, mean + (log_variance / 2).exp() * noise)
    assert torch.equal(random.code(x), mean)


def test_a_random_encoder_is_taught_its_spread(make: Make, at: At) -> None:
    """The noise passes through the deviation: its half of the last layer has a slope."""
    found = slopes(small(make, encoder="gaussian"), at(8))["generator"]
    deviations = found[-1][3:]  # bias of the last layer: three means, three deviations
    assert deviations.abs().max() > 0


def test_pairs_pass_together_or_apart(make: Make, at: At) -> None:
    """Batch norm sees the difference; without it there is none."""
    for preset, alike in (("mnist", False), ("toy", True)):
        found = []
        for together in (False, True):
            system = small(make, preset, together=together)
            torch.manual_seed(3)
            found.append(system.joint_losses(pictures(), at(8))["discriminator"]["real"])
        assert torch.allclose(*found) == alike


def test_turns_one_after_the_other_lower_the_same(make: Make, at: At) -> None:
    system = small(make, simultaneous=False)
    first, second = system.turns(at(8))
    assert (first.player, second.player, second.draws) == ("discriminator", "generator", False)
    torch.manual_seed(3)
    joint = system.joint_losses(pictures(), at(8))
    torch.manual_seed(3)
    assert first.loss(pictures(), at(8)) == joint["discriminator"]


def test_the_rate_rests_for_half_the_run_and_falls_to_a_hundredth(make: Make) -> None:
    system = small(make, "mnist")
    stage = Stage(name="train", images=100, resolution=8, batch=4)

    def rate(fraction: float) -> float:
        at = Progress(images=0, step=0, index=0, stage=stage, fraction=fraction)
        return float(system.rate(at))

    assert [rate(f) for f in (0.0, 0.5, 0.75, 1.0)] == pytest.approx([1.0, 1.0, 0.1, 0.01])


def test_the_papers_numbers() -> None:
    config = BiGANConfig()
    assert (config.latent_size, config.latent_prior, config.batch) == (50, "uniform", 128)
    assert (config.optimizer.lr, config.optimizer.betas) == (2e-4, (0.5, 0.999))  # type: ignore[union-attr]
    assert config.weight_decay == 2 * 2.5e-5  # of the sum of two terms, not their mean
    ali = BiGANConfig.PRESETS["ali"]
    assert (ali["latent_size"], ali["batch"], ali["optimizer"]["lr"]) == (64, 100, 1e-4)


@pytest.mark.parametrize("preset", BiGANConfig.PRESETS)
def test_every_preset_plays_with_finite_gradients(make: Make, at: At, preset: str) -> None:
    side = 32 if preset == "ali" else 8
    found = slopes(small(make, preset), at(side), pictures(side=side))
    for row in found.values():
        assert row
        assert all(one.isfinite().all() for one in row)


@pytest.mark.parametrize("settings", [{"encoder_weight": -1.0}, {"weight_decay": float("nan")}])
def test_settings_that_cannot_be_are_refused(settings: Any) -> None:
    with pytest.raises(ConfigError, match=r"must be numbers from 0 up") as error:
        BiGANConfig(**settings)
    assert "\n" not in str(error.value)
