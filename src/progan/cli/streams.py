"""The standard streams: any text, on any terminal."""

from __future__ import annotations

import codecs
import os
import shutil
import sys
from contextlib import suppress
from typing import TextIO

__all__ = ["fail", "prepare_streams", "say", "width_of_screen"]

NEAR = {
    **{"×": "x", "−": "-", "…": "...", "→": "->", "±": "+-", "━": "=", "╸": ">", "–": "-"},
    **{"·": "*", "√": "sqrt ", "²": "^2", "⁶": "^6", "³": "^3", "‖": "||", "∇": "grad "},
    **{"λ": "lambda", "γ": "gamma", "ε": "eps", "’": "'", "“": '"', "”": '"'},
}
"""What stands in for signs that a terminal cannot show."""


def _near(error: UnicodeError) -> tuple[str, int]:
    """Handler of encoding errors: something near, or the code of the sign."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    signs = (NEAR.get(c) or c.encode("ascii", "backslashreplace").decode() for c in lost)
    return "".join(signs), error.end


codecs.register_error("progan.near", _near)


def prepare_streams() -> None:
    """Let both streams take any text, whatever they can show."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError, OSError):
            stream.reconfigure(errors="progan.near")  # type: ignore[union-attr]


def _write(stream: TextIO, text: str) -> None:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        stream.write(text.encode(encoding, "progan.near").decode(encoding) + "\n")
        stream.flush()
    except BrokenPipeError:  # the reader went away, as `head` does: go on in silence
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except RuntimeError:
        pass  # a signal came in the middle of another line; its own line is not worth the run


def say(text: str = "") -> None:
    """Print plain text to the standard output."""
    _write(sys.stdout, text)


def fail(text: str) -> None:
    """Print an error to the standard error."""
    _write(sys.stderr, text)


def width_of_screen() -> int:
    """Columns to fill: the terminal's, from 40 to 100; 100 where there is none."""
    return max(40, min(100, shutil.get_terminal_size((100, 24)).columns))
