"""Sources of pictures, found by what the user wrote. A new one is a file here and a line below.

A source is a list made in this process (`base.Source`) and a reader that decodes in another
(`base.Reader`).
"""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from progan.core.errors import DataError
from progan.core.spelling import nearest
from progan.core.words import typed
from progan.data.packaged import PACKAGED
from progan.data.records import shown
from progan.data.sources.arrays import IdxSource, NpzSource, idx_in
from progan.data.sources.base import Source
from progan.data.sources.built import BuiltSource
from progan.data.sources.faces import FaceSource
from progan.data.sources.folder import FolderSource
from progan.data.sources.packs import PackSource
from progan.data.sources.single import PictureSource
from progan.data.sources.zipped import ZipSource

if TYPE_CHECKING:
    from progan.core.config import DataSettings

__all__ = ["Source", "is_picture", "open_source"]

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package dataset-fashion-mnist puts its files."""


def open_source(
    words: str, settings: DataSettings | None = None, *, base: str | Path | None = None
) -> Source:
    """The source that `words` name. Nothing is decoded yet.

        portraits, fashion-mnist, …   a packaged set
        fashion-mnist-full            the 60,000 training pictures, from Debian's package
        a folder                      of pictures, of IDX files, or made by `progan data build`
        a file                        zip, npz or IDX, known by content; a picture, where
                                      data.crop is whole

    A packaged name wins over a folder of the same name: write `./portraits` for the folder.
    With `settings.landmarks`, the faces in a folder of photographs.

    Relative paths begin at `base`, or at the working folder.

    Raises: DataError when there is no such thing, or it cannot be read.
    """
    if settings is not None and settings.landmarks is not None:
        return _faces(words, settings.landmarks, Path(base or "."))
    if words in PACKAGED:
        return PackSource.named(words, settings.images if settings else None)
    if words == "fashion-mnist-full":
        return _fashion_mnist_full()
    path = Path(base or ".") / os.path.expanduser(words)
    try:
        if path.is_dir():
            return _folder(path)
        with path.open("rb") as file:
            head = file.read(512)
    except FileNotFoundError:
        raise _unknown(words, path) from None
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else str(error)
        raise DataError(
            f"{shown(words)} cannot be read: {said}. Give a path you may read."
        ) from error
    if is_picture(head):
        return _picture(path, settings)
    return _file(path, head)


def _faces(words: str, landmarks: str, base: Path) -> Source:
    path = base / os.path.expanduser(words)
    if not path.is_dir() or (path / "manifest.json").is_file():
        raise DataError(
            f"data.landmarks is set, but {shown(words)} is no folder of pictures; faces are cut "
            "out of photographs in a folder. Leave data.landmarks out: --set data.landmarks=null"
        )
    return FaceSource(path, base / os.path.expanduser(landmarks))


def _folder(path: Path) -> Source:
    if (path / "manifest.json").is_file() and any(path.glob("r0004-*.u8")):
        return BuiltSource(path)
    pictures = FolderSource(path)
    idx = idx_in(path) if not pictures.count else None
    return IdxSource(idx, path.resolve().name) if idx is not None else pictures


def is_picture(head: bytes) -> bool:
    """Whether a file that begins so is a picture in a format that is read."""
    marks = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")
    return head.startswith(marks) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def _picture(path: Path, settings: DataSettings | None) -> Source:
    if settings is not None and settings.crop == "whole":
        return PictureSource(path)
    name = shown(str(path))
    raise DataError(
        f"{name} is one picture, and most systems learn from many: give the folder they lie in, "
        f"{shown(str(path.parent))}. To learn from this one alone: "
        f"{typed('progan', 'train', name)} --system singan"
    )


def _file(path: Path, head: bytes) -> Source:
    """A source from a single file, by its first bytes."""
    if head.startswith(b"PK"):
        return NpzSource(path) if path.suffix.lower() == ".npz" else ZipSource(path)
    if head.startswith((b"\0\0", b"\x1f\x8b")):
        return IdxSource(path)
    name = shown(str(path))
    if head.startswith((b"7z\xbc\xaf", b"Rar!", b"BZh", b"\xfd7zXZ")) or head[257:262] == b"ustar":
        raise DataError(f"{name} is an archive that is not read. Unpack it and give the folder.")
    raise DataError(
        f"{name} is neither a folder nor a zip, npz or IDX file. "
        f"For pictures, give the folder they lie in: progan data check {shown(str(path.parent))}"
    )


def _fashion_mnist_full() -> Source:
    path = DEBIAN / "train-images-idx3-ubyte.gz"
    if not path.exists():
        raise DataError(
            f"fashion-mnist-full is looked for in {DEBIAN}, where it is not. Install Debian's "
            f"package: apt-get install dataset-fashion-mnist. Or give the folder of its IDX files; "
            f"the 10,000 packaged test pictures are called fashion-mnist."
        )
    return IdxSource(path, "fashion-mnist-full", PACKAGED["fashion-mnist"].classes)


def _unknown(words: str, path: Path) -> DataError:
    try:
        beside = [entry.name for entry in islice(path.parent.iterdir(), 1000)]
    except (OSError, ValueError):
        beside = []
    near = nearest(words, [*PACKAGED, "fashion-mnist-full"]) or nearest(path.name, beside)
    hint = f" Did you mean {shown(near)}?" if near else ""
    return DataError(
        f"{shown(words)} is no packaged set, and no file or folder of that name is here.{hint}\n"
        f"Give a folder of pictures, a zip, npz or IDX file, or one of: {', '.join(PACKAGED)}."
    )
