from __future__ import annotations

from pathlib import Path

import pytest

from small_world import Cli


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_lab_alone_says_what_can_be_played(cli: Cli) -> None:
    said = cli("lab")
    assert said.code == 0
    assert "wgan_gp" in said.out
    assert "gaussians1d" in said.out
    assert not Path("runs").exists()


def test_a_game_says_how_it_ended_and_where_to_look(cli: Cli) -> None:
    said = cli("lab", "minimax", "--steps", 2)
    assert said.code == 0
    assert "GAN, minimax on ring: modes" in said.out
    assert Path("runs/lab-minimax-ring/lab.html").is_file()


def test_a_second_game_of_the_same_name_takes_a_folder_of_its_own(cli: Cli) -> None:
    for _ in range(2):
        assert cli("lab", "fgan:kl", "--data", "pair1d", "--steps", 1, "--gif").code == 0
    assert sorted(path.name for path in Path("runs").iterdir()) == [
        *("lab-fgan-kl-pair1d", "lab-fgan-kl-pair1d-2")
    ]
    assert Path("runs/lab-fgan-kl-pair1d/film.gif").is_file()


def test_several_games_stand_side_by_side(cli: Cli) -> None:
    said = cli("lab", "minimax", "least-squares", "--steps", 1)
    assert said.code == 0
    page = Path("runs/lab-minimax-least-squares-ring/lab.html").read_text()
    assert "GAN, minimax and LSGAN" in page
    assert "progan lab minimax least-squares --data ring --seed 0 --steps 1" in page


def test_an_exhibit_answers(cli: Cli) -> None:
    said = cli("lab", "--exhibit", "saturation", "--to", "here")
    assert said.code == 0
    assert "22,026 times as hard" in said.out
    assert Path("here/lab.html").is_file()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["wgan-pg"], "Did you mean wgan_gp?"),
        (["minimax", "--data", "rign"], "Did you mean ring?"),
        (["minimax", "--all"], "one of --exhibit and --all"),
        (["minimax", "--steps", "0"], "1 to a million"),
        (["--exhibit", "overlop"], "Did you mean overlap?"),
        (["minimax", "--set", "optimiser.lr=1"], "Did you mean optimizer.lr"),
    ],
)
def test_mistakes_get_one_clear_answer(cli: Cli, words: list[str], told: str) -> None:
    said = cli("lab", *words)
    assert said.code == 2
    assert told in said.err
    assert len(said.err.splitlines()) <= 6
    assert "Traceback" not in said.err
    assert not Path("runs").exists()
