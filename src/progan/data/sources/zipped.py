"""A zip of pictures, read where it lies: members by number, nothing is ever unpacked by name."""

from __future__ import annotations

import lzma
import os
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from progan.core.errors import DataError
from progan.data import tables
from progan.data.pictures import LARGEST_BYTES, decode, size_of
from progan.data.records import Block, Finding, Frame, Kind, shown
from progan.data.sources.base import Digest, Ref
from progan.data.sources.folder import as_block
from progan.data.sources.names import classes_of, ending, sort_key, unread_format, wanted

__all__ = ["BROKEN", "LARGEST_RATIO", "ZipReader", "ZipSource", "opened_zip"]

LARGEST_RATIO = 200
"""A member may unfold to this many times its packed size; pictures hardly unfold at all."""
SMALL_BYTES = 2**20
"""Below this the ratio is not asked: blank pictures do compress that well."""
LARGEST_TOTAL = 2**40
"""Bytes that all members together may unfold to."""
MOST_MEMBERS = 5_000_000
ARCHIVES = frozenset(["zip", "tar", "gz", "tgz", "bz2", "xz", "7z", "rar", "npz", "zst"])
BROKEN = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
"""What reading a broken archive may raise."""


@dataclass(frozen=True)
class ZipReader:
    """Decodes members of a zip; a ref is a member's number in the archive's directory."""

    path: str

    def read(self, refs: Sequence[Ref], frame: Frame) -> Iterator[Block | Finding]:
        """One block or finding a member."""
        for ref in refs:
            data, name = self._bytes(int(ref))
            yield data if isinstance(data, Finding) else as_block(decode(data, frame, name))

    def sizes(self, refs: Sequence[Ref]) -> Iterator[tuple[int, int] | Finding]:
        """From each member's picture."""
        for ref in refs:
            data, name = self._bytes(int(ref))
            yield data if isinstance(data, Finding) else size_of(data, name)

    @cached_property
    def _zip(self) -> zipfile.ZipFile:
        return opened_zip(Path(self.path))

    def _bytes(self, number: int) -> tuple[bytes | Finding, str]:
        info = self._zip.infolist()[number]
        try:
            with self._zip.open(info) as member:
                data = member.read(LARGEST_BYTES + 1)
        except BROKEN as error:
            said = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
            return Finding(info.filename, "unreadable", f"broken in the archive ({said})"), ""
        if len(data) != info.file_size:
            return Finding(info.filename, "unreadable", "has not the size the archive says"), ""
        return data, info.filename


class ZipSource:
    """Every picture in a zip, in the order of their names' bytes; folders inside become classes.

    A folder that holds everything else is seen through. Members that are encrypted, links,
    archives themselves, named outside the archive, named twice, too large, or packed more than
    200 to 1 are listed and not read.

    Raises: DataError for a file that is no whole zip, or whose members unfold without measure.
    """

    guarded = True
    parallel = True
    native_resolution = None
    shaping = ""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(os.path.abspath(path))
        self.name = self.path.name
        with opened_zip(self.path) as archive:
            members = archive.infolist()
        total = sum(info.file_size for info in members)
        if len(members) > MOST_MEMBERS or total > LARGEST_TOTAL:
            raise DataError(
                f"{shown(self.name)} says that it holds {len(members):,} files of {total:,} bytes "
                f"in all; at most {MOST_MEMBERS:,} and {LARGEST_TOTAL:,} are read. Unpack it with "
                f"a tool that you trust, and give the folder."
            )
        beside: list[int] = []
        findings: list[Finding] = []
        others: Counter[str] = Counter()
        seen: set[str] = set()
        found: list[tuple[str, int]] = []
        for number, info in enumerate(members):
            name = info.filename.replace("\\", "/")
            if info.is_dir() or any(
                (part.startswith(".") and part not in (".", "..")) or part == "__MACOSX"
                for part in name.split("/")
            ):
                continue
            problem = _problem(info, name, name in seen)
            seen.add(name)
            if problem is not None:
                findings.append(Finding(info.filename, *problem))
            elif wanted(name):
                found.append((name, number))
            elif (unread := unread_format(name, info.filename)) is not None:
                findings.append(unread)
            else:
                others["other"] += 1
                if name.rpartition("/")[2] in tables.FILES:
                    beside.append(number)
        found.sort(key=lambda entry: sort_key(entry[0]))
        self._numbers = [number for _, number in found]
        self._names = [members[number].filename for number in self._numbers]
        chosen = [members[number] for number in self._numbers]
        self._marks = [(info.filename, info.file_size, info.CRC) for info in chosen]
        self.count = len(found)
        self.findings = tuple(findings)
        self.remarks = tuple(
            f"files that are no pictures, left out: {n:,}" for n in others.values()
        )
        names = [name for name, _ in found]
        self.classes, self._labels = classes_of(_without_common(names))
        self._tables = _tables_of([members[number] for number in beside], names)

    def refs(self, indices: Sequence[int]) -> list[Ref]:
        """Numbers in the archive's directory."""
        return [self._numbers[i] for i in indices]

    def title(self, index: int) -> str:
        """Name in the archive."""
        return self._names[index]

    def labels(self) -> NDArray[np.int32] | None:
        """From the folders in the archive."""
        return self._labels

    @property
    def own_columns(self) -> tuple[str, ...]:
        """None: a table is read when its columns are asked for."""
        return ()

    @property
    def table_name(self) -> str:
        """Of the table beside the pictures; empty where there is none."""
        return (
            self._tables[0].filename.replace("\\", "/").rpartition("/")[2] if self._tables else ""
        )

    def table(self, columns: Sequence[str]) -> tables.Table | None:
        """These columns of the table beside the pictures."""
        if not self._tables:
            return None
        name, text = self._table_text()
        folder = self._tables[0].filename.replace("\\", "/").removesuffix(name)
        below = [picture.replace("\\", "/").removeprefix(folder) for picture in self._names]
        return tables.read_table(name, text, below, columns, where="folder in the archive")

    def captions(self, asked: str) -> tables.Table | None:
        """Of a column of the table; .txt files in an archive are not read."""
        if asked == "files" or not self._tables:
            return None
        column = tables.caption_column(*self._table_text()) if asked == "found" else asked
        return self.table((column,)) if column else None

    def _table_text(self) -> tuple[str, str]:
        """The table's name, and all of it."""
        tables.one_of([info.filename for info in self._tables])
        name = self.table_name
        try:
            with opened_zip(self.path) as archive, archive.open(self._tables[0]) as member:
                return name, tables.as_text(member.read(tables.LARGEST_BYTES + 1), name)
        except BROKEN as error:
            raise DataError(
                f"{name} in {shown(self.name)} cannot be read ({shown(str(error)[:80])}). Make "
                "the archive again, or leave its labels: --set data.labels=none"
            ) from error

    def reader(self) -> ZipReader:
        """A reader of the same archive."""
        return ZipReader(str(self.path))

    def check_resolution(self, resolution: int) -> None:
        """Any; what is too small is found out picture by picture."""

    def stamp(self) -> str:
        """The same as the fingerprint, which is cheap here."""
        return self.fingerprint()

    def fingerprint(self) -> str:
        """Over names, sizes and the archive's own checksums."""
        digest = Digest()
        digest.add("zip")
        for mark in self._marks:
            digest.add(*mark)
        return digest.hex()


def opened_zip(path: Path) -> zipfile.ZipFile:
    """The archive at `path`.

    Raises: DataError when it cannot be read or is no whole zip.
    """
    try:
        return zipfile.ZipFile(path)
    except BROKEN as error:
        raise DataError(
            f"{shown(str(path))} is no whole zip ({str(error) or type(error).__name__}). "
            f"Fetch or make it again, or give a folder."
        ) from error


def _problem(info: zipfile.ZipInfo, name: str, twice: bool) -> tuple[Kind, str] | None:
    """Why a member is not read; None for one that may be, or that is no picture at all."""
    outside = name.startswith("/") or ".." in name.split("/") or name[1:2] == ":"
    bomb = info.file_size > max(SMALL_BYTES, LARGEST_RATIO * info.compress_size)
    large = info.file_size > LARGEST_BYTES
    picture = wanted(name)
    rules: tuple[tuple[bool, Kind, str], ...] = (
        (outside, "unsafe", "its name points outside the archive"),
        (stat.S_ISLNK(info.external_attr >> 16), "not a file", "is a link"),
        (ending(name) in ARCHIVES, "other format", "is an archive itself; unpack it first"),
        (picture and bool(info.flag_bits & 1), "unreadable", "is encrypted"),
        (picture and twice, "repeated", "another file of this name came before"),
        (picture and large, "too large", f"{info.file_size:,} bytes; at most {LARGEST_BYTES:,}"),
        (picture and bomb, "unsafe", f"is packed more than {LARGEST_RATIO} to 1"),
        (picture and info.file_size == 0, "empty", "0 bytes"),
    )
    return next(((kind, reason) for applies, kind, reason in rules if applies), None)


def _tables_of(found: Sequence[zipfile.ZipInfo], names: Sequence[str]) -> list[zipfile.ZipInfo]:
    """The tables in the innermost folder that holds all pictures and a table."""
    holding: dict[str, list[zipfile.ZipInfo]] = {}
    for info in found:
        name = info.filename.replace("\\", "/")
        folder = name[: name.rfind("/") + 1]
        if all(picture.startswith(folder) for picture in names):
            holding.setdefault(folder, []).append(info)
    return holding[max(holding, key=len)] if holding else []


def _without_common(names: list[str]) -> list[str]:
    """Names without the folders that all of them lie in."""
    while names:
        first = names[0].partition("/")
        if not first[1] or any(not name.startswith(first[0] + "/") for name in names):
            break
        names = [name.partition("/")[2] for name in names]
    return names
