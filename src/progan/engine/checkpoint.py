"""Checkpoints: one safetensors file, a checksum of our own, committed by a rename.

    tensors        by name, as `Trainer.state` gives them
    header         `progan`: JSON with the format version, counters and whatever the run adds
                   `sha256`: over that JSON and every tensor's name, type, shape and bytes

The file is written beside its final name, flushed to the disk and renamed: it exists whole or
not at all. Nothing in it is ever executed. Neither torch nor safetensors notices a changed value,
so the checksum is our own.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from progan.core.errors import CheckpointError, RoomError
from progan.core.faults import Faults
from progan.core.words import typed

__all__ = [
    "FORMAT",
    "checkpoints",
    "load_checkpoint",
    "newest_valid",
    "read_checksum",
    "read_header",
    "remove_leftovers",
    "save_checkpoint",
    "write_atomically",
]

FORMAT = 1
"""Version of the format; a reader refuses newer ones."""

_LARGEST_HEADER = 64 * 2**20
_ITEM = {  # bytes per value, for the types we write
    torch.float32: 4,
    torch.float64: 8,
    torch.bfloat16: 2,
    torch.float16: 2,
    torch.int64: 8,
    torch.int32: 4,
    torch.uint8: 1,
    torch.bool: 1,
}


def _digest(tensors: Mapping[str, Tensor], text: str) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        if tensor.numel():
            digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def write_atomically(path: Path, content: bytes, faults: Faults | None = None) -> None:
    """Write `content` to `path` so that it is there whole or not at all.

    Raises RoomError when the disk is full or the folder cannot be written; whatever stood at
    `path` before is then intact.
    """
    faults = faults or Faults()
    temporary = path.with_name(f".{path.name}.tmp-{os.getpid()}")
    try:
        faults.write(temporary)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            faults.write(temporary)
            os.fsync(file.fileno())
        faults.write(path)
        temporary.replace(path)
        faults.write(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise _room(path, len(content), error) from error


def _room(path: Path, size: int, error: OSError) -> RoomError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        free = _free_bytes(path.parent)
        return RoomError(
            f"Disk full while writing {path.name} (needs {_megabytes(size)}, "
            f"{_megabytes(free)} free). Earlier saves are intact. Make room, then: "
            f"{typed('progan', 'resume', _run_of(path))}"
        )
    return RoomError(
        f"Cannot write {path}: {error.strerror or error}. Nothing was saved there; earlier saves "
        f"are intact if the folder is. Mend it, then: {typed('progan', 'resume', _run_of(path))}"
    )


def _run_of(path: Path) -> Path:
    return path.parent.parent if path.parent.name in ("checkpoints", "model") else path.parent


def _free_bytes(folder: Path) -> int:
    try:
        stats = os.statvfs(folder)
    except OSError:
        return 0
    return stats.f_bavail * stats.f_frsize


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB" if size >= 1e6 else f"{size / 1e3:,.0f} kB"


def save_checkpoint(
    path: Path,
    tensors: Mapping[str, Tensor],
    meta: Mapping[str, Any],
    faults: Faults | None = None,
) -> None:
    """Commit `tensors` and `meta` to `path`."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps({"format": FORMAT, **meta}, sort_keys=True, ensure_ascii=True)
    header = {"progan": text, "sha256": _digest(plain, text)}
    write_atomically(path, save(_apart(plain), metadata=header), faults)


def _apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors that share memory are written once per name: the format knows no sharing."""
    seen: set[int] = set()
    apart = {}
    for name, tensor in tensors.items():
        start = tensor.untyped_storage().data_ptr()
        apart[name] = tensor.clone() if start in seen else tensor
        seen.add(start)
    return apart


def _refuse(path: Path, reason: str) -> CheckpointError:
    return CheckpointError(f"{path} is damaged ({reason}).")


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[Any]:
    """Open a safetensors file; every complaint of the reader becomes a CheckpointError."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(size - 8, _LARGEST_HEADER):
            raise _refuse(path, "not a safetensors file, or cut short")
        with safe_open(path, framework="pt") as file:
            yield file
    except (SafetensorError, ValueError, KeyError, RuntimeError, UnicodeDecodeError) as error:
        raise _refuse(path, " ".join(str(error).split())[:200]) from error
    except OSError as error:
        raise CheckpointError(f"Cannot read {path}: {error.strerror or error}.") from error


def _meta(path: Path, metadata: Mapping[str, str] | None) -> tuple[dict[str, Any], str, str]:
    if not metadata or "progan" not in metadata or "sha256" not in metadata:
        raise CheckpointError(f"{path} was not written by progan: it has no progan header.")
    text = metadata["progan"]
    try:
        meta = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refuse(path, "header is not JSON") from error
    if not isinstance(meta, dict) or not isinstance(meta.get("format"), int):
        raise _refuse(path, "header has no format version")
    if meta["format"] > FORMAT:
        raise CheckpointError(
            f"{path} has format {meta['format']}; this progan reads up to {FORMAT}. "
            "Upgrade: pip install --upgrade progan"
        )
    return meta, text, metadata["sha256"]


def read_header(path: Path) -> dict[str, Any]:
    """The JSON of a checkpoint, without its tensors and without checking them."""
    with _reading(path) as file:
        return _meta(path, file.metadata())[0]


def read_checksum(path: Path) -> str:
    """The SHA-256 that a checkpoint gives itself, without checking it."""
    with _reading(path) as file:
        return _meta(path, file.metadata())[2]


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a checkpoint and check every byte of it.

    Raises CheckpointError when anything is damaged, foreign, or from a newer version.
    """
    with _reading(path) as file:
        meta, text, expected = _meta(path, file.metadata())
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    for name, tensor in tensors.items():
        if tensor.dtype not in _ITEM:
            raise _refuse(path, f"{name} has type {tensor.dtype}")
    if _digest(tensors, text) != expected:
        raise _refuse(path, "checksum")
    return tensors, meta


def checkpoints(folder: Path) -> list[Path]:
    """Checkpoints of a run, oldest first; names begin with the image count."""
    return sorted(path for path in folder.glob("*.safetensors") if path.name[:1].isdigit())


def newest_valid(
    folder: Path, *, healthy: bool = False
) -> tuple[Path, dict[str, Tensor], dict[str, Any], list[str]]:
    """The newest checkpoint that is whole, and a line for each damaged one that was passed over.

    With `healthy`, only those saved while training was sound.
    """
    passed: list[str] = []
    for path in reversed(checkpoints(folder)):
        try:
            tensors, meta = load_checkpoint(path)
        except CheckpointError as error:
            passed.append(str(error))
            continue
        if healthy and not meta.get("healthy", True):
            continue
        return path, tensors, meta, passed
    detail = " ".join(passed)
    raise CheckpointError(
        f"{folder} holds no checkpoint that can be used. {detail}".strip()
        + " Start again with progan train."
    )


def remove_leftovers(folder: Path) -> None:
    """Delete temporary files that a killed process left behind."""
    for path in folder.glob(".*.tmp-*"):
        with contextlib.suppress(OSError):
            path.unlink()
