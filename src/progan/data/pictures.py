"""One picture file to one square of bytes, by stated rules, or the reason why not.

formats     PNG, JPEG (MPO), WebP, BMP, GIF, TIFF, known by content and not by name;
            the first picture of an animation or of several pages
limits      64 million pixels (WebP and 32-bit grey: 32 million), 256 MB a file: a decoder needs
            less than 600 MB of memory
size        shorter side (padding: longer side) at least half the resolution, else "too small";
            between half and whole it is enlarged, and counted
crop        centre: the largest square in the middle (an odd pixel over is cut on the right or
            bottom). pad: the whole picture, with the background around it. whole: the picture in
            its own shape, shrunk where its longer side is above the resolution, in the upper left
            corner of a square
resize      Lanczos with three lobes, widened when shrinking so that nothing aliases, on the
            stored values; very large pictures are first halved: JPEG by its decoder down to
            no less than twice, others by means to no less than three times the resolution.
            A picture that has the resolution already keeps its pixels
turn        as EXIF says
colours     see `colours`; a picture is grey when R = G = B everywhere
"""

from __future__ import annotations

import io
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from progan.data.colours import GROUNDS, flatten, is_grey, prepared
from progan.data.faces import align, crop_of
from progan.data.layouts import Palette, class_map
from progan.data.png import ends_early
from progan.data.records import Finding, Frame, Kind, UnfitError, fitted

__all__ = [
    "FORMATS",
    "LARGEST_BYTES",
    "LARGEST_PIXELS",
    "UnfitError",
    "decode",
    "decode_classes",
    "decode_face",
    "decode_half",
    "decode_ids",
    "fit",
    "size_of",
    "with_channels",
]

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
LARGEST_PIXELS = 64_000_000
LARGEST_HUNGRY_PIXELS = 32_000_000
"""Of WebP and of 32-bit grey, whose decoders take up to 16 bytes a pixel; all others at most 8."""
LARGEST_BYTES = 256_000_000
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each EXIF orientation."""
BOMBS = (Image.DecompressionBombWarning, Image.DecompressionBombError)
REASONS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Kind, str], ...] = (
    (BOMBS, "too large", f"pixels without measure; at most {LARGEST_PIXELS:,}"),
    (
        UnidentifiedImageError,
        "unreadable",
        f"no picture in {', '.join(FORMATS[:-1])} or TIFF format",
    ),
    (MemoryError, "too large", "needs too much memory"),
    (FileNotFoundError, "unreadable", "vanished before it was read"),
    (PermissionError, "unreadable", "no permission to read it"),
)


def decode(
    file: str | Path | bytes, frame: Frame, name: str | None = None
) -> tuple[NDArray[np.uint8], tuple[str, ...]] | Finding:
    """Pixels (r, r, c), c 1 or 3, and the rules that were needed; or a finding.

    `file` is a path, or the bytes of a file. Never raises for what a file contains; run it in a
    child process all the same, as decoders are large programs (`crew` does).
    """
    title = name if name is not None else ("" if isinstance(file, bytes) else str(file))
    notes: set[str] = set()
    try:
        with _opened(file) as (image, stream):
            pixels = _square(image, stream, frame, notes)
    except Exception as error:
        return _finding(title, error)
    return pixels, tuple(sorted(notes))


def decode_face(
    file: str | Path | bytes, landmarks: NDArray[np.float64], frame: Frame, name: str = ""
) -> tuple[NDArray[np.uint8], tuple[str, ...]] | Finding:
    """As `decode`, but the face at `landmarks` is cut out upright (see `faces`).

    Landmarks count in the picture as it is stored: EXIF does not turn it, nor need it.
    """
    notes: set[str] = set()
    try:
        with _opened(file) as (image, stream):
            profile = image.info.get("icc_profile")
            image.load()
            _check_rows(image, stream)
            pixels = flatten(prepared(image, notes), frame.background, profile, notes)
            whole = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
            _check_face(whole, landmarks, frame, notes)
            face = align(whole, landmarks, frame.resolution)
    except Exception as error:
        return _finding(name, error)
    return np.ascontiguousarray(with_channels(face, frame.channels)), tuple(sorted(notes))


def decode_half(
    file: str | Path | bytes, half: int, frame: Frame, name: str = ""
) -> tuple[NDArray[np.uint8], tuple[str, ...]] | Finding:
    """As `decode`, but of a picture twice as wide as high its left half (0) or right half (1)."""
    notes: set[str] = set()
    try:
        with _opened(file) as (image, stream):
            image.load()
            _check_rows(image, stream)
            turned = _turned(image, notes)
            if turned.width != 2 * turned.height:
                raise UnfitError(
                    "other shape",
                    f"{turned.width} × {turned.height} pixels; two pictures side by side are "
                    "twice as wide as high",
                )
            left = half * turned.height
            part = turned.crop((left, 0, left + turned.height, turned.height))
            _check_size(part.size, frame, notes)
            pixels = fit(part, frame, notes)
    except Exception as error:
        return _finding(name, error)
    return np.ascontiguousarray(with_channels(pixels, frame.channels)), tuple(sorted(notes))


def decode_classes(
    file: str | Path | bytes, palette: Palette | None, name: str = ""
) -> NDArray[np.uint8] | Finding:
    """The class map in a file, h w: see `layouts.class_map`; or a finding."""
    try:
        with _opened(file) as (image, stream):
            image.load()
            _check_rows(image, stream)
            return class_map(_turned(image, set()), palette)
    except Exception as error:
        return _finding(name, error)


def decode_ids(file: str | Path | bytes, name: str = "") -> NDArray[np.int64] | Finding:
    """The numbers or colours in a file as one number a pixel, h w: which instance is where."""
    try:
        with _opened(file) as (image, stream):
            image.load()
            _check_rows(image, stream)
            turned = _turned(image, set())
            if turned.mode not in ("L", "P", "1", "I") and not turned.mode.startswith("I;16"):
                turned = turned.convert("RGB")
            values = np.asarray(turned).astype(np.int64)
            return values if values.ndim == 2 else values @ np.array([1 << 16, 1 << 8, 1])
    except Exception as error:
        return _finding(name, error)


def _turned(image: Image.Image, notes: set[str]) -> Image.Image:
    """A decoded picture as EXIF says it stands."""
    turn = TURNS.get(_orientation(image))
    if turn is None:
        return image
    notes.add("turned")
    profile = image.info.get("icc_profile")
    turned = image.transpose(turn)
    if profile is not None:
        turned.info["icc_profile"] = profile
    return turned


def size_of(file: str | Path | bytes, name: str = "") -> tuple[int, int] | Finding:
    """Width and height as shown (turned by EXIF), from the head of the file."""
    try:
        with _opened(file) as (image, _):
            turned = _orientation(image) >= 5 and image.format != "TIFF"  # there Pillow has done it
            return (image.height, image.width) if turned else image.size
    except Exception as error:
        return _finding(name, error)


def fit(image: Image.Image, frame: Frame, notes: set[str]) -> NDArray[np.uint8]:
    """Cut or pad a decoded picture to the frame: pixels (r, r, c), not yet turned."""
    profile = image.info.get("icc_profile")
    side = frame.resolution
    if frame.crop == "centre":
        short = min(image.size)
        left, top = (image.width - short) // 2, (image.height - short) // 2
        if image.width != image.height:
            image = image.crop((left, top, left + short, top + short))
        size = (side, side)
    else:
        long = max(image.size)
        width, height = (max(1, round(side * length / long)) for length in image.size)
        size = (width, height)
    image = prepared(image, notes)
    if image.size != size:
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    pixels = flatten(image, frame.background, profile, notes)
    if size == (side, side):
        return pixels
    left, top = (side - size[0]) // 2, (side - size[1]) // 2
    out = np.full((side, side, pixels.shape[2]), GROUNDS[frame.background], np.uint8)
    out[top : top + size[1], left : left + size[0]] = pixels
    return out


def with_channels(pixels: NDArray[np.uint8], wanted: int | None) -> NDArray[np.uint8]:
    """Grey or colour as wanted; where nothing is, grey if the picture is grey."""
    if pixels.shape[2] == 3 and (is_grey(pixels) if wanted is None else False):
        return pixels[..., :1]
    if wanted is None or pixels.shape[2] == wanted:
        return pixels
    if wanted == 3:
        return np.repeat(pixels, 3, axis=2)
    return np.asarray(Image.fromarray(pixels).convert("L"))[..., None]


def _square(
    image: Image.Image, stream: BinaryIO, frame: Frame, notes: set[str]
) -> NDArray[np.uint8]:
    if getattr(image, "is_animated", False) and image.format != "MPO":  # MPO: a photo's previews
        notes.add("animated")
    _check_size(image.size, frame, notes)
    whole = fitted(image.size, frame.resolution) if frame.crop == "whole" else None
    counted = min(image.size) if frame.crop == "centre" else max(image.size)
    ask = [max(1, 2 * frame.resolution * length // counted) for length in image.size]
    image.draft(None, (ask[0], ask[1]))
    if _orientation(image) in TURNS:
        notes.add("turned")
    image.load()
    _check_rows(image, stream)
    turn = TURNS.get(_orientation(image))  # 1 by now where Pillow has turned it itself: TIFF
    pixels = fit(image, frame, notes) if whole is None else _as_it_is(image, whole, frame, notes)
    if turn is not None:
        squeezed = pixels[..., 0] if pixels.shape[2] == 1 else pixels
        turned = np.asarray(Image.fromarray(squeezed).transpose(turn))
        pixels = turned.reshape((*turned.shape[:2], pixels.shape[2]))
    if whole is not None:
        pixels = _in_the_corner(pixels, frame.resolution)
    return np.ascontiguousarray(with_channels(pixels, frame.channels))


def _as_it_is(
    image: Image.Image, size: tuple[int, int], frame: Frame, notes: set[str]
) -> NDArray[np.uint8]:
    """A decoded picture of any sides, shrunk to `size` where it is larger."""
    profile = image.info.get("icc_profile")
    image = prepared(image, notes)
    if image.size != size:
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return flatten(image, frame.background, profile, notes)


def _in_the_corner(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """A square with `pixels` in its upper left corner; the rest is black."""
    out = np.zeros((side, side, pixels.shape[2]), np.uint8)
    out[: pixels.shape[0], : pixels.shape[1]] = pixels
    return out


def _check_size(size: tuple[int, int], frame: Frame, notes: set[str]) -> None:
    if frame.crop == "whole":
        return
    width, height = size
    side = min(size) if frame.crop == "centre" else max(size)
    if 2 * side < frame.resolution:
        needed = -(-frame.resolution // 2)
        which = "shorter" if frame.crop == "centre" else "longer"
        raise UnfitError(
            "too small", f"{width} × {height} pixels; the {which} side must have {needed}"
        )
    if min(size) * frame.resolution < max(size) and frame.crop == "pad":
        raise UnfitError("too small", f"{width} × {height} pixels; too narrow to be padded")
    if side < frame.resolution:
        notes.add("enlarged")


def _check_face(
    image: Image.Image, landmarks: NDArray[np.float64], frame: Frame, notes: set[str]
) -> None:
    inside = (landmarks >= 0) & (landmarks < np.array(image.size))
    if not inside.all():
        raise UnfitError("no landmarks", "its landmarks lie outside the picture")
    try:
        zoom = crop_of(landmarks, frame.resolution).zoom
    except ValueError as error:
        raise UnfitError("no landmarks", str(error)) from None
    if zoom > 2:
        side = frame.resolution / zoom
        needed = frame.resolution // 2
        raise UnfitError("too small", f"the face fills {side:.0f} pixels; it must have {needed}")
    if zoom > 1:
        notes.add("enlarged")


def _check_rows(image: Image.Image, stream: BinaryIO) -> None:
    if image.format == "PNG" and _ends_black(image) and ends_early(stream):
        raise UnfitError("unreadable", "broken (holds fewer rows than it says)")


@contextmanager
def _opened(file: str | Path | bytes) -> Iterator[tuple[Image.Image, BinaryIO]]:
    """The picture, its head read and its size checked, and its file; every warning ends here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with _stream(file) as stream, Image.open(stream, formats=FORMATS) as image:
            pixels = image.width * image.height
            hungry = image.format == "WEBP" or image.mode in ("I", "F")
            most = LARGEST_HUNGRY_PIXELS if hungry else LARGEST_PIXELS
            if pixels > most:
                raise UnfitError("too large", f"{pixels:,} pixels; at most {most:,}")
            if pixels == 0:
                raise UnfitError("empty", f"{image.width} × {image.height} pixels")
            yield image, stream


@contextmanager
def _stream(file: str | Path | bytes) -> Iterator[BinaryIO]:
    if isinstance(file, bytes):
        with io.BytesIO(file) as memory:
            yield memory
        return
    # Without O_NONBLOCK, opening a pipe that has taken the place of a file would wait for ever.
    handle = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as stream:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise UnfitError("not a file", "is not a regular file")
        if status.st_size > LARGEST_BYTES:
            raise UnfitError("too large", f"{status.st_size:,} bytes; at most {LARGEST_BYTES:,}")
        if status.st_size == 0:
            raise UnfitError("empty", "0 bytes")
        yield stream


def _ends_black(image: Image.Image) -> bool:
    """Whether the last row is all zero, as it is where the decoder found no data for it."""
    last = image.crop((0, image.height - 1, image.width, image.height))
    return not any(last.tobytes())


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # a broken EXIF block says nothing; the picture may be good
        return 1


def _finding(name: str, error: Exception) -> Finding:
    """What Pillow or the system said, in our words."""
    if isinstance(error, UnfitError):
        return Finding(name, error.kind, str(error))
    for kinds, kind, reason in REASONS:
        if isinstance(error, kinds):
            return Finding(name, kind, reason)
    said = (error.strerror if isinstance(error, OSError) and error.strerror else str(error)).strip()
    first = said.splitlines()[0][:120] if said else type(error).__name__
    return Finding(name, "unreadable", f"broken ({first})")
