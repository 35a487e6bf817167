"""Ensembles: members apart, kept, or sharing layers; and the mixture they make."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from progan.assemble.models.stored import used_names
from progan.core.batch import Images
from progan.core.errors import ConfigError
from progan.core.plan import Progress
from progan.engine.loop import Trainer
from progan.engine.preview import draw_seeds
from progan.networks.shared import by_member
from progan.systems.configs.ensemble import EnsembleConfig
from ring import CENTRES, Ring, modes_of

Make = Callable[..., Any]
At = Callable[..., Progress]

KINDS = ("independent", "snapshot", "shared")
TOY = {"batch": 8, "images": 8 * 12}


def toy(make: Make, kind: str = "independent", **settings: Any) -> Any:
    presets = {"independent": "toy", "snapshot": "snapshot-toy", "shared": "mgan-toy"}
    shape = {"resolution": 1, "channels": 2}
    return make(presets[kind], system="ensemble", **shape, **{**TOY, **settings})


def small(make: Make, kind: str, **settings: Any) -> Any:
    """On pictures, with batch norm."""
    settings = {"width": 4, "members": 3, "latent_size": 8, **settings}
    return make(system="ensemble", resolution=8, channels=1, kind=kind, **settings)


class Draws(nn.Module):
    """A generator that has collapsed: one point, whatever the latent."""

    def __init__(self, point: Tensor) -> None:
        super().__init__()
        self.point = nn.Parameter(point[:, None, None].clone())

    def forward(self, z: Tensor) -> Tensor:
        return self.point.expand(len(z), -1, -1, -1)


def collapsed(make: Make, **settings: Any) -> Any:
    """Member k draws nothing but the centre of mode k."""
    system = toy(make, members=8, **settings)
    for member, centre in zip(system.members, CENTRES, strict=True):
        member.generator = Draws(centre)
    return system


# One member


@pytest.mark.parametrize("kind", ["independent", "snapshot"])
def test_an_ensemble_of_one_trains_to_the_bits_of_the_plain_game(make: Make, kind: str) -> None:
    """Same first weights, same latents in every turn: all weights and averages end the same."""
    plain = make("toy", system="gan", resolution=1, channels=2, **TOY)
    one = toy(make, kind, members=1)
    ends = []
    for system in (plain, one):
        trainer = Trainer(system, Ring())
        while not trainer.done:
            trainer.step()
        ends.append(trainer)
    found = {
        name.replace("members.0.", ""): value
        for name, value in ends[1].state().tensors.items()
        if name.startswith(("system/", "average/")) and not name.endswith("filled")
    }
    expected = {
        name: value
        for name, value in ends[0].state().tensors.items()
        if name.startswith(("system/", "average/"))
    }
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert one.latent_fields[1].choices == 1


@pytest.mark.parametrize("kind", KINDS)
def test_one_member_draws_the_bits_of_the_plain_generator(make: Make, at: At, kind: str) -> None:
    plain = make("dcgan", system="gan", resolution=8, channels=1, width=4, latent_size=8).eval()
    one = small(make, kind, members=1).eval()
    assert len(one.state_dict()) >= len(plain.state_dict())
    latents = one.draw(7)
    expected = plain.generate({"z": latents["z"]}, at(8))
    assert torch.equal(one.generate(latents, at(8)), expected)


# The mixture


def test_each_row_goes_through_its_own_network_and_no_other() -> None:
    seen: dict[int, list[float]] = {0: [], 1: [], 2: []}

    def network(k: int) -> Callable[[Tensor], Tensor]:
        def through(x: Tensor) -> Tensor:
            seen[k] += x.flatten().tolist()
            return 10 * x + k

        return through

    x = torch.arange(5.0)[:, None]
    member = torch.tensor([2, 0, 2, 2, 0])  # nobody is 1
    made = by_member([network(k) for k in range(3)], x, member)
    assert made.flatten().tolist() == [2, 10, 22, 32, 40]
    assert seen == {0: [1, 4], 1: [], 2: [0, 2, 3]}


@pytest.mark.filterwarnings("ignore:.*torch.jit.trace:DeprecationWarning")
def test_what_is_traced_goes_through_other_networks_than_it_was_traced_with() -> None:
    class Routed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.networks = nn.ModuleList(nn.Linear(2, 3) for _ in range(3))

        def forward(self, x: Tensor, member: Tensor) -> Tensor:
            return by_member(list(self.networks), x, member)

    routed, x = Routed(), torch.randn(4, 2)
    traced = torch.jit.trace(routed, (x, torch.tensor([0, 1, 2, 0])))
    for other in (torch.tensor([2, 2, 1, 2]), torch.tensor([1, 1, 1, 1])):
        torch.testing.assert_close(traced(x, other), routed(x, other))


def test_collapsed_members_cover_the_modes_together(make: Make, at: At) -> None:
    system = collapsed(make)
    latents = system.draw(2000)
    for k in range(8):
        alone = {**latents, "member": torch.full((2000,), k)}
        assert modes_of(system.generate(alone, at(1))) == {k}
    assert modes_of(system.generate(latents, at(1))) == set(range(8))


def test_a_mixture_covers_what_its_members_cover_on_the_same_samples(make: Make, at: At) -> None:
    system = collapsed(make, mixture=[1, 1, 0, 1, 0, 0, 1, 1])
    latents = system.draw(500)
    made = system.generate(latents, at(1))
    together = modes_of(made, share=1e-9)
    apart = [
        modes_of(made[latents["member"] == k], share=1e-9)
        for k in range(8)
        if bool((latents["member"] == k).any())
    ]
    assert together == set().union(*apart) == {0, 1, 3, 6, 7}


@pytest.mark.parametrize("mixture", [None, [4.0, 2.0, 1.0, 1.0]])
def test_members_are_drawn_as_often_as_the_mixture_says(
    make: Make, mixture: list[float] | None
) -> None:
    """Pearson's χ² with 3 degrees of freedom exceeds 16.27 once in a thousand."""
    system = toy(make, members=4, mixture=mixture)
    torch.manual_seed(0)
    found = torch.bincount(system.draw(8000)["member"], minlength=4)
    weights = torch.tensor(mixture or [1.0] * 4)
    expected = 8000 * weights / weights.sum()
    assert ((found - expected).square() / expected).sum() < 16.27


def test_seeds_go_round_equal_members_and_are_drawn_from_unequal_ones(make: Make) -> None:
    assert draw_seeds(toy(make, members=3), range(6))["member"].tolist() == [0, 1, 2, 0, 1, 2]
    uneven = draw_seeds(toy(make, members=3, mixture=[0, 1, 0]), range(6))
    assert uneven["member"].tolist() == [1] * 6


# Independent members


def test_members_begin_apart_and_are_given_latents_of_their_own(make: Make, at: At) -> None:
    system = toy(make, members=3)
    first = [next(member.parameters()) for member in system.members]
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(first[1], first[2])
    trainer = Trainer(system, Ring())
    drawn: list[Tensor] = []
    for member in system.members:
        member.generator.register_forward_pre_hook(lambda _, given: drawn.append(given[0].clone()))
    trainer.step()
    assert len(drawn) == 6  # of each member: for its discriminator's turn, and for its own
    assert all(not torch.equal(a, b) for i, a in enumerate(drawn) for b in drawn[:i])


def test_every_member_has_its_own_players_average_and_reals(make: Make, at: At) -> None:
    system = toy(make, members=2, critic_steps=3)
    names = ["discriminator.0", "generator.0", "discriminator.1", "generator.1"]
    assert list(system.players()) == names
    assert system.averaged == ("members.0.generator", "members.1.generator")
    turns = system.turns(at(1))
    assert [(t.player, t.repeat, t.draws) for t in turns] == [
        (name, 3 if name.startswith("d") else 1, name.startswith("d")) for name in names
    ]
    trainer = Trainer(system, Ring())
    trainer.step()
    assert trainer.images == 2 * 3 * 8


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_holds_generators_and_no_discriminator(make: Make, kind: str) -> None:
    names = used_names(toy(make, kind, members=2))
    assert names
    assert [name for name in names if "discriminator" in name] == []
    averaged = {name for name, (average, _) in names.items() if average}
    assert averaged == {name for name in names if "slots" not in name and name != "filled"}


# Snapshots


def test_a_slot_is_the_generator_at_the_end_of_its_stage_and_stays_so(make: Make, at: At) -> None:
    system = small(make, "snapshot", batch=4, images=3 * 12)
    trainer = Trainer(system, Colours())
    kept: list[dict[str, Tensor]] = []
    while not trainer.done:
        before = {name: v.clone() for name, v in system.generator.state_dict().items()}
        if trainer.step().entered and trainer.images > 4:
            kept.append(before)
        for slot, state in zip(system.slots, kept, strict=False):
            now = slot.state_dict()
            assert now.keys() == state.keys()
            assert all(torch.equal(now[name], state[name]) for name in state)
        assert system.filled == len(kept)
    assert len(kept) == 2
    last = system.generator.state_dict()
    assert not all(torch.equal(last[name], kept[1][name]) for name in last)


class Colours:
    """Grey pictures, by number."""

    def batch(self, numbers: range, resolution: int) -> Images:
        grey = torch.tensor([math.sin(number) for number in numbers])
        return Images(grey.view(-1, 1, 1, 1).expand(-1, 1, resolution, resolution))


@pytest.mark.parametrize("mixture", [None, [0.0, 1.0, 1.0]])
def test_only_members_that_are_there_draw(make: Make, at: At, mixture: list[float] | None) -> None:
    system = small(make, "snapshot", mixture=mixture).eval()
    latents = {"z": system.draw(3)["z"], "member": torch.arange(3)}
    alone = system.generator(latents["z"])
    assert system.draw(50)["member"].unique().tolist() == [0]
    torch.testing.assert_close(system.generate(latents, at(8)), alone)  # all by the one there is
    with torch.no_grad():
        for parameter in system.slots[0].parameters():
            parameter.zero_()
    system.filled.fill_(1)
    made = system.generate(latents, at(8))
    assert [bool(picture.any()) for picture in made] == [False, True, False]  # 0, 1, 2 → 0
    assert system.draw(50)["member"].unique().tolist() == ([1] if mixture else [0, 1])


def test_the_plan_has_a_stage_for_each_member(make: Make) -> None:
    stages = toy(make, "snapshot", members=3, images=100).plan().stages
    assert [stage.images for stage in stages] == [33, 33, 34]
    assert len(toy(make, members=3).plan().stages) == 1


def test_batch_norm_of_a_slot_never_looks_at_a_batch(make: Make) -> None:
    system = small(make, "snapshot").train()
    assert system.generator.training
    assert not any(module.training for slot in system.slots for module in slot.modules())


# Shared layers


def test_generators_share_all_but_the_first_layer(make: Make) -> None:
    system = small(make, "shared", members=3)
    generator, plain = system.generator, small(make, "independent", members=1).members[0].generator
    whole = sum(p.numel() for p in plain.parameters())
    first = sum(p.numel() for p in generator.heads[0].parameters())
    assert first == 8 * 4 * 16 + 4 + 4  # a transposed convolution of 4 × 4 from 8 to 4, and a norm
    assert sum(p.numel() for p in generator.parameters()) == whole + 2 * first
    critic = system.discriminator
    assert critic.classifier.weight.shape == (3, *critic.verdict.weight.shape[1:])
    assert set(system.players()) == {"discriminator", "generator"}


def test_all_generators_are_given_the_same_latents_in_equal_parts(make: Make) -> None:
    system = toy(make, "shared", members=4)
    given: list[tuple[Tensor, Tensor]] = []
    system.generator.register_forward_pre_hook(lambda _, inputs: given.append(inputs))
    fake, member = system.fakes(20)
    assert member.tolist() == [k for k in range(4) for _ in range(5)]
    z = given[0][0].view(4, 5, 2)
    assert all(torch.equal(z[0], z[k]) for k in range(4))
    assert len(fake) == 20


def test_parts_that_do_not_divide_the_batch_are_right_on_average(make: Make) -> None:
    """7 · (2, 1, 1) / 4 is 3.5, 1.75, 1.75; each count is one of its two neighbours."""
    system = toy(make, "shared", members=3, mixture=[2, 1, 1])
    torch.manual_seed(0)
    counts = torch.stack(
        [torch.bincount(system.fakes(7)[1], minlength=3) for _ in range(200)]
    ).double()
    assert torch.equal(counts.sum(1), torch.full((200,), 7.0).double())
    assert (counts - torch.tensor([3.5, 1.75, 1.75])).abs().max() < 1
    # A count is off by at most ½ (standard deviation): 4 standard errors of 200 are 0.14.
    torch.testing.assert_close(
        counts.mean(0), torch.tensor([3.5, 1.75, 1.75]).double(), atol=0.14, rtol=0
    )


def test_a_part_of_a_batch_that_is_too_small_for_all_still_reaches_all(make: Make, at: At) -> None:
    """One fake: three of four generators draw nothing, and have a slope of 0."""
    system = toy(make, "shared", members=4)
    torch.manual_seed(0)
    drawing = system.fakes(1)[1].item()
    torch.manual_seed(0)
    total = torch.stack(list(system.generator_loss(Ring().batch(range(1), 1), at(1)).values()))
    for k, head in enumerate(system.generator.heads):
        slopes = torch.autograd.grad(total.sum(), tuple(head.parameters()), retain_graph=True)
        assert any(bool(slope.any()) for slope in slopes) == (k == drawing)


def test_both_players_lower_the_error_of_telling_generators_apart(make: Make, at: At) -> None:
    """A classifier that knows nothing pays log K; β of that is the generators' share."""
    system = toy(make, "shared", members=4, diversity=0.25)
    nn.init.zeros_(system.discriminator.classifier.weight)
    nn.init.zeros_(system.discriminator.classifier.bias)
    batch = Ring().batch(range(8), 1)
    moment = at(1, batch=8)
    assert system.critic_loss(batch, moment)["member"].item() == pytest.approx(math.log(4))
    terms = system.generator_loss(batch, moment)
    assert terms["member"].item() == pytest.approx(0.25 * math.log(4))
    assert terms["adversarial"] > 0


def test_generators_move_to_where_the_classifier_knows_them(make: Make, at: At) -> None:
    """A step against the gradient of their term makes the classifier surer."""
    system = toy(make, "shared", members=4, diversity=1.0)
    batch = Ring().batch(range(64), 1)
    torch.manual_seed(0)
    before = system.generator_loss(batch, at(1))["member"]
    weights = tuple(system.generator.parameters())
    found = torch.autograd.grad(before, weights, allow_unused=True)
    with torch.no_grad():
        for weight, slope in zip(weights, found, strict=True):
            if slope is not None:
                weight.sub_(slope, alpha=0.1)
    torch.manual_seed(0)
    assert system.generator_loss(batch, at(1))["member"] < before


@pytest.mark.parametrize("settings", [{"objective": "relativistic"}, {"penalty.kind": "gp"}])
def test_shared_games_take_any_objective_and_penalty(
    make: Make, at: At, settings: dict[str, Any]
) -> None:
    system = toy(make, "shared", members=3, **settings)
    result = Trainer(system, Ring()).step()
    assert result.finite
    assert ("discriminator/penalty" in result.terms) == ("penalty.kind" in settings)


# Settings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"members": 0}, "members is 0"),
        ({"diversity": -1.0}, "diversity"),
        ({"members": 2, "mixture": (1.0,)}, r"needs 2 weights.*mixture=\[1, 1\]"),
        ({"members": 2, "mixture": (1.0, -1.0)}, "none below 0"),
        ({"members": 2, "mixture": (0.0, 0.0)}, "not all 0"),
        ({"kind": "snapshot", "images": 3}, "fewer than the 5 members"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        EnsembleConfig(**settings)


# Learning


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_shared_generators_divide_the_ring_among_them(make: Make) -> None:
    """A classifier tells them apart in nine cases of ten; none holds more than three modes."""
    shape = {"resolution": 1, "channels": 2}
    system = make("mgan-toy", system="ensemble", **shape, images=256 * 1500)
    trainer = Trainer(system, Ring())
    while not trainer.done:
        trainer.step()
    torch.manual_seed(0)
    with torch.no_grad(), trainer.averages.swapped_in():
        fake, member = system.fakes(4000)
        right = system.verdicts(fake)[:, 1:].argmax(1) == member
        latents = system.draw(4000)
        made = system.generate(latents, trainer.at)
    assert right.double().mean() > 0.9
    assert max(len(modes_of(made[latents["member"] == k])) for k in range(8)) <= 3
    assert len(modes_of(made)) >= 7
