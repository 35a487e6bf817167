"""Stopping gently: the first signal asks, the second leaves at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

__all__ = ["StopOnSignals"]


class StopOnSignals:
    """While entered, SIGINT, SIGTERM and SIGHUP ask the run to save and stop.

    The first one sets `signal`; the next leaves the process at once. The exit status is 130 after
    SIGINT and 143 otherwise, as a shell would report it.
    """

    def __init__(self, tell: Callable[[], None] = lambda: None) -> None:
        self.signal: int | None = None
        self.tell = tell
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopOnSignals:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                self._before[number] = signal.signal(number, self._hear)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def __call__(self) -> bool:
        """Whether the run should stop."""
        return self.signal is not None

    @property
    def exit_code(self) -> int:
        """What the process should exit with after stopping."""
        return 130 if self.signal == signal.SIGINT else 143

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None:
            os._exit(130 if number == signal.SIGINT else 143)
        self.signal = number
        self.tell()
