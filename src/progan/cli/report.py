"""The verb `report`: one page for a run, or one that compares several. Torch-free."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Annotated

import typer

from progan.assemble.training.runs import newest_run
from progan.cli.streams import say
from progan.core.errors import ConfigError, RoomError

__all__ = ["report"]

MARKS = (b'class="kicker">Training report', b'class="kicker">Comparison')
"""What stands in the pages progan writes, and in few others."""


def report(
    run: Annotated[
        list[Path] | None, typer.Argument(help="A run folder, or several to compare.")
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(help="Where the page goes [report.html in the run; comparison.html beside]."),
    ] = None,
    runs: Annotated[Path, typer.Option(help="Folder of runs.")] = Path("runs"),
) -> None:
    """Write the page of a run again, or a page that compares several; prints where it is."""
    from progan.report.build import build_report
    from progan.report.compare import compare

    paths = list(run) if run else [newest_run(runs)]
    if to is not None:
        to = to.expanduser()
        to = to / ("report.html" if len(paths) == 1 else "comparison.html") if to.is_dir() else to
    if len(paths) > 1:
        to = to or _shared(paths) / "comparison.html"
        _check(to)
        say(str(compare(paths, to)))
        return
    if to is not None:
        _check(to)
    page = build_report(paths[0])
    say(str(page if to is None else _copied(page, to)))


def _shared(paths: list[Path]) -> Path:
    """The folder that all runs lie in."""
    shared = Path(os.path.commonpath([path.absolute().parent for path in paths]))
    return Path(os.path.relpath(shared))


def _check(to: Path) -> None:
    """Refuse to write over something progan did not make, or where there is no folder."""
    if not to.parent.is_dir():
        raise ConfigError(
            f"{to} cannot be written: there is no folder {to.parent}. "
            f"Make it first: mkdir -p {to.parent}"
        )
    try:
        ours = not to.exists() or any(mark in to.read_bytes() for mark in MARKS)
    except OSError as error:
        raise RoomError(
            f"{to} cannot be written: {error.strerror or error}. Choose another name: --to FILE"
        ) from error
    if not ours:
        raise ConfigError(
            f"{to} exists and was not made by progan report, so it is not overwritten. "
            f"Choose another name: --to {to.with_name(to.stem + '-2.html')}"
        )


def _copied(page: Path, to: Path) -> Path:
    if to.exists() and to.samefile(page):
        return to
    part = to.with_name(f".{to.name}.part")
    try:
        shutil.copyfile(page, part)
        part.replace(to)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise RoomError(
            f"{to} cannot be written: {error.strerror or error}. The page is at {page}."
        ) from error
    return to
