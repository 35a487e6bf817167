"""The public weights of FID's Inception: the file a user gives, or the usual public places.

Looked for, in this order: the file that is named, the one in the environment variable
PROGAN_INCEPTION, and `extractors/inception-2015-12-05.safetensors`, which
`progan metrics get-inception` makes. Nothing is downloaded unless that is asked for.

Source: pt_inception-2015-12-05-6726825d.pth of pytorch-fid and
        weights-inception-2015-12-05-6726825d.pth of torch-fidelity are the same bytes: the weights
        of the TensorFlow graph inception-2015-12-05 (Apache-2.0), converted.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any
from urllib.request import urlopen

from torch import Tensor

from progan.core.errors import CheckpointError, ConfigError, DataError
from progan.engine.checkpoint import load_checkpoint, save_checkpoint
from progan.extractors.weights import Known, check_bytes, read_known, room_for, tensors_in

__all__ = ["FILE", "PUBLIC", "URLS", "VARIABLE", "download", "find", "keep", "read"]

VARIABLE = "PROGAN_INCEPTION"
FILE = "inception-2015-12-05.safetensors"
KIND = "inception-2015-12-05"
WAY = "Get it: progan metrics get-inception --download, or --from FILE if you have it."
PUBLIC = Known(
    title="the public file of FID's Inception (pt_inception-2015-12-05-6726825d.pth)",
    size=95_628_359,
    sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
    way=WAY,
)
URLS = (
    "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
    "pt_inception-2015-12-05-6726825d.pth",
    "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/"
    "weights-inception-2015-12-05-6726825d.pth",
)
PIECE = 2**20
SECONDS = 30
"""Without a byte, after which a place is given up."""


def find(given: Path | None, folder: Path) -> Path:
    """The file of weights to use.

    Raises: ConfigError where there is none.
    """
    named = given or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    path = named.expanduser() if named else folder / FILE
    if not path.is_file():
        where = f"{path} is not there" if named else f"neither {VARIABLE} nor {path} is there"
        raise ConfigError(f"the weights of FID's Inception are missing: {where}. {WAY}")
    return path


def read(path: Path) -> tuple[dict[str, Tensor], str]:
    """Weights by name, and the checksum of the public file they come from.

    `path` is the public file, or what `keep` made of it.

    Raises: DataError for another file, CheckpointError for a damaged one.
    """
    if path.suffix != ".safetensors":
        return read_known(path, PUBLIC), PUBLIC.sha256
    tensors, meta = load_checkpoint(path)
    if meta.get("kind") != KIND or meta.get("sha256") != PUBLIC.sha256:
        raise CheckpointError(f"{path} does not hold the weights of FID's Inception. {WAY}")
    return tensors, PUBLIC.sha256


def keep(path: Path, to: Path) -> None:
    """Read the public file once, and keep its tensors in a checked file without a pickle.

    Raises: DataError for another file, RoomError when `to` cannot be written.
    """
    _save(read_known(path, PUBLIC), to)


def download(
    to: Path,
    *,
    urls: Sequence[str] = URLS,
    opened: Callable[..., IO[bytes]] | None = None,
    heard: Callable[[int], None] | None = None,
) -> str:
    """Fetch the public file, compare its checksum, keep its tensors at `to`; the place it was at.

    `heard` is told the bytes that have come.

    Raises: DataError when no place has it, RoomError when `to` cannot be written.
    """
    said = []
    for url in urls:
        try:
            content = _fetched((opened or urlopen)(url, timeout=SECONDS), heard)
            check_bytes(content, url, PUBLIC)
        except (OSError, HTTPException, DataError) as error:
            said.append(f"{url}: {getattr(error, 'reason', None) or error}")
            continue
        _save(tensors_in(content), to)
        return url
    raise DataError(
        "the weights of FID's Inception could not be fetched.\n"
        + "\n".join(said)
        + "\nFetch the file elsewhere, then: progan metrics get-inception --from FILE"
    )


def _fetched(answer: Any, heard: Callable[[int], None] | None) -> bytes:
    """All of an answer, but no more than the public file has, and a byte."""
    content = bytearray()
    with answer:
        while piece := answer.read(min(PIECE, PUBLIC.size + 1 - len(content))):
            content += piece
            if heard:
                heard(len(content))
    return bytes(content)


def _save(tensors: dict[str, Tensor], to: Path) -> None:
    with room_for(to):
        save_checkpoint(to, tensors, {"kind": KIND, "sha256": PUBLIC.sha256})
