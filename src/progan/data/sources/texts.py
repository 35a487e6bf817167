"""A .txt beside each picture, of the same name, with its captions."""

from __future__ import annotations

import os
from collections.abc import Sequence

from progan.core.errors import DataError
from progan.data.records import shown
from progan.data.tables import Table

__all__ = ["text_files"]

LARGEST_BYTES = 2**16
"""Of a file of captions."""


def text_files(folder: str, names: Sequence[str]) -> Table | None:
    """What the .txt beside each picture says; None where no picture has one.

    Raises: DataError for one that is too large or cannot be read.
    """
    cells = [_read(folder, os.path.splitext(name)[0] + ".txt") for name in names]
    if all(cell is None for cell in cells):
        return None
    return Table("a .txt beside each picture", {"text": cells}, ())


def _read(folder: str, name: str) -> str | None:
    path = os.path.join(folder, name)
    if not os.path.isfile(path):
        return None
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise DataError(
            f"{shown(name)} cannot be read: {error.strerror}. Make it readable."
        ) from error
    if len(data) > LARGEST_BYTES:
        raise DataError(
            f"{shown(name)} has more than {LARGEST_BYTES:,} bytes, the most that a file of "
            "captions may have. Shorten it."
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{shown(name)} is not UTF-8. Save it as UTF-8.") from error
