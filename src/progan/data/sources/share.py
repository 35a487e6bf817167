"""Which pictures of two domains are trained on, and which are held out: spread evenly over all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from progan.data.sources.base import Source
from progan.data.sources.part import Part

__all__ = ["held_out", "limited", "spread"]

MOST_HELD_OUT = 500
"""Pictures of a domain held out, at most."""
LEAST = 20
"""Pictures of a domain below which none is held out."""


def spread(count: int, wanted: int) -> NDArray[np.int64]:
    """So many of `count` places, or all of them, evenly."""
    wanted = min(count, wanted)
    found: NDArray[np.int64] = np.arange(wanted, dtype=np.int64) * count // wanted
    return found


def limited(pair: tuple[Source, Source], images: int | None) -> tuple[Source, Source]:
    """At most so many of each, spread evenly."""
    if images is None or max(source.count for source in pair) <= images:
        return pair
    first, second = (
        source if source.count <= images else Part(source, spread(source.count, images))
        for source in pair
    )
    return first, second


def held_out(
    pair: tuple[Source, Source], share: float, *, together: bool
) -> tuple[tuple[Source, Source], tuple[Source, Source] | None]:
    """Some of each taken away to be measured; of pairs the same."""
    counts = [source.count for source in pair]
    if not share or min(counts) < LEAST:
        return pair, None
    if together:
        counts = [min(counts)] * 2
    kept, held = [], []
    for source, count in zip(pair, counts, strict=True):
        some = spread(count, max(1, min(MOST_HELD_OUT, round(share * count))))
        rest = np.setdiff1d(np.arange(count, dtype=np.int64), some)
        kept.append(Part(source, rest))
        held.append(Part(source, some, first=False))
    return (kept[0], kept[1]), (held[0], held[1])
