"""What a source of pictures is: a list made here, and a reader that works in a child process."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from progan.data.records import Block, Finding, Frame
from progan.data.tables import Table

__all__ = ["Digest", "Reader", "Ref", "Source", "Tableless", "rebuilt", "recipe_of"]

Ref = str | int
"""What a reader needs to find one picture: a path, a position."""


class Reader(Protocol):
    """Reads pictures. A dataclass of plain values, so that it can be rebuilt in a child process."""

    def read(self, refs: Sequence[Ref], frame: Frame) -> Iterator[Block | Finding]:
        """The pictures of `refs`, in that order, in blocks of one or more."""

    def sizes(self, refs: Sequence[Ref]) -> Iterator[tuple[int, int] | Finding]:
        """Width and height of each picture, in pixels, without decoding it."""


class Source(Protocol):
    """A list of pictures that may or may not be good; nothing has been decoded yet."""

    @property
    def name(self) -> str:
        """For people: the file's or folder's own name, or that of the packaged set."""

    @property
    def count(self) -> int:
        """Pictures listed."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes; empty where there are none."""

    @property
    def native_resolution(self) -> int | None:
        """The power of two that suits the pictures; None where they must be measured first."""

    @property
    def guarded(self) -> bool:
        """Whether pictures are decoded from other people's files, under limits."""

    @property
    def parallel(self) -> bool:
        """Whether several readers are faster than one."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was left out already while listing."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """Whole sentences for the report."""

    @property
    def shaping(self) -> str:
        """How pictures come to their resolution, for the report; empty: by the crop settings."""

    def refs(self, indices: Sequence[int]) -> list[Ref]:
        """What the reader is given for these pictures."""

    def title(self, index: int) -> str:
        """Name of a picture, for findings."""

    def labels(self) -> NDArray[np.int32] | None:
        """The class of every listed picture, or None."""

    @property
    def own_columns(self) -> tuple[str, ...]:
        """Columns that are the labels where nobody says otherwise; empty for classes."""

    @property
    def table_name(self) -> str:
        """Name of the table that tells more of the pictures; empty where there is none."""

    def table(self, columns: Sequence[str]) -> Table | None:
        """These columns of it; None where there is none.

        Raises: DataError for columns that it lacks, or a table that is broken.
        """

    def captions(self, asked: str) -> Table | None:
        """One column: what is said of each picture, one caption a line; None where nothing is.

        `asked` is found, files, or a column's name, as in `data.captions`.

        Raises: DataError for a column that is not there, or a table that is broken.
        """

    def reader(self) -> Reader:
        """The reader that goes with the list."""

    def check_resolution(self, resolution: int) -> None:
        """Raise DataError where the pictures cannot be had at that resolution."""

    def stamp(self) -> str:
        """Cheap: changes when a file's name, size or time changes. No content is read."""

    def fingerprint(self) -> str:
        """Changes when the pictures change; the same wherever the files lie and whenever copied."""


class Tableless:
    """Part of a source whose pictures nobody tells more of."""

    @property
    def own_columns(self) -> tuple[str, ...]:
        """None."""
        return ()

    @property
    def table_name(self) -> str:
        """None."""
        return ""

    def table(self, columns: Sequence[str]) -> Table | None:
        """None."""
        return None

    def captions(self, asked: str) -> Table | None:
        """None."""
        return None


class Digest:
    """SHA-256 over a list of words, written with their lengths so that no two lists agree."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, *words: str | int | bytes) -> None:
        """Append `words`."""
        for word in words:
            data = word if isinstance(word, bytes) else str(word).encode("utf-8", "surrogateescape")
            self._hash.update(len(data).to_bytes(8, "little") + data)

    def hex(self) -> str:
        """The digest so far."""
        return self._hash.hexdigest()


def recipe_of(reader: Reader) -> dict[str, Any]:
    """Where the reader's class stands, and its values: all that a child needs to rebuild it."""
    kind = type(reader)
    return {"module": kind.__module__, "name": kind.__name__, "values": asdict(cast(Any, reader))}


def rebuilt(recipe: Mapping[str, Any]) -> Reader:
    """The reader that `recipe_of` was given. Recipes come from our own parent process alone."""
    kind = getattr(importlib.import_module(recipe["module"]), recipe["name"])
    reader: Reader = kind(**recipe["values"])
    return reader
