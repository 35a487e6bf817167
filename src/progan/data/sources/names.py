"""What the name of a file says: is it a picture, and of which class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from progan.data.records import Finding, Kind

__all__ = ["classes_of", "sort_key", "unread_format", "wanted"]

PICTURES = frozenset(
    ["png", "jpg", "jpeg", "jpe", "jfif", "webp", "bmp", "dib", "gif", "tif", "tiff", "apng", "mpo"]
)
"""Endings of files that are tried. What is inside is known by content."""
UNREAD = frozenset(
    [
        "avif",
        "heic",
        "heif",
        "hif",
        "jxl",
        "jp2",
        "j2k",
        "jpx",
        "svg",
        "svgz",
        "eps",
        "ps",
        "pdf",
        "psd",
        "psb",
        "xcf",
        "ai",
        "cdr",
        "raw",
        "dng",
        "cr2",
        "cr3",
        "nef",
        "arw",
        "orf",
        "rw2",
        "raf",
        "ico",
        "icns",
        "tga",
        "pcx",
        "ppm",
        "pgm",
        "pbm",
        "pnm",
        "exr",
        "hdr",
        "dds",
        "qoi",
        "djvu",
        "wmf",
        "emf",
        "mp4",
        "mov",
        "avi",
        "mkv",
        "webm",
    ]
)
"""Endings of pictures and films that are not read, and deserve a line in the report."""


def ending(name: str) -> str:
    """The part behind the last dot, in small letters."""
    return name.rpartition(".")[2].lower() if "." in name else ""


def wanted(name: str) -> bool:
    """Whether a file of this name is tried."""
    return ending(name) in PICTURES


def unread_format(name: str, shown_as: str) -> Finding | None:
    """A finding for a picture in a format that is not read; None for any other file."""
    if ending(name) not in UNREAD:
        return None
    reason = f"{ending(name).upper()} files are not read; save it as PNG or JPEG"
    kind: Kind = "other format"
    return Finding(shown_as, kind, reason)


def sort_key(name: str) -> list[bytes]:
    """Order of names that is the same under every locale: by bytes, folder by folder."""
    return [part.encode("utf-8", "surrogateescape") for part in name.split("/")]


def classes_of(names: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.int32] | None]:
    """Classes from the first folder of each name, if every picture lies in one and two differ."""
    folders = [name.partition("/")[0] if "/" in name else None for name in names]
    found = {folder for folder in folders if folder is not None}
    if len(found) < 2 or None in folders:
        return (), None
    classes = sorted(found, key=sort_key)
    place = {folder: number for number, folder in enumerate(classes)}
    labels = np.array([place[folder] for folder in folders if folder is not None], np.int32)
    return tuple(classes), labels
