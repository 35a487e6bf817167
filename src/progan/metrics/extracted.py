"""Features of numbered pictures, extracted once and asked for many times."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from progan.core.errors import ConfigError
from progan.metrics.feature_set import FeatureSet, Origin
from progan.metrics.images import ImageSource, read

__all__ = ["Extracted", "Extractor", "LabelSource"]

LabelSource: TypeAlias = Callable[[int, int], NDArray[np.int64]]
"""source(start, count): the classes of the pictures with those numbers."""

BLOCK = 64
"""Pictures that go through the network together."""


@runtime_checkable
class Extractor(Protocol):
    """What turns pictures into features, as those of `progan.extractors` do."""

    @property
    def name(self) -> str:
        """Says all that changes a number: network, weights, resize."""

    @property
    def classes(self) -> int:
        """Classes it tells apart."""

    def both(self, images: Any) -> tuple[Any, Any]:
        """uint8 n c h w → features n d and log probabilities n k, tensors on the processor."""

    def record(self) -> Mapping[str, str]:
        """extractor, weights (their hash) and resize."""


class Extracted:
    """Features and log probabilities of a source, by number; what was extracted is kept.

    It takes 4 (d + k) bytes a picture: 410 MB for 50,000 of 2,048 features.
    """

    def __init__(
        self,
        source: ImageSource,
        extractor: Extractor,
        *,
        labels: LabelSource | None = None,
        pictures: str = "",
        hears: Callable[[int], None] | None = None,
    ) -> None:
        self.source, self.extractor, self._labels = source, extractor, labels
        self.hears = hears or (lambda count: None)
        record = extractor.record()
        self.origin = Origin(
            extractor=record["extractor"],
            weights=record["weights"],
            resize=record["resize"],
            pictures=pictures,
        )
        self._kept: dict[int, tuple[NDArray[Any], NDArray[Any]]] = {}

    def features(self, start: int, count: int) -> FeatureSet:
        """Features of pictures start … start + count − 1: count d."""
        return FeatureSet(values=self._rows(start, count, 0), origin=self.origin)

    def log_probabilities(self, start: int, count: int) -> FeatureSet:
        """Log probabilities of the classes, of the same pictures: count k."""
        return FeatureSet(values=self._rows(start, count, 1), origin=self.origin)

    def labels(self, start: int, count: int) -> NDArray[np.int64]:
        """The classes of the same pictures, as they were asked for or are known: count.

        Raises: ConfigError where nothing is known of them.
        """
        if self._labels is None:
            raise ConfigError(
                "A metric of classes was asked for, and these pictures have none: leave it out"
            )
        return self._labels(start, count)

    def _rows(self, start: int, count: int, which: int) -> NDArray[Any]:
        parts = []
        for block in range(start // BLOCK, (start + count - 1) // BLOCK + 1):
            first, last = max(start, block * BLOCK), min(start + count, (block + 1) * BLOCK)
            parts.append(self._part(block, first - block * BLOCK, last - block * BLOCK)[which])
        return np.concatenate(parts)

    def _part(self, block: int, first: int, last: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Rows first … last − 1 of a block; those before them may come along, for they cost."""
        kept = self._kept.get(block)
        there = 0 if kept is None else len(kept[0])
        if there < last:
            images = read(self.source, block * BLOCK + there, last - there)
            found = tuple(np.asarray(part) for part in self.extractor.both(images))
            made = (found[0], found[1])
            if kept is not None:
                made = (np.concatenate([kept[0], made[0]]), np.concatenate([kept[1], made[1]]))
            self._kept[block] = kept = made
            self.hears(last - there)
        assert kept is not None
        return kept[0][first:last], kept[1][first:last]
