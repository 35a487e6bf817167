"""Sheets of pictures beside what a model makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from progan.assemble.writing.containers import MADE_HERE
from progan.assemble.writing.files import check_free, write_out
from progan.assemble.writing.film import enlargement
from progan.core.errors import ConfigError
from progan.core.grids import png_bytes, tile, to_picture

__all__ = ["bands", "check_sheet", "write_sheet"]

Pixels = NDArray[np.uint8]


def check_sheet(path: Path) -> None:
    """Say before anything is computed that no sheet can be written here."""
    if path.suffix.lower() != ".png":
        raise ConfigError(
            f'A sheet cannot be written as "{path.name}"; its name must end in .png. '
            f"For example: {path.stem or 'sheet'}.png"
        )
    check_free(path)


def bands(rows: Sequence[Pixels], columns: int) -> Pixels:
    """Rows of as many pictures n c h w, cut into bands of so many columns: one sheet, h w c.

    Each band holds its part of every row, one below the other.
    """
    count, *shape = rows[0].shape
    wide = min(columns, count)
    cells = []
    for start in range(0, count, wide):
        for row in rows:
            part = row[start : start + wide]
            empty = np.full((wide - len(part), *shape), 255, np.uint8)
            cells += [part, empty]
    return tile(np.concatenate(cells), wide)


def write_sheet(path: Path, sheet: Pixels, side: int) -> Image.Image:
    """Write a sheet, h w c, as PNG; pictures of a small `side` are enlarged by a whole number."""
    check_sheet(path)
    picture = to_picture(sheet, max(1, enlargement(side, side) // 4))
    write_out(path, png_bytes(picture, {"Software": MADE_HERE.decode()}))
    return picture
