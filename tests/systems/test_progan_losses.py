"""ProGAN's turns: what each term is worth, and who can move."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from progan.core.batch import Images, Labelled
from progan.core.errors import ConfigError
from progan.core.plan import Progress
from progan.core.system import JointTurn
from progan.layers.resample import blend, down, up
from progan.objectives.penalty import gradient_penalty

Make = Callable[..., Any]
At = Callable[..., Progress]
TINY = {"fmap_base": 64, "fmap_max": 16, "latent_size": 8}


def pictures(resolution: int = 16, n: int = 4, seed: int = 1) -> Images:
    generator = torch.Generator().manual_seed(seed)
    return Images(torch.rand(n, 3, resolution, resolution, generator=generator) * 2 - 1)


def labelled(resolution: int = 16) -> Labelled:
    return Labelled(pictures(resolution).image, torch.tensor([0, 2, 1, 2]))


def gradients(terms: Any, module: nn.Module) -> list[Tensor]:
    found = torch.autograd.grad(
        sum(terms.values()), tuple(module.parameters()), allow_unused=True, retain_graph=True
    )
    return [gradient for gradient in found if gradient is not None]


def test_turns_are_the_critics_then_the_generators_on_the_same_batch(make: Make, at: At) -> None:
    critic, generator = make(critic_steps=5, **TINY).turns(at(16))
    assert (critic.player, critic.repeat, critic.draws) == ("critic", 5, True)
    assert (generator.player, generator.repeat, generator.draws) == ("generator", 1, False)


@pytest.mark.parametrize("alpha", [1.0, 0.3])
def test_paper_loss_is_the_formula_of_its_first_page(make: Make, at: At, alpha: float) -> None:
    system, batch, moment = make(stddev_group=0, **TINY), pictures(), at(16, alpha)
    torch.manual_seed(7)
    terms = system.critic_loss(batch, moment)
    torch.manual_seed(7)
    fake = system.fake(batch, moment).detach()
    real = blend(batch.image, alpha)

    def critic(x: Tensor) -> Tensor:
        return system.critic(x, 16, alpha)[:, 0]

    torch.testing.assert_close(terms["real"], -critic(real).mean())
    torch.testing.assert_close(terms["fake"], critic(fake).mean())
    torch.testing.assert_close(terms["drift"], 0.001 * critic(real).square().mean())
    penalty = 10 * gradient_penalty(critic, real, fake)
    torch.testing.assert_close(terms["penalty"], penalty)
    assert set(terms) == {"real", "fake", "drift", "penalty"}


def test_one_pass_over_reals_and_fakes_equals_a_pass_over_each(make: Make) -> None:
    critic = make(stddev_group=2, **TINY).critic
    real, fake = pictures().image, pictures(seed=2).image
    together = critic(torch.cat([real, fake]), 16, 0.5, parts=2)
    apart = torch.cat([critic(real, 16, 0.5), critic(fake, 16, 0.5)])
    torch.testing.assert_close(together, apart)


def test_generator_lowers_minus_the_score_of_new_fakes(make: Make, at: At) -> None:
    system, batch = make(**TINY), pictures()
    torch.manual_seed(3)
    terms = system.generator_loss(batch, at(16))
    torch.manual_seed(3)
    expected = -system.critic(system.fake(batch, at(16)), 16)[:, 0].mean()
    torch.testing.assert_close(terms["adversarial"], expected)


def test_critic_cannot_move_the_generator_and_the_generator_needs_the_critic(
    make: Make, at: At
) -> None:
    system, batch = make(**TINY), pictures()
    assert not gradients(system.critic_loss(batch, at(16)), system.generator)
    assert gradients(system.generator_loss(batch, at(16)), system.generator)


# the penalty


@pytest.mark.parametrize(("resolution", "k"), [(16, 0), (8, 1), (4, 2)])
def test_full_norm_is_what_the_original_takes_on_enlarged_pictures(
    make: Make, at: At, resolution: int, k: int
) -> None:
    system = make(stddev_group=0, **TINY)
    real, fake = pictures(resolution).image, pictures(resolution, seed=2).image
    assert system.scale(at(resolution)) == 2.0**-k

    def critic(x: Tensor) -> Tensor:
        return system.critic(x, resolution)[:, 0]

    factor = 2**k
    torch.manual_seed(5)
    native = gradient_penalty(critic, real, fake, 1.0, system.scale(at(resolution)))
    torch.manual_seed(5)
    full = gradient_penalty(lambda x: critic(down(x, factor)), up(real, factor), up(fake, factor))
    torch.testing.assert_close(native, full)
    assert make(penalty={"norm": "native"}, **TINY).scale(at(resolution)) == 1.0


def test_target_750_divides_the_weight_by_its_square(make: Make, at: At) -> None:
    """The slope of a fresh critic is nothing beside 750: the penalty is about 10 · 1."""
    terms = make("cifar10", **TINY).joint_losses(pictures(), at(16))["critic"]
    assert terms["penalty"].item() == pytest.approx(10.0, rel=0.05)


@pytest.mark.parametrize("kind", ["gp", "r1"])
def test_lazy_penalty_comes_every_16_steps_at_16_times_the_weight(
    make: Make, at: At, kind: str
) -> None:
    lazy = make(penalty={"kind": kind, "every": 16}, **TINY)
    always = make(penalty={"kind": kind}, **TINY)
    batch = pictures()
    assert "penalty" not in lazy.critic_loss(batch, at(16, step=1))
    torch.manual_seed(0)
    due = lazy.critic_loss(batch, at(16, step=32))
    torch.manual_seed(0)
    usual = always.critic_loss(batch, at(16, step=32))
    torch.testing.assert_close(due["penalty"], 16 * usual["penalty"])


def test_r1_on_the_scoring_pass_equals_r1_on_a_pass_of_its_own(make: Make, at: At) -> None:
    system = make(
        objective="non-saturating", penalty={"kind": "r1", "norm": "native"}, drift=0.0, **TINY
    )
    batch = pictures()
    torch.manual_seed(0)
    terms = system.critic_loss(batch, at(16, 0.5))
    real = blend(batch.image, 0.5).requires_grad_()
    score = system.critic(real, 16, 0.5)[:, 0]
    (slope,) = torch.autograd.grad(score.sum(), real, create_graph=True)
    torch.testing.assert_close(terms["penalty"], 10 / 2 * slope.square().sum((1, 2, 3)).mean())
    expected = torch.nn.functional.softplus(-score).mean()
    torch.testing.assert_close(terms["real"], expected)
    assert not batch.image.requires_grad


def test_penalty_of_none_leaves_no_term(make: Make, at: At) -> None:
    terms = make(penalty={"kind": "none"}, drift=0.0, **TINY).critic_loss(pictures(), at(16))
    assert set(terms) == {"real", "fake"}


@pytest.mark.parametrize("kind", ["gp", "r1"])
@pytest.mark.parametrize("group", ["all", 4, 1])
@pytest.mark.parametrize("n", [1, 4])
def test_gradients_are_finite_also_when_all_pictures_are_alike(
    make: Make, at: At, kind: str, group: Any, n: int
) -> None:
    system = make(penalty={"kind": kind}, stddev_group=group, **TINY)
    batch = Images(torch.full((n, 3, 16, 16), 0.25))
    found = gradients(system.critic_loss(batch, at(16, 0.5)), system.critic)
    assert found
    assert all(gradient.isfinite().all() for gradient in found)


@pytest.mark.parametrize("kind", ["gp", "r1"])
def test_the_quick_way_over_gray_pictures_has_the_same_second_derivatives(
    make: Make, at: At, kind: str
) -> None:
    system = make(channels=1, penalty={"kind": kind}, **TINY)
    batch = Images(pictures().image[:, :1])
    found = []
    for quick in (True, False):
        system.critic.from_image["16"].conv.outer = quick
        torch.manual_seed(0)
        found.append(gradients(system.critic_loss(batch, at(16)), system.critic))
    torch.testing.assert_close(*found, atol=1e-5, rtol=1e-4)


# both at once, labels, noise


def test_simultaneous_players_share_one_evaluation(make: Make, at: At) -> None:
    system = make("cifar10", **TINY)
    (turn,) = system.turns(at(16))
    assert isinstance(turn, JointTurn)
    assert turn.players == ("critic", "generator")
    losses = turn.losses(pictures(), at(16))
    torch.testing.assert_close(losses["generator"]["adversarial"], -losses["critic"]["fake"])
    for player in turn.players:
        found = gradients(losses[player], system.get_submodule(player))
        assert all(gradient.isfinite().all() for gradient in found)


def test_labels_are_used_where_a_condition_asks_for_them_and_ignored_without(make: Make) -> None:
    system = make(classes=3, **TINY)
    assert system.batch_type is Labelled
    assert [field.name for field in system.latent_fields] == ["z", "label"]
    assert system.latent_fields[1].choices == 3
    ignoring = make(classes=3, condition="none", **TINY)
    assert ignoring.batch_type is Images
    assert len(ignoring.latent_fields) == 1


def test_an_undecided_critic_pays_log_k_for_labels_of_reals_and_fakes(make: Make, at: At) -> None:
    system = make(classes=3, label_weight=2.0, **TINY)
    nn.init.zeros_(system.critic.verdict.score.weight)
    critic = system.critic_loss(labelled(), at(16))
    generator = system.generator_loss(labelled(), at(16))
    for term in (critic["label_real"], critic["label_fake"], generator["label"]):
        assert term.item() == pytest.approx(2.0 * math.log(3))


@pytest.mark.parametrize("condition", ["projection", "concat"])
def test_a_score_of_pairs_depends_on_the_label_and_every_turn_plays(
    make: Make, at: At, condition: str
) -> None:
    system = make(classes=3, condition=condition, preset="cpu", **TINY)
    batch, moment = labelled(), at(16)
    others = Labelled(batch.image, (batch.label + 1) % 3)
    assert (system.score(batch, moment) - system.score(others, moment)).abs().max() > 1e-4
    assert system.judge(batch.image, moment, y=system.rows(batch)).shape == (len(batch), 1)
    for player, terms in (
        ("critic", system.critic_loss(batch, moment)),
        ("generator", system.generator_loss(batch, moment)),
    ):
        assert not any("label" in name for name in terms)
        found = gradients(terms, system.get_submodule(player))
        assert all(gradient.isfinite().all() for gradient in found)


def test_a_projection_of_nothing_leaves_the_score_of_the_picture_alone(make: Make, at: At) -> None:
    system = make(classes=3, condition="projection", **TINY)
    nn.init.zeros_(system.critic.verdict.embedding.weight)
    plain = make(classes=3, condition="none", **TINY)
    plain.critic.load_state_dict(system.critic.state_dict(), strict=False)
    batch = labelled()
    assert torch.equal(system.score(batch, at(16)), plain.score(Images(batch.image), at(16)))


def test_a_projections_score_moves_by_the_inner_product_of_features_and_label(
    make: Make, at: At
) -> None:
    """V is 1/√8 times its weight, for the last features are 8."""
    system = make(classes=3, condition="projection", **TINY)
    verdict, image = system.critic.verdict, labelled().image
    features = verdict.features(system.critic.trunk(image, 16, 1.0), 1)
    weight = verdict.embedding.weight
    first, second = (
        system.critic(image, 16, 1.0, 1, torch.eye(3)[k].expand(len(image), 3)) for k in (0, 2)
    )
    expected = features @ (weight[0] - weight[2]) / math.sqrt(features.shape[1])
    torch.testing.assert_close((first - second).squeeze(1), expected)


def test_labels_that_are_vectors_are_told_number_by_number(make: Make, at: At) -> None:
    """An undecided critic pays log 2 for each of two attributes that are on or off."""
    from progan.core.specs import DataSpec

    data = DataSpec(resolution=16, channels=3, label_kind="multi-label", label_size=2)
    system = make(data=data, condition="ac-gan", **TINY)
    nn.init.zeros_(system.critic.verdict.score.weight)
    batch = Labelled(labelled().image, torch.tensor([[0.0, 1.0]]).expand(4, 2))
    terms = system.critic_loss(batch, at(16))
    assert terms["label_real"].item() == pytest.approx(2 * math.log(2))
    assert system.draw(3)["label"].shape == (3, 2)


def test_a_condition_without_labels_is_refused(make: Make) -> None:
    with pytest.raises(ConfigError, match="condition is projection, which needs labels"):
        make(condition="projection", **TINY)


def test_generator_draws_the_class_it_is_asked_for_in_the_critics_words(make: Make, at: At) -> None:
    system = make(classes=3, **TINY)
    latents = system.draw(5)
    assert latents["label"].shape == (5,)
    same = {**latents, "label": torch.zeros(5, dtype=torch.long)}
    other = {**latents, "label": torch.ones(5, dtype=torch.long)}
    assert system.critic(system.generate(same, at(8)), 8).shape == (5, 4)
    assert (system.generate(same, at(8)) - system.generate(other, at(8))).abs().max() > 1e-3


def test_noise_grows_with_the_critics_lead_and_is_saved(make: Make, at: At) -> None:
    system = make(objective="reversed-least-squares", noise=0.2, penalty={"kind": "none"}, **TINY)
    assert not system.higher_is_real
    nn.init.zeros_(system.critic.verdict.score.weight)
    nn.init.ones_(system.critic.verdict.score.bias)  # every score is 1
    system.critic_loss(pictures(), at(16))
    assert system.state_dict()["critic.meter.lead"].item() == pytest.approx(0.1)
    assert system.critic.meter.level().item() == 0.0
    system.critic.meter.lead.fill_(1.0)
    nn.init.normal_(system.critic.verdict.score.weight)
    image = pictures().image
    assert (system.critic(image, 16) - system.critic(image, 16)).abs().max() > 1e-4
    system.eval()
    assert torch.equal(system.critic(image, 16), system.critic(image, 16))


def test_minibatch_discrimination_is_measured_on_reals_once(make: Make, at: At) -> None:
    system = make("table1-e*", **TINY)
    layer = system.critic.verdict.discrimination
    assert layer.bias.shape == (100,)
    assert layer.direction.shape == (16, 100, 5)
    system.begin_stage(pictures(), at(16))
    assert bool(layer.calibrated)
    assert layer.bias.any()


# what others ask for


def test_bfloat16_turns_agree_with_float32_and_keep_scores_in_float32(make: Make, at: At) -> None:
    system = make(fused=True, **TINY)
    batch = pictures()
    for loss, module in (
        (system.critic_loss, system.critic),
        (system.generator_loss, system.generator),
    ):
        torch.manual_seed(0)
        exact = loss(batch, at(16, 0.5))
        slopes = torch.cat([g.flatten() for g in gradients(exact, module)])
        torch.manual_seed(0)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rough = loss(batch, at(16, 0.5))
        rough_slopes = torch.cat([g.flatten() for g in gradients(rough, module)])
        for name, term in rough.items():
            assert term.dtype == torch.float32
            assert term.item() == pytest.approx(exact[name].item(), rel=0.1, abs=0.02)
        assert torch.cosine_similarity(slopes, rough_slopes, dim=0).item() > 0.97


def test_preview_shows_reals_as_the_critic_sees_them_beside_fakes(make: Make, at: At) -> None:
    system = make(**TINY)
    panels = system.preview(pictures(8), at(8, 0.5))
    torch.testing.assert_close(panels["real"], blend(pictures(8).image, 0.5))
    assert panels["samples"].shape == (4, 3, 8, 8)
    assert panels["samples"].abs().max() <= 1
    assert not panels["samples"].requires_grad


def test_score_is_the_critics_first_output(make: Make, at: At) -> None:
    system = make(classes=3, **TINY)
    score = system.score(labelled(), at(16))
    torch.testing.assert_close(score, system.critic(labelled().image, 16)[:, 0])


def test_latents_can_be_optimised_through_generate(make: Make, at: At) -> None:
    system = make(**TINY)
    z = torch.randn(1, 8, requires_grad=True)
    image = system.generate({"z": z}, at(16))
    image.square().mean().backward()
    assert z.grad is not None
    assert z.grad.abs().max() > 0
    assert image.dtype == torch.float32
