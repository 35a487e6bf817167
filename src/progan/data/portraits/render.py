"""Pictures, class maps and landmarks of people, at any size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from progan.core.errors import DataError
from progan.data.portraits.draw import paint
from progan.data.portraits.scene import CANVASES, Canvas, Style
from progan.data.portraits.truth import Portraits

SMALLEST, LARGEST = 4, 1024

_FINE = 64
"""Smaller pictures are drawn at least this large and averaged down: eyes keep their look."""
_CHUNK_PIXELS = 2**16
"""Pixels drawn together: enough to hide numpy's calls, few enough for the processor's cache."""
_DOWN = np.float32(-0.02)
"""The head's middle lies this far below the picture's: above it, to leave room for clothes."""


def render(portraits: Portraits, size: int, style: Style = "colour") -> NDArray[np.uint8]:
    """Pictures (n, 3, size, size) in one of three styles; every style draws the same shapes.

    Raises: DataError for a size outside 4 to 1024 or an unknown style.
    """
    if style not in ("colour", "flat", "ink"):
        raise DataError(f"style is {style!r}; portraits are drawn in colour, flat or ink.")
    _check_size(size)
    factor = max(1, -(-_FINE // size))
    pictures = np.empty((len(portraits), 3, size, size), np.uint8)
    return _draw(portraits, size, factor, CANVASES[style], pictures)


def layout(portraits: Portraits, size: int) -> NDArray[np.uint8]:
    """The class of the middle of each pixel, (n, size, size): ids into `LAYOUT_CLASSES`.

    Raises: DataError for a size outside 4 to 1024.
    """
    _check_size(size)
    maps = np.empty((len(portraits), size, size), np.uint8)
    return _draw(portraits, size, 1, CANVASES["map"], maps)


def landmarks(portraits: Portraits) -> NDArray[np.float32]:
    """Left eye, right eye, nose, left and right mouth corner: CelebA's order, left in the picture.

    (n, 5, 2), x then y, from 0 at the left and upper edge of the picture to 1 at the other edge.
    """
    p, zero = portraits, np.zeros_like(portraits.eye_x)
    corner = p.mouth_y - p.smile
    x = np.stack([-p.eye_x, p.eye_x, zero, -p.mouth_width, p.mouth_width], 1)
    y = np.stack([p.eye_y, p.eye_y, p.nose_y, corner, corner], 1)
    cos, sin = (k[:, None] for k in _lean(p))
    scale, dx, dy = p.scale[:, None], p.dx[:, None], p.dy[:, None]
    across, down = scale * (cos * x - sin * y) + dx, scale * (sin * x + cos * y) + dy + _DOWN
    return np.stack([(across + 1) / 2, (down + 1) / 2], -1).astype(np.float32)


def _check_size(size: int) -> None:
    if not SMALLEST <= size <= LARGEST:
        raise DataError(f"size is {size}; portraits are drawn at {SMALLEST} to {LARGEST} pixels.")


def _lean(p: Portraits) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cosine and sine of the head's angle from the tangent of half of it: exact arithmetic."""
    square = np.square(p.turn)
    return (1 - square) / (1 + square), 2 * p.turn / (1 + square)


def _draw(
    portraits: Portraits, size: int, factor: int, kind: type[Canvas], out: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Fill `out` chunk by chunk, drawing `factor` times as fine and averaging."""
    fine = size * factor
    chunk = max(1, _CHUNK_PIXELS // fine**2)
    for start in range(0, len(portraits), chunk):
        some = portraits[start : start + chunk]
        canvas = _canvas(some, fine, kind)
        paint(canvas, some)
        canvas.average(factor)
        out[start : start + chunk] = canvas.finish()
    return out


def _canvas(p: Portraits, size: int, kind: type[Canvas]) -> Canvas:
    grid = (np.arange(size, dtype=np.float32) + np.float32(0.5)) * np.float32(2 / size) - 1
    column = (-1, 1, 1)
    cos, sin = (k.reshape(column) for k in _lean(p))
    scale = p.scale.reshape(column)
    bx = np.broadcast_to((grid - p.dx.reshape(column)) / scale, (len(p), size, size))
    by = (grid[:, None] - p.dy.reshape(column) - _DOWN) / scale
    by = np.broadcast_to(by, (len(p), size, size))
    x, y = cos * bx + sin * by, cos * by - sin * bx
    return kind(kind.blank(len(p), size), (x, y, bx, by), np.float32(2 / size) / scale)
