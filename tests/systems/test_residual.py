"""SNGAN, SAGAN and BigGAN: what is lowered, how fast, by whom, and what labels do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from progan.core.batch import Images, Labelled
from progan.core.errors import ConfigError
from progan.core.plan import Progress, Stage
from progan.core.specs import DataSpec
from progan.core.system import Player, Turn
from progan.engine.play import gradients_of
from progan.layers.spectral import SpectralNorm
from progan.layers.statistics import JointBatchNorm2d
from progan.objectives.penalty import orthogonal

Make = Callable[..., Any]
At = Callable[..., Progress]
SYSTEMS = ("sngan", "sagan", "biggan")


def small(make: Make, system: str = "biggan", classes: int = 3, **settings: Any) -> Any:
    settings = {"width": 2, "latent_size": 6, **settings}
    return make("tiny", system=system, resolution=8, channels=1, classes=classes, **settings)


def pictures(n: int = 6) -> Labelled:
    torch.manual_seed(1)
    return Labelled(torch.rand(n, 1, 8, 8) * 2 - 1, torch.arange(n) % 3)


@pytest.mark.parametrize("system", SYSTEMS)
def test_both_turns_move_all_weights_of_their_player_alone(make: Make, at: At, system: str) -> None:
    game = small(make, system)
    turns = {turn.player: turn for turn in game.turns(at(8))}
    for name, other in (("discriminator", "generator"), ("generator", "discriminator")):
        total = sum(turns[name].loss(pictures(), at(8)).values())
        found = torch.autograd.grad(
            total, tuple(game.players()[name].parameters), allow_unused=True
        )
        assert all(g is not None and g.isfinite().all() for g in found)
        if name == "discriminator":
            total = sum(turns[name].loss(pictures(), at(8)).values())
            others = tuple(game.players()[other].parameters)
            assert not any(
                g is not None for g in torch.autograd.grad(total, others, allow_unused=True)
            )


def test_the_terms_are_the_hinge(make: Make, at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reals 2 and 0.5, fakes −3 and 1: max(0, 1 − s) is 0 and 0.5, max(0, 1 + s) 0 and 2."""
    game = small(make, "sngan")
    monkeypatch.setattr(
        game, "verdicts", lambda x, y: torch.tensor([2.0, 0.5, -3.0, 1.0])[: len(x)]
    )
    terms = game.critic_loss(pictures(2), at(8))
    assert (terms["real"].item(), terms["fake"].item()) == (0.25, 1.0)
    assert game.generator_loss(pictures(2), at(8))["adversarial"].item() == -1.25


def test_the_discriminators_hinge_pulls_reals_up_and_fakes_down_within_the_margin(
    make: Make,
) -> None:
    real = torch.tensor([2.0, 0.5], requires_grad=True)
    fake = torch.tensor([-3.0, 1.0], requires_grad=True)
    terms = small(make).objective.critic_terms(real, fake)
    slopes = torch.autograd.grad(sum(terms.values()), (real, fake))
    assert [slope.tolist() for slope in slopes] == [[0.0, -0.5], [0.0, 0.5]]


@pytest.mark.parametrize("system", SYSTEMS)
def test_singular_vectors_move_once_an_update(make: Make, at: At, system: str) -> None:
    game = small(make, system)
    moved: list[int] = []
    norms = [m for m in game.discriminator.modules() if isinstance(m, SpectralNorm)]
    for norm in norms:
        norm.register_forward_hook(lambda *given: moved.append(1))
    game.critic_loss(pictures(), at(8))
    assert len(moved) == len(norms) > 0


def test_rates_of_both_players_are_those_of_the_papers(make: Make, config_of: Make) -> None:
    expected = {  # generator, discriminator, discriminator steps
        ("sngan", None): (2e-4, 2e-4, 5),
        ("sagan", "paper"): (1e-4, 4e-4, 1),
        ("biggan", "paper"): (5e-5, 2e-4, 2),
        ("biggan", "reference"): (1e-4, 4e-4, 1),
        ("biggan", "cifar10"): (2e-4, 2e-4, 4),
    }
    for (system, preset), (lr, critic, steps) in expected.items():
        config = config_of(preset, system=system)
        assert config.optimizer.lr == lr, (system, preset)
        assert config.optimizer.lr * config.critic_rate == pytest.approx(critic)
        assert config.critic_steps == steps
        assert config.optimizer.betas[0] == 0.0
    assert config_of("reference", system="sagan").optimizer.betas == (0.0, 0.999)
    assert config_of("paper", system="biggan").batch == 2048
    assert config_of("reference", system="biggan").average.start_step == 20_000


def test_the_rate_falls_from_where_it_is_told(make: Make) -> None:
    """450,000 steps, from 400,000 on: at 425,000 it is half."""
    game = small(make, "sngan", decay="linear", decay_from=400 / 450)
    stage = Stage(name="train", images=100, resolution=8, batch=4)

    def rate(fraction: float) -> float:
        now = Progress(images=0, step=0, index=0, stage=stage, fraction=fraction)
        return game.rate(now)

    assert rate(0.0) == rate(400 / 450) == 1.0
    assert rate(425 / 450) == pytest.approx(0.5)
    assert rate(1.0) == 0.0


def test_the_generators_update_may_see_more_fakes(
    make: Make, at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    game = small(make, "sngan", generator_batches=2)
    seen: list[tuple[int, int]] = []
    verdicts = game.verdicts

    def watched(image: Tensor, y: Tensor) -> Tensor:
        seen.append((len(image), len(y)))
        return verdicts(image, y)

    monkeypatch.setattr(game, "verdicts", watched)
    game.generator_loss(pictures(4), at(8))
    game.critic_loss(pictures(4), at(8))
    assert seen == [(8, 8), (8, 8)]  # twice the fakes; reals and fakes


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("classes", [0, 1])
def test_without_classes_nobody_is_told_any(make: Make, at: At, system: str, classes: int) -> None:
    game = small(make, system, classes=classes)
    assert game.batch_type is Images
    assert game.discriminator.embedding is None
    assert [field.name for field in game.latent_fields] == ["z"]
    for loss in (game.critic_loss, game.generator_loss):
        assert all(term.isfinite() for term in loss(Images(pictures().image), at(8)).values())


def test_labels_can_be_left_alone(make: Make) -> None:
    assert small(make, "sngan", condition="none").batch_type is Images
    assert small(make, "sngan").batch_type is Labelled


def test_several_labels_at_once_are_rows(make: Make, at: At) -> None:
    data = DataSpec(resolution=8, channels=1, label_kind="multi-label", label_size=3)
    game = make("tiny", system="biggan", data=data, width=2, latent_size=6)
    batch = Labelled(pictures(4).image, torch.eye(3)[[0, 1, 2, 0]])
    assert game.critic_loss(batch, at(8))["real"].isfinite()


def test_without_a_label_the_score_is_what_all_labels_say(make: Make, at: At) -> None:
    """The hinge's score is no logit: the mean over three equally frequent labels."""
    game = small(make).eval()
    image = pictures(2).image
    with torch.no_grad():
        each = [game.verdicts(image, torch.eye(3)[[k, k]]) for k in range(3)]
        torch.testing.assert_close(game.score(Images(image), at(8)), sum(each) / 3)


def test_orthogonal_regularisation_has_the_slope_of_the_formula() -> None:
    """4 (W Wᵀ ⊙ (1 − I)) W; the published code has half of it."""
    torch.manual_seed(0)
    weight = torch.randn(4, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(orthogonal(weight), weight)
    rows = weight.detach().flatten(1)
    gram = rows @ rows.T
    expected = 4 * (gram - gram.diagonal().diag()) @ rows
    torch.testing.assert_close(slope.flatten(1), expected)


def test_labels_vectors_are_not_made_orthogonal(make: Make, at: At) -> None:
    shared = small(make, shared=4, orthogonal=1e-4)
    regular = {id(weight) for weight in shared.regular()}
    own = {id(p) for p in shared.generator.shared.parameters()}
    matrices = {id(p) for p in shared.generator.parameters() if p.ndim > 1}
    assert regular == matrices - own
    classes = small(make, shared=0, split=False, orthogonal=1e-4)
    assert all(weight.shape[1] != 3 or weight.ndim > 2 for weight in classes.regular())
    assert shared.generator_loss(pictures(), at(8))["orthogonal"] > 0
    assert "orthogonal" not in shared.critic_loss(pictures(), at(8))


def test_four_pieces_of_eight_have_the_slope_of_thirty_two(
    make: Make, at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for batch norm and singular vectors, which see the piece: both stand still here, and
    latents are a function of the pictures beside them."""
    game = small(make, orthogonal=1e-4)
    for module in game.modules():
        if isinstance(module, SpectralNorm | _BatchNorm):
            module.eval()
    batch = Labelled(pictures(32).image, torch.arange(32) % 3)
    fixed = torch.randn(32, 6)
    pieces: list[Tensor] = []
    monkeypatch.setattr(game, "noise", lambda n: pieces.pop(0))
    monkeypatch.setattr(game, "new_labels", lambda y: y)
    players = game.players()
    for name, loss in (("discriminator", game.critic_loss), ("generator", game.generator_loss)):
        turn = Turn(name, loss)
        moving: dict[str, Player] = {name: players[name]}
        pieces[:] = [fixed]
        whole, _ = gradients_of(turn, moving, batch, at(8), micro_batch=None)
        pieces[:] = list(fixed.split(8))
        parts, _ = gradients_of(turn, moving, batch, at(8), micro_batch=8)
        assert pieces == []
        for one, other in zip(whole[name], parts[name], strict=True):
            torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def test_statistics_over_all_shards_are_the_generators(make: Make) -> None:
    game = small(make, statistics="all")
    assert game.joint_statistics
    kinds = {type(m) for m in game.modules() if isinstance(m, _BatchNorm)}
    assert kinds == {JointBatchNorm2d}
    assert not small(make).joint_statistics


def test_a_latent_has_twenty_numbers_for_each_slot_unless_told(make: Make) -> None:
    with torch.device("meta"):
        sizes = [
            make(system="biggan", resolution=size, classes=3).latent_fields[0].shape
            for size in (32, 64, 128, 256, 512)
        ]
    assert sizes == [(80,), (100,), (120,), (140,), (160,)]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"attention": [12]}, r"blocks end at 4, 8, 16.*attention=\[16\]"),
        ({"decay_from": 1.0}, "share from 0 to below 1"),
        ({"spectral_eps": 0.0}, "must be above 0 and below 1"),
        ({"generator_batches": 0}, "must be at least 1"),
        ({"objective": "relativistic", "generator_batches": 2}, "generator_batches=1"),
        ({"variant": "deep", "shared": 0}, "shared is 0"),
        ({"shared": -1}, "must be 0 or more"),
        ({"latent_size": 0}, "at least 1, or auto"),
    ],
)
def test_what_cannot_be_is_refused(config_of: Make, settings: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        config_of("tiny", system="biggan", **settings)
