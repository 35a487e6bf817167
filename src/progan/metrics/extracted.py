"""Features of numbered pictures, extracted once and asked for many times."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from progan.core.errors import ConfigError
from progan.metrics.feature_set import FeatureSet, Origin
from progan.metrics.images import ImageSource, read

__all__ = ["Extracted", "Extractor", "LabelSource", "Shared", "Side", "Store", "Unrounded"]

LabelSource: TypeAlias = Callable[[int, int], NDArray[np.int64]]
"""source(start, count): the classes of the pictures with those numbers."""
Rows: TypeAlias = tuple[NDArray[Any], NDArray[Any]]
"""Features n d and log probabilities n k of the same pictures."""

BLOCK = 64
"""Pictures that go through the network together."""
STORED = 64
"""Blocks that a store keeps in one piece."""


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


@runtime_checkable
class Unrounded(Protocol):
    """An extractor that also takes pictures as they leave a generator."""

    def unrounded(self, images: Any) -> Any:
        """float n c h w in [-1, 1], not rounded to 256 levels → features n d."""


@runtime_checkable
class Shared(Protocol):
    """An extractor that several processes carry out together."""

    @property
    def together(self) -> int:
        """Blocks that are worth one call."""

    def many(self, blocks: Sequence[NDArray[np.uint8]]) -> Sequence[Rows]:
        """What `both` gives of each block by itself."""


@runtime_checkable
class Store(Protocol):
    """Where features outlive a measurement: pieces of `STORED` blocks, counted from 0."""

    def load(self, piece: int) -> Rows | None:
        """The rows of a piece from its first on, as many as are known; None for none."""

    def save(self, piece: int, features: NDArray[Any], log_probabilities: NDArray[Any]) -> None:
        """Keep the rows of a piece from its first on."""


class Extracted:
    """Features and log probabilities of a source, by number; what was extracted is kept.

    It takes 4 (d + k) bytes a picture: 410 MB for 50,000 of 2,048 features. With a `store`, what
    that knows is not extracted again, and `keep` gives it what is new.
    """

    def __init__(
        self,
        source: ImageSource,
        extractor: Extractor,
        *,
        labels: LabelSource | None = None,
        pictures: str = "",
        hears: Callable[[int], None] | None = None,
        store: Store | None = None,
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
        self._store = store
        self._kept: dict[int, Rows] = {}
        self._asked: set[int] = set()
        self._new: set[int] = set()

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

    def keep(self) -> None:
        """Give the store what it does not have."""
        for piece in sorted(self._new):
            self._save(piece)

    def _rows(self, start: int, count: int, which: int) -> NDArray[Any]:
        wanted = [
            (block, max(start - block * BLOCK, 0), min(start + count - block * BLOCK, BLOCK))
            for block in range(start // BLOCK, (start + count - 1) // BLOCK + 1)
        ]
        self._extract([(block, last) for block, _, last in wanted])
        return np.concatenate([self._kept[b][which][first:last] for b, first, last in wanted])

    def _extract(self, wanted: Sequence[tuple[int, int]]) -> None:
        """Have the first `last` rows of each block; those before what is asked cost and come."""
        self._recall({block // STORED for block, _ in wanted})
        missing = [
            (block, there, last)
            for block, last in wanted
            for there in [len(self._kept[block][0]) if block in self._kept else 0]
            if there < last
        ]
        together = self.extractor.together if isinstance(self.extractor, Shared) else 1
        for begin in range(0, len(missing), together):
            some = missing[begin : begin + together]
            blocks = [read(self.source, b * BLOCK + there, last - there) for b, there, last in some]
            for (block, there, last), made in zip(some, self._through(blocks), strict=True):
                if there:
                    old = self._kept[block]
                    both = (np.concatenate([old[0], made[0]]), np.concatenate([old[1], made[1]]))
                self._kept[block] = both if there else made
                self._new.add(block // STORED)
                self.hears(last - there)
            for piece in sorted(self._new):
                if self._known(piece) == STORED * BLOCK:
                    self._save(piece)

    def _through(self, pictures: Sequence[NDArray[np.uint8]]) -> Sequence[Rows]:
        if isinstance(self.extractor, Shared):
            return self.extractor.many(pictures)
        return [rows_of(self.extractor, block) for block in pictures]

    def _recall(self, pieces: set[int]) -> None:
        """Take from the store what it knows of these pieces."""
        for piece in sorted(pieces - self._asked):
            self._asked.add(piece)
            found = self._store.load(piece) if self._store is not None else None
            for first in range(0, len(found[0]) if found else 0, BLOCK):
                assert found is not None
                rows = found[0][first : first + BLOCK], found[1][first : first + BLOCK]
                self._kept[piece * STORED + first // BLOCK] = rows

    def _known(self, piece: int) -> int:
        """Rows of a piece from its first on, without a gap."""
        total = 0
        for block in range(piece * STORED, (piece + 1) * STORED):
            rows = len(self._kept[block][0]) if block in self._kept else 0
            total += rows
            if rows < BLOCK:
                break
        return total

    def _save(self, piece: int) -> None:
        self._new.discard(piece)
        count = self._known(piece)
        if self._store is None or not count:
            return
        blocks = range(piece * STORED, piece * STORED + -(-count // BLOCK))
        parts = [np.concatenate([self._kept[block][which] for block in blocks]) for which in (0, 1)]
        self._store.save(piece, parts[0], parts[1])


def rows_of(extractor: Extractor, block: NDArray[np.uint8]) -> Rows:
    """Features and log probabilities of a block, as arrays."""
    features, log_probabilities = extractor.both(block)
    return np.asarray(features), np.asarray(log_probabilities)


@dataclass(frozen=True)
class Side:
    """`count` pictures of one side of a comparison, from number `start` on, as features."""

    extracted: Extracted
    start: int
    count: int
    floor: bool = False
    """Whether real pictures stand in for generated ones: a value is asked for, no interval."""

    @property
    def features(self) -> FeatureSet:
        """n d."""
        return self.extracted.features(self.start, self.count)

    @property
    def labels(self) -> NDArray[np.int64]:
        """n."""
        return self.extracted.labels(self.start, self.count)

    @property
    def log_probabilities(self) -> FeatureSet:
        """n k."""
        return self.extracted.log_probabilities(self.start, self.count)

    @property
    def class_names(self) -> tuple[str, ...]:
        """What the extractor calls its classes; their numbers where it has no names."""
        extractor = self.extracted.extractor
        names: tuple[str, ...] = getattr(extractor, "class_names", ())
        return names or tuple(map(str, range(extractor.classes)))
