"""One of several processes, as torchrun starts them: who talks, and how all end alike.

    torchrun --nproc-per-node 2 -m progan train FOLDER

The first process does the talking. An error is told once, by the process it came to, or by the
first one where it came to all; every process ends with its exit code.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Sequence
from types import FrameType

from progan.core.errors import ProganError, TrainingError
from progan.core.launch import ToldError, launched

__all__ = ["answer", "claim", "idle", "join", "leave", "part", "take_time"]

TOGETHER = {"train": "", "demo": "", "resume": "", "evaluate": "", "sample": "--n"}
"""Verbs that several processes carry out, with the option that makes them worth it, if there is
one; all others are the first one's alone."""
A_MOMENT = 1.5
"""Seconds in which the first process tells an error that came to all."""

LAST_WORDS = 20.0
"""Seconds after the launcher's SIGTERM in which an error can still be told, however slow the
machine; torchrun waits for 30 before it kills."""


def take_time() -> None:
    """Where there are several processes, end a while after SIGTERM and not at once.

    The launcher ends all of them as soon as one dies. The others have noticed by then, and one is
    about to say what happened and how to go on.
    """
    if launched() is not None and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _end_soon)


def _end_soon(number: int, frame: FrameType | None) -> None:
    last = threading.Timer(LAST_WORDS, os._exit, [128 + number])
    last.daemon = True
    last.start()


def idle(arguments: Sequence[str]) -> bool:
    """Whether this process has nothing to do in a command that the first one carries out."""
    here = launched()
    if here is None or here.rank == 0:
        return False
    words = {word.partition("=")[0] for word in arguments}
    shared = bool(arguments) and TOGETHER.get(arguments[0]) in ("", *words)
    return not shared or bool({"-h", "--help"} & words)


def join() -> bool:
    """Meet the other processes, where there are several; whether this one is the first."""
    here = launched()
    if here is None:
        return True
    from progan.core import meeting

    meeting.join()
    return here.rank == 0


def answer(error: Exception) -> int | None:
    """The exit code where another process tells what went wrong; None where this one must."""
    if isinstance(error, ToldError):
        return error.exit_code
    here = launched()
    if here is None or here.rank == 0:
        return None
    from progan.core import meeting

    if meeting.joined():
        return meeting.end_of_others(A_MOMENT)
    if isinstance(error, TrainingError):
        return None  # it could not even join
    return error.exit_code if isinstance(error, ProganError) else 2  # the same words came to all


def claim(code: int) -> None:
    """Let the others know that this process tells why it ends, with `code`."""
    if launched() is not None:
        from progan.core import meeting

        meeting.claim(code)


def part(code: int) -> int:
    """Leave the group at the end of what all do together; the largest of their exit codes."""
    if launched() is not None:
        from progan.core import distributed, meeting

        code = distributed.largest(code)[0]
        meeting.part()
    return code


def leave(code: int) -> None:
    """End with `code`, as one of several processes where there are several."""
    if launched() is not None:
        from progan.core import meeting

        meeting.leave(code)
