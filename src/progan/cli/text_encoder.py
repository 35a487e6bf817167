"""The verb `data train-encoder`: captions' vectors that are learned once, for many runs."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from progan.cli import screen
from progan.cli.figures import clock
from progan.cli.options import Device, Runs, Seed
from progan.core.words import typed

__all__ = ["train_encoder"]


def train_encoder(
    data: Annotated[
        str,
        typer.Argument(
            metavar="PATH",
            help="Pictures with captions: a folder with a metadata.csv, or portraits.",
        ),
    ],
    captions: Annotated[
        str, typer.Option(metavar="COLUMN", help="Which captions, as in data.captions.")
    ] = "found",
    to: Annotated[
        Path | None, typer.Option(metavar="FILE", help="[encoders/PATH.safetensors]")
    ] = None,
    images: Annotated[int, typer.Option(help="Pictures to show in training.")] = 60_000,
    resolution: Annotated[
        int | None, typer.Option(help="Side of the pictures; theirs, at most 32, if left out.")
    ] = None,
    features: Annotated[int, typer.Option(help="Numbers of a caption's vector.")] = 128,
    seed: Seed = None,
    device: Device = None,
    runs: Runs = Path("runs"),
) -> None:
    """Train a captions' network with pictures, test it on others, and keep it.

    Runs take it with --set data.vectors=FILE, and leave out that stage of their own.
    """
    from progan.assemble.training.text_encoder import EncoderAsked, train_encoder

    asked = EncoderAsked(
        data=data,
        captions=captions,
        to=to,
        images=images,
        resolution=resolution,
        features=features,
        seed=seed or 0,
        device=device or "auto",
        runs=runs,
    )
    began = time.monotonic()
    with closing(screen.open_face()) as face:
        made = train_encoder(asked, face)
        learned = made.learned
        shown = f"{learned.images:,} pictures shown in {clock(time.monotonic() - began)}"
        face.line("Trained", f"{shown}, seed {learned.seed}")
        face.line(
            "Finds",
            f"{learned.found:.1%} of held-out pictures find their own caption among "
            f"{learned.among}; by chance {1 / learned.among:.1%}",
        )
        face.line("Kept", str(made.path))
        vectors = f"data.vectors={made.path}"
        face.line("", typed("progan", "train", data, "--system", "stackgan", "--set", vectors))
