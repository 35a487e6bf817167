"""The loader that goes with a store, of one domain or two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from progan.core.batch import Batch
from progan.core.errors import DataError
from progan.core.plan import Size
from progan.core.specs import DataSpec
from progan.data.loader import Loader
from progan.data.opening import Store
from progan.data.two import Domains
from progan.data.two_loader import KINDS, TwoLoader

__all__ = ["Feed", "feed_of"]


class Feed(Protocol):
    """What training sees of its data."""

    device: torch.device
    mirror: bool

    @property
    def spec(self) -> DataSpec:
        """What a system is told about the data."""

    @property
    def fingerprint(self) -> str:
        """Equal for equal data."""

    def batch(self, numbers: range | Sequence[int], resolution: Size) -> Batch:
        """The batch with these numbers: a function of them."""

    def real(self, start: int, n: int, resolution: Size, *, mirror: bool = False) -> Tensor:
        """Pictures of a fixed shuffle, uint8 n c h w: for metrics and grids."""


def feed_of(
    store: Store,
    *,
    seed: int,
    mirror: bool,
    jitter: bool,
    batch_type: type[Batch],
    device: torch.device,
) -> Feed:
    """The loader of a store.

    Raises: DataError where the store does not hold what such batches are made of.
    """
    if isinstance(store, Domains):
        return TwoLoader(
            store, seed=seed, mirror=mirror, jitter=jitter, batch_type=batch_type, device=device
        )
    if batch_type in KINDS:
        raise DataError(
            f"the system learns from two domains ({KINDS[batch_type]}), and "
            f"{store.manifest.source} is one. Name the other as well: progan train SYSTEM A B, or "
            "--set data.second=B"
        )
    return Loader(store, seed=seed, mirror=mirror, batch_type=batch_type, device=device)
