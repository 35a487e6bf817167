"""What listeners hear. A listener may look, never steer: if it fails it is dropped, and logged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from progan.core.plan import Plan, Progress

__all__ = [
    "Decided",
    "Ended",
    "Event",
    "Listener",
    "Measured",
    "Pictured",
    "Replanned",
    "Saved",
    "StageBegan",
    "Started",
    "Stepped",
]


@dataclass(frozen=True)
class Started:
    """The run begins, or goes on."""

    plan: Plan
    at: Progress


@dataclass(frozen=True)
class StageBegan:
    """A stage was entered."""

    at: Progress
    plan: Plan


@dataclass(frozen=True)
class Replanned:
    """The plan was fitted again in the middle of a stage."""

    at: Progress
    plan: Plan


@dataclass(frozen=True)
class Stepped:
    """A round of turns was played. `terms` is empty but at steps that are logged."""

    at: Progress
    terms: Mapping[str, float]
    seconds: float
    """Training seconds of the run so far."""
    images_per_second: float


@dataclass(frozen=True)
class Pictured:
    """A grid of fixed latents was written."""

    at: Progress
    path: Path


@dataclass(frozen=True)
class Measured:
    """A quality metric was measured in passing."""

    at: Progress
    metric: str
    level: str
    value: float
    n: int


@dataclass(frozen=True)
class Saved:
    """A checkpoint was committed."""

    at: Progress
    path: Path


@dataclass(frozen=True)
class Decided:
    """The engine or the planner decided something; it stands in decisions.jsonl."""

    images: int
    kind: str
    text: str


@dataclass(frozen=True)
class Ended:
    """The run ended; `reason` is `done` or `stopped`."""

    at: Progress
    reason: str


Event = Started | StageBegan | Replanned | Stepped | Pictured | Measured | Saved | Decided | Ended


class Listener(Protocol):
    """Anything that wants to hear of a run."""

    def hear(self, event: Event) -> None:
        """Called after the fact, in the order things happen."""
        ...
