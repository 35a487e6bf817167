"""Where a session talks to. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from progan.core.plan import Plan
from progan.engine.events import Event, Listener

__all__ = ["Onlooking", "Screen"]


class Screen(Listener, Protocol):
    """Hears how a run is prepared, and then how it goes."""

    def line(self, head: str, text: str) -> None:
        """A line under a head such as Data or Machine; an empty head goes on with the last."""
        ...

    def building(self, done: int, total: int) -> None:
        """Pictures read so far."""
        ...

    def encoding(self, done: int, total: int) -> None:
        """Captions that have become vectors."""
        ...

    def plan(self, title: str, plan: Plan, rates: Mapping[int, float], finish: float) -> None:
        """The plan as a table; `finish` are the seconds kept for the report."""
        ...


class Onlooking:
    """The screen of a process that is not the first: it shows nothing."""

    def line(self, head: str, text: str) -> None:
        """Nothing."""

    def building(self, done: int, total: int) -> None:
        """Nothing."""

    def encoding(self, done: int, total: int) -> None:
        """Nothing."""

    def plan(self, title: str, plan: Plan, rates: Mapping[int, float], finish: float) -> None:
        """Nothing."""

    def hear(self, event: Event) -> None:
        """Nothing."""
