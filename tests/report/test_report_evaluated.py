from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from progan.report.build import build_report
from progan.report.evaluated import lines_over_training
from progan.report.figure import figures
from progan.report.read import read_run
from report.conftest import make_run

EFFNET = {"extractor": "effnet-lite0", "weights": "5793" * 16, "resize": "to 224"}
TRAINED = {"extractor": "trained:c0ffee", "weights": "c0ff" * 16, "resize": "to 16"}


def record(title: str, images: int, value: float, **more: Any) -> dict[str, Any]:
    given = {
        **{"metric": "fd", "title": title, "level": "", "images": images, "value": value},
        **{"resolution": 8, "n": 64, "n_real": 32, "repeats": 3, "seed": 5, "spread": 0.5},
        **{"low": value - 1, "high": value + 1, "interval": "fakes: jackknife", "real": 1.25},
        **{"perfect": None, "bias": "as 1/n", "against": None},
    }
    return {**given, **EFFNET, **more}


def page_of(folder: Path, *records: dict[str, Any]) -> str:
    run = make_run(folder)
    (run / "evaluated.json").write_text(json.dumps({"numbers": records}))
    return build_report(run).read_text(encoding="utf-8")


def test_numbers_of_different_extractors_never_share_a_table(tmp_path: Path) -> None:
    page = page_of(
        tmp_path / "run",
        record("FD-effnet", 100, 31.0),
        record("FD-trained", 100, 47.0, **TRAINED),
        record("FD-effnet", 100, 53.0, against="photos"),
    )
    tables = [part.partition("</table>")[0] for part in page.split("<table>")[1:]]
    holding = [[value for value in ("31.0", "47.0", "53.0") if value in part] for part in tables]
    assert [values for values in holding if values] == [["31.0"], ["47.0"], ["53.0"]]
    for word in ("Features of effnet-lite0", "57935793", "to 224", "jackknife", "as 1/n"):
        assert word in page
    assert "against photos" in page


def test_a_run_that_was_not_measured_again_has_no_such_part_and_misses_nothing(
    tmp_path: Path,
) -> None:
    run = make_run(tmp_path / "run")
    page = build_report(run).read_text(encoding="utf-8")
    assert "Measured again" not in page
    assert not any("evaluated" in problem for problem in read_run(run).problems)


def test_a_file_that_strangers_wrote_cannot_put_anything_on_the_page(tmp_path: Path) -> None:
    page = page_of(
        tmp_path / "run",
        record("<script>alert(1)</script>", 100, 1.0, extractor="<img src=x>"),
        {"value": "much", "images": None, "title": ["a"]},
    )
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    (tmp_path / "run" / "evaluated.json").write_text("{")
    assert "evaluated.json is damaged" in build_report(tmp_path / "run").read_text("utf-8")


def test_a_line_holds_one_resolution_and_one_n() -> None:
    found = lines_over_training(
        [
            record("FD", 100, 9.0),
            record("FD", 200, 7.0),
            record("FD", 300, 5.0, resolution=16),
            record("FD", 300, 4.0, n=128),
            record("KD", 300, 1.0),  # at one moment alone: no line
        ]
    )
    assert [lines.title for lines in found] == ["FD"]
    drawn = {series.name: list(series.points) for series in found[0].series}
    assert drawn["8 px, n = 64"] == [(100, 9.0), (200, 7.0)]
    assert drawn["8 px, n = 64: real"] == [(100, 1.25), (200, 1.25)]
    assert drawn["16 px, n = 64"] == [(300, 5.0)]
    assert drawn["8 px, n = 128"] == [(300, 4.0)]


def test_levels_below_a_mean_are_left_to_the_table() -> None:
    swd = [record("SWD", at, 1.0, level=level) for at in (100, 200) for level in ("16", "mean")]
    prdc = [
        record("PRDC", at, 1.0, level=level) for at in (100, 200) for level in ("recall", "density")
    ]
    titles = [lines.title for lines in lines_over_training([*swd, *prdc])]
    assert titles == ["SWD", "PRDC recall", "PRDC density"]


def test_figures_stand_below_one_another_in_one_file() -> None:
    lines = lines_over_training([record(t, at, 1.0) for t in "AB" for at in (100, 200)])
    drawn = figures([(one.title, one.series) for one in lines], x_label="images", by="by me")
    assert drawn.count("<polyline") == 4
    assert "<desc>by me</desc>" in drawn
    tops = [float(part.split('"')[0]) for part in drawn.split('class="title" x="4" y="')[1:]]
    # a chart of 276 below a title of 34, 10 of room and two lines of 20 of the legend
    assert tops == [20, 20 + 34 + 276 + 10 + 2 * 20]
