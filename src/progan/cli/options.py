"""Words and options that several verbs take, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "Device",
    "Exact",
    "Minutes",
    "More",
    "Preset",
    "Resolution",
    "Runs",
    "Seed",
    "Sets",
    "Source",
    "System",
]

Source = Annotated[
    str,
    typer.Argument(
        help="A folder of pictures, a zip, npz or IDX file, portraits, fashion-mnist, or a recipe."
    ),
]
More = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[SECOND]",
        help="The second domain's pictures, or class maps. With a system's name in front: "
        "cyclegan A B.",
        show_default=False,
    ),
]
Minutes = Annotated[
    float | None, typer.Option(help="Fit the whole run, report included, to so many minutes.")
]
Resolution = Annotated[int | None, typer.Option(help="Side of the pictures: 4, 8, 16 … 1024.")]
Seed = Annotated[int | None, typer.Option(help="Seed of everything random.")]
System = Annotated[str | None, typer.Option(help="What to train: progan describe.")]
Preset = Annotated[str | None, typer.Option(help="A named group of its settings.")]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a setting: optimizer.lr=2e-4."),
]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:N.")]
Exact = Annotated[
    bool, typer.Option("--exact", help="One thread: the same bits on any number of cores.")
]
Runs = Annotated[Path, typer.Option(metavar="FOLDER", help="Folder that holds run folders.")]
