"""Any kind of pixel to grey or sRGB in 8 bits: one stated rule for each.

1 bit           black 0, white 255
16 bits         v / 257, rounded (colour with 16 bits a channel arrives as its high bytes)
32 bits, float  the smallest of 0..1 (fractions only), 0..255, 0..65535 that holds every value,
                scaled to 0..255; else the picture's own least to greatest value
palette         its colours, with their transparency
alpha           premultiplied while resizing, then laid on the background
CMYK            through its own profile where it has one; else
                R = 255 · (1 − C) · (1 − K), and so G with M, B with Y
RGB profile     brought to sRGB, unless it says that it is sRGB
Lab, YCbCr, HSV Pillow's conversion to sRGB
colour → grey   luma of ITU-R BT.601: 0.299 R + 0.587 G + 0.114 B
"""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from progan.data.records import Background, UnfitError

__all__ = ["GROUNDS", "flatten", "has_alpha", "is_grey", "prepared", "to_srgb"]

GROUNDS: dict[Background, int] = {"white": 255, "black": 0, "grey": 128}
"""The byte that stands for each background, in every channel."""
BAND_PIXELS = 2**20
"""Pixels that are converted together."""


def prepared(image: Image.Image, notes: set[str]) -> Image.Image:
    """`image` in a mode that can be resized well: L, RGB, CMYK, or RGBa (premultiplied alpha).

    Raises: ValueError for values that are not numbers, or a mode that has no rule.
    """
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        notes.add("16-bit" if image.mode.startswith("I;16") else "wide")
        return Image.fromarray(_scaled(image))
    if has_alpha(image):
        return image if image.mode == "RGBa" else _premultiplied(image)
    if image.mode in ("L", "RGB", "CMYK"):
        return image
    if image.mode == "1":
        return image.convert("L")
    if image.mode in ("P", "RGBX", "YCbCr", "LAB", "HSV"):
        return image.convert("RGB")
    raise ValueError(f"pixels of kind {image.mode}, for which there is no rule")


def has_alpha(image: Image.Image) -> bool:
    """Whether the picture says that some of it is transparent."""
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La"):
        return True
    return image.mode in ("1", "L", "RGB", "P") and "transparency" in image.info


def _premultiplied(image: Image.Image) -> Image.Image:
    out = Image.new("RGBa", image.size)
    for top, band in _bands(image):
        out.paste(band.convert("RGBA").convert("RGBa"), (0, top))
    return out


def _scaled(image: Image.Image) -> NDArray[np.uint8]:
    """Wide grey values to bytes, by the rules above."""
    low, high = (0.0, 65535.0) if image.mode.startswith("I;16") else _range(image)
    factor = 255.0 / (high - low) if high > low else 0.0
    out = np.empty((image.height, image.width), np.uint8)
    for top, band in _bands(image):
        values = (np.asarray(band).astype(np.float64) - low) * factor
        out[top : top + band.height] = np.rint(values).clip(0, 255)
    return out


def _range(image: Image.Image) -> tuple[float, float]:
    """The values that become 0 and 255."""
    low, high = np.inf, -np.inf
    for _, band in _bands(image):
        values = np.asarray(band)
        if not np.isfinite(values).all():
            raise ValueError("values that are not finite numbers")
        low, high = min(low, float(values.min())), max(high, float(values.max()))
    for top in (255.0, 65535.0) if image.mode == "I" else (1.0, 255.0, 65535.0):
        if low >= 0 and high <= top:
            return 0.0, top
    return low, high


def _bands(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """Some rows at a time, with the number of the first: large pictures need much memory."""
    rows = max(1, BAND_PIXELS // image.width)
    for top in range(0, image.height, rows):
        below = min(image.height, top + rows)
        yield top, image.crop((0, top, image.width, below))


def flatten(
    image: Image.Image, background: Background, profile: bytes | None, notes: set[str]
) -> NDArray[np.uint8]:
    """Pixels h w c of a prepared and resized picture: c is 1 for L, else 3."""
    if image.mode == "RGBa":
        pixels = np.asarray(image).astype(np.uint32)
        colour, alpha = pixels[..., :3], pixels[..., 3:]
        if alpha.max() == 0:
            raise UnfitError("empty", "wholly transparent")
        if alpha.min() < 255:
            notes.add("transparent")
        # Premultiplied colour and what shines through add up to at most 255 but for ringing.
        ground = (GROUNDS[background] * (255 - alpha) + 127) // 255
        image = Image.fromarray(np.minimum(colour + ground, 255).astype(np.uint8))
    if image.mode == "CMYK":
        notes.add("cmyk")
        image = to_srgb(image, profile, notes) if profile else _by_formula(image)
    elif image.mode == "RGB" and profile:
        image = to_srgb(image, profile, notes)
    out: NDArray[np.uint8] = np.asarray(image)
    return out[..., None] if out.ndim == 2 else out


def to_srgb(image: Image.Image, profile: bytes, notes: set[str]) -> Image.Image:
    """Apply the picture's own colour profile; one that cannot be used is noted and ignored."""
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if image.mode == "RGB" and "srgb" in ImageCms.getProfileDescription(own).lower():
            return image
        srgb = ImageCms.createProfile("sRGB")
        turned = ImageCms.profileToProfile(image, own, srgb, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        turned = None
    if turned is None:
        notes.add("bad profile")
        return _by_formula(image) if image.mode == "CMYK" else image
    notes.add("profile")
    return turned


def is_grey(pixels: NDArray[np.uint8]) -> bool:
    """Whether red, green and blue are equal at every pixel of (h, w, c)."""
    return bool((pixels == pixels[..., :1]).all())


def _by_formula(image: Image.Image) -> Image.Image:
    ink = 255 - np.asarray(image).astype(np.uint32)
    return Image.fromarray(((ink[..., :3] * ink[..., 3:] + 127) // 255).astype(np.uint8))
