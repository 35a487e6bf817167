"""Batches of two domains: unpaired, in pairs, or pictures with their layouts.

    unpaired   each domain has an order of its own; an epoch is the first domain's length
    paired     one order, mirrored and cut alike
    layouts    as pairs; of the class map a channel for each class, 1 where a pixel has it, and one
               for edges where there are some. A pixel whose class is unknown is 0 in all

Everything drawn is a function of the seed and of the picture's number: a batch is the same
whatever was asked before, in one process or in several.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from progan.core.batch import Batch, Layout, Paired, Unpaired
from progan.core.errors import DataError
from progan.core.plan import Size, height_width
from progan.core.randomness import seed_of
from progan.core.specs import DataSpec
from progan.data.order import Order
from progan.data.pyramid import Pyramid
from progan.data.two import Domains

__all__ = ["KINDS", "TwoLoader", "one_hot"]

JITTER = 286 / 256
"""Pictures are enlarged by so much, and cut back at a random place.

Source: Isola et al. 2017 (pix2pix), section 6.2 of the appendix.
"""
KINDS: dict[type[Batch], str] = {Unpaired: "unpaired", Paired: "paired", Layout: "layouts"}


class TwoLoader:
    """Serves pictures of two domains by their number.

    Raises: DataError when batches of another kind are asked for.
    """

    def __init__(
        self,
        domains: Domains,
        *,
        seed: int,
        mirror: bool = False,
        jitter: bool = False,
        batch_type: type[Batch],
        device: torch.device | str = "cpu",
    ) -> None:
        wanted = KINDS.get(batch_type)
        if wanted != domains.kind:
            raise _wrong_kind(domains, wanted)
        self.domains, self.mirror, self.jitter = domains, mirror, jitter
        self.batch_type, self.device = batch_type, torch.device(device)
        self._orders = Order(domains.a.count, seed), Order(domains.b.count, seed_of(seed, "b"))
        self._place = seed_of(seed, "jitter")

    @property
    def spec(self) -> DataSpec:
        """What a system is told about the data."""
        return self.domains.spec

    @property
    def fingerprint(self) -> str:
        """Equal for equal data."""
        return self.domains.fingerprint

    def batch(self, numbers: range | Sequence[int], resolution: Size) -> Batch:
        """The pictures with these numbers, n c r r in [-1, 1], channels last in memory."""
        asked, side = np.asarray(numbers, np.int64), height_width(resolution)[0]
        first = self._view(self._orders[0], asked, side, "a")
        a = first(_as_image(self._pixels(self.domains.a, self._orders[0], asked, side)), "smooth")
        if self.batch_type is Unpaired:
            pixels = self._pixels(self.domains.b, self._orders[1], asked, side)
            second = self._view(self._orders[1], asked, side, "b")
            return Unpaired(a, second(_as_image(pixels), "smooth"))
        pixels = self._pixels(self.domains.b, self._orders[0], asked, side)
        if self.batch_type is Paired:
            return Paired(a, first(_as_image(pixels), "smooth"))
        spec = self.spec
        return Layout(a, one_hot(first(pixels, "nearest"), len(spec.layout_names), spec.layouts))

    def shown_batch(self, numbers: range | Sequence[int], resolution: Size) -> Batch:
        """The same pictures from first to last step, for previews: as they are, held out ones where
        there are some."""
        first, second = self.domains.test or (self.domains.a, self.domains.b)
        side, n = height_width(resolution)[0], len(numbers)
        a, b = (self.shown(part, 0, n, side) for part in (first, second))
        if self.batch_type is Layout:
            spec = self.spec
            return Layout(_as_image(a), one_hot(b, len(spec.layout_names), spec.layouts))
        assert self.batch_type in (Paired, Unpaired)
        return self.batch_type(_as_image(a), _as_image(b))

    def real(self, start: int, n: int, resolution: Size, *, mirror: bool = False) -> Tensor:
        """Pictures of the first domain in a fixed shuffle, uint8 n c r r."""
        return self.shown(self.domains.a, start, n, height_width(resolution)[0])

    def shown(self, part: Pyramid, start: int, n: int, side: int) -> Tensor:
        """Pictures of a part in a fixed shuffle, uint8 n c r r; pairs stay in step.

        Past the last one it goes on with the first of another shuffle.
        """
        numbers = np.arange(start, start + n, dtype=np.int64)
        indices = Order(part.count, seed_of("real")).indices(numbers)
        return torch.from_numpy(part.gather(indices, side)).to(self.device)

    def _pixels(self, part: Pyramid, order: Order, numbers: NDArray[np.int64], side: int) -> Tensor:
        pixels = torch.from_numpy(part.gather(order.indices(numbers), side))
        if self.device.type == "cuda":
            return pixels.pin_memory().to(self.device, non_blocking=True)
        return pixels.to(self.device)

    def _view(
        self, order: Order, numbers: NDArray[np.int64], side: int, word: str
    ) -> Callable[[Tensor, Literal["smooth", "nearest"]], Tensor]:
        """How pictures with these numbers are shown: cut and turned by what their numbers say."""
        large = round(side * JITTER)
        rng = (
            [np.random.default_rng(seed_of(self._place, word, int(n))) for n in numbers]
            if self.jitter and large > side
            else []
        )
        places = [tuple(some.integers(0, large - side + 1, 2).tolist()) for some in rng]
        coins: NDArray[Any] | None = order.mirrored(numbers) if self.mirror else None

        def shown(pixels: Tensor, how: Literal["smooth", "nearest"]) -> Tensor:
            if places:
                pixels = _cut(pixels, large, side, places, how)
            if coins is not None:
                turned = torch.from_numpy(coins).to(pixels.device)
                pixels = torch.where(turned[:, None, None, None], pixels.flip(3), pixels)
            return pixels.contiguous(memory_format=torch.channels_last)

        return shown


def _as_image(pixels: Tensor) -> Tensor:
    """Bytes as numbers in [-1, 1]."""
    image = pixels.to(torch.float32, memory_format=torch.channels_last)
    return image.div_(127.5).sub_(1.0)


def _cut(
    pixels: Tensor,
    large: int,
    side: int,
    places: Sequence[tuple[int, ...]],
    how: Literal["smooth", "nearest"],
) -> Tensor:
    """Each picture enlarged to `large` and cut to `side` at its place."""
    if how == "nearest":
        grown = F.interpolate(pixels.float(), size=(large, large), mode="nearest-exact")
        grown = grown.to(pixels.dtype)
    else:
        grown = F.interpolate(pixels, size=(large, large), mode="bicubic").clamp_(-1, 1)
    rows = [
        picture[:, top : top + side, left : left + side]
        for picture, (top, left) in zip(grown, places, strict=True)
    ]
    return torch.stack(rows)


def one_hot(planes: Tensor, classes: int, channels: int) -> Tensor:
    """Class maps as stored, uint8 n 1|3 h w, as layouts n `channels` h w of zeros and ones."""
    numbers = torch.arange(classes, dtype=torch.uint8, device=planes.device)
    found = (planes[:, :1] == numbers[:, None, None]).float()
    if channels > classes:
        found = torch.cat([found, planes[:, 1:2].float()], dim=1)
    return found.contiguous(memory_format=torch.channels_last)


def _wrong_kind(domains: Domains, wanted: str | None) -> DataError:
    are = {"unpaired": "two domains", "paired": "pairs", "layouts": "pictures with class maps"}
    if wanted is None:
        return DataError(
            f"the data are {are[domains.kind]}, {domains.names[0]} and {domains.names[1]}, and "
            "the system learns from one kind of pictures. Name one folder, or another system: "
            "progan describe"
        )
    return DataError(
        f"the data are {are[domains.kind]}, and the system learns from {are[wanted]}. Read them "
        f"so: --set data.domains={wanted}"
    )
