"""The store: every resolution of every picture, as raw bytes that are mapped into memory.

    manifest.json    what is here, with a SHA-256 of every file
    r0004-00000.u8   pictures at 4 pixels, uint8, n c h w, without any header
    r0064-00000.u8   … up to the full resolution; a file holds at most about 1 GiB
    labels.i32       the class of every picture, little-endian int32, where there are classes
    report.json      what was left out and why

Reading a batch touches only the bytes of the resolution asked for, so early stages of training
never read large pictures. Opening checks every file's size; `verify` checks every byte.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from progan.core.errors import DataError
from progan.core.specs import DataSpec
from progan.data.records import LARGEST, SMALLEST
from progan.data.report import DataReport

__all__ = ["FORMAT", "Manifest", "Pyramid", "sha256_of"]

FORMAT = 1
"""Version of the layout of files; raised when an older program could not read it."""

Indices = NDArray[np.integer[Any]] | Sequence[int]


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a pyramid holds."""

    key: str
    """Of the source and the settings it was built from (see `build`)."""
    source: str
    channels: int
    count: int
    classes: tuple[str, ...]
    pictures_per_file: dict[int, int]
    """For each resolution."""
    sha256: dict[str, str]
    """For each file beside the manifest."""

    def files(self, resolution: int) -> Iterator[tuple[str, int]]:
        """Names and sizes in bytes of the files of one resolution."""
        per_file, left = self.pictures_per_file[resolution], self.count
        for number in range(-(-self.count // per_file)):
            pictures = min(per_file, left)
            left -= pictures
            yield file_name(resolution, number), pictures * self.channels * resolution**2

    def sizes(self) -> dict[str, int]:
        """Bytes of every file whose size follows from the manifest."""
        sizes = {name: size for r in self.pictures_per_file for name, size in self.files(r)}
        return sizes | ({"labels.i32": 4 * self.count} if self.classes else {})

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what training sees: shapes, classes and the bytes of pictures and labels."""
        seen = {
            "channels": self.channels,
            "count": self.count,
            "classes": self.classes,
            "files": {name: self.sha256[name] for name in sorted(self.sizes())},
        }
        return hashlib.sha256(_canonical(seen)).hexdigest()

    def json(self) -> bytes:
        """The text of manifest.json, which ends with its own checksum."""
        body = {"format": FORMAT, **vars(self), "fingerprint": self.fingerprint}
        body["pictures_per_file"] = {str(r): n for r, n in self.pictures_per_file.items()}
        body["checksum"] = hashlib.sha256(_canonical(body)).hexdigest()
        return (json.dumps(body, indent=1) + "\n").encode()

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Parse and check manifest.json.

        Raises: DataError when it is missing, damaged, or of a newer format.
        """
        folder = path.parent
        try:
            body = json.loads(path.read_bytes())
            if not isinstance(body, dict):
                raise TypeError
        except FileNotFoundError:
            raise DataError(
                f"{folder} is no data pyramid: it has no manifest.json. "
                f"Build one: progan data build PICTURES --to {folder}"
            ) from None
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
        except (ValueError, TypeError, RecursionError):
            raise _damaged(folder, "manifest.json is not what was written") from None
        if isinstance(body.get("format"), int) and body["format"] > FORMAT:
            raise DataError(
                f"{folder} was built by a newer progan (format {body['format']}; this one reads "
                f"up to {FORMAT}). Update progan, or build the data again."
            )
        checksum = body.pop("checksum", None)
        if checksum != hashlib.sha256(_canonical(body)).hexdigest():
            raise _damaged(folder, "the checksum of manifest.json is wrong")
        try:
            body["pictures_per_file"] = {int(r): n for r, n in body["pictures_per_file"].items()}
            body["classes"] = tuple(body["classes"])
            return cls(**{k: v for k, v in body.items() if k not in ("format", "fingerprint")})
        except (TypeError, KeyError, ValueError, AttributeError):
            raise _damaged(folder, "manifest.json does not say what it must") from None


class Pyramid:
    """An opened store. Get one from `Pyramid.open`, or from `build`."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path, self.manifest = path, manifest
        self._maps: dict[str, NDArray[np.uint8]] = {}
        self._labels: NDArray[np.int32] | None = None

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
                raise _damaged(path, f"{name} is missing") from None
            if found != size:
                raise _damaged(path, f"{name} has {found:,} bytes instead of {size:,}")
        return cls(path, manifest)

    def verify(self) -> None:
        """Read every file and compare its checksum.

        Raises: DataError naming the first file that differs.
        """
        for name, expected in self.manifest.sha256.items():
            if sha256_of(self.path / name) != expected:
                raise _damaged(self.path, f"the checksum of {name} is wrong")

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
    def spec(self) -> DataSpec:
        """What a system is told about the data."""
        return DataSpec(
            resolution=self.resolutions[-1],
            channels=self.channels,
            classes=len(self.classes),
            images=self.count,
            label_shares=self._shares(),
        )

    def _shares(self) -> tuple[float, ...]:
        """Share of each class; none where all are the same, or there are no labels."""
        if not self.classes:
            return ()
        counts = np.bincount(self.labels(np.arange(self.count)), minlength=len(self.classes))
        return () if len(set(counts)) == 1 else tuple((counts / self.count).tolist())

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

    def labels(self, indices: Indices) -> NDArray[np.int64]:
        """Classes (n,), counted from 0.

        Raises: DataError when the pictures carry no labels.
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


def file_name(resolution: int, number: int) -> str:
    """`r0064-00000.u8`."""
    return f"r{resolution:04d}-{number:05d}.u8"


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


def sha256_of(path: Path) -> str:
    """Checksum of a file, read in pieces."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _damaged(path.parent, f"{path.name} cannot be read ({error.strerror})") from error


def _canonical(body: object) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()


def _damaged(folder: Path, what: str) -> DataError:
    return DataError(
        f"the data in {folder} is damaged: {what}. The pictures it was built from are untouched; "
        f"remove that folder and start again, and it is built anew."
    )


def _listed(resolutions: Sequence[int]) -> str:
    return ", ".join(map(str, resolutions))
