"""Features of real pictures, kept beside the data cache so that no other run extracts them again.

    RUNS/.data/features/KEY-00000.safetensors     4,096 pictures, or the first of them
    RUNS/.data/features/KEY-00001.safetensors     … the next

The key is of all that the features are a function of: the pictures (fingerprint of their pyramid),
their side, whether they are mirrored, the order they are numbered in, and the extractor's name,
weights and resize. It stands in every file and is compared when one is read, as is the checksum of
its bytes (`progan.engine.checkpoint`). A damaged file is told, removed and made anew.

All files together take `LIMIT` bytes at most: those that were not read for the longest time go.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from progan.core.errors import CheckpointError, RoomError
from progan.engine.checkpoint import load_checkpoint, save_checkpoint

__all__ = ["LIMIT", "FeatureCache"]

LIMIT = 4 * 2**30
"""Bytes of all files of a folder."""
KIND = "features of real pictures"
ORDER = "fixed shuffle 1"
"""Which picture has which number; to be changed when `Loader.real` numbers them otherwise."""


class FeatureCache:
    """The kept features of one set of pictures by one extractor; `told` says what went wrong."""

    def __init__(
        self,
        folder: Path,
        *,
        fingerprint: str,
        resolution: int,
        mirror: bool,
        record: Mapping[str, str],
        limit: int = LIMIT,
    ) -> None:
        self.folder, self.limit = folder, limit
        self.facts: dict[str, Any] = {
            "kind": KIND,
            "pictures": fingerprint,
            "resolution": resolution,
            "mirror": mirror,
            "order": ORDER,
            **{name: record[name] for name in ("extractor", "weights", "resize")},
        }
        text = json.dumps(self.facts, sort_keys=True)
        self.key = hashlib.sha256(text.encode()).hexdigest()[:20]
        self.told: list[str] = []

    def load(self, piece: int) -> tuple[NDArray[Any], NDArray[Any]] | None:
        """Features and log probabilities of the first rows of a piece; None where none are kept."""
        path = self._path(piece)
        if not path.is_file():
            return None
        try:
            tensors, meta = load_checkpoint(path)
            features, logs = tensors["features"], tensors["log_probabilities"]
            if {name: meta.get(name) for name in self.facts} != self.facts:
                raise CheckpointError(f"{path} holds features of something else.")
            if features.ndim != 2 or logs.ndim != 2 or len(features) != len(logs):
                raise CheckpointError(f"{path} holds other shapes than it must.")
        except (CheckpointError, KeyError) as error:
            reason = str(error).rstrip(".") if isinstance(error, CheckpointError) else str(path)
            self.told.append(f"{reason}; its features are extracted again.")
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # what is read stays longest
        return features.numpy(), logs.numpy()

    def save(self, piece: int, features: NDArray[Any], log_probabilities: NDArray[Any]) -> None:
        """Keep the first rows of a piece; without room for them, tell so and go on."""
        path = self._path(piece)
        tensors = {
            "features": torch.from_numpy(features),
            "log_probabilities": torch.from_numpy(log_probabilities),
        }
        size = features.nbytes + log_probabilities.nbytes
        if size > self.limit:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._make_room(size, path)
            save_checkpoint(path, tensors, self.facts)
        except (RoomError, OSError) as error:
            cause = error.__cause__ if isinstance(error, RoomError) else error
            reason = getattr(cause, "strerror", None) or "no room"
            line = f"Features of real pictures could not be kept in {self.folder} ({reason})."
            self.told += [line] if line not in self.told else []

    def _path(self, piece: int) -> Path:
        return self.folder / f"{self.key}-{piece:05d}.safetensors"

    def _make_room(self, size: int, path: Path) -> None:
        """Remove the files that were read longest ago, until `size` more bytes may come."""
        there = []
        for other in self.folder.glob("*.safetensors"):
            with contextlib.suppress(OSError):
                found = other.stat()
                there.append((other != path, found.st_mtime_ns, found.st_size, other))
        total = sum(bytes_ for _, _, bytes_, _ in there)
        for _, _, bytes_, other in sorted(there):  # what is to be replaced goes first
            if total + size <= self.limit:
                return
            if other != path:
                with contextlib.suppress(OSError):
                    other.unlink()
            total -= bytes_
