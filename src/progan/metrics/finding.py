"""What a metric found: a number, how far it may be off, and what perfect pictures would give."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from progan.metrics.intervals import LEVEL, Estimate, of_mean

__all__ = ["Finding", "Interval", "Values", "finding", "pooled"]

Drawn: TypeAlias = Literal["fakes", "reals", "both"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One number of a measurement, with what its method knows of it."""

    value: float
    estimate: Estimate | None = None
    """Its interval from this measurement alone; None where the method gives none."""
    over: Drawn = "fakes"
    """What the interval takes to be drawn anew; the other set stays."""
    chance: float | None = None
    """What pictures of the very distribution of the reals give on average at these counts, where
    that is known: the bias of the number, or its best value."""
    notes: tuple[str, ...] = ()
    """What a reader must know to use the number, in sentences."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What the method chose or counted: plain numbers, texts and lists."""

    def times(self, factor: float) -> Finding:
        """The same in another unit; `factor` is above 0."""
        one = self.estimate
        scaled = one and replace(
            one,
            value=factor * one.value,
            error=factor * one.error,
            low=factor * one.low,
            high=factor * one.high,
        )
        chance = None if self.chance is None else factor * self.chance
        return replace(self, value=factor * self.value, estimate=scaled, chance=chance)


Values: TypeAlias = Mapping[str, Finding | float]
"""What a metric found, by level; a bare number is a finding without an interval."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Where the true number lies in 95 of 100 cases, its bias apart."""

    low: float
    high: float
    how: str
    """What is taken to be drawn anew, and by which method."""


def finding(found: Finding | float) -> Finding:
    """A finding, also of a bare number."""
    return found if isinstance(found, Finding) else Finding(value=found)


def pooled(found: Sequence[Finding], *, apart: bool) -> Interval | None:
    """The 95 % interval of the mean of one or more repeats; None where nothing tells it.

        repeats with intervals   mean ± √(Σ reach²) / R over fakes that are `apart` (no picture in
                                 two repeats), else mean ± √(Σ reach² / R): no gain from repeating
        repeats without          mean ± t · s / √R, if there are two or more, and they are apart

    with the reach to either side on its own. What is drawn anew are the fakes, or as each says.
    """
    values = [one.value for one in found]
    mean, count = math.fsum(values) / len(values), len(values)
    again = f", {count} repeats" if count > 1 else ""
    estimates = [one.estimate for one in found if one.estimate is not None]
    if len(estimates) == count and all(math.isfinite(one.error) for one in estimates):
        gain = count if apart and found[0].over == "fakes" else 1
        below, above = (
            math.sqrt(math.fsum(reach**2 for reach in side) / (count * gain))
            for side in (
                [one.value - one.low for one in estimates],
                [one.high - one.value for one in estimates],
            )
        )
        how = f"{found[0].over}: {estimates[0].how}{again}"
        return Interval(low=mean - below, high=mean + above, how=how)
    if count > 1 and apart:
        over = of_mean(values, level=LEVEL)
        return Interval(low=over.low, high=over.high, how=f"fakes: Student's t{again}")
    return None
