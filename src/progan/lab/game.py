"""What the lab knows of a game: which system plays it, and what to say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from progan.lab.lesson import PROBABILITY, Scale

__all__ = ["Game"]


@dataclass(frozen=True, kw_only=True)
class Game:
    """What the lab trains under a name."""

    system: str
    set: Mapping[str, Any] = field(default_factory=dict)
    """Beside the preset `toy`."""
    title: str
    formula: tuple[str, ...]
    look: tuple[str, ...]
    source: str
    scale: Scale = PROBABILITY
