"""The verb `bench`: how fast a system is on this machine, and how much of the machine it uses."""

from __future__ import annotations

import shlex
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from progan.cli.figures import gigabytes, rate
from progan.cli.options import Device
from progan.cli.streams import say
from progan.cli.written import write_json
from progan.core.config import apply_sets
from progan.core.errors import ConfigError
from progan.core.recipe import DataSettings, Recipe, TrainSettings

if TYPE_CHECKING:
    from progan.assemble.comparing.bench import Comparison, Row

__all__ = ["bench"]


def bench(
    system: Annotated[str, typer.Option(help="What to measure.")] = "progan",
    preset: Annotated[
        str | None, typer.Option(help="Its settings; those for this device if left out.")
    ] = None,
    resolution: Annotated[int, typer.Option(help="Side of the largest pictures.")] = 32,
    only: Annotated[str | None, typer.Option(help='Stages: "16,32 fade"; all if left out.')] = None,
    channels: Annotated[int, typer.Option(help="1 for grey, 3 for colour.")] = 3,
    seconds: Annotated[float, typer.Option(help="Of each measurement, at least.")] = 1.0,
    rounds: Annotated[int, typer.Option(help="Measurements of each.")] = 3,
    pair: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--compare",
            metavar="A B",
            help='Two settings in turn, and their ratio: "train.precision=fp32" "".',
        ),
    ] = None,
    device: Device = None,
    sets: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any setting.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--json", help="Write everything to this file.")
    ] = None,
) -> None:
    """Measure images per second, operations per second and memory, stage by stage."""
    if channels not in (1, 3):
        raise ConfigError(f"--channels is {channels}; it must be 1 or 3. Type: --channels 3")
    if not 0 < seconds <= 600 or not 1 <= rounds <= 100:
        raise ConfigError(
            f"--seconds is {seconds:g} and --rounds {rounds}; they must be above 0 to 600, and 1 "
            "to 100. Type: --seconds 1 --rounds 3"
        )
    base = Recipe(
        system=system,
        preset=preset,
        data=DataSettings(resolution=resolution),
        train=TrainSettings(device=device or "auto"),
    )
    base = apply_sets(base, sets or [])

    from progan.assemble.comparing import bench as benches

    options: dict[str, Any] = {
        **{"resolution": resolution, "channels": channels, "seconds": seconds, "rounds": rounds},
        "only": [name.strip() for name in (only or "").split(",") if name.strip()],
    }
    if pair is None:
        found = benches.bench(base, **options, began=_head, heard=_row)
        content = found.to_json()
    else:
        first, second = (_with(base, words) for words in pair)
        say(f"A  {pair[0] or 'as it is'}\nB  {pair[1] or 'as it is'}\n")
        say(f"{'stage':<12}{'A images/s':>12}{'B images/s':>12}{'B / A':>8}   least to most")
        compared = benches.compare(first, second, **options, heard=_ratio)
        stages = [{**asdict(one), "ratio": one.ratio} for one in compared]
        content = {"compared": list(pair), "stages": stages}
    if to is not None:
        write_json(to, content)


def _with(recipe: Recipe, words: str) -> Recipe:
    """The recipe with `KEY=VALUE` words applied; `preset=NAME` is one of them."""
    try:
        parts = shlex.split(words)
    except ValueError as error:
        raise ConfigError(
            f"--compare has {words[:60]!r}, which cannot be read ({error}). "
            'For example: --compare "train.precision=fp32" ""'
        ) from error
    chosen = [part.partition("=")[2] for part in parts if part.startswith("preset=")]
    if chosen:
        recipe = replace(recipe, preset=chosen[-1])
    return apply_sets(recipe, [part for part in parts if not part.startswith("preset=")])


def _head(peak: float, about: str) -> None:
    say(f"{about}\nPeak of a 3×3 layer here: {peak:,.0f} GFLOP/s\n")
    say(
        f"{'stage':<12}{'batch':>6}{'images/s':>10}{'± %':>6}{'GFLOP/image':>13}{'GFLOP/s':>9}"
        f"{'of peak':>9}{'memory':>10}"
    )


def _row(row: Row, peak: float) -> None:
    say(
        f"{row.stage:<12}{row.batch:>6}{rate(row.images_per_second):>10}{row.spread / 2:>6.0%}"
        f"{row.gflop_per_image:>13.3g}{row.gflops:>9,.0f}{row.gflops / peak:>9.0%}"
        f"{gigabytes(row.peak_bytes):>10}"
    )


def _ratio(one: Comparison) -> None:
    say(
        f"{one.stage:<12}{rate(one.first):>12}{rate(one.second):>12}{one.ratio:>8.2f}   "
        f"{min(one.ratios):.2f} to {max(one.ratios):.2f}"
    )
