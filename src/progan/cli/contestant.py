"""A training of a comparison, or its measurement, in a process that `assemble.side_by_side` starts.

    standard input     one line of JSON: `run`, and either `recipe` and the `words` of the command,
                       or `measure`: `metrics`, `images` and the words for an `extractor`
    standard output    one line of JSON: `said`, where it failed
    standard error     what a screen would show

The input stays open while the starting process lives. Its end is taken for a signal to stop.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["main"]


def main() -> None:
    """Train one, and end with the exit code that a command of its own would have."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # until the training hears them
        signal.signal(number, signal.default_int_handler)
    answers = os.dup(1)
    os.dup2(2, 1)
    code, said = 130, ""
    with contextlib.suppress(KeyboardInterrupt):
        code, said = _work(json.loads(_line()))
    with contextlib.suppress(OSError):  # nobody is left to hear it
        os.write(answers, json.dumps({"said": said}).encode())
    sys.exit(code)


def _line() -> bytes:
    """The first line of the standard input; read without a buffer, which a thread could hold."""
    found = b""
    while not found.endswith(b"\n") and (more := os.read(0, 2**16)):
        found += more
    return found


def _leave_when_alone() -> None:
    while os.read(0, 2**16):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _work(asked: Mapping[str, Any]) -> tuple[int, str]:
    """The exit code, and what is to be told."""
    from progan.assemble.comparing.contestants import StoppedError, train_one
    from progan.cli import streams
    from progan.cli.compare import train_on_screen
    from progan.core.config import parse_recipe
    from progan.core.errors import ProganError, is_out_of_memory
    from progan.engine.checkpoint import checkpoints

    threading.Thread(target=_leave_when_alone, daemon=True).start()
    streams.prepare_streams()
    run = Path(asked["run"])
    new = not run.exists()
    try:
        if "measure" in asked:
            _measure(run, **asked["measure"])
        else:
            sys.argv = ["progan", *asked["words"]]
            train_one(parse_recipe(asked["recipe"], "recipe.yaml"), run, train_on_screen)
    except StoppedError as stopped:
        return stopped.exit_code, str(stopped)
    except KeyboardInterrupt:
        if new and not checkpoints(run / "checkpoints"):  # nothing to go on from
            shutil.rmtree(run, ignore_errors=True)
        raise
    except ProganError as error:
        streams.fail(str(error))
        return error.exit_code, str(error)
    except Exception as error:
        traceback.print_exc()
        if is_out_of_memory(error):
            return 5, "Not enough memory: fewer at once, or a lower resolution."
        return 1, f"This is a fault of progan: {type(error).__name__}: {error}"
    return 0, ""


def _measure(
    run: Path, metrics: Sequence[str] | None, images: int | None, extractor: str | None
) -> None:
    import torch

    from progan.assemble.comparing.numbers import Asked, measured
    from progan.cli.streams import say
    from progan.core.comparison import Entry
    from progan.core.launch import cores
    from progan.extractors.names import lookup

    torch.set_num_threads(cores())
    asked = Asked(
        metrics=None if metrics is None else tuple(metrics),
        images=images,
        extractor=None if extractor is None else lookup(extractor),
    )
    measured(Entry(contestant=run.name, seed=0, run=run), asked, say)
