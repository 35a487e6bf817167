"""Picture files that were named one by one, decoded as they are: of any sides."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from progan.data.crew import Decoded, Job, decode, measure_each
from progan.data.layouts import Palette, framed
from progan.data.pictures import decode_classes, size_of
from progan.data.records import SMALLEST, Background, Block, Finding, Frame, fitted
from progan.data.sources.base import Digest, Reader, Ref, Tableless
from progan.data.sources.folder import FolderReader

__all__ = ["LARGEST_READ", "Files", "MapReader", "Read", "read_whole"]

LARGEST_READ = 4096
"""Pixels a side; a larger picture is shrunk to it as it is read."""


@dataclass(frozen=True)
class MapReader:
    """Reads class maps by their paths."""

    palette: list[list[str | int]] | None

    def read(self, refs: Sequence[Ref], frame: Frame) -> Iterator[Block | Finding]:
        """One block or finding a file; the map lies in the upper left corner of its square."""
        palette = None if self.palette is None else Palette.of(self.palette)
        for ref in refs:
            found = decode_classes(str(ref), palette, str(ref))
            if isinstance(found, Finding):
                yield found
                continue
            yield Block(framed(found, frame)[None, None], classes=True)

    def sizes(self, refs: Sequence[Ref]) -> Iterator[tuple[int, int] | Finding]:
        """From the head of each file."""
        for ref in refs:
            yield size_of(str(ref), str(ref))


class Files(Tableless):
    """Files by their paths, in the order given; class maps, where they are read so."""

    guarded = True
    parallel = False
    native_resolution = None
    shaping = ""
    classes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    remarks: tuple[str, ...] = ()

    def __init__(self, paths: Sequence[Path], reader: Reader | None = None) -> None:
        self.paths = [os.path.abspath(path) for path in paths]
        self.name = os.path.basename(self.paths[0]) if self.paths else ""
        self.count = len(self.paths)
        self._reader = reader or FolderReader("")

    def refs(self, indices: Sequence[int]) -> list[Ref]:
        """The paths."""
        return [self.paths[index] for index in indices]

    def title(self, index: int) -> str:
        """The file's own name."""
        return os.path.basename(self.paths[index])

    def labels(self) -> NDArray[np.int32] | None:
        """None."""
        return None

    def reader(self) -> Reader:
        """A reader of these paths."""
        return self._reader

    def check_resolution(self, resolution: int) -> None:
        """Any."""

    def stamp(self) -> str:
        """Over the paths: what is read so is never kept."""
        digest = Digest()
        digest.add("files", *self.paths)
        return digest.hex()

    def fingerprint(self) -> str:
        """The same."""
        return self.stamp()


@dataclass(frozen=True)
class Read:
    """A picture as it is in its file, or why it cannot be used."""

    place: int
    """In the list of files."""
    pixels: NDArray[np.uint8] | None
    """h w c; of class maps h w."""
    reason: str = ""
    shrunk: bool = False


def read_whole(
    files: Files, channels: int | None, background: Background = "white", *, maps: bool = False
) -> Iterator[Read]:
    """Each picture in its own shape, one at a time, decoded in a child process under limits.

    Neighbours of about one size share a process.
    """
    start = 0
    sizes = measure_each(files, range(files.count))
    while start < files.count:
        end = start + 1
        while end < files.count and _square(sizes[end]) == _square(sizes[start]):
            end += 1
        frame = Frame(
            resolution=_square(sizes[start]),
            channels=None if maps else channels,
            crop="whole",
            background=background,
        )
        jobs = [Job(place, (place,)) for place in range(start, end)]
        with closing(decode(files, frame, jobs, 1)) as results:
            for found in results:
                yield _read(found.job.number, found, sizes[found.job.number], frame, maps=maps)
        start = end


def _square(size: tuple[int, int] | None) -> int:
    """The power of two that holds a picture."""
    if size is None:
        return SMALLEST
    return min(LARGEST_READ, max(SMALLEST, 1 << (max(size) - 1).bit_length()))


def _read(
    place: int, found: Decoded, size: tuple[int, int] | None, frame: Frame, *, maps: bool
) -> Read:
    if not found.used or size is None:
        reason = found.findings[0].reason if found.findings else "cannot be opened"
        return Read(place, None, reason)
    width, height = fitted(size, frame.resolution)
    pixels = found.pixels[frame.resolution][0, :, :height, :width].transpose(1, 2, 0)
    whole = np.ascontiguousarray(pixels[..., 0] if maps else pixels)
    return Read(place, whole, shrunk=(width, height) != size)
