"""What became of every picture: for the screen, for data_report.txt and for data.json."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

from progan.core.errors import DataError
from progan.data.records import Background, Crop, Finding, Kind, shown

__all__ = ["NOTES", "DataReport"]

NOTES: Mapping[str, str] = MappingProxyType(
    {
        "turned": "turned by EXIF",
        "enlarged": "enlarged, at most twofold",
        "transparent": "with transparency, laid on {background}",
        "animated": "of several frames, the first used",
        "16-bit": "scaled from 16 bits",
        "wide": "scaled from 32 bits or from fractions",
        "cmyk": "from printing colours (CMYK)",
        "profile": "brought to sRGB by their colour profile",
        "bad profile": "with a colour profile that cannot be used, ignored",
    }
)
"""Rules that not every picture needs, and how the report words them."""


@dataclass(frozen=True, kw_only=True)
class DataReport:
    """What was used, what was not, and by which rules."""

    source: str
    seen: int
    """Pictures listed in the source, after `images`."""
    used: int
    resolution: int
    channels: int
    crop: Crop
    background: Background
    shaping: str = ""
    """How the pictures came to their resolution, where they were not cropped or padded."""
    whole: tuple[int, int] | None = None
    """Height and width of one picture that was left in its own shape."""
    labels: dict[str, int] = field(default_factory=dict)
    """Pictures of each class, or with each of several labels; empty without."""
    label_kind: str = "class"
    """class, multi-label or continuous."""
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Least and greatest of each number that is a label."""
    notes: dict[str, int] = field(default_factory=dict)
    """How many pictures needed each rule of `NOTES`."""
    remarks: tuple[str, ...] = ()
    """Whole sentences about the source."""
    findings: tuple[Finding, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Findings by kind, in a fixed order."""
        found = Counter(finding.kind for finding in self.findings)
        return {kind: found[kind] for kind in get_args(Kind) if found[kind]}

    def lines(self, path: str | None = None) -> list[str]:
        """The two lines of the screen; `path` says where the details lie."""
        out = ", ".join(f"{n:,} {kind}" for kind, n in self.counts.items())
        where = f": {path}" if out and path else ""
        first = f"{self.used:,} pictures used of {self.seen + self._unlisted:,}"
        return [first + (f"  ({out}{where})" if out else ""), self._rules()]

    def text(self) -> str:
        """The whole report: data_report.txt."""
        return "\n".join([shown(self.source), *self.lines(), *self._details()]) + "\n"

    def record(self) -> dict[str, Any]:
        """The report as plain values: data.json."""
        said = {k: v for k, v in vars(self).items() if k != "whole" or v is not None}
        return {
            **said,
            "counts": self.counts,
            "findings": [[shown(f.name), f.kind, f.reason] for f in self.findings],
        }

    def write(self, path: Path) -> None:
        """Write `record` as JSON."""
        path.write_bytes(self.json())

    def json(self) -> bytes:
        """`record` as the bytes of a JSON file."""
        return (json.dumps(self.record(), indent=1) + "\n").encode()

    @classmethod
    def read(cls, path: Path) -> DataReport:
        """Read what `write` wrote.

        Raises: DataError when it is missing or damaged.
        """
        try:
            body = json.loads(path.read_bytes())
            del body["counts"]
            body["findings"] = tuple(Finding(*f) for f in body["findings"])
            body["remarks"] = tuple(body["remarks"])
            ranges = body.get("ranges", {}).items()
            body["whole"] = tuple(body["whole"]) if body.get("whole") else None
            body["ranges"] = {name: (low, high) for name, (low, high) in ranges}
            return cls(**body)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(
                f"{path} cannot be read ({type(error).__name__}). "
                f"Remove its folder and start again: the data is built anew."
            ) from error

    def ranges_text(self) -> str:
        """The first few ranges: `age 18 to 80`."""
        few = list(self.ranges.items())[:6]
        more = f" and {len(self.ranges) - len(few)} more" * (len(few) < len(self.ranges))
        return ", ".join(f"{shown(name)} {low:g} to {high:g}" for name, (low, high) in few) + more

    @property
    def _unlisted(self) -> int:
        """Findings made while listing, about files that were never counted as pictures."""
        return max(0, len(self.findings) - (self.seen - self.used))

    def _rules(self) -> str:
        cut = "centre-cropped to" if self.crop == "centre" else f"padded with {self.background} to"
        colour = "colour" if self.channels == 3 else "grey"
        rules = [f"{self.shaping or cut} {self.resolution} × {self.resolution}, {colour}"]
        if self.whole is not None:
            rules = [f"as it is, {self.whole[0]} × {self.whole[1]}, {colour}"]
        if "transparent" in self.notes:
            rules.append(f"transparency on {self.background}")
        brief = {"turned": "turned by EXIF", "enlarged": "enlarged", "animated": "animated"}
        rules += [
            f"{self.notes[note]:,} {word}" for note, word in brief.items() if note in self.notes
        ]
        if self.labels:
            several = "classes" if self.label_kind == "class" else "labels, each on or off"
            rules.append(f"{len(self.labels)} {several}")
        if self.ranges:
            rules.append(f"labels: {self.ranges_text()}")
        return "; ".join(rules)

    def _details(self) -> Iterator[str]:
        yield from self.remarks
        for note, n in self.notes.items():
            yield f"{n:,} {NOTES[note].format(background=self.background)}"
        if self.labels:
            yield "\nclasses" if self.label_kind == "class" else "\npictures with each label"
            yield from (f"  {n:>9,}  {shown(name)}" for name, n in self.labels.items())
        if self.ranges:
            yield "\nlabels"
            yield from (
                f"  {shown(name)}: {low:g} to {high:g}" for name, (low, high) in self.ranges.items()
            )
        if self.findings:
            yield "\nnot used"
            yield from (f"  {finding.line()}" for finding in self.findings)
