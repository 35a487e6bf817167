"""Read IDX files, the format of the MNIST family, raw or gzipped, without trusting them.

    bytes 0-1   zero
    byte  2     kind of number: 08 uint8, 09 int8, 0B int16, 0C int32, 0D float32, 0E float64
    byte  3     number of dimensions d
    4·d bytes   the dimensions, big-endian uint32
    the rest    the numbers, row by row, big-endian

Source: LeCun, Cortes and Burges, "The MNIST database", section "File formats".
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from progan.core.errors import DataError

KINDS = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}

LARGEST_BYTES = 4 * 2**30
"""No file may unfold to more than this."""
LARGEST_RATIO = 200
"""A gzipped file may unfold to this many times its own size; pictures unfold to 2 to 20 times."""
SMALL_BYTES = 2**20
"""Below this the ratio is not asked: a few blank pictures do compress that well."""


def read_idx(path: str | Path) -> NDArray[np.generic]:
    """The array in an IDX file, in the machine's own byte order.

    The size is checked against the file before anything is allocated, gzip is known by its first
    two bytes and not by its name, and a file that is cut short or goes on too long is refused.

    Raises: DataError, naming the file and what is wrong with it.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if not packed:
                return _read(path, file, size)
            with gzip.GzipFile(fileobj=file) as unpacked:
                return _read(path, unpacked, max(size * LARGEST_RATIO, SMALL_BYTES), packed=size)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise DataError(
            f"{path} is gzipped but broken ({error}). Fetch it again and compare its checksum."
        ) from error
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror or error}. Give the path of an IDX file."
        ) from error


def _read(
    path: Path, file: IO[bytes] | gzip.GzipFile, most: int, packed: int | None = None
) -> NDArray[np.generic]:
    head = file.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in KINDS or head[3] == 0:
        raise DataError(
            f"{path} begins with {head.hex(' ') or 'nothing'}; an IDX file begins with "
            f"00 00, a kind of number (08, 09, 0b, 0c, 0d or 0e) and the number of dimensions."
        )
    dtype, dimensions = np.dtype(KINDS[head[2]]), head[3]
    raw_shape = file.read(4 * dimensions)
    if len(raw_shape) < 4 * dimensions:
        raise DataError(f"{path} ends inside its header. Fetch it again.")
    shape = struct.unpack(f">{dimensions}I", raw_shape)
    header, body = 4 + 4 * dimensions, math.prod(shape) * dtype.itemsize
    said = f"{path} promises {'x'.join(map(str, shape))} numbers ({body:,} bytes)"
    if body > LARGEST_BYTES:
        raise DataError(f"{said}; the limit is {LARGEST_BYTES:,} bytes. Split it into parts.")
    if dimensions > 32:
        raise DataError(f"{path} has {dimensions} dimensions; at most 32 can be held.")
    if packed is None and header + body != most:
        raise DataError(f"{said}, so {header + body:,} in all, but holds {most:,}. Fetch it again.")
    if packed is not None and header + body > most:
        raise DataError(
            f"{said} out of {packed:,} gzipped ones, more than {LARGEST_RATIO} to 1, as a "
            f"decompression bomb would. If you trust it, unpack it yourself: gunzip {path}"
        )
    flat = np.empty(body, np.uint8)
    view, got = flat.data, 0
    while got < body:
        block = file.read(min(body - got, 2**20))
        if not block:
            raise DataError(f"{said}, but holds only {got:,}. Fetch it again.")
        view[got : got + len(block)] = block
        got += len(block)
    if file.read(1):  # at the end of a gzip member this also checks its CRC
        raise DataError(f"{said}, but goes on after them. Fetch it again.")
    return flat.view(dtype).astype(dtype.newbyteorder("="), copy=False).reshape(shape)
