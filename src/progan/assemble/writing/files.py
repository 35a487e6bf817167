"""Writing what a user asked for: whole or not at all, and never over something of theirs."""

from __future__ import annotations

from pathlib import Path

from progan.assemble.writing.containers import MADE_HERE
from progan.core.errors import ConfigError, RoomError
from progan.core.faults import Faults
from progan.engine.checkpoint import write_atomically

__all__ = ["check_free", "free_name", "write_out"]

LOOKED_AT = 64 * 1024


def check_free(path: Path) -> None:
    """Refuse a path that holds something progan did not make, or whose folder is missing."""
    if not path.parent.is_dir():
        raise ConfigError(
            f"{path} cannot be written: there is no folder {path.parent}. "
            f"Make it first: mkdir -p {path.parent}"
        )
    if path.is_file() and _made_here(path):
        return
    if path.exists() or path.is_symlink():
        raise ConfigError(
            f"{path} exists and was not made by progan, so it is not overwritten. "
            f"Choose another name: {free_name(path).name}"
        )


def free_name(path: Path) -> Path:
    """`path`, or `path-2`, `path-3`, … before its suffix when there is one already."""
    number, free = 1, path
    while free.exists() or free.is_symlink():
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free


def _made_here(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(LOOKED_AT)
            file.seek(max(0, path.stat().st_size - LOOKED_AT))
            return MADE_HERE in head or MADE_HERE in file.read(LOOKED_AT)
    except OSError:
        return False


def write_out(path: Path, content: bytes, faults: Faults | None = None) -> None:
    """Write `content` to `path` atomically; what stood there before stays if it cannot be done."""
    try:
        write_atomically(path, content, faults)
    except RoomError as error:
        cause = error.__cause__
        reason = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
        raise RoomError(
            f"{path} could not be written ({reason}; needs {len(content):,} bytes). Nothing else "
            "was touched. Make room, or write elsewhere: progan sample RUN OTHER/PLACE.png"
        ) from error
