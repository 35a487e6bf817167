"""Where many pictures go: a folder of PNG files, a zip of them, or one array in an npz file.

Pictures come in blocks; `encode` runs in worker threads, in any order, and `keep` in the order of
the blocks. Nothing is remembered of a picture once it is kept.

A folder can be gone on with: `sample.json` says what its pictures are, each file is there whole or
not at all, and what is there is not made again. The others appear under their name when they are
whole.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import struct
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np

from progan.assemble.containers import MADE_HERE
from progan.assemble.files import check_free, free_name, write_out
from progan.core.errors import ConfigError, RoomError
from progan.core.words import typed

__all__ = ["NOTE", "Encode", "FolderSink", "NpzSink", "Sink", "ZipSink", "open_sink"]

NOTE = "sample.json"
Pictures = np.ndarray[Any, np.dtype[np.uint8]]
Encode = Callable[[int, np.ndarray[Any, np.dtype[np.uint8]]], bytes]
"""A PNG file of the picture, h w c, of a seed."""
IEND = struct.pack(">I4sI", 0, b"IEND", 0xAE426082)
"""How every PNG ends."""


class Sink(Protocol):
    """Takes pictures, and owns the file or folder they go to."""

    backend: str | None
    """What made the pictures that are there already."""

    def begin(self, note: Mapping[str, Any]) -> None:
        """Called once, when it is known what `note` says."""

    def has(self, seeds: Sequence[int]) -> bool:
        """Whether all these pictures are there."""
        ...

    def encode(self, seeds: Sequence[int], pictures: Pictures) -> Any:
        """What `keep` takes, from pictures n h w c; called from any thread."""

    def keep(self, seeds: Sequence[int], encoded: Any) -> None:
        """Take what `encode` gave, in the order of the blocks."""

    def finish(self) -> None:
        """All pictures have been kept."""

    def close(self) -> None:
        """No more will come, finished or not; nothing half made stays."""


def file_name(seed: int) -> str:
    """`seed000012.png`."""
    return f"seed{seed:06d}.png"


class FolderSink:
    """One PNG file for each seed, and `sample.json` beside them."""

    def __init__(
        self, folder: Path, images: int, encode: Encode, wanted: Mapping[str, Any]
    ) -> None:
        self.folder, self.png = folder, encode
        self.backend: str | None = None
        if folder.is_dir() and any(folder.iterdir()):
            self._go_on(images, wanted)

    def _go_on(self, images: int, wanted: Mapping[str, Any]) -> None:
        """Accept a folder of ours with the same pictures; refuse any other."""
        other = free_name(self.folder).name
        try:
            note = json.loads((self.folder / NOTE).read_text(encoding="utf-8"))
            ours = note["software"] == MADE_HERE.decode()
        except (OSError, ValueError, KeyError, TypeError):
            ours = False
        if not ours:
            raise ConfigError(
                f"{self.folder} exists and holds other things. Name a new folder: {other}"
            )
        for name, value in wanted.items():
            if name == "backend":
                continue
            if note.get(name) != value:
                raise ConfigError(
                    f"{self.folder} holds pictures of another {name} ({_short(note.get(name))}, "
                    f"not {_short(value)}). Name a new folder: {other}"
                )
        if wanted["backend"] not in (None, note.get("backend")):
            raise ConfigError(
                f"{self.folder} holds pictures made by {note.get('backend')}. Go on without "
                f"--backend, or name a new folder: {other}"
            )
        if int(note.get("images", 0)) > images:
            raise ConfigError(
                f"{self.folder} holds up to {note['images']:,} pictures, more than {images:,}. "
                f"Name a new folder: {other}"
            )
        self.backend = str(note.get("backend"))

    def begin(self, note: Mapping[str, Any]) -> None:
        """Make the folder and write `sample.json`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"software": MADE_HERE.decode(), **note}, indent=2) + "\n"
        write_out(self.folder / NOTE, text.encode())

    def has(self, seeds: Sequence[int]) -> bool:
        """Whether all these files are there, whole."""
        return all(_whole(self.folder / file_name(seed)) for seed in seeds)

    def encode(self, seeds: Sequence[int], pictures: Pictures) -> None:
        """Write the files that are missing."""
        for seed, picture in zip(seeds, pictures, strict=True):
            path = self.folder / file_name(seed)
            if not _whole(path):
                _write(path, self.png(seed, picture))

    def keep(self, seeds: Sequence[int], encoded: None) -> None:
        """They are there already."""

    def finish(self) -> None:
        """Every file is there."""

    def close(self) -> None:
        """What is there stays."""


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 24 else f"{text[:12]}…"


def _whole(path: Path) -> bool:
    """Whether a PNG is there to its last byte: an unclean end of the machine may cut it short."""
    try:
        with path.open("rb") as file:
            file.seek(-len(IEND), os.SEEK_END)
            return file.read() == IEND
    except OSError:
        return False


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, but without waiting for the disk as a checkpoint does."""
    temporary = path.with_name(f".{path.name}.tmp-{os.getpid()}")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


class _Archive:
    """A zip archive beside its final name, which it takes when it is whole."""

    backend: str | None = None

    def __init__(self, path: Path, images: int, shape: tuple[int, int, int]) -> None:
        check_free(path)
        self.path, self.images, self.shape = path, images, shape
        self.temporary = path.with_name(f".{path.name}.tmp-{os.getpid()}")
        self.archive: zipfile.ZipFile | None = None

    def begin(self, note: Mapping[str, Any]) -> None:
        """Open the archive; what `note` says becomes its comment."""
        text = json.dumps({"software": MADE_HERE.decode(), **note})
        self.archive = zipfile.ZipFile(self.temporary, "w")
        self.archive.comment = text.encode()

    def has(self, seeds: Sequence[int]) -> bool:
        """Nothing: archives begin anew."""
        return False

    def finish(self) -> None:
        """Write the index, and take the final name."""
        assert self.archive is not None
        self.archive.close()
        with self.temporary.open("rb") as file:
            os.fsync(file.fileno())
        self.temporary.replace(self.path)

    def close(self) -> None:
        """Remove what was written, unless it was finished."""
        if self.archive is not None:
            with contextlib.suppress(OSError, ValueError):  # a full disk does not take the index
                self.archive.close()
        with contextlib.suppress(OSError):
            self.temporary.unlink(missing_ok=True)


class ZipSink(_Archive):
    """PNG files in a zip, not compressed again."""

    def __init__(
        self, path: Path, images: int, shape: tuple[int, int, int], encode: Encode
    ) -> None:
        super().__init__(path, images, shape)
        self.png = encode

    def encode(self, seeds: Sequence[int], pictures: Pictures) -> list[bytes]:
        """The files."""
        return [self.png(seed, picture) for seed, picture in zip(seeds, pictures, strict=True)]

    def keep(self, seeds: Sequence[int], encoded: list[bytes]) -> None:
        """Append them."""
        assert self.archive is not None
        for seed, content in zip(seeds, encoded, strict=True):
            self.archive.writestr(zipfile.ZipInfo(file_name(seed)), content)


class NpzSink(_Archive):
    """The array `images`, uint8 n h w c, as numpy and `progan train` read it; no picture is packed.

    With classes, `labels` stands beside it: n whole numbers.
    """

    def __init__(
        self,
        path: Path,
        images: int,
        shape: tuple[int, int, int],
        labels: Callable[[int], int] | None,
    ) -> None:
        super().__init__(path, images, shape)
        self.labels = labels
        self.file: IO[bytes] | None = None
        needed = images * int(np.prod(shape))
        free = shutil.disk_usage(path.parent).free
        if needed > free:
            raise RoomError(
                f"{path} would have {needed / 1e9:,.1f} GB, and {free / 1e9:,.1f} GB are free. "
                "Write elsewhere, take fewer, or a .zip, which holds compressed pictures: --n"
            )

    def begin(self, note: Mapping[str, Any]) -> None:
        """Open the array."""
        super().begin(note)
        assert self.archive is not None
        if self.labels is not None:
            with self.archive.open(zipfile.ZipInfo("labels.npy"), "w", force_zip64=True) as file:
                file.write(_npy_head("<i8", (self.images,)))
                for start in range(0, self.images, 65_536):
                    seeds = range(start, min(start + 65_536, self.images))
                    file.write(np.array([self.labels(seed) for seed in seeds], "<i8").tobytes())
        self.file = self.archive.open(zipfile.ZipInfo("images.npy"), "w", force_zip64=True)
        self.file.write(_npy_head("|u1", (self.images, *self.shape)))

    def encode(self, seeds: Sequence[int], pictures: Pictures) -> Pictures:
        """The pictures as they are."""
        return pictures

    def keep(self, seeds: Sequence[int], encoded: Pictures) -> None:
        """Append them."""
        assert self.file is not None
        self.file.write(encoded.tobytes())

    def finish(self) -> None:
        """Close the array too."""
        assert self.file is not None
        self.file.close()
        super().finish()

    def close(self) -> None:
        """Close the array too."""
        if self.file is not None:
            with contextlib.suppress(OSError, ValueError):
                self.file.close()
        super().close()


def _npy_head(kind: str, shape: tuple[int, ...]) -> bytes:
    """What stands before the numbers of a .npy file."""
    head = io.BytesIO()
    described = {"descr": kind, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(head, described)
    return head.getvalue()


def open_sink(
    path: Path,
    images: int,
    shape: tuple[int, int, int],
    encode: Encode,
    wanted: Mapping[str, Any],
    labels: Callable[[int], int] | None,
) -> Sink:
    """The sink for a path: .npz, .zip, or a folder if it has no ending.

    Raises ConfigError for other endings, and for what exists and is not of the same pictures.
    """
    kind = path.suffix.lower()
    if kind == ".npz":
        return NpzSink(path, images, shape, labels)
    if kind == ".zip":
        return ZipSink(path, images, shape, encode)
    if path.exists() and not path.is_dir():
        raise ConfigError(
            f"{path} is a file. Many pictures go into a folder, a .zip or an .npz: "
            f"{typed('progan', 'sample', f'{path.stem}.npz', '--n', str(images))}"
        )
    if kind in (".png", ".jpg", ".jpeg", ".gif", ".webp", ".apng", ".mp4"):
        raise ConfigError(
            f'{images:,} pictures cannot be written as "{path.name}". Name a folder, a .zip or '
            f"an .npz: {path.stem}.npz"
        )
    return FolderSink(path, images, encode, wanted)
