"""InfoGAN: both players raise the bound, Q learns in both turns, codes are latents like others."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy

from progan.core.batch import Images
from progan.core.errors import ConfigError
from progan.core.plan import Progress
from progan.core.specs import Penalty
from progan.systems.configs.infogan import InfoGANConfig

Make = Callable[..., Any]
At = Callable[..., Progress]


def small(make: Make, preset: str = "mnist", **settings: Any) -> Any:
    settings = {"width": 4, "latent_size": 5, "categories": [3, 2], **settings}
    return make(preset, system="infogan", resolution=8, channels=1, **settings)


def pictures(n: int = 6) -> Images:
    return Images(torch.rand(n, 1, 8, 8) * 2 - 1)


def slopes(terms: Any, network: torch.nn.Module) -> list[float]:
    total = torch.stack(list(terms)).sum()
    found = torch.autograd.grad(
        total, tuple(network.parameters()), retain_graph=True, allow_unused=True
    )
    return [0.0 if gradient is None else float(gradient.abs().max()) for gradient in found]


@pytest.mark.parametrize("preset", InfoGANConfig.PRESETS)
def test_every_preset_plays_both_turns_with_finite_gradients(
    make: Make, at: At, preset: str
) -> None:
    system = make(preset, system="infogan", resolution=8, channels=1, width=4)
    players = system.players()
    for turn in system.turns(at(8)):
        total = sum(turn.loss(pictures(), at(8)).values())
        found = torch.autograd.grad(total, players[turn.player].parameters)
        assert all(gradient.isfinite().all() for gradient in found)


def information(terms: Any) -> list[torch.Tensor]:
    return [term for name, term in terms.items() if name.startswith("information")]


def test_information_teaches_the_generator_and_q_in_both_turns(make: Make, at: At) -> None:
    """Defect 6: terms gathered by a tensor's constructor would teach nobody."""
    system = small(make)
    critic, generator = (
        information(loss(pictures(), at(8))) for loss in (system.critic_loss, system.generator_loss)
    )
    assert len(critic) == len(generator) == 2
    assert min(slopes(critic, system.discriminator.guess)) > 0
    assert max(slopes(critic, system.discriminator.trunk)) > 0
    assert slopes(critic, system.generator) == [0.0] * len(list(system.generator.parameters()))
    assert min(slopes(generator, system.generator)) > 0


def test_information_is_added_over_codes_each_with_its_own_entropy(make: Make) -> None:
    """Known logits: log 3 − CE₃ + log 2 − CE₂; a normal: log 2 − ½ log 2π − ½ Σ (c − μ)²/σ² − log σ
    for each of two numbers."""
    system = small(make)
    guess = torch.randn(4, 3 + 2 + 2 + 2)
    codes = {
        "category": torch.tensor([0, 2, 1, 1]),
        "category.1": torch.tensor([1, 0, 0, 1]),
        "continuous": torch.rand(4, 2) * 2 - 1,
    }
    found = system.information(guess, codes)
    expected = (
        math.log(6)
        - cross_entropy(guess[:, :3], codes["category"])
        - cross_entropy(guess[:, 3:5], codes["category.1"])
    )
    torch.testing.assert_close(found["category"], expected)
    mean, log_variance = guess[:, 5:7], guess[:, 7:]
    normal = torch.distributions.Normal(mean, (log_variance / 2).exp())
    surprise = -normal.log_prob(codes["continuous"]).sum(1).mean()
    torch.testing.assert_close(found["continuous"], 2 * math.log(2) - surprise)


def test_both_players_lower_minus_lambda_times_the_information(make: Make) -> None:
    system = small(make, information=2.0, continuous_information=0.5)
    guess = torch.randn(4, 9)
    codes = dict(system.draw(4))
    found, weighed = system.information(guess, codes), system.weighed(guess, codes)
    torch.testing.assert_close(weighed["information category"], -2 * found["category"])
    torch.testing.assert_close(weighed["information continuous"], -0.5 * found["continuous"])


def test_at_a_discriminator_of_one_half_the_first_loss_is_log_4(make: Make, at: At) -> None:
    """It is GAN's own, no squared one (defect 7); Q that knows nothing of 3 · 2 values has L_I 0,
    and a normal of deviation 1 around 0 gives log 2 − ½ log 2π − c²/2 for each number."""
    system = small(make)
    for parameter in system.discriminator.parameters():
        torch.nn.init.zeros_(parameter)
    terms = system.critic_loss(pictures(), at(8))
    assert (terms["real"] + terms["fake"]).item() == pytest.approx(math.log(4))
    assert terms["information category"].item() == pytest.approx(0.0, abs=1e-6)
    most = 2 * (math.log(2) - math.log(2 * math.pi) / 2)
    assert -0.1 * most < terms["information continuous"].item() < -0.1 * (most - 1)


def test_no_label_is_ever_looked_at(make: Make) -> None:
    """Defect 7: codes are drawn, uniformly; labelled data are asked for as pictures alone."""
    system = make("toy", system="infogan", resolution=1, channels=2, classes=8)
    assert system.batch_type is Images
    counts = torch.bincount(system.draw(8000)["category"], minlength=8) / 8000
    torch.testing.assert_close(counts, torch.full((8,), 1 / 8), rtol=0, atol=0.02)


def test_codes_are_latents_of_their_own(make: Make, at: At) -> None:
    system = small(make).eval()
    assert [field.name for field in system.latent_fields] == [
        *("z", "category", "category.1", "continuous")
    ]
    assert {field.role for field in system.latent_fields[1:]} == {"code"}
    latents = dict(system.draw(1))
    before = system.generate(latents, at(8))
    for name in ("category", "category.1"):
        other = {**latents, name: (latents[name] + 1) % 2}
        assert not torch.equal(system.generate(other, at(8)), before), name
    mixed = {**latents, "category": torch.tensor([[0.5, 0.5, 0.0]])}
    assert not torch.equal(system.generate(mixed, at(8)), before)


def test_the_papers_rates_and_batches(make: Make) -> None:
    config = InfoGANConfig()
    assert (config.optimizer.lr, config.batch, config.latent_size) == (1e-3, 128, 62)
    assert config.optimizer.lr * config.critic_rate == pytest.approx(2e-4)
    assert (config.categories, config.continuous, config.codes) == ((10,), 2, 12)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"categories": (1,)}, "at least 2 values"),
        ({"categories": (), "continuous": 0}, "there must be a code"),
        ({"continuous": -1}, "continuous -1"),
        ({"information": -1.0}, "information is -1.0"),
        ({"critic_norm": "layer"}, "batch norm alone. To choose a norm: --set network=dcgan"),
        ({"penalty": Penalty(kind="gp")}, "--set network=dcgan critic_norm=layer"),
    ],
)
def test_codes_that_cannot_be_are_refused(settings: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as error:
        InfoGANConfig(**settings)
    assert "\n" not in str(error.value)


def test_a_batch_of_one_can_be_played(make: Make, at: At) -> None:
    """Memory may force it: nothing of Q compares pictures."""
    system = small(make, "dcgan")
    assert system.least == 1
    for loss in (system.critic_loss, system.generator_loss):
        assert all(term.isfinite() for term in loss(pictures(1), at(8)).values())


def test_the_papers_dense_layers_have_company(make: Make, at: At) -> None:
    """Their batch norm cannot take one picture, so memory may not force it."""
    system = small(make)
    assert system.least == 2
    for loss in (system.critic_loss, system.generator_loss):
        assert all(term.isfinite() for term in loss(pictures(2), at(8)).values())
