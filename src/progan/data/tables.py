"""Tables that stand beside pictures: a line for each, with its file's name and what is known of it.

    metadata.csv            file_name,age,glasses      a line of titles, then one for each picture
    metadata.jsonl          {"file_name": "a.png", "age": 37, "glasses": true}, one a line
    list_attr_celeba.txt    CelebA's: a count, a line of titles, then names and -1 or 1

The first two as Hugging Face's "imagefolder" has them. Names are paths from the folder in which the
table lies. Nothing is opened by such a name: it only finds a picture that is listed already.
"""

from __future__ import annotations

import csv
import io
import json
import os
import stat
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from progan.core.errors import DataError
from progan.core.spelling import nearest
from progan.data.records import shown

__all__ = [
    "CELEBA",
    "FILES",
    "LARGEST_BYTES",
    "Table",
    "as_text",
    "caption_column",
    "one_of",
    "open_text",
    "read_table",
    "unknown_column",
]

CELEBA = "list_attr_celeba.txt"
LARGEST_BYTES = 2**28
"""Of a table; CelebA's has 27 MB."""
MOST_COLUMNS = 1024
KEY = "file_name"
"""Title of the column of names."""

Line = tuple[int, str, list[str | None]]
"""Number of the line, the picture's name, the cells asked for; None for an empty one."""


@dataclass(frozen=True)
class Table:
    """Some columns, with a cell for each picture of a source."""

    file: str
    """The table's name, for messages."""
    columns: Mapping[str, Sequence[str | None]]
    """Of each column asked for, the cells; None where a picture has none."""
    lines: Sequence[int]
    """The line of each picture; 0 where it has none. Empty for tables that are no file."""
    remarks: tuple[str, ...] = ()

    def place(self, index: int) -> str:
        """Where the cells of a picture stand: `metadata.csv line 7`."""
        return f"{self.file} line {self.lines[index]}" if self.lines else self.file


def open_text(path: str) -> str:
    """The text of a table, whose bytes need not all be text.

    Raises: DataError when it cannot be read, is no regular file, or is too large.
    """
    name = shown(os.path.basename(path))
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise DataError(f"{name} is no regular file. Put a table of text in its place.")
            data = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise DataError(
            f"{name} cannot be read: {error.strerror}. Make it readable, or leave its labels: "
            "--set data.labels=none"
        ) from error
    return as_text(data, name)


def as_text(data: bytes, name: str) -> str:
    """The bytes of a table as text.

    Raises: DataError when there are too many.
    """
    if len(data) > LARGEST_BYTES:
        raise DataError(
            f"{name} has more than {LARGEST_BYTES:,} bytes, the most that a table may have. Keep "
            "only the columns that you need."
        )
    return data.decode("utf-8-sig", "surrogateescape")


def read_table(
    file: str, text: str, pictures: Sequence[str], asked: Sequence[str], *, where: str = "folder"
) -> Table:
    """The columns `asked` of a table, for `pictures` named as it names them.

    Pictures without a line have no cells; lines without a picture are counted in a remark.

    Raises: DataError for a column that is not there, and with the number of a line that is wrong:
        names that lead outside, names said twice, too many or too few cells.
    """
    places = {name: index for index, name in enumerate(pictures)}
    if file == CELEBA and not any(name in places for name in _celeba_names(text)):
        # Given the folder above, its pictures lie one folder deeper than the file says.
        places = {name.rpartition("/")[2]: index for name, index in places.items()}
    cells: list[list[str | None]] = [[None] * len(pictures) for _ in asked]
    lines = [0] * len(pictures)
    without, first = 0, ""
    seen: dict[str, int] = {}
    for number, name, values in FILES[file](file, text, asked):
        inside = _inside(file, number, name, where)
        if inside in seen:
            raise DataError(
                f"{file} line {number} names {shown(name)!r} again, first in line {seen[inside]}. "
                "Remove one of them."
            )
        seen[inside] = number
        index = places.get(inside, places.get(inside.replace("\\", "/")))
        if index is None:
            without, first = without + 1, first or name
            continue
        lines[index] = number
        for column, value in zip(cells, values, strict=True):
            missing = value is None or value.lower() == "nan"
            column[index] = None if missing else sys.intern(str(value))
    if pictures and without == len(seen):
        said = f"it names {shown(first)!r}" if seen else "it has no lines"
        raise DataError(
            f"{file} has no line for any of the {len(pictures):,} pictures: {said}, and there is "
            f"{shown(pictures[0])!r}. {KEY} must be the path from the {where} that holds {file}."
        )
    remarks = (f"lines of {file} without a picture: {without:,}",) if without else ()
    return Table(file, dict(zip(asked, cells, strict=True)), lines, remarks)


def one_of(found: Sequence[str]) -> str:
    """The only one of the tables found.

    Raises: DataError where there are several.
    """
    if len(found) > 1:
        first, second = (shown(path.replace("\\", "/").rpartition("/")[2]) for path in found[:2])
        raise DataError(
            f"{first} and {second} lie beside each other, and one table is read. Move one away."
        )
    return found[0]


def caption_column(file: str, text: str) -> str | None:
    """The column of a table that holds captions: text or caption, as its first line says."""
    first = next((line for line in text.split("\n") if line.strip()), "")
    titles: list[str] = []
    if file == "metadata.csv":
        titles = [title.strip() for title in next(csv.reader([first]), [])]
    elif file == "metadata.jsonl":
        try:
            body = json.loads(first)
        except (ValueError, RecursionError):
            body = None
        titles = list(body) if isinstance(body, dict) else []
    return next((name for name in ("text", "caption") if name in titles), None)


def unknown_column(file: str, came: str, known: Sequence[str]) -> DataError:
    """The error for a column that a table lacks."""
    near = nearest(came, known)
    hint = f" Did you mean {shown(near)}?" if near else ""
    few = ", ".join(map(shown, known[:20])) + (", …" if len(known) > 20 else "")
    has = f"it has {few}" if known else "it has none besides"
    return DataError(
        f"data.labels asks for {shown(came[:60])!r}, which is no column of {file}; {has}.{hint} "
        "For example: --set data.labels=" + (shown(known[0]) if known else "none")
    )


def _inside(file: str, number: int, name: str, where: str) -> str:
    """A name below the folder, without detours."""
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts or parts[0][1:2] == ":":
        raise DataError(
            f"{file} line {number} names {shown(name[:60])!r}, which points outside the {where}; "
            f"{KEY} must be a path below it. Mend that line."
        )
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _choose(file: str, titles: Sequence[str], asked: Sequence[str]) -> list[int]:
    """Positions of the columns asked for."""
    if len(titles) > MOST_COLUMNS:
        raise DataError(
            f"{file} has {len(titles):,} columns; at most {MOST_COLUMNS:,} are read. Keep only "
            "those that you need."
        )
    twice = next((title for at, title in enumerate(titles) if title in titles[:at]), None)
    if twice is not None:
        raise DataError(f"{file} has two columns named {shown(twice)!r}. Rename one of them.")
    for name in asked:
        if name not in titles or name == KEY:
            raise unknown_column(file, name, [title for title in titles if title != KEY])
    return [titles.index(name) for name in asked]


def _csv(file: str, text: str, asked: Sequence[str]) -> Iterator[Line]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        titles = [title.strip() for title in next(reader, [])]
        if KEY not in titles:
            few = ", ".join(shown(title) for title in titles[:8]) or "nothing"
            raise DataError(
                f"the first line of {file} is {few}; it must be titles with commas between, and "
                f"{KEY} among them."
            )
        chosen, key = _choose(file, titles, asked), titles.index(KEY)
        for row in reader:
            if not row:
                continue
            if len(row) != len(titles):
                raise DataError(
                    f"{file} line {reader.line_num} has {len(row)} cells, and {len(titles)} titles "
                    "stand above. Mend that line."
                )
            yield reader.line_num, row[key].strip(), [row[at].strip() or None for at in chosen]
    except csv.Error as error:
        raise DataError(
            f"{file} line {reader.line_num} cannot be read ({str(error)[:80]}). Mend that line."
        ) from error


def _jsonl(file: str, text: str, asked: Sequence[str]) -> Iterator[Line]:
    known: dict[str, None] = {}
    missing = set(asked)
    lines = 0
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            # Numbers stay as they are written; NaN is an empty cell.
            body = json.loads(line, parse_int=str, parse_float=str, parse_constant=lambda _: None)
        except (ValueError, RecursionError) as error:
            raise DataError(
                f"{file} line {number} is no JSON ({str(error)[:60]}). Mend that line."
            ) from error
        if not isinstance(body, dict) or not isinstance(body.get(KEY), str):
            raise DataError(
                f'{file} line {number} must be an object with "{KEY}": "…". Mend that line.'
            )
        if len(known) <= MOST_COLUMNS:
            known |= dict.fromkeys(title for title in body if title != KEY)
        missing -= body.keys()
        lines += 1
        yield number, body[KEY], [_as_cell(file, number, name, body.get(name)) for name in asked]
    _choose(file, list(known), [name for name in asked if name in missing and lines])


def _as_cell(file: str, number: int, name: str, value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, str):
        return value.strip() or None if value else None
    raise DataError(
        f"{file} line {number}: {shown(name)} is a {type(value).__name__}; a label is one number "
        "or word. Mend that line."
    )


def _celeba(file: str, text: str, asked: Sequence[str]) -> Iterator[Line]:
    rows = text.splitlines()
    count = rows[0].strip() if rows else ""
    titles = rows[1].split() if len(rows) > 1 else []
    if not (count.isascii() and count.isdecimal()) or not titles:
        raise DataError(
            f"{file} must begin with the number of pictures, then a line of titles. Fetch it again."
        )
    chosen = _choose(file, titles, asked)
    found = 0
    for number, row in enumerate(rows[2:], 3):
        words = row.split()
        if not words:
            continue
        if len(words) != len(titles) + 1:
            raise DataError(
                f"{file} line {number} has {len(words)} words; it must be a name and "
                f"{len(titles)} times -1 or 1. Mend that line."
            )
        found += 1
        yield number, words[0], [words[at + 1] for at in chosen]
    if len(count) > 12 or found != int(count):
        raise DataError(
            f"{file} says that it has {count[:12]} pictures, and has {found:,} lines. Fetch it "
            "again."
        )


def _celeba_names(text: str) -> Iterator[str]:
    return (row.split(maxsplit=1)[0] for row in text.splitlines()[2:] if row.strip())


FILES: Mapping[str, Callable[[str, str, Sequence[str]], Iterator[Line]]] = {
    "metadata.csv": _csv,
    "metadata.jsonl": _jsonl,
    CELEBA: _celeba,
}
"""Names that are looked for, each with what reads it."""
