"""Arrays of equal pictures: IDX files (the MNIST family) and npz files."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from progan.core.errors import DataError
from progan.data.idx import read_idx
from progan.data.levels import levels
from progan.data.pictures import fit, with_channels
from progan.data.records import Block, Finding, Frame, UnfitError, shown
from progan.data.sources.base import Digest, Ref, Tableless
from progan.data.sources.zipped import BROKEN, opened_zip

__all__ = ["IdxReader", "IdxSource", "NpzReader", "NpzSource", "idx_in"]

BLOCK = 256
"""Pictures handed on together."""


class ArraySource(Tableless):
    """What IDX and npz files have in common: equal pictures, numbered, perhaps with labels."""

    guarded = False
    parallel = False
    findings: tuple[Finding, ...] = ()
    remarks: tuple[str, ...] = ()
    shaping = ""
    name: str
    count: int
    height: int
    width: int
    classes: tuple[str, ...] = ()
    _labels: NDArray[np.int32] | None = None

    @property
    def native_resolution(self) -> int:
        """The largest power of two that the shorter side reaches."""
        return 1 << (min(self.height, self.width).bit_length() - 1)

    def refs(self, indices: Sequence[int]) -> list[Ref]:
        """The numbers themselves."""
        return [int(i) for i in indices]

    def title(self, index: int) -> str:
        """`name[12]`."""
        return f"{self.name}[{index}]"

    def labels(self) -> NDArray[np.int32] | None:
        """As they stand in the file."""
        return self._labels

    def check_resolution(self, resolution: int) -> None:
        """At most twice what the pictures have."""
        if resolution > 2 * min(self.height, self.width):
            raise DataError(
                f"resolution is {resolution}; the pictures in {shown(self.name)} have "
                f"{self.width} × {self.height} pixels. "
                f"Choose what they can fill: --resolution {self.native_resolution}"
            )

    def _take_labels(self, values: NDArray[Any]) -> None:
        """Classes from the different values, in their order."""
        self._check_labels(values.dtype, values.shape)
        different, labels = np.unique(values, return_inverse=True)
        if len(different) >= 2:
            self.classes = tuple(
                value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
                for value in different.tolist()
            )
            self._labels = labels.astype(np.int32)

    def _check_labels(self, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
        if shape != (self.count,) or dtype.kind not in "iubUS":
            raise DataError(
                f"the labels of {shown(self.name)} are {dtype} of shape {shape}; they must be one "
                f"whole number or word for each of its {self.count:,} pictures."
            )


def _fitted(row: NDArray[np.uint8], frame: Frame) -> Block:
    """One picture (h, w, c) cut or padded and resized as a file would be."""
    image = Image.fromarray(row[..., 0] if row.shape[2] == 1 else row)
    notes = {"enlarged"} if min(image.size) < frame.resolution else set()
    pixels = with_channels(fit(image, frame, notes), frame.channels)
    return Block(np.ascontiguousarray(pixels.transpose(2, 0, 1)[None]), tuple(sorted(notes)))


@dataclass(frozen=True)
class IdxReader:
    """Rows of an IDX file."""

    path: str
    padded: int
    """Side to which zeros are added all round; 0 for none."""

    def read(self, refs: Sequence[Ref], frame: Frame) -> Iterator[Block | Finding]:
        """Blocks of pictures; padded ones are halved down to the frame."""
        for start in range(0, len(refs), BLOCK):
            rows = self._pictures[np.array(refs[start : start + BLOCK], np.int64)]
            if not self.padded:
                yield from (_fitted(row[..., None], frame) for row in rows)
                continue
            down, right = self.padded - rows.shape[1], self.padded - rows.shape[2]
            around = ((0, 0), (down // 2, down - down // 2), (right // 2, right - right // 2))
            pixels = levels(np.pad(rows, around)[:, None])[frame.resolution]
            yield Block(np.repeat(pixels, 3, axis=1) if frame.channels == 3 else pixels)

    def sizes(self, refs: Sequence[Ref]) -> Iterator[tuple[int, int] | Finding]:
        """The same for all."""
        height, width = self._pictures.shape[1:]
        yield from ((width, height) for _ in refs)

    @cached_property
    def _pictures(self) -> NDArray[np.uint8]:
        return read_idx(self.path).astype(np.uint8, copy=False)


class IdxSource(ArraySource):
    """Grey pictures (n, h, w) of bytes in an IDX file, with the labels that lie beside it.

    Where the sides reach seven eighths of a power of two, as 28 does of 32, zeros are added all
    round, as ProGAN does with MNIST; else the pictures are cropped and resized like files.
    Labels: the file of the same name with `labels-idx1` in place of `images-idx3`.

    Raises: DataError for other shapes or kinds of numbers, or labels that do not match.
    """

    def __init__(
        self, path: str | Path, name: str | None = None, names: Sequence[str] = ()
    ) -> None:
        self.path = Path(os.path.abspath(path))
        self.name = name or self.path.name
        pictures = read_idx(self.path)
        if pictures.ndim != 3 or pictures.dtype != np.uint8 or not pictures.size:
            raise DataError(
                f"{shown(str(self.path))} holds {pictures.dtype} of shape {pictures.shape}; "
                f"pictures are bytes of shape (n, height, width). Give the file named "
                f"…images-idx3-ubyte."
            )
        self.count, self.height, self.width = pictures.shape
        long = max(self.height, self.width)
        above = max(4, 1 << (long - 1).bit_length())
        self.padded = above if 8 * min(self.height, self.width) >= 7 * above else 0
        self.shaping = "padded with zeros to" if self.padded > long else ""
        self._digest = Digest()
        self._digest.add("idx", hashlib.sha256(pictures.tobytes()).digest(), str(pictures.shape))
        labels = self._labels_file()
        if labels is not None:
            values = read_idx(labels)
            self._digest.add(values.tobytes())
            self._take_labels(values)
            if names and len(self.classes) == len(names):
                self.classes = tuple(names)

    @property
    def native_resolution(self) -> int:
        """With the zeros around, if there are any."""
        return self.padded or super().native_resolution

    def check_resolution(self, resolution: int) -> None:
        """Padded pictures cannot be had larger than they are."""
        if self.padded and resolution > self.padded:
            super().check_resolution(max(resolution, 2 * self.padded + 1))
        super().check_resolution(resolution)

    def reader(self) -> IdxReader:
        """A reader of the same file."""
        return IdxReader(str(self.path), self.padded)

    def stamp(self) -> str:
        """The same as the fingerprint."""
        return self.fingerprint()

    def fingerprint(self) -> str:
        """Over every byte of pictures and labels."""
        return self._digest.hex()

    def _labels_file(self) -> Path | None:
        if "images-idx3" not in self.path.name:
            return None
        name = self.path.name.replace("images-idx3", "labels-idx1")
        bare = name.removesuffix(".gz")
        beside = [self.path.with_name(each) for each in (name, bare, bare + ".gz")]
        return next((path for path in beside if path.exists()), None)


def idx_in(folder: Path) -> Path | None:
    """The pictures among IDX files in a folder: the training ones, or the only ones.

    Raises: DataError when there are several and none of them is for training.
    """
    found = sorted(folder.glob("*images-idx3-ubyte*"))
    training = [path for path in found if path.name.startswith("train")]
    if len(training or found) > 1 and not training:
        names = ", ".join(shown(path.name) for path in found)
        raise DataError(f"{shown(str(folder))} holds several sets: {names}. Give one of the files.")
    return next(iter(training or found), None)


@dataclass(frozen=True)
class NpzReader:
    """Rows of one array in an npz file, read one after another without holding the others."""

    path: str
    start: int
    """Bytes of the member before the first number."""
    dtype: str
    shape: tuple[int, ...]
    layout: str
    """n h w, with c last, c first, or none."""
    low: float
    high: float
    """The values that become 0 and 255."""

    def read(self, refs: Sequence[Ref], frame: Frame) -> Iterator[Block | Finding]:
        """One block a picture."""
        for ref in refs:
            try:
                yield _fitted(self._row(int(ref)), frame)
            except UnfitError as error:
                yield Finding(f"images[{ref}]", error.kind, str(error))
            except BROKEN as error:
                said = str(error) or type(error).__name__
                yield Finding(f"images[{ref}]", "unreadable", f"broken in the archive ({said})")

    def sizes(self, refs: Sequence[Ref]) -> Iterator[tuple[int, int] | Finding]:
        """The same for all."""
        height, width = _height_width(tuple(self.shape), self.layout)
        yield from ((width, height) for _ in refs)

    def _row(self, number: int) -> NDArray[np.uint8]:
        """Picture `number` as bytes (h, w, c)."""
        dtype = np.dtype(self.dtype)
        size = dtype.itemsize * int(np.prod(self.shape[1:]))
        member = self._member
        _skip(member, self.start + number * size - member.tell())
        data = member.read(size)
        if len(data) != size:
            raise EOFError("ends too early")
        row = np.frombuffer(data, dtype).reshape(self.shape[1:])
        row = row.transpose(1, 2, 0) if self.layout == "nchw" else row
        row = row[..., None] if self.layout == "nhw" else row
        if dtype != np.uint8 or (self.low, self.high) != (0, 255):
            scale = 255.0 / (self.high - self.low)
            row = np.rint((row.astype(np.float64) - self.low) * scale).clip(0, 255)
        return np.ascontiguousarray(row.astype(np.uint8))

    @cached_property
    def _member(self) -> IO[bytes]:
        return opened_zip(Path(self.path)).open("images.npy")


class NpzSource(ArraySource):
    """Pictures in the array `images` of an npz file, with the array `labels` if there is one.

    Shapes (n, h, w), (n, h, w, c) or (n, c, h, w) with 1, 3 or 4 channels (4: transparency).
    Bytes as they are; bool 0 and 255; other numbers by the range that holds all of them: [0, 1]
    (fractions), [-1, 1] (fractions), [0, 255] or [0, 65535]. Objects are never read.

    Raises: DataError for anything else, and for files that are damaged or not what they say.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(os.path.abspath(path))
        self.name = self.path.name
        self._digest = Digest()
        self._digest.add("npz")
        with opened_zip(self.path) as archive:
            names = [info.filename for info in archive.infolist()]
            if "images.npy" not in names:
                arrays = ", ".join(shown(n.removesuffix(".npy")) for n in names[:8]) or "nothing"
                raise self._wrong(f"holds {arrays}; it must hold an array named images")
            start, shape, dtype = self._header(archive, "images.npy")
            self.layout = _layout(shape)
            if not self.layout or dtype.kind not in "biuf":
                raise self._wrong(
                    f"has images of {dtype} and shape {shape}; they must be numbers of shape "
                    f"(n, h, w), (n, h, w, c) or (n, c, h, w) with 1, 3 or 4 channels"
                )
            self.count = shape[0]
            self.height, self.width = _height_width(shape, self.layout)
            low, high = self._range(archive, start, dtype)
            self._reader = NpzReader(
                str(self.path), start, dtype.str, shape, self.layout, low, high
            )
            if "labels.npy" in names:
                start, label_shape, dtype = self._header(archive, "labels.npy")
                self._check_labels(dtype, label_shape)
                with archive.open("labels.npy") as member:
                    _skip(member, start)
                    self._take_labels(np.frombuffer(member.read(), dtype))

    def reader(self) -> NpzReader:
        """A reader of the same array."""
        return self._reader

    def stamp(self) -> str:
        """The same as the fingerprint, which is cheap here."""
        return self.fingerprint()

    def fingerprint(self) -> str:
        """Over the archive's own sizes and checksums of its arrays."""
        return self._digest.hex()

    def _header(
        self, archive: zipfile.ZipFile, name: str
    ) -> tuple[int, tuple[int, ...], np.dtype[Any]]:
        """Where the numbers begin, and their shape and kind, checked against the size."""
        info = archive.getinfo(name)
        self._digest.add(name, info.file_size, info.CRC)
        try:
            with archive.open(info) as member:
                version = np.lib.format.read_magic(member)
                read = {
                    (1, 0): np.lib.format.read_array_header_1_0,
                    (2, 0): np.lib.format.read_array_header_2_0,
                }[version]
                shape, fortran, dtype = read(member)
                start = member.tell()
        except (*BROKEN, KeyError) as error:
            raise self._wrong(f"has a broken array {shown(name)} ({error})") from error
        if dtype.hasobject:
            raise self._wrong(f"has Python objects in {shown(name)}, which are never read")
        if fortran and len(shape) > 1:
            raise self._wrong(f"has {shown(name)} in Fortran order (np.ascontiguousarray mends it)")
        numbers = 1
        for length in shape:
            numbers *= length  # Python's integers do not overflow
        if start + numbers * dtype.itemsize != info.file_size or not numbers:
            raise self._wrong(f"says {shape} for {shown(name)}, which is not what it holds")
        return start, shape, dtype

    def _range(
        self, archive: zipfile.ZipFile, start: int, dtype: np.dtype[Any]
    ) -> tuple[float, float]:
        """The values that stand for black and white."""
        if dtype == np.uint8:
            return 0.0, 255.0
        if dtype.kind == "b":
            return 0.0, 1.0
        low, high = np.inf, -np.inf
        try:
            with archive.open("images.npy") as member:
                _skip(member, start)
                while data := member.read(dtype.itemsize * 2**18):
                    values = np.frombuffer(data, dtype).astype(np.float64)
                    if not np.isfinite(values).all():
                        raise self._wrong("has images with values that are not finite numbers")
                    low, high = min(low, float(values.min())), max(high, float(values.max()))
        except BROKEN as error:
            raise self._wrong(f"has a broken array images ({error})") from error
        fractions = ((0.0, 1.0), (-1.0, 1.0)) if dtype.kind == "f" else ()
        for least, most in (*fractions, (0.0, 255.0), (0.0, 65535.0)):
            if least <= low and high <= most:
                return least, most
        raise self._wrong(
            f"has images from {low:g} to {high:g}; they must lie in [0, 1], [-1, 1], [0, 255] or "
            f"[0, 65535]"
        )

    def _wrong(self, what: str) -> DataError:
        return DataError(
            f"{shown(self.name)} {what}. "
            f"Save it so: np.savez({shown(self.name)!r}, images=images, labels=labels)"
        )


def _layout(shape: tuple[int, ...]) -> str:
    if len(shape) == 3:
        return "nhw"
    if len(shape) == 4 and shape[3] in (1, 3, 4):
        return "nhwc"
    return "nchw" if len(shape) == 4 and shape[1] in (1, 3, 4) else ""


def _height_width(shape: tuple[int, ...], layout: str) -> tuple[int, int]:
    return (shape[2], shape[3]) if layout == "nchw" else (shape[1], shape[2])


def _skip(member: IO[bytes], size: int) -> None:
    """Read over `size` bytes. Unlike a seek, it lets the archive's checksum be tested."""
    if size < 0:
        raise ValueError("rows must be read in order")
    while size:
        piece = member.read(min(size, 2**20))
        if not piece:
            raise EOFError("ends too early")
        size -= len(piece)
