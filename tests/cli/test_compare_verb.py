from __future__ import annotations

from pathlib import Path

import pytest

from small_world import Cli


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
