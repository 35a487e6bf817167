"""Several programs at a time on one machine, each in a process of its own with equal cores.

So many run at any moment. Where nothing waits any more and some still run, companions take the
free places, and are ended and thrown away when the last real one is done: whoever comes last has
no more of the machine than the first ones had.

A program gets one line of JSON on its standard input, and answers with one on its standard output;
what it prints goes to a file. Its input stays open as long as this process lives: where that ends
early, so does this one, and the program can stop in good order.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from progan.core.launch import alone_with
from progan.engine.stop import StopOnSignals

__all__ = ["Ended", "Job", "side_by_side"]

PAUSE = 0.05
"""Seconds between two looks at who has ended."""
BOOT = "import sys; sys.path[:] = {path!r}; from {module} import main; main()"


@dataclass(frozen=True, kw_only=True)
class Job:
    """What one program has to do."""

    name: str
    asked: Mapping[str, Any]
    """What it is told, as JSON."""
    log: Path
    """Where its lines go, after those of an earlier one."""
    makes: Path
    """The folder it makes: a companion's is thrown away."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a program ended."""

    job: Job
    code: int
    """Its exit code; below zero, the signal that ended it."""
    answer: Mapping[str, Any]
    """What it answered; nothing where it died."""
    seconds: float


class _Forwarded(StopOnSignals):
    """Each signal goes on to the programs: the first asks them to stop, the next ends them."""

    def __init__(self, tell: Callable[[int], None]) -> None:
        super().__init__()
        self.pass_on = tell

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self.signal = self.signal or number
        self.pass_on(number)


class _Running:
    """A program while it goes on."""

    def __init__(self, job: Job, module: str, at_once: int) -> None:
        self.job, self.began = job, time.monotonic()
        self.told = False
        """Whether a signal went on to it."""
        job.log.parent.mkdir(parents=True, exist_ok=True)
        with job.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", BOOT.format(path=sys.path, module=module)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=alone_with(at_once),
                # Ctrl-C is for this process to hear, which passes it on once.
                process_group=0 if os.name == "posix" else None,
            )
        assert self.process.stdin is not None
        with suppress(OSError):  # it died at once: its exit code says so
            self.process.stdin.write(json.dumps(dict(job.asked)).encode() + b"\n")
            self.process.stdin.flush()

    def ended(self) -> Ended | None:
        """How it ended; None while it goes on."""
        code = self.process.poll()
        if code is None:
            return None
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with suppress(OSError):
            self.process.stdin.close()
        with self.process.stdout as pipe:
            said = pipe.read()
        try:
            answer = json.loads(said)
        except ValueError:
            answer = None
        seconds = time.monotonic() - self.began
        found = answer if isinstance(answer, dict) else {}
        return Ended(job=self.job, code=code, answer=found, seconds=seconds)

    def tell(self, number: int) -> None:
        """Pass a signal on."""
        self.told = True
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    def end(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()
        self.ended()


def side_by_side(
    jobs: Sequence[Job],
    module: str,
    at_once: int,
    *,
    company: Callable[[int], Job] | None = None,
    began: Callable[[Job], None] = lambda job: None,
    ended: Callable[[Ended], None] = lambda end: None,
    stopping: Callable[[], None] = lambda: None,
) -> tuple[list[Ended], int]:
    """Do all `jobs`, `at_once` of them at any moment, each by `main()` of `module`.

    `company(k)` is the job of the k-th companion; None where nobody needs any. Gives how each
    ended, in the order in which they did, and 0; after a signal, which stops all of them, the exit
    code that a shell would report.
    """
    waiting, running, companions = list(jobs), list[_Running](), list[_Running]()
    found: list[Ended] = []
    made, alone = 0, False

    def pass_on(number: int) -> None:
        for one in running:
            one.tell(number)
        stopping()

    with _Forwarded(pass_on) as stop:
        try:
            while running or (waiting and not stop()):
                while waiting and len(running) + len(companions) < at_once and not stop():
                    began(waiting[0])
                    running.append(_Running(waiting.pop(0), module, at_once))
                free = at_once - len(running) - len(companions)
                while company and running and free > 0 and not (stop() or alone):
                    free -= 1
                    made += 1
                    companions.append(_Running(company(made), module, at_once))
                time.sleep(PAUSE)
                for one in running:
                    if stop.signal is not None and not one.told:  # the signal came as it began
                        one.tell(stop.signal)
                for one in list(companions):
                    gone = one.ended()
                    if gone is not None:
                        companions.remove(one)
                        _throw_away(one.job)
                        alone = (
                            alone or gone.code != 0
                        )  # what fails at once would do so again and again
                for one in list(running):
                    end = one.ended()
                    if end is not None:
                        running.remove(one)
                        found.append(end)
                        ended(end)
        finally:
            for one in companions:
                one.end()
                _throw_away(one.job)
            for one in running:  # something went wrong here: they stop in good order
                one.tell(signal.SIGTERM)
    return found, stop.exit_code if stop() else 0


def _throw_away(job: Job) -> None:
    """Leave nothing of a companion."""
    shutil.rmtree(job.makes, ignore_errors=True)
    job.log.unlink(missing_ok=True)
