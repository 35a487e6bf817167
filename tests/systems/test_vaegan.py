"""VAE-GAN: who is taught by what, exactly; the limits of γ; who waits for balance."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from progan.core.batch import Images
from progan.core.errors import ConfigError
from progan.core.plan import Progress
from progan.core.specs import RMSprop
from progan.engine.loop import Trainer
from progan.engine.play import gradients_of
from progan.systems.configs.vaegan import VAEGANConfig

Make = Callable[..., Any]
At = Callable[..., Progress]


def small(make: Make, preset: str | None = None, **settings: Any) -> Any:
    settings = {"width": 4, "latent_size": 3, "gamma": 0.01, **settings}
    return make(preset, system="vaegan", resolution=8, channels=1, **settings)


def pictures(n: int = 6) -> Images:
    return Images(torch.rand(n, 1, 8, 8, generator=torch.Generator().manual_seed(1)) * 2 - 1)


def slopes(system: Any, at: Progress) -> dict[str, list[Tensor]]:
    """Of each player, as the engine takes them; the same noise every time."""
    (turn,) = system.turns(at)
    torch.manual_seed(3)
    found, _ = gradients_of(turn, system.players(), pictures(), at, micro_batch=None)
    return {
        name: [torch.zeros(()) if one is None else one for one in row]
        for name, row in found.items()
    }


def same(one: list[Tensor], other: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def size_of(row: list[Tensor]) -> float:
    return float(torch.stack([one.norm() for one in row]).norm())


@pytest.mark.parametrize("together", [True, False])
def test_the_game_teaches_the_encoder_exactly_nothing(make: Make, at: At, together: bool) -> None:
    without, much = (
        slopes(small(make, adversarial=weight, together=together), at(8)) for weight in (0.0, 100.0)
    )
    assert same(without["encoder"], much["encoder"])
    assert size_of(without["encoder"]) > 0
    assert not same(without["generator"], much["generator"])


@pytest.mark.parametrize("together", [True, False])
def test_likeness_teaches_the_discriminator_exactly_nothing(
    make: Make, at: At, together: bool
) -> None:
    """Taught by it, its features would shrink until all pictures are alike."""
    without, much = (
        slopes(small(make, gamma=gamma, together=together), at(8)) for gamma in (0.0, 1e4)
    )
    assert same(without["discriminator"], much["discriminator"])
    assert size_of(without["discriminator"]) > 0


def test_the_prior_teaches_the_encoder_alone(make: Make, at: At) -> None:
    """Of the decoder's slope, and the discriminator's, nothing is left without game and γ."""
    system = small(make)
    torch.manual_seed(3)
    terms = system.losses(pictures(), at(8))
    assert set(terms["encoder"]) == {"prior", "likeness"}
    prior = terms["encoder"]["prior"]
    networks = (system.generator, system.discriminator)
    others = [p for network in networks for p in network.parameters()]
    found = torch.autograd.grad(prior, others, allow_unused=True)
    assert all(one is None for one in found)


def test_likeness_reaches_the_decoder_through_layer_l(make: Make, at: At) -> None:
    """Without the game the decoder is taught by the features alone: another trunk, another slope,
    and a trunk that sees nothing teaches nothing."""
    system = small(make, adversarial=0.0)
    before = slopes(system, at(8))["generator"]
    assert size_of(before) > 0
    with torch.no_grad():
        for parameter in system.discriminator.trunk.parameters():
            parameter.zero_()
    assert size_of(slopes(system, at(8))["generator"]) == 0.0


def test_where_gamma_grows_without_end_it_is_a_variational_autoencoder_of_features(
    make: Make, at: At
) -> None:
    """The decoder's slope, divided by γ, is that of likeness alone: the game's share is 1/γ."""
    alone = slopes(small(make, adversarial=0.0, gamma=1.0), at(8))
    for gamma, off in ((1e2, 1e-1), (1e6, 1e-4)):
        much = slopes(small(make, gamma=gamma), at(8))
        scaled = [one / gamma for one in much["generator"]]
        apart = size_of([a - b for a, b in zip(scaled, alone["generator"], strict=True)])
        assert apart <= off * size_of(alone["generator"])
        assert same(much["encoder"], alone["encoder"])


def test_losses_are_the_formulas(make: Make, at: At) -> None:
    """Evaluated once more by hand, in one pass of all pictures."""
    system = small(make, gamma=0.25)
    torch.manual_seed(3)
    terms = system.losses(pictures(), at(8))
    torch.manual_seed(3)
    x = pictures().image
    mean, log_variance = system.encoder(x)
    z = mean + (log_variance / 2).exp() * torch.randn(6, 3)
    fakes = system.generator(torch.cat([z, torch.randn(6, 3)]))
    features, score = system.discriminator.both(torch.cat([x, fakes]))
    kl = (mean**2 + log_variance.exp() - 1 - log_variance).sum(1).mean() / 2
    likeness = ((features[:6] - features[6:12]) ** 2).sum((1, 2, 3)).mean() / 2
    d = torch.sigmoid(score)
    expected = {
        "encoder": {"prior": kl, "likeness": likeness},
        "generator": {
            "likeness": 0.25 * likeness,
            "adversarial reconstruction": -d[6:12].log().mean(),
            "adversarial prior": -d[12:].log().mean(),
        },
        "discriminator": {
            "real": -d[:6].log().mean(),
            "reconstruction": -(1 - d[6:12]).log().mean(),
            "prior": -(1 - d[12:]).log().mean(),
        },
    }
    assert {player: set(row) for player, row in terms.items()} == {
        player: set(row) for player, row in expected.items()
    }
    for player, row in expected.items():
        for name, value in row.items():
            torch.testing.assert_close(terms[player][name], value, rtol=1e-4, atol=1e-5)


def test_the_zero_sum_form_turns_the_sign_of_the_discriminators_loss(make: Make, at: At) -> None:
    torch.manual_seed(3)
    terms = small(make, objective="minimax").losses(pictures(), at(8))
    for name in ("reconstruction", "prior"):
        assert torch.equal(terms["generator"][f"adversarial {name}"], -terms["discriminator"][name])


def test_gamma_counts_a_sum_or_as_many_times_more_in_a_mean(make: Make, at: At) -> None:
    """Layer l of width 4 at 8 pixels is 12 · 2 · 2 = 48 features."""
    found = []
    for reduction in ("sum", "mean"):
        torch.manual_seed(3)
        terms = small(make, gamma_reduction=reduction).losses(pictures(), at(8))
        found.append(terms["generator"]["likeness"].item())
        assert found[0] == pytest.approx(0.01 * terms["encoder"]["likeness"].item())
    assert found[0] / found[1] == pytest.approx(48)


@pytest.mark.parametrize("kind", ["reconstruction", "prior"])
def test_fakes_are_of_the_kinds_that_are_asked_for(make: Make, at: At, kind: str) -> None:
    terms = small(make, negatives=(kind,), fake_weight=0.5).losses(pictures(), at(8))
    assert set(terms["discriminator"]) == {"real", kind}
    assert f"adversarial {kind}" in terms["generator"]


def test_a_plain_autoencoder_has_no_discriminator_in_the_game(make: Make, at: At) -> None:
    system = small(make, likeness="pixels", adversarial=0.0, gamma=1.0)
    (turn,) = system.turns(at(8))
    assert turn.players == ("encoder", "generator")
    terms = turn.losses(pictures(), at(8))
    assert torch.equal(terms["encoder"]["likeness"], terms["generator"]["likeness"])


def wait(system: Any, real: float, fake: float) -> tuple[float, float]:
    scores = {"reconstruction": torch.full((4,), fake), "prior": torch.full((4,), fake)}
    decodes, judges = system.moves(torch.full((4,), real), scores)
    return float(decodes), float(judges)


def test_a_player_that_is_far_ahead_waits_for_balance(make: Make) -> None:
    """0.68 ± 0.35. A score s costs log(1 + e^−s) as a real and log(1 + e^s) as a fake: 0 costs
    0.693, in balance; 2 for a real 0.127, too good; −1 for a real 1.313, too bad."""
    system = small(make, balance=0.35, optimizer=RMSprop())
    assert wait(system, 0.0, 0.0) == (1.0, 1.0)
    assert wait(system, 2.0, 0.0) == (1.0, 0.0)
    assert wait(system, -1.0, 0.0) == (0.0, 1.0)
    assert wait(system, 0.0, 1.0) == (0.0, 1.0)
    assert wait(system, 2.0, 1.0) == (1.0, 1.0)  # both would wait: both play


def test_who_waits_has_a_slope_of_exactly_0(make: Make, at: At) -> None:
    """With a bar that no cost reaches, the discriminator waits for ever; the encoder never does."""
    found = slopes(small(make, balance=0.01, equilibrium=100.0), at(8))
    assert size_of(found["discriminator"]) == 0.0
    assert size_of(found["generator"]) > 0
    assert size_of(found["encoder"]) > 0


def test_at_a_discriminator_that_knows_nothing_each_kind_costs_log_2(make: Make, at: At) -> None:
    system = small(make)
    for parameter in system.discriminator.parameters():
        torch.nn.init.zeros_(parameter)
    terms = system.losses(pictures(), at(8))["discriminator"]
    for value in terms.values():
        assert value.item() == pytest.approx(math.log(2))


def test_a_picture_is_encoded_as_the_mean_of_its_codes(make: Make, at: At) -> None:
    system = small(make).eval()
    x = pictures().image
    code = system.encode(x, at(8))
    assert torch.equal(code["z"], system.encoder(x)[0])
    assert torch.equal(code["z"], system.encode(x, at(8))["z"])
    assert system.generate(code, at(8)).shape == x.shape


def test_the_papers_numbers() -> None:
    config = VAEGANConfig()
    assert (config.optimizer, config.batch) == (RMSprop(lr=3e-4, decay=0.9), 64)
    assert (config.latent_size, config.gamma, config.gamma_reduction) == (128, 1e-6, "sum")
    assert VAEGANConfig.PRESETS["cifar"] == {"latent_size": 256, "gamma": 1e-5}
    published = VAEGANConfig.PRESETS["published"]
    assert (published["balance"], published["objective"]) == (0.35, "minimax")


@pytest.mark.parametrize("preset", VAEGANConfig.PRESETS)
def test_every_preset_plays_with_finite_gradients(make: Make, at: At, preset: str) -> None:
    system = small(make, preset)
    for row in slopes(system, at(8)).values():
        assert all(one.isfinite().all() for one in row)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"gamma": -1.0}, "gamma is -1.0"),
        ({"gamma": 0.0, "adversarial": 0.0}, "needs one of the first two"),
        ({"negatives": ()}, "must name reconstruction, prior or both"),
        ({"negatives": ("prior", "prior")}, "each once"),
        ({"balance": 0.0}, "balance is 0.0"),
        ({"balance": 0.3, "objective": "hinge"}, "costs of log D"),
        ({"latent_size": 0}, "latent_size 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as error:
        VAEGANConfig(**settings)
    assert "\n" not in str(error.value)


def test_a_wait_needs_an_optimizer_that_then_stands_still(make: Make) -> None:
    with pytest.raises(ConfigError, match="momentum would not stop"):
        make(system="vaegan", balance=0.3, **{"optimizer.kind": "Adam"})


def test_a_game_that_compares_pairs_is_refused(make: Make) -> None:
    with pytest.raises(ConfigError, match="several kinds of fakes"):
        small(make, objective="relativistic")


def test_a_single_picture_at_a_time_is_refused(make: Make) -> None:
    class Pictures:
        def batch(self, numbers: range, resolution: Any) -> Images:
            return pictures(len(numbers))

    system = small(make, batch=6)
    for limit, shards in ((1, 1), (None, 4), (2, 2)):
        with pytest.raises(ConfigError, match=r"fewer than the 2 pictures .* VAEGAN"):
            Trainer(system, Pictures(), micro_batch=limit, shards=shards)
    Trainer(system, Pictures(), micro_batch=2).step()
