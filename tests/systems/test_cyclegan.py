"""CycleGAN: two translators that undo each other, two critics, and their pools."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.nn.functional import l1_loss

from contract.variants import DOMAINS, TRANSLATORS, FakeData
from progan.core.batch import Unpaired
from progan.core.errors import ConfigError
from progan.core.plan import Progress
from progan.core.system import Translates
from progan.engine.loop import Trainer
from progan.systems.rates import linear_decay

Make = Callable[..., Any]
At = Callable[..., Progress]


def small(make: Make, **settings: Any) -> Any:
    return make(system="cyclegan", data=DOMAINS, **{**TRANSLATORS, "jitter": 1.0, **settings})


def pictures() -> Unpaired:
    a, b = torch.rand(2, 3, 3, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1
    return Unpaired(a, b)


def trainer(system: Any, steps: int = 3) -> Trainer:
    plan = system.plan().with_lengths([steps * system.config.batch])
    return Trainer(system, FakeData(DOMAINS, Unpaired), plan=plan)


def state(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(value, other[name]) for name, value in one.items())


def test_translators_lower_the_papers_sum(make: Make, at: At) -> None:
    system, x = small(make, cycle=7.0, identity=0.25), pictures()
    terms = system.translator_loss(x, at(16))
    g_ab, g_ba = system.translators["ab"], system.translators["ba"]
    d_a, d_b = system.critics["a"], system.critics["b"]
    wanted = {
        "adversarial ab": (d_b(g_ab(x.a)) - 1).square().mean(),
        "adversarial ba": (d_a(g_ba(x.b)) - 1).square().mean(),
        "cycle a": 7 * l1_loss(g_ba(g_ab(x.a)), x.a),
        "cycle b": 7 * l1_loss(g_ab(g_ba(x.b)), x.b),
        "identity a": 7 * 0.25 * l1_loss(g_ba(x.a), x.a),
        "identity b": 7 * 0.25 * l1_loss(g_ab(x.b), x.b),
    }
    assert terms.keys() == wanted.keys()
    for name, value in wanted.items():
        torch.testing.assert_close(terms[name], value, msg=name)


def test_critics_judge_their_own_domain_and_half_as_much(make: Make, at: At) -> None:
    system, x = small(make), pictures()
    terms = system.critic_loss(x, at(16))
    for domain, real, fake in (
        ("a", x.a, system.translators["ba"](x.b)),
        ("b", x.b, system.translators["ab"](x.a)),
    ):
        critic = system.critics[domain]
        torch.testing.assert_close(terms[f"real {domain}"], (critic(real) - 1).square().mean() / 2)
        torch.testing.assert_close(terms[f"fake {domain}"], critic(fake).square().mean() / 2)
    assert len(terms) == 4


def test_terms_of_no_weight_are_left_out(make: Make, at: At) -> None:
    def names(**settings: Any) -> set[str]:
        terms = small(make, **settings).translator_loss(pictures(), at(16))
        return {name.split()[0] for name in terms}

    assert names(cycle=0.0) == {"adversarial"}
    assert names(identity=0.0) == {"adversarial", "cycle"}


def test_critics_see_old_fakes_out_of_their_pools(make: Make, at: At) -> None:
    system, x = small(make, pool=3), pictures()
    system.critic_loss(x, at(16))
    for domain, fake in (
        ("a", system.translators["ba"](x.b)),
        ("b", system.translators["ab"](x.a)),
    ):
        torch.testing.assert_close(system.pools[domain].images, fake)
        system.pools[domain].images.fill_(0.5)
    torch.manual_seed(0)  # of three coins some fall so
    terms = system.critic_loss(x, at(16))
    old = system.critics["b"](torch.full((3, 3, 16, 16), 0.5)).square().mean() / 2
    new = system.critics["b"](system.translators["ab"](x.a)).square().mean() / 2
    assert not torch.allclose(terms["fake b"], new)
    assert (system.pools["b"].images != 0.5).any()
    assert old != new


def test_translators_leave_critics_and_pools_as_they_are_and_critics_translators(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the last bit, buffers too."""
    playing = trainer(small(make, pool=2))
    system: Any = playing.system
    original, seen = playing._play, []

    def watched(turn: Any, *rest: Any) -> Any:
        before = {
            name: state(getattr(system, name)) for name in ("translators", "critics", "pools")
        }
        played = original(turn, *rest)
        changed = {
            name for name, was in before.items() if not same(was, state(getattr(system, name)))
        }
        seen.append((turn.player, changed))
        return played

    monkeypatch.setattr(playing, "_play", watched)
    while not playing.done:
        playing.step()
    assert seen == [("translators", {"translators"}), ("critics", {"critics", "pools"})] * 3


def test_two_shards_share_a_pool_that_the_first_feeds(make: Make) -> None:
    system = small(make, pool=4, batch=4)
    plan = system.plan().with_lengths([4])
    playing = Trainer(system, FakeData(DOMAINS, Unpaired), plan=plan, shards=2)
    playing.step()
    assert int(system.pools["a"].stored) == 2
    filled = system.pools["a"].images.flatten(1).abs().sum(dim=1) > 0
    assert filled.tolist() == [True, True, False, False]


def test_without_a_pool_nothing_is_remembered(make: Make) -> None:
    assert not list(small(make, pool=0).pools.buffers())
    assert small(make).pools["a"].images.shape == (TRANSLATORS["pool"], 3, 16, 16)


def test_both_directions_translate_any_multiple_of_four(make: Make, at: At) -> None:
    system = small(make)
    assert isinstance(system, Translates)
    assert system.multiple == 4
    x = torch.rand(2, 3, 20, 28)
    for direction in ("ab", "ba"):
        assert torch.equal(system.translate(x, direction, at(16)), system.translators[direction](x))
    with pytest.raises(ConfigError, match="multiples of 4"):
        system.translate(x[..., :-1], "ab", at(16))


def test_domains_may_have_other_channels(make: Make, at: At) -> None:
    data = replace(DOMAINS, second_channels=1)
    with pytest.raises(ConfigError, match=r"a have 3 and those of b 1 channels.*identity=0"):
        make(system="cyclegan", data=data, **TRANSLATORS)
    system = make(system="cyclegan", data=data, **{**TRANSLATORS, "identity": 0.0})
    assert system.translate(torch.rand(1, 3, 16, 16), "ab", at(16)).shape == (1, 1, 16, 16)
    assert system.translate(torch.rand(1, 1, 16, 16), "ba", at(16)).shape == (1, 3, 16, 16)


def test_previews_show_both_ways_and_back(make: Make, at: At) -> None:
    system, x = small(make), pictures()
    panels = system.preview(x, at(16))
    assert list(panels) == ["a", "a to b", "a and back", "b", "b to a", "b and back"]
    there = system.translators["ba"](x.b)
    torch.testing.assert_close(panels["b to a"], there)
    torch.testing.assert_close(panels["b and back"], system.translators["ab"](there))


def test_unets_halve_as_far_as_the_side_goes(make: Make) -> None:
    assert small(make, generator="unet").multiple == 16
    assert small(make, generator="unet", levels=3).multiple == 8
    with pytest.raises(ConfigError, match=r"levels is 5, but a U-Net .* 16 pixels .* 2 to 4"):
        small(make, generator="unet", levels=5)


def test_first_weights_have_the_deviation_of_the_gain(make: Make) -> None:
    for gain in (0.02, 0.005):
        system = make(system="cyclegan", data=DOMAINS, **{**TRANSLATORS, "width": 16, "gain": gain})
        weights = torch.cat(
            [p.detach().flatten() for p in system.translators.parameters() if p.dim() > 1]
        )
        assert abs(float(weights.std()) / gain - 1) < 0.02
        assert all(not p.detach().any() for p in system.parameters() if p.dim() == 1)


def test_the_rate_is_constant_and_then_falls_to_nothing(make: Make) -> None:
    plan = small(make).plan().with_lengths([100])
    rate = linear_decay(0.5)
    assert [rate(plan.at(images)) for images in (0, 50, 75, 100)] == [1.0, 1.0, 0.5, 0.0]
    assert 0 < rate(plan.at(99)) < 0.03  # the last step is taken all the same
    assert [linear_decay(1.0)(plan.at(images)) for images in (0, 99, 100)] == [1.0, 1.0, 1.0]
    assert linear_decay(0.0)(plan.at(25)) == 0.75


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"width": 0}, "width is 0; it must be at least 1"),
        ({"cycle": -1.0}, "cycle is -1.0; it must be 0 or more"),
        ({"pool": -1}, "pool is -1"),
        ({"jitter": 0.9}, "jitter is 0.9; it must be from 1"),
        ({"decay_from": 1.5}, "decay_from is 1.5"),
        ({"gain": 0.0}, "gain is 0.0"),
        ({"blocks": -1}, "blocks is -1"),
        ({"critic_layers": 3}, "critic_layers is 3, which needs pictures of 24"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    make: Make, settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        small(make, **settings)


def test_data_of_one_domain_are_refused(make: Make) -> None:
    with pytest.raises(ConfigError, match=r"cyclegan needs pictures of two domains.*trainA"):
        make(system="cyclegan", **TRANSLATORS)
