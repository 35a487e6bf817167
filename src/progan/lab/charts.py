"""The curves of a watched training."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from progan.lab.lesson import Lesson
from progan.lab.line import generated_density
from progan.lab.numbers import perfect_numbers
from progan.lab.watch import Moment, Record, lattice
from progan.report.markup import Html
from progan.report.page import chart
from progan.report.svg import Series

__all__ = ["charts"]

Points = list[tuple[float, float]]


def charts(record: Record, lesson: Lesson) -> list[Html]:
    """Losses and where theory says they end, what the critic says, how samples lie on modes."""
    found = [_loss(record, lesson, player) for player in record.losses]
    moments, last = record.moments, float(record.moments[-1].step)
    perfect = perfect_numbers(record)

    def flat(name: str, value: float) -> Series:
        return Series(name=name, points=[(0.0, value), (last, value)])

    if any(m.scores is not None for m in moments):
        both = [m for m in moments if m.scores is not None]
        lines = [
            Series(name="real", points=_over(both, lambda m: m.scores[0] if m.scores else 0.0)),
            Series(
                name="generated", points=_over(both, lambda m: m.scores[1] if m.scores else 0.0)
            ),
        ]
        note = "Mean score before any squashing, turned so that higher is more real."
        found.append(_chart("What the critic says", lines, "mean score", note=note))
    pushed = [m for m in moments if m.mean_push is not None]
    if pushed:
        lines = [Series(name="push", points=_over(pushed, lambda m: m.mean_push or 0.0))]
        note = "Mean slope of the generator's loss at a sample; without one, nothing is learnt."
        found.append(_chart("Push on a sample", lines, "slope", from_zero=True, note=note))
    counted = [m for m in moments if m.modes is not None]
    if counted:
        found += _modes(counted, flat, perfect)
    if record.world.dims == 1:
        for name, of in (("mean", _mean), ("deviation", _deviation)):
            lines = [
                flat("real", perfect[name]),
                Series(name="generated", points=_over(moments, of)),
            ]
            found.append(_chart(f"{name.capitalize()} of the samples", lines, name))
    return found


def _loss(record: Record, lesson: Lesson, player: str) -> Html:
    points = list(record.losses[player])
    lines = [Series(name="loss", points=points)]
    notes = []
    for target in lesson.targets:
        if target.player == player and points:
            ends = [(points[0][0], target.value), (points[-1][0], target.value)]
            lines.append(Series(name="at the end, in theory", points=ends))
            notes.append(f"In theory it ends at {target.words}.")
            if target.lowest is not None and record.world.dims == 1:
                lowest = Series(name="lowest possible", points=_lowest(record, target.lowest))
                lines.append(lowest)
                notes.append("The lowest possible loss is that of the best answer to the samples.")
    return _chart(f"Loss of the {player}", lines, "loss", note=" ".join(notes))


def _lowest(record: Record, of: Callable[[Tensor, Tensor, float], float]) -> Points:
    """The lowest loss that could be had at each moment but the first, before training."""
    places = lattice(record.world)
    step = float(places[1, 0] - places[0, 0])
    real = record.world.log_density(places).exp()

    def now(moment: Moment) -> float:
        fake = generated_density(record.world, moment, places)
        return of(real, torch.from_numpy(fake), step)

    return _over(record.moments[1:], now)


def _modes(
    moments: Sequence[Moment], flat: Callable[[str, float], Series], perfect: dict[str, float]
) -> list[Html]:
    """How samples lie on the modes, beside perfect samples."""

    def line(of: Callable[[Moment], float]) -> Series:
        return Series(name="generated", points=_over(moments, of))

    covered = [
        Series(
            name="covered", points=_over(moments, lambda m: len(m.modes.strong) if m.modes else 0)
        ),
        Series(name="touched", points=_over(moments, lambda m: len(m.modes.any) if m.modes else 0)),
    ]
    quality = line(lambda m: m.modes.high_quality if m.modes else 0.0)
    uneven = line(lambda m: m.modes.reverse_kl if m.modes else 0.0)
    return [
        _chart("Modes", covered, "modes", from_zero=True),
        _chart(
            "High-quality share",
            [flat("perfect", perfect["high_quality"]), quality],
            "share within 3σ",
            from_zero=True,
        ),
        _chart(
            "Reverse KL",
            [flat("perfect", perfect["reverse_kl"]), uneven],
            "nats",
            from_zero=True,
            note="Lower is better; there is none while no sample lies on a mode.",
        ),
    ]


def _mean(moment: Moment) -> float:
    return float(moment.fakes.mean())


def _deviation(moment: Moment) -> float:
    return float(moment.fakes.std())


def _over(moments: Sequence[Moment], of: Callable[[Moment], float]) -> Points:
    found = [(float(moment.step), of(moment)) for moment in moments]
    return [(step, value) for step, value in found if math.isfinite(value)]


def _chart(
    title: str, lines: Sequence[Series], unit: str, *, from_zero: bool = False, note: str = ""
) -> Html:
    return chart(title, lines, x_label="step", y_label=unit, from_zero=from_zero, note=note)
