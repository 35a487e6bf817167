"""How several processes meet, wait for the first one, and end together.

The launcher's store, a small table of words that all processes can read, stands beside the
group that computes. So a process can wait for the first one as long as it takes, while the
group's own operations have a limit of time; and whoever ends early leaves its exit code there.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

from progan.core.errors import TrainingError
from progan.core.launch import LostError, ToldError, launched

__all__ = [
    "PATIENCE",
    "claim",
    "end_of_others",
    "join",
    "joined",
    "leave",
    "part",
    "together",
    "wait_for",
]

PATIENCE = timedelta(minutes=10)
"""How long a process waits for the others in one operation of the group."""
GRACE = 3.0
"""Seconds in which a process that cannot reach another learns what became of it."""
STOPPING = PATIENCE.total_seconds()
"""Seconds for which the others leave the first one time to finish a stopped run."""
END = "end"


class _Here:
    """What this process knows of the meeting."""

    launcher: Any = None
    """The store of the launcher; a process may meet the others more than once."""
    meetings = 0
    store: Any = None
    """Its part for this meeting."""
    rank = 0
    world = 1
    waits = 0


def join() -> None:
    """Meet the processes that the launcher started; nothing where this one is alone.

    Tensors on the CPU travel by gloo, on CUDA by NCCL. Raises TrainingError when not all come.
    """
    here = launched()
    if here is None or dist.is_initialized():
        return
    _Here.rank, _Here.world = here.rank, here.world
    nccl = torch.cuda.is_available() and dist.is_nccl_available()
    untyped: Any = dist
    try:
        if _Here.launcher is None:
            _Here.launcher, _, _ = next(untyped.rendezvous("env://", timeout=PATIENCE))
        _Here.meetings, _Here.waits = _Here.meetings + 1, 0
        mine = untyped.PrefixStore(f"progan/{_Here.meetings}", _Here.launcher)
        _Here.store = untyped.PrefixStore("words", mine)
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if nccl else "gloo",
            store=untyped.PrefixStore("group", mine),
            rank=here.rank,
            world_size=here.world,
            timeout=PATIENCE,
        )
    except (RuntimeError, ValueError) as error:
        raise TrainingError(
            f"Process {here.rank} of {here.world} did not meet the others at "
            f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}: {_short(error)} Start all "
            f"of them: torchrun --nproc-per-node {here.local_world} -m progan train FOLDER"
        ) from error


def joined() -> bool:
    """Whether this process has met others by `join`."""
    return _Here.store is not None


def wait_for(first: bool) -> None:
    """The first process says that it has come so far; the others wait for that, without limit."""
    if _Here.store is None:
        return
    _Here.waits += 1
    word, pause = f"first/{_Here.waits}", 0.01
    try:
        if first:
            _Here.store.set(word, "")
        while not _Here.store.check([word]):
            if (code := _ended()) is not None:
                raise ToldError(code)
            time.sleep(pause)
            pause = min(0.25, 1.2 * pause)
    except RuntimeError as error:
        raise LostError(f"Process {_Here.rank} of {_Here.world} lost the first one.") from error


@contextmanager
def together() -> Iterator[None]:
    """Around an operation of the group: where it fails, another process has ended.

    Raises ToldError when that process said why, and LostError when it did not.
    """
    try:
        yield
    except RuntimeError as error:
        raise _lost(error) from error


def _lost(error: RuntimeError) -> Exception:
    if _Here.store is None:
        return LostError(f"Another process ended: {_short(error)}")
    unknown = LostError(f"The {_Here.world} processes lost each other: {_short(error)}")
    try:
        _Here.store.set(f"left/{_Here.rank}", "")
        if (code := end_of_others(GRACE)) is not None:
            return ToldError(code)
        gone = [r for r in range(_Here.world) if not _Here.store.check([f"left/{r}"])]
        if _Here.rank != min(set(range(_Here.world)) - set(gone)):
            return ToldError(end_of_others(GRACE) or LostError.exit_code)
    except RuntimeError:
        return unknown
    if not gone:
        return unknown
    who = f"Process {gone[0]}" if len(gone) == 1 else f"Processes {', '.join(map(str, gone))}"
    return LostError(f"{who} of {_Here.world} ended without a word.")


def end_of_others(seconds: float) -> int | None:
    """The exit code that another process left, if it does so within `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            code = _ended()
        except RuntimeError:  # the store is gone, and whoever kept it
            return None
        if code is not None or time.monotonic() >= deadline:
            return code
        time.sleep(0.05)


def _ended() -> int | None:
    if _Here.store is None or not _Here.store.check([END]):
        return None
    return int(_Here.store.get(END))


def claim(code: int) -> None:
    """Tell the others that this process ends with `code`, and has told why."""
    with suppress(RuntimeError):
        if _Here.store is not None and _ended() is None:
            _Here.store.set(END, str(code))


def part() -> None:
    """Leave the group when nothing is left to do together; all processes do so at once."""
    if _Here.store is not None and dist.is_initialized():
        dist.destroy_process_group()


def leave(code: int) -> None:
    """End this process's part of the meeting with its exit code.

    In the midst of work the process ends here and now: the group cannot be left in order.
    """
    if _Here.store is None:
        return
    if code:
        if _Here.rank:
            end_of_others(STOPPING)
        claim(code)
    if dist.is_initialized():
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


def _short(error: Exception) -> str:
    return f"{' '.join(str(error).split())[:160]}"
