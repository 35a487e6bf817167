"""The work folder of a build: finished jobs, a journal, and the store that grows out of them.

Everything happens in `<to>.tmp`, which is renamed to `<to>` when it is whole:

    plan.json         whose work this is
    job-000000.bin    pixels of a finished job, every resolution
    job-000000.json   its record; its presence means that the pixels are whole
    joined.json       how many jobs have been appended to the store's files
    and the files of the store
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from progan.core.errors import DataError, RoomError
from progan.core.faults import Faults
from progan.core.text import identity_of
from progan.data.captions import packed
from progan.data.crew import Decoded, Job
from progan.data.disk import read_json, replace, settle, size_text
from progan.data.manifest import Manifest, file_name, sha256_of
from progan.data.task import Record, Task

__all__ = ["Writer"]


class Writer:
    """Writes one store; a new writer goes on where a killed one stopped."""

    def __init__(
        self,
        task: Task,
        to: Path,
        file_bytes: int,
        faults: Faults,
        encoding: Callable[[int, int], None] | None = None,
    ) -> None:
        """`encoding` is told how many of all captions have become vectors."""
        self.encoding = encoding
        self.task, self.to, self.faults = task, to, faults
        self.file_bytes, self.key = file_bytes, task.key()
        self.tmp = to.with_name(to.name + ".tmp")

    def begin(self) -> bool:
        """Make the work folder, or take up one left behind; True when only its name is missing.

        Raises: DataError when something else is in the way, RoomError when the disk is too small.
        """
        jobs = self.task.jobs()
        sizes = {"jobs": len(jobs), "job": len(jobs[0].indices), "file_bytes": self.file_bytes}
        plan = {"key": self.key, **sizes}
        if self.tmp.exists():
            done = read_json(self.tmp / "manifest.json")
            if done is not None and done.get("key") == self.key:
                return True
            begun = read_json(self.tmp / "plan.json")
            if begun is None and done is None and any(self.tmp.iterdir()):
                raise DataError(
                    f"{self.tmp} is in the way and was not made by progan. Move it, or give "
                    f"another folder: --to {self.to}-2"
                )
            if begun != plan:
                self.discard()
        self.tmp.mkdir(exist_ok=True)
        self._check_room()
        self._write("plan.json", json.dumps(plan).encode())
        return False

    def finished(self, jobs: Sequence[Job]) -> dict[int, Record]:
        """Records of the jobs that a killed build had finished, by number."""
        joined, found = self._joined(), {}
        for job in jobs:
            record = Record.read(self._job(job.number, "json"))
            if record is None or not set(record.used) <= set(job.indices):
                continue
            if job.number >= joined:
                pixels = self._job(job.number, "bin")
                if not pixels.exists() or sha256_of(pixels) != record.sha256:
                    continue
            found[job.number] = record
        return found

    def keep(self, result: Decoded) -> Record:
        """Write a finished job: pixels first, then the record that vouches for them."""
        pixels = b"".join(result.pixels[r].tobytes() for r in sorted(result.pixels))
        record = Record.of(result, hashlib.sha256(pixels).hexdigest())
        self._write(self._job(record.number, "bin").name, pixels)
        self._write(self._job(record.number, "json").name, record.json())
        return record

    def join(self, records: Sequence[Record]) -> None:
        """Append the jobs, in order, to the files of the store."""
        channels, first = self.task.channels(records), self._joined()
        place = sum(len(record.used) for record in records[:first])
        for r in self.task.sides:
            self._cut(r, channels, place)
        for record in records[first:]:
            self._append(record, channels, place)
            place += len(record.used)
            self._write("joined.json", json.dumps({"jobs": record.number + 1}).encode())
            self._job(record.number, "bin").unlink(missing_ok=True)
            self.faults.reach("joined", place)

    def close(self, records: Sequence[Record]) -> None:
        """Write labels, report and manifest; the store is then whole but for its name."""
        channels, report = self.task.channels(records), self.task.report(records)
        labels = self.task.labels(records)
        self._write("report.json", report.json())
        if labels.classes:
            self._write("labels.i32", labels.values.astype("<i4").tobytes())
        elif labels.columns:
            self._write("labels.f32", labels.values.astype("<f4").tobytes())
        captions = packed(self.task.texts(records))
        if captions:
            self._write("captions.txt", captions)
        vectors = self.task.vectors(records, self.encoding)
        if vectors is not None:
            self._write("vectors.f32", vectors.astype("<f4").tobytes())
        manifest = Manifest(
            key=self.key,
            source=report.source,
            channels=channels,
            count=report.used,
            classes=labels.classes,
            label_kind=labels.kind,
            columns=labels.columns,
            captions=len(captions),
            vectors=0 if vectors is None else len(vectors),
            vector_width=0 if vectors is None else vectors.shape[1],
            encoder="" if self.task.encoder is None else identity_of(self.task.encoder),
            pictures_per_file={r: self._per_file(r, channels) for r in self.task.sides},
            sha256={},
            whole=self.task.whole,
        )
        for name in [*manifest.sizes(), "report.json"]:
            manifest.sha256[name] = sha256_of(self.tmp / name)
        self._write("manifest.json", manifest.json())
        self.faults.reach("manifest", report.used)

    def finish(self) -> None:
        """Remove the journal, and give the store its name."""
        for pattern in ("job-*", "joined.json", "plan.json", ".*.part"):
            for path in self.tmp.glob(pattern):
                path.unlink(missing_ok=True)
        settle(self.tmp)
        self.faults.reach("rename", 0)
        os.rename(self.tmp, self.to)
        settle(self.to.parent)

    def discard(self) -> None:
        """Remove the work folder, which is ours."""
        shutil.rmtree(self.tmp)

    def _check_room(self) -> None:
        free = shutil.disk_usage(self.tmp).free
        with os.scandir(self.tmp) as entries:
            there = sum(entry.stat().st_size for entry in entries)
        needed, side = self.task.bytes_needed(), self.task.frame.resolution
        if free + there < needed:
            raise RoomError(
                f"{self.to.parent} has {size_text(free)} free; {len(self.task.indices):,} pictures "
                f"at {side} pixels need up to {size_text(needed)}. Free some room, or choose less: "
                f"--resolution {max(4, side // 2)}"
            )

    def _joined(self) -> int:
        journal = read_json(self.tmp / "joined.json")
        return int(journal["jobs"]) if journal else 0

    def _append(self, record: Record, channels: int, place: int) -> None:
        n, start = len(record.used), 0
        if not n:
            return
        flat = np.fromfile(self._job(record.number, "bin"), np.uint8)
        for r in self.task.sides:
            size = n * record.channels * r * r
            pixels = flat[start : start + size].reshape(n, record.channels, r, r)
            start += size
            if record.channels != channels:
                pixels = np.repeat(pixels, channels, axis=1)
            per_file, done = self._per_file(r, channels), 0
            while done < n:
                number, row = divmod(place + done, per_file)
                some = pixels[done : done + per_file - row]
                path = self.tmp / file_name(r, number)
                self.faults.write(path)
                with path.open("ab") as file:
                    file.write(some.data)
                    file.flush()
                    os.fsync(file.fileno())
                done += len(some)

    def _cut(self, r: int, channels: int, place: int) -> None:
        """Cut off what a killed join had appended beyond its journal."""
        per_file, size = self._per_file(r, channels), channels * r * r
        for path in self.tmp.glob(f"r{r:04d}-*.u8"):
            before = int(path.stem.split("-")[1]) * per_file
            whole = min(per_file, max(0, place - before)) * size
            os.truncate(path, min(whole, path.stat().st_size))
            if not whole:
                path.unlink()

    def _per_file(self, r: int, channels: int) -> int:
        return max(1, self.file_bytes // (channels * r * r))

    def _job(self, number: int, ending: str) -> Path:
        return self.tmp / f"job-{number:06d}.{ending}"

    def _write(self, name: str, data: bytes) -> None:
        self.faults.write(self.tmp / name)
        replace(self.tmp / name, data)
