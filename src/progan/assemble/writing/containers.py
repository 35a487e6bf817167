"""Animated GIF, PNG and WebP out of single pictures that Pillow encodes.

Pillow's own writers keep every frame in memory until the last; here each frame is encoded when it
comes, and only its compressed bytes are kept. Frames are whole pictures, none builds on another.

Source: GIF89a specification; PNG third edition (W3C 2025), animation chunks; WebP container
specification (RFC 9649), section 2.7.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import ClassVar, Protocol

from PIL import Image

__all__ = [
    "MADE_HERE",
    "AnimatedGif",
    "AnimatedPng",
    "AnimatedWebp",
    "Container",
    "png_chunks",
    "webp_bytes",
]

MADE_HERE = b"made by progan"
"""Stands in every picture and film, so that only our own are ever replaced."""

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


class Container(Protocol):
    """A film in the making."""

    def add(self, image: Image.Image, begin: int, end: int) -> None:
        """Show `image` from millisecond `begin` to `end`."""
        ...

    def content(self, frames: int) -> bytes:
        """The finished file of `frames` pictures."""
        ...


def _encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


class AnimatedGif:
    """GIF89a with a palette a frame; times are whole hundredths of a second."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.parts = [
            b"GIF89a" + struct.pack("<HHBBB", *size, 0x70, 0, 0),
            b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00",  # for ever
            b"\x21\xfe" + bytes([len(MADE_HERE)]) + MADE_HERE + b"\x00",
        ]

    def add(self, image: Image.Image, begin: int, end: int) -> None:
        """Show `image` from millisecond `begin` to `end`."""
        indexed = image if image.mode == "L" else image.quantize(256)
        file = _encoded(indexed, "GIF", interlace=False)
        table = 3 * 2 ** ((file[10] & 7) + 1)
        palette, at = file[13 : 13 + table], 13 + table
        while file[at] == 0x21:  # extensions: a label, then blocks up to an empty one
            at += 2
            while file[at]:
                at += file[at] + 1
            at += 1
        wait = round(end / 10) - round(begin / 10)
        control = b"\x21\xf9\x04" + struct.pack("<BHBB", 0x04, min(wait, 65535), 0, 0)
        descriptor = file[at : at + 9] + bytes([0x80 | (file[10] & 7)])
        self.parts += [control, descriptor, palette, file[at + 10 : -1]]

    def content(self, frames: int) -> bytes:
        """The finished file."""
        return b"".join(self.parts) + b"\x3b"


def png_chunks(file: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of each chunk of a PNG, as far as it is whole."""
    at = len(PNG_SIGNATURE)
    while at + 12 <= len(file):
        (length,) = struct.unpack_from(">I", file, at)
        yield file[at + 4 : at + 8], file[at + 8 : at + 8 + length]
        at += 12 + length


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


class AnimatedPng:
    """PNG with animation chunks; without loss."""

    def __init__(self) -> None:
        self.header = b""
        self.parts: list[bytes] = []
        self.number = 0
        """Animation chunks are numbered through."""

    def _next(self) -> bytes:
        self.number += 1
        return struct.pack(">I", self.number - 1)

    def add(self, image: Image.Image, begin: int, end: int) -> None:
        """Show `image` from millisecond `begin` to `end`."""
        chunks = list(png_chunks(_encoded(image, "PNG")))
        first = not self.header
        if first:
            self.header = next(data for kind, data in chunks if kind == b"IHDR")
        place = struct.pack(">IIII", image.width, image.height, 0, 0)
        time = struct.pack(">HHBB", min(end - begin, 65535), 1000, 0, 0)
        self.parts.append(_png_chunk(b"fcTL", self._next() + place + time))
        for kind, data in chunks:
            if kind == b"IDAT":
                whole = (
                    _png_chunk(kind, data) if first else _png_chunk(b"fdAT", self._next() + data)
                )
                self.parts.append(whole)

    def content(self, frames: int) -> bytes:
        """The finished file of `frames` pictures."""
        return (
            PNG_SIGNATURE
            + _png_chunk(b"IHDR", self.header)
            + _png_chunk(b"tEXt", b"Software\x00" + MADE_HERE)
            + _png_chunk(b"acTL", struct.pack(">II", frames, 0))
            + b"".join(self.parts)
            + _png_chunk(b"IEND", b"")
        )


def webp_bytes(image: Image.Image, *, lossless: bool, quality: int = 90) -> bytes:
    """`image` as a still WebP, without loss or in a quality up to 100.

    Without loss, quality stands for effort: more of it was measured to take four times as long
    for the same size.
    """
    effort = {"quality": 20, "method": 1} if lossless else {"quality": quality, "method": 3}
    return _encoded(image.convert("RGB"), "WEBP", lossless=lossless, **effort)


class AnimatedWebp:
    """WebP of whole frames, with or without loss."""

    LARGEST: ClassVar[int] = 16383

    def __init__(self, size: tuple[int, int], *, lossless: bool, quality: int = 90) -> None:
        self.size = size
        self.lossless = lossless
        self.quality = quality
        self.parts: list[bytes] = []

    def add(self, image: Image.Image, begin: int, end: int) -> None:
        """Show `image` from millisecond `begin` to `end`."""
        file = webp_bytes(image, lossless=self.lossless, quality=self.quality)
        head = _u24(0) + _u24(0) + _u24(image.width - 1) + _u24(image.height - 1)
        time = _u24(min(end - begin, 2**24 - 1)) + b"\x02"  # drawn over what was there
        self.parts.append(_riff_chunk(b"ANMF", head + time + _webp_picture(file)))

    def content(self, frames: int) -> bytes:
        """The finished file."""
        canvas = _u24(self.size[0] - 1) + _u24(self.size[1] - 1)
        body = (
            b"WEBP"
            + _riff_chunk(b"VP8X", bytes([0x02 | 0x04, 0, 0, 0]) + canvas)
            + _riff_chunk(b"ANIM", struct.pack("<IH", 0xFFFFFFFF, 0))
            + b"".join(self.parts)
            + _riff_chunk(b"XMP ", MADE_HERE)
        )
        return _riff_chunk(b"RIFF", body)


def _u24(value: int) -> bytes:
    return value.to_bytes(3, "little")


def _riff_chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + b"\x00" * (len(data) % 2)


def _webp_picture(file: bytes) -> bytes:
    """The chunks of a still WebP that hold pixels."""
    at, found = 12, b""
    while at + 8 <= len(file):
        kind, length = file[at : at + 4], struct.unpack_from("<I", file, at + 4)[0]
        if kind in (b"VP8 ", b"VP8L", b"ALPH"):
            found += _riff_chunk(kind, file[at + 8 : at + 8 + length])
        at += 8 + length + length % 2
    return found
