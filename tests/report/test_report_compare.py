from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from progan.core.errors import ConfigError
from progan.report import compare
from progan.report.compare import differences

Maker = Callable[[Path], Path]


def change(run: Path, swd: float, interval: float | None = 0.5) -> Path:
    path = run / "review" / "review.json"
    review = json.loads(path.read_text())
    review["quality"][0] |= {"value": swd, "interval": interval}
    path.write_text(json.dumps(review))
    return run


@pytest.fixture
def pair(tmp_path: Path, run_maker: Maker) -> list[Path]:
    return [change(run_maker(tmp_path / "a" / "one"), 20), change(run_maker(tmp_path / "two"), 24)]


def test_page_compares_pictures_quality_curves_and_settings(
    pair: list[Path], tmp_path: Path
) -> None:
    lock = pair[1] / "recipe.lock.yaml"
    lock.write_text(lock.read_text().replace("seed: 7", "seed: 8"))
    page = compare(pair, tmp_path).read_text()
    assert (tmp_path / "comparison.html").is_file()
    sections = re.findall('<section id="([a-z]+)"', page)
    assert sections == ["pictures", "quality", "curves", "settings", "effort", "next"]
    assert page.count("<img ") == 2
    assert "SWD over images" in page
    assert "SWD over training time" in page
    rows = re.findall('<th scope="row">(train[^<]*)</th><td>([^<]*)</td><td>([^<]*)</td>', page)
    assert rows == [("train.seed", "7", "8")]
    assert "20.0 ± 0.5 (floor 7.9, n 2,048)" in page
    assert not re.search("(?i)https?:", page)


def test_swd_over_time_uses_the_clock_of_each_run(pair: list[Path], tmp_path: Path) -> None:
    path = pair[1] / "timing.jsonl"
    slow = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(r | {"seconds": r["seconds"] * 2}) + "\n" for r in slow))
    page = compare(pair, tmp_path / "c.html").read_text()
    charts = re.findall(r'data-low="([\d.]+)" data-high="([\d.]+)"', page)
    # SWD was measured at 100, 150, 200 images: after 1, 2, 3 s in one run, 2, 4, 6 s in the other.
    assert charts == [("100", "200"), ("1", "6")]


@pytest.mark.parametrize(
    ("other", "interval", "expected"),
    [
        (24.0, 0.5, "one has the lowest SWD, 20.0 ± 0.5 against 24.0 ± 0.5"),
        (20.8, 0.5, "the intervals meet: no clear winner"),  # 20.5 > 20.3
        (18.0, 0.5, "two has the lowest SWD, 18.0 ± 0.5 against 20.0 ± 0.5"),
        (24.0, None, "one has the lowest SWD, 20.0 against 24.0 of the next"),
    ],
)
def test_a_winner_is_named_only_when_intervals_allow(
    pair: list[Path], tmp_path: Path, other: float, interval: float | None, expected: str
) -> None:
    change(pair[1], other, interval)
    assert expected in compare(pair, tmp_path).read_text()


def test_runs_of_different_resolution_are_not_ranked(pair: list[Path], tmp_path: Path) -> None:
    path = pair[1] / "review" / "review.json"
    path.write_text(path.read_text().replace('"resolution": 8', '"resolution": 16'))
    assert "cannot be ranked" in compare(pair, tmp_path).read_text()


def test_runs_named_alike_are_told_apart(tmp_path: Path, run_maker: Maker) -> None:
    runs = [run_maker(tmp_path / place / "cats") for place in ("x", "y")]
    page = compare(runs, tmp_path).read_text()
    assert str(runs[0]) in page
    assert str(runs[1]) in page


def test_missing_reviews_are_survived_and_named(pair: list[Path], tmp_path: Path) -> None:
    (pair[0] / "review" / "review.json").unlink()
    (pair[0] / "quality.jsonl").write_text('{"images": 1')
    page = compare(pair, tmp_path).read_text()
    assert "one: review.json is not there" in page
    assert page.count("<img ") == 2  # the latest snapshot stands in


def test_hostile_names_stay_words(tmp_path: Path, run_maker: Maker) -> None:
    runs = [run_maker(tmp_path / name) for name in ("<script>alert(1)<", "plain")]
    page = compare(runs, tmp_path).read_text()
    assert page.count("<script>") == 1


def test_one_run_is_no_comparison(pair: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at least two runs; 1 came"):
        compare(pair[:1], tmp_path)


def test_settings_equal_everywhere_do_not_differ() -> None:
    assert differences([{"a": "1", "b": "2"}, {"a": "1", "b": "3", "c": "4"}]) == [
        ("b", "2", "3"),
        ("c", "–", "4"),
    ]
