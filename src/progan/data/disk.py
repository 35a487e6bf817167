"""Writing so that a kill at any moment leaves either the old file or the new one."""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from progan.core.errors import RoomError

__all__ = ["lock", "read_json", "replace", "room", "settle", "size_text"]


def replace(path: Path, data: bytes) -> None:
    """Write `data` beside `path`, wait for the disk, and rename it into place."""
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def settle(folder: Path) -> None:
    """Wait until the names in `folder` are on the disk."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # folders cannot be opened on every system
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a small JSON file of ours; None when it is missing or not whole."""
    try:
        body = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return body if isinstance(body, dict) else None


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold `path` as a lock while inside; wait for another process that holds it.

    The lock dies with its process. Whoever comes in must look again at what it guards.
    """
    try:
        import fcntl
    except ImportError:  # no such locks here: two builders of one store stay the user's affair
        yield
        return
    while True:
        with path.open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.1)
                continue
            except OSError:  # a disk without locks: as above
                yield
                return
            if not _is_still(file.fileno(), path):  # its last holder has removed it
                continue
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
            return


def _is_still(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def room(error: OSError, to: Path, needed: int) -> RoomError:
    """Translate what the system said while `to` was written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        place = next(parent for parent in [to.parent, *to.parents] if parent.exists())
        free = shutil.disk_usage(place).free
        return RoomError(
            f"Disk full while building {to} (needs up to {size_text(needed)}, {size_text(free)} "
            f"free). The pictures done so far are kept: free some room and start again."
        )
    return RoomError(
        f"{error.filename or to} cannot be written: {error.strerror or error}. "
        f"Give a folder you may write to: --to FOLDER"
    )


def size_text(size: int) -> str:
    """`182 MB`."""
    value, unit = float(size), "bytes"
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            break
        value /= 1000
    return f"{value:.3g} {unit}" if value < 100 else f"{value:.0f} {unit}"
