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
from progan.core.grids import to_uint8
from progan.core.plan import Size, height_width
from progan.core.randomness import seed_of
from progan.core.specs import DataSpec
from progan.core.text import gram_rows
from progan.data.order import Order
from progan.data.pyramid import Pyramid
from progan.layers.resample import resized

__all__ = ["Loader"]


class Loader:
    """Serves images by their number: number n is the same image whoever asks, and whenever.

        x = byte / 127.5 − 1

    Bytes travel to the device and are mirrored and scaled there. A batch is a function of the
    pyramid, the seed and the numbers, whatever was asked before.

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
        self._kept: tuple[tuple[int, int], Tensor] | None = None
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

    def batch(self, numbers: range | Sequence[int], resolution: Size) -> Batch:
        """The images with these numbers, n c r r in [-1, 1], channels last in memory.

        Of a single picture, any size n c h w can be had: see `resized`.
        """
        indices = self._order.indices(np.asarray(numbers, np.int64))
        if self._is_scaled(resolution):
            return Images(self._only_one(numbers, height_width(resolution)))
        pixels = self._pixels(indices, height_width(resolution)[0])
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
        if self.pyramid.manifest.vectors:
            found = torch.from_numpy(self.pyramid.vectors_of(texts))
        else:
            found = torch.tensor(gram_rows(texts))
        rows = found.view(len(own), most, -1)
        if self.pyramid.classes:
            kinds = self.pyramid.labels(indices)
        else:
            kinds = np.array([seed_of(some[0]) for some in own], np.int64)
        kind = torch.from_numpy(kinds)
        return Captioned(image, rows.to(self.device), kind.to(self.device))

    def real(self, start: int, n: int, resolution: Size, *, mirror: bool = False) -> Tensor:
        """Images `start` to `start + n` of a fixed shuffle, uint8 n c r r: for metrics and grids.
        Of a single picture, n c h w of any size.

        The shuffle is the same for every seed. Past the last image it goes on with the first of
        another shuffle, so any n can be had, with repetition. With `mirror`, a fair coin turns
        each one, wherever the images are mirrored in training or not.
        """
        numbers = np.arange(start, start + n, dtype=np.int64)
        indices = self._shelf.indices(numbers)
        if self._is_scaled(resolution):
            image = to_uint8(self._resized(height_width(resolution)))
            pixels = torch.from_numpy(image).to(self.device).expand(n, -1, -1, -1)
        else:
            pixels = self._pixels(indices, height_width(resolution)[0])
        return _mirrored(pixels, self._shelf.mirrored(numbers)) if mirror else pixels

    def real_labels(self, start: int, n: int) -> NDArray[np.int64]:
        """The classes of the pictures that `real` gives.

        Raises: DataError when the pictures carry no labels.
        """
        numbers = np.arange(start, start + n, dtype=np.int64)
        return self.pyramid.labels(self._shelf.indices(numbers))

    def _is_scaled(self, resolution: Size) -> bool:
        """Whether pictures are brought to a size at which they are not stored."""
        if self.pyramid.manifest.whole is not None:
            return True
        height, width = height_width(resolution)
        stored = height == width and height in self.pyramid.resolutions
        return self.pyramid.count == 1 and not stored

    def _only_one(self, numbers: range | Sequence[int], size: tuple[int, int]) -> Tensor:
        """As many copies of the single picture, in another size."""
        image = self._resized(size).expand(len(numbers), -1, -1, -1)
        if self.mirror:
            image = _mirrored(image, self._order.mirrored(np.asarray(numbers, np.int64)))
        return image.clone(memory_format=torch.channels_last)

    def _resized(self, size: tuple[int, int]) -> Tensor:
        """The single picture, 1 c h w in [-1, 1]; the last size is kept, as it is asked for again
        and again."""
        if self._kept is None or self._kept[0] != size:
            pixels = torch.from_numpy(self.pyramid.largest([0])).to(self.device)
            image = pixels.float().div_(127.5).sub_(1.0)
            self._kept = size, resized(image, *size)
        return self._kept[1]

    def _pixels(self, indices: NDArray[np.int64], resolution: int) -> Tensor:
        pixels = torch.from_numpy(self.pyramid.gather(indices, resolution))
        if self.device.type == "cuda":
            return pixels.pin_memory().to(self.device, non_blocking=True)
        return pixels.to(self.device)


def _mirrored(pixels: Tensor, coins: NDArray[Any]) -> Tensor:
    """Swap left and right of the pictures whose coin is true."""
    turned = torch.from_numpy(coins).to(pixels.device)
    return torch.where(turned[:, None, None, None], pixels.flip(3), pixels)
