"""Some pictures of a source, as a source of their own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from progan.data.records import Finding
from progan.data.sources.base import Digest, Reader, Ref, Source, Tableless

__all__ = ["Part"]


class Part(Tableless):
    """The pictures at `indices` of a source, without labels.

    What was left out while listing is told of the whole by the part that is `first`, not by others.
    """

    classes: tuple[str, ...] = ()

    def __init__(
        self, whole: Source, indices: Sequence[int] | NDArray[np.int64], *, first: bool = True
    ) -> None:
        self.whole = whole
        self.indices = np.asarray(indices, np.int64)
        self.name = whole.name
        self.count = len(self.indices)
        self.native_resolution = whole.native_resolution
        self.guarded, self.parallel = whole.guarded, whole.parallel
        self.shaping = whole.shaping
        self.findings: tuple[Finding, ...] = whole.findings if first else ()
        self.remarks: tuple[str, ...] = whole.remarks if first else ()

    def refs(self, indices: Sequence[int]) -> list[Ref]:
        """Those of the whole."""
        return self.whole.refs(self.indices[np.asarray(indices, np.int64)].tolist())

    def title(self, index: int) -> str:
        """That of the whole."""
        return self.whole.title(int(self.indices[index]))

    def labels(self) -> NDArray[np.int32] | None:
        """None."""
        return None

    def reader(self) -> Reader:
        """That of the whole."""
        return self.whole.reader()

    def check_resolution(self, resolution: int) -> None:
        """As of the whole."""
        self.whole.check_resolution(resolution)

    def stamp(self) -> str:
        """Over the whole's and the places."""
        return self._digest(self.whole.stamp())

    def fingerprint(self) -> str:
        """Over the whole's and the places."""
        return self._digest(self.whole.fingerprint())

    def _digest(self, word: str) -> str:
        digest = Digest()
        digest.add("part", word, self.indices.astype("<i8").tobytes())
        return digest.hex()
