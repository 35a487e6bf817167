"""U7, U8, U16: what a run leaves behind, with whatever name, interrupted, and without a network."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from progan.cli.app import run as run_command
from progan.data.pyramid import Pyramid
from small_world import Cli, Said, draw_pictures, environment

TINY = [
    *("--resolution", "8", "--set", "fmap_max=8", "--set", "data.images=16"),
    *("--set", "train.threads=1", "--set", "train.previews=4"),
]
NAME = "猫 画像 #1"

ALWAYS = {
    *("recipe.yaml", "recipe.lock.yaml", "decisions.jsonl", "environment.json", "data.json"),
    *("data_report.txt", "log.txt", "metrics.jsonl", "timing.jsonl", "owner.lock"),
    *("pictures/real.png",),
}
FINISHED = ALWAYS | {
    *("timeline.webp", "report.html", "review/review.json"),
    *("model/model.safetensors", "model/config.json", "model/README.md"),
}


def offline() -> tuple[str, ...]:
    """What puts a command where there is no network; nothing where that is not allowed."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return ()
    tried = subprocess.run([unshare, "-rn", "true"], capture_output=True, check=False)
    return (unshare, "-rn") if tried.returncode == 0 else ()


def files(run: Path) -> set[str]:
    return {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}


def check_finished(run: Path) -> None:
    """Every file of a finished run is there, nothing unexpected, and what is text can be read."""
    found = files(run) - {"quality.jsonl"}  # where pictures are large enough to be measured
    assert found >= FINISHED
    kinds = {
        "checkpoints": r"[0-9]{9}\.safetensors",
        "pictures": r"real\.png|[0-9]{9}_[0-9]{3}px(_fade[01]\.[0-9]{2})?\.png",
        "review": r"[a-z]+(_[0-9a-z._]+)?\.(png|webp)",
    }
    for name in found - FINISHED:
        folder, _, inner = name.partition("/")
        assert re.fullmatch(kinds[folder], inner), name
    for folder in ("checkpoints", "pictures"):
        assert len([name for name in found if name.startswith(folder)]) >= 2
    for name in ("metrics.jsonl", "timing.jsonl", "decisions.jsonl"):
        assert [json.loads(line) for line in (run / name).read_text().splitlines()]
    page = (run / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"(src|href|poster|data)\s*=\s*[\"']?(https?:)?//", page)
    assert not re.search(r"url\(\s*[\"']?(https?:)?//|@import", page)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Said]:
    """A run on a folder with an awkward name, and what it printed."""
    here = tmp_path_factory.mktemp("trained")
    draw_pictures(here / NAME)
    words = ["train", NAME, "--images", "160", *TINY]
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(here),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = run_command(words)
    return here, Said(code, out.getvalue(), err.getvalue())


def test_a_finished_run_holds_everything_it_promises(trained: tuple[Path, Said]) -> None:
    here, said = trained
    assert (said.code, said.err) == (0, "")
    check_finished(here / "runs" / NAME)
    assert sorted(path.name for path in here.iterdir()) == ["runs", NAME]
    assert sorted(path.name for path in (here / "runs").iterdir()) == [".data", NAME]
    assert (here / "runs" / NAME / "recipe.yaml").read_text().startswith("system: progan\n")


def test_the_users_pictures_are_never_changed(trained: tuple[Path, Said], tmp_path: Path) -> None:
    here, _ = trained
    fresh = draw_pictures(tmp_path / "fresh")
    kept = {path.name: path.read_bytes() for path in (here / NAME).iterdir()}
    assert kept == {path.name: path.read_bytes() for path in fresh.iterdir()}


def test_the_plan_is_shown_before_and_the_next_commands_after(trained: tuple[Path, Said]) -> None:
    _, said = trained
    heads = [line.split()[0] for line in said.out.splitlines() if line and line[0] != " "]
    assert heads[:3] == ["Data", "Machine", "Plan"]
    assert heads[-1] == "Done"
    assert "6 pictures used of 6" in said.out
    assert re.search(r"^  8 +96 +32 ", said.out, re.MULTILINE)
    assert "\x1b" not in said.out


def test_the_printed_commands_work_on_an_awkward_name(
    trained: tuple[Path, Said], cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, said = trained
    monkeypatch.chdir(here)
    sampled = re.search(r"play +progan (.*)", said.out)
    assert sampled is not None
    assert cli(*shlex.split(sampled[1])[:2], "--seeds", "0", here / "out.png").code == 0
    assert cli("report", f"runs/{NAME}").code == 0
    assert cli("resume", f"runs/{NAME}").code == 2  # finished: says how to go on for longer
    (here / "out.png").unlink()


def start(words: list[str], here: Path, home: Path, wait_for: str) -> subprocess.Popen[bytes]:
    """Start training in a process of its own, and wait until a file of the run appears."""
    home.mkdir(exist_ok=True)
    child = subprocess.Popen(
        [*offline(), sys.executable, "-m", "progan", *words],
        env=environment(HOME=str(home)),
        cwd=here,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 120
    while not list((here / "runs").glob(f"*/{wait_for}")):
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return child


def test_ctrl_c_saves_and_resume_finishes(
    tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, home = tmp_path / "here", tmp_path / "home"
    here.mkdir()
    words = ["train", "portraits", "--images", "2000", "--name", "faces", *TINY]
    child = start(words, here, home, "pictures/real.png")
    child.send_signal(signal.SIGINT)
    printed, wrong = (text.decode() for text in child.communicate(timeout=120))
    assert child.returncode == 130, printed + wrong
    typed = re.search(r"Stopped after saving at ([0-9,]+) images. Continue: progan (.*)", printed)
    assert typed is not None, printed
    run = here / "runs" / "faces"
    assert files(run) >= ALWAYS
    assert (run / "checkpoints" / f"{int(typed[1].replace(',', '')):09d}.safetensors").is_file()
    assert list(home.iterdir()) == []  # nothing is kept there

    monkeypatch.chdir(here)
    said = cli(*shlex.split(typed[2]))
    assert (said.code, said.err) == (0, "")
    check_finished(run)


@pytest.mark.slow
def test_a_killed_run_is_resumed_and_finishes(tmp_path: Path, process: Cli) -> None:
    words = ["train", "portraits", "--images", "20000", "--name", "faces", *TINY]
    child = start(words, tmp_path, tmp_path / "home", "checkpoints/*.safetensors")
    child.send_signal(signal.SIGKILL)
    child.communicate(timeout=60)
    said = process("resume", tmp_path / "runs" / "faces")
    assert said.code == 0, said
    check_finished(tmp_path / "runs" / "faces")


@pytest.mark.slow
@pytest.mark.skipif(not offline(), reason="no network namespace may be made here")
def test_everything_works_without_a_network(tmp_path: Path, process: Cli) -> None:
    runs = ("--runs", tmp_path / "runs")
    words = ["train", "portraits", "--images", "160", "--name", "faces", *TINY, *runs]
    assert process(*words, before=offline()).code == 0
    run = tmp_path / "runs" / "faces"
    check_finished(run)
    for words in (
        ["sample", run, "--seeds", "0-3", tmp_path / "out.png"],
        ["report", run],
        ["evaluate", run, "--metrics", "swd", "--images", "16", "--repeats", "1"],
    ):
        said = process(*words, before=offline())
        assert said.code == 0, said


def test_two_runs_of_one_name_get_two_folders(
    trained: tuple[Path, Said], cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, _ = trained
    monkeypatch.chdir(here)
    taken = here / "runs" / NAME
    before = {name: (taken / name).stat().st_mtime_ns for name in files(taken)}
    pyramids = list((here / "runs" / ".data").glob("*/manifest.json"))
    assert [Pyramid.open(path.parent).count for path in pyramids] == [6]
    with monkeypatch.context() as patch:
        from progan.assemble.training import train as training

        def stop(*_: object) -> None:
            raise KeyboardInterrupt

        patch.setattr(training.Session, "choose_machine", stop)
        said = cli("train", NAME, "--images", "160", *TINY)
    assert said.code == 130
    assert "Stopped" in said.out
    assert (here / "runs" / f"{NAME}-2").is_dir()
    shutil.rmtree(here / "runs" / f"{NAME}-2")
    assert {name: (taken / name).stat().st_mtime_ns for name in files(taken)} == before
    assert len(list((here / "runs" / ".data").glob("*/manifest.json"))) == 1
