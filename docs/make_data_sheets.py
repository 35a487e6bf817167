"""Draw the picture sheets of the packaged sets: python docs/make_data_sheets.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from progan.data.faces import align
from progan.data.packaged import FashionMNIST, PortraitSet
from progan.data.portraits import LAYOUT_CLASSES

IMAGES = Path(__file__).parent / "images"
CLASS_COLOURS = np.array(
    [
        [226, 224, 218],
        [236, 176, 136],
        [96, 64, 44],
        [84, 128, 186],
        [255, 255, 255],
        [200, 56, 76],
        [40, 40, 48],
        [98, 158, 106],
    ],
    np.uint8,
)
"""One colour for each of `LAYOUT_CLASSES`."""


def grid(pictures: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    """Pictures (n, c, h, w) as one (rows * h, columns * w, c)."""
    n, c, h, w = pictures.shape
    tiles = pictures.reshape(n // columns, columns, c, h, w).transpose(0, 3, 1, 4, 2)
    return np.ascontiguousarray(tiles.reshape(n // columns * h, columns * w, c))


def portraits(columns: int = 14, size: int = 64) -> NDArray[np.uint8]:
    """Three rows of people, then the first row again: flat, ink, class map, landmarks."""
    people = PortraitSet(seed=1)
    first, three_rows = np.arange(columns), np.arange(3 * columns)
    colour = people.pictures(three_rows, size)
    flat = PortraitSet(seed=1, style="flat").pictures(first, size)
    ink = PortraitSet(seed=1, style="ink").pictures(first, size)
    assert len(CLASS_COLOURS) == len(LAYOUT_CLASSES)
    maps = CLASS_COLOURS[people.layouts(first, size)].transpose(0, 3, 1, 2)
    marked = (255 - (255 - people.pictures(first, size).astype(np.int64)) // 2).astype(np.uint8)
    for picture, points in zip(marked, people.landmarks(first), strict=True):
        for x, y in np.rint(points * size).astype(int):
            picture[:, y - 1 : y + 1, x - 1 : x + 1] = np.array([[[200]], [[30]], [[70]]])
    return grid(np.concatenate([colour, flat, ink, maps, marked]), columns)


def fashion_mnist(columns: int = 28, rows_of_a_class: int = 1) -> NDArray[np.uint8]:
    """One row of pictures for each class."""
    clothes = FashionMNIST()
    labels = clothes.labels(np.arange(clothes.count))
    count = columns * rows_of_a_class
    rows = [np.flatnonzero(labels == k)[:count] for k in range(len(clothes.classes))]
    return grid(clothes.pictures(np.concatenate(rows), 32), columns)[..., 0]


def faces(columns: int = 8, size: int = 96) -> NDArray[np.uint8]:
    """Portraits turned and cut off like snapshots, and below them the faces cut out upright."""
    whole, left = 160, 24
    some, rng = np.arange(columns), np.random.default_rng(0)
    people = PortraitSet(seed=3)
    found = []
    for picture, points in zip(people.pictures(some, 128), people.landmarks(some), strict=True):
        degrees = rng.uniform(-40, 40)
        turned = Image.fromarray(picture.transpose(1, 2, 0)).resize((whole, whole))
        turned = turned.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=(90, 120, 90))
        angle = np.deg2rad(degrees)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        places = (points - 0.5) @ turn.T * whole + whole / 2 - left
        snapshot = turned.crop((left, left, whole - left, whole - left))
        shown = np.asarray(snapshot.resize((size, size), Image.Resampling.LANCZOS))
        found.append((shown, align(snapshot, places, size)))
    rows = np.stack([picture for row in zip(*found, strict=True) for picture in row])
    return grid(rows.transpose(0, 3, 1, 2), columns)


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    sheets = {"portraits": portraits(), "fashion_mnist": fashion_mnist(), "faces": faces()}
    for name, sheet in sheets.items():
        path = IMAGES / f"{name}_sheet.png"
        Image.fromarray(sheet).save(path, optimize=True)
        print(f"{path}: {sheet.shape[1]}x{sheet.shape[0]}")
