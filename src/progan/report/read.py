"""Read a run folder as it is: finished, interrupted, half written or damaged.

Nothing in a run folder is trusted. A file that is missing or broken becomes a line in
`Run.problems`, a number that is no number becomes None, and a path that leaves the folder is
treated as missing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from progan.core.errors import ConfigError
from progan.report.outline import outline
from progan.report.stages import Span, spans_of
from progan.report.values import Record, number, whole, words

__all__ = ["Quality", "Run", "Snapshot", "read_run"]

_SNAPSHOT = re.compile(r"(\d+)_(\d+)px(?:_fade([\d.]+))?(?:_([A-Za-z][\w-]*))?\.png")
_MOST_LINES = 40_000
_MOST_NUMBERS = 2_000
_MOST_BYTES = 20_000_000
_OUR_FILES = ("recipe.yaml", "recipe.lock.yaml", "metrics.jsonl", "timing.jsonl", "pictures")


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A grid of pictures saved during training."""

    path: Path
    images: int
    resolution: int
    alpha: float | None
    """Weight of the newest layers, or None outside a fade."""


@dataclass(frozen=True, kw_only=True)
class Quality:
    """One measured value with what is needed to read it."""

    metric: str
    level: str
    value: float | None
    interval: float | None
    floor: float | None
    n: int | None
    note: str


@dataclass(frozen=True, kw_only=True)
class Run:
    """Everything a report says about a run."""

    folder: Path
    name: str
    system: str
    images: int
    """Real images drawn so far."""
    seconds: float | None
    """Training time so far, over all resumes."""
    lock: str
    settings: Mapping[str, str]
    """Dotted place → value, without the plan."""
    spans: tuple[Span, ...]
    metrics: tuple[Record, ...]
    timing: tuple[Record, ...]
    quality: tuple[Record, ...]
    decisions: tuple[Record, ...]
    environment: Record
    data: Record
    data_report: str
    review: Record
    measured: tuple[Quality, ...]
    evaluated: tuple[Record, ...]
    """What `progan evaluate` found of this run, a record for each number."""
    snapshots: tuple[Snapshot, ...]
    problems: tuple[str, ...]

    @property
    def planned(self) -> int:
        """Length of the plan in images; what was drawn, where there is no plan."""
        return max([self.images, *(span.end for span in self.spans)])

    @property
    def finished(self) -> bool:
        """Whether training came to its end: of the plan, or where recipe or clock set it."""
        until = self.settings.get("train.until", "").replace("_", "")
        ends = [int(until)] if re.fullmatch(r"\d{1,15}", until) else []
        ends += [span.end for span in self.spans[-1:]]
        timely = any(
            record.get("kind") == "until" and record["images"] >= self.images > 0
            for record in self.decisions
        )
        return timely or (bool(ends) and self.images >= min(ends))

    @property
    def pictures(self) -> int | None:
        """Number of different training pictures."""
        return whole(self.data.get("used"))

    @property
    def headline(self) -> Quality | None:
        """The one value to name first: SWD over all levels, where it was measured."""
        whole_range = ("average", "mean", "all", "")
        swd = [q for q in self.measured if q.metric.lower() == "swd" and q.value is not None]
        return next((q for q in swd if q.level.lower() in whole_range), swd[0] if swd else None)


def read_run(folder: Path) -> Run:
    """Read what there is in `folder`; raises `ConfigError` when it is no run folder at all."""
    folder = Path(folder)
    if not any((folder / name).exists() for name in _OUR_FILES):
        state = "holds no recipe, metrics or pictures" if folder.is_dir() else "is not a folder"
        raise ConfigError(
            f"{folder} {state}; a report is made from a run folder, as training leaves it. "
            "Start one: progan train FOLDER"
        )
    problems: list[str] = []
    lock = _text(folder / "recipe.lock.yaml", problems)
    places = outline(lock or _text(folder / "recipe.yaml", problems))
    metrics = _rewound(_lines(folder / "metrics.jsonl", problems))
    timing = _rewound(_lines(folder / "timing.jsonl", problems))
    review = _object(folder / "review" / "review.json", problems)
    snapshots = _snapshots(folder / "pictures", problems)
    seen = [whole(lines[-1]["images"]) or 0 for lines in (metrics, timing) if lines]
    images = max([0, *seen, *(s.images for s in snapshots[-1:])])
    return Run(
        folder=folder,
        name=folder.resolve().name or str(folder),
        system=places.get("system") or words(review.get("system")) or "unknown system",
        images=images,
        seconds=number(timing[-1].get("seconds")) if timing else None,
        lock=lock,
        settings={k: v for k, v in places.items() if k.split(".")[0] != "plan"},
        spans=spans_of(places, metrics, timing),
        metrics=metrics,
        timing=timing,
        quality=_latest(_lines(folder / "quality.jsonl", problems)),
        decisions=tuple(_lines(folder / "decisions.jsonl", problems)),
        environment=_object(folder / "environment.json", problems),
        data=_object(folder / "data.json", problems),
        data_report=_text(folder / "data_report.txt", problems),
        review=review,
        measured=_measured(review),
        evaluated=_evaluated(folder / "evaluated.json", problems),
        snapshots=snapshots,
        problems=tuple(problems),
    )


def _text(path: Path, problems: list[str]) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode("utf-8", "replace")
    except FileNotFoundError:
        problems.append(f"{path.name} is not there")
    except OSError as error:
        problems.append(f"{path.name} cannot be read: {error.strerror}")
    return ""


def _json(content: str) -> Record | None:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _object(path: Path, problems: list[str]) -> Record:
    content = _text(path, problems)
    found = _json(content)
    if found is None and content:
        problems.append(f"{path.name} is damaged or cut short")
    return found or {}


def _lines(path: Path, problems: list[str]) -> list[Record]:
    """The records of a jsonl file that say how many images had been drawn.

    Very long files are thinned evenly while they are read, so that memory stays bounded.
    """
    kept: list[Record] = []
    broken, last, every, index = 0, 0, 1, 0
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for row, content in enumerate(file, 1):
                if not content.strip():
                    continue
                record = _json(content)
                if record is None or number(record.get("images")) is None:
                    broken, last = broken + 1, row
                    continue
                if index % every == 0:
                    kept.append(record)
                index += 1
                if len(kept) > _MOST_LINES:
                    kept, every = kept[::2], every * 2
    except FileNotFoundError:
        problems.append(f"{path.name} is not there")
    except OSError as error:
        problems.append(f"{path.name} cannot be read: {error.strerror}")
    if broken == 1:
        problems.append(f"{path.name}: line {last} is cut or damaged and left out")
    elif broken:
        problems.append(f"{path.name}: {broken:,} damaged lines are left out, the last is {last}")
    return kept


def _rewound(records: Sequence[Record]) -> tuple[Record, ...]:
    """Records in the order of images; going back to a checkpoint takes back what followed it."""
    kept: list[Record] = []
    for record in records:
        while kept and kept[-1]["images"] >= record["images"]:
            kept.pop()
        kept.append(record)
    return tuple(kept)


def _latest(records: Sequence[Record]) -> tuple[Record, ...]:
    """The last word on each (images, metric, level), in the order of images."""
    latest = {(r["images"], words(r.get("metric")), words(r.get("level"))): r for r in records}
    return tuple(sorted(latest.values(), key=lambda r: float(r["images"])))


def _measured(review: Record) -> tuple[Quality, ...]:
    rows = review.get("quality")
    return tuple(
        Quality(
            metric=words(row.get("metric")),
            level=words(row.get("level")),
            value=number(row.get("value")),
            interval=number(row.get("interval")),
            floor=number(row.get("floor")),
            n=whole(row.get("n")),
            note=words(row.get("note")),
        )
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict)
    )


def _evaluated(path: Path, problems: list[str]) -> tuple[Record, ...]:
    """The numbers in a file that is there only where a run was measured again."""
    if not path.exists():
        return ()
    rows = _object(path, problems).get("numbers")
    kept = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return tuple(kept[-_MOST_NUMBERS:])


def _snapshots(folder: Path, problems: list[str]) -> tuple[Snapshot, ...]:
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError:
        problems.append("pictures/ is not there")
        return ()
    parsed = [(name, parts) for name in names if (parts := _SNAPSHOT.fullmatch(name))]
    # Systems with several panels save one picture for each: samples have no name of their own.
    panel = min((parts[4] or "" for _, parts in parsed), default="")
    found = [
        Snapshot(
            path=folder / name,
            images=int(parts[1][:18]),
            resolution=int(parts[2][:9]),
            alpha=_float(parts[3]) if parts[3] else None,
        )
        for name, parts in parsed
        if (parts[4] or "") == panel
    ]
    if not found:
        problems.append("pictures/ holds no snapshot yet")
    return tuple(sorted(found, key=lambda s: (s.images, s.resolution)))


def _float(written: str) -> float | None:
    try:
        return number(float(written))
    except ValueError:
        return None
