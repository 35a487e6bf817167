"""Behind `progan sample --n`: any number of pictures to disk, in memory that does not grow.

    latents → backend → [workers: PNG] → sink

Blocks wait in a queue of fixed length; a full queue holds the generator up, not the memory.
"""

from __future__ import annotations

import errno
import os
import shlex
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from progan.assemble.containers import MADE_HERE
from progan.assemble.many import EXACT, choose_for, draw
from progan.assemble.model import Frame, Label, Model
from progan.assemble.notes import to_note
from progan.assemble.sampling import settings_for
from progan.assemble.sinks import Sink, open_sink
from progan.core.errors import ConfigError, RoomError
from progan.core.grids import png_bytes, to_picture
from progan.core.plan import Size, height_width
from progan.engine.choice import Choice

__all__ = ["MOST", "Streamed", "stream"]

MOST = 10**9
"""Pictures at a time."""
WAITING = 4
"""Blocks that may wait to be written."""
FASTER = 1
"""How hard zlib tries."""


@dataclass(frozen=True, kw_only=True)
class Streamed:
    """What was written."""

    path: Path
    width: int
    height: int
    there: int
    """Pictures that are there now."""
    made: int
    """Pictures made by this call."""
    seconds: float
    """From the first picture to the last."""
    choice: Choice
    stopped: bool


def stream(
    model: Model,
    images: int,
    path: Path,
    *,
    truncation: float | None = None,
    label: Label | None = None,
    backend: str | None = None,
    chosen: Callable[[Choice], None] = lambda _: None,
    progress: Callable[[int, int, int], None] = lambda there, made, images: None,
    stop: Callable[[], bool] = lambda: False,
) -> Streamed:
    """Write the pictures of seeds 0 … images − 1 to `path`: a folder, a .zip or an .npz.

    A folder that was begun with the same settings is gone on with, by the backend it was begun
    with. `chosen` hears which backend is used, `progress` how many pictures are there, and how many
    of them were just made; `stop` is asked before each block.

    Raises ConfigError for words that do not fit, RoomError when the disk is full: a folder then
    keeps what it has.
    """
    if not 1 <= images <= MOST:
        raise ConfigError(f"n is {images}; it must be from 1 to {MOST:,}: --n 50000")
    numbers = model.label_numbers(label, images)
    settings = settings_for(model, seeds=[0], truncation=truncation, labels=label)
    model.latents(0, truncation)  # refuses a truncation that is none
    about = {
        **{"model": settings.model, "weights": settings.weights, "backend": backend},
        **{"resolution": _plain(settings.resolution), "alpha": settings.alpha},
        **{"truncation": truncation, "labels": None if numbers is None else list(numbers)},
    }

    def encode(seed: int, picture: Frame) -> bytes:
        notes = {"Software": MADE_HERE.decode()}
        if choice.backend.name == EXACT:  # what `--like` can promise to make again
            notes |= to_note(replace(settings, seeds=str(seed)))
        return png_bytes(to_picture(picture), notes, level=FASTER)

    def class_of(seed: int) -> int:
        return seed % model.classes if numbers is None else numbers[0]

    shape = (*height_width(settings.resolution), model.channels)
    labels = class_of if model.classes else None
    sink = open_sink(path, images, shape, encode, about, labels)
    choice = choose_for(model, images, backend or sink.backend)
    chosen(choice)
    began = time.monotonic()
    with ThreadPoolExecutor(max(1, min(4, os.cpu_count() or 1))) as workers:
        pump = Pump(sink, images, workers)
        try:
            sink.begin(
                {
                    **about,
                    **{"backend": choice.backend.name, "images": images},
                    **{"run": settings.run, "trained_images": settings.images},
                    **{"class_names": list(model.class_names)},
                }
            )
            for seeds in pump.wanted(choice.backend.batch, stop):
                pump.push(seeds, draw(model, choice.backend, seeds, truncation, numbers))
                progress(pump.there, pump.made, images)
            pump.drain()
            if pump.there == images:
                sink.finish()
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise _full(path, pump.there, images) from error
            raise
        finally:
            workers.shutdown(cancel_futures=True)
            sink.close()
    seconds = time.monotonic() - began
    return Streamed(
        path=path,
        width=shape[1],
        height=shape[0],
        there=pump.there,
        made=pump.made,
        seconds=seconds,
        choice=choice,
        stopped=pump.there < images,
    )


class Pump:
    """Moves blocks through the workers into a sink, a few at a time."""

    def __init__(self, sink: Sink, images: int, workers: Executor) -> None:
        self.sink, self.images, self.workers = sink, images, workers
        self.there, self.made = 0, 0
        self.waiting: deque[tuple[Sequence[int], Future[Any]]] = deque()

    def wanted(self, batch: int, stop: Callable[[], bool]) -> Iterator[range]:
        """The seeds of each block that is not there yet, until all are or `stop` says so."""
        for start in range(0, self.images, batch):
            if stop():
                return
            seeds = range(start, min(start + batch, self.images))
            if self.sink.has(seeds):
                self.there += len(seeds)
            else:
                yield seeds

    def push(self, seeds: Sequence[int], pictures: Frame) -> None:
        """Hand a block on; wait while too many are waiting."""
        while len(self.waiting) >= WAITING:
            self._take()
        self.waiting.append((seeds, self.workers.submit(self.sink.encode, seeds, pictures)))

    def drain(self) -> None:
        """Wait for all of them."""
        while self.waiting:
            self._take()

    def _take(self) -> None:
        seeds, encoded = self.waiting.popleft()
        self.sink.keep(seeds, encoded.result())
        self.there += len(seeds)
        self.made += len(seeds)


def _plain(size: Size) -> int | list[int]:
    return size if isinstance(size, int) else list(size)


def _full(path: Path, there: int, images: int) -> RoomError:
    if path.suffix:
        return RoomError(
            f"Disk full while writing {path}; it was given up, and nothing else was touched. "
            "Make room, or write elsewhere: progan sample RUN OTHER/PLACE --n N"
        )
    return RoomError(
        f"Disk full at {there:,} of {images:,} pictures; {path} keeps them. Make room, and go "
        f"on: progan sample RUN {shlex.quote(str(path))} --n {images}"
    )
