"""The gallery's claims: each exhibit's own numbers must be as theory says."""

from __future__ import annotations

import math

import pytest
import torch

from progan.data.toy import Mixture
from progan.data.worlds import WORLDS
from progan.lab.contest import Affine, normal, play, scores_at, slopes_at
from progan.lab.exhibits.avoiding import AVOIDING, START, best_normal, divergence_from
from progan.lab.exhibits.codes import STEPS, independent_information, purity, samples
from progan.lab.exhibits.overlap import jensen_shannon
from progan.lab.exhibits.record import Number
from progan.lab.gallery import EXHIBITS
from progan.lab.labelled import mixture, of_classes, trained
from progan.objectives.divergence import DIVERGENCES


@pytest.mark.parametrize(
    ("number", "holds"),
    [
        (Number(words="", value=1.1, expected=1.0, within=0.2), True),
        (Number(words="", value=1.3, expected=1.0, within=0.2), False),
        (Number(words="", value=0.4, low=0.5), False),
        (Number(words="", value=math.nan, low=0.5), False),
        (Number(words="", value=math.nan, expected=1.0, within=0.2), False),
        (Number(words="", value=0.4), True),
    ],
)
def test_a_number_holds_only_within_its_bar(number: Number, holds: bool) -> None:
    assert number.holds is holds


def test_a_fixed_generator_stands_still_and_only_the_critic_plays() -> None:
    contest = play(normal(0.0), "minimax", Affine(1.0, 0.5, fixed=True), steps=3, batch=8)
    assert set(contest.players()) == {"critic"}
    assert contest.generator.found == (1.0, pytest.approx(0.5))
    points = contest.generate({"z": torch.tensor([[2.0]])}, contest.plan().at(0))
    assert points.flatten().tolist() == [pytest.approx(2.0)]  # 1 + 0.5 · 2


def test_a_learning_generator_moves_in_every_round() -> None:
    generator = Affine(1.0, 0.5)
    play(normal(0.0), "fgan:kl", generator, steps=1, critic_steps=2, batch=8)
    assert generator.found != (1.0, 0.5)


def test_clipped_contests_stay_in_their_box() -> None:
    stands = Affine(1.0, fixed=True)
    contest = play(normal(0.0), "wasserstein", stands, steps=3, clip=0.02, batch=8)
    assert max(float(p.detach().abs().max()) for p in contest.adversary.parameters()) <= 0.02 + 1e-9


def test_slopes_are_those_of_the_scores() -> None:
    contest = play(normal(0.0), "minimax", Affine(1.0, fixed=True), steps=2, batch=8)
    x = torch.tensor([[0.3], [1.7]])
    rise = (scores_at(contest, x + 1e-3) - scores_at(contest, x - 1e-3)) / 2e-3
    torch.testing.assert_close(slopes_at(contest, x)[:, 0], rise, rtol=0.02, atol=1e-3)


def test_jensen_shannon_is_nothing_at_no_distance_and_log_2_far_away() -> None:
    assert jensen_shannon(0.0) == pytest.approx(0.0, abs=1e-12)
    assert jensen_shannon(2.0) == pytest.approx(math.log(2), abs=1e-9)


def test_divergences_from_a_normal_are_those_of_the_books() -> None:
    """KL of the mixture of N(±1.5, 0.3²) and N(0, σ²) is lowest at its own deviation."""
    deviation = math.sqrt(1.5**2 + 0.3**2)
    mean, found, _ = best_normal("kl", START)
    assert mean == pytest.approx(0.0, abs=0.01)
    assert found == pytest.approx(deviation, rel=0.01)
    there = torch.tensor([0.0, math.log(deviation)], dtype=torch.float64)
    away = torch.tensor([0.2, math.log(deviation)], dtype=torch.float64)
    kl = DIVERGENCES["kl"]
    # moving the mean by d costs d² / 2σ²
    cost = float(divergence_from(kl, *away) - divergence_from(kl, *there))
    assert cost == pytest.approx(0.04 / (2 * deviation**2), rel=1e-3)


def test_exhibits_have_names_of_their_own_and_say_what_is_to_be_expected() -> None:
    assert len(EXHIBITS) == 9
    assert AVOIDING.slug in EXHIBITS
    for exhibit in EXHIBITS.values():
        assert exhibit.question.endswith("?")
        assert exhibit.theory
        assert exhibit.source


@pytest.mark.slow
@pytest.mark.parametrize("slug", EXHIBITS)
def test_every_number_of_an_exhibit_is_as_theory_says(slug: str) -> None:
    torch.set_num_threads(1)
    found = EXHIBITS[slug].make(0)
    assert found.numbers
    missed = {name: (n.value, n.bar) for name, n in found.numbers.items() if not n.holds}
    assert not missed


def test_points_are_measured_class_by_class() -> None:
    """A generator that draws class 2 of the ring where it lies, and all others there too."""
    trainer = trained("cgan", WORLDS["ring"], steps=1, seed=0, sets=["batch=8"])
    world = WORLDS["ring"]
    assert isinstance(world, Mixture)
    centre = torch.tensor(world.centres[2])
    trainer.system.generate = lambda latents, at: (  # type: ignore[assignment, union-attr]
        (centre + 0.01 * latents["z"])[:, :, None, None]
    )
    found = of_classes(trainer, world)
    assert found[2].off < 0.001
    assert found[2].deviation == pytest.approx(0.01, rel=0.05)
    assert found[2].high_quality == 1.0
    assert found[6].off == pytest.approx(2.0, abs=0.01)  # on the other side
    assert found[6].high_quality == 0.0


def test_information_and_purity_of_codes_that_are_known() -> None:
    """Each code at its own mode: log 8, all pure. All codes at one mode: nothing, one mode."""
    centres = torch.tensor(mixture("ring").centres)
    apart = [centre + 0.01 * torch.randn(200, 2) for centre in centres]
    assert independent_information(apart) == pytest.approx(math.log(8), abs=0.02)
    assert purity(apart) == (1.0, 8)
    together = [centres[0] + 0.01 * torch.randn(200, 2) for _ in centres]
    assert independent_information(together) < 0.05
    assert purity(together) == (1.0, 1)


def test_a_reader_that_stops_early_does_not_learn_few_points_by_heart() -> None:
    """200 points of 256 numbers: read to the end, chance alone looks like a fault of many nats."""
    generator = torch.Generator().manual_seed(2)
    noise = [torch.randn(50, 256, generator=generator) for _ in range(4)]
    assert independent_information(noise) < -1
    assert abs(independent_information(noise, stops_early=True)) < 0.1
    told = [points + 2 * (torch.arange(256) % 4 == code) for code, points in enumerate(noise)]
    assert independent_information(told, stops_early=True) > 0.9 * math.log(4)


@pytest.mark.slow
def test_the_best_of_three_seeds_gives_every_code_a_mode_of_its_own() -> None:
    """Seeds differ: a code may share a mode with another, or lie on two."""
    torch.set_num_threads(1)
    games = (trained("infogan", mixture("ring"), steps=STEPS, seed=seed) for seed in range(3))
    best = max((samples(game) for game in games), key=purity)
    pure, modes = purity(best)
    assert pure >= 0.98
    assert modes == 8
    assert independent_information(best) >= 2.0  # of log 8 = 2.079
