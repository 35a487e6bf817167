"""Faces, upright and alike: the crop of CelebA-HQ, from five landmarks of each face.

Source: Karras et al. 2018, appendix C, and `create_celebahq` of the official dataset tool, whose
constants these are. Two networks of the original, which restore and enlarge the photographs, were
never released: give your own as `restore` and `enlarge`.

Departs: the original's bits need Pillow 3.1.1, libjpeg 8d and data that is not free, so pictures
agree with CelebA-HQ in place, not in every byte. The blur of the margin is Pillow's (three box
filters) where the original has SciPy's Gaussian. Sizes other than 1024 are ours.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageFilter

__all__ = ["Crop", "align", "crop_of"]

Floats = NDArray[np.float64]
Bounds = tuple[int, int, int, int]
"""Left, top, right, bottom, in pixels."""

SUPERSAMPLING = 4
"""The turned square is read at so many times its side, and reduced."""


@dataclass(frozen=True, kw_only=True)
class Crop:
    """A turned square in a picture, in pixels, y downwards."""

    corners: Floats
    """(4, 2): north-west, south-west, south-east, north-east, as the face sees itself."""
    resolution: int
    """Pixels a side of what is made of it."""

    @property
    def centre(self) -> Floats:
        """(2,)."""
        return np.asarray(self.corners.mean(axis=0), np.float64)

    @property
    def half(self) -> float:
        """Half a side."""
        return float(np.hypot(*(self.corners[3] - self.corners[0]))) / 2

    @property
    def zoom(self) -> float:
        """Pixels made of each pixel, along a side."""
        return self.resolution / (2 * self.half)

    @property
    def bounds(self) -> Bounds:
        """The upright rectangle around it, in whole pixels."""
        (left, top), (right, bottom) = self.corners.min(axis=0), self.corners.max(axis=0)
        return math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom)

    def scaled(self, factor: float) -> Crop:
        """The same square in a picture `factor` times as large."""
        return replace(self, corners=self.corners * factor)

    def moved(self, x: float, y: float) -> Crop:
        """The same square where (x, y) has become the origin."""
        return replace(self, corners=self.corners - np.array([x, y], np.float64))


def crop_of(landmarks: ArrayLike, resolution: int = 1024) -> Crop:
    """The square around a face.

    `landmarks` (5, 2): both eyes, nose, both corners of the mouth, x and y in pixels; the left of
    the picture first. With e the way from eye to eye, m from the middle of the eyes to that of the
    mouth (both middles moved by half a pixel), and turn(v) = (−v_y, v_x):

        x = (e − turn(m)) / |e − turn(m)| · max(2 |e|, 1.8 |m|),   y = turn(x)
        centre = eyes + 0.1 m,   corners = centre ± x ± y

    Source: Karras et al. 2018, appendix C, equations of c and s.
    Raises: ValueError for landmarks that are no numbers, or lie in one point.
    """
    points = np.asarray(landmarks, np.float64)
    if points.shape != (5, 2) or not np.isfinite(points).all():
        raise ValueError("five landmarks of two finite numbers are needed")
    eyes = (points[0] + points[1]) / 2 + 0.5
    mouth = (points[3] + points[4]) / 2 + 0.5
    across, down = points[1] - points[0], mouth - eyes
    x = across - _turned(down)
    if np.hypot(*x) < 1e-6:
        raise ValueError("eyes and mouth lie in one point")
    x = x / np.hypot(*x) * max(2.0 * np.hypot(*across), 1.8 * np.hypot(*down))
    y, centre = _turned(x), eyes + 0.1 * down
    corners = np.stack([centre - x - y, centre - x + y, centre + x + y, centre + x - y])
    return Crop(corners=corners, resolution=resolution)


def align(
    picture: Image.Image,
    landmarks: ArrayLike,
    resolution: int = 1024,
    *,
    restore: Callable[[Image.Image], Image.Image] | None = None,
    enlarge: Callable[[Image.Image, int], Image.Image] | None = None,
) -> NDArray[np.uint8]:
    """The face in `picture` (RGB or grey), upright: (resolution, resolution, channels).

    Shrunk by whole factors where it is large; cut out with a border; enlarged by powers of two
    where it is small; where the square leaves the picture, continued by its mirror image, which
    blurs and fades to the picture's median; then read through the turned square.

    `restore` is given the cut-out, and `enlarge` the cut-out and a factor, a power of two; without
    it, Lanczos.

    Source: `create_celebahq` of the official dataset tool.
    Raises: ValueError as `crop_of`.
    """
    crop = crop_of(landmarks, resolution)
    shrink = math.floor(0.5 / crop.zoom)
    if shrink > 1:
        size = (max(1, round(picture.width / shrink)), max(1, round(picture.height / shrink)))
        picture, crop = picture.resize(size, Image.Resampling.LANCZOS), crop.scaled(1 / shrink)
    border = max(round(0.1 * resolution / crop.zoom), 3)
    picture, crop = _cut(picture, crop, border)
    if restore is not None:
        picture = restore(picture)
    factor = 2 ** math.ceil(math.log2(crop.zoom))
    if factor > 1:
        size = (picture.width * factor, picture.height * factor)
        if enlarge is not None:
            picture = enlarge(picture, factor)
        else:
            picture = picture.resize(size, Image.Resampling.LANCZOS)
        if picture.size != size:
            raise ValueError(f"enlarge gave {picture.size} pixels where {size} were asked for")
        crop = crop.scaled(factor)
    picture, crop = _continued(picture, crop, border)
    fine = (SUPERSAMPLING * resolution,) * 2
    corners = tuple(float(value) for value in (crop.corners + 0.5).ravel())
    turned = picture.transform(fine, Image.Transform.QUAD, corners, Image.Resampling.BILINEAR)
    made = np.asarray(turned.resize((resolution, resolution), Image.Resampling.LANCZOS))
    return made[..., None] if made.ndim == 2 else made


def _turned(v: Floats) -> Floats:
    return np.array([-v[1], v[0]])


def _cut(picture: Image.Image, crop: Crop, border: int) -> tuple[Image.Image, Crop]:
    """The part of the picture around the square."""
    left, top, right, bottom = crop.bounds
    box = (
        max(left - border, 0),
        max(top - border, 0),
        min(right + border, picture.width),
        min(bottom + border, picture.height),
    )
    return picture.crop(box), crop.moved(box[0], box[1])


def _continued(picture: Image.Image, crop: Crop, border: int) -> tuple[Image.Image, Crop]:
    """The picture with margins where the square leaves it."""
    left, top, right, bottom = crop.bounds
    width, height = picture.size
    beyond = (border - left, border - top, right - width + border, bottom - height + border)
    if max(0, *beyond) <= border - 4:
        return picture, crop
    least = round(0.3 * crop.resolution / crop.zoom)
    west, north, east, south = (max(margin, least) for margin in beyond)
    pixels = np.asarray(picture)
    flat = pixels.ndim == 2
    wide = np.pad(
        pixels[..., None] if flat else pixels, ((north, south), (west, east), (0, 0)), "reflect"
    )
    height, width = wide.shape[:2]
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    inward_x = np.minimum(x / west, (width - 1 - x) / east)
    inward_y = np.minimum(y / north, (height - 1 - y) / south)
    outside = 1 - np.minimum(inward_x[None, :], inward_y[:, None])  # 1 at the rim, 0 at the picture
    soft, gone = np.clip(3 * outside + 1, 0, 1), np.clip(outside, 0, 1)
    blur = ImageFilter.GaussianBlur(0.02 * crop.resolution / crop.zoom)
    for channel in range(wide.shape[2]):  # one at a time: large faces need much memory
        plane = wide[..., channel].astype(np.float32)
        blurred = np.asarray(Image.fromarray(wide[..., channel]).filter(blur), np.float32)
        plane += (blurred - plane) * soft
        plane += (np.median(plane) - plane) * gone
        wide[..., channel] = np.rint(plane).clip(0, 255)
    made = Image.fromarray(wide[..., 0] if flat else wide)
    return made, crop.moved(-west, -north)
