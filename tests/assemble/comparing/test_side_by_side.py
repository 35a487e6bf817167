from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from progan.assemble.comparing.side_by_side import Ended, Job, side_by_side
from progan.core.launch import BESIDE, cores


class Play:
    """Plays jobs, and notes who began and ended when."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.heard = folder, list[str]()

    def job(self, name: str, **asked: Any) -> Job:
        makes = self.folder / name
        told = {"name": name, "makes": str(makes), **asked}
        return Job(name=name, asked=told, log=self.folder / "logs" / f"{name}.txt", makes=makes)

    def __call__(self, *jobs: Job, at_once: int = 2) -> tuple[dict[str, Ended], int]:
        never = str(self.folder / "never")
        found, code = side_by_side(
            jobs,
            "side_worker",
            at_once,
            company=lambda number: self.job(f"company-{number}", until=never),
            began=lambda job: self.heard.append(f"{job.name} begins"),
            ended=lambda end: self.heard.append(f"{end.job.name} ends"),
        )
        return {end.job.name: end for end in found}, code


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(tmp_path)


def test_so_many_run_at_a_time_and_the_next_begins_when_one_ends(play: Play) -> None:
    until = str(play.folder / "c")  # a waits for c, which can begin only once b has ended
    found, code = play(play.job("a", until=until), play.job("b"), play.job("c"))
    assert set(found) == {"a", "b", "c"}
    assert code == 0
    assert play.heard[:4] == ["a begins", "b begins", "b ends", "c begins"]


def test_each_has_its_share_of_the_cores_and_is_no_ones_rank(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.delenv("OMP_NUM_THREADS")
    found, _ = play(play.job("a", tell=["RANK", BESIDE, "OMP_NUM_THREADS"]), at_once=1)
    share = {"RANK": None, BESIDE: "1", "OMP_NUM_THREADS": str(cores())}
    assert found["a"].answer == {"seen": share}


def test_two_side_by_side_have_half_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = cores()
    monkeypatch.setenv(BESIDE, "2")
    assert cores() == max(1, whole // 2)
    monkeypatch.setenv(BESIDE, "1000000")
    assert cores() == 1


def test_how_each_ended_is_given_and_its_lines_are_kept(play: Play) -> None:
    found, code = play(play.job("a", code=6), play.job("b", dies=True))
    assert (found["a"].code, found["b"].code, code) == (6, -signal.SIGKILL, 0)
    assert found["b"].answer == {}
    assert found["a"].job.log.read_text() == "a was here\n"
    play(play.job("c"))
    (play.folder / "a").rmdir()
    play(play.job("a"))
    assert found["a"].job.log.read_text() == "a was here\na was here\n"


def test_the_last_one_has_company_that_leaves_nothing(play: Play) -> None:
    met = str(play.folder / "company-1")
    found, _ = play(play.job("a"), play.job("b", until=met))
    assert found["b"].seconds < 25  # it did not wait in vain
    assert not Path(met).exists()
    assert sorted(path.name for path in play.folder.iterdir()) == ["a", "b", "logs"]
    assert sorted(path.name for path in (play.folder / "logs").iterdir()) == ["a.txt", "b.txt"]


def test_a_companion_that_fails_is_not_begun_again(play: Play) -> None:
    begun: list[int] = []

    def company(number: int) -> Job:
        begun.append(number)
        return play.job(f"company-{number}", code=6)

    late = play.folder / "late"
    threading.Timer(1.0, late.touch).start()
    side_by_side([play.job("a", until=str(late))], "side_worker", 2, company=company)
    assert begun == [1]


def test_a_signal_stops_all_of_them_once_and_nobody_begins_any_more(play: Play) -> None:
    ready = [play.folder / "a", play.folder / "b"]
    never = str(play.folder / "never")

    def interrupt() -> None:
        while not all(path.exists() for path in ready):
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    threading.Thread(target=interrupt).start()
    jobs = [play.job(name, until=never) for name in "abc"]
    found, code = play(*jobs)
    assert code == 130
    assert {name: end.code for name, end in found.items()} == {"a": 130, "b": 130}
    assert "c begins" not in play.heard
    assert signal.getsignal(signal.SIGINT) == before


def test_a_training_stops_when_who_started_it_is_gone() -> None:
    code = (
        "import threading, time; from progan.cli.contestant import _leave_when_alone as leave; "
        "threading.Thread(target=leave, daemon=True).start(); time.sleep(30)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(b"more\n")
    process.stdin.close()
    assert process.wait() == -signal.SIGTERM
