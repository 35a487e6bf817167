"""The verb `evaluate`: numbers with their spread, their floor, and how many images they rest on."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from progan.assemble.training.runs import newest_run
from progan.cli import processes
from progan.cli.measured import (
    check_places,
    head_of_all,
    keep_in_run,
    line_of_all,
    table_of,
    write_all,
)
from progan.cli.one_picture import is_of_one, say_measures
from progan.cli.streams import say
from progan.cli.translations import is_translator_at, likeness_lines
from progan.core.errors import ConfigError
from progan.core.spelling import nearest

if TYPE_CHECKING:
    from progan.assemble.measuring.evaluate import Evaluated

__all__ = ["evaluate"]

REPEATS = 3
"""Measurements behind each ±, unless asked otherwise; one, where every checkpoint is measured."""


def evaluate(
    run: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Run folders or checkpoints, or with --against a folder, zip or npz of pictures; "
            "the newest run if none."
        ),
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            help="swd,msssim,parzen; of features fid,kid or fd,kd,is,prdc,mmd,nn1,agreement,"
            "fd-class,memorisation,ppl,stacked; of translators style,content [all that fit]."
        ),
    ] = None,
    extractor: Annotated[
        str | None,
        typer.Option(help="Of features: inception, effnet-lite0, trained:HASH or its file."),
    ] = None,
    against: Annotated[
        str | None, typer.Option(metavar="DATA", help="Other real pictures than the run's own.")
    ] = None,
    images: Annotated[
        int | None, typer.Option(help="Images of each kind; what each paper took if left out.")
    ] = None,
    repeats: Annotated[
        int | None, typer.Option(help="Measurements behind each ± [3; 1 with --all].")
    ] = None,
    at: Annotated[
        int | None, typer.Option(help="The checkpoint at so many images, not the newest.")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every checkpoint, a line each, newest first.")
    ] = False,
    to: Annotated[
        Path | None, typer.Option("--json", help="Write everything to this file.")
    ] = None,
    table: Annotated[
        Path | None, typer.Option("--csv", help="Write a line for each number to this file.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="With --all: draw them over training, as SVG.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    runs: Annotated[Path, typer.Option(help="Folder of runs.")] = Path("runs"),
) -> None:
    """Measure generated pictures against real ones, and real ones against themselves."""
    names = None if metrics is None else names_of(metrics, extractor)
    _check_numbers(images=images, repeats=repeats, at=at)
    if every and at is not None:
        raise ConfigError("--all measures every checkpoint and --at one; leave one out.")
    if not processes.join():
        from progan.assemble.measuring.shared import help_out

        help_out(device, extractor)
        return
    paths = list(run) if run else [newest_run(runs)]

    from progan.assemble.measuring import evaluate as measuring
    from progan.assemble.measuring.shared import dismiss

    check_places(to=to, table=table, plot=plot, every=every)
    line = _Line()
    options: dict[str, Any] = {
        **{"images": images, "device": device, "progress": line.show, "against": against},
        "repeats": repeats or (1 if every else REPEATS),
        "extractor": None if extractor is None else _extractor(extractor, device),
    }
    found: list[Evaluated] = []
    try:
        for path in paths:
            if is_of_one(path):
                _refuse_of_one(given={"--metrics": metrics, "--against": against, "--at": at})
                say_measures(
                    path, pictures=images, extractor=options["extractor"], device=device, to=to
                )
                continue
            if is_translator_at(path):
                _refuse_of_two(given={"--against": against, "--all": every or None})
                found += _both_ways(path, names, at, options, line)
                continue
            if against is not None and not _is_run(path):
                _refuse_checkpoints(path, every=every, at=at)
                found.append(measuring.evaluate_pictures(path, metrics=names, **options))
                line.rest(*table_of(found[-1]))
            elif every:
                line.rest(f"{path}: every checkpoint, newest first")
                found += _every(path, names or list(measuring.PIXELS), options, line)
            else:
                found.append(measuring.evaluate_run(path, metrics=names, at_images=at, **options))
                line.rest(*table_of(found[-1]), *keep_in_run(found[-1]))
    finally:
        line.rest()
    dismiss()
    if found:
        write_all(found, to=to, table=table, plot=plot)


def _check_numbers(**numbers: int | None) -> None:
    """Raise ConfigError for numbers that are too small."""
    for word, least in (("images", 4), ("repeats", 1), ("at", 0)):
        number = numbers[word]
        if number is not None and number < least:
            raise ConfigError(f"--{word} is {number}; it must be at least {least}.")


def _refuse_checkpoints(path: Path, *, every: bool, at: int | None) -> None:
    """Raise ConfigError where checkpoints of mere pictures are asked for."""
    if every or at is not None:
        raise ConfigError(f"{path} holds pictures, not checkpoints: leave out --all and --at.")


def _both_ways(
    path: Path,
    names: Sequence[str] | None,
    at: int | None,
    options: Mapping[str, Any],
    line: _Line,
) -> Iterator[Evaluated]:
    """Every direction of a translator, a table each."""
    from progan.assemble.measuring.translations import measure_translator

    own = {name: value for name, value in options.items() if name != "against"}
    for one, way in measure_translator(path, metrics=names, at_images=at, **own):
        line.rest(*table_of(one), *likeness_lines(way), "", *keep_in_run(one))
        yield one


def _refuse_of_two(given: Mapping[str, Any]) -> None:
    """Raise ConfigError for what cannot be had of a translator."""
    wrong = [word for word, value in given.items() if value is not None]
    if wrong:
        raise ConfigError(
            f"{wrong[0]} is for runs that draw pictures from noise; of a translator, what becomes "
            "of held-out pictures is measured. Leave it out: progan evaluate RUN"
        )


def _refuse_of_one(given: Mapping[str, Any]) -> None:
    """Raise ConfigError for what cannot be had of a run of one picture."""
    wrong = [word for word, value in given.items() if value is not None]
    if wrong:
        raise ConfigError(
            f"{wrong[0]} is for runs of many pictures; of one, its reconstruction, patches and "
            "variety are measured. Leave it out: progan evaluate RUN"
        )


def _every(
    path: Path, wanted: Sequence[str], options: Mapping[str, Any], line: _Line
) -> Iterator[Evaluated]:
    """Every checkpoint of a run, a line each below a head."""
    from progan.assemble.measuring.evaluate import evaluate_all

    head = head_of_all(wanted)
    for one in evaluate_all(path, metrics=wanted, **options):
        line.rest(*head, line_of_all(one, wanted), *keep_in_run(one))
        head = []
        yield one


def names_of(text: str, extractor: str | None) -> list[str]:
    """The metrics in a list with commas; raises ConfigError for an unknown one."""
    from progan.metrics.known import OWN_NAMES, named
    from progan.metrics.run import METRICS

    asked = list(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))
    known = [*METRICS, *OWN_NAMES]
    for name in asked:
        if name not in known:
            meant = nearest(name, known)
            hint = f" Did you mean {meant}?" if meant else ""
            raise ConfigError(
                f'There is no metric "{name[:40]}".{hint} Choose among them: '
                f"--metrics {','.join(known)}"
            )
    if not asked:
        raise ConfigError(f"--metrics is empty; name one or more: --metrics {','.join(known)}")
    names = list(dict.fromkeys(named(name, extractor) for name in asked))
    using = [name for name in names if METRICS[name].sees]
    if using and extractor is None:
        raise ConfigError(
            f"{', '.join(using)}: measured of features; say whose: --metrics {','.join(asked)} "
            "--extractor effnet-lite0   Which there are: progan metrics extractors"
        )
    return names


def _extractor(name: str, device: str) -> Any:
    """The extractor of that name, on the device where pictures are made."""
    from progan.engine.precision import choose_device
    from progan.extractors.names import lookup

    return lookup(name, device=choose_device(device))


def _is_run(path: Path) -> bool:
    """Whether a path is a run, a checkpoint or a model, and not pictures."""
    if path.is_file():
        return path.suffix == ".safetensors"
    return any((path / name).exists() for name in ("recipe.lock.yaml", "config.json"))


class _Line:
    """How far a measurement is, on a terminal's last line; nothing elsewhere."""

    def __init__(self) -> None:
        self.on = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self.shown = ""

    def show(self, metric: str, fraction: float) -> None:
        """Paint the line again if it changed."""
        text = f"{metric} {fraction:4.0%}"
        if self.on and text != self.shown:
            sys.stderr.write(f"\r{text:<{len(self.shown)}}")
            sys.stderr.flush()
            self.shown = text

    def rest(self, *lines: str) -> None:
        """Take the line away, and say lines that stay."""
        if self.shown:
            sys.stderr.write("\r" + " " * len(self.shown) + "\r")
            sys.stderr.flush()
            self.shown = ""
        for text in lines:
            say(text)
