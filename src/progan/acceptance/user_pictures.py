"""Folders of pictures that do not come with progan, read by the rules of all data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from progan.core.batch import Unpaired
from progan.core.errors import DataError
from progan.core.specs import DataSpec
from progan.data.order import Order
from progan.data.pictures import decode
from progan.data.records import Crop, Finding, Frame

__all__ = ["ENDINGS", "TwoSets", "as_images", "read_pictures"]

ENDINGS = frozenset((".png", ".jpg", ".jpeg", ".webp"))


def read_pictures(
    files: Mapping[str, Path], side: int, *, crop: Crop = "centre"
) -> dict[str, NDArray[np.uint8]]:
    """Colour pictures by name, 3 side side; what is transparent becomes white.

    Raises: DataError for a file that is no such picture.
    """
    found = {}
    frame = Frame(resolution=side, channels=3, crop=crop, background="white")
    for name, path in files.items():
        made = decode(path, frame)
        if isinstance(made, Finding):
            raise DataError(f"{made.line()}. Take it out of the folder.")
        found[name] = made[0].transpose(2, 0, 1)
    return found


def as_images(pixels: NDArray[np.uint8]) -> torch.Tensor:
    """Bytes n c h w as pictures in [−1, 1]."""
    return torch.from_numpy(pixels).float() / 127.5 - 1


class TwoSets:
    """Where a trainer gets pictures of two domains from: each in an order of its own."""

    def __init__(self, a: NDArray[np.uint8], b: NDArray[np.uint8], seed: int) -> None:
        self.sets = (a, b)
        self.orders = tuple(Order(len(one), seed + k) for k, one in enumerate(self.sets))

    @property
    def spec(self) -> DataSpec:
        """What a system is told of them."""
        a, b = self.sets
        return DataSpec(
            resolution=a.shape[-1],
            channels=a.shape[1],
            images=len(a),
            domains=("a", "b"),
            second_channels=b.shape[1],
            second_images=len(b),
        )

    def batch(self, numbers: range, resolution: Any) -> Unpaired:
        """The pictures with these numbers."""
        rows = np.asarray(numbers, np.int64)
        a, b = (
            as_images(one[order.indices(rows)])
            for one, order in zip(self.sets, self.orders, strict=True)
        )
        return Unpaired(a, b)
