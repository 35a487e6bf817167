"""Numbers that a verb also writes to a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from progan.core.errors import RoomError

__all__ = ["write_json"]


def write_json(path: Path, content: Any) -> None:
    """Write `content` to `path`.

    Raises RoomError where that cannot be done.
    """
    try:
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise RoomError(
            f"{path} cannot be written: {error.strerror or error}. Another place: "
            "--json numbers.json"
        ) from error
