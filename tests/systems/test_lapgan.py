"""LAPGAN: a game for each level, none of which knows another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn.functional import softplus

from contract.variants import BANDS
from progan.core.batch import Batch, Images, Labelled
from progan.core.errors import ConfigError
from progan.core.plan import Plan, Progress, height_width
from progan.core.system import Samples
from progan.engine.loop import Trainer
from progan.layers.laplacian import coarse, enlarged
from progan.layers.resample import down

Make = Callable[..., Any]
At = Callable[..., Progress]

TINY = {**BANDS, "dropout": 0.0}


def small(make: Make, **settings: Any) -> Any:
    return make(system="lapgan", resolution=16, channels=1, **{**TINY, **settings})


def pictures(n: int = 4, side: int = 16) -> torch.Tensor:
    return torch.rand(n, 1, side, side, generator=torch.Generator().manual_seed(1)) * 2 - 1


class Draws:
    """Pictures that are functions of their number."""

    def batch(self, numbers: range, resolution: Any) -> Batch:
        rows = [torch.rand(1, 16, 16, generator=torch.Generator().manual_seed(n)) for n in numbers]
        return Images(down(torch.stack(rows) * 2 - 1, 16 // height_width(resolution)[0]))


def trainer(system: Any, steps: int = 2) -> Trainer:
    plan = system.plan()
    return Trainer(system, Draws(), plan=plan.with_lengths([4 * steps] * len(plan.stages)))


def weights(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(value, other[name]) for name, value in one.items())


def test_every_other_picture_is_judged_and_bands_are_drawn_to_the_rest(make: Make, at: At) -> None:
    system = small(make)
    x = pictures()
    torch.manual_seed(3)
    terms = system.critic_loss(Images(x), at(16))
    low = coarse(x, "bilinear")
    torch.manual_seed(3)
    noise = 2 * torch.rand(2, 1, 16, 16) - 1
    draw, judge = system.generators["16"], system.discriminators["16"]
    real = judge((x - low)[::2], low[::2])
    fake = judge(draw(noise, low[1::2]), low[1::2])
    assert set(terms) == {"real", "fake"}
    torch.testing.assert_close(terms["real"], softplus(-real).mean())
    torch.testing.assert_close(terms["fake"], softplus(fake).mean())


def test_the_generator_draws_bands_to_all_coarse_pictures(make: Make, at: At) -> None:
    system = small(make)
    x = pictures()
    torch.manual_seed(3)
    (term,) = system.generator_loss(Images(x), at(16)).values()
    torch.manual_seed(3)
    low = coarse(x, "bilinear")
    fake = system.generators["16"](2 * torch.rand(4, 1, 16, 16) - 1, low)
    torch.testing.assert_close(term, softplus(-system.discriminators["16"](fake, low)).mean())


def test_the_coarsest_level_is_a_plain_game(make: Make, at: At) -> None:
    system = small(make)
    x = pictures(side=4)
    torch.manual_seed(3)
    terms = system.critic_loss(Images(x), at(4))
    torch.manual_seed(3)
    fake = system.generators["4"](2 * torch.rand(4, 6) - 1)
    judge = system.discriminators["4"]
    torch.testing.assert_close(terms["real"], softplus(-judge(x)).mean())
    torch.testing.assert_close(terms["fake"], softplus(judge(fake)).mean())


def test_pictures_are_drawn_level_upon_level(make: Make, at: At) -> None:
    system = small(make).eval()
    latents = system.draw(3)
    assert {name: tuple(z.shape[1:]) for name, z in latents.items()} == {
        "z": (6,),
        "z8": (1, 8, 8),
        "z16": (1, 16, 16),
    }
    half, whole = system.generate(latents, at(8)), system.generate(latents, at(16))
    assert half.shape == (3, 1, 8, 8)
    low = enlarged(half, "bilinear")
    assert torch.equal(whole, low + system.generators["16"](latents["z16"], low))


def test_a_level_that_is_over_stays_as_it_is(make: Make) -> None:
    """Weights and averages: an average that went on would end at the last weights."""
    playing = trainer(small(make))
    ends: dict[str, Any] = {}
    while not playing.done:
        playing.step()
        side = str(height_width(playing.plan.stages[playing.entered].resolution)[0])
        average = playing.averages.modules["generators"]
        ends[side] = [
            weights(place[side])  # type: ignore[index]
            for place in (playing.system.generators, playing.system.discriminators, average)
        ]
        for before, kept in ends.items():
            now = [
                weights(place[before])  # type: ignore[index]
                for place in (playing.system.generators, playing.system.discriminators, average)
            ]
            assert all(map(same, kept, now)), f"level {before} moved in level {side}"
    assert list(ends) == ["4", "8", "16"]


def test_levels_know_nothing_of_each_other(make: Make) -> None:
    """Whatever became of the coarser levels, the finest learns the same bits."""
    found = []
    for scale in (1.0, -3.0):
        system = small(make)
        for networks in (system.generators, system.discriminators):
            with torch.no_grad():
                for side in ("4", "8"):
                    for parameter in networks[side].parameters():
                        parameter.mul_(scale)
        playing = trainer(system)
        while not playing.done:
            playing.step()
        found.append([weights(n["16"]) for n in (system.generators, system.discriminators)])
    assert all(map(same, *found))


def test_a_run_of_one_level_trains_that_level_alone(make: Make, at: At) -> None:
    system = small(make, levels=[8])
    assert not isinstance(system, Samples)
    assert set(system.players()) == {"discriminator.8", "generator.8"}
    assert [stage.resolution for stage in system.plan().stages] == [8]
    panels = system.preview(Images(pictures(side=8)), at(8))
    assert set(panels) == {"real", "coarse", "samples"}
    assert isinstance(small(make, levels=[16, 4, 8]), Samples)


def test_previews_show_what_was_taken_away_and_drawn_anew(make: Make, at: At) -> None:
    system = small(make)
    assert set(system.preview(Images(pictures(side=4)), at(4))) == {"real", "samples"}
    panels = system.preview(Images(pictures()), at(16))
    assert set(panels) == {"real", "coarse", "refined", "samples"}
    assert all(panel.shape == (4, 1, 16, 16) for panel in panels.values())
    assert torch.equal(panels["coarse"], coarse(pictures(), "bilinear"))


def test_labels_reach_every_level(make: Make, at: At) -> None:
    system = small(make, labelled=True, classes=3).eval()
    latents = {**system.draw(2), "label": torch.tensor([0, 1])}
    other = {**latents, "label": torch.tensor([2, 2])}
    for side in (4, 8, 16):
        assert not torch.equal(system.generate(latents, at(side)), system.generate(other, at(side)))
        x = pictures(side=side)
        scores = [system.score(Labelled(x, torch.full((4,), label)), at(side)) for label in (0, 1)]
        assert not torch.equal(*scores)


def test_a_score_is_of_the_whole_picture_where_the_two_are_summed(make: Make, at: At) -> None:
    system = small(make).eval()
    x = pictures()
    direct = system.discriminators["16"](x, torch.zeros_like(x))
    torch.testing.assert_close(system.score(Images(x), at(16)), direct)


def test_the_rate_falls_within_each_level(make: Make) -> None:
    system = small(make, decay="linear")
    plan: Plan = system.plan().with_lengths([100, 100, 100])
    assert [system.rate(plan.at(images)) for images in (0, 50, 100, 250)] == [1, 0.5, 1, 0.5]
    assert small(make).rate(plan.at(50)) == 1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"batch": 5}, r"batch is 5.*even"),
        ({"coarsest": 6}, "coarsest is 6.*power of two"),
        ({"coarsest": 32}, "resolution is 16, but the coarsest level has 32"),
        ({"levels": [4, 12]}, "levels has 12, but the levels are 4, 8, 16 pixels"),
        ({"labelled": True}, "labelled is true, but the data have no labels"),
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"width": 0}, "all must be at least 1"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    make: Make, settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        small(make, **settings)
