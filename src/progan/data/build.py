"""From a source to a pyramid: in parallel, and going on where a killed build stopped.

    1  decode   jobs of neighbouring pictures go to child processes; each finished one is written
    2  join     the jobs are appended, in order, to the files of the store
    3  close    labels, report, checksums, manifest; then the folder gets its name

What a job holds depends on the source and the settings alone, so a build that was killed twice
and finished by another number of workers has the same bytes as one that was left in peace.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from progan.core.errors import DataError
from progan.core.faults import Faults
from progan.core.launch import cores
from progan.core.text import identity_of
from progan.data.crew import decode
from progan.data.disk import lock, read_json, replace, room
from progan.data.encoders import encoder_of
from progan.data.pyramid import Pyramid
from progan.data.report import DataReport
from progan.data.sources import open_source
from progan.data.sources.base import Source
from progan.data.sources.built import BuiltSource
from progan.data.task import Record, Task, choose_resolution, no_pictures
from progan.data.writer import Writer

if TYPE_CHECKING:
    from progan.core.config import DataSettings

__all__ = ["already_built", "build", "check", "choose_resolution", "open_or_build"]

FILE_BYTES = 2**30
"""No file of a store is longer, unless a single picture is."""

REMEMBERED = 100
"""Fingerprints kept in a cache."""

Tick = Callable[[int, int], None]
"""Called with (done, total) as pictures are read, or captions encoded."""


def build(
    source: Source,
    to: str | Path,
    settings: DataSettings,
    *,
    resolution: int | None = None,
    workers: int | None = None,
    progress: Tick | None = None,
    encoding: Tick | None = None,
    faults: Faults | None = None,
    file_bytes: int = FILE_BYTES,
) -> Pyramid:
    """Read every picture of `source` into a new store at `to`, or go on with one begun there.

    `resolution` stands in for the settings' own; without either it is chosen from the pictures.
    `progress(done, total)` counts pictures, `encoding` captions that become vectors. A store of
    the same pictures and settings that is already there is opened and returned.

    Raises: DataError when no picture can be used, or `to` holds something else; RoomError when
    the disk is full or cannot be written. What was done stays, and the next call goes on from it.
    """
    writer = Writer(
        Task(source, settings, resolution), Path(to), file_bytes, faults or Faults(), encoding
    )
    return _build(writer, workers, progress)


def _build(writer: Writer, workers: int | None, progress: Tick | None) -> Pyramid:
    task, to = writer.task, writer.to
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        with lock(to.with_name(f".{to.name}.lock")):
            if to.exists():
                return _already_there(to, writer.key)
            task.check_texts()
            if not writer.begin():
                _fill(task, writer, workers or cores(), progress)
            writer.finish()
    except OSError as error:
        raise room(error, to, task.bytes_needed()) from error
    return Pyramid.open(to)


def check(
    source: Source,
    settings: DataSettings,
    *,
    resolution: int | None = None,
    workers: int | None = None,
    progress: Tick | None = None,
) -> DataReport:
    """Decode every picture as `build` does, and only report. Nothing is written.

    Raises: DataError when there is no picture to be looked at.
    """
    task = Task(source, settings, resolution)
    task.check_texts()
    tally = _Tally(progress, len(task.indices))
    results = decode(source, task.frame, task.jobs(), workers or cores(), tally.add)
    with closing(results):
        records = [Record.of(result) for result in results]
    return task.report(sorted(records, key=lambda record: record.number))


def open_or_build(
    source: Source | str,
    settings: DataSettings,
    cache: str | Path,
    *,
    resolution: int | None = None,
    base: Path | None = None,
    workers: int | None = None,
    progress: Tick | None = None,
    encoding: Tick | None = None,
    faults: Faults | None = None,
) -> Pyramid:
    """The pyramid of a source, from the folder `cache` or built into it.

    A second call with the same pictures and settings opens what the first one built. A store that
    turns out to be damaged is built anew. `base`: where relative paths in `source` begin.

    Raises: as `build` and `open_source`.
    """
    cache = Path(cache)
    if isinstance(source, str):
        source = open_source(source, settings, base=base)
    if isinstance(source, BuiltSource) and _is_as_asked(source, settings, resolution):
        return source.pyramid
    task = Task(source, settings, resolution, _fingerprint(source, cache))
    to = _place(task, cache)
    if to.exists():
        try:
            return Pyramid.open(to)
        except DataError:
            shutil.rmtree(to)  # a copy of ours, made from pictures that are still there
    writer = Writer(task, to, FILE_BYTES, faults or Faults(), encoding)
    return _build(writer, workers, progress)


def already_built(source: Source, settings: DataSettings, cache: str | Path) -> Pyramid | None:
    """The pyramid that `open_or_build` would only have to open; None if it would have to build.

    Nothing is read but names, sizes and times of files, and a table of labels or a file of vectors
    that the settings name; nothing is written.
    """
    cache = Path(cache)
    if isinstance(source, BuiltSource) and _is_as_asked(source, settings, None):
        return source.pyramid
    known = (read_json(cache / "fingerprints.json") or {}).get(source.stamp())
    if known is None:
        return None
    try:
        return Pyramid.open(_place(Task(source, settings, None, str(known)), cache))
    except DataError:
        return None


def _place(task: Task, cache: Path) -> Path:
    """Where in a cache the store of a task lies."""
    slug = re.sub(r"[^a-z0-9]+", "-", task.source.name.lower()).strip("-")[:40] or "data"
    return cache / f"{slug}-{task.frame.resolution}-{task.key()[:12]}"


def _is_as_asked(source: BuiltSource, settings: DataSettings, resolution: int | None) -> bool:
    """Whether a built pyramid can be used where it lies, without a copy."""
    spec = source.pyramid.spec
    return (
        (resolution or settings.resolution or spec.resolution) == spec.resolution
        and settings.channels in (None, spec.channels)
        and (settings.images is None or settings.images >= spec.images)
        and _has_labels(source, settings.labels)
        and (settings.captions in ("auto", "none") or source.pyramid.captioned)
        and _has_vectors(source, settings.vectors)
    )


def _has_vectors(source: BuiltSource, asked: str) -> bool:
    """Whether its captions' vectors are those that are asked for."""
    encoder = encoder_of(asked)
    return source.pyramid.manifest.encoder == ("" if encoder is None else identity_of(encoder))


def _has_labels(source: BuiltSource, asked: str | tuple[str, ...]) -> bool:
    """Whether its labels are those that are asked for."""
    if asked == "none":
        return not source.pyramid.labelled
    names = (asked,) if isinstance(asked, str) else tuple(asked)
    return asked == "auto" or names == source.own_columns


def _fill(task: Task, writer: Writer, workers: int, progress: Tick | None) -> None:
    """Decode what is missing, then join and close."""
    jobs, tally = task.jobs(), _Tally(progress, len(task.indices))
    records = writer.finished(jobs)
    left = [job for job in jobs if job.number not in records]
    tally.add(len(task.indices) - sum(len(job.indices) for job in left))
    with closing(decode(task.source, task.frame, left, workers, tally.add)) as results:
        for result in results:
            records[result.job.number] = writer.keep(result)
            writer.faults.reach("decoded", tally.done)
    ordered = [records[number] for number in sorted(records)]
    if not any(record.used for record in ordered):
        writer.discard()
        raise no_pictures(task.source.name, len(task.indices), task.findings(ordered))
    writer.join(ordered)
    writer.close(ordered)


def _fingerprint(source: Source, cache: Path) -> str:
    """The source's fingerprint, remembered in the cache while no file's size or time changes."""
    stamp, path = source.stamp(), cache / "fingerprints.json"
    known = read_json(path) or {}
    if stamp not in known:
        known = dict(list(known.items())[-REMEMBERED:]) | {stamp: source.fingerprint()}
        try:
            cache.mkdir(parents=True, exist_ok=True)
            replace(path, json.dumps(known, indent=1).encode())
        except OSError as error:
            raise room(error, path, 2**20) from error
    return str(known[stamp])


def _already_there(to: Path, key: str) -> Pyramid:
    there = Pyramid.open(to)
    if there.manifest.key != key:
        raise DataError(
            f"{to} already holds other pictures or other settings ({there.manifest.source}, "
            f"{there.spec.resolution} pixels). Give another folder: --to {to}-2"
        )
    return there


class _Tally:
    """Counts pictures for the progress bar."""

    def __init__(self, progress: Tick | None, total: int) -> None:
        self.progress, self.total, self.done = progress, total, 0

    def add(self, n: int) -> None:
        self.done += n
        if self.progress is not None:
            self.progress(self.done, self.total)
