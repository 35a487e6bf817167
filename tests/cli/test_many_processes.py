"""The verbs under torchrun: they train as one process does, and end alike whatever happens."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from cli.pair_worker import MANY, by_block
from progan.assemble.sampling import stream
from progan.cli.app import run
from progan.core import distributed
from progan.core.config import read_recipe
from progan.core.errors import ConfigError
from progan.core.launch import cores
from progan.engine import choice
from progan.engine.checkpoint import newest_valid
from progan.engine.record import Onlooker
from progan.extractors.trained import Classifier, Facts, save_trained
from small_world import environment, weights

# One worker of pytest-xdist for all of them: they share runs.
pytestmark = [
    pytest.mark.xdist_group("torchrun"),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc"),
]

TESTS = Path(__file__).parents[1]
IMAGES = 450
WORDS = [
    *("train", "portraits", "--images", str(IMAGES), "--resolution", "8", "--device", "cpu"),
    *("--set", "data.images=64", "--set", "fmap_max=8", "--set", "latent_size=8"),
    *("--set", "batch={4: 9}", "--set", "train.previews=4", "--set", "train.threads=1"),
    *("--set", "train.precision=fp32", "--name", "faces"),
]


@dataclass(frozen=True)
class Ended:
    """How a command under torchrun ended, and what each process printed."""

    code: int
    out: list[str]
    err: list[str]


class Torchrun:
    """A command under torchrun, while it goes on."""

    def __init__(
        self,
        here: Path,
        *words: str | Path,
        processes: int = 2,
        program: tuple[str, ...] = ("-m", "progan"),
    ) -> None:
        self.logs = here / f"logs-{time.monotonic_ns()}"
        start = ["--standalone", "--nproc-per-node", str(processes)]
        to_files = ["--log-dir", str(self.logs), "--redirects", "3"]
        command = ["-m", "torch.distributed.run", *start, *to_files, *program]
        self.processes = processes
        self.process = subprocess.Popen(
            [sys.executable, *command, *map(str, words)],
            env=with_tests(GLOO_SOCKET_IFNAME="lo"),
            cwd=here,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Torchrun:
        return self

    def __exit__(self, *error: object) -> None:
        """Leave none of the processes behind, whatever a test found."""
        if self.process.poll() is None:
            self.process.terminate()  # and it ends the others
            self.process.wait(timeout=60)

    def end(self) -> Ended:
        """Wait for the end."""
        with self:
            code = self.process.wait(timeout=120)
        said = [
            [text(next(self.logs.rglob(f"{rank}/{name}.log"))) for rank in range(self.processes)]
            for name in ("stdout", "stderr")
        ]
        return Ended(code, *said)

    def pid(self, rank: int) -> int:
        """The process of a rank."""
        for place in Path("/proc").glob("[0-9]*"):
            try:
                parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
                words = (place / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if parent == self.process.pid and f"RANK={rank}".encode() in words:
                return int(place.name)
        raise AssertionError(f"no process of rank {rank}")


def with_tests(**more: str) -> dict[str, str]:
    """The environment of a process that finds what tests share."""
    found = environment(**more)
    return {**found, "PYTHONPATH": os.pathsep.join((found["PYTHONPATH"], str(TESTS)))}


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def alone(*words: str | Path) -> None:
    """Do a command in this process, without what comes after training."""
    from progan.assemble.training import session

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "finish_run", lambda *given, **named: None)
        assert run([str(word) for word in words]) == 0


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run as one process makes it, with two shards."""
    here = tmp_path_factory.mktemp("one")
    alone(*WORDS, "--set", "train.shards=2", "--runs", here / "runs")
    return here / "runs" / "faces"


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended]:
    """A run on two processes whose second was killed after the first stage."""
    here = tmp_path_factory.mktemp("two")
    folder = here / "runs" / "faces"
    deadline = time.monotonic() + 100
    victim = 0
    with Torchrun(here, *WORDS) as going:
        while not list(folder.glob("checkpoints/0000*[1-9]*.safetensors")):
            assert going.process.poll() is None, going.end()
            assert time.monotonic() < deadline
            if not victim and folder.is_dir():
                victim = going.pid(1)
            time.sleep(0.01)
        os.kill(victim, signal.SIGKILL)
        return folder, going.end()


def test_a_death_is_told_once_with_the_way_on(killed: tuple[Path, Ended]) -> None:
    folder, ended = killed
    assert ended.code != 0
    told = (
        "Process 1 of 2 ended without a word. What was saved is intact. Go on from there, with as "
        "many processes or one: progan resume runs/faces\n"
    )
    assert ended.err == [told, ""]
    assert "2 processes × 1 thread" in ended.out[0]
    assert ended.out[1] == ""
    assert newest_valid(folder / "checkpoints")[2]["counters"]["images"] < IMAGES
    assert read_recipe(folder / "recipe.lock.yaml").train.shards == 2
    assert "shards" not in text(folder / "recipe.yaml")  # chosen, not asked


def test_one_process_finishes_what_two_began(
    killed: tuple[Path, Ended], one: Path, tmp_path: Path
) -> None:
    shutil.copytree(killed[0].parent, tmp_path / "runs")
    alone("resume", tmp_path / "runs" / "faces")
    assert weights(tmp_path / "runs" / "faces") == weights(one)


@pytest.fixture(scope="module")
def pair(
    killed: tuple[Path, Ended], one: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[int], list[tuple[str, str]]]:
    """What two processes left, met by the environment alone: see the worker for what they do.

    Their folder, their exit codes, and what they printed.
    """
    here = tmp_path_factory.mktemp("pair")
    shutil.copytree(killed[0].parent, here / "runs")
    shutil.copytree(one, here / "one")
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        port = str(any_port.getsockname()[1])
    meet = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "GLOO_SOCKET_IFNAME": "lo"}
    worker = str(Path(__file__).with_name("pair_worker.py"))
    running = [
        subprocess.Popen(
            [sys.executable, worker, "runs/faces", "one"],
            env=with_tests(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE="2", **meet),
            cwd=here,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        said = [process.communicate(timeout=240) for process in running]
    finally:
        for process in running:
            process.kill()
    return here, [process.returncode for process in running], said


def test_processes_agree_wait_and_end_as_one(
    pair: tuple[Path, list[int], list[tuple[str, str]]],
) -> None:
    _, codes, said = pair
    told = "Only the second process has this error: progan data check cats\n"
    assert [err for _, err in said] == ["", told]
    assert codes == [3, 3]
    assert said[1][0] == ""


def test_two_processes_finish_what_they_began(
    pair: tuple[Path, list[int], list[tuple[str, str]]], one: Path
) -> None:
    run = pair[0] / "runs" / "faces"
    assert weights(run) == weights(one)
    assert text(run / "metrics.jsonl") == text(one / "metrics.jsonl")


def files(place: Path) -> dict[str, bytes]:
    """A file, or all of a folder."""
    found = sorted(place.iterdir()) if place.is_dir() else [place]
    return {path.name: path.read_bytes() for path in found}


def test_two_processes_draw_what_one_does(
    pair: tuple[Path, list[int], list[tuple[str, str]]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here, _, said = pair
    monkeypatch.chdir(here)
    monkeypatch.setattr(choice, "batch_for", lambda network, device: 8)
    monkeypatch.setattr(stream, "draw", by_block)
    assert said[0][0].count("Again: progan sample one ") == len(MANY) + 2
    assert "Stopped at 48 of 101 pictures; they stay. Go on: progan sample one --n" in said[0][0]
    with zipfile.ZipFile(here / "faces.zip") as archive:
        drawn = {name: archive.read(name) for name in archive.namelist()}
    note = {"sample.json": (here / "stopped" / "sample.json").read_bytes()}
    assert files(here / "stopped") == {**drawn, **note}
    backend = json.loads(text(here / "faces" / "sample.json"))["backend"]
    threads = torch.get_num_threads()
    torch.set_num_threads(cores(2))  # as each of the two had
    try:
        for place, count, *how in MANY:
            chosen = [] if how else ["--backend", backend]
            to = tmp_path / place
            words = ["--n", count, "--device", "cpu", *how, *chosen]
            assert run(["sample", "one", str(to), *words]) == 0
            assert files(here / place) == files(to)
    finally:
        torch.set_num_threads(threads)
    assert not [path.name for path in here.rglob("*.tmp-*")]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended]:
    """A program in Python on two processes, the second of which is killed as they write a zip."""
    here = tmp_path_factory.mktemp("python")
    program = (str(Path(__file__).with_name("python_worker.py")),)
    deadline = time.monotonic() + 100
    with Torchrun(here, program=program) as going:
        while not any(path.stat().st_size > 100_000 for path in here.glob(".faces.zip.tmp-*")):
            assert going.process.poll() is None, going.end()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.kill(going.pid(1), signal.SIGKILL)
        return here, going.end()


def test_a_program_in_python_trains_on_all_processes_and_all_go_on(
    python: tuple[Path, Ended], one: Path
) -> None:
    here, ended = python
    assert weights(here / "runs" / "faces") == weights(one)
    first = f"runs/faces {IMAGES} True"
    assert ended.out[0].splitlines()[0] == first
    assert ended.out[1].splitlines() == [first]
    for name in ("metrics.jsonl", "model/model.safetensors", "timeline.webp"):
        assert (here / "runs" / "faces" / name).is_file()


def test_a_death_among_those_who_draw_is_told_once_and_leaves_nothing_half_written(
    python: tuple[Path, Ended],
) -> None:
    here, ended = python
    assert ended.code != 0
    told = (
        "Process 1 of 2 ended without a word. faces.zip was given up. Again: progan sample RUN "
        "faces.zip --n 9000000\n"
    )
    assert ended.err == [told, ""]
    assert not [path.name for path in here.iterdir() if "faces.zip" in path.name]


@pytest.mark.slow
def test_a_signal_to_the_launcher_saves_and_stops_all(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "faces"
    deadline = time.monotonic() + 100
    longer = ["20000" if word == str(IMAGES) else word for word in WORDS]
    with Torchrun(tmp_path, *longer) as going:
        while not (run / "timing.jsonl").exists():  # the first step is played
            assert going.process.poll() is None, going.end()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        going.process.send_signal(signal.SIGTERM)
        ended = going.end()
    assert ended.err == ["", ""]
    assert ended.out[1] == ""
    images = newest_valid(run / "checkpoints")[2]["counters"]["images"]
    assert 0 < images < 20_000
    stopped = f"Stopped after saving at {images:,} images. Continue: progan resume runs/faces\n"
    assert ended.out[0].endswith(stopped)
    assert (run / "report.html").is_file()


@pytest.mark.slow
def test_two_processes_measure_what_one_does(one: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    names = ("a", "b")
    blank = tmp_path / "blank.safetensors"
    facts = Facts(
        **{"side": 16, "channels": 3, "classes": names, "data": "none", "data_fingerprint": ""},
        **{"test": "none", "test_fingerprint": "", "seed": 0, "images": 0, "trained_on": 0},
        **{"tested_on": 0, "accuracy": 0.5},
    )
    save_trained(blank, Classifier(16, 3, 2), facts)
    # 64 reals are one block, and 192 fakes of the Inception score three, for two processes
    features = ("--metrics", "swd,is,fd", "--extractor", str(blank))
    words = ("--images", "192", "--repeats", "2", *features, "--device", "cpu")
    assert run(["evaluate", str(one), *words, "--json", str(tmp_path / "one.json")]) == 0
    ended = Torchrun(tmp_path, "evaluate", one, *words, "--json", "two.json").end()
    assert (ended.code, ended.err) == (0, ["", ""])
    assert ended.out[1] == ""
    found = [json.loads(text(tmp_path / name))["evaluated"][0] for name in ("one.json", "two.json")]
    for one_report in (evaluated["report"] for evaluated in found):
        assert one_report.pop("seconds") > 0
    assert found[0] == found[1]


def test_an_onlooker_leaves_a_folder_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"images": 9}\n')
    folder = Onlooker(tmp_path)
    folder.lock()
    folder.cut_back(1)
    folder.append("metrics.jsonl", {"images": 10})
    folder.decide(10, "skip", "a step")
    folder.write("report.html", "x")
    folder.write_json("data.json", {})
    folder.unlock()
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.jsonl"]
    assert text(tmp_path / "metrics.jsonl") == '{"images": 9}\n'


def test_other_verbs_are_the_first_ones_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = {"WORLD_SIZE": "2", "LOCAL_RANK": "0", "MASTER_ADDR": "here", "MASTER_PORT": "1"}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    for words in ([], ["describe"], ["train", "--help"], ["sample", "--n", "3", "--help"]):
        for rank in (0, 1):
            monkeypatch.setenv("RANK", str(rank))
            assert run(words) == 0
            assert bool(capsys.readouterr().out) == (rank == 0)


def test_a_wrong_word_is_told_by_the_first_process_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = {"WORLD_SIZE": "2", "LOCAL_RANK": "0", "MASTER_ADDR": "here", "MASTER_PORT": "1"}
    for name, value in words.items():
        monkeypatch.setenv(name, value)
    for wrong in (["train", "--minuts", "3"], ["train", "cats", "--minutes", "-1"]):
        for rank, lines in ((0, 1), (1, 0)):
            monkeypatch.setenv("RANK", str(rank))
            assert run(wrong) == 2
            assert len(capsys.readouterr().err.splitlines()) == lines


@pytest.mark.parametrize(
    ("shards", "counts"), [(3, "1 or 3"), (1, "1"), (12, "1 or 2 or 3 or 4 or 6 or 12")]
)
def test_a_wrong_number_of_processes_is_told_with_those_that_work(
    shards: int, counts: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distributed, "world", lambda: 5)
    with pytest.raises(ConfigError, match=f"goes on with {counts}, and a new one with a multiple"):
        distributed.owned(shards)


@pytest.mark.slow
def test_a_wrong_number_of_processes_is_told_once(tmp_path: Path) -> None:
    ended = Torchrun(tmp_path, *WORDS, "--set", "train.shards=3").end()
    told = ended.err[0]
    assert ended.code != 0
    assert told.startswith("3 shards cannot be shared by 2 processes; this run goes on with 1 or 3")
    assert told.count("\n") == 1
    assert ended.err[1] == ""
    assert ended.out == ["", ""]
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(("does", "code", "said"), [("print('told')", 0, "told\n"), ("", 143, "")])
def test_the_launchers_signal_leaves_time_for_last_words(does: str, code: int, said: str) -> None:
    """What is still to be told is told; who has nothing to tell ends by itself."""
    script = f"""
import os, signal, time
from progan.cli import processes
processes.LAST_WORDS = 0.2 if not {does!r} else 60
processes.take_time()
os.kill(os.getpid(), signal.SIGTERM)
{does or "time.sleep(60)"}
"""
    group = {"RANK": "0", "WORLD_SIZE": "2", "LOCAL_RANK": "0", "MASTER_ADDR": "x"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=with_tests(**group, MASTER_PORT="1"),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (code, said)
