"""`progan sample` in this process, and what it leaves behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import typer
from PIL import Image
from typer.testing import CliRunner

from progan.cli.sample import sample

__all__ = ["pixels_of", "run_verb"]

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(sample)


def run_verb(*words: object) -> str:
    """What it prints; whatever went wrong is raised."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def pixels_of(path: str | Path) -> np.ndarray[Any, Any]:
    """The pixels of a picture, in colour."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))
