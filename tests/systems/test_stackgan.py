"""StackGAN: what rests rests, what is wrong is wrong, and captions are heard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.nn.functional import softplus

from contract.variants import CAPTIONS as DATA
from contract.variants import STACKED, VECTORS, FakeData
from progan.core.batch import Captioned
from progan.core.errors import ConfigError
from progan.core.plan import Plan, Progress
from progan.core.specs import DataSpec
from progan.engine.loop import Trainer

Make = Callable[..., Any]


def small(make: Make, **settings: Any) -> Any:
    return make(system="stackgan", data=DATA, **{**STACKED, **settings})


def trainer(system: Any, lengths: tuple[int, int, int]) -> Trainer:
    return Trainer(system, FakeData(DATA, Captioned), plan=system.plan().with_lengths(lengths))


def end_of(system: Any, index: int) -> Progress:
    plan: Plan = system.plan()
    return plan.at(plan.start(index + 1) - 1)


def batch_of(n: int = 4, side: int = 8) -> Captioned:
    return FakeData(DATA, Captioned).batch(range(n), side)


def state(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def moved(module: torch.nn.Module, before: dict[str, torch.Tensor]) -> set[str]:
    return {n for n, value in module.state_dict().items() if not torch.equal(value, before[n])}


def test_the_second_stage_leaves_the_first_bit_for_bit(make: Make) -> None:
    system = small(make)
    run = trainer(system, (8, 8, 16))
    while run.images < 16:
        run.step()
    parts = {
        "first": system.generators["first"],  # weights and running statistics
        "judge": system.discriminators["first"],
        "text": system.text,
        "look": system.look,
    }
    before = {name: state(part) for name, part in parts.items()}
    second = state(system.generators["second"])
    while not run.done:
        run.step()
    assert {name: moved(part, before[name]) for name, part in parts.items()} == {
        "first": set(),
        "judge": set(),
        "text": set(),
        "look": set(),
    }
    assert moved(system.generators["second"], second)


def test_the_second_stage_builds_upon_what_is_shown_of_the_first(make: Make) -> None:
    system = small(make, **{"average.decay": 0.5})
    run = trainer(system, (0, 16, 16))
    while run.images < 16:
        run.step()
    first = system.generators["first"]
    shown = state(run.averages.modules["generators"].first)
    weights = {name for name, _ in first.named_parameters()}
    assert weights <= moved(first, shown)  # averages lag behind what they are of
    while not run.done:
        run.step()
    assert not moved(first, shown) & weights
    assert not moved(run.averages.modules["generators"].first, shown)


def test_fine_tuning_lets_the_first_generator_go_on(make: Make) -> None:
    system = small(make, fine_tune=True)
    run = trainer(system, (0, 4, 8))
    run.step()
    before = state(system.generators["first"])
    while not run.done:
        run.step()
    names = {name for name, _ in system.generators["first"].named_parameters()}
    assert names <= moved(system.generators["first"], before)


def test_the_stages_have_their_players_sides_and_lengths(make: Make) -> None:
    system = small(make, text_images=40, images=80, second_images=120)
    stages = system.plan().stages
    assert [(s.name, s.images, s.resolution) for s in stages] == [
        ("captions", 40, 8),
        ("stage I", 80, 8),
        ("stage II", 120, 32),
    ]
    told = [[turn.player for turn in system.turns(end_of(system, index))] for index in range(3)]
    assert told == [
        ["text"],
        ["discriminator.first", "generator.first"],
        ["discriminator.second", "generator.second"],
    ]
    assert not set(system.generators["first"].condition.parameters()) & set(
        system.generators["second"].condition.parameters()
    )


def test_the_rate_is_halved_after_every_part_of_a_stage(make: Make) -> None:
    system = small(make, images=1200, second_images=600)
    plan = system.plan()
    first = [system.rate(plan.at(plan.start(1) + 100 * part)) for part in range(12)]
    assert first == [0.5**part for part in range(12)]
    second = [system.rate(plan.at(plan.start(2) + 100 * part)) for part in range(6)]
    assert second == [0.5**part for part in range(6)]
    assert system.rate(plan.at(plan.images)) == 0.5**5  # the end is no part of its own


def test_the_second_stage_may_have_a_rate_of_its_own(make: Make) -> None:
    system = small(make, second_rate=0.4, second_halvings=2, second_images=100, images=100)
    plan = system.plan()
    start = plan.start(2)
    assert [system.rate(plan.at(start + n)) for n in (-1, 0, 60)] == [0.5**11, 0.4, 0.2]
    with pytest.raises(ConfigError, match=r"second_rate is 0.*above 0"):
        small(make, second_rate=0.0)


def test_the_discriminator_is_shown_right_wrong_and_drawn_pairs(make: Make) -> None:
    system = small(make)
    judged: list[tuple[torch.Tensor, torch.Tensor]] = []

    def judge(image: torch.Tensor, phi: torch.Tensor) -> torch.Tensor:
        judged.append((image, phi))
        return image.mean((1, 2, 3)) + phi.sum(1)

    system.critic = lambda at: judge
    batch = batch_of()
    torch.manual_seed(0)
    terms = system.critic_loss(batch, end_of(system, 1))
    (right, phi), (wrong, _), (fake, _) = judged
    assert torch.equal(right, batch.image)
    assert all(torch.equal(other, phi) for _, other in judged)
    sources = [[bool((w == x).all()) for x in batch.image].index(True) for w in wrong]
    assert all(batch.kind[a] != batch.kind[b] for a, b in enumerate(sources))
    on = [image.mean((1, 2, 3)) + phi.sum(1) for image in (right, wrong, fake)]
    torch.testing.assert_close(terms["real"], softplus(-on[0]).mean())
    torch.testing.assert_close(terms["wrong"], softplus(on[1]).mean() / 2)
    torch.testing.assert_close(terms["fake"], softplus(on[2]).mean() / 2)


@pytest.mark.parametrize(("how", "share"), [("sum", 1.0), ("mean", 1 / 4)])
def test_the_divergence_is_summed_or_averaged_as_asked(make: Make, how: str, share: float) -> None:
    system = small(make, kl=how, kl_weight=3.0, noise="normal")
    with torch.no_grad():
        both = system.generators["first"].condition.both
        both.weight.zero_()
        both.bias.copy_(torch.tensor([2.0] * 4 + [0.0] * 4))  # μ = 2, σ = 1: ½ · 4 each of 4
    terms = system.generator_loss(batch_of(), end_of(system, 1))
    torch.testing.assert_close(terms["condition"].item(), 3.0 * 4 * 2.0 * share)


def test_the_vectors_of_a_pictures_captions_are_averaged(make: Make) -> None:
    batch = batch_of()
    one, two = small(make, averaged_captions=1), small(make, averaged_captions=4)
    two.load_state_dict(one.state_dict())
    first, second = (one.text(batch.caption[:, place]) for place in (0, 1))
    torch.testing.assert_close(one.vectors(batch.caption), first)
    torch.testing.assert_close(two.vectors(batch.caption), (first + second) / 2)


def test_a_text_of_the_data_draws_the_picture_of_its_number(make: Make) -> None:
    system = small(make).eval()
    latents = dict(system.draw(3))
    latents["caption"] = torch.tensor([1, 1, 1])
    by_number = system.generate(latents, end_of(system, 2))
    weights = torch.tensor([[0.0, 1.0, 0.0]]).expand(3, -1)
    by_weights = system.generate({**latents, "caption": weights}, end_of(system, 2))
    said = system.phrased([DATA.caption_texts[1]] * 3)
    by_text = system.generate({**latents, "caption": said}, end_of(system, 2))
    torch.testing.assert_close(by_number, by_text)
    torch.testing.assert_close(by_number, by_weights)
    other = system.phrased(["nothing of the kind"] * 3)
    assert not torch.equal(
        system.generate({**latents, "caption": other}, end_of(system, 2)), by_text
    )


def test_noise_around_captions_is_cut_where_it_is_drawn_too(make: Make) -> None:
    drawn = small(make).draw(2_000)
    assert float(drawn["first noise"].abs().max()) <= 2 < float(drawn["z"].abs().max())
    drawn = small(make, noise="normal").draw(2_000)
    assert float(drawn["second noise"].abs().max()) > 2


def test_examples_are_never_as_many_as_a_vector_has_numbers(make: Make) -> None:
    data = replace(DATA, caption_texts=tuple(f"text {n}" for n in range(STACKED["features"])))
    system = make(system="stackgan", data=data, **STACKED)
    assert system.latent_fields[-1].choices == STACKED["features"] - 1


def test_pictures_of_each_stage_come_at_its_side(make: Make) -> None:
    system = small(make).eval()
    for index, side in ((0, 8), (1, 8), (2, 32)):
        at = end_of(system, index)
        assert system.generate(system.draw(2), at).shape == (2, 3, side, side)
        panels = system.preview(batch_of(2, side), at)
        assert {panel.shape for panel in panels.values()} == {(2, 3, side, side)}
        assert system.score(batch_of(2, side), at).shape == (2,)


def test_captions_learn_to_find_their_pictures(make: Make) -> None:
    system = small(make, text_images=4 * 400, features=16, buckets=512)
    run = trainer(system, (4 * 150, 0, 4))
    losses = [float(sum(run.step().terms.values())) for _ in range(150)]
    assert losses[0] > 1.0
    assert sum(losses[-30:]) / 30 < 0.5 * sum(losses[:10]) / 10


@pytest.mark.parametrize(
    ("data", "settings", "message"),
    [
        (replace(DATA, captions=0), {}, "the pictures have none"),
        (replace(DATA, resolution=16), {}, "--set data.resolution=64"),
        (DATA, {"ratio": 3}, "it must be 2, 4 or 8"),
        (DATA, {"batch": 1}, "at least 2"),
        (DATA, {"code": 0}, "code is 0"),
        (DATA, {"blocks": -1}, "blocks is -1"),
        (DATA, {"temperature": 0.0}, "temperature is 0.0"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(
    make: Make, data: DataSpec, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        make(system="stackgan", data=data, **{**STACKED, **settings})
    assert "\n" not in str(caught.value)


def test_with_vectors_of_the_data_no_network_of_captions_is_trained(make: Make) -> None:
    system = make(system="stackgan", data=VECTORS, **STACKED)
    assert [stage.name for stage in system.plan().stages] == ["stage I", "stage II"]
    assert "text" not in system.players()
    names = [turn.player for turn in system.turns(system.plan().at(0))]
    assert names == ["discriminator.first", "generator.first"]
    assert not [name for name in system.state_dict() if name.startswith(("text.", "look."))]


def test_vectors_of_the_data_are_brought_to_one_length_and_averaged(make: Make) -> None:
    system = make(system="stackgan", data=VECTORS, **STACKED)
    given = torch.tensor([[[3.0, 4, 0, 0, 0], [0, 0, 0, 0, 2]]])
    expected = 5**0.5 * torch.tensor([[0.3, 0.4, 0, 0, 0.5]])  # halves of two of length √5
    torch.testing.assert_close(system.vectors(given), expected)


def test_a_system_reads_texts_it_was_told_and_no_others(make: Make) -> None:
    system = make(system="stackgan", data=VECTORS, **STACKED).eval()
    rows = torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
    system.take_vectors(rows)
    said = system.phrased([VECTORS.caption_texts[2]])
    torch.testing.assert_close(said, 5**0.5 * rows[2:] / rows[2].norm())
    latents = dict(system.draw(2))
    latents["caption"] = torch.tensor([2, 2])
    at = end_of(system, 1)
    by_text = system.generate({**latents, "caption": said.expand(2, -1)}, at)
    torch.testing.assert_close(system.generate(latents, at), by_text)
    with pytest.raises(ConfigError, match="Nothing here reads texts"):
        system.phrased(["nothing of the kind"])


def test_the_own_network_is_an_encoder_with_a_hash_of_its_weights(make: Make) -> None:
    system = small(make)
    encoder = system.encoder
    assert (encoder.name, encoder.width) == ("own", STACKED["features"])
    before = encoder.sha256
    assert torch.equal(encoder.encode(["a", "b"]), system.phrased(["a", "b"]))
    with torch.no_grad():
        system.text.outer.weight[0, 0] += 1
    assert encoder.sha256 != before
