"""One decoding child process, seen from its parent (`worker` is the other side)."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from progan.data.records import Frame
from progan.data.sources.base import Source, recipe_of
from progan.data.worker import HEAD

__all__ = ["NONSENSE", "Child", "ChildDiedError"]

NONSENSE = "the decoder answered nonsense"

WALL_SECONDS = 120
"""A child that says nothing for so long is ended, and its picture listed."""
START_SECONDS = 120
"""The same for a child that begins, or is in the midst of a message."""
MEMORY_BYTES = 2**30
"""Address space a child may take beyond what it begins with."""
CPU_SECONDS = 20
"""Processor time a single picture may take."""
LONGEST_WORDS = 2**16
BOOT = "import sys; sys.path[:] = {path!r}; from progan.data.worker import main; main()"


class ChildDiedError(Exception):
    """The child ended in the middle of a picture; carries the reason in words.

    `again`: whether another try may end otherwise.
    """

    def __init__(self, reason: str, *, again: bool = True) -> None:
        super().__init__(reason)
        self.again = again


class Child:
    """A running child and the pipes to it."""

    def __init__(self, source: Source, frame: Frame, stop: threading.Event) -> None:
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115  closed in `end`
        self.process = subprocess.Popen(
            [sys.executable, "-c", BOOT.format(path=sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            # Ctrl-C is for the parent to hear, which then ends its children in good order.
            process_group=0 if os.name == "posix" else None,
        )
        setup = {
            "reader": recipe_of(source.reader()),
            "frame": asdict(frame),
            "limits": {"bytes": MEMORY_BYTES, "seconds": CPU_SECONDS} if source.guarded else None,
        }
        try:
            self.ask(setup)
            self.hear(stop, START_SECONDS)
        except ChildDiedError as death:
            said = self.last_words()
            self.end()
            if stop.is_set():
                raise
            raise RuntimeError(f"the decoder cannot start: {death}\n{said}") from death
        except BaseException:
            self.end()
            raise

    def ask(self, words: object) -> None:
        """Send one line."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(words).encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            raise self.cause() from None

    def hear(
        self, stop: threading.Event, seconds: float | None = None
    ) -> tuple[dict[str, Any], bytes]:
        """The next message, words and pixels, begun within so many seconds."""
        head = self._exactly(HEAD.size, stop, seconds or WALL_SECONDS)
        words_size, payload_size = HEAD.unpack(head)
        if words_size > LONGEST_WORDS or payload_size > 2**31:
            raise ChildDiedError(NONSENSE)
        try:
            words = json.loads(self._exactly(words_size, stop))
        except (ValueError, RecursionError):
            words = None
        if not isinstance(words, dict):
            raise ChildDiedError(NONSENSE)
        return words, self._exactly(payload_size, stop)

    def _exactly(self, size: int, stop: threading.Event, seconds: float | None = None) -> bytes:
        assert self.process.stdout is not None
        pipe, got, deadline = self.process.stdout.fileno(), bytearray(), None
        while len(got) < size:
            ready, _, _ = select.select([pipe], [], [], 0.5)
            if not ready:
                now = time.monotonic()
                limit = seconds or START_SECONDS
                deadline = deadline or now + limit
                if stop.is_set() or now > deadline:
                    raise ChildDiedError(f"took more than {limit} seconds")
                continue
            piece = os.read(pipe, min(size - len(got), 2**20))
            if not piece:
                raise self.cause()
            got += piece
        return bytes(got)

    def cause(self) -> ChildDiedError:
        """Why the child ended."""
        try:
            code = self.process.wait(5)
        except subprocess.TimeoutExpired:
            return ChildDiedError("the decoder closed its pipe")
        if code == -signal.SIGXCPU:
            return ChildDiedError("took too much processor time to decode", again=False)
        if code < 0:
            return ChildDiedError(f"ended the decoder ({signal.Signals(-code).name})")
        last = self.last_words().strip().splitlines()
        if last and last[-1].startswith("MemoryError"):
            return ChildDiedError("needs too much memory", again=False)
        return ChildDiedError(f"ended the decoder (exit {code})")

    def last_words(self) -> str:
        """The end of what the child wrote to its standard error."""
        size = self.errors.seek(0, os.SEEK_END)
        self.errors.seek(max(0, size - 4000))
        return self.errors.read().decode("utf-8", "replace")

    def end(self) -> None:
        """Kill it, and close everything."""
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        self.process.wait()
        self.errors.close()
