"""Behind `progan sample --n`: any number of pictures to disk, in memory that does not grow.

One process makes them all. Of several, started by torchrun, the first one reads the words, owns
what is written, chooses the backend by measurement, and tells the others; blocks are shared as
`assemble/sampling/pump.py` says. A picture depends on the weights, the backend and its own number,
and blocks are those of one process: so the files are, too.
"""

from __future__ import annotations

import errno
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from progan.assemble.models.labels import Asked, Label, plain, told
from progan.assemble.models.many import EXACT, choose_for, draw
from progan.assemble.models.model import Frame, Model, load
from progan.assemble.models.notes import Settings, to_note
from progan.assemble.sampling.archives import LabelTable
from progan.assemble.sampling.packers import packer_for
from progan.assemble.sampling.pump import Draw, Keep, Pump
from progan.assemble.sampling.settings import settings_for
from progan.assemble.sampling.sinks import NOTE, open_sink
from progan.assemble.writing.containers import MADE_HERE
from progan.core import distributed
from progan.core.errors import CheckpointError, ConfigError, RoomError, TrainingError
from progan.core.grids import png_bytes, to_picture
from progan.core.launch import LostError
from progan.core.plan import Size, height_width
from progan.core.system import Samples
from progan.engine.backends import Backend
from progan.engine.choice import Choice
from progan.engine.preview import draw_seeds
from progan.engine.stop import StopOnSignals

__all__ = ["MOST", "Streamed", "help_out", "stream"]

MOST = 10**9
"""Pictures at a time."""
FASTER = 1
"""How hard zlib tries."""
PACKERS = 4
"""Threads that pack, at most."""


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


@dataclass(frozen=True, kw_only=True)
class Order:
    """What the processes make together."""

    settings: Settings
    """The model, and how a picture is made with it; its seeds say nothing here."""
    checkpoint: Path
    path: Path
    images: int
    backend: str
    threads: int
    """Of each process that computes on a CPU."""


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
    of them were just made; `stop` is asked before each block. The first of several processes calls
    this, and the others `help_out`.

    Raises ConfigError for words that do not fit, RoomError when the disk is full: a folder then
    keeps what it has. TrainingError when another process is lost.
    """
    if not 1 <= images <= MOST:
        raise ConfigError(f"n is {images}; it must be from 1 to {MOST:,}: --n 50000")
    asked = model.asked(label, images)
    settings = settings_for(model, seeds=[0], truncation=truncation, labels=label)
    model.latents(0, truncation)  # refuses a truncation that is none
    model = model.standing(truncation)
    about = {
        **{"model": settings.model, "weights": settings.weights, "backend": backend},
        **{"resolution": _plain(settings.resolution), "alpha": settings.alpha},
        **{
            "truncation": truncation,
            "labels": None if asked is None else [plain(one) for one in asked],
        },
        **({} if settings.z_std is None else {"z_std": settings.z_std}),
    }

    shape = (*height_width(settings.resolution), model.channels)
    labels = _labels_of(model, truncation, asked)
    with closing(open_sink(path, images, shape, about, labels)) as sink:
        threads = distributed.share_cores()
        each = -(-images // distributed.world())
        choice = choose_for(model, each, backend or sink.backend)
        chosen(choice)
        began = time.monotonic()
        order = Order(
            settings=settings,
            checkpoint=model.path.resolve(),
            path=path.absolute(),
            images=images,
            backend=choice.backend.name,
            threads=threads,
        )

        def begin() -> Order:
            sink.begin(
                {
                    **about,
                    **{"backend": choice.backend.name, "images": images},
                    **{"run": settings.run, "trained_images": settings.images},
                    **{"class_names": list(model.class_names)},
                }
            )
            return order

        with _pump(order, path, choice.backend, sink.keep) as pump:
            distributed.first(begin)
            make = _maker(order, model, choice.backend)
            pump.run(make, stop, lambda there, made: progress(there, made, images))
            if pump.there == images:
                distributed.first(sink.finish)
    return Streamed(
        path=path,
        width=shape[1],
        height=shape[0],
        there=pump.there,
        made=pump.made,
        seconds=time.monotonic() - began,
        choice=choice,
        stopped=pump.there < images,
    )


def _labels_of(
    model: Model, truncation: float | None, asked: Sequence[Asked] | None
) -> LabelTable | None:
    """The labels that pictures are drawn with, from their latents; None without labels."""
    words, system = model.words, model.system
    if not words.classes and not words.names:
        return None
    assert isinstance(system, Samples)
    (field,) = (field for field in system.latent_fields if field.role == "class")

    def drawn(seeds: range) -> NDArray[Any]:
        latents = draw_seeds(system, seeds, truncation)
        if asked is not None:
            latents = told(system.latent_fields, latents, list(asked) * len(seeds), system)
        found = latents[field.name].numpy()
        return words.in_units(found.reshape(len(seeds), -1)) if words.names else found

    return LabelTable(of=drawn, names=words.names)


def help_out(device: str = "auto") -> int:
    """Make a share of what the first process is asked for, as another one; the exit code.

    That is 0, or what a signal to this process says.

    Raises ConfigError where this process has another kind of device, does not find the folder to
    write to or cannot have the backend, CheckpointError where it finds another model.
    """
    order = distributed.first(_told)
    torch.set_num_threads(order.threads)
    model = _same_model(order, device)
    if not order.path.suffix and not (order.path / NOTE).is_file():
        raise ConfigError(
            f"Process {distributed.rank()} does not find {order.path}, which process 0 has made. "
            "All machines need the same folder to write to: progan sample RUN /shared/FOLDER"
        )
    backend = choose_for(model, order.images, order.backend).backend
    stop = StopOnSignals()
    with stop, _pump(order, order.path, backend, _nothing) as pump:
        pump.run(_maker(order, model, backend), stop, _nothing)
        if pump.there == order.images:
            distributed.first(_nothing)
    return stop.exit_code if stop() and pump.there < order.images else 0


def _told() -> Order:
    raise AssertionError("the first process tells")


def _nothing(*told: object) -> None:
    """What the first process does, and the others do not."""


def _same_model(order: Order, device: str) -> Model:
    """The model that the first process has, here."""
    settings, rank = order.settings, distributed.rank()
    model = load(order.checkpoint, weights=settings.weights, device=device)
    if model.device.type != settings.device:
        raise ConfigError(
            f"Process {rank} has {model.device.type} where process 0 has {settings.device}; all "
            "processes compute on one kind of device: --device cpu"
        )
    if model.identity != settings.model:
        raise CheckpointError(
            f"Process {rank} finds another model at {order.checkpoint} than process 0. All "
            "machines need the same folder of runs."
        )
    view = model.at(settings.resolution, settings.alpha).with_std(settings.z_std)
    return view.standing(settings.truncation)


def _maker(order: Order, model: Model, backend: Backend) -> Draw:
    settings = order.settings
    return lambda seeds: draw(model, backend, seeds, settings.truncation, settings.labels)


@contextmanager
def _pump(order: Order, path: Path, backend: Backend, keep: Keep) -> Iterator[Pump]:
    """A pump for what is ordered. What goes wrong with it is told with the way on."""

    def encode(seed: int, picture: Frame) -> bytes:
        notes = {"Software": MADE_HERE.decode()}
        if backend.name == EXACT:  # what `--like` can promise to make again
            notes |= to_note(replace(order.settings, seeds=str(seed)))
        return png_bytes(to_picture(picture), notes, level=FASTER)

    with ThreadPoolExecutor(min(PACKERS, distributed.own_cores())) as workers:
        pump = Pump(packer_for(path, encode), keep, order.images, backend.batch, workers)
        try:
            yield pump
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise _full(path, pump.there, order.images) from error
            raise
        except LostError as error:
            raise _lost(error, path, order.images) from error
        finally:
            workers.shutdown(cancel_futures=True)


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


def _lost(error: LostError, path: Path, images: int) -> TrainingError:
    again = f"progan sample RUN {shlex.quote(str(path))} --n {images}"
    if path.suffix:
        return TrainingError(f"{error} {path} was given up. Again: {again}")
    return TrainingError(
        f"{error} {path} keeps the pictures that are there. Go on, with as many processes or one: "
        f"{again}"
    )
