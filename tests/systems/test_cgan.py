"""Conditional GANs: what each form lowers, who learns from what, which labels are drawn."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy, softplus

from progan.core.batch import Labelled
from progan.core.config import system_config
from progan.core.errors import ConfigError
from progan.core.plan import Progress
from progan.core.recipe import Recipe
from progan.core.specs import Adam, DataSpec
from progan.systems.configs.cgan import CGANConfig
from progan.systems.registry import load_system_class

Make = Callable[..., Any]
At = Callable[..., Progress]
FORMS = ("concat", "matching-aware", "two-head", "ac-gan", "projection")
ATTRIBUTES = DataSpec(resolution=1, channels=2, label_kind="multi-label", label_size=3)
NUMBERS = DataSpec(resolution=1, channels=2, label_kind="continuous", label_size=2)


def small(make: Make, condition: str = "concat", preset: str = "dcgan", **settings: Any) -> Any:
    settings = {"width": 4, "latent_size": 6, "condition": condition, **settings}
    return make(preset, system="cgan", resolution=8, channels=1, classes=3, **settings)


def on_points(data: DataSpec, condition: str = "concat", **settings: Any) -> Any:
    recipe = Recipe(system="cgan", preset="toy", set={"condition": condition, **settings})
    torch.manual_seed(0)
    return load_system_class("cgan")(system_config(recipe, CGANConfig), data)


def pictures(n: int = 6) -> Labelled:
    return Labelled(torch.rand(n, 1, 8, 8) * 2 - 1, torch.arange(n) % 3)


def reached(terms: Any, network: torch.nn.Module) -> list[bool]:
    """Of each parameter, whether the terms move it."""
    total = torch.stack(list(terms.values())).sum()
    found = torch.autograd.grad(total, tuple(network.parameters()), allow_unused=True)
    return [gradient is not None and bool(gradient.abs().max() > 0) for gradient in found]


@pytest.mark.parametrize("preset", CGANConfig.PRESETS)
def test_every_preset_plays_both_turns_with_finite_gradients(
    make: Make, at: At, preset: str
) -> None:
    system = make(preset, system="cgan", resolution=8, channels=1, classes=3, width=4)
    players = system.players()
    for turn in system.turns(at(8)):
        total = sum(turn.loss(pictures(), at(8)).values())
        found = torch.autograd.grad(total, players[turn.player].parameters)
        assert all(gradient.isfinite().all() for gradient in found)


@pytest.mark.parametrize("form", FORMS)
def test_the_discriminator_cannot_move_the_generator_but_all_of_itself(
    make: Make, at: At, form: str
) -> None:
    system = small(make, form)
    terms = system.critic_loss(pictures(), at(8))
    assert not any(reached(terms, system.generator))
    assert all(reached(terms, system.discriminator))  # embeddings, heads and classifier too


@pytest.mark.parametrize("form", FORMS)
def test_the_generator_learns_from_its_label(make: Make, at: At, form: str) -> None:
    """All its weights move, and its pictures change with the label alone."""
    system = small(make, form)
    assert all(reached(system.generator_loss(pictures(), at(8)), system.generator))
    z = torch.randn(1, 6)
    system.eval()
    one, other = (
        system.generate({"z": z, "label": torch.tensor([label])}, at(8)) for label in (0, 2)
    )
    assert not torch.equal(one, other)


def test_at_a_discriminator_of_one_half_the_game_is_worth_log_4(make: Make, at: At) -> None:
    """log 2 for reals and for fakes; matching-aware: log 2, and twice half of log 2; two heads and
    the classifier of three pay for labels too: 2 log 2, and 2 log 3."""
    worth = {
        "concat": math.log(4),
        "projection": math.log(4),
        "matching-aware": math.log(4),
        "two-head": 2 * math.log(4),
        "ac-gan": math.log(4) + 2 * math.log(3),
    }
    for form, expected in worth.items():
        system = small(make, form)
        for parameter in system.discriminator.parameters():
            torch.nn.init.zeros_(parameter)
        terms = system.critic_loss(pictures(), at(8))
        assert sum(terms.values()).item() == pytest.approx(expected), form


def test_matching_aware_terms_are_those_of_algorithm_1(
    make: Make, at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = small(make, "matching-aware", latent_prior="normal")
    batch = pictures()
    y = system.rows(batch.label)
    seen: list[torch.Tensor] = []
    verdicts = system.verdicts
    monkeypatch.setattr(system, "verdicts", lambda x, y: (seen.append(verdicts(x, y)), seen[-1])[1])
    terms = system.critic_loss(batch, at(8))
    real, fake, wrong = (scores[:, 0] for scores in seen)
    assert terms["real"].item() == pytest.approx(softplus(-real).mean().item())
    assert terms["fake"].item() == pytest.approx(softplus(fake).mean().item() / 2)
    assert terms["wrong"].item() == pytest.approx(softplus(wrong).mean().item() / 2)
    assert y.shape == (6, 3)


def test_two_heads_play_one_game_each(make: Make, at: At) -> None:
    """The generator's terms: −log R and −λ log M, of its own fakes and labels."""
    system = small(make, "two-head", label_weight=0.5)
    assert system.critic_loss(pictures(), at(8)).keys() == {"real", "fake", "right", "wrong"}
    verdicts = torch.tensor([[2.0, -1.0], [0.0, 3.0]])
    terms = system.generator_game(torch.eye(3)[:2], None, verdicts)
    r, m = softplus(-verdicts).mean(dim=0).tolist()
    assert terms["adversarial"].item() == pytest.approx(r)
    assert terms["match"].item() == pytest.approx(0.5 * m)
    more = small(make, "two-head", match_on_fake=True).critic_loss(pictures(), at(8))
    assert "fake match" in more


def test_ac_gan_pays_both_players_for_the_class(make: Make, at: At) -> None:
    """λ times the cross-entropy of reals and fakes; the score is of the picture alone."""
    system = small(make, "ac-gan", label_weight=2.0)
    verdicts = torch.tensor([[0.3, 1.0, 0.0, -1.0], [0.1, 0.0, 2.0, 0.0]])
    y = torch.eye(3)[[0, 2]]
    expected = 2 * cross_entropy(verdicts[:, 1:], torch.tensor([0, 2])).item()
    assert system.generator_game(y, None, verdicts)["label"].item() == pytest.approx(expected)
    terms = system.critic_game(pictures(2).image, y, verdicts, verdicts)
    assert terms["label_real"].item() == terms["label_fake"].item() == pytest.approx(expected)
    image = pictures().image
    assert torch.equal(system.judge(image, torch.eye(3)[[0] * 6]), system.for_any(image))


def test_perfect_class_logits_cost_nothing(make: Make) -> None:
    system = small(make, "ac-gan")
    verdicts = torch.cat([torch.zeros(3, 1), 60 * torch.eye(3)], dim=1)
    terms = system.generator_game(torch.eye(3), None, verdicts)
    assert terms["label"].item() == pytest.approx(0.0, abs=1e-6)


def test_without_label_vectors_projection_is_the_plain_discriminator_to_the_bit(
    make: Make,
) -> None:
    for network in ("dcgan", "mlp", "toy"):
        system = small(make, "projection", network=network)
        system.eval()
        critic = system.discriminator
        torch.nn.init.zeros_(critic.embedding.weight)
        plain = make("dcgan", system="gan", resolution=8, channels=1, width=4, network=network)
        row = plain.discriminator.body
        state = {**critic.trunk.state_dict()}
        last = (
            len(row)
            - 1
            - next(i for i, layer in enumerate(reversed(row)) if hasattr(layer, "weight"))
        )
        state |= {f"{last}.{name}": value for name, value in critic.verdict.state_dict().items()}
        row.load_state_dict(state)
        plain.eval()
        image, y = pictures().image, system.rows(pictures().label)
        assert torch.equal(system.judge(image, y), plain.judge(image)), network


def test_projection_adds_the_inner_product_with_the_summed_features(make: Make) -> None:
    system = small(make, "projection").eval()
    critic, image = system.discriminator, pictures().image
    y = system.rows(pictures().label)
    features = critic.trunk(image)
    assert features.ndim == 4
    vectors = critic.embedding.weight.T[pictures().label]  # a column for each class
    inner = (vectors * features.sum((2, 3))).sum(1)
    expected = critic.verdict(features).flatten() + inner
    torch.testing.assert_close(system.judge(image, y), expected)


def test_spectral_norm_holds_every_layer_and_the_label_vectors(make: Make, at: At) -> None:
    system = make("projection", system="cgan", resolution=8, channels=1, classes=3, width=4)
    for _ in range(60):
        system.critic_loss(pictures(), at(8))
    weights = [system.discriminator.embedding.weight, system.discriminator.verdict.weight]
    for weight in weights:
        largest = torch.linalg.matrix_norm(weight.detach().flatten(1), ord=2)
        assert largest.item() == pytest.approx(1.0, abs=0.02)
    assert sum(name.rpartition(".")[2] == "u" for name, _ in system.named_buffers()) == 3


# labels


def test_wrong_labels_are_never_a_pictures_own(make: Make) -> None:
    system = small(make, "matching-aware")
    y = system.rows(torch.arange(3000) % 3)
    other, found = system.other_labels(y)
    assert found.all()
    assert not (other * y).any()
    counts = other.sum(dim=0) / 3000
    torch.testing.assert_close(counts, torch.full((3,), 1 / 3), rtol=0, atol=0.04)  # 5 sigma


def test_wrong_labels_come_as_often_as_the_data_have_them() -> None:
    """Class 0 aside, shares of ½ and ¼ are 2 : 1."""
    data = DataSpec(resolution=1, channels=2, classes=3, label_shares=(0.25, 0.5, 0.25))
    system = on_points(data, "matching-aware")
    other, _ = system.other_labels(system.rows(torch.zeros(3000, dtype=torch.int64)))
    assert (other[:, 1].mean() - 2 / 3).abs() < 0.05


def test_wrong_vectors_are_other_rows_that_differ() -> None:
    system = on_points(ATTRIBUTES, "matching-aware")
    y = torch.tensor([[0.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
    for _ in range(20):
        other, found = system.other_labels(y)
        assert found.all()
        assert (other != y).any(dim=1).all()
    _, found = system.other_labels(y[[0, 2]])  # all the same
    assert not found.any()
    batch = Labelled(torch.randn(2, 2, 1, 1), y[[0, 2]])
    assert system.critic_loss(batch, system.plan().at(0))["wrong"].item() == 0.0


def test_the_generators_turn_draws_new_labels_as_the_data_have_them(
    make: Make, at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch of class 0 alone does not keep the generator from the others."""
    data = DataSpec(resolution=1, channels=2, classes=3, label_shares=(0.25, 0.5, 0.25))
    system = on_points(data)
    asked: list[torch.Tensor] = []
    forward = system.generator.forward
    monkeypatch.setattr(
        system.generator, "forward", lambda z, y: (asked.append(y), forward(z, y))[1]
    )
    batch = Labelled(torch.randn(4000, 2, 1, 1), torch.zeros(4000, dtype=torch.int64))
    system.critic_loss(batch, system.plan().at(0))
    assert asked[0][:, 0].all()  # fakes beside reals carry their labels
    system.generator_loss(batch, system.plan().at(0))
    torch.testing.assert_close(
        asked[1].mean(dim=0), torch.tensor([0.25, 0.5, 0.25]), rtol=0, atol=0.04
    )
    torch.manual_seed(3)
    first = system.new_labels(asked[0])
    torch.manual_seed(3)
    assert torch.equal(first, system.new_labels(asked[0]))  # nothing is remembered


def test_a_relative_objective_compares_pictures_of_the_same_label(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = DataSpec(resolution=1, channels=2, classes=3)
    system = on_points(data, "projection", objective="relativistic")
    asked: list[torch.Tensor] = []
    verdicts = system.verdicts
    monkeypatch.setattr(system, "verdicts", lambda x, y: (asked.append(y), verdicts(x, y))[1])
    system.generator_loss(
        Labelled(torch.randn(9, 2, 1, 1), torch.arange(9) % 3), system.plan().at(0)
    )
    assert torch.equal(asked[0], asked[1])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("data", [ATTRIBUTES, NUMBERS], ids=["multi-label", "continuous"])
def test_labels_may_be_vectors_in_every_form(form: str, data: DataSpec) -> None:
    system = on_points(data, form)
    label = torch.rand(8, data.label_size).round() if data is ATTRIBUTES else torch.rand(8, 2)
    batch, at = Labelled(torch.randn(8, 2, 1, 1), label), system.plan().at(0)
    for loss in (system.critic_loss, system.generator_loss):
        assert sum(loss(batch, at).values()).isfinite()
    drawn = system.draw(500)["label"]
    assert drawn.shape == (500, data.label_size)
    if data is ATTRIBUTES:
        assert set(drawn.flatten().tolist()) == {0.0, 1.0}
    assert system.score(batch, at).shape == (8,)


def test_a_mixture_of_classes_is_a_label_too(make: Make, at: At) -> None:
    system = small(make).eval()
    z = torch.randn(1, 6)
    half = torch.tensor([[0.5, 0.5, 0.0]])
    mixed = system.generate({"z": z, "label": half}, at(8))
    pure = system.generate({"z": z, "label": torch.tensor([0])}, at(8))
    assert mixed.shape == pure.shape
    assert not torch.equal(mixed, pure)


def test_a_score_without_label_is_what_all_labels_say_together(make: Make) -> None:
    """log Σ p(y) exp a(x, y) where a is a logit, the mean of a for a hinge."""
    image = pictures().image
    for objective in ("non-saturating", "hinge"):
        system = small(make, "projection", objective=objective).eval()
        each = torch.stack([system.judge(image, torch.eye(3)[[k] * 6]) for k in range(3)], dim=1)
        mean = each.exp().mean(1).log() if objective == "non-saturating" else each.mean(1)
        torch.testing.assert_close(system.judge(image), mean)


# settings


def test_presets_have_their_papers_numbers() -> None:
    def preset(name: str) -> Any:
        return system_config(Recipe(system="cgan", preset=name), CGANConfig)

    projection = preset("projection")
    assert (projection.objective, projection.critic_steps) == ("hinge", 5)
    assert projection.optimizer == Adam(lr=2e-4, betas=(0.0, 0.9))
    assert projection.spectral_norm
    assert projection.generator_norm == "conditional-batch"
    ac_gan = preset("ac-gan")
    assert (ac_gan.latent_size, ac_gan.batch, ac_gan.dropout) == (110, 100, 0.5)


def test_dropout_stands_behind_every_rectifier_of_the_discriminator(make: Make) -> None:
    critic = small(make, "ac-gan", dropout=0.25).discriminator
    rectifiers = sum(isinstance(m, torch.nn.LeakyReLU) for m in critic.modules())
    dropped = [m.p for m in critic.modules() if isinstance(m, torch.nn.Dropout)]
    assert rectifiers > 0
    assert dropped == [0.25] * rectifiers
    image = pictures().image
    assert not torch.equal(critic(image), critic(image))
    critic.eval()
    assert torch.equal(critic(image), critic(image))


def test_dense_networks_have_the_papers_sizes(make: Make) -> None:
    system = make("mlp", system="cgan", resolution=32, channels=1, classes=10)
    shapes = {tuple(p.shape) for p in system.generator.parameters() if p.ndim == 2}
    assert shapes == {(200, 100), (1000, 10), (1200, 1200), (1024, 1200)}
    shapes = {tuple(p.shape) for p in system.discriminator.parameters() if p.ndim == 2}
    assert shapes == {(1200, 1024), (250, 10), (960, 290), (1, 240)}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"label_weight": -1.0}, "label_weight is -1.0"),
        ({"condition": "matching-aware", "objective": "relativistic"}, "two kinds of fakes"),
        ({"network": "toy", "generator_norm": "conditional-batch"}, "only dcgan has"),
        ({"match_on_fake": True}, "no second head"),
        ({"condition": "ac-gan", "dropout": 1.0}, "from 0 to below 1"),
        ({"condition": "concat", "dropout": 0.5}, "not concatenated"),
        ({"condition": "ac-gan", "dropout": 0.5, "network": "mlp"}, "network mlp"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as error:
        CGANConfig(**settings)
    assert "--set" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("classes", [0, 1])
def test_data_without_labels_are_refused(make: Make, classes: int) -> None:
    with pytest.raises(ConfigError, match=f"have {classes} classes.*--system gan"):
        make("dcgan", system="cgan", resolution=8, classes=classes)
