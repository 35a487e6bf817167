"""Features of pictures, and what they were taken with, so that unlike ones are never compared.

    features   n rows of d numbers, one row a picture: an array, a tensor, or a `FeatureSet`
    origin     extractor, hash of its weights, way of resizing: these must be the same on both
               sides of a comparison; and the pictures and seed, which may differ

Every metric of features takes its two sets through `pair`. A plain array has no origin, and may
be compared with plain arrays only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from progan.core.errors import ConfigError, DataError

__all__ = ["FeatureSet", "Features", "Matrix", "Origin", "check_origins", "matrix", "pair"]

Matrix: TypeAlias = NDArray[np.floating[Any]]

ROWS = 4096
"""Rows looked through at once."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What features were taken with."""

    extractor: str
    """Name of the network, with its layer where there are several."""
    weights: str
    """Hash of its weights."""
    resize: str
    """How pictures came to the size it wants: filter, antialiasing, size."""
    pictures: str = ""
    """What was looked at: a run and its checkpoint, a folder, a data set."""
    seed: int | None = None
    """Of what was drawn; None where nothing was."""

    @property
    def ruler(self) -> tuple[str, str, str]:
        """What must be the same on both sides of a comparison."""
        return self.extractor, self.weights, self.resize

    def __str__(self) -> str:
        return f"{self.extractor} ({self.weights[:12]}, {self.resize})"


@dataclass(frozen=True, kw_only=True)
class FeatureSet:
    """Features with their origin."""

    values: NDArray[Any]
    """n d."""
    origin: Origin

    def __len__(self) -> int:
        return len(self.values)


Features: TypeAlias = FeatureSet | Tensor | NDArray[Any]


def matrix(features: Features, *, least: int = 1, name: str = "features") -> Matrix:
    """The rows of `features`, n d, on the processor; integers become float64.

    Raises DataError for another shape, for values that are not finite, and for fewer than `least`
    rows.
    """
    values: Any = features.values if isinstance(features, FeatureSet) else features
    if isinstance(values, Tensor):
        values = values.detach().cpu().numpy()
    if values.ndim != 2 or not values.shape[1]:
        raise DataError(
            f"{name}: an array of shape {values.shape} came; metrics take n rows of d features, "
            "d at least 1. Flatten what stands behind the first axis: x.reshape(len(x), -1)"
        )
    if len(values) < least:
        raise DataError(f"{name}: {len(values):,} rows came; at least {least:,} are needed.")
    if not np.issubdtype(values.dtype, np.floating):
        values = values.astype(np.float64)
    for start in range(0, len(values), ROWS):
        fine = np.isfinite(values[start : start + ROWS]).all(axis=1)
        if not fine.all():
            raise DataError(
                f"{name}: row {start + int(fine.argmin()):,} of {len(values):,} holds a value that "
                "is not finite. Look at the picture behind it, or at the extractor's precision."
            )
    return np.asarray(values)


def pair(real: Features, fake: Features, *, least: int = 1) -> tuple[Matrix, Matrix, Origin | None]:
    """Both sets as matrices of one width, and what they share: the origin of the real ones.

    Raises ConfigError where they were taken with different things, DataError as `matrix` does.
    """
    origin = check_origins(*(s.origin if isinstance(s, FeatureSet) else None for s in (real, fake)))
    x = matrix(real, least=least, name="real features")
    y = matrix(fake, least=least, name="fake features")
    check_widths(x.shape[1], y.shape[1])
    return x, y, origin


def check_widths(real: int, fake: int) -> None:
    """Raise DataError unless both have as many features a row."""
    if real != fake:
        raise DataError(
            f"real rows have {real:,} features and fake ones {fake:,}; they must come from one "
            "extractor. Extract both again with the same one"
        )


def check_origins(first: Origin | None, second: Origin | None) -> Origin | None:
    """The origin both have, or None for two without; raises ConfigError where they differ."""
    if (first and first.ruler) != (second and second.ruler):
        names = [str(origin) if origin else "an unknown extractor" for origin in (first, second)]
        raise ConfigError(
            f"features of {names[0]} and of {names[1]} cannot be compared: extractor, weights and "
            "resizing must be the same. Extract both again with one of them"
        )
    return first
