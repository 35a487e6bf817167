"""`data check`, `data build` and `data show` of two domains."""

from __future__ import annotations

import shlex
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from progan.cli import screen
from progan.core.errors import ConfigError, RoomError
from progan.data.records import shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from progan.core.config import DataSettings
    from progan.data.two import Domains

__all__ = ["build", "check", "is_two", "show"]

FEW_FINDINGS = 12
SHEET_SIDE = 512


def is_two(settings: DataSettings) -> bool:
    """Whether two domains are meant."""
    from progan.data.sources.two import looks_like_two

    return looks_like_two(settings)


def check(settings: DataSettings, *, every: bool) -> None:
    """Read both domains into a passing folder, and say what can be used. Nothing is kept."""
    with _face() as face, _passing() as folder:
        domains = _stored(settings, Path(folder), face)
        _tell(domains, face, every=every)
        if not domains.path.is_relative_to(folder):
            domains.verify()
            face.line("", "every byte is as it was written")
        face.line("", f"Nothing was changed. Look: {_command('show', settings)}")


def build(settings: DataSettings, to: Path, workers: int | None) -> None:
    """Read both domains once, into a folder that many runs can use."""
    from progan.data.opening import open_data
    from progan.data.sources.two import Two
    from progan.data.two import FILE, build_two

    data = open_data(settings)
    if not isinstance(data, Two):
        raise ConfigError(
            f"{shown(settings.source)} is built already; build from the pictures themselves. "
            f"Look: {_command('show', settings)}"
        )
    if to.exists() and not (to / FILE).is_file() and any(to.iterdir() if to.is_dir() else [to]):
        unfinished = to.is_dir() and {p.name.split(".")[0] for p in to.iterdir()} <= PARTS
        if not unfinished:
            raise ConfigError(
                f"{shown(str(to))} is there already and holds something else. Name a new folder: "
                f"--to {shlex.quote(shown(str(to)))}-pictures"
            )
    with _face() as face:
        try:
            domains = build_two(data, to, settings, workers=workers, progress=face.building)
        except KeyboardInterrupt:
            face.line("Stopped", "what was read is kept; the same command goes on from it")
            raise
        _tell(domains, face, every=False)
        counts = f"{domains.a.count:,} and {domains.b.count:,} pictures"
        sides = f"{domains.resolutions[0]} to {domains.resolutions[-1]}"
        face.line("Built", f"{shown(str(to))}: {counts} at {sides} pixels")
        face.line("", f"Look: progan data show {shlex.quote(shown(str(to)))}")


PARTS = {"a", "b", "test_a", "test_b", "", "domains"}


def show(settings: DataSettings, target: Path, count: int) -> None:
    """Lay pictures of both domains out on one sheet, a pair beside each other."""
    import numpy as np

    from progan.core.grids import columns_for, png_bytes, tile, to_picture
    from progan.data.disk import replace as write_whole

    few = replace(settings, held_out=0.0)
    with _face() as face, _passing() as folder:
        domains = _stored(few, Path(folder), face)
        n = min(count, domains.a.count, domains.b.count)
        side = domains.resolutions[-1]
        parts = [_spread(domains, name, n, side) for name in ("a", "b")]
        most = max(part.shape[1] for part in parts)
        wide = [np.broadcast_to(part, (n, most, side, side)) for part in parts]
        both = np.stack(wide, axis=1).reshape(-1, most, side, side)
        sheet = tile(np.ascontiguousarray(both), 2 * columns_for((n + 1) // 2))
        picture = to_picture(sheet, max(1, SHEET_SIDE // max(sheet.shape[:2])))
        try:
            write_whole(target, png_bytes(picture, {"Software": "made by progan"}))
        except OSError as error:
            raise RoomError(
                f"{shown(str(target))} cannot be written: {error.strerror or error}. Name another "
                f"place: {_command('show', settings)} --to FILE.png"
            ) from error
        names = " | ".join(shown(name) for name in domains.names)
        face.line("Sheet", f"{shown(str(target))}: {n:,} times {names}, {side} × {side}")


def _spread(domains: Domains, name: str, n: int, side: int) -> NDArray[Any]:
    import numpy as np

    part = domains.parts[name]
    count = domains.a.count if domains.kind != "unpaired" else part.count
    pixels = part.gather(np.arange(n) * count // n, side)
    if domains.kind != "layouts" or name == "a":
        return pixels
    table = np.zeros((256, 3), np.uint8)
    table[: len(domains.layout_colours)] = domains.layout_colours
    painted: NDArray[Any] = table[pixels[:, 0]].transpose(0, 3, 1, 2)
    return painted


def _face() -> closing[screen.Face]:
    return closing(screen.open_face())


def _passing() -> tempfile.TemporaryDirectory[str]:
    try:
        return tempfile.TemporaryDirectory(prefix="progan-two-")
    except OSError as error:
        raise RoomError(
            f"There is no place for passing files: {error.strerror or error}. Name one: "
            "TMPDIR=FOLDER progan data check A B"
        ) from error


def _stored(settings: DataSettings, folder: Path, face: screen.Face) -> Domains:
    from progan.data.opening import open_data, stored
    from progan.data.two import Domains

    found = stored(open_data(settings), settings, folder, progress=face.building)
    assert isinstance(found, Domains)
    return found


def _tell(domains: Domains, face: screen.Face, *, every: bool) -> None:
    report = domains.report
    for number, line in enumerate(report.lines()):
        face.line("" if number else "Data", line)
    for part in (report.a, report.b):
        for remark in part.remarks:
            face.line("", remark)
    findings = report.findings if every else report.findings[:FEW_FINDINGS]
    for number, finding in enumerate(findings):
        face.line("" if number else "Not used", finding.line())
    if len(findings) < len(report.findings):
        face.line("", f"and {len(report.findings) - len(findings):,} more: --all")


def _command(verb: str, settings: DataSettings) -> str:
    words = [settings.source] + ([settings.second] if settings.second is not None else [])
    return f"progan data {verb} {shlex.join(shown(word) for word in words)}"
