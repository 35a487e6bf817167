"""Find PNG files whose head promises more rows than there are.

Pillow, given such a file, leaves the missing rows black and says nothing.
"""

from __future__ import annotations

import struct
import zlib
from typing import BinaryIO

__all__ = ["ends_early"]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Numbers a pixel, for each kind of colour."""
ADAM7 = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
"""First column, first row, and steps of the seven passes of an interlaced picture."""


def ends_early(file: BinaryIO) -> bool:
    """Whether the pixel data of a PNG unfolds to fewer bytes than its head asks for.

    False for what is no PNG, or is broken in a way that a decoder notices.
    """
    file.seek(0)
    if file.read(8) != SIGNATURE:
        return False
    needed, got, unpack = 0, 0, zlib.decompressobj()
    while len(head := file.read(8)) == 8:
        size, name = struct.unpack(">I4s", head)
        if name == b"IHDR":
            needed = _bytes_needed(file.read(size))
        elif name == b"IDAT":
            data = file.read(size)
            while data and got < needed and not unpack.eof:
                try:
                    got += len(unpack.decompress(data, 2**20))
                except zlib.error:
                    return False
                data = unpack.unconsumed_tail
        elif name == b"IEND":
            break
        else:
            file.seek(size, 1)
        file.seek(4, 1)  # the checksum
    return got < needed


def _bytes_needed(head: bytes) -> int:
    """Rows of every pass, each with the byte that names its filter."""
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", head[:13])
    bits = depth * SAMPLES.get(colour, 0)
    total = 0
    for x, y, step_x, step_y in ADAM7 if interlaced else ((0, 0, 1, 1),):
        columns, rows = -(-(width - x) // step_x), -(-(height - y) // step_y)
        if columns > 0 and rows > 0:
            total += rows * (1 + (columns * bits + 7) // 8)
    return total
