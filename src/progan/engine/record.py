"""The run folder: taken by mkdir, locked by its trainer, never overwritten.

Lines of `metrics.jsonl` and `quality.jsonl`, and pictures, are functions of recipe and seed
alone; what depends on a clock stands in `timing.jsonl`.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import json
import os
import re
import socket
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from progan.core.errors import ConfigError, DataError, RoomError
from progan.core.faults import Faults
from progan.core.words import typed
from progan.engine.checkpoint import write_atomically

__all__ = ["LINES", "Onlooker", "RunFolder"]

LINES = ("metrics.jsonl", "timing.jsonl", "quality.jsonl")
"""Line files that are cut back to the checkpoint when a run goes on."""


class RunFolder:
    """One run's files."""

    def __init__(self, path: Path, faults: Faults | None = None) -> None:
        self.path = path
        self.faults = faults or Faults()
        self._release: Callable[[], object] | None = None

    @classmethod
    def create(cls, runs: Path, name: str, faults: Faults | None = None) -> RunFolder:
        """Take `runs/name`, or `runs/name-2`, … when there is one.

        Taking is a mkdir: two runs started at once get two folders.
        """
        name = re.sub(r"[/\x00-\x1f]", "_", name).strip(". ") or "run"
        try:
            runs.mkdir(parents=True, exist_ok=True)
            number = 1
            while True:
                path = runs / (name if number == 1 else f"{name}-{number}")
                try:
                    path.mkdir()
                except FileExistsError:
                    number += 1
                    continue
                break
            for inner in ("pictures", "checkpoints"):
                (path / inner).mkdir()
        except OSError as error:
            raise RoomError(
                f"Cannot make a run folder in {runs}: {error.strerror or error}. "
                "Choose another place: --runs FOLDER"
            ) from error
        folder = cls(path, faults)
        folder.lock()
        return folder

    @classmethod
    def open(cls, path: Path, faults: Faults | None = None) -> RunFolder:
        """Open a run that exists."""
        if not path.is_dir():
            raise ConfigError(f"There is no run at {path}. Runs made so far: ls {path.parent}")
        if not (path / "recipe.lock.yaml").is_file():
            raise ConfigError(
                f"{path} is not a run folder: it has no recipe.lock.yaml. "
                "Name a folder that progan train made."
            )
        return cls(path, faults)

    def lock(self) -> None:
        """Become the run's only trainer, until `unlock` or the end of the process."""
        try:
            lock = os.open(self.path / "owner.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise RoomError(
                f"Cannot write in {self.path}: {error.strerror or error}. "
                f"Give yourself the right to, then: {typed('progan', 'resume', self.path)}"
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.read(lock, 200).decode(errors="replace").strip() or "another process"
            os.close(lock)
            raise ConfigError(
                f"{self.path} is being trained by {owner}. Watch it: "
                f"{typed('progan', 'report', self.path)}  "
                f"A second run: {typed('--name', self.path.name + '-b')}"
            ) from error
        now = datetime.datetime.now().strftime("%H:%M")
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"process {os.getpid()} on {socket.gethostname()} since {now}".encode(), 0)
        self._release = weakref.finalize(self, os.close, lock)

    def unlock(self) -> None:
        """Let somebody else train here."""
        if self._release is not None:
            self._release()
            self._release = None

    @property
    def checkpoints(self) -> Path:
        """Where checkpoints are."""
        return self.path / "checkpoints"

    @property
    def pictures(self) -> Path:
        """Where snapshots are."""
        return self.path / "pictures"

    def write(self, name: str, content: bytes | str) -> Path:
        """Write a whole file, atomically."""
        path = self.path / name
        write_atomically(
            path, content.encode() if isinstance(content, str) else content, self.faults
        )
        return path

    def write_json(self, name: str, value: object) -> Path:
        """Write a whole JSON file, atomically."""
        return self.write(name, json.dumps(value, indent=2, ensure_ascii=False) + "\n")

    def append(self, name: str, record: Mapping[str, object]) -> None:
        """Add one line to a `.jsonl` file."""
        self._append(name, json.dumps(record, ensure_ascii=False) + "\n")

    def log(self, text: str) -> None:
        """Add a line, with the time of day, to log.txt."""
        now = datetime.datetime.now().isoformat(sep=" ", timespec="seconds")
        self._append("log.txt", f"{now}  {text}\n")

    def decide(self, images: int, kind: str, text: str, **more: object) -> None:
        """Write down a decision and its reason."""
        self.append("decisions.jsonl", {"images": images, "kind": kind, "text": text, **more})
        self.log(text)

    def _append(self, name: str, line: str) -> None:
        path = self.path / name
        try:
            self.faults.write(path)
            # No O_CREAT in a folder that vanished: an error, never a silent success.
            with path.open("a", encoding="utf-8") as file:
                file.write(line)
        except OSError as error:
            raise RoomError(
                f"Cannot write {path}: {error.strerror or error}. Earlier saves are intact. "
                f"Mend it, then: {typed('progan', 'resume', self.path)}"
            ) from error

    def read_lines(self, name: str) -> list[dict[str, Any]]:
        """Whole lines of a `.jsonl` file; one cut short by a kill is passed over."""
        records = []
        try:
            text = (self.path / name).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return []
        for line in text.splitlines():
            with contextlib.suppress(ValueError):
                record = json.loads(line)
                if isinstance(record, dict):
                    records.append(record)
        return records

    def cut_back(self, images: int) -> None:
        """Drop lines and pictures from after `images`: they will be made again, the same."""
        for name in LINES:
            records = self.read_lines(name)
            kept = [record for record in records if record.get("images", 0) <= images]
            if records or (self.path / name).exists():
                lines = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in kept)
                self.write(name, lines)
        for picture in self.pictures.glob("[0-9]*.png"):
            if int(picture.name.split("_")[0]) > images:
                picture.unlink()

    def read_json(self, name: str) -> dict[str, Any]:
        """A JSON file of the run."""
        path = self.path / name
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(
                f"{path} cannot be read ({error}). It is made again by: "
                f"{typed('progan', 'resume', self.path)}"
            ) from error
        if not isinstance(value, dict):
            raise DataError(f"{path} does not hold a JSON object.")
        return value


class Onlooker(RunFolder):
    """A run's folder for a process that is not the first: whatever it writes is dropped."""

    def lock(self) -> None:
        """Nothing: the first process holds the lock."""

    def write(self, name: str, content: bytes | str) -> Path:
        """Where the first process writes it."""
        return self.path / name

    def cut_back(self, images: int) -> None:
        """Nothing: the first process does it."""

    def _append(self, name: str, line: str) -> None:
        pass
