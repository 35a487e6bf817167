"""Commands as a user can type them."""

from __future__ import annotations

import shlex
from pathlib import Path

__all__ = ["typed"]


def typed(*words: str | Path) -> str:
    """A command line, quoted where the shell needs it: progan resume 'runs/my cats'."""
    return shlex.join(str(word) for word in words)
