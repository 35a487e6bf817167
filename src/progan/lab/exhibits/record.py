"""What an exhibit is, and what it finds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from progan.report.svg import Series

__all__ = ["Chart", "Exhibit", "Finding", "Number", "Shown", "series"]


@dataclass(frozen=True, kw_only=True)
class Number:
    """Something measured, and what theory or the paper says it must be."""

    words: str
    """What it is."""
    value: float
    expected: float | None = None
    """Its value in theory; None where only a bound is known."""
    within: float = 0.0
    """How far it may be from `expected`, in its own unit."""
    low: float = -math.inf
    high: float = math.inf
    """Bounds, where there is no `expected`."""

    @property
    def holds(self) -> bool:
        """Whether it is as it must be."""
        if self.expected is not None:
            return bool(abs(self.value - self.expected) <= self.within)
        return bool(self.low <= self.value <= self.high)

    @property
    def bar(self) -> str:
        """What it must be, in words."""
        if self.expected is not None:
            return f"{self.expected:.4g} ± {self.within:.2g}"
        if math.isinf(self.low) and math.isinf(self.high):
            return ""
        if math.isinf(self.low):
            return f"at most {self.high:.4g}"
        return f"at least {self.low:.4g}" + (
            "" if math.isinf(self.high) else f", at most {self.high:.4g}"
        )


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Lines over a common axis."""

    title: str
    x_label: str
    y_label: str
    series: Sequence[Series]
    note: str = ""
    from_zero: bool = False


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A picture."""

    title: str
    pixels: NDArray[np.uint8]
    """h w 3."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What an exhibit found."""

    answer: str
    """The question's answer, in a sentence or two, with the numbers of this run."""
    numbers: Mapping[str, Number]
    charts: Sequence[Chart] = ()
    pictures: Sequence[Shown] = ()
    tables: Mapping[str, tuple[Sequence[str], Sequence[Sequence[str]]]] = field(
        default_factory=dict
    )
    """Title → columns and rows."""

    @property
    def holds(self) -> bool:
        """Whether every number is as it must be."""
        return all(number.holds for number in self.numbers.values())


@dataclass(frozen=True, kw_only=True)
class Exhibit:
    """A question of the survey that a training answers."""

    slug: str
    title: str
    question: str
    theory: Sequence[str]
    """What is to be expected and why, a paragraph each."""
    source: str
    make: Callable[[int], Finding]
    """Of a seed."""


def series(name: str, x: Sequence[float], y: Sequence[float]) -> Series:
    """A named line through points given as two rows of numbers."""
    return Series(name=name, points=tuple(zip(map(float, x), map(float, y), strict=True)))
