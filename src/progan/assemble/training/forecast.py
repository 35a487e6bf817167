"""What a training would take, found out without training: `progan plan`.

Rates, memory and the fitted plan come from the very code that prepares a run; nothing is written.
For several devices they are extrapolated, not measured. A step of B pictures, which takes T
seconds on one, is taken to be

    T · ⌈B / K⌉ / B + 2 (K − 1) / K · gradients / link          seconds on K

where `gradients` are the bytes of the gradients that a step adds up over the devices. Reading
pictures, saving and whatever else a single process does is left out.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from progan.assemble.models.build import build_system
from progan.assemble.training.ask import Prepared
from progan.assemble.training.memory import Need
from progan.assemble.training.preparation import Preparation
from progan.assemble.training.screens import Screen
from progan.assemble.training.train import suited
from progan.core.plan import Progress, Stage, height_width
from progan.core.recipe import Recipe
from progan.core.specs import DataSpec
from progan.core.system import System
from progan.data.build import check
from progan.data.labelling import labelling_of
from progan.data.noise import NoisePyramid
from progan.data.opening import Data, Store, built, open_data, stored
from progan.data.sources.two import Two
from progan.data.two import Domains
from progan.engine.precision import choose_device

__all__ = ["LINK", "Forecast", "StageForecast", "forecast", "seconds_on"]

LINK: Mapping[str, float] = {"cuda": 25e9, "cpu": 1.25e9}
"""Bytes per second between devices, supposed: PCI Express 4 for GPUs, 10 Gbit/s for machines."""

LOOKED_AT = 16
"""Pictures decoded to learn whether they have colour."""


@dataclass(frozen=True, kw_only=True)
class StageForecast:
    """One stage of the plan."""

    name: str
    resolution: int
    """Height in pixels."""
    images: int
    batch: int
    micro_batch: int
    """Pictures per backward pass."""
    memory: int | None
    """Bytes at the peak of a step; None where they are not told."""
    images_per_second: float
    seconds: float
    seconds_on_all: float
    """On all devices, extrapolated; the same as `seconds` on one."""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What a training would take."""

    title: str
    stages: tuple[StageForecast, ...]
    report_seconds: float
    """Kept for pictures, review and report; 0 where no time was set."""
    devices: int
    link: float
    """Bytes per second between devices, supposed."""
    measured_seconds: float
    """How long finding out took."""

    @property
    def seconds(self) -> float:
        """Of the whole run on one device."""
        return sum(stage.seconds for stage in self.stages) + self.report_seconds

    @property
    def seconds_on_all(self) -> float:
        """Of the whole run on all devices, extrapolated."""
        return sum(stage.seconds_on_all for stage in self.stages) + self.report_seconds

    def plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        totals = {"seconds": self.seconds, "seconds_on_all": self.seconds_on_all}
        return {**asdict(self), **totals, "extrapolated": self.devices > 1}


def forecast(
    prepared: Prepared, screen: Screen, *, devices: int = 1, seconds: float = 60.0
) -> Forecast:
    """Measure for about `seconds`, and tell what the training that was asked for would take.

    Without a length asked for, that of the system's own plan.
    """
    began = time.monotonic()
    asked, source = prepared.asked, prepared.source
    device = choose_device(prepared.recipe.train.device)
    recipe, _ = suited(prepared.recipe, source, device)
    recipe = replace(
        recipe, train=replace(recipe.train, minutes=prepared.recipe.train.minutes)
    )  # the usual minutes are no wish
    pyramid = _pictures(recipe, source, asked.runs, screen)
    system = build_system(recipe, pyramid.spec, device)
    session = Preparation(recipe, pyramid, system, screen, asked)
    started = time.monotonic()
    needs = session.choose_memory(every=True)
    session.choose_machine()
    session.measure(within=max(0.0, seconds - (time.monotonic() - started)))
    # A run measures for a moment only: what it has left is what there was before.
    session.asked = replace(asked, began=asked.began + time.monotonic() - started)
    title, finish = session.fit()
    trainer, link = session.trainer, LINK[device.type]
    stages = tuple(
        _stage(index, stage, session, needs, devices, link)
        for index, stage in enumerate(trainer.plan.stages)
        if stage.images
    )
    return Forecast(
        title=title,
        stages=stages,
        report_seconds=finish,
        devices=devices,
        link=link,
        measured_seconds=time.monotonic() - began,
    )


def _pictures(recipe: Recipe, source: Data, runs: Path, screen: Screen) -> Store:
    """The data if it is built; otherwise noise of the same shape."""
    found = built(source, recipe.data, runs / ".data")
    if found is not None:
        for number, line in enumerate(found.report.lines()):
            screen.line("" if number else "Data", line)
        return found
    assert not isinstance(source, Domains)  # those are built
    side, count = recipe.data.resolution, min(recipe.data.images or source.count, source.count)
    if isinstance(source, Two):
        alike = _like_two(recipe, source)
        size = alike.spec.resolution
        screen.line(
            "Data",
            f"{source.a.count:,} and {source.b.count:,} pictures, {size} × {size}; noise stands "
            "in for them, as they are not built yet",
        )
        return alike
    report = check(source, replace(recipe.data, images=min(count, LOOKED_AT)), workers=1)
    labels = labelling_of(source, recipe.data)
    spec = DataSpec(
        resolution=side or report.resolution,
        channels=report.channels,
        classes=len(labels.classes) if labels and len(labels.classes) > 1 else 0,
        images=count,
        whole=report.whole,
        label_kind=labels.kind if labels else "class",
        label_size=len(labels.names) if labels else 0,
    )
    colour = "colour" if spec.channels == 3 else "grey"
    height, width = height_width(spec.size)
    screen.line(
        "Data",
        f"{count:,} pictures, {height} × {width}, {colour}; noise stands in for "
        "them, as they are not built yet",
    )
    return NoisePyramid(spec, source.name)


def _like_two(recipe: Recipe, two: Two) -> Domains:
    """Noise like two domains, of which a few pictures were read to know their channels."""
    few = replace(recipe.data, images=LOOKED_AT, held_out=0.0)
    with tempfile.TemporaryDirectory(prefix="progan-plan-") as folder:
        found = stored(open_data(few), few, folder)
        assert isinstance(found, Domains)
        parts = [
            NoisePyramid(replace(part.spec, images=source.count), source.name)
            for part, source in ((found.a, two.a), (found.b, two.b))
        ]
        return replace(found, a=parts[0], b=parts[1], test=None)


def _stage(
    index: int,
    stage: Stage,
    session: Preparation,
    needs: Sequence[Need],
    devices: int,
    link: float,
) -> StageForecast:
    trainer = session.trainer
    at = trainer.plan.at(trainer.plan.start(index))
    need = next((one for one in needs if one.stage.resolution == stage.resolution), None)
    moved = need.moved if need is not None else _all(trainer.system)
    rate = session.rates[index]
    gradients = gradient_bytes(trainer.system, at, moved)
    shared = seconds_on(devices, stage.batch, stage.batch / rate, gradients, link)
    return StageForecast(
        name=stage.name,
        resolution=height_width(stage.resolution)[0],
        images=stage.images,
        batch=stage.batch,
        micro_batch=trainer.piece(at),
        memory=need.bytes if need is not None else None,
        images_per_second=rate,
        seconds=stage.images / rate,
        seconds_on_all=stage.images / stage.batch * shared,
    )


def _all(system: System[Any]) -> dict[str, int]:
    players = system.players()
    return {name: sum(p.nbytes for p in player.parameters) for name, player in players.items()}


def gradient_bytes(system: System[Any], at: Progress, moved: Mapping[str, int]) -> float:
    """Bytes of gradients added up for each batch that is drawn, on average over lazy turns."""
    turns = system.turns(at)
    draws = sum(turn.repeat / turn.every for turn in turns if turn.draws) or 1.0
    sent = sum(moved.get(n, 0) * t.repeat / t.every for t in turns for n in t.players)
    return sent / draws


def seconds_on(devices: int, batch: int, seconds: float, gradients: float, link: float) -> float:
    """Seconds that a batch of `seconds` on one device takes on several, by the model above."""
    alone = seconds * math.ceil(batch / devices) / batch
    return alone + 2 * (devices - 1) / devices * gradients / link
