"""Class maps: pictures whose pixels are numbers of classes, and the palette that names them.

one channel     the value is the class's id; 255 is unknown, unless the palette names it. Of a
                picture with a colour table, the place in the table is the id
colours         each is a class of palette.json, exactly; a picture whose red, green and blue are
                the same everywhere counts as one channel, where there is no palette
resize          nearest; what padding adds is unknown

`palette.json` is {"0": ["sky", 135, 206, 235], …}: id, name, red, green, blue. Classes are numbered
from 0 in the order of ids.
"""

from __future__ import annotations

import colorsys
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from progan.core.errors import DataError
from progan.data.records import Frame, UnfitError, fitted, shown

__all__ = [
    "UNKNOWN",
    "Palette",
    "class_map",
    "colours_for",
    "edges_of",
    "framed",
    "read_palette",
    "usual_names",
]

UNKNOWN = 255
"""The byte of a pixel whose class nobody knows."""
MOST = 255
"""Classes of a layout."""
LARGEST_PALETTE = 2**20
"""Bytes of a palette file."""
SHOWN = 5
"""Unknown colours or ids named in a finding."""

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Palette:
    """Classes by number: their ids in files, their names, their colours."""

    ids: tuple[int, ...]
    names: tuple[str, ...]
    colours: tuple[Colour, ...]

    def plain(self) -> list[list[Any]]:
        """As plain values, for a child process."""
        rows = zip(self.ids, self.names, self.colours, strict=True)
        return [[number, name, *colour] for number, name, colour in rows]

    @classmethod
    def of(cls, rows: list[list[Any]]) -> Palette:
        """What `plain` gave."""
        return cls(
            tuple(int(row[0]) for row in rows),
            tuple(str(row[1]) for row in rows),
            tuple((int(row[2]), int(row[3]), int(row[4])) for row in rows),
        )


def read_palette(path: Path) -> Palette:
    """Read a palette file.

    Raises: DataError for one that is no palette, with what is wrong in it.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_PALETTE + 1)
        body = json.loads(data) if len(data) <= LARGEST_PALETTE else None
    except OSError as error:
        raise DataError(f"{shown(str(path))} cannot be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError):
        body = None
    must = 'it must be {"0": ["sky", 135, 206, 235], …}: id, name, red, green, blue'
    if not isinstance(body, dict) or not 1 <= len(body) <= MOST:
        raise DataError(
            f"{shown(str(path))} is no palette of 1 to {MOST} classes; {must}. Write it anew, or "
            "take it away where maps hold numbers."
        )
    rows = []
    for key, value in body.items():
        row = _row(key, value)
        if row is None:
            raise DataError(
                f"{shown(str(path))} says {shown(str(key)[:20])}: {shown(str(value)[:60])}; {must}"
                ", each number from 0 to 255, ids to 65,535."
            )
        rows.append(row)
    rows.sort()
    found = Palette.of([[number, name, *colour] for number, name, colour in rows])
    for what, values in (("id", found.ids), ("name", found.names), ("colour", found.colours)):
        twice = next((v for v in values if values.count(v) > 1), None)
        if twice is not None:
            raise DataError(
                f"{shown(str(path))} gives two classes the {what} {shown(str(twice))}; each must "
                "have its own."
            )
    return found


def _row(key: object, value: object) -> tuple[int, str, Colour] | None:
    if not isinstance(key, str) or not key.isdecimal() or len(key) > 5 or int(key) > 65535:
        return None
    if not isinstance(value, list) or len(value) != 4 or not isinstance(value[0], str):
        return None
    if any(type(v) is not int or not 0 <= v <= 255 for v in value[1:]):
        return None
    name = value[0].strip()
    return (int(key), name[:80], (value[1], value[2], value[3])) if name else None


def usual_names(count: int) -> tuple[str, ...]:
    """`class 0`, `class 1`, …"""
    return tuple(f"class {number}" for number in range(count))


def colours_for(count: int) -> tuple[Colour, ...]:
    """Colours that can be told apart: hues a golden section apart, in three strengths."""
    found: list[Colour] = []
    for number in range(count):
        strength = ((0.65, 0.95), (0.85, 0.65), (0.4, 0.8))[number // 2 % 3]
        red, green, blue = colorsys.hsv_to_rgb(number * 0.618033988749895 % 1, *strength)
        colour = round(255 * red), round(255 * green), round(255 * blue)
        while colour in found:  # far behind a hundred classes
            colour = (colour[0] + 1) % 256, colour[1], colour[2]
        found.append(colour)
    return tuple(found)


def class_map(image: Image.Image, palette: Palette | None) -> NDArray[np.uint8]:
    """The number of the class at each pixel, h w, of a decoded picture.

    Raises: UnfitError for colours or ids that are not in the palette.
    """
    if image.mode in ("L", "P", "1") or image.mode == "I" or image.mode.startswith("I;16"):
        return _by_id(np.asarray(image).astype(np.int64), palette)
    if image.mode in ("LA", "PA"):
        return _by_id(np.asarray(image)[..., 0].astype(np.int64), palette)
    pixels = np.asarray(image.convert("RGB"))
    if palette is None:
        if (pixels == pixels[..., :1]).all():
            return _by_id(pixels[..., 0].astype(np.int64), None)
        raise UnfitError("no class", "is in colours, and there is no palette.json to read them by")
    return _by_colour(pixels, palette)


def _by_id(ids: NDArray[np.int64], palette: Palette | None) -> NDArray[np.uint8]:
    if palette is None:
        if ids.min() < 0 or ids.max() > UNKNOWN:
            raise UnfitError(
                "no class",
                f"holds the number {ids.max()}; without a palette.json ids "
                f"go from 0 to {UNKNOWN - 1}",
            )
        return ids.astype(np.uint8)
    present = np.unique(ids)
    number = {known: place for place, known in enumerate(palette.ids)}
    number.setdefault(UNKNOWN, UNKNOWN)
    strange = [int(one) for one in present if int(one) not in number]
    if strange:
        raise UnfitError("no class", f"{_few(strange)} not in palette.json")
    places = np.array([number[int(one)] for one in present], np.uint8)
    return places[np.searchsorted(present, ids)]


def _by_colour(pixels: NDArray[np.uint8], palette: Palette) -> NDArray[np.uint8]:
    wide = pixels.astype(np.int64)
    codes = wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]
    present = np.unique(codes)
    known = {r << 16 | g << 8 | b: n for n, (r, g, b) in enumerate(palette.colours)}
    strange = [f"#{int(one):06x}" for one in present if int(one) not in known]
    if strange:
        hint = "; a JPEG's colours are never exact: save maps as PNG" * (len(strange) > 3 * SHOWN)
        raise UnfitError("no class", f"{_few(strange)} not in palette.json{hint}")
    places = np.array([known[int(one)] for one in present], np.uint8)
    return places[np.searchsorted(present, codes)]


def _few(values: list[Any]) -> str:
    more = f" and {len(values) - SHOWN:,} more" * (len(values) > SHOWN)
    verb = "is" if len(values) == 1 else "are"
    return f"{', '.join(map(str, values[:SHOWN]))}{more} {verb}"


def framed(classes: NDArray[Any], frame: Frame, fill: int = UNKNOWN) -> NDArray[Any]:
    """A map h w, cut or padded as pictures are, and brought to r r by nearest pixels."""
    height, width = classes.shape
    side = frame.resolution
    if frame.crop == "centre":
        short = min(height, width)
        top, left = (height - short) // 2, (width - short) // 2
        square = classes[top : top + short, left : left + short]
        return _nearest(square, side, side)
    if frame.crop == "whole":
        wide, high = fitted((width, height), side)
        out = np.full((side, side), fill, classes.dtype)
        out[:high, :wide] = _nearest(classes, high, wide)
        return out
    long = max(height, width)
    inner = _nearest(
        classes, max(1, round(side * height / long)), max(1, round(side * width / long))
    )
    out = np.full((side, side), fill, classes.dtype)
    top, left = (side - inner.shape[0]) // 2, (side - inner.shape[1]) // 2
    out[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return out


def _nearest(classes: NDArray[Any], height: int, width: int) -> NDArray[Any]:
    """The pixel under the middle of each new one."""
    rows = (2 * np.arange(height) + 1) * classes.shape[0] // (2 * height)
    columns = (2 * np.arange(width) + 1) * classes.shape[1] // (2 * width)
    return classes[rows[:, None], columns]


def edges_of(instances: NDArray[Any]) -> NDArray[np.uint8]:
    """1 where a pixel's instance differs from that beside, above or below it; h w.

    Source: Wang et al. 2018 (pix2pixHD), section 3.3, the boundary map.
    """
    out = np.zeros(instances.shape, np.uint8)
    down, right = instances[1:] != instances[:-1], instances[:, 1:] != instances[:, :-1]
    out[1:] |= down
    out[:-1] |= down
    out[:, 1:] |= right
    out[:, :-1] |= right
    return out
