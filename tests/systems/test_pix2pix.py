"""pix2pix: a translator and a discriminator of pairs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.nn.functional import l1_loss, softplus

from contract.variants import DOMAINS, PAIRS, FakeData
from progan.core.batch import Paired
from progan.core.errors import ConfigError
from progan.core.plan import Progress
from progan.core.system import Direction, Translates
from progan.engine.loop import Trainer

Make = Callable[..., Any]
At = Callable[..., Progress]
PLAIN = {"generator": "resnet", "norm": "instance", "dropout": False, "jitter": 1.0}


def small(make: Make, **settings: Any) -> Any:
    return make(system="pix2pix", data=DOMAINS, **{**PAIRS, **settings})


def pair() -> Paired:
    a, b = torch.rand(2, 3, 3, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1
    return Paired(a, b)


def test_both_players_lower_the_papers_sums(make: Make, at: At) -> None:
    system, x = small(make, **PLAIN, distance=50.0, adversarial=2.0), pair()
    fake = system.generator(x.a)
    real_score = system.discriminator(torch.cat([x.a, x.b], dim=1))
    fake_score = system.discriminator(torch.cat([x.a, fake], dim=1))
    terms = system.generator_loss(x, at(16))
    assert terms.keys() == {"adversarial", "distance"}
    torch.testing.assert_close(terms["adversarial"], 2 * softplus(-fake_score).mean())
    torch.testing.assert_close(terms["distance"], 50 * l1_loss(fake, x.b))
    terms = system.discriminator_loss(x, at(16))
    torch.testing.assert_close(terms["real"], softplus(-real_score).mean() / 2)
    torch.testing.assert_close(terms["fake"], softplus(fake_score).mean() / 2)


def test_least_squares_in_their_place(make: Make, at: At) -> None:
    system, x = small(make, **PLAIN, objective="least-squares"), pair()
    score = system.discriminator(torch.cat([x.a, system.generator(x.a)], dim=1))
    term = system.generator_loss(x, at(16))["adversarial"]
    torch.testing.assert_close(term, (score - 1).square().mean())


def test_without_the_game_the_discriminator_never_moves(make: Make) -> None:
    system = small(make, **PLAIN, adversarial=0.0)
    before = [p.detach().clone() for p in system.discriminator.parameters()]
    plan = system.plan().with_lengths([8])
    playing = Trainer(system, FakeData(DOMAINS, Paired), plan=plan)
    while not playing.done:
        assert not any(name.startswith("discriminator") for name in playing.step().terms)
    after = system.discriminator.parameters()
    assert all(torch.equal(*both) for both in zip(before, after, strict=True))


def test_pairs_are_cut_at_one_place(make: Make) -> None:
    system = small(make, jitter=1.25)
    torch.manual_seed(0)
    x = pair()
    first, second = system.seen(Paired(x.a, x.a))
    assert torch.equal(first, second)
    assert not torch.equal(first, x.a)


def test_the_other_direction_is_a_setting(make: Make, at: At) -> None:
    data = replace(DOMAINS, second_channels=1)
    x = Paired(torch.rand(2, 3, 16, 16), torch.rand(2, 1, 16, 16))
    there = make(system="pix2pix", data=data, **PAIRS)
    back = make(system="pix2pix", data=data, **PAIRS, swapped=True)
    assert there.directions == (Direction("ab", "a", "b"),)
    assert back.directions == (Direction("ba", "b", "a"),)
    assert isinstance(back, Translates)
    assert there.translate(x.a, "ab", at(16)).shape == (2, 1, 16, 16)
    assert back.translate(x.b, "ba", at(16)).shape == (2, 3, 16, 16)
    assert list(back.preview(x, at(16))) == ["b", "b to a", "a"]
    assert back.generator_loss(x, at(16))["distance"] > 0


def test_the_paper_keeps_dropout_and_each_pictures_own_statistics(make: Make, at: At) -> None:
    data = replace(DOMAINS, resolution=64)
    settings = {**PAIRS, "width": 2}
    x = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1

    def twice(**more: Any) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Of the same system: all pictures, again, and the first by itself."""
        system = make(system="pix2pix", data=data, **settings, **more)
        system.generator_loss(Paired(x, x), at(64))  # moves the running statistics
        found = []
        for some in (x, x, x[:1]):
            torch.manual_seed(len(found))
            with torch.no_grad():
                found.append(system.translate(some, "ab", at(64)))
        return found[0], found[1], found[2]

    first, again, _ = twice()
    assert not torch.equal(first, again)
    first, again, alone = twice(test_dropout=False)
    assert torch.equal(first, again)
    torch.testing.assert_close(first[:1], alone)  # neighbours in a batch say nothing
    running, _, _ = twice(test_dropout=False, test_statistics="running")
    assert not torch.allclose(first, running, atol=1e-3)


def test_translating_changes_nothing(make: Make, at: At) -> None:
    system = small(make)
    before = {name: value.clone() for name, value in system.state_dict().items()}
    system.translate(pair().a, "ab", at(16))
    assert system.generator.training
    assert all(torch.equal(value, before[name]) for name, value in system.state_dict().items())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"width": 0}, "width is 0"),
        ({"distance": -1.0}, "distance is -1.0"),
        ({"distance": 0.0, "adversarial": 0.0}, "nothing to learn"),
        ({"jitter": 3.0}, "jitter is 3.0"),
        ({"decay_from": -0.1}, "decay_from is -0.1"),
        ({"gain": 0.0}, "gain is 0.0"),
        ({"levels": 5}, "levels is 5"),
        ({"critic_layers": 4}, "critic_layers is 4, which needs pictures of 48"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    make: Make, settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        small(make, **settings)


def test_data_without_pairs_are_refused(make: Make) -> None:
    with pytest.raises(ConfigError, match=r"pix2pix needs pairs of pictures"):
        make(system="pix2pix", **PAIRS)
