"""The classic games of one generator against one critic: what each paper adds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from progan.core.batch import Images
from progan.core.errors import ConfigError
from progan.core.plan import Progress
from progan.core.specs import Adam, DataSpec, RMSprop
from progan.core.system import JointTurn
from progan.data.toy import ToyDraws
from progan.data.worlds import WORLDS
from progan.engine.loop import Trainer
from progan.objectives.penalty import orthogonal
from progan.systems.configs.fgan import FGANConfig
from progan.systems.configs.gan import GANConfig
from progan.systems.configs.lsgan import LSGANConfig
from progan.systems.configs.wgan import WGANConfig
from progan.systems.configs.wgan_gp import WGANGPConfig

Make = Callable[..., Any]
At = Callable[..., Progress]
CONFIGS = {
    "gan": GANConfig,
    "lsgan": LSGANConfig,
    "wgan": WGANConfig,
    "wgan_gp": WGANGPConfig,
    "fgan": FGANConfig,
}


def small(make: Make, system: str, preset: str | None = None, **settings: Any) -> Any:
    first = next(iter(CONFIGS[system].PRESETS))
    settings = {"width": 4, "latent_size": 6, **settings}
    return make(preset or first, system=system, resolution=8, channels=1, **settings)


def pictures(n: int = 6) -> Images:
    return Images(torch.rand(n, 1, 8, 8) * 2 - 1)


def moment(system: Any, step: int = 0, images: int = 0) -> Progress:
    return system.plan().at(images, step)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("system", "preset"), [(name, preset) for name in CONFIGS for preset in CONFIGS[name].PRESETS]
)
def test_every_preset_plays_all_its_turns_with_finite_gradients(
    make: Make, system: str, preset: str
) -> None:
    built = small(make, system, preset)
    players = built.players()
    for turn in built.turns(moment(built, step=30)):
        for player, terms in turn.losses(pictures(), moment(built)).items():
            found = torch.autograd.grad(
                sum(terms.values()), players[player].parameters, retain_graph=True
            )
            assert all(gradient.isfinite().all() for gradient in found)


def test_toy_networks_have_three_layers_of_128() -> None:
    """Generator 2 → 128 → 128 → 128 → 2, critic 2 → 128 → 128 → 128 → 1, with biases."""
    from progan.networks.toy import ToyCritic, ToyGenerator

    generator = ToyGenerator(resolution=1, channels=2, latent_size=2)
    critic = ToyCritic(resolution=1, channels=2)
    hidden = 2 * 128 + 128 + 2 * (128 * 128 + 128)
    assert sum(p.numel() for p in generator.parameters()) == hidden + 128 * 2 + 2
    assert sum(p.numel() for p in critic.parameters()) == hidden + 128 + 1


@pytest.mark.parametrize(
    ("resolution", "channels", "generator", "critic"), [(32, 1, 1.07, 0.66), (64, 3, 3.58, 2.77)]
)
def test_dcgan_networks_have_the_sizes_of_the_published_ports(
    make: Make, resolution: int, channels: int, generator: float, critic: float
) -> None:
    """In millions of parameters, at width 64."""
    with torch.device("meta"):
        built = make("dcgan", system="lsgan", resolution=resolution, channels=channels)
    sizes = [sum(p.numel() for p in net.parameters()) for net in (built.generator, built.adversary)]
    assert [round(size / 1e6, 2) for size in sizes] == [generator, critic]


# WGAN


def test_wgans_weights_are_in_their_box_after_every_critic_step(make: Make) -> None:
    built = small(make, "wgan", "toy", clip=0.03, batch=8)
    spec = DataSpec(resolution=1, channels=2)
    built = type(built)(built.config, spec)
    trainer = Trainer(built, ToyDraws(WORLDS["ring"]))
    generator = [p.detach().clone() for p in built.generator.parameters()]
    for _ in range(2):
        trainer.step()
        assert max(float(p.detach().abs().max()) for p in built.critic.parameters()) <= 0.03
    moved = zip(generator, built.generator.parameters(), strict=True)
    assert all(not torch.equal(before, now) for before, now in moved)
    assert max(float(p.detach().abs().max()) for p in built.generator.parameters()) > 0.03


@pytest.mark.parametrize(
    ("step", "steps"), [(0, 100), (24, 100), (25, 5), (499, 5), (500, 100), (501, 5)]
)
def test_wgans_critic_makes_many_steps_at_first_and_now_and_then(
    make: Make, step: int, steps: int
) -> None:
    built = small(make, "wgan")
    assert built.turns(moment(built, step))[0].repeat == steps
    plain = small(make, "wgan", "algorithm-1")
    assert plain.turns(moment(plain, step))[0].repeat == 5


def test_wgan_uses_no_momentum_unless_told() -> None:
    assert WGANConfig().optimizer == RMSprop(lr=5e-5)
    with pytest.raises(ConfigError, match="clip is 0"):
        WGANConfig(clip=0.0)


# WGAN-GP


def test_wgan_gp_has_the_papers_settings_and_no_batch_norm_in_its_critic(make: Make) -> None:
    config = WGANGPConfig()
    assert config.optimizer == Adam(lr=1e-4, betas=(0.0, 0.9))
    assert (config.penalty.kind, config.penalty.weight, config.critic_steps) == ("gp", 10.0, 5)
    built = make("paper", system="wgan_gp", resolution=16, channels=1, width=4)
    kinds = {type(module).__name__ for module in built.critic.modules()}
    assert "GroupNorm" in kinds  # over one group: layer norm
    assert "BatchNorm2d" not in kinds
    assert any(isinstance(m, torch.nn.BatchNorm2d) for m in built.generator.modules())


def test_a_slope_of_each_picture_is_refused_where_batch_norm_mixes_them() -> None:
    with pytest.raises(ConfigError, match="--set critic_norm=layer"):
        WGANGPConfig(critic_norm="batch")
    WGANGPConfig(critic_norm="batch", network="mlp")  # has none


def test_the_penalty_is_a_term_of_the_critic_alone(make: Make) -> None:
    built = small(make, "wgan_gp")
    assert set(built.critic_loss(pictures(), moment(built))) == {"real", "fake", "penalty"}
    assert set(built.generator_loss(pictures(), moment(built))) == {"adversarial"}


# LSGAN


def test_lsgan_aims_where_its_coding_says(make: Make) -> None:
    built = small(make, "lsgan", "pearson")
    for parameter in built.discriminator.parameters():
        torch.nn.init.zeros_(parameter)  # s = 0 everywhere
    terms = built.critic_loss(pictures(), moment(built))
    assert {name: term.item() for name, term in terms.items()} == {"real": 0.5, "fake": 0.5}
    assert built.generator_loss(pictures(), moment(built))["adversarial"].item() == 0.0


def test_lsgans_scores_are_not_squashed(make: Make) -> None:
    built = small(make, "lsgan", width=8)
    with torch.no_grad():
        for parameter in built.discriminator.parameters():
            parameter.mul_(30)
    assert built.judge(pictures().image).abs().max() > 1


# f-GAN


def test_fgans_players_move_at_once_unless_told_otherwise(make: Make) -> None:
    built = small(make, "fgan")
    (turn,) = built.turns(moment(built))
    assert isinstance(turn, JointTurn)
    assert turn.players == ("critic", "generator")
    after = small(make, "fgan", simultaneous=False)
    assert [turn.player for turn in after.turns(moment(after))] == ["critic", "generator"]


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"saturating": True}, "fgan:kl"),
        ({"divergence": "alpha=0.5", "saturating": True}, "fgan:alpha=0.5"),
        ({"divergence": "js"}, "fgan:js:non-saturating"),
        ({"divergence": "weighted-js=0.3"}, "fgan:weighted-js:non-saturating=0.3"),
    ],
)
def test_fgans_settings_name_an_objective(settings: dict[str, Any], name: str) -> None:
    from progan.objectives.table import objective

    assert FGANConfig(**settings).objective == name
    assert objective(name).kind == "ratio"


def test_in_a_saturating_fgan_the_players_terms_of_the_fakes_are_opposite(make: Make) -> None:
    losses = small(make, "fgan").joint_losses(pictures(), moment(small(make, "fgan")))
    assert losses["critic"]["fake"].item() == -losses["generator"]["adversarial"].item()


def test_fgan_refuses_what_players_who_move_at_once_cannot_do() -> None:
    with pytest.raises(ConfigError, match="simultaneous=false"):
        FGANConfig(critic_steps=2)
    from progan.core.specs import Penalty

    with pytest.raises(ConfigError, match=r"penalty\.kind=r1"):
        FGANConfig(penalty=Penalty(kind="r1+r2"))


# what all share


def test_a_push_lowers_the_generators_loss_of_each_fake_alone(make: Make) -> None:
    for objective in ("non-saturating", "relativistic"):
        built = small(make, "gan", "mlp", objective=objective).eval()
        fake, real = pictures(4).image, pictures(4).image
        pushed = built.push(fake, moment(built), real)
        alone = built.push(fake[1:2], moment(built), real[1:2])
        torch.testing.assert_close(pushed[1:2], alone)

        def loss(image: torch.Tensor, built: Any = built, real: torch.Tensor = real) -> float:
            terms = built.objective.for_generator(built.judge(image), built.judge(real))
            return float(sum(terms.values()).detach())

        assert loss(fake + 1e-2 * pushed) < loss(fake)


def test_two_time_scales_are_a_factor_on_the_critics_rate(make: Make) -> None:
    built = small(make, "gan", critic_rate=4.0, decay="linear", images=1000, batch=10)
    players = built.players()
    middle = built.plan().at(500)
    assert players["discriminator"].rate(middle) == 2.0
    assert players["generator"].rate(middle) == 0.5
    with pytest.raises(ConfigError, match="critic_rate is 0"):
        GANConfig(critic_rate=0.0)


def test_orthogonal_regularisation_is_a_term_of_the_generator(make: Make) -> None:
    built = small(make, "gan", "mlp", orthogonal=1e-4)
    terms = built.generator_loss(pictures(), moment(built))
    weights = [p for p in built.generator.parameters() if p.ndim > 1]
    expected = 1e-4 * sum(float(orthogonal(weight.detach())) for weight in weights)
    assert terms["orthogonal"].item() == pytest.approx(expected, rel=1e-5)
    assert "orthogonal" not in built.critic_loss(pictures(), moment(built))
