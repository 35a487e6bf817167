"""The verb `join`: one model of levels that were trained in runs of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from progan.cli.streams import say

__all__ = ["join"]


def join(
    runs: Annotated[
        list[Path], typer.Argument(help="Runs, each of some levels: --set levels=[16].")
    ],
    to: Annotated[Path, typer.Option(metavar="FOLDER", help="Where to: a new folder.")],
) -> None:
    """Put levels that were trained apart into one model, as a folder that any verb takes."""
    from progan.assemble.models.join import join as put_together

    folder = put_together(runs, to)
    say(f"{folder}  one model of {len(runs)} run{'s' * (len(runs) > 1)}")
    say(f"Look at it: progan sample {folder}")
