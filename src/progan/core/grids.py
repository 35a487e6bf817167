"""From the networks' pictures to files: the one border between [-1, 1] and uint8, and grids.

Needs numpy and Pillow only; tensors come in as arrays.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, PngImagePlugin

from progan.core.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["columns_for", "parse_grid", "png_bytes", "tile", "to_picture", "to_uint8"]

Array = np.ndarray[Any, np.dtype[np.uint8]]


def to_uint8(image: Tensor) -> Array:
    """Pictures in [-1, 1], n c h w, as uint8: round(127.5 · x + 127.5), cut to [0, 255].

    Source: Karras et al. 2018 (ProGAN), official code, `generate_fake_images`.
    """
    scaled = image.detach().float().mul(127.5).add(127.5).round().clamp(0, 255)
    return np.asarray(scaled.byte().cpu().numpy())


def columns_for(n: int) -> int:
    """Columns of a grid of `n` pictures: as square as can be, wider rather than higher."""
    return max(1, math.ceil(math.sqrt(n)))


def parse_grid(text: str) -> tuple[int, int]:
    """Read `6x4` as (columns, rows)."""
    parts = text.lower().replace("×", "x").split("x")
    if len(parts) != 2 or not all(part.isdigit() and 0 < int(part) <= 256 for part in parts):
        raise ConfigError(f'grid is "{text}"; write columns x rows, each from 1 to 256: --grid 6x4')
    return int(parts[0]), int(parts[1])


def tile(images: Array, columns: int | None = None, *, gap: int = 0, fill: int = 255) -> Array:
    """Lay pictures n c h w out row by row: one picture, h w c, with `gap` pixels between."""
    n, channels, height, width = images.shape
    columns = columns or columns_for(n)
    rows = math.ceil(n / columns)
    shape = (rows * (height + gap) - gap, columns * (width + gap) - gap, channels)
    sheet = np.full(shape, fill, np.uint8)
    for index, image in enumerate(images):
        top = (index // columns) * (height + gap)
        left = (index % columns) * (width + gap)
        sheet[top : top + height, left : left + width] = image.transpose(1, 2, 0)
    return sheet


def to_picture(sheet: Array, scale: int = 1) -> Image.Image:
    """A Pillow picture of h w c, each pixel `scale` times enlarged."""
    picture = Image.fromarray(sheet[:, :, 0] if sheet.shape[2] == 1 else sheet)
    if scale > 1:
        size = (picture.width * scale, picture.height * scale)
        picture = picture.resize(size, Image.Resampling.NEAREST)
    return picture


def png_bytes(
    picture: Image.Image, notes: Mapping[str, str] | None = None, *, level: int = -1
) -> bytes:
    """A PNG file; `notes` stand in it as text chunks.

    `level` is zlib's; 1 takes about a quarter of the usual time, and a little more room.
    """
    info = PngImagePlugin.PngInfo()
    for key, value in (notes or {}).items():
        info.add_text(key, value)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", pnginfo=info, compress_level=level)
    return buffer.getvalue()
