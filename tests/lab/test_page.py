from __future__ import annotations

import copy
import json
import math
import re
from pathlib import Path

import pytest
import torch
from PIL import Image

from progan.data.toy import ToyDraws
from progan.data.worlds import lookup
from progan.engine.loop import Trainer
from progan.lab.film import frames
from progan.lab.lesson import PROBABILITY, Lesson, Target, lowest_minimax
from progan.lab.numbers import final_numbers, measured, perfect_numbers
from progan.lab.play import Shown, play
from toy_game import ToyGame

LESSON = Lesson(
    title="A <game>",
    formula=("discriminator   −E[log D(x)]", "generator   −E[log D(G(z))]"),
    look=("Look at the hill.",),
    scale=PROBABILITY,
    targets=(
        Target(player="discriminator", value=math.log(4), words="log 4", lowest=lowest_minimax),
    ),
    source="Goodfellow et al. 2014",
)


def played(folder: Path, name: str = "ring", film: str = "film.webp", looks: int = 5) -> Shown:
    world = lookup(name)
    torch.manual_seed(0)
    system = ToyGame(dims=world.dims, latent=world.dims, steps=12)
    folder.mkdir(exist_ok=True)
    return play(
        Trainer(system, ToyDraws(world)),
        world,
        LESSON,
        folder,
        command_line="progan lab gan",
        looks=looks,
        film=film,
    )


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    return played(tmp_path_factory.mktemp("ring"))


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    return played(tmp_path_factory.mktemp("line"), "pair1d")


def test_the_page_says_what_is_played_and_how_to_play_it_again(ring: Shown) -> None:
    page = ring.page.read_text()
    for words in (
        "A &lt;game&gt;",
        "−E[log D(G(z))]",
        "Look at the hill.",
        "of 8 modes",
        "progan lab gan",
        "In theory it ends at log 4.",
    ):
        assert words in page


def test_the_page_needs_nothing_but_itself(ring: Shown, line: Shown) -> None:
    for shown in (ring, line):
        page = shown.page.read_text()
        assert "default-src 'none'" in page
        assert not re.search(r"https?:", page)
        assert {found[:5] for found in re.findall(r'(?:src|href)="([^"]*)', page)} <= {
            "data:",
            *(f"#{s}"[:5] for s in ("film", "look", "steps", "curves", "numbers", "again")),
            "#cont",
        }


def test_there_are_a_film_that_moves_and_stills_of_each_look(ring: Shown) -> None:
    with Image.open(ring.film) as film:
        assert getattr(film, "n_frames", 1) == len(ring.record.moments)
        size = film.size
    with Image.open(ring.picture) as last:
        assert last.size == size
    page = ring.page.read_text()
    assert page.count("<li><figure") == len(ring.record.moments)
    assert "pixelated" not in re.findall(r"<img[^>]*>", page)[0]
    assert 'class="pixels"' not in page  # drawings are shown smoothly


def test_curves_show_losses_and_their_targets_and_modes(ring: Shown, line: Shown) -> None:
    titles = ["Loss of the discriminator", "Loss of the generator", "What the critic says"]
    titles += ["Push on a sample", "Modes", "High-quality share", "Reverse KL"]
    for shown in (ring, line):
        page = shown.page.read_text()
        assert all(f"<figcaption>{title}" in page for title in titles)
    assert "lowest possible" in line.page.read_text()
    assert "lowest possible" not in ring.page.read_text()
    assert "Deviation of the samples" in line.page.read_text()


def test_numbers_lie_beside_the_page_for_programs(ring: Shown) -> None:
    numbers = json.loads((ring.page.parent / "numbers.json").read_text())
    assert numbers == ring.numbers
    assert (numbers["data"], numbers["steps"], numbers["diverged"]) == ("ring", 12, False)
    assert numbers["perfect"]["modes"] == 8
    assert set(numbers["losses"]) == {"discriminator", "generator"}


def test_the_same_game_gives_the_same_files(ring: Shown, tmp_path: Path) -> None:
    again = played(tmp_path)
    for one, other in ((ring.page, again.page), (ring.film, again.film)):
        assert one.read_bytes() == other.read_bytes()


def test_a_gif_has_half_the_size_and_every_second_frame(tmp_path: Path, ring: Shown) -> None:
    shown = played(tmp_path, film="film.gif")
    height, width = next(iter(frames(ring.record, LESSON))).shape[:2]
    with Image.open(shown.film) as film:
        assert film.size == (width // 2, height // 2)
        # moments 0, 2 and the last of five
        assert len(shown.record.moments) == 5
        assert film.n_frames == 3
    assert "data:image/gif" in shown.page.read_text()


def test_perfect_samples_get_what_theory_says(ring: Shown, line: Shown) -> None:
    plane = perfect_numbers(ring.record)
    assert plane["high_quality"] == pytest.approx(1 - math.exp(-4.5), abs=4 * 0.0021)
    assert plane["modes"] == plane["touched"] == 8
    world = lookup("ring")
    entropy = math.log(8) + math.log(2 * math.pi * math.e * world.sigma**2)
    assert plane["surprise"] == pytest.approx(entropy, abs=4 / math.sqrt(2500))
    assert perfect_numbers(line.record)["mean"] == pytest.approx(0, abs=4 * 1.53 / 50)


def test_a_shifted_line_is_as_far_away_as_it_was_shifted() -> None:
    world = lookup("gaussian1d")
    points = world.sample(range(2500), seed=9)
    near, far = measured(points, world), measured(points + 3, world)
    assert far["wasserstein"] == pytest.approx(3, abs=0.1)
    assert near["wasserstein"] < 0.1
    assert far["mean"] - near["mean"] == pytest.approx(3)


def test_the_numbers_are_those_of_the_last_moment(ring: Shown) -> None:
    last = ring.record.moments[-1]
    assert final_numbers(ring.record) == measured(last.fakes, ring.record.world)
    assert last.modes is not None
    assert final_numbers(ring.record)["high_quality"] == last.modes.high_quality


@pytest.mark.slow
def test_a_film_of_sixty_frames_stays_below_a_megabyte_and_a_half(tmp_path: Path) -> None:
    world = lookup("grid")
    torch.manual_seed(0)
    system = ToyGame(width=64, steps=600, batch=128)
    for film in ("film.webp", "film.gif"):
        trainer = Trainer(copy.deepcopy(system), ToyDraws(world))
        shown = play(trainer, world, LESSON, tmp_path, command_line="", film=film)
        assert shown.film.stat().st_size < 1_500_000
