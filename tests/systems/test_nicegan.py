"""NICE-GAN: what each player lowers, and that encoders learn in the discriminators' turn alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from contract.variants import COLOUR, DOMAINS, SHARING, FakeData
from progan.core.batch import Unpaired
from progan.core.errors import ConfigError
from progan.core.plan import Progress
from progan.core.system import Translates
from progan.engine import loop
from progan.engine.loop import Trainer

Make = Callable[..., Any]
At = Callable[..., Progress]

DATA = replace(DOMAINS, resolution=32)


def small(make: Make, **settings: Any) -> Any:
    """A system whose attention is at work."""
    data = settings.pop("data", DATA)
    system = make(system="nicegan", data=data, **{**SHARING, "jitter": 1.0, **settings})
    for encoder in system.encoders.values():
        nn.init.constant_(encoder.strength, 0.5)
    return system


def pictures() -> Unpaired:
    a, b = torch.rand(2, 4, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1
    return Unpaired(a, b)


def trainer(system: Any, steps: int = 2) -> Trainer:
    plan = system.plan().with_lengths([steps * system.config.batch])
    return Trainer(system, FakeData(DATA, Unpaired), plan=plan)


def state(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def changed(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> set[str]:
    return {name for name, value in one.items() if not torch.equal(value, other[name])}


def turns_of(playing: Trainer, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, set[str]]]:
    """Who played each turn of a run, and which tensors it changed."""
    found = []
    play = loop.play

    def watched(system: Any, turn: Any, *rest: Any, **options: Any) -> Any:
        before = state(system)
        result = play(system, turn, *rest, **options)
        found.append((turn.player, changed(before, state(system))))
        return result

    monkeypatch.setattr(loop, "play", watched)
    while not playing.done:
        playing.step()
    return found


def test_the_generators_turn_changes_no_bit_of_encoders_and_heads(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parameters, and the vectors of spectral norms; and theirs no bit of the generators."""
    system = small(make)
    vectors = {  # of a single output the vector is always ±1
        name for name, u in system.named_buffers() if name.endswith(".u") and u.numel() > 1
    }
    turns = turns_of(trainer(system), monkeypatch)
    assert [player for player, _ in turns] == 2 * ["discriminators", "generators"]
    for player, moved in turns:
        if player == "generators":
            assert {name.partition(".")[0] for name in moved} == {"generators"}
        else:
            assert {name.partition(".")[0] for name in moved} == {"encoders", "heads"}
            assert vectors
            assert vectors <= moved


def test_coupled_encoders_learn_in_both_turns_and_heads_in_one(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for player, moved in turns_of(trainer(small(make, coupled=True)), monkeypatch):
        ours = {"generators", "encoders"} if player == "generators" else {"encoders", "heads"}
        assert {name.partition(".")[0] for name in moved} == ours
        for domain in "ab":
            assert f"encoders.{domain}.body.0.parametrizations.weight.original" in moved


def test_slopes_reach_generators_through_the_encoder_of_what_they_drew(make: Make, at: At) -> None:
    """With the cycle alone, a's decoder learns from b's way back: through E_a, which stands."""
    system, x = small(make, adversarial=0.0, reconstruction=0.0).eval(), pictures()
    terms = system.generator_loss(x, at(32))
    weight = system.generators["b"].last.weight
    (slope,) = torch.autograd.grad(terms["cycle a"], weight, retain_graph=True)
    assert slope.abs().sum() > 0
    back = system.generators["a"](system.encoders["b"](system.translate(x.a, "ab", at(32)))[0])
    torch.testing.assert_close(terms["cycle a"], 10 * l1_loss(back, x.a))


def test_discriminators_lower_three_squared_errors_of_each_domain(make: Make, at: At) -> None:
    system, x = small(make, adversarial=0.5).eval(), pictures()
    terms = system.critic_loss(x, at(32))
    fakes = {"a": system.translate(x.b, "ba", at(32)), "b": system.translate(x.a, "ab", at(32))}
    wanted = {}
    for domain, real in (("a", x.a), ("b", x.b)):
        scores = []
        for image in (real, fakes[domain]):
            z, cam = system.encoders[domain](image)
            scores.append((*system.heads[domain](z), cam))
        for name, on_real, on_fake in zip(("local", "global", "cam"), *scores, strict=True):
            error = (on_real - 1).square().mean() + on_fake.square().mean()
            wanted[f"{name} {domain}"] = 0.5 * error
    assert terms.keys() == wanted.keys()
    for name, value in wanted.items():
        torch.testing.assert_close(terms[name], value)


def test_no_slope_reaches_an_encoder_through_fakes_drawn_of_its_features(
    make: Make, at: At
) -> None:
    """b's discriminator judges what was drawn of a, and teaches a's encoder nothing."""
    system = small(make)
    terms = system.critic_loss(pictures(), at(32))
    for judge in "ab":
        loss = torch.stack([value for name, value in terms.items() if name.endswith(judge)]).sum()
        for domain in "ab":
            ours = list(system.encoders[domain].parameters())
            found = torch.autograd.grad(loss, ours, retain_graph=True, allow_unused=True)
            assert [slope is not None for slope in found] == [domain == judge] * len(ours)


def test_generators_lower_three_scores_a_way_back_and_a_reconstruction(make: Make, at: At) -> None:
    system, x = small(make, adversarial=2.0, cycle=5.0, reconstruction=3.0).eval(), pictures()
    terms = system.generator_loss(x, at(32))
    wanted = {}
    for domain, other, image in (("a", "b", x.a), ("b", "a", x.b)):
        fake = system.translate(getattr(x, other), other + domain, at(32))
        z, cam = system.encoders[domain](fake)
        scores = (*system.heads[domain](z), cam)
        for name, score in zip(("local", "global", "cam"), scores, strict=True):
            wanted[f"{name} {domain}"] = 2 * (score - 1).square().mean()
        there = system.translate(image, domain + other, at(32))
        back = system.translate(there, other + domain, at(32))
        wanted[f"cycle {domain}"] = 5 * l1_loss(back, image)
        again = system.generators[domain](system.encoders[domain](image)[0])
        wanted[f"reconstruction {domain}"] = 3 * l1_loss(again, image)
    assert terms.keys() == wanted.keys()
    for name, value in wanted.items():
        torch.testing.assert_close(terms[name], value)


def test_both_players_are_pulled_towards_zero_and_slow_down_in_the_second_half(make: Make) -> None:
    system = small(make)
    plan = system.plan().with_lengths([100])
    for player in system.players().values():
        assert player.optimizer.weight_decay == 1e-4
        assert [player.rate(plan.at(images)) for images in (0, 50, 75, 99)] == pytest.approx(
            [1, 1, 0.5, 0.02]
        )


def test_pictures_are_cut_from_enlarged_ones(make: Make, at: At) -> None:
    system, x = small(make, jitter=1.25), pictures()
    torch.manual_seed(0)
    seen = system.seen(x)
    assert {name: image.shape for name, image in seen.items()} == {
        "a": x.a.shape,
        "b": x.b.shape,
    }
    assert not torch.equal(seen["a"], x.a)
    assert torch.equal(small(make).seen(x)["a"], x.a)


def test_domains_may_differ_in_channels(make: Make, at: At) -> None:
    system = small(make, data=replace(DATA, channels=1))
    assert isinstance(system, Translates)
    grey, colour = torch.randn(2, 1, 32, 48), torch.randn(2, 3, 32, 48)
    assert system.translate(grey, "ab", at(32)).shape == (2, 3, 32, 48)
    assert system.translate(colour, "ba", at(32)).shape == (2, 1, 32, 48)


def test_only_the_full_networks_are_tied_to_their_size(make: Make) -> None:
    assert not small(make).fixed
    assert small(make, light=False).fixed


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"layers": 5}, "layers is 5.*at least 6"),
        ({"global_head": "deep"}, "resolution is 32.*64 px.*or --set layers=6 --set global_head"),
        ({"layers": 7}, "resolution is 32, but with layers=7.*64 px"),
        ({"data": replace(DATA, resolution=64), "layers": 7, "global_head": "deep"}, "need 128 px"),
        ({"data": replace(DATA, resolution=16)}, "data.resolution=32$"),
        ({"data": COLOUR}, "nicegan needs pictures of two domains"),
        ({"width": 3}, "width is 3"),
        ({"decay_from": 1.5}, "decay_from is 1.5"),
        ({"jitter": 0.5}, "jitter is 0.5"),
        ({"cycle": -1.0}, "no weight may be below 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    make: Make, settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        small(make, **settings)


@pytest.mark.parametrize(("head", "side"), [("shallow", 32), ("deep", 64)])
def test_the_smallest_pictures_that_are_taken_can_be_judged(
    make: Make, at: At, head: str, side: int
) -> None:
    for layers in (6, 7):
        least = side << (layers - 6)
        data = replace(DATA, resolution=least)
        system = small(make, data=data, layers=layers, global_head=head)
        x = Unpaired(*torch.randn(2, 1, 3, least, least))
        assert all(term.isfinite() for term in system.critic_loss(x, at(least)).values())
        with pytest.raises(ConfigError):
            small(make, data=replace(data, resolution=least // 2), layers=layers, global_head=head)
