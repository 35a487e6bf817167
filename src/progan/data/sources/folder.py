"""A folder of pictures, subfolders included; their names become classes."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from progan.core.errors import DataError
from progan.data.pictures import decode, size_of
from progan.data.records import Block, Finding, Frame, shown
from progan.data.sources.base import Digest, Ref
from progan.data.sources.names import classes_of, sort_key, unread_format, wanted
from progan.data.sources.texts import text_files
from progan.data.tables import (
    CELEBA,
    FILES,
    Table,
    caption_column,
    one_of,
    open_text,
    read_table,
)

__all__ = ["FolderReader", "FolderSource"]

SAMPLE_BYTES = 2**16
"""Of each file, so much of its begin and of its end goes into the fingerprint."""
DEEPEST = 64
"""Folders within folders."""


@dataclass(frozen=True)
class FolderReader:
    """Decodes picture files; a ref is a path below `folder`."""

    folder: str

    def read(self, refs: Sequence[Ref], frame: Frame) -> Iterator[Block | Finding]:
        """One block or finding a file."""
        for ref in refs:
            yield as_block(decode(os.path.join(self.folder, str(ref)), frame, str(ref)))

    def sizes(self, refs: Sequence[Ref]) -> Iterator[tuple[int, int] | Finding]:
        """From the head of each file."""
        for ref in refs:
            yield size_of(os.path.join(self.folder, str(ref)), str(ref))


def as_block(found: tuple[NDArray[np.uint8], tuple[str, ...]] | Finding) -> Block | Finding:
    """A decoded picture (r, r, c) as a block of one."""
    if isinstance(found, Finding):
        return found
    pixels, notes = found
    return Block(np.ascontiguousarray(pixels.transpose(2, 0, 1)[None]), notes)


@dataclass(frozen=True)
class _File:
    name: str
    size: int
    mtime: int


@dataclass
class _Walk:
    """A walk through a folder that enters every folder once, and real ones before links."""

    files: list[_File] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    entered: set[tuple[int, int]] = field(default_factory=set)
    listed: dict[tuple[int, int], str] = field(default_factory=dict)
    links: list[tuple[str, str]] = field(default_factory=list)

    def enter(self, folder: str, name: str, depth: int = 0) -> None:
        """List `folder`, known as `name` below the root."""
        status = os.stat(folder)
        mark = (status.st_dev, status.st_ino)
        if mark in self.entered:
            self.findings.append(Finding(name, "repeated", "leads to a folder already listed"))
            return
        if depth > DEEPEST:
            self.findings.append(Finding(name, "not a file", f"more than {DEEPEST} folders deep"))
            return
        self.entered.add(mark)
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: sort_key(entry.name))
        except OSError as error:
            self.findings.append(Finding(name, "unreadable", f"folder: {error.strerror}"))
            return
        for entry in entries:
            below = f"{name}/{entry.name}" if name else entry.name
            if entry.name.startswith("."):
                self.others["hidden entries"] += 1
            elif entry.is_symlink():
                self.links.append((entry.path, below))
            else:
                self.see(entry.path, below, depth)

    def see(self, path: str, name: str, depth: int = 0, *, linked: bool = False) -> None:
        """Decide about one entry."""
        try:
            status = os.stat(path)
        except OSError as error:
            if wanted(name) or linked:
                why = "link that leads nowhere" if linked else f"{error.strerror}"
                self.findings.append(Finding(name, "not a file", why))
            return
        mark = (status.st_dev, status.st_ino)
        if stat.S_ISDIR(status.st_mode):
            if wanted(name):
                self.findings.append(Finding(name, "not a file", "is a folder"))
            else:
                self.enter(path, name, depth + 1)
        elif not wanted(name):
            finding = unread_format(name, name)
            if finding is not None:
                self.findings.append(finding)
            else:
                self.others["files that are no pictures"] += 1
        elif not stat.S_ISREG(status.st_mode):
            what = "pipe" if stat.S_ISFIFO(status.st_mode) else "socket or device"
            self.findings.append(Finding(name, "not a file", f"is a {what}"))
        elif linked and mark in self.listed:
            self.findings.append(Finding(name, "repeated", f"links to {shown(self.listed[mark])}"))
        else:
            self.listed.setdefault(mark, name)
            self.files.append(_File(name, status.st_size, status.st_mtime_ns))

    def follow(self) -> None:
        """Follow the links, and those found behind them, once each."""
        while self.links:
            waiting, self.links = self.links, []
            for path, name in waiting:
                self.see(path, name, name.count("/"), linked=True)


class FolderSource:
    """Every picture below a folder, in the order of their names' bytes.

    Names that begin with a dot are left out. A link is followed once: what it leads to is listed
    only if it was not listed already. Where every picture lies in a subfolder, and there are at
    least two, the subfolders of the first level are the classes.

    Raises: DataError when the folder cannot be listed.
    """

    guarded = True
    parallel = True
    native_resolution = None
    shaping = ""

    def __init__(self, folder: str | Path) -> None:
        self.folder = os.path.abspath(folder)
        self.name = os.path.basename(self.folder) or self.folder
        walk = _Walk()
        try:
            os.listdir(self.folder)
            walk.enter(self.folder, "")
        except OSError as error:
            raise DataError(
                f"the folder {shown(self.folder)} cannot be listed: {error.strerror}. "
                f"Give a folder that you may read."
            ) from error
        walk.follow()
        self._files = sorted(walk.files, key=lambda file: sort_key(file.name))
        self.count = len(self._files)
        self.findings = tuple(walk.findings)
        self.remarks = tuple(f"{what}, left out: {n:,}" for what, n in sorted(walk.others.items()))
        self.classes, self._labels = classes_of([file.name for file in self._files])

    @property
    def names(self) -> list[str]:
        """Every picture's path below the folder."""
        return [file.name for file in self._files]

    def refs(self, indices: Sequence[int]) -> list[Ref]:
        """Names below the folder."""
        return [self._files[i].name for i in indices]

    def title(self, index: int) -> str:
        """Name below the folder."""
        return self._files[index].name

    def labels(self) -> NDArray[np.int32] | None:
        """From the subfolders."""
        return self._labels

    @property
    def own_columns(self) -> tuple[str, ...]:
        """None: a table is read when its columns are asked for."""
        return ()

    @property
    def table_name(self) -> str:
        """Of the table in the folder, or CelebA's beside it; empty where there is none."""
        return os.path.basename(self._tables[0]) if self._tables else ""

    @cached_property
    def _tables(self) -> list[str]:
        inside = [os.path.join(self.folder, name) for name in FILES]
        beside = os.path.join(os.path.dirname(self.folder), CELEBA)
        found = [path for path in inside if os.path.lexists(path)]
        return found or [path for path in (beside,) if os.path.isfile(path)]

    def table(self, columns: Sequence[str]) -> Table | None:
        """These columns of the table in the folder."""
        if not self._tables:
            return None
        path = one_of(self._tables)
        return read_table(os.path.basename(path), open_text(path), self.names, columns)

    def captions(self, asked: str) -> Table | None:
        """Of a column of the table in the folder, or of a .txt beside each picture."""
        if asked in ("found", "files"):
            column = None
            if self._tables and asked == "found":
                path = one_of(self._tables)
                column = caption_column(os.path.basename(path), open_text(path))
            if column is None:
                return text_files(self.folder, self.names)
            asked = column
        return self.table((asked,))

    def reader(self) -> FolderReader:
        """A reader of the same folder."""
        return FolderReader(self.folder)

    def check_resolution(self, resolution: int) -> None:
        """Any; what is too small is found out picture by picture."""

    def stamp(self) -> str:
        """Over place, names, sizes and times."""
        digest = Digest()
        digest.add("folder", self.folder)
        for file in self._files:
            digest.add(file.name, file.size, file.mtime)
        return digest.hex()

    def fingerprint(self) -> str:
        """Over names, sizes, and the first and last 64 KiB of each file."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        digest = Digest()
        digest.add("folder")
        for file in self._files:
            digest.add(file.name, file.size, _sample(os.path.join(self.folder, file.name)))
        return digest.hex()


def _sample(path: str) -> bytes:
    """Begin and end of a file; what cannot be read counts as empty, and is found when decoding."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                return b""
            first = file.read(SAMPLE_BYTES)
            end = file.seek(0, os.SEEK_END)
            file.seek(max(SAMPLE_BYTES, end - SAMPLE_BYTES))
            return first + file.read(SAMPLE_BYTES)
    except OSError:
        return b""
