from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from small_world import THREE_PLAYERS, Cli, weights


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a.yaml", "b.yaml"], "2 comparisons came"),
        (["no_such"], "is not a comparison"),
        (["classics_fashion_mnist", "--images", "512"], "says itself"),
        (["classics_fashion_mnist", "--images", "1"], "at least 4"),
        (["classics_fashion_mnist", "--seeds", "0,0"], "each once"),
        (["classics_fashion_mnist", "--seeds", "0-2"], "with commas between"),
        ([".", "--minutes", "3"], "not trained again"),
        ([".", "--at-once", "2"], "not trained again"),
        (["classics_fashion_mnist", "--at-once", "0"], "must be from 1 to 64"),
        ([".", "classics_fashion_mnist"], "not both"),
    ],
)
def test_mistakes_are_told_in_one_line(
    cli: Cli, words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = cli("compare", *words)
    assert said.code == 2
    assert message in said.err
    assert not list(tmp_path.iterdir())


def numbers(table: Path) -> list[dict[str, str]]:
    """All that is in a table but the time that trainings took."""
    with table.open() as file:
        rows = list(csv.DictReader(file))
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


@pytest.mark.slow
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_two_at_once_end_in_the_bits_of_one_after_another(cli: Cli, here: Path) -> None:
    Path("abc.yaml").write_text(THREE_PLAYERS)
    said = cli("compare", "abc.yaml", "--at-once", "2", "--to", "both")
    assert said.code == 0, said.err
    assert "3 of 3   " in said.out
    assert cli("compare", "abc.yaml", "--to", "single").code == 0
    for name in ("a-0", "b-0", "c-0"):
        assert weights(Path("both") / name) == weights(Path("single") / name)
    there = {path.name for path in Path("both").iterdir()}
    assert not any(name.startswith("_company") for name in there)
    assert numbers(Path("both/comparison.csv")) == numbers(Path("single/comparison.csv"))
