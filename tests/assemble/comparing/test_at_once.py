from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from progan.assemble.comparing import at_once, contest
from progan.assemble.comparing.at_once import measure_at_once, train_at_once
from progan.assemble.comparing.contestants import StoppedError, train_one
from progan.assemble.comparing.numbers import Asked
from progan.assemble.comparing.side_by_side import Ended, Job
from progan.core.comparison import Entry, parse_comparison
from progan.core.config import Recipe, parse_recipe
from progan.core.errors import ConfigError
from small_world import THREE_PLAYERS


class Players:
    """Stands in for processes: ends jobs as it is told, and keeps what they were asked."""

    def __init__(self) -> None:
        self.ends: dict[str, tuple[int, dict[str, str]]] = {}
        self.jobs: list[Job] = []
        self.company: Job | None = None
        self.code = 0

    def __call__(
        self, jobs: Sequence[Job], module: str, at_once: int, **hears: Any
    ) -> tuple[list[Ended], int]:
        self.jobs = list(jobs)
        if "company" in hears:
            self.company = hears["company"](1)
        found = []
        for job in jobs:
            hears["began"](job)
            code, answer = self.ends.get(job.name, (0, {}))
            found.append(Ended(job=job, code=code, answer=answer, seconds=61))
            hears.get("ended", lambda end: None)(found[-1])
        return found, self.code


@pytest.fixture
def players(monkeypatch: pytest.MonkeyPatch) -> Players:
    found = Players()
    monkeypatch.setattr(at_once, "side_by_side", found)
    monkeypatch.setattr(at_once, "_read_pictures", lambda recipes, folder: None)
    monkeypatch.setattr(at_once, "cores", lambda: 2)
    return found


def asked(folder: Path) -> list[tuple[Entry, Recipe]]:
    comparison = parse_comparison(THREE_PLAYERS, "abc.yaml")
    return [
        (Entry(contestant=n, seed=s, run=folder / f"{n.lower()}-{s}"), comparison.recipe(n, s))
        for n, s in comparison.trainings()
    ]


def play(folder: Path, heard: list[str], many: int = 2) -> list[Entry]:
    words = ["compare", "abc.yaml"]
    return train_at_once(asked(folder), folder, many, worker="w", words=words, heard=heard.append)


def test_one_that_fails_is_told_with_its_reason_and_left_out(
    players: Players, tmp_path: Path
) -> None:
    players.ends = {"a-0": (6, {"said": "It diverged."}), "c-0": (-9, {})}
    heard: list[str] = []
    found = play(tmp_path, heard)
    log = tmp_path / "logs" / "c-0.txt"
    assert [one.failed for one in found] == [
        *("It diverged.", "", f"It was ended by signal 9; its last lines are in {log}.")
    ]
    assert heard[1:5] == [
        f"Begins   A, seed 0   {tmp_path / 'a-0'}",
        "1 of 3   A, seed 0: left out: It diverged.",
        f"Begins   B, seed 0   {tmp_path / 'b-0'}",
        "2 of 3   B, seed 0: done in 1 min 1 s",
    ]


def test_a_training_is_asked_for_the_recipe_of_its_contestant(
    players: Players, tmp_path: Path
) -> None:
    play(tmp_path, [])
    for job, (entry, recipe) in zip(players.jobs, asked(tmp_path), strict=True):
        assert json.loads(json.dumps(dict(job.asked))) == dict(job.asked)
        again = parse_recipe(job.asked["recipe"], "x")
        assert replace(again, places={}) == replace(recipe, places={})
        assert (job.asked["run"], job.makes) == (str(entry.run), entry.run)
    assert players.company is not None
    names = [path.name for path in (players.company.makes, *(job.makes for job in players.jobs))]
    assert names == ["_company_1", "a-0", "b-0", "c-0"]  # no contestant's folder has a "_"


def test_what_is_finished_is_not_begun_again(
    players: Players, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(at_once, "finished", lambda run: run.name != "b-0")
    heard: list[str] = []
    assert len(play(tmp_path, heard)) == 3
    assert [job.name for job in players.jobs] == ["b-0"]
    assert heard[-1] == "3 of 3   B, seed 0: done in 1 min 1 s"


def test_stopping_one_stops_the_comparison_with_its_code(players: Players, tmp_path: Path) -> None:
    players.code = 143
    with pytest.raises(StoppedError, match="same command") as caught:
        play(tmp_path, [])
    assert caught.value.exit_code == 143


def test_more_than_there_are_cores_is_refused(players: Players, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there are 2 cores.*--at-once 2"):
        play(tmp_path, [], many=3)


def test_the_first_is_measured_alone_and_the_others_beside_each_other(
    players: Players, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone: list[str] = []

    def measured(entry: Entry, asked: Asked, heard: Any) -> Entry:
        alone.append(entry.run.name)
        return entry

    def before(entry: Entry, asked: Asked) -> Entry | None:
        return entry if entry.run.name == "b-0" else None

    monkeypatch.setattr(at_once, "measured", measured)
    monkeypatch.setattr(at_once, "measured_before", before)
    entries = [entry for entry, _ in asked(tmp_path)]
    wants = Asked(metrics=("swd",), images=16, extractor=None)
    heard: list[str] = []

    def measure(some: list[Entry]) -> None:
        measure_at_once(
            some, wants, tmp_path, 2, worker="w", extractor="effnet-lite0", heard=heard.append
        )

    measure(entries)
    assert alone == ["a-0"]
    (job,) = players.jobs
    assert json.loads(json.dumps(dict(job.asked))) == {
        "run": str(tmp_path / "c-0"),
        "measure": {"metrics": ["swd"], "images": 16, "extractor": "effnet-lite0"},
    }
    assert heard == ["Measuring   C, seed 0"]
    players.jobs = []
    measure([entries[1]])  # what is measured already is not measured again
    assert (alone, players.jobs) == (["a-0"], [])
    players.code = 130
    with pytest.raises(StoppedError, match="same command"):
        measure(entries)


def test_a_training_with_other_settings_is_refused_before_anything_begins(
    tmp_path: Path, players: Players
) -> None:
    comparison = parse_comparison(THREE_PLAYERS, "abc.yaml")
    run = tmp_path / "c-0"
    run.mkdir()
    (run / "recipe.yaml").write_text("system: gan\ndata: {source: portraits}\n")
    with pytest.raises(ConfigError, match="c-0 was trained with other settings"):
        contest.carry_out(
            comparison, tmp_path, trains=lambda work: 0, heard=lambda text: None, at_once=2
        )
    assert players.jobs == []
    with pytest.raises(ConfigError, match="other settings"):
        train_one(comparison.recipe("C", 0), run, lambda work: 0)
