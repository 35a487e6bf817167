"""The verb that tells what a training would take: plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from progan.assemble.training.ask import Asked, prepare
from progan.cli import figures, options, screen
from progan.cli.streams import say
from progan.cli.train import check_numbers, check_words, spoken
from progan.cli.written import write_json
from progan.core.errors import ConfigError

if TYPE_CHECKING:
    from progan.assemble.training.forecast import Forecast

__all__ = ["forecast_lines", "plan"]


def plan(
    source: options.Source = "portraits",
    more: options.More = None,
    minutes: options.Minutes = None,
    images: Annotated[
        int | None, typer.Option(help="As for so many images in all, instead of minutes.")
    ] = None,
    resolution: options.Resolution = None,
    seed: options.Seed = None,
    system: options.System = None,
    preset: options.Preset = None,
    sets: options.Sets = None,
    device: options.Device = None,
    exact: options.Exact = False,
    gpus: Annotated[
        int, typer.Option(help="Extrapolate to so many devices like the one measured.")
    ] = 1,
    seconds: Annotated[float, typer.Option(help="Measure for about so long.")] = 60.0,
    to_json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write the numbers here.")
    ] = None,
    runs: options.Runs = Path("runs"),
) -> None:
    """What training would take: time and memory of each stage, measured here. Trains nothing."""
    check_numbers(minutes=minutes, images=images, resolution=resolution)
    check_words(source=source, system=system, preset=preset, device=device)
    if gpus < 1:
        raise ConfigError(f"--gpus is {gpus}; it must be at least 1: --gpus 8")
    if not 0 < seconds < 10**5:
        raise ConfigError(f"--seconds is {seconds:g}; it must be above 0: --seconds 60")
    words, second, system = spoken(source, more, system, "progan plan")
    prepared = prepare(
        Asked(
            words=words,
            second=second,
            system=system,
            preset=preset,
            resolution=resolution,
            minutes=minutes,
            images=images,
            seed=seed,
            device=device,
            exact=exact,
            sets=tuple(sets or ()),
            runs=runs,
            began=screen.BEGAN,
        )
    )
    from progan.assemble.training.forecast import forecast

    face = screen.open_face()
    try:
        found = forecast(prepared, face, devices=gpus, seconds=seconds)
    finally:
        face.close()
    face.line("Plan", found.title)
    say()
    for line in forecast_lines(found):
        say(line)
    say()
    for line in _remarks(found):
        face.line("Note", line)
    if to_json is not None:
        write_json(to_json, found.plain())


def forecast_lines(found: Forecast) -> list[str]:
    """The forecast as a table."""
    several = found.devices > 1
    head = (
        f"  {'stage':<11}{'px':>5}{'images':>12}{'batch':>7}{'micro':>8}{'memory':>9}"
        f"{'images/s':>10}{'takes':>9}{'until':>10}"
    )
    lines, clock = [head + f"{f'on {found.devices}':>9}" * several], 0.0
    for stage in found.stages:
        clock += stage.seconds
        lines.append(
            f"  {stage.name:<11}{stage.resolution:>5}{stage.images:>12,}{stage.batch:>7}"
            f"{stage.micro_batch:>8}{figures.gigabytes(stage.memory):>9}"
            f"{figures.rate(stage.images_per_second):>10}{figures.clock(stage.seconds):>9}"
            f"{figures.clock(clock):>10}" + f"{figures.clock(stage.seconds_on_all):>9}" * several
        )
    if found.report_seconds:
        end = found.report_seconds
        both = f"{figures.clock(end):>9}{figures.clock(clock + end):>10}"
        lines.append(f"  {'report':<62}{both}" + f"{figures.clock(end):>9}" * several)
    images = sum(stage.images for stage in found.stages)
    total = f"{figures.clock(found.seconds):>9}{figures.clock(found.seconds):>10}"
    lines.append(
        f"  {'total':<16}{images:>12,}{'':>34}{total}"
        + f"{figures.clock(found.seconds_on_all):>9}" * several
    )
    return lines


def _remarks(found: Forecast) -> list[str]:
    """What has to be said below the table."""
    if found.devices == 1:
        return []
    return [
        f"On {found.devices} devices is extrapolated, not measured: compute shared evenly, and "
        f"gradients added up over links of {found.link / 1e9:g} GB/s."
    ]
