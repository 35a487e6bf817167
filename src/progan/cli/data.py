"""The verbs about pictures: `data check`, `data build`, `data show` and `data train-encoder`."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from progan.cli import data_two as two
from progan.cli import screen
from progan.cli.streams import say
from progan.cli.text_encoder import train_encoder
from progan.core.config import DataSettings, Recipe, apply_sets
from progan.core.errors import ConfigError, DataError, RoomError
from progan.data.packaged import PACKAGED
from progan.data.records import SMALLEST, shown
from progan.data.report import NOTES, DataReport

if TYPE_CHECKING:
    from progan.data.pyramid import Pyramid

__all__ = ["app"]

app = typer.Typer(
    help="Look at pictures before training: check, build, show.",
    no_args_is_help=False,
    rich_markup_mode=None,
)

FIRST_LINES = """\
progan data check PATH   which pictures can be used
progan data show PATH    a sheet of them, as trained on
progan data build PATH --to FOLDER
                         read them once, for many runs
progan data check A B    two domains, or class maps
progan data train-encoder PATH
                         learn what captions mean, once
progan data --help       all words"""

FEW_FINDINGS = 12
"""Findings printed unless all are asked for."""
MOST_SHOWN = 4096
SHEET_SIDE = 512
"""Small pictures are enlarged by a whole factor towards a sheet of so many pixels."""

Path_ = Annotated[
    str,
    typer.Argument(
        metavar="PATH",
        help="A folder of pictures, a zip, npz or IDX file, or a packaged set: "
        f"{', '.join(PACKAGED)}.",
    ),
]
Second = Annotated[
    str | None,
    typer.Argument(
        metavar="[SECOND]", help="The second domain's pictures, or class maps.", show_default=False
    ),
]
Resolution = Annotated[
    int | None, typer.Option(help="Side of the pictures; chosen from them if left out.")
]
Images = Annotated[int | None, typer.Option(help="Use only so many pictures.")]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A rule of reading: crop=pad, channels=1."),
]
Workers = Annotated[int | None, typer.Option(help="Processes that read; all cores if left out.")]


@app.callback(invoke_without_command=True)
def _first(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        say(FIRST_LINES)


@app.command()
def check(
    path: Path_,
    second: Second = None,
    resolution: Resolution = None,
    images: Images = None,
    sets: Sets = None,
    every: Annotated[
        bool, typer.Option("--all", help="Name every picture that is left out.")
    ] = False,
    workers: Workers = None,
) -> None:
    """Say which pictures can be used, and why others cannot. Nothing is changed."""
    settings = _settings(path, resolution, images, sets, workers, second)
    if two.is_two(settings):
        two.check(settings, every=every)
        return
    with closing(screen.open_face()) as face:
        built = _open_built(path)
        if built is not None:
            built.verify()
            report = built.report
        else:
            report = _checked(path, settings, workers, face.building)
        for number, line in enumerate(report.lines()):
            face.line("" if number else "Data", line)
        _details(report, face, every=every, again=_command("check", path, resolution))
        if not report.used:
            raise DataError(
                f"None of the pictures in {shown(path)} can be used; why is said above. "
                f"To allow small ones: {_command('check', path, SMALLEST)}"
            )
        if built is not None:
            face.line("", "every byte is as it was written")
        face.line("", f"Nothing was changed. Look: {_command('show', path, resolution)}")


@app.command()
def build(
    path: Path_,
    second: Second = None,
    *,
    to: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the pictures are put.")],
    resolution: Resolution = None,
    images: Images = None,
    sets: Sets = None,
    workers: Workers = None,
) -> None:
    """Read every picture once, and keep it at every resolution.

    Goes on where it was stopped. The pictures themselves are never changed.
    """
    from progan.data.build import build as build_pyramid
    from progan.data.sources import open_source

    settings = _settings(path, resolution, images, sets, workers, second)
    if two.is_two(settings):
        two.build(settings, to.expanduser(), workers)
        return
    if _open_built(path) is not None:
        raise ConfigError(
            f"{shown(path)} is built already; build from the pictures themselves. "
            f"Look: {_command('show', path)}"
        )
    to = to.expanduser()
    if to.exists() and not (to / "manifest.json").is_file():
        raise ConfigError(
            f"{shown(str(to))} is there already and holds something else. Name a new folder: "
            f"--to {shlex.quote(shown(str(to)))}-pictures"
        )
    with closing(screen.open_face()) as face:
        try:
            built = build_pyramid(
                open_source(path, settings),
                to,
                settings,
                workers=workers,
                progress=face.building,
                encoding=face.encoding,
            )
        except KeyboardInterrupt:
            face.line("Stopped", "what was read is kept; the same command goes on from it")
            raise
        for number, line in enumerate(built.report.lines(str(to / "report.json"))):
            face.line("" if number else "Data", line)
        _details(built.report, face, every=False, again=_command("check", path, resolution))
        sides = f"{built.resolutions[0]} to {built.resolutions[-1]}"
        face.line("Built", f"{shown(str(to))}: {built.count:,} pictures at {sides} pixels")
        face.line("", f"Look: {_command('show', str(to))}")


@app.command()
def show(
    path: Path_,
    second: Second = None,
    to: Annotated[
        Path | None, typer.Option(metavar="FILE", help="PNG to write; named by PATH if left out.")
    ] = None,
    count: Annotated[int, typer.Option(help="How many pictures, spread over all of them.")] = 64,
    resolution: Resolution = None,
    sets: Sets = None,
) -> None:
    """Lay pictures out on one sheet, as training sees them."""
    if not 1 <= count <= MOST_SHOWN:
        raise ConfigError(
            f"--count is {count:,}; a sheet holds from 1 to {MOST_SHOWN:,} pictures. "
            f"For example: {_command('show', path)} --count 64"
        )
    settings = _settings(path, resolution, count, sets, None, second)
    target = _sheet_path(path, to)
    if two.is_two(settings):
        two.show(settings, target, count)
        return
    with closing(screen.open_face()) as face:
        built = _open_built(path)
        if built is not None:
            written = _write_sheet(path, built, target, count, resolution)
        else:
            written = _read_and_write(path, settings, target, count, face.building)
        face.line("Sheet", f"{shown(str(target))}: {written}")


app.command(short_help="Train an encoder of captions.")(train_encoder)


def _checked(
    path: str,
    settings: DataSettings,
    workers: int | None,
    progress: Callable[[int, int], None],
) -> DataReport:
    from progan.data.build import check as check_source
    from progan.data.sources import open_source

    source = open_source(path, settings)
    try:
        return check_source(source, settings, workers=workers, progress=progress)
    except DataError:
        if not source.count or settings.resolution is not None:
            raise
        # Not one of them has a size to choose by; at the smallest, each tells what is wrong.
        settings = replace(settings, resolution=SMALLEST)
        return check_source(source, settings, workers=workers, progress=progress)


# What was typed ------------------------------------------------------------------------------


def _settings(
    path: str,
    resolution: int | None,
    images: int | None,
    sets: list[str] | None,
    workers: int | None,
    second: str | None = None,
) -> DataSettings:
    """The rules of reading, checked as a recipe's are."""
    if workers is not None and not 1 <= workers <= 256:
        raise ConfigError(
            f"--workers is {workers}; it must be from 1 to 256. For example: --workers 2  "
            "More: progan data build --help"
        )
    settings = DataSettings(source=path, second=second, resolution=resolution, images=images)
    words = [word if word.startswith("data.") else f"data.{word}" for word in sets or ()]
    return apply_sets(Recipe(data=settings), words).data


def _open_built(path: str) -> Pyramid | None:
    """The pyramid in a folder that `build` made; None for anything else."""
    folder = Path(os.path.expanduser(path))
    if path in PACKAGED or not (folder / "manifest.json").is_file():
        return None
    if not any(folder.glob("r[0-9]*.u8")):
        return None
    from progan.data.pyramid import Pyramid

    return Pyramid.open(folder)


def _command(verb: str, path: str, resolution: int | None = None) -> str:
    size = f" --resolution {resolution}" if resolution else ""
    path = f"./{path}" if path.startswith("-") else path
    return f"progan data {verb} {shlex.quote(shown(path))}{size}"


# What is printed and written -----------------------------------------------------------------


def _details(report: DataReport, face: Any, *, every: bool, again: str) -> None:
    """Remarks, rules, classes and findings of a report."""
    for remark in report.remarks:
        face.line("", remark)
    for note, n in report.notes.items():
        face.line("", f"{n:,} {NOTES[note].format(background=report.background)}")
    if report.labels:
        few = list(report.labels.items())[: None if every else FEW_FINDINGS]
        more = f", and {len(report.labels) - len(few):,} more" * (len(few) < len(report.labels))
        title = "Classes" if report.label_kind == "class" else "Labels"
        face.line(title, ", ".join(f"{shown(name)} {n:,}" for name, n in few) + more)
    if report.ranges:
        face.line("Labels", report.ranges_text())
    findings = report.findings if every else report.findings[:FEW_FINDINGS]
    for number, finding in enumerate(findings):
        face.line("" if number else "Not used", finding.line())
    if len(findings) < len(report.findings):
        face.line("", f"and {len(report.findings) - len(findings):,} more: {again} --all")


def _sheet_path(path: str, to: Path | None) -> Path:
    """Where the sheet goes; nothing that is there is ever overwritten."""
    if to is None:
        name = Path(os.path.expanduser(path)).resolve().name or "pictures"
        stem = f"{Path(name).stem if not Path(path).is_dir() else name}-sheet"
        number, free = 1, Path(f"{stem}.png")
        while free.exists():
            number += 1
            free = Path(f"{stem}-{number}.png")
        return free
    to = to.expanduser()
    if to.suffix.lower() != ".png":
        raise ConfigError(
            f'--to is "{shown(str(to))}"; a sheet is written as PNG. '
            f"For example: --to {shlex.quote(shown(to.stem))}.png  More: progan data show --help"
        )
    if not to.parent.is_dir():
        raise ConfigError(
            f"{shown(str(to))} cannot be written: there is no folder {shown(str(to.parent))}. "
            f"Make it first: mkdir -p {shlex.quote(shown(str(to.parent)))}"
        )
    if to.exists():
        raise ConfigError(
            f"{shown(str(to))} is there already and is not overwritten. Name another file: "
            f"--to {shlex.quote(shown(to.stem))}-2.png  More: progan data show --help"
        )
    return to


def _read_and_write(
    path: str,
    settings: DataSettings,
    target: Path,
    count: int,
    progress: Callable[[int, int], None],
) -> str:
    """Read `count` pictures of a source into a passing folder, and lay them out."""
    from progan.data.build import build as build_pyramid
    from progan.data.build import choose_resolution
    from progan.data.sources import open_source

    source = open_source(path, settings)
    settings = replace(settings, resolution=choose_resolution(source, settings))
    try:
        folder = tempfile.TemporaryDirectory(prefix="progan-show-")
    except OSError as error:
        raise RoomError(
            f"There is no place for passing files: {error.strerror or error}. Name one: "
            f"TMPDIR=FOLDER {_command('show', path)}"
        ) from error
    with folder as place:
        built = build_pyramid(source, Path(place) / "few", settings, progress=progress)
        return _write_sheet(path, built, target, count, None)


def _write_sheet(
    path: str, built: Pyramid, target: Path, count: int, resolution: int | None
) -> str:
    """Write a sheet of pictures spread evenly over a pyramid; what it shows, in words."""
    import numpy as np

    from progan.core.grids import columns_for, png_bytes, tile, to_picture
    from progan.data.disk import replace as write_whole

    n = min(count, built.count)
    side = resolution or built.resolutions[-1]
    pixels = built.gather(np.arange(n) * built.count // n, side)
    sheet = tile(pixels, columns_for(n))
    picture = to_picture(sheet, max(1, SHEET_SIDE // max(sheet.shape[:2])))
    try:
        write_whole(target, png_bytes(picture, {"Software": "made by progan"}))
    except OSError as error:
        raise RoomError(
            f"{shown(str(target))} cannot be written: {error.strerror or error}. "
            f"Name another place: {_command('show', path)} --to FILE.png"
        ) from error
    colour = "colour" if built.channels == 3 else "grey"
    return f"{n:,} pictures of {side} × {side}, {colour}"
