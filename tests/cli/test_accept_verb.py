from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from progan.acceptance import table
from progan.acceptance.record import Task
from progan.lab.exhibits.record import Number
from small_world import Cli


def task(slug: str, value: float) -> Task:
    def make(seed: int) -> dict[str, Number]:
        return {
            "share": Number(words=f"a share with seed {seed}", value=np.float64(value), low=0.9),
            "told": Number(words="only told", value=0.1),
        }

    return Task(slug=slug, words="something", source="nobody", minutes=1, make=make)


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "TASKS", {"good": [task("a", 0.95)], "bad": [task("b", 0.85)]})


@pytest.mark.usefixtures("tasks")
def test_bars_that_are_met_end_well_and_are_written_down(cli: Cli, tmp_path: Path) -> None:
    said = cli("accept", "good", "--seed", "3", "--json", str(tmp_path / "found.json"))
    assert said.code == 0
    assert "ok   0.95, at least 0.9   a share with seed 3" in said.out
    assert "All bars are met with seed 3." in said.out
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["tasks"][0]["numbers"]["share"] == {
        **{"value": 0.95, "bar": "at least 0.9", "holds": True},
        **{"words": "a share with seed 3"},
    }
    assert cli("accept", "good", "--json", str(tmp_path / "found.json")).code == 0  # written anew
    assert json.loads((tmp_path / "found.json").read_text())["seed"] == 0


@pytest.mark.usefixtures("tasks")
def test_a_bar_that_is_missed_is_an_exit_code(cli: Cli) -> None:
    said = cli("accept", "bad")
    assert said.code == 6
    assert "MISS 0.85, at least 0.9" in said.out
    assert "Missed with seed 0: b." in said.out


@pytest.mark.usefixtures("tasks")
def test_without_a_system_all_tasks_are_listed(cli: Cli) -> None:
    said = cli("accept")
    assert said.code == 0
    assert "progan accept bad --task b   something; about 1 minute of one core" in said.out


@pytest.fixture
def needy(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(seed: int, folder: Path) -> dict[str, Number]:
        return {"files": Number(words="files there", value=len(list(folder.iterdir())), low=1)}

    one = Task(
        slug="files", words="something", source="nobody", minutes=1, make=make, needs="four files"
    )
    monkeypatch.setattr(table, "TASKS", {"both": [task("a", 0.95), one], "good": [task("a", 0.95)]})


@pytest.mark.usefixtures("needy")
def test_a_task_takes_the_folder_it_needs(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "one").touch()
    said = cli("accept", "both", "--data", str(tmp_path))
    assert said.code == 0
    assert "ok   1, at least 1   files there" in said.out
    assert "progan accept both --task files --data FOLDER   something" in cli("accept").out


@pytest.mark.usefixtures("needy")
def test_a_task_without_its_folder_is_left_out_unless_it_is_the_one(cli: Cli) -> None:
    said = cli("accept", "both")
    assert said.code == 0
    assert "files   left out: it needs four files, --data FOLDER" in said.out
    assert "ok   0.95" in said.out
    said = cli("accept", "both", "--task", "files")
    assert said.code == 2
    assert "The task files needs four files" in said.err
    assert "--data FOLDER" in said.err


@pytest.mark.usefixtures("needy")
def test_a_folder_that_nothing_takes_is_refused(cli: Cli, tmp_path: Path) -> None:
    said = cli("accept", "good", "--data", str(tmp_path))
    assert said.code == 2
    assert "None of these tasks takes files of yours. Leave --data out." in said.err
