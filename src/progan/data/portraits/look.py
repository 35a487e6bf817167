"""The people of a chunk as numbers and colours that broadcast over their pictures."""

from __future__ import annotations

from typing import Any

import numpy as np

from progan.data.portraits.scene import Array
from progan.data.portraits.tables import (
    CLOTHS,
    HAIR_COLOURS,
    HAIR_SHAPES,
    SCENERY,
    SKIN_COLOURS,
)
from progan.data.portraits.truth import Portraits


class Look:
    """The people's numbers as (n, 1, 1) and colours as (3, n, 1, 1), ready for arithmetic."""

    def __init__(self, p: Portraits) -> None:
        self.p = p
        self.nose_y, self.mouth_y = p.nose_y[:, None, None], p.mouth_y[:, None, None]
        self.skin = rgb(SKIN_COLOURS[p.skin])
        self.skin_dark = self.skin * rgb(np.array([[0.76, 0.61, 0.58]]))
        self.skin_light = self.skin * 0.90 + 0.115
        self.hair = rgb(HAIR_COLOURS[p.hair])
        dyed = p.hair > 8
        self.beard_hair = rgb(HAIR_COLOURS[np.where(dyed, 1, p.hair)])
        self.hair_dark = self.hair * 0.52
        self.hair_light = self.hair * 0.98 + 0.11
        self.cloth = rgb(CLOTHS[p.palette, p.cloth])
        self.far, self.near, self.accent = (rgb(SCENERY[p.palette, k]) for k in range(3))
        warm = rgb(np.array([[0.80, 0.30, 0.33]]))
        keep = 0.34 + 0.40 * self.strength
        self.lips = self.skin * rgb(np.array([[0.86, 0.62, 0.60]])) * keep + warm * (1 - keep) * (
            0.55 + 0.45 * self.skin[:1]
        )
        for name, column in zip(HAIR_SHAPES.names, HAIR_SHAPES.values[p.style].T, strict=True):
            setattr(self, "s_" + name, column.reshape(-1, 1, 1))

    def __getattr__(self, name: str) -> Any:
        value = np.asarray(getattr(self.p, name), np.float32).reshape(-1, 1, 1)
        setattr(self, name, value)
        return value

    def has(self, name: str, which: int) -> Array:
        """1 for those whose attribute has that id, 0 for others."""
        return np.float32(1) * (getattr(self, name) == which)

    def of(self, chosen: Any) -> Look:
        """The same for some of the people."""
        return Look(self.p[chosen])


def rgb(rows: Any) -> Array:
    """Colours (n, 3) as (3, n, 1, 1)."""
    return np.ascontiguousarray(np.asarray(rows, np.float32).T)[:, :, None, None]


def wash_of(colour: Array) -> Array:
    """How dark a thin wash of ink stands for a colour: white paper for light ones."""
    return 0.55 * np.clip(0.78 - colour.mean(0), 0, 1)
