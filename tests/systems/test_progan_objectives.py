"""ProGAN plays every objective by name, under every penalty and under clipping."""

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
from progan.engine.loop import Trainer
from progan.objectives.record import total
from progan.objectives.table import OBJECTIVES

Make = Callable[..., Any]
At = Callable[..., Progress]
TINY = {"fmap_base": 32, "fmap_max": 8, "latent_size": 4}
NUMBERED = ("least-squares=-1,1,0", "ebgan=0.5", "fgan:weighted-js=0.3", "fgan:alpha=2")


def pictures(n: int = 4, resolution: int = 8) -> Images:
    generator = torch.Generator().manual_seed(1)
    return Images(torch.rand(n, 3, resolution, resolution, generator=generator) * 2 - 1)


class Data:
    """The same pictures whatever the number."""

    def batch(self, numbers: range, resolution: int) -> Images:
        return pictures(len(numbers), resolution)


def gradients(loss: Tensor, module: nn.Module) -> list[Tensor]:
    found = torch.autograd.grad(
        loss, list(module.parameters()), allow_unused=True, retain_graph=True
    )
    return [gradient for gradient in found if gradient is not None]


@pytest.mark.parametrize("name", [*OBJECTIVES, *NUMBERED])
def test_every_objective_moves_both_players_by_finite_gradients(
    name: str, make: Make, at: At
) -> None:
    system = make(objective=name, resolution=8, **TINY)
    moment, batch = at(8, 0.5), pictures()
    critic = system.critic_loss(batch, moment)
    assert {"drift", "penalty"} < set(critic)
    generator = system.generator_loss(batch, moment)
    assert set(generator) == {"adversarial"}
    for terms, module in ((critic, system.critic), (generator, system.generator)):
        found = gradients(total(terms), module)
        assert len(found) > 4
        assert all(gradient.isfinite().all() for gradient in found)
        assert max(gradient.abs().max().item() for gradient in found) > 0


@pytest.mark.parametrize("name", ["relativistic", "relativistic-average:hinge", "fgan:kl", "ebgan"])
@pytest.mark.parametrize("simultaneous", [False, True])
def test_a_step_of_training_moves_every_weight_that_is_in_use(
    name: str, simultaneous: bool, make: Make
) -> None:
    settings = {"first_resolution": 8, "ramp_up_images": 0, "batch": {4: 4}, **TINY}
    system = make(objective=name, resolution=8, simultaneous=simultaneous, **settings)
    before = {key: value.clone() for key, value in system.named_parameters()}
    Trainer(system, Data()).step()
    moved = {key for key, value in system.named_parameters() if not torch.equal(value, before[key])}
    assert any(key.startswith("critic.") for key in moved)
    assert any(key.startswith("generator.") for key in moved)


def test_a_relativistic_generator_compares_its_fakes_with_the_reals_of_the_batch(
    make: Make, at: At
) -> None:
    """softplus(s(x) − s(G(z))) of each pair: the critic's formula with the sides exchanged."""
    system = make(objective="relativistic", resolution=8, **TINY)
    torch.manual_seed(3)
    terms = system.generator_loss(pictures(), at(8))
    torch.manual_seed(3)
    fake = system.critic(system.fake(pictures(), at(8)), 8)[:, 0]
    real = system.critic(pictures().image, 8)[:, 0]
    expected = torch.nn.functional.softplus(real - fake).mean()
    torch.testing.assert_close(terms["adversarial"], expected)


def test_reals_are_judged_in_the_generators_turn_only_where_they_are_compared(
    make: Make, at: At
) -> None:
    for name, passes in (("relativistic", 2), ("non-saturating", 1)):
        system = make(objective=name, resolution=8, **TINY)
        seen: list[int] = []
        system.critic.register_forward_pre_hook(lambda _, given, seen=seen: seen.append(1))
        system.generator_loss(pictures(), at(8))
        assert len(seen) == passes


def test_players_who_move_at_once_share_the_verdicts_they_compare(make: Make, at: At) -> None:
    """Of leads d the critic pays softplus(−d), the generator softplus(d): they differ by E[d]."""
    settings = {"simultaneous": True, "penalty": {"kind": "none"}, **TINY}
    system = make(objective="relativistic", resolution=8, **settings)
    torch.manual_seed(3)
    losses = system.joint_losses(pictures(), at(8))
    torch.manual_seed(3)
    real = system.critic(pictures().image, 8)[:, 0]
    lead = real - system.critic(system.fake(pictures(), at(8)), 8)[:, 0]
    found = losses["generator"]["adversarial"] - losses["critic"]["real over fake"]
    torch.testing.assert_close(found, lead.mean())


def test_rpgan_with_r1_and_r2_is_the_game_of_its_paper(make: Make, at: At) -> None:
    """softplus(s(G(z)) − s(x)) + γ/2 (E‖∇s(x)‖² + E‖∇s(G(z))‖²)."""
    penalty = {"kind": "r1+r2", "weight": 0.2, "norm": "native"}
    system = make(objective="relativistic", resolution=8, drift=0.0, penalty=penalty, **TINY)
    torch.manual_seed(3)
    terms = system.critic_loss(pictures(), at(8))
    torch.manual_seed(3)
    real = pictures().image.requires_grad_()
    fake = system.fake(pictures(), at(8)).detach().requires_grad_()
    on_real, on_fake = (system.critic(side, 8)[:, 0] for side in (real, fake))
    slopes = [
        torch.autograd.grad(score.sum(), side, retain_graph=True)[0]
        for score, side in ((on_real, real), (on_fake, fake))
    ]
    expected = 0.1 * sum(slope.square().sum((1, 2, 3)).mean() for slope in slopes)
    torch.testing.assert_close(terms["penalty"], expected)
    lead = torch.nn.functional.softplus(on_fake - on_real).mean()
    torch.testing.assert_close(terms["real over fake"], lead)


@pytest.mark.parametrize(("side", "expected"), [("two", 2.5), ("one", 0.0), ("one-linear", 0.0)])
def test_one_sided_penalties_let_a_gentle_critic_be(
    side: str, expected: float, make: Make, at: At
) -> None:
    """A critic made flat: (0 − 1)² of weight 2.5, or nothing."""
    penalty = {"side": side, "weight": 2.5}
    system = make(resolution=8, penalty=penalty, **TINY)
    nn.init.zeros_(system.critic.verdict.score.weight)
    terms = system.critic_loss(pictures(), at(8))
    assert terms["penalty"].item() == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["gp", "dragan", "r1", "r2", "r1+r2"])
def test_every_penalty_teaches_the_critic_and_spares_the_generator(
    kind: str, make: Make, at: At
) -> None:
    system = make(resolution=8, penalty={"kind": kind}, **TINY)
    terms = system.critic_loss(pictures(), at(8, 0.5))
    assert not gradients(terms["penalty"], system.generator)
    found = gradients(terms["penalty"], system.critic)
    assert found
    assert all(gradient.isfinite().all() for gradient in found)


@pytest.mark.parametrize("equalized", [True, False])
def test_clipping_holds_the_weights_as_they_are_multiplied_with(
    equalized: bool, make: Make
) -> None:
    settings = {"first_resolution": 8, "ramp_up_images": 0, "batch": {4: 4}, **TINY}
    system = make(
        clip=0.01, equalized=equalized, resolution=8, penalty={"kind": "none"}, **settings
    )
    trainer = Trainer(system, Data())
    for _ in range(2):
        trainer.step()
        largest = 0.0
        for module in system.critic.modules():
            for name, parameter in module.named_parameters(recurse=False):
                factor = getattr(module, "scale", 1.0) if name == "weight" else 1.0
                largest = max(largest, factor * parameter.abs().max().item())
        assert largest == pytest.approx(0.01, rel=1e-5)
    assert max(p.abs().max().item() for p in system.generator.parameters()) > 0.1


def test_without_clip_the_critic_is_left_alone(make: Make) -> None:
    players = make(resolution=8, **TINY).players()
    assert players["critic"].after_step is None
    assert make(resolution=8, clip=0.1, **TINY).players()["critic"].after_step is not None


@pytest.mark.parametrize("kind", ["r2", "r1+r2"])
def test_a_slope_at_fakes_is_refused_where_both_move_at_once(kind: str, config_of: Make) -> None:
    with pytest.raises(ConfigError, match=r"set simultaneous=false, or penalty\.kind=r1"):
        config_of(simultaneous=True, penalty={"kind": kind})


@pytest.mark.parametrize("clip", [-0.01, math.inf])
def test_a_box_of_no_size_is_refused(clip: float, config_of: Make) -> None:
    with pytest.raises(ConfigError, match="clip is "):
        config_of(clip=clip)


def test_perfect_class_logits_cost_nothing(make: Make, at: At) -> None:
    """Defect 9 of docs/corrected-formulas.md: through a softmax they would cost 0.551."""
    system = make(objective="hinge", classes=3, resolution=8, penalty={"kind": "none"}, **TINY)
    label = torch.tensor([0, 2, 1, 2])
    logits = torch.cat([torch.zeros(4, 1), 40.0 * torch.eye(3)[label]], dim=1)
    system.judge = lambda image, at, parts=1, y=None: logits.repeat(parts, 1)
    terms = system.critic_loss(Labelled(pictures().image, label), at(8))
    assert terms["label_real"].item() == pytest.approx(0.0, abs=1e-6)
    assert terms["label_fake"].item() == pytest.approx(0.0, abs=1e-6)
