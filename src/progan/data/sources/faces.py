"""A folder of photographs and a file of landmarks: every picture is one face, cut out upright."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from progan.core.errors import DataError
from progan.data.pictures import decode_face, size_of
from progan.data.records import Block, Finding, Frame, shown
from progan.data.sources.base import Digest, Ref
from progan.data.sources.folder import FolderSource, as_block
from progan.data.tables import Table

__all__ = ["FaceReader", "FaceSource", "read_landmarks"]

LARGEST_BYTES = 2**30
"""Of a file of landmarks."""
POINTS = 5
SEPARATOR = re.compile(r"\s*,\s*|\s+")
LINE = re.compile(r"(?P<name>.*?\S)(?P<numbers>(?:(?:\s*,\s*|\s+)[-+.0-9eE]+){10})")
"""Names may hold blanks; the numbers are the last ten."""


@dataclass(frozen=True)
class FaceReader:
    """Cuts faces out; a ref is ten numbers, a blank, and a path below `folder`."""

    folder: str

    def read(self, refs: Sequence[Ref], frame: Frame) -> Iterator[Block | Finding]:
        """One block or finding a face."""
        for ref in refs:
            numbers, _, name = str(ref).partition(" ")
            points = np.array([float(number) for number in numbers.split(",")]).reshape(POINTS, 2)
            yield as_block(decode_face(os.path.join(self.folder, name), points, frame, name))

    def sizes(self, refs: Sequence[Ref]) -> Iterator[tuple[int, int] | Finding]:
        """From the head of each file."""
        for ref in refs:
            name = str(ref).partition(" ")[2]
            yield size_of(os.path.join(self.folder, name), name)


class FaceSource:
    """The faces of `landmarks` in the photographs of `folder`, cut as CelebA-HQ is.

    Pictures without landmarks, and landmarks without a picture, are listed and left out.
    Subfolders are classes as in any folder.

    Raises: DataError when folder or file cannot be read, or a line is not what it must be.
    """

    guarded = True
    parallel = True
    shaping = "faces cut out upright at"

    def __init__(self, folder: str | Path, landmarks: str | Path) -> None:
        self.photographs = FolderSource(folder)
        self.name = self.photographs.name
        points = read_landmarks(Path(landmarks))
        names = self.photographs.names
        self._used = [index for index, name in enumerate(names) if name in points]
        self._points = np.array([points[names[index]] for index in self._used]).reshape(
            -1, 2 * POINTS
        )
        self.count = len(self._used)
        without = [name for name in names if name not in points]
        file = shown(Path(landmarks).name)
        self.findings = self.photographs.findings + tuple(
            Finding(name, "no landmarks", f"has no line in {file}") for name in without
        )
        self.remarks = self.photographs.remarks
        missing = len(points) - self.count
        if missing:
            self.remarks += (f"lines of {file} without a picture: {missing:,}",)
        self.classes = self.photographs.classes

    @cached_property
    def native_resolution(self) -> int | None:
        """The largest power of two that nine of ten faces fill; none without faces."""
        from progan.data.faces import crop_of

        sides = []
        for points in self._points[:: max(1, self.count // 400)]:
            try:
                sides.append(2 * crop_of(points.reshape(POINTS, 2)).half)
            except ValueError:
                continue
        if not sides:
            return None
        side = sorted(sides)[len(sides) // 10]
        return int(2 ** max(2, math.floor(math.log2(side))))

    def refs(self, indices: Sequence[int]) -> list[Ref]:
        """Landmarks and name."""
        return [
            ",".join(f"{value:.9g}" for value in self._points[i].tolist()) + " " + self.title(i)
            for i in indices
        ]

    def title(self, index: int) -> str:
        """Name below the folder."""
        return self.photographs.title(self._used[index])

    def labels(self) -> NDArray[np.int32] | None:
        """From the subfolders."""
        found = self.photographs.labels()
        return None if found is None else found[self._used]

    @property
    def own_columns(self) -> tuple[str, ...]:
        """None."""
        return ()

    @property
    def table_name(self) -> str:
        """Of the folder's table."""
        return self.photographs.table_name

    def table(self, columns: Sequence[str]) -> Table | None:
        """These columns of the folder's table."""
        return self._of_used(self.photographs.table(columns))

    def captions(self, asked: str) -> Table | None:
        """Those of the photographs."""
        return self._of_used(self.photographs.captions(asked))

    def _of_used(self, found: Table | None) -> Table | None:
        """A table's lines for the faces."""
        if found is None:
            return None
        kept = {name: [cells[i] for i in self._used] for name, cells in found.columns.items()}
        lines = [found.lines[i] for i in self._used] if found.lines else ()
        return replace(found, columns=kept, lines=lines)

    def reader(self) -> FaceReader:
        """A reader of the same folder."""
        return FaceReader(self.photographs.folder)

    def check_resolution(self, resolution: int) -> None:
        """Any; what is too small is found out face by face."""

    def stamp(self) -> str:
        """Over the folder's stamp and the landmarks."""
        return self._with_landmarks(self.photographs.stamp())

    def fingerprint(self) -> str:
        """Over the folder's fingerprint and the landmarks."""
        return self._with_landmarks(self.photographs.fingerprint())

    def _with_landmarks(self, words: str) -> str:
        digest = Digest()
        digest.add("faces", words, np.array(self._used, "<i8").tobytes())
        digest.add(self._points.astype("<f8").tobytes())
        return digest.hex()


def read_landmarks(path: Path) -> dict[str, tuple[float, ...]]:
    """Ten numbers for each name, x and y of both eyes, nose and both corners of the mouth.

    CelebA's `list_landmarks_celeba.txt` (a count, a line of titles, then lines of a name and ten
    numbers), or the same with commas. Names are paths below the folder of pictures.

    Raises: DataError with the number of the line that is wrong.
    """
    file = shown(str(path))
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise DataError(
                f"{file} has {path.stat().st_size:,} bytes; a file of landmarks may have "
                f"{LARGEST_BYTES:,}. Give the text file of landmarks."
            )
        lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError as error:
        raise DataError(
            f"the landmarks {file} cannot be read: {error.strerror}. Give a text file: "
            "--set data.landmarks=list_landmarks_celeba.txt"
        ) from error
    found: dict[str, tuple[float, ...]] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        match = LINE.fullmatch(line.strip())
        values = _numbers(match["numbers"]) if match else None
        if match is None or values is None:
            if number <= 2 and not found:
                continue  # the count, the titles
            raise DataError(
                f"{file} line {number} is {shown(line[:60])!r}; it must be a file's name and ten "
                "numbers: x and y of both eyes, nose and both corners of the mouth. Mend that line."
            )
        found[match["name"]] = values
    if not found:
        raise DataError(
            f"{file} holds no landmarks; a line is a file's name and ten numbers: x and y of both "
            "eyes, nose and both corners of the mouth."
        )
    return found


def _numbers(words: str) -> tuple[float, ...] | None:
    try:
        values = tuple(float(word) for word in SEPARATOR.split(words.strip(", \t")))
    except ValueError:
        return None
    return values if len(values) == 2 * POINTS else None
