"""What people say of each picture, as it is found beside the pictures.

    data.captions  auto     where the system takes captions: found; else none
                   found    the column text or caption of the table beside the pictures; without
                            one, a .txt of the same name beside each; or the set's own
                   name     that column
                   files    a .txt beside each, whatever the table has
                   none     no captions

Several captions of a picture stand one a line, in a cell or in its file. They are kept as text,
UTF-8, in a file of the store: a line for each picture, tabs between captions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from progan.core.errors import ConfigError, DataError
from progan.core.text import cleaned
from progan.data.records import Finding, shown
from progan.data.tables import Table

if TYPE_CHECKING:
    from progan.core.config import DataSettings
    from progan.data.sources.base import Source

__all__ = [
    "MOST_CAPTIONS",
    "Captions",
    "captions_of",
    "different",
    "packed",
    "texts_kept",
    "unpacked",
]

MOST_CAPTIONS = 16
"""Of a picture; those that follow are left out."""
KEPT_BYTES = 2**16
"""Of the captions that a system is told, to draw from."""


@dataclass(frozen=True, kw_only=True)
class Captions:
    """The captions of every listed picture, before it is known which ones can be used."""

    texts: tuple[tuple[str, ...], ...]
    """Of each picture; none where nothing is said of it."""
    findings: tuple[Finding, ...] = ()
    """Why those have none."""
    remarks: tuple[str, ...] = ()

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which pictures have captions."""
        return np.array([bool(own) for own in self.texts], np.bool_)

    def of(self, used: NDArray[np.int64]) -> list[tuple[str, ...]]:
        """Those of these pictures."""
        return [self.texts[index] for index in used.tolist()]

    def words(self, used: NDArray[np.int64]) -> Iterator[bytes]:
        """What the captions of these pictures are, for a digest."""
        yield packed(self.of(used))


def captions_of(source: Source, settings: DataSettings) -> Captions | None:
    """The captions of a source's pictures, as `settings.captions` asks for them; None for none.

    Raises: DataError where the source has no captions, or they are no text.
    """
    asked = settings.captions
    if asked in ("auto", "none"):
        return None
    table = source.captions(asked)
    if table is None:
        which = "" if asked == "found" else f"data.captions is {shown(asked[:60])!r}, but "
        raise DataError(
            f"{which}{shown(source.name)} has no captions. Put a metadata.csv with the columns "
            "file_name and text beside the pictures, or a .txt of the same name beside each "
            "picture; or take a system without captions"
        )
    (cells,) = table.columns.values()
    texts, remarks = [], list(table.remarks)
    left = 0
    for index, cell in enumerate(cells):
        lines = [line for line in (cell or "").splitlines() if line.strip()]
        left += max(0, len(lines) - MOST_CAPTIONS)
        texts.append(tuple(_checked(line, table, index) for line in lines[:MOST_CAPTIONS]))
    if not any(texts):
        raise DataError(
            f"no picture of {shown(source.name)} has a caption in {table.file}: every one is "
            "empty. Fill them in, or take a system without captions"
        )
    if left:
        remarks.append(f"captions beyond the {MOST_CAPTIONS} of a picture, left out: {left:,}")
    findings = tuple(
        Finding(source.title(index), "no label", f"has no caption ({_place(table, index)})")
        for index, own in enumerate(texts)
        if not own
    )
    return Captions(texts=tuple(texts), findings=findings, remarks=tuple(remarks))


def packed(texts: Sequence[Sequence[str]]) -> bytes:
    """Captions as the store keeps them."""
    return "".join("\t".join(own) + "\n" for own in texts).encode()


def unpacked(data: bytes, count: int) -> list[tuple[str, ...]]:
    """Read what `packed` wrote. Raises ValueError for anything else."""
    lines = data.decode().split("\n")
    if lines.pop() or len(lines) != count:
        raise ValueError("lines")
    found = [tuple(cleaned(text) for text in line.split("\t")) for line in lines]
    if max(map(len, found), default=1) > MOST_CAPTIONS:
        raise ValueError("captions")
    return found


def different(texts: Sequence[Sequence[str]]) -> list[str]:
    """Each caption once, in the order of their first pictures: the rows of vectors.f32."""
    return list(dict.fromkeys(text for own in texts for text in own))


def texts_kept(texts: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Captions for pictures of which nobody says what to draw: at most 64 KiB of different ones,
    spread evenly over the pictures."""
    every = different(texts)
    size = sum(len(text.encode()) for text in every)
    few = len(every) if size <= KEPT_BYTES else max(1, len(every) * KEPT_BYTES // size)
    chosen = [every[len(every) * i // few] for i in range(few)]
    while len(chosen) > 1 and sum(len(text.encode()) for text in chosen) > KEPT_BYTES:
        chosen = chosen[: max(1, len(chosen) * 9 // 10)]
    return tuple(chosen)


def _place(table: Table, index: int) -> str:
    if table.lines and not table.lines[index]:
        return f"{table.file} has no line for it"
    return table.place(index)


def _checked(line: str, table: Table, index: int) -> str:
    try:
        return cleaned(line, f"{table.place(index)}: the caption")
    except ConfigError as error:
        raise DataError(str(error)) from error
