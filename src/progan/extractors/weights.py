"""Weights of other people: read only from the very file that is known, by its checksum.

A `.pth` file is a pickle, and pickles can run code. So the bytes are compared with the published
checksum first, and then read by torch's reader that builds nothing but tensors
(`weights_only=True`). Files of progan's own are safetensors with a checksum inside.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from progan.core.errors import DataError, RoomError

__all__ = ["Known", "check_bytes", "filled", "read_known", "room_for", "tensors_in"]

Module = TypeVar("Module", bound=nn.Module)


@dataclass(frozen=True, kw_only=True)
class Known:
    """A public file of weights."""

    title: str
    size: int
    """Bytes."""
    sha256: str
    way: str
    """How to come by it, as a sentence."""


def read_known(path: Path, known: Known) -> dict[str, Tensor]:
    """The tensors in a file that is byte for byte the public one.

    Raises: DataError for another file, or one that cannot be read.
    """
    try:
        with path.open("rb") as file:
            content = file.read(known.size + 1)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}. {known.way}") from error
    check_bytes(content, str(path), known)
    return tensors_in(content)


def tensors_in(content: bytes) -> dict[str, Tensor]:
    """The tensors in the bytes of a `.pth` file, whose checksum was compared before."""
    found = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return {name: tensor for name, tensor in found.items() if isinstance(tensor, Tensor)}


def check_bytes(content: bytes, place: str, known: Known) -> None:
    """Raise DataError unless `content` is the known file."""
    found = hashlib.sha256(content).hexdigest()
    if found == known.sha256:
        return
    size = "more" if len(content) > known.size else f"{len(content):,}"
    raise DataError(
        f"{place} is not {known.title}: it has {size} bytes with SHA-256 {found[:12]}…, and must "
        f"have {known.size:,} with {known.sha256[:12]}…. {known.way}"
    )


def filled(build: Callable[[], Module], state: Mapping[str, Tensor], title: str) -> Module:
    """The network that `build` makes, with the tensors of `state` as its weights.

    Counters of batches, which nothing here reads, may be missing.

    Raises: DataError when a name or a shape differs.
    """
    with torch.device("meta"):
        network = build()
    wanted = network.state_dict()
    counters = {name for name in wanted if name.endswith("num_batches_tracked")}
    given = {name: tensor for name, tensor in state.items() if name not in counters}
    needed = {name: tensor.shape for name, tensor in wanted.items() if name not in counters}
    wrong = sorted(
        name
        for name in {*given, *needed}
        if name not in given or name not in needed or given[name].shape != needed[name]
    )
    if wrong:
        raise DataError(
            f"these are not the weights of {title}: {len(wrong)} of {len(needed)} tensors are "
            f"missing, unknown or of another shape, first {wrong[0]}. Give the right file."
        )
    whole = {name: tensor.float().clone() for name, tensor in given.items()}
    whole |= {name: torch.zeros((), dtype=torch.int64) for name in counters}
    network.load_state_dict(whole, assign=True)
    return network


@contextmanager
def room_for(path: Path) -> Iterator[None]:
    """Make the folder of `path`; within, what keeps it from being written is told as here.

    Raises: RoomError when it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except (RoomError, OSError) as error:
        cause = error.__cause__ if isinstance(error, RoomError) else error
        reason = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
        raise RoomError(
            f"{path} could not be written ({reason}). Make room, or name another place: "
            f"--to OTHER/{path.name}"
        ) from error
