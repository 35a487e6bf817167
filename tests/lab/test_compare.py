from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from progan.core.errors import ConfigError
from progan.data.toy import ToyDraws
from progan.data.worlds import lookup
from progan.engine.loop import Trainer
from progan.lab.canvas import PAPER
from progan.lab.caption import WIDTH
from progan.lab.compare import GAP, Game, beside, write_comparison
from progan.lab.lesson import PROBABILITY, Lesson
from progan.lab.watch import watch
from toy_game import ToyGame


def game(title: str, name: str = "ring", steps: int = 6) -> Game:
    world = lookup(name)
    torch.manual_seed(0)
    system = ToyGame(dims=world.dims, steps=steps)
    record = watch(Trainer(system, ToyDraws(world)), world, frames=4)
    return Game(record=record, lesson=Lesson(title=title, scale=PROBABILITY))


def flat(value: int, height: int = 3) -> np.ndarray:
    return np.full((height, 2, 3), value, np.uint8)


def test_films_of_different_lengths_begin_and_end_together() -> None:
    joined = beside([[flat(10), flat(20), flat(30)], [flat(40), flat(50)]])
    assert [tuple(picture[0, [0, -1], 0]) for picture in joined] == [(10, 40), (20, 40), (30, 50)]


def test_between_pictures_and_below_shorter_ones_is_paper() -> None:
    (joined,) = beside([[flat(10)], [flat(40, height=5)]])
    assert joined.shape == (5, 2 + GAP + 2, 3)
    assert (joined[:, 2 : 2 + GAP] == PAPER).all()
    assert (joined[3:, :2] == PAPER).all()
    assert (joined[:3, :2] == 10).all()


def test_a_comparison_holds_both_games_in_film_curves_and_numbers(tmp_path: Path) -> None:
    games = [game("First game"), game("Second game", steps=3)]
    page = write_comparison(
        games, tmp_path, title="Two games", look=["Compare them."], command_line="progan lab --all"
    ).read_text()
    for words in ("Two games", "Compare them.", "progan lab --all", "perfect", "step 6 and 3"):
        assert words in page
    assert page.count('scope="col" class="number">First game') == 1
    for title in ("Push on a sample", "Modes covered", "High-quality share"):
        drawn = page.partition(f"<figcaption>{title}")[2].partition("</figure>")[0]
        assert 'data-name="First game"' in drawn
        assert 'data-name="Second game"' in drawn
    assert "Second game: loss of the generator" in page
    with Image.open(tmp_path / "film.webp") as film:
        assert film.width == 2 * WIDTH + GAP
        assert getattr(film, "n_frames", 1) == max(len(g.record.moments) for g in games)


def test_games_on_different_data_cannot_stand_side_by_side(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="grid and ring"):
        write_comparison(
            [game("a"), game("b", "grid")], tmp_path, title="", command_line="progan lab"
        )
    with pytest.raises(ConfigError, match="no data"):
        write_comparison([], tmp_path, title="", command_line="progan lab")
