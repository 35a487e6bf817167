"""The verb `evaluate`: numbers with their spread, their floor, and how many images they rest on."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from progan.assemble.runs import newest_run
from progan.cli import processes
from progan.cli.figures import clock
from progan.cli.streams import say
from progan.core.errors import ConfigError
from progan.core.spelling import nearest

if TYPE_CHECKING:
    from progan.assemble.evaluate import Evaluated

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
            help="swd,msssim; of features fid,kid or fd,kd,is,prdc,mmd,nn1 [all that fit]."
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
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    runs: Annotated[Path, typer.Option(help="Folder of runs.")] = Path("runs"),
) -> None:
    """Measure generated pictures against real ones, and real ones against themselves."""
    names = None if metrics is None else names_of(metrics, extractor)
    for word, number, least in (("images", images, 4), ("repeats", repeats, 1), ("at", at, 0)):
        if number is not None and number < least:
            raise ConfigError(f"--{word} is {number}; it must be at least {least}.")
    if every and at is not None:
        raise ConfigError("--all measures every checkpoint and --at one; leave one out.")
    if not processes.join():
        from progan.assemble.shared import help_out

        help_out(device)
        return
    paths = list(run) if run else [newest_run(runs)]

    from progan.assemble import evaluate as measuring
    from progan.assemble.files import check_free
    from progan.assemble.shared import dismiss

    if to is not None:
        check_free(to)
    line = _Line()
    options: dict[str, Any] = {
        **{"images": images, "device": device, "progress": line.show, "against": against},
        "repeats": repeats or (1 if every else REPEATS),
        "extractor": None if extractor is None else _extractor(extractor, device),
    }
    found: list[Evaluated] = []
    try:
        for path in paths:
            if against is not None and not _is_run(path):
                if every or at is not None:
                    raise ConfigError(
                        f"{path} holds pictures, not checkpoints: leave out --all and --at."
                    )
                found.append(measuring.evaluate_pictures(path, metrics=names, **options))
                line.rest(*_table(found[-1]))
            elif every:
                line.rest(f"{path}: every checkpoint, newest first")
                found += _every(path, names or list(measuring.PIXELS), options, line)
            else:
                found.append(measuring.evaluate_run(path, metrics=names, at_images=at, **options))
                line.rest(*_table(found[-1]))
    finally:
        line.rest()
    dismiss()
    if to is not None:
        _write(to, found)


def _every(
    path: Path, wanted: Sequence[str], options: Mapping[str, Any], line: _Line
) -> Iterator[Evaluated]:
    """Every checkpoint of a run, a line each below a head."""
    from progan.assemble.evaluate import evaluate_all

    head = _head(wanted)
    for one in evaluate_all(path, metrics=wanted, **options):
        line.rest(*head, _row(one, wanted))
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
    using = [name for name in names if METRICS[name].of_features is not None]
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


def _table(one: Evaluated) -> list[str]:
    """Everything about one checkpoint."""
    where = f"{one.run} at {one.images:,} images, {one.report.resolution} px, averaged weights"
    if one.checkpoint == one.run:
        where = f"{one.run}: {one.images:,} pictures, {one.report.resolution} px"
    explained = [
        "± is the standard deviation over repeats; real is the same measured on real images."
    ]
    if one.report.extractor is not None:
        record = one.report.extractor
        weights = record["weights"][:12]
        explained.append(f"Features: {record['extractor']}, weights {weights}, {record['resize']}.")
    return [where, "", *str(one.report).splitlines(), *explained, *one.notes]


COLUMN = 26
"""Characters of a column of `--all`."""


def _head(names: Sequence[str]) -> list[str]:
    from progan.metrics.run import METRICS

    titles = "".join(f"{METRICS[name].title + ' (real)':>{COLUMN}}" for name in names)
    return [f"{'images':>14}{'px':>6}{'time':>10}{titles}"]


def _row(one: Evaluated, names: Sequence[str]) -> str:
    """One line of `--all`: the mean over levels of each metric, with its floor."""
    from progan.metrics.run import METRICS

    time = clock(one.seconds) if one.seconds is not None else "–"
    cells = []
    for name in names:
        try:
            row = one.report.value(name)
        except KeyError:
            cells.append("–")
            continue
        digits = METRICS[name].digits
        spread = "" if row.spread is None else f" ± {row.spread:.{digits}f}"
        cells.append(f"{row.value:.{digits}f}{spread} ({row.floor:.{digits}f})")
    shown = "".join(f"{cell:>{COLUMN}}" for cell in cells)
    return f"{one.images:>14,}{one.report.resolution:>6}{time:>10}{shown}"


def _write(to: Path, found: Sequence[Evaluated]) -> None:
    import json

    from progan.assemble.containers import MADE_HERE
    from progan.assemble.files import write_out

    content = {"note": MADE_HERE.decode(), "evaluated": [one.to_json() for one in found]}
    write_out(to, (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())
    say(f"Written: {to}")


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
