"""Where many pictures go: a folder of PNG files, a zip of them, or one array in an npz file.

Pictures come in blocks, made into what is kept of them by a `Packer`, in any order; `keep` takes
them in the order of the blocks.

A folder can be gone on with: `sample.json` says what its pictures are, each file is there whole or
not at all, and what is there is not made again. The others appear under their name when they are
whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from progan.assemble.sampling.archives import LabelTable, NpzSink, ZipSink
from progan.assemble.sampling.packers import Packed
from progan.assemble.writing.containers import MADE_HERE
from progan.assemble.writing.files import free_name, write_out
from progan.core.errors import ConfigError
from progan.core.words import typed

__all__ = ["NOTE", "FolderSink", "Sink", "open_sink"]

NOTE = "sample.json"


class Sink(Protocol):
    """Owns the file or folder that pictures go to; of several processes, the first one has it."""

    backend: str | None
    """What made the pictures that are there already."""

    def begin(self, note: Mapping[str, Any]) -> None:
        """Called once, when it is known what `note` says."""

    def keep(self, seeds: Sequence[int], packed: Packed) -> None:
        """Take what a packer made, in the order of the blocks."""

    def finish(self) -> None:
        """All pictures have been kept."""

    def close(self) -> None:
        """No more will come, finished or not; nothing half made stays."""


class FolderSink:
    """One PNG file for each seed, written by packers, and `sample.json` beside them."""

    def __init__(self, folder: Path, images: int, wanted: Mapping[str, Any]) -> None:
        self.folder = folder
        self.backend: str | None = None
        if folder.is_dir() and any(folder.iterdir()):
            self._go_on(images, wanted)

    def _go_on(self, images: int, wanted: Mapping[str, Any]) -> None:
        """Accept a folder of ours with the same pictures; refuse any other."""
        other = free_name(self.folder).name
        try:
            note = json.loads((self.folder / NOTE).read_text(encoding="utf-8"))
            ours = note["software"] == MADE_HERE.decode()
        except (OSError, ValueError, KeyError, TypeError):
            ours = False
        if not ours:
            raise ConfigError(
                f"{self.folder} exists and holds other things. Name a new folder: {other}"
            )
        for name, value in wanted.items():
            if name == "backend":
                continue
            if note.get(name) != value:
                raise ConfigError(
                    f"{self.folder} holds pictures of another {name} ({_short(note.get(name))}, "
                    f"not {_short(value)}). Name a new folder: {other}"
                )
        if wanted["backend"] not in (None, note.get("backend")):
            raise ConfigError(
                f"{self.folder} holds pictures made by {note.get('backend')}. Go on without "
                f"--backend, or name a new folder: {other}"
            )
        if int(note.get("images", 0)) > images:
            raise ConfigError(
                f"{self.folder} holds up to {note['images']:,} pictures, more than {images:,}. "
                f"Name a new folder: {other}"
            )
        self.backend = str(note.get("backend"))

    def begin(self, note: Mapping[str, Any]) -> None:
        """Make the folder and write `sample.json`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"software": MADE_HERE.decode(), **note}, indent=2) + "\n"
        write_out(self.folder / NOTE, text.encode())

    def keep(self, seeds: Sequence[int], packed: Packed) -> None:
        """They are there already."""

    def finish(self) -> None:
        """Every file is there."""

    def close(self) -> None:
        """What is there stays."""


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 24 else f"{text[:12]}…"


def open_sink(
    path: Path,
    images: int,
    shape: tuple[int, int, int],
    wanted: Mapping[str, Any],
    labels: LabelTable | None,
) -> Sink:
    """The sink for a path: .npz, .zip, or a folder if it has no ending.

    Raises ConfigError for other endings, and for what exists and is not of the same pictures.
    """
    kind = path.suffix.lower()
    if kind == ".npz":
        return NpzSink(path, images, shape, labels)
    if kind == ".zip":
        return ZipSink(path, images, shape)
    if path.exists() and not path.is_dir():
        raise ConfigError(
            f"{path} is a file. Many pictures go into a folder, a .zip or an .npz: "
            f"{typed('progan', 'sample', f'{path.stem}.npz', '--n', str(images))}"
        )
    if kind in (".png", ".jpg", ".jpeg", ".gif", ".webp", ".apng", ".mp4"):
        raise ConfigError(
            f'{images:,} pictures cannot be written as "{path.name}". Name a folder, a .zip or '
            f"an .npz: {path.stem}.npz"
        )
    return FolderSink(path, images, wanted)
