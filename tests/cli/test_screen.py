from __future__ import annotations

import io
import json
import sys
import time
from pathlib import Path

import pytest

from progan.cli import figures, screen, streams
from progan.core.plan import Plan, Progress, Stage
from progan.engine.events import Decided, Ended, Started, Stepped

PLAN = Plan(
    (
        Stage(name="4", images=12_000, resolution=4, batch=64),
        Stage(name="1024 fade", images=8_000_000, resolution=1024, batch=4, fade=True),
    )
)
AT = Progress(images=5_132_000, step=900, index=1, stage=PLAN.stages[1], fraction=0.64)


@pytest.mark.parametrize(
    ("seconds", "clock", "words"),
    [
        (7.4, "0:07", "7 s"),
        (750, "12:30", "12 min 30 s"),
        (11_105, "3:05:05", "3 h 5 min 5 s"),
        (3600, "1:00:00", "1 h 0 s"),
        (-1, "0:00", "0 s"),
        (3_200_011, "888 h", "888 h 53 min 31 s"),
    ],
)
def test_times_are_written_for_tables_and_for_sentences(
    seconds: float, clock: str, words: str
) -> None:
    assert figures.clock(seconds) == clock
    assert figures.words(seconds) == words


def test_the_plan_fits_into_60_columns_and_counts_from_enter() -> None:
    lines = figures.plan_lines(PLAN, {0: 3000.0, 1: 25.0}, 7.0, 48.0)
    assert max(map(len, lines)) <= 60
    assert lines[1].split() == ["4", "12,000", "64", "3,000", "0:07", "0:11"]
    # 8,000,000 images at 25/s are 320,000 s, behind the first 11.
    assert lines[2].split()[-4:] == ["4", "25", "0:11", "88:53:31"]
    assert lines[3].split() == ["report", "88:53:31", "88:54:19"]


def test_the_times_of_a_later_training_of_one_command_count_from_its_own_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(screen, "BEGAN", 100.0)
    monkeypatch.setattr(screen.time, "monotonic", lambda: 807.0)
    for began, first in ((None, "11:47"), (800.0, "0:07")):  # 707 s and 7 s ago
        screen.Face(live=False, began=began).plan("title", PLAN, {0: 3000.0, 1: 25.0}, 48.0)
        line = next(line for line in capsys.readouterr().out.splitlines() if " 12,000 " in line)
        assert line.split()[-2] == first


@pytest.mark.parametrize("width", [40, 60, 100])
def test_the_line_of_progress_fits_and_says_what_matters(width: int) -> None:
    first, second = figures.status_lines(
        AT, PLAN, {"critic/wasserstein": -1.84, "critic/gradient_norm": 3.0}, 258.0, 312.0, width
    )
    assert max(len(first), len(second)) <= width
    assert first.startswith("1024 fade")
    assert second == "critic wasserstein −1.84"
    if width == 100:
        assert " 64 %  alpha 0.64  5,132,000 images  258/s  5:12 left" in first
        # 8,012,000 images in all; 5,132,000 of them fill 64 % of a bar that is left 32 places.
        assert first.count("━") == 20


def test_terms_that_do_not_fit_are_left_out_whole_and_players_named_once() -> None:
    terms = {"critic/real": 0.7, "critic/fake": -0.25, "generator/fake": 3.0}
    lines = [
        figures.status_lines(AT, PLAN, terms, 258.0, 312.0, width)[1] for width in (100, 30, 20)
    ]
    assert lines == [
        "critic real 0.7  fake −0.25  generator fake 3",
        "critic real 0.7  fake −0.25",
        "critic real 0.7",
    ]


class Stream(io.TextIOWrapper):
    def __init__(self, encoding: str) -> None:
        super().__init__(io.BytesIO(), encoding=encoding, write_through=True)

    @property
    def text(self) -> str:
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode(self.encoding)


def test_signs_a_terminal_lacks_become_something_near(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Stream("ascii"))
    streams.say("64 × 64 … −1 ± 2 → 猫 \udcff")
    assert sys.stdout.text == "64 x 64 ... -1 +- 2 -> \\u732b \\udcff\n"  # type: ignore[attr-defined]
    monkeypatch.setattr(sys, "stdout", Stream("cp1252"))
    streams.say("64 × 64 − 1 猫")
    assert sys.stdout.text == "64 × 64 - 1 \\u732b\n"  # type: ignore[attr-defined]


def test_prepared_streams_take_any_text(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, Stream("ascii"))
    streams.prepare_streams()
    print("4 × 4, 猫", file=sys.stderr)  # noqa: T201
    assert sys.stderr.text == "4 x 4, \\u732b\n"  # type: ignore[attr-defined]


def test_a_signal_in_the_middle_of_a_line_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    class Busy(Stream):
        def write(self, text: str) -> int:
            raise RuntimeError("reentrant call inside <_io.BufferedWriter>")

    monkeypatch.setattr(sys, "stdout", Busy("utf-8"))
    streams.say("stopping")


def test_long_lines_are_broken_between_words_under_their_head(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    screen.Face(live=False).line(
        "Data", "1,284 pictures used of 1,291  (3 unreadable, 4 too small)"
    )
    assert capsys.readouterr().out == (
        "Data     1,284 pictures used of 1,291\n         (3 unreadable, 4 too small)\n"
    )


def test_plain_lines_come_at_intervals_and_decisions_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [100.0]
    monkeypatch.setattr(screen.time, "monotonic", lambda: now[0])
    face = screen.Face(live=False)
    face.hear(Started(PLAN, AT))
    face.hear(Stepped(AT, {"critic/x": 1.0}, 3.0, 258.0))
    assert capsys.readouterr().out == ""
    now[0] += 11
    face.hear(Stepped(AT, {}, 3.0, 258.0))
    face.hear(Stepped(AT, {}, 3.0, 258.0))
    assert capsys.readouterr().out == (
        "1024 fade 64 %  alpha 0.64  5,132,000 images  258/s\n        critic x 1\n"
    )
    face.hear(Decided(5, "skip", "A step was skipped."))
    face.hear(Decided(5, "plan", "not news: it stands in the table"))
    face.hear(Ended(AT, "done"))
    assert capsys.readouterr().out == "Note     A step was skipped.\n"


def test_what_to_type_next_is_quoted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "猫 画像 #1"
    (run / "review").mkdir(parents=True)
    (run / "model").mkdir()
    quality = [{"metric": "swd", "level": "mean", "value": 21.43, "interval": 0.6, "floor": 7.9}]
    (run / "review" / "review.json").write_text(json.dumps({"quality": quality}))
    screen.Face(live=False).summary(run, 10, 588.0)
    printed = capsys.readouterr().out
    assert "Done in 9 min 48 s." in printed
    assert "SWD 21.4 ± 0.6 (reals against reals 7.9)" in printed
    assert f"progan sample '{run}' --grid 8x8" in printed
    assert f"progan resume '{run}' --minutes 20" in printed


def test_nobody_is_told_to_sample_what_draws_nothing_from_noise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Such a run leaves no model."""
    screen.Face(live=False).summary(tmp_path, 10, 588.0)
    printed = capsys.readouterr().out
    assert "look" in printed
    assert "progan sample" not in printed


@pytest.mark.parametrize(
    ("directions", "asked"),
    [
        ({"ab": ["a", "b"], "ba": ["b", "a"]}, "translate RUN PICTURES"),
        ({"paint": ["layouts", "pictures"]}, "translate RUN MAPS"),
        ({}, "sample RUN --grid 8x8"),
    ],
)
def test_the_next_command_names_what_a_model_takes(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    directions: dict[str, list[str]],
    asked: str,
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text(json.dumps({"directions": directions}))
    screen.Face(live=False).summary(tmp_path, 10, 588.0)
    assert f"progan {asked.replace('RUN', str(tmp_path))}" in capsys.readouterr().out


def test_a_missing_or_damaged_review_only_leaves_its_number_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "review").mkdir()
    for text in ("", "[]", '{"quality": [{}]}', '{"quality": 3}'):
        (tmp_path / "review" / "review.json").write_text(text)
        screen.Face(live=False).summary(tmp_path, 10, 1.0)
        assert "SWD" not in capsys.readouterr().out


def test_time_counts_from_the_start_of_the_process_unless_it_is_old(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(screen, "_age", lambda pid: 2.5)
    assert time.monotonic() - screen.process_began() == pytest.approx(2.5, abs=0.5)
    for age in (screen.LONGEST_START + 1, -1.0):  # a shell that became the command; no telling
        monkeypatch.setattr(screen, "_age", lambda pid, age=age: age)
        assert time.monotonic() - screen.process_began() == pytest.approx(0, abs=0.5)
