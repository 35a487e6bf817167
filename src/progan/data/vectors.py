"""Vectors of captions from a file that somebody made: for texts that stand in it, and no others.

    vectors.npz    texts    n words of Unicode        np.savez("vectors.npz", texts=…, vectors=…)
                   vectors  n f, floating point
    vectors.csv    text,1,2,3,…                       a line of titles, then one for each text

Texts are compared as captions are kept: spaces single, without control characters. Objects of
Python are never read from the arrays.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import stat
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from progan.core.errors import ConfigError, DataError
from progan.core.text import MOST_BYTES, cleaned
from progan.data.records import shown
from progan.data.sources.zipped import BROKEN
from progan.data.tables import as_text

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ENDINGS", "MOST_NUMBERS", "VectorFile", "checked_rows", "content_of"]

ENDINGS = (".npz", ".csv")
LARGEST_BYTES = 2**30
"""Of the file, and of what is unpacked from it."""
MOST_NUMBERS = 8_192
"""Of a vector."""


class VectorFile:
    """The vectors in a file, as an encoder of texts: `core.text.TextEncoder`.

    Raises: DataError when it cannot be read, is too large, or holds something else.
    """

    every_text = False

    def __init__(self, path: str | Path) -> None:
        self.path = Path(os.path.expanduser(path))
        self.name = shown(self.path.name)
        if self.path.suffix.lower() not in ENDINGS:
            raise DataError(
                f"{shown(str(path))} is no file of captions' vectors; its name must end in .npz "
                "or .csv. What it holds: the arrays texts and vectors, or the column text and "
                "columns of numbers. Or take minilm: --set data.vectors=minilm. Or the file of a "
                "trained encoder, .safetensors: progan data train-encoder PATH"
            )
        data = content_of(self.path)
        self.sha256 = hashlib.sha256(data).hexdigest()
        read = self._arrays if self.path.suffix.lower() == ".npz" else self._columns
        texts, rows = read(data)
        if rows.ndim != 2 or len(rows) != len(texts) or not len(texts):
            raise self._wrong(f"has {len(texts):,} texts and vectors of shape {rows.shape}")
        self.width = int(rows.shape[1])
        self._rows = checked_rows(rows, self.name)
        self._places = self._placed(texts)

    def encode(self, texts: Sequence[str]) -> Tensor:
        """The vectors of texts, n f.

        Raises: ConfigError where some are not in the file.
        """
        import torch  # not for reading pictures, which does without

        missing = [text for text in dict.fromkeys(texts) if text not in self._places]
        if missing:
            raise ConfigError(
                f"{self.name} has no vector for {len(missing):,} of {len({*texts}):,} texts, "
                f'such as "{missing[0][:60]}". Add them to the file, word for word, or take an '
                "encoder that reads every text: --set data.vectors=minilm"
            )
        return torch.from_numpy(self._rows[[self._places[text] for text in texts]])

    def _arrays(self, data: bytes) -> tuple[list[str], NDArray[Any]]:
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                texts, rows = (self._array(archive, name) for name in ("texts", "vectors"))
        except BROKEN as error:
            raise self._wrong(f"is no whole npz ({str(error) or type(error).__name__})") from error
        if texts.ndim != 1 or texts.dtype.kind != "U" or rows.dtype.kind != "f":
            raise self._wrong(
                f"has texts of {texts.dtype} and shape {texts.shape}, and vectors of {rows.dtype}"
            )
        return texts.tolist(), rows

    def _array(self, archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
        """One array of an npz, its header held against what follows it."""
        try:
            info = archive.getinfo(f"{name}.npy")
        except KeyError:
            raise self._wrong(f"has no array {name}") from None
        if info.file_size > LARGEST_BYTES:
            raise self._wrong(f"unpacks to more than {LARGEST_BYTES:,} bytes")
        with archive.open(info) as member:
            content = io.BytesIO(member.read(info.file_size + 1))
        try:
            version = np.lib.format.read_magic(content)
            read = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }[version]
            shape, fortran, dtype = read(content)
        except (KeyError, ValueError) as error:
            raise self._wrong(f"has a broken array {name}") from error
        if dtype.hasobject:
            raise self._wrong(f"has Python objects in {name}, which are never read")
        rest, numbers = content.read(), 1
        for length in shape:
            numbers *= length  # Python's integers do not overflow
        if numbers * dtype.itemsize != len(rest) or not rest:
            raise self._wrong(f"says {shape} for {name}, which is not what it holds")
        found = np.frombuffer(rest, dtype)
        return found.reshape(shape[::-1]).T if fortran else found.reshape(shape)

    def _columns(self, data: bytes) -> tuple[list[str], NDArray[Any]]:
        lines = csv.reader(io.StringIO(as_text(data, self.name), newline=""))
        texts: list[str] = []
        rows: list[list[float]] = []
        try:
            titles = next(lines, [])
            if titles[:1] != ["text"] or not 1 < len(titles) <= MOST_NUMBERS + 1:
                raise self._wrong("begins with other titles than text and those of its numbers")
            for cells in lines:
                if not cells:
                    continue
                if len(cells) != len(titles):
                    raise self._wrong(f"has {len(cells)} cells in line {lines.line_num}")
                texts.append(cells[0])
                rows.append([float(cell) for cell in cells[1:]])
        except (csv.Error, ValueError) as error:
            raise self._wrong(f"cannot be read at line {lines.line_num} ({error})") from error
        return texts, np.array(rows, np.float64)

    def _placed(self, texts: Sequence[str]) -> dict[str, int]:
        """The row of each text, as captions are kept."""
        places: dict[str, int] = {}
        for row, text in enumerate(texts):
            try:
                kept = cleaned(text[: MOST_BYTES + 1], f"{self.name}: text number {row + 1}")
            except ConfigError as error:
                raise DataError(str(error)) from error
            first = places.setdefault(kept, row)
            if first != row and not np.array_equal(self._rows[first], self._rows[row]):
                raise self._wrong(f'gives "{kept[:60]}" two vectors')
        return places

    def _wrong(self, what: str) -> DataError:
        return DataError(
            f"{self.name} {what}. It must hold different texts, each with a vector of as many "
            'numbers: np.savez("vectors.npz", texts=np.array(TEXTS), vectors=VECTORS)'
        )


def content_of(path: Path) -> bytes:
    """The bytes of a file that `data.vectors` names.

    Raises: DataError where it cannot be read, is no regular file, or is too large.
    """
    name = shown(path.name)
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise DataError(f"{name} is no regular file. Give one: vectors.npz")
            if os.fstat(handle).st_size > LARGEST_BYTES:
                raise DataError(
                    f"{name} has more than {LARGEST_BYTES:,} bytes, the most that a file "
                    "of vectors may have. Keep the data's own captions only."
                )
            return file.read(LARGEST_BYTES)
    except OSError as error:
        raise DataError(
            f"{shown(str(path))} cannot be read: {error.strerror or error}. "
            "data.vectors must be own, minilm, or a file of vectors that is there."
        ) from error


def checked_rows(rows: NDArray[Any], name: str) -> NDArray[np.float32]:
    """Vectors as float32, n f.

    Raises: DataError for numbers that are not finite, vectors of zeros, and too short or long ones.
    """
    if not 2 <= rows.shape[1] <= MOST_NUMBERS:
        raise DataError(
            f"{name} gives vectors of {rows.shape[1]:,} numbers; they must have from 2 to "
            f"{MOST_NUMBERS:,}. Give others: --set data.vectors=FILE"
        )
    with np.errstate(over="ignore"):
        found = np.ascontiguousarray(rows, np.float32)
    wrong = ~np.isfinite(found).all(axis=1) | ~found.any(axis=1)
    if wrong.any():
        raise DataError(
            f"{name} gives {int(wrong.sum()):,} of {len(found):,} vectors that are zero or not "
            f"finite, first number {int(wrong.argmax()) + 1}. Mend or leave out those texts."
        )
    return found
