"""`sample --n`: many pictures to a folder, a zip or an npz file; by one process or several."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from progan.cli import processes
from progan.cli.figures import clock
from progan.cli.screen import open_face
from progan.cli.streams import say
from progan.core.launch import launched

if TYPE_CHECKING:
    from progan.assemble.models.model import Model
    from progan.engine.choice import Choice

__all__ = ["BESIDE", "help_out", "many"]

BESIDE = (
    *("truncation", "z-std", "resolution", "alpha", "label", "weights", "at-images", "device"),
    *("exact", "backend", "text"),
)
"""What may stand beside --n."""


def many(model: Model, given: Mapping[str, Any], path: Path, words: Sequence[str]) -> None:
    """Write them and say how it went; `words` make the same pictures again, but for the path.

    Raises typer.Exit when the user stopped it.
    """
    from progan.assemble.sampling.stream import stream
    from progan.engine.stop import StopOnSignals

    images, began = given["n"], time.monotonic()
    again = ["progan", "sample", *words]

    alone = launched() is None  # otherwise a signal may come because another ended
    stop = StopOnSignals(lambda: say("Stopping …") if alone else None)

    def chosen(choice: Choice) -> None:
        nonlocal again, began
        stack.enter_context(stop)  # until now nothing is written, and Ctrl-C may just end it
        for note in choice.notes:
            face.line("Note", note)
        face.line("Backend", _why(choice))
        if not {"backend", "exact"} & given.keys():
            again += ["--backend", choice.backend.name]
        began = time.monotonic()

    def progress(there: int, made: int, total: int) -> None:
        face.sampling(there, made, total, time.monotonic() - began)

    with closing(open_face()) as face, ExitStack() as stack:
        found = stream(
            model,
            images,
            path,
            truncation=given.get("truncation"),
            label=given["label"][0] if "label" in given else None,
            backend="exact" if "exact" in given else given.get("backend"),
            chosen=chosen,
            progress=progress,
            stop=stop,
        )
    code = processes.part(stop.exit_code if found.stopped and stop() else 0)
    if found.stopped:
        there = f"Stopped at {found.there:,} of {images:,} pictures"
        if path.suffix:
            say(f"{there}; {path} was not written. A folder could be gone on with.")
        else:
            say(f"{there}; they stay. Go on: {shlex.join([*again, str(path)])}")
        raise typer.Exit(code)
    rate = f", {found.made / found.seconds:,.0f}/s" if found.made and found.seconds else ""
    say(
        f"{path}  {images:,} pictures, {found.width} × {found.height}, from {model.path} at "
        f"{model.trained_images:,} images, in {clock(found.seconds)}{rate}"
    )
    say(f"Again: {shlex.join([*again, str(path)])}")


def help_out(device: str) -> None:
    """Do the share of a process that is not the first."""
    from progan.assemble.sampling import stream

    raise typer.Exit(processes.part(stream.help_out(device)))


def _why(choice: Choice) -> str:
    """The backend, and how much faster it is than the others that were tried."""
    name, rates = choice.backend.name, choice.rates
    tried = ", ".join(f"{other} {rate:,.0f}/s" for other, rate in rates.items())
    return f"{name} (measured: {tried})" if len(rates) > 1 else name
