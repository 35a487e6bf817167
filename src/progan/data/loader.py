"""Batches of real images: bytes from the pyramid, numbers in [-1, 1] on the device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from progan.core.batch import Batch, Captioned, Images, Labelled
from progan.core.errors import DataError
from progan.core.randomness import seed_of
from progan.core.specs import DataSpec
from progan.core.text import gram_rows
from progan.data.order import Order
from progan.data.pyramid import Pyramid

__all__ = ["Loader"]


class Loader:
    """Serves images by their number: number n is the same image whoever asks, and whenever.

        x = byte / 127.5 − 1

    Bytes travel to the device and are mirrored and scaled there. Nothing is remembered between
    calls: a batch is a function of the pyramid, the seed and the numbers.

    Raises: DataError when labelled batches are asked of pictures without labels.
    """

    def __init__(
        self,
        pyramid: Pyramid,
        *,
        seed: int,
        mirror: bool = False,
        batch_type: type[Batch] = Images,
        device: torch.device | str = "cpu",
    ) -> None:
        if batch_type not in (Images, Labelled, Captioned):
            raise DataError(
                f"{batch_type.__name__} batches are asked for; a pyramid of pictures gives Images, "
                f"Labelled or Captioned ones. Choose a system that takes those."
            )
        if batch_type is Captioned and not pyramid.captioned:
            raise DataError(
                f"the system needs captions, and {pyramid.manifest.source} has none. Put a "
                "metadata.csv with the columns file_name and text beside the pictures, or a .txt "
                "beside each, with data.captions=auto. Or choose a system without captions."
            )
        if batch_type is Labelled and not pyramid.labelled:
            raise DataError(
                f"the system needs labels, and {pyramid.manifest.source} has none. Put the "
                f"pictures of each class into a subfolder of its own (at least two), with "
                f"data.labels=auto, or name columns of a metadata.csv beside them: "
                f"--set data.labels=NAME. Or choose a system without labels."
            )
        self.pyramid, self.mirror, self.batch_type = pyramid, mirror, batch_type
        self.device = torch.device(device)
        self._order = Order(pyramid.count, seed)
        # The pictures that are measured against are the same in every run.
        self._shelf = Order(pyramid.count, seed_of("real"))

    @property
    def spec(self) -> DataSpec:
        """What a system is told about the data."""
        return self.pyramid.spec

    @property
    def fingerprint(self) -> str:
        """Equal for equal pictures and labels."""
        return self.pyramid.fingerprint

    def batch(self, numbers: range | Sequence[int], resolution: int) -> Batch:
        """The images with these numbers, n c r r in [-1, 1], channels last in memory."""
        indices = self._order.indices(np.asarray(numbers, np.int64))
        pixels = self._pixels(indices, resolution)
        if self.mirror:
            pixels = _mirrored(pixels, self._order.mirrored(np.asarray(numbers, np.int64)))
        image = pixels.to(torch.float32, memory_format=torch.channels_last)
        image.div_(127.5).sub_(1.0)
        if self.batch_type is Images:
            return Images(image)
        if self.batch_type is Captioned:
            return self._captioned(image, indices, np.asarray(numbers, np.int64))
        of = self.pyramid.label_rows if self.pyramid.columns else self.pyramid.labels
        return Labelled(image, torch.from_numpy(of(indices)).to(self.device))

    def _captioned(
        self, image: Tensor, indices: NDArray[np.int64], numbers: NDArray[np.int64]
    ) -> Captioned:
        """With captions, of each picture as many as any has: from one of its own, drawn by the
        image's number, on and round. Pictures are of a kind by their class, else by their first
        caption."""
        own, most = self.pyramid.captions(indices), self.pyramid.most_captions
        first = self._order.drawn(numbers).tolist()
        texts = [
            some[(start + place) % len(some)]
            for some, start in zip(own, first, strict=True)
            for place in range(most)
        ]
        rows = torch.tensor(gram_rows(texts)).view(len(own), most, -1)
        if self.pyramid.classes:
            kinds = self.pyramid.labels(indices)
        else:
            kinds = np.array([seed_of(some[0]) for some in own], np.int64)
        kind = torch.from_numpy(kinds)
        return Captioned(image, rows.to(self.device), kind.to(self.device))

    def real(self, start: int, n: int, resolution: int, *, mirror: bool = False) -> Tensor:
        """Images `start` to `start + n` of a fixed shuffle, uint8 n c r r: for metrics and grids.

        The shuffle is the same for every seed. Past the last image it goes on with the first of
        another shuffle, so any n can be had, with repetition. With `mirror`, a fair coin turns
        each one, wherever the images are mirrored in training or not.
        """
        numbers = np.arange(start, start + n, dtype=np.int64)
        pixels = self._pixels(self._shelf.indices(numbers), resolution)
        return _mirrored(pixels, self._shelf.mirrored(numbers)) if mirror else pixels

    def real_labels(self, start: int, n: int) -> NDArray[np.int64]:
        """The classes of the pictures that `real` gives.

        Raises: DataError when the pictures carry no labels.
        """
        numbers = np.arange(start, start + n, dtype=np.int64)
        return self.pyramid.labels(self._shelf.indices(numbers))

    def _pixels(self, indices: NDArray[np.int64], resolution: int) -> Tensor:
        pixels = torch.from_numpy(self.pyramid.gather(indices, resolution))
        if self.device.type == "cuda":
            return pixels.pin_memory().to(self.device, non_blocking=True)
        return pixels.to(self.device)


def _mirrored(pixels: Tensor, coins: NDArray[Any]) -> Tensor:
    """Swap left and right of the pictures whose coin is true."""
    turned = torch.from_numpy(coins).to(pixels.device)
    return torch.where(turned[:, None, None, None], pixels.flip(3), pixels)
