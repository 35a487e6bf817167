"""A source and settings, thought through: which pictures, in which shape, under which name."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from progan.core.errors import DataError
from progan.core.text import TextEncoder
from progan.data.captions import captions_of, different
from progan.data.crew import Decoded, Job, measure
from progan.data.disk import read_json
from progan.data.encoders import OWN, encoder_of
from progan.data.labelling import labelling_of
from progan.data.labels import NONE, Labels
from progan.data.pyramid import resolutions_to
from progan.data.records import LARGEST, SMALLEST, Finding, Frame, fitted, shown
from progan.data.report import NOTES, DataReport
from progan.data.sources.base import Digest, Source
from progan.data.sources.single import PictureSource
from progan.data.vectors import checked_rows

if TYPE_CHECKING:
    from progan.core.config import DataSettings

__all__ = ["Record", "Task", "choose_resolution", "no_pictures"]

RULES = 1
"""Version of the rules by which pictures are read; raised when the same files give other bytes."""
JOB_BYTES, JOB_PICTURES = 2**24, 512
"""A job holds no more than this at full resolution: what is lost by a kill, what a worker holds."""
ENCODED = 512
"""Captions encoded at once; then it is told how many are."""
MEASURED = 400
"""Pictures whose size is looked at to choose a resolution."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """What is remembered of a finished job."""

    number: int
    used: list[int]
    channels: int
    findings: list[Finding]
    notes: dict[str, int]
    sha256: str = ""
    """Of its pixels, where they are kept."""

    @classmethod
    def of(cls, result: Decoded, sha256: str = "") -> Record:
        """Everything but the pixels."""
        return cls(
            number=result.job.number,
            used=result.used,
            channels=result.channels,
            findings=result.findings,
            notes=result.notes,
            sha256=sha256,
        )

    def json(self) -> bytes:
        """As the bytes of a JSON file."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def read(cls, path: Path) -> Record | None:
        """None when the record is missing or not what was written."""
        body = read_json(path)
        try:
            if body is None:
                return None
            body["findings"] = [Finding(**finding) for finding in body["findings"]]
            return cls(**body)
        except (TypeError, KeyError):
            return None


class Task:
    """Which pictures of a source are read, and how.

    `fingerprint`: the source's, where it is known already.

    Raises: DataError where the settings do not fit the source.
    """

    def __init__(
        self,
        source: Source,
        settings: DataSettings,
        resolution: int | None = None,
        fingerprint: str | None = None,
    ) -> None:
        self._fingerprint = fingerprint
        if not source.count:
            raise no_pictures(source.name, 0, source.findings)
        self.labelling = labelling_of(source, settings)  # before any picture is opened
        self.captions = captions_of(source, settings)
        self.encoder = self._encoder(settings)
        side = resolution or choose_resolution(source, settings)
        self.sides = resolutions_to(side)
        source.check_resolution(side)
        self.source = source
        self.whole = _whole(source, settings, side)
        self.frame = Frame(
            resolution=side,
            channels=settings.channels,
            crop=settings.crop,
            background=settings.background,
        )
        wanted = settings.images
        if wanted is not None and wanted < 1:
            raise DataError(f"images is {wanted}; it must be at least 1, or null for all of them.")
        listed = np.arange(source.count, dtype=np.int64)
        known = np.ones(source.count, np.bool_) if self.captions is None else self.captions.known
        if self.labelling is not None and self.labelling.known is not None:
            known = known & self.labelling.known
        listed = listed[known]
        if not len(listed):
            raise DataError(
                f"no picture of {shown(source.name)} has both a label and a caption. Fill in "
                "what is missing, or leave labels out: --set data.labels=none"
            )
        used = min(wanted or len(listed), len(listed))
        # Spread evenly over the list: the first ones of a sorted folder could all be of one class.
        self.indices: NDArray[np.int64] = listed[np.arange(used) * len(listed) // used]
        self._table = source.table_name if settings.labels == "auto" else ""

    def key(self) -> str:
        """Name of the store in a cache: equal for equal pictures read by equal rules."""
        digest = Digest()
        digest.add(
            RULES, self._fingerprint or self.source.fingerprint(), json.dumps(asdict(self.frame))
        )
        digest.add(len(self.indices), int(self.labelling is not None))
        if self.labelling is not None and self.labelling.asked:
            digest.add(*self.labelling.words(self.indices))
        if self.captions is not None:
            digest.add("captions", *self.captions.words(self.indices))
        if self.encoder is not None:
            digest.add("vectors", self.encoder.sha256)
        return digest.hex()

    def jobs(self) -> list[Job]:
        """The pictures cut into runs; a matter of their number and shape alone."""
        step = max(1, min(JOB_PICTURES, JOB_BYTES // (3 * self.frame.resolution**2)))
        return [
            Job(number, tuple(self.indices[start : start + step].tolist()))
            for number, start in enumerate(range(0, len(self.indices), step))
        ]

    def bytes_needed(self) -> int:
        """Room for every picture at every resolution, in colour unless it is known to be grey."""
        each = (self.frame.channels or 3) * sum(r * r for r in self.sides)
        return len(self.indices) * each + min(len(self.indices) * each, 2 * JOB_BYTES)

    def channels(self, records: Sequence[Record]) -> int:
        """3 when any picture is in colour, unless the settings say."""
        return self.frame.channels or max((r.channels for r in records if r.used), default=1)

    def labels(self, records: Sequence[Record]) -> Labels:
        """The labels of the used pictures; none when fewer than two classes are left."""
        used = np.array([index for record in records for index in record.used], np.int64)
        return NONE if self.labelling is None or not len(used) else self.labelling.of(used)

    def texts(self, records: Sequence[Record]) -> list[tuple[str, ...]]:
        """The captions of the used pictures; empty without captions."""
        if self.captions is None:
            return []
        return self.captions.of(
            np.array([index for record in records for index in record.used], np.int64)
        )

    def check_texts(self) -> None:
        """Find out, before pictures are read, whether every caption can become a vector.

        Raises: ConfigError for captions without one, or where the encoder is not installed.
        """
        if self.encoder is None or self.captions is None:
            return
        texts = different(self.captions.of(self.indices))
        self.encoder.encode(texts[:1] if self.encoder.every_text else texts)

    def vectors(
        self, records: Sequence[Record], heard: Callable[[int, int], None] | None = None
    ) -> NDArray[np.float32] | None:
        """The vectors of the used pictures' different captions, in order; None for words.

        `heard` is told how many of all are there.
        """
        if self.encoder is None:
            return None
        texts, parts = different(self.texts(records)), []
        for start in range(0, len(texts), ENCODED):
            parts.append(self.encoder.encode(texts[start : start + ENCODED]).numpy())
            if heard is not None:
                heard(min(start + ENCODED, len(texts)), len(texts))
        return checked_rows(np.concatenate(parts), self.encoder.name)

    def _encoder(self, settings: DataSettings) -> TextEncoder | None:
        if settings.vectors != OWN and self.captions is None:
            raise DataError(
                f"data.vectors is {shown(settings.vectors[:60])}, but no captions are read, of "
                "which vectors could be made. Leave it out, or read them: "
                "--set data.captions=found"
            )
        return encoder_of(settings.vectors)

    def remarks(self, labels: Labels) -> tuple[str, ...]:
        """Of the source and its labels; a table that nobody asked for is named."""
        found = self.source.remarks + (self.labelling.remarks if self.labelling else ())
        if self.captions is not None:
            own = self.captions.of(self.indices)
            found += self.captions.remarks
            found += (
                f"captions: {sum(map(len, own)):,}, "
                f"{len({text for texts in own for text in texts}):,} of them different",
            )
        if self.encoder is not None:
            said = f"{self.encoder.name}, {self.encoder.sha256[:12]}"
            found += (f"captions' vectors: {self.encoder.width} numbers of {said}",)
        if self._table and self.source.guarded and labels is NONE:
            found += (
                f"{self._table} lies beside the pictures; its columns become labels when they "
                "are named: --set data.labels=NAME",
            )
        return found

    def report(self, records: Sequence[Record]) -> DataReport:
        """What became of every picture."""
        labels = self.labels(records)
        notes = sum((Counter(record.notes) for record in records), Counter[str]())
        return DataReport(
            source=self.source.name,
            seen=len(self.indices),
            used=sum(len(record.used) for record in records),
            resolution=self.frame.resolution,
            whole=self.whole,
            channels=self.channels(records),
            crop=self.frame.crop,
            background=self.frame.background,
            shaping=self.source.shaping,
            labels=labels.counts(),
            label_kind=labels.kind,
            ranges={c.name: (c.low, c.high) for c in labels.columns if labels.kind == "continuous"},
            notes={note: notes[note] for note in NOTES if notes[note]},
            remarks=self.remarks(labels),
            findings=self.findings(records),
        )

    def findings(self, records: Sequence[Record]) -> tuple[Finding, ...]:
        """Of the listing, of labels, then of the pictures in their order."""
        unlabelled = self.labelling.findings if self.labelling else ()
        broken = tuple(finding for record in records for finding in record.findings)
        if self.captions is not None:
            unlabelled += self.captions.findings
        return self.source.findings + unlabelled + broken


def choose_resolution(source: Source, settings: DataSettings) -> int:
    """The settings' resolution, or the source's own, or what nine of ten pictures can fill.

    That is the largest power of two that the short side of nine tenths of the pictures reaches
    (the long side where pictures are padded), looked up in at most 400 of them.

    Raises: DataError when no picture can be opened.
    """
    if settings.resolution is not None:
        return settings.resolution
    if source.native_resolution is not None:
        return min(LARGEST, source.native_resolution)
    some = {source.count * i // MEASURED for i in range(MEASURED)} if source.count else set()
    sizes = measure(source, sorted(some))
    if not sizes:
        raise no_pictures(source.name, source.count, source.findings)
    if settings.crop == "whole":  # of one picture: the square that holds it
        return min(LARGEST, max(SMALLEST, 1 << (max(sizes[0]) - 1).bit_length()))
    sides = sorted(min(size) if settings.crop == "centre" else max(size) for size in sizes)
    side = sides[len(sides) // 10]
    return min(LARGEST, max(SMALLEST, 1 << (side.bit_length() - 1)))


def _whole(source: Source, settings: DataSettings, side: int) -> tuple[int, int] | None:
    """Height and width of the one picture that is kept as it is; None where pictures are not.

    Raises: DataError for several pictures.
    """
    if settings.crop != "whole":
        return None
    if not isinstance(source, PictureSource):
        raise DataError(
            f"data.crop is whole, which is for one picture in a file of its own; "
            f"{shown(source.name)} is something else. Leave it out: --set data.crop=centre"
        )
    sizes = measure(source, [0])
    if not sizes:  # reading it will tell why
        return (side, side)
    width, height = fitted(sizes[0], side)
    return height, width


def no_pictures(name: str, seen: int, findings: Sequence[Finding]) -> DataError:
    """The error for a source without a single usable picture."""
    if not findings and not seen:
        return DataError(
            f"{shown(name)} holds no pictures. Give a folder or zip of PNG, JPEG, WebP, BMP, GIF "
            f"or TIFF files."
        )
    few = "".join(f"\n  {finding.line()}" for finding in findings[:3])
    more = f"\n  and {len(findings) - 3:,} more" if len(findings) > 3 else ""
    none = f"none of the {seen:,} pictures in {shown(name)} can be used"
    return DataError(
        f"{none if seen else f'{shown(name)} holds no usable pictures'}:{few}{more}\n"
        f"Look closer: progan data check {shown(name)} --resolution {SMALLEST}"
    )
