from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from progan.assemble.measuring import kept
from progan.assemble.measuring.evaluate import Evaluated
from progan.core.errors import RoomError
from progan.metrics.report import Report, Row

RECORD = {"extractor": "trained:c0ffee", "weights": "c0ffee" * 8, "resize": "none"}


def row(metric: str = "fd", value: float = 3.0, extractor: str = "trained:c0ffee") -> Row:
    return Row(
        metric=metric,
        level="",
        value=value,
        spread=None,
        floor=1.0,
        images=64,
        floor_images=32,
        repeats=1,
        extractor=extractor,
    )


def measured(run: Path, *rows: Row) -> Evaluated:
    (run / "checkpoints").mkdir(parents=True, exist_ok=True)
    report = Report(rows=rows, extractor=RECORD, resolution=16, seed=7, seconds=1.0)
    checkpoint = run / "checkpoints" / "000000160.safetensors"
    return Evaluated(run=run, checkpoint=checkpoint, images=160, seconds=2.0, report=report)


def numbers(run: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads((run / kept.NAME).read_text())["numbers"]
    return found


def test_every_number_keeps_its_provenance(tmp_path: Path) -> None:
    kept.keep(measured(tmp_path / "run", row(), row("swd", extractor="none")))
    first, second = numbers(tmp_path / "run")
    assert (first["extractor"], first["weights"]) == ("trained:c0ffee", "c0ffee" * 8)
    assert (first["n"], first["seed"], first["checkpoint"]) == (64, 7, "000000160.safetensors")
    assert (second["extractor"], second["weights"]) == ("none", "")


def test_a_measurement_done_again_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    run = tmp_path / "run"
    kept.keep(measured(run, row(), row("kd")))
    kept.keep(measured(run, row(value=5.0)))
    assert [(one["metric"], one["value"]) for one in numbers(run)] == [("kd", 3.0), ("fd", 5.0)]
    kept.keep(measured(run, replace(row(), images=128)))  # of another n
    kept.keep(replace(measured(run, row()), against="photos"))
    assert len(numbers(run)) == 4


def test_the_oldest_go_where_there_are_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MOST", 2)
    for metric in ("fd", "kd", "mmd"):
        kept.keep(measured(tmp_path / "run", row(metric)))
    assert [one["metric"] for one in numbers(tmp_path / "run")] == ["kd", "mmd"]


def test_a_damaged_file_is_begun_again(tmp_path: Path) -> None:
    kept.keep(measured(tmp_path / "run", row()))
    (tmp_path / "run" / kept.NAME).write_text('{"numbers": [{"metric"')
    kept.keep(measured(tmp_path / "run", row("kd")))
    assert [one["metric"] for one in numbers(tmp_path / "run")] == ["kd"]


def test_pictures_alone_have_no_run_to_keep_numbers_in(tmp_path: Path) -> None:
    one = replace(measured(tmp_path / "run", row()), run=tmp_path)
    assert kept.keep(one) == ""
    assert not (tmp_path / kept.NAME).exists()


def test_a_folder_without_room_is_told_and_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: object) -> None:
        raise RoomError("No room.")

    monkeypatch.setattr(kept, "write_out", full)
    said = kept.keep(measured(tmp_path / "run", row()))
    assert said == "The numbers are not kept for the report. No room."


def test_commas_hold_a_line_for_each_number_with_blanks_for_nothing(tmp_path: Path) -> None:
    text = kept.as_csv([measured(tmp_path / "a,b", row(), row("kd"))]).decode()
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [line["metric"] for line in lines] == ["fd", "kd"]
    assert (lines[0]["value"], lines[0]["spread"], lines[0]["low"]) == ("3.0", "", "")
    assert lines[0]["run"] == str(tmp_path / "a,b")
    assert lines[0]["title"] == "FD-trained"
    assert lines[0]["by"] == "made by progan"
