"""A screen for tests."""

from __future__ import annotations

import signal
from collections.abc import Mapping

from progan.core.plan import Plan
from progan.engine.events import Event, Stepped

__all__ = ["Quiet"]


class Quiet:
    """A screen that shows nothing, and may ask to stop at a step."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.stop_at = stop_at
        self.title = ""
        self.lines: list[str] = []

    def line(self, head: str, text: str) -> None:
        self.lines.append(f"{head} {text}")

    def building(self, done: int, total: int) -> None:
        pass

    def encoding(self, done: int, total: int) -> None:
        pass

    def plan(self, title: str, plan: Plan, rates: Mapping[int, float], finish: float) -> None:
        self.title = title

    def hear(self, event: Event) -> None:
        if isinstance(event, Stepped) and event.at.step == self.stop_at:
            signal.raise_signal(signal.SIGTERM)
