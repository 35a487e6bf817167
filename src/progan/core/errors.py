"""Errors a user can cause or mend: each says what came, what must hold, what to do.

The command line prints the message alone, without a traceback, and exits with `exit_code`.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "CheckpointError",
    "ConfigError",
    "DataError",
    "ProganError",
    "RoomError",
    "TrainingError",
    "is_out_of_memory",
]

_NO_MEMORY = (
    *("out of memory", "can't allocate memory", "not enough memory", "bad_alloc"),
    *("ALLOC_FAILED", "could not create a primitive", "could not create a memory object"),
)
"""What torch, CUDA's libraries and oneDNN say when memory runs out."""


class ProganError(Exception):
    """Base of every error whose message is meant for the user."""

    exit_code: ClassVar[int] = 1


class ConfigError(ProganError):
    """Words on the command line, or a recipe, that cannot be understood."""

    exit_code = 2


class DataError(ProganError):
    """Pictures, archives or caches that cannot be used."""

    exit_code = 3


class CheckpointError(ProganError):
    """A checkpoint that is damaged, missing, or belongs to something else."""

    exit_code = 4


class RoomError(ProganError):
    """No room: disk, memory, or permission."""

    exit_code = 5


class TrainingError(ProganError):
    """Training failed and could not be repaired."""

    exit_code = 6


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` says that memory ran out: on a device, in torch's allocator, or in Python."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error)
    unknown = "primitive descriptor" in text  # oneDNN has no such operation
    return (
        isinstance(error, RuntimeError) and not unknown and any(sign in text for sign in _NO_MEMORY)
    )
