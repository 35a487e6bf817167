"""Values found in files that anybody may have written."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

__all__ = ["Record", "number", "whole", "words"]

Record = Mapping[str, Any]
"""One line of a jsonl file, or one JSON object."""

_LONGEST = 4_000


def number(value: object) -> float | None:
    """A finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def whole(value: object) -> int | None:
    """A finite number without its fraction, or None."""
    found = number(value)
    return None if found is None else int(found)


def words(value: object) -> str:
    """Text as it stands, "" for nothing, JSON for anything nested; what is endless is cut."""
    if isinstance(value, str):
        said = value
    else:
        said = "" if value is None else json.dumps(value, ensure_ascii=False, default=str)
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]} …"
