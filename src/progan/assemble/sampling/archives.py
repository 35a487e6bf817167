"""Archives of many pictures: a zip of PNG files, or one array in an npz file.

They stand beside their final name until they are whole, and are written from the first picture to
the last; nothing is remembered of a picture once it is kept.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from progan.assemble.sampling.packers import Packed, file_name
from progan.assemble.writing.containers import MADE_HERE
from progan.assemble.writing.files import check_free
from progan.core.errors import RoomError

__all__ = ["LabelTable", "NpzSink", "ZipSink"]

LABELS = 65_536
"""Labels in memory at a time."""


@dataclass(frozen=True, kw_only=True)
class LabelTable:
    """The labels of pictures by seed: a class each, or a row of numbers."""

    of: Callable[[range], NDArray[Any]]
    """Those of these seeds: n classes, or n k numbers in the data's units."""
    names: tuple[str, ...] = ()
    """Of the numbers of a row; empty for classes."""


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

    def keep(self, seeds: Sequence[int], packed: Packed) -> None:
        """Append a file for each seed."""
        assert self.archive is not None
        for seed, content in zip(seeds, packed, strict=True):
            self.archive.writestr(zipfile.ZipInfo(file_name(seed)), bytes(content))


class NpzSink(_Archive):
    """The array `images`, uint8 n h w c, as numpy and `progan train` read it; no picture is packed.

    Classes stand beside it as `labels`, n whole numbers; other labels as `label_rows`, n k floats
    in the data's units, and their k `label_names`.
    """

    def __init__(
        self,
        path: Path,
        images: int,
        shape: tuple[int, int, int],
        labels: LabelTable | None,
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
            self._begin_labels(self.labels)
        self.file = self.archive.open(zipfile.ZipInfo("images.npy"), "w", force_zip64=True)
        self.file.write(_npy_head("|u1", (self.images, *self.shape)))

    def _begin_labels(self, labels: LabelTable) -> None:
        assert self.archive is not None
        name, kind = "labels.npy", "<i8"
        shape: tuple[int, ...] = (self.images,)
        if labels.names:
            written = np.array(labels.names)
            with self.archive.open(zipfile.ZipInfo("label_names.npy"), "w") as file:
                np.lib.format.write_array(file, written, allow_pickle=False)
            name, kind, shape = "label_rows.npy", "<f4", (self.images, len(written))
        with self.archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as file:
            file.write(_npy_head(kind, shape))
            for start in range(0, self.images, LABELS):
                seeds = range(start, min(start + LABELS, self.images))
                file.write(labels.of(seeds).astype(kind).tobytes())

    def keep(self, seeds: Sequence[int], packed: Packed) -> None:
        """Append the numbers."""
        assert self.file is not None
        for numbers in packed:
            self.file.write(numbers)

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
