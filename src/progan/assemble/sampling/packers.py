"""Many pictures as they are kept: PNG files in a folder, PNG files for a zip, or bare numbers.

A packer may be asked from any thread, and each of several processes has one of its own.
"""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

__all__ = [
    "Encode",
    "FolderPacker",
    "Packed",
    "Packer",
    "Pictures",
    "PlainPacker",
    "PngPacker",
    "file_name",
    "packer_for",
]

Pictures = np.ndarray[Any, np.dtype[np.uint8]]
"""n h w c."""
Encode = Callable[[int, np.ndarray[Any, np.dtype[np.uint8]]], bytes]
"""A PNG file of the picture, h w c, of a seed."""
Packed = Sequence[bytes | memoryview]
"""What an archive keeps of a block of pictures."""
IEND = struct.pack(">I4sI", 0, b"IEND", 0xAE426082)
"""How every PNG ends."""


class Packer(Protocol):
    """Makes of pictures what is kept of them."""

    writes: bool
    """Whether it writes them itself, so that nothing is left to be kept."""

    def has(self, seeds: Sequence[int]) -> bool:
        """Whether all these pictures are there."""
        ...

    def pack(self, seeds: Sequence[int], pictures: Pictures) -> Packed:
        """What an archive keeps of pictures n h w c."""
        ...


def packer_for(path: Path, encode: Encode) -> Packer:
    """The packer of the sink for `path`."""
    kind = path.suffix.lower()
    if kind == ".npz":
        return PlainPacker()
    return PngPacker(encode) if kind == ".zip" else FolderPacker(path, encode)


class PlainPacker:
    """The numbers as they are."""

    writes = False

    def has(self, seeds: Sequence[int]) -> bool:
        """Nothing: archives begin anew."""
        return False

    def pack(self, seeds: Sequence[int], pictures: Pictures) -> Packed:
        """All of them in one piece."""
        return [np.ascontiguousarray(pictures).data.cast("B")]


class PngPacker:
    """A PNG file for each picture."""

    writes = False

    def __init__(self, encode: Encode) -> None:
        self.png = encode

    def has(self, seeds: Sequence[int]) -> bool:
        """Nothing: archives begin anew."""
        return False

    def pack(self, seeds: Sequence[int], pictures: Pictures) -> Packed:
        """The files."""
        return [self.png(seed, picture) for seed, picture in zip(seeds, pictures, strict=True)]


class FolderPacker:
    """A PNG file for each picture, in a folder. What is there, whole, is not written again."""

    writes = True

    def __init__(self, folder: Path, encode: Encode) -> None:
        self.folder, self.png = folder, encode

    def has(self, seeds: Sequence[int]) -> bool:
        """Whether all these files are there, whole."""
        return all(_whole(self.folder / file_name(seed)) for seed in seeds)

    def pack(self, seeds: Sequence[int], pictures: Pictures) -> Packed:
        """Write the files that are missing."""
        for seed, picture in zip(seeds, pictures, strict=True):
            path = self.folder / file_name(seed)
            if not _whole(path):
                _write(path, self.png(seed, picture))
        return []


def file_name(seed: int) -> str:
    """`seed000012.png`."""
    return f"seed{seed:06d}.png"


def _whole(path: Path) -> bool:
    """Whether a PNG is there to its last byte: an unclean end of the machine may cut it short."""
    try:
        with path.open("rb") as file:
            file.seek(-len(IEND), os.SEEK_END)
            return file.read() == IEND
    except OSError:
        return False


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, but without waiting for the disk as a checkpoint does."""
    temporary = path.with_name(f".{path.name}.tmp-{os.getpid()}")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
