"""The store: every resolution of every picture, as raw bytes that are mapped into memory.

    manifest.json    what is here, with a SHA-256 of every file
    r0004-00000.u8   pictures at 4 pixels, uint8, n c h w, without any header
    r0064-00000.u8   … up to the full resolution; a file holds at most about 1 GiB
    labels.i32       the class of every picture, little-endian int32, where there are classes
    labels.f32       n k, little-endian float32, where labels are numbers (see `labels.Labels`)
    captions.txt     of every picture a line, tabs between its captions, UTF-8, where there are any
    vectors.f32      n f, little-endian float32, of each different caption, where asked for
    report.json      what was left out and why

Reading a batch touches only the bytes of the resolution asked for, so early stages of training
never read large pictures. Opening checks every file's size; `verify` checks every byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from progan.core.errors import ConfigError, DataError
from progan.core.specs import DataSpec
from progan.data.captions import different, texts_kept, unpacked
from progan.data.labels import Column, LabelKind, rows_kept
from progan.data.manifest import Manifest, damaged, file_name, sha256_of
from progan.data.records import LARGEST, SMALLEST
from progan.data.report import DataReport

__all__ = ["Indices", "Pyramid", "resolutions_to"]

Indices = NDArray[np.integer[Any]] | Sequence[int]


class Pyramid:
    """An opened store. Get one from `Pyramid.open`, or from `build`."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path, self.manifest = path, manifest
        self._maps: dict[str, NDArray[np.uint8]] = {}
        self._labels: NDArray[np.int32] | None = None
        self._rows: NDArray[np.float32] | None = None
        self._captions: list[tuple[str, ...]] | None = None
        self._vectors: NDArray[np.float32] | None = None

    @classmethod
    def open(cls, path: str | Path) -> Pyramid:
        """Open the store in a folder, checking the size of every file.

        Raises: DataError when something is missing, damaged, or newer than this program.
        """
        path = Path(path)
        manifest = Manifest.read(path / "manifest.json")
        for name, size in manifest.sizes().items():
            try:
                found = (path / name).stat().st_size
            except OSError:
                raise damaged(path, f"{name} is missing") from None
            if found != size:
                raise damaged(path, f"{name} has {found:,} bytes instead of {size:,}")
        return cls(path, manifest)

    def verify(self) -> None:
        """Read every file and compare its checksum.

        Raises: DataError naming the first file that differs.
        """
        for name, expected in self.manifest.sha256.items():
            if sha256_of(self.path / name) != expected:
                raise damaged(self.path, f"the checksum of {name} is wrong")

    @property
    def resolutions(self) -> tuple[int, ...]:
        """From 4 to the full resolution, doubling."""
        return tuple(sorted(self.manifest.pictures_per_file))

    @property
    def count(self) -> int:
        """Number of pictures."""
        return self.manifest.count

    @property
    def channels(self) -> int:
        """1 for grey, 3 for colour."""
        return self.manifest.channels

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their labels; empty without labels."""
        return self.manifest.classes

    @property
    def label_kind(self) -> LabelKind:
        """What a label is; "class" where there is none."""
        return self.manifest.label_kind

    @property
    def columns(self) -> tuple[Column, ...]:
        """What the numbers of a label are; empty for classes, and without labels."""
        return self.manifest.columns

    @property
    def labelled(self) -> bool:
        """Whether the pictures carry labels of any kind."""
        return bool(self.classes or self.columns)

    @property
    def spec(self) -> DataSpec:
        """What a system is told about the data."""
        return DataSpec(
            resolution=self.resolutions[-1],
            channels=self.channels,
            classes=len(self.classes),
            images=self.count,
            whole=self.manifest.whole,
            **(self._of_captions() if self.captioned else {}),
            **(self._of_columns() if self.columns else {"label_shares": self._shares()}),
        )

    def _shares(self) -> tuple[float, ...]:
        """Share of each class; none where all are the same, or there are no labels."""
        if not self.classes:
            return ()
        counts = np.bincount(self.labels(np.arange(self.count)), minlength=len(self.classes))
        return () if len(set(counts)) == 1 else tuple((counts / self.count).tolist())

    @property
    def captioned(self) -> bool:
        """Whether the pictures carry captions."""
        return bool(self.manifest.captions)

    @cached_property
    def most_captions(self) -> int:
        """Most captions that a picture has."""
        return max(map(len, self.captions(np.arange(self.count))))

    def _of_captions(self) -> dict[str, Any]:
        """What a spec says of captions."""
        texts = self.captions(np.arange(self.count))
        found = {"captions": self.most_captions, "caption_texts": texts_kept(texts)}
        if not self.manifest.vectors:
            return found
        encoder = self.manifest.encoder
        return {**found, "caption_width": self.manifest.vector_width, "caption_encoder": encoder}

    def _of_columns(self) -> dict[str, Any]:
        """What a spec says of labels that are numbers."""
        values = self.label_rows(np.arange(self.count))
        rows, shares = rows_kept(values)
        on_off = self.label_kind == "multi-label"
        rates = tuple(values.mean(axis=0, dtype=np.float64).tolist())
        return {
            "label_kind": self.label_kind,
            "label_size": len(self.columns),
            "label_shares": rates if on_off else (),
            "label_names": tuple(column.name for column in self.columns),
            "label_ranges": tuple((column.low, column.high) for column in self.columns),
            "label_rows": rows,
            "row_shares": shares,
        }

    @property
    def fingerprint(self) -> str:
        """Equal for equal pictures and labels, wherever they were built from."""
        return self.manifest.fingerprint

    @property
    def report(self) -> DataReport:
        """What was used, what was left out, and why."""
        return DataReport.read(self.path / "report.json")

    def gather(self, indices: Indices, resolution: int) -> NDArray[np.uint8]:
        """Pictures (n, c, resolution, resolution), uint8, in a memory of their own.

        Raises: DataError for a resolution that is not stored, IndexError for an index outside.
        """
        if resolution not in self.manifest.pictures_per_file:
            raise DataError(
                f"resolution is {resolution}; {self.path} holds {_listed(self.resolutions)}. "
                f"Build it anew for more: progan data build PICTURES --resolution {resolution}"
            )
        rows = self._checked(indices)
        shape = (self.channels, resolution, resolution)
        out = np.empty((len(rows), *shape), np.uint8)
        per_file = self.manifest.pictures_per_file[resolution]
        if per_file >= self.count:
            return np.take(self._map(resolution, 0), rows, axis=0, out=out, mode="clip")
        number = rows // per_file
        for file in np.unique(number):
            here = np.flatnonzero(number == file)
            out[here] = self._map(resolution, int(file))[rows[here] - file * per_file]
        return out

    def largest(self, indices: Indices) -> NDArray[np.uint8]:
        """Pictures (n, c, h, w) as large as they are stored; one that has its own shape, in it."""
        pixels = self.gather(indices, self.resolutions[-1])
        if self.manifest.whole is None:
            return pixels
        height, width = self.manifest.whole
        return np.ascontiguousarray(pixels[:, :, :height, :width])

    def labels(self, indices: Indices) -> NDArray[np.int64]:
        """Classes (n,), counted from 0.

        Raises: DataError when the pictures carry no classes.
        """
        if not self.classes:
            raise DataError(
                f"{self.path} holds no labels. Put the pictures of each class into a subfolder "
                f"of its own, and build with labels: auto."
            )
        rows = self._checked(indices)
        if self._labels is None:
            self._labels = np.fromfile(self.path / "labels.i32", "<i4").astype(np.int32)
        return self._labels[rows].astype(np.int64)

    def label_rows(self, indices: Indices) -> NDArray[np.float32]:
        """Labels that are numbers, (n, k): 0 and 1, or from −1 to 1.

        Raises: DataError when the pictures carry no such labels.
        """
        if not self.columns:
            raise DataError(
                f"{self.path} holds no labels that are numbers. Name the columns of a table beside "
                f"the pictures, and build it anew: --set labels=[NAME]"
            )
        rows = self._checked(indices)
        if self._rows is None:
            flat = np.fromfile(self.path / "labels.f32", "<f4").astype(np.float32)
            self._rows = flat.reshape(self.count, len(self.columns))
        return self._rows[rows]

    def captions(self, indices: Indices) -> list[tuple[str, ...]]:
        """What is said of each picture: one caption or more.

        Raises: DataError when the pictures carry none, or the file is not what was written.
        """
        if not self.captioned:
            raise DataError(
                f"{self.path} holds no captions. Build it anew from pictures that have some: "
                "--set captions=found"
            )
        if self._captions is None:
            try:
                data = (self.path / "captions.txt").read_bytes()
                self._captions = unpacked(data, self.count)
            except (OSError, ValueError, ConfigError) as error:
                raise damaged(self.path, "captions.txt is not what was written") from error
        return [self._captions[row] for row in self._checked(indices).tolist()]

    def vectors_of(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The vectors of captions that occur here, (n, f), in a memory of their own.

        Raises: DataError where none were made, or the file is not what was written.
        """
        shape = (self.manifest.vectors, self.manifest.vector_width)
        if not self.manifest.vectors:
            raise DataError(
                f"{self.path} holds no vectors of captions. Build it anew: --set vectors=minilm"
            )
        if self._vectors is None:
            flat = np.memmap(self.path / "vectors.f32", "<f4", mode="r")
            self._vectors = np.asarray(flat).reshape(shape)
        if len(self._caption_rows) != shape[0]:
            raise damaged(self.path, "vectors.f32 has not one row for each different caption")
        rows = [self._caption_rows[text] for text in texts]
        return self._vectors[rows].astype(np.float32)

    @cached_property
    def _caption_rows(self) -> dict[str, int]:
        texts = different(self.captions(np.arange(self.count)))
        return {text: row for row, text in enumerate(texts)}

    def _checked(self, indices: Indices) -> NDArray[np.int64]:
        rows = np.asarray(indices, np.int64).reshape(-1)
        if len(rows) and not 0 <= int(rows.min()) <= int(rows.max()) < self.count:
            raise IndexError(f"index outside 0 to {self.count - 1}")
        return rows

    def _map(self, resolution: int, number: int) -> NDArray[np.uint8]:
        name = file_name(resolution, number)
        if name not in self._maps:
            flat = np.asarray(np.memmap(self.path / name, np.uint8, mode="r"))
            self._maps[name] = flat.reshape(-1, self.channels, resolution, resolution)
        return self._maps[name]


def resolutions_to(resolution: int) -> list[int]:
    """4, 8, … `resolution`.

    Raises: DataError unless it is a power of two from 4 to 1024.
    """
    if not SMALLEST <= resolution <= LARGEST or resolution & (resolution - 1):
        nearest = 2 ** min(10, max(2, round(np.log2(max(resolution, 1)))))
        raise DataError(
            f"resolution is {resolution}; it must be a power of two from {SMALLEST} to {LARGEST}. "
            f"The nearest: --resolution {nearest}"
        )
    return [SMALLEST << i for i in range((resolution // SMALLEST).bit_length())]


def _listed(resolutions: Sequence[int]) -> str:
    return ", ".join(map(str, resolutions))
