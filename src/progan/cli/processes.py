"""One of several processes, as torchrun starts them: who talks, and how all end alike.

    torchrun --nproc-per-node 2 -m progan train FOLDER

The first process does the talking. An error is told once, by the process it came to, or by the
first one where it came to all; every process ends with its exit code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from progan.core.errors import ProganError, TrainingError
from progan.core.launch import ToldError, launched

if TYPE_CHECKING:
    from collections.abc import Mapping

    from progan.core.plan import Plan
    from progan.engine.events import Event

__all__ = ["Onlooking", "answer", "claim", "idle", "join", "leave"]

TOGETHER = ("train", "demo", "resume", "evaluate")
"""Verbs that several processes carry out; all others are the first one's alone."""
A_MOMENT = 1.5
"""Seconds in which the first process tells an error that came to all."""


class Onlooking:
    """The screen of a process that is not the first: it shows nothing."""

    def line(self, head: str, text: str) -> None:
        """Nothing."""

    def building(self, done: int, total: int) -> None:
        """Nothing."""

    def plan(self, title: str, plan: Plan, rates: Mapping[int, float], finish: float) -> None:
        """Nothing."""

    def hear(self, event: Event) -> None:
        """Nothing."""


def idle(arguments: Sequence[str]) -> bool:
    """Whether this process has nothing to do in a command that the first one carries out."""
    here = launched()
    if here is None or here.rank == 0:
        return False
    return not set(arguments[:1]) & set(TOGETHER) or bool({"-h", "--help"} & set(arguments))


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


def leave(code: int) -> None:
    """End with `code`, as one of several processes where there are several."""
    if launched() is not None:
        from progan.core import meeting

        meeting.leave(code)
