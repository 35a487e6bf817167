"""Labels as they are stored beside the pictures of a pyramid.

    class          n, int32: an index into the names of the classes
    multi-label    n k, float32: 0 or 1 in each column
    continuous     n k, float32: y = 2 (x − least) / (greatest − least) − 1 in each column

The least and greatest x are those of the pictures in use; they are kept, so that a label can be
asked for in the data's own units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["NONE", "Column", "LabelKind", "Labels", "rows_kept", "scaled", "unscaled"]

LabelKind = Literal["class", "multi-label", "continuous"]

MOST_NUMBERS = 2**13
"""Of the rows of labels that a system is told, to draw from."""


@dataclass(frozen=True)
class Column:
    """One number of a label that is no class, and the range that the data have."""

    name: str
    low: float = 0.0
    high: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Labels:
    """The labels of the pictures in use, as they are stored."""

    kind: LabelKind = "class"
    classes: tuple[str, ...] = ()
    """Names of the classes; empty for other kinds, and without labels."""
    columns: tuple[Column, ...] = ()
    """What the numbers of a label are; empty for classes."""
    values: NDArray[Any]
    """Classes: n, int32. Others: n k, float32, 0 and 1 or from −1 to 1."""

    def counts(self) -> dict[str, int]:
        """Pictures of each class, or that have each of several labels; none for numbers."""
        if self.kind == "class":
            found = np.bincount(self.values, minlength=len(self.classes)).tolist()
            return dict(zip(self.classes, found, strict=True))
        if self.kind == "continuous":
            return {}
        found = self.values.sum(axis=0).astype(int).tolist()
        return dict(zip([column.name for column in self.columns], found, strict=True))


NONE = Labels(values=np.empty(0, np.int32))


def rows_kept(
    values: NDArray[np.float32],
) -> tuple[tuple[tuple[float, ...], ...], tuple[float, ...]]:
    """Rows from which labels n k are drawn together, and the share of each.

    All different rows, if they hold at most 8,192 numbers; else as many rows as that allows, spread
    evenly over the pictures. To four decimals. No shares where all are the same.
    """
    rounded = np.round(values.astype(np.float64), 4)
    rows, counts = np.unique(rounded, axis=0, return_counts=True)
    if rows.size > MOST_NUMBERS:
        few = max(1, MOST_NUMBERS // values.shape[1])
        places = np.arange(few) * len(values) // few
        rows, counts = np.unique(rounded[places], axis=0, return_counts=True)
    shares = tuple((counts / counts.sum()).tolist())
    alike = len(set(counts.tolist())) == 1
    return tuple(map(tuple, (rows + 0.0).tolist())), () if alike else shares


def scaled(values: NDArray[np.float64], columns: Sequence[Column]) -> NDArray[np.float32]:
    """Numbers in the data's units, n k, from −1 at the least to 1 at the greatest."""
    low = np.array([column.low for column in columns])
    high = np.array([column.high for column in columns])
    wide = np.where(high > low, high - low, 1.0)
    return np.where(high > low, (values - low) / wide * 2 - 1, 0.0).astype(np.float32)


def unscaled(rows: NDArray[np.floating[Any]], columns: Sequence[Column]) -> NDArray[np.float64]:
    """What `scaled` was given, to seven digits."""
    low = np.array([column.low for column in columns])
    high = np.array([column.high for column in columns])
    return low + (rows.astype(np.float64) + 1) / 2 * (high - low)
