"""What `evaluate` found, as flat records: for a table of commas, a plot, and the run's report.

RUN/evaluated.json keeps the numbers of a run, each with its provenance. The same measurement done
again takes the place of the old one; the oldest go where there are too many.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from progan.assemble.measuring.evaluate import Evaluated
from progan.assemble.writing.containers import MADE_HERE
from progan.assemble.writing.files import write_out
from progan.core.errors import RoomError

__all__ = ["NAME", "as_csv", "keep", "records_of"]

NAME = "evaluated.json"
MOST = 2_000
"""Numbers kept of a run."""

COLUMNS = (
    *("run", "checkpoint", "images", "resolution", "metric", "title", "level", "value", "spread"),
    *("low", "high", "interval", "real", "perfect", "n", "n_real", "repeats", "seed"),
    *("extractor", "weights", "resize", "against", "bias"),
)
SAME = (
    *("checkpoint", "resolution", "metric", "level", "n", "repeats", "seed"),
    *("extractor", "weights", "resize", "against"),
)
"""What makes two numbers the same measurement."""


def records_of(one: Evaluated) -> list[dict[str, Any]]:
    """A record of `COLUMNS` for each number, in plain values."""
    report = one.report
    found = []
    for row in report.rows:
        seen = report.extractor if row.extractor != "none" and report.extractor else {}
        values = {
            **{"run": str(one.run), "checkpoint": one.checkpoint.name, "images": one.images},
            **{"resolution": report.resolution, "metric": row.metric, "title": row.title},
            **{"level": row.level, "value": row.value, "spread": row.spread, "low": row.low},
            **{"high": row.high, "interval": row.interval, "real": row.floor},
            **{"perfect": row.chance, "n": row.images, "n_real": row.floor_images},
            **{"repeats": row.repeats, "seed": report.seed, "extractor": row.extractor},
            **{"weights": seen.get("weights", ""), "resize": seen.get("resize", "")},
            **{"against": one.against, "bias": row.bias},
        }
        found.append({name: values[name] for name in COLUMNS})
    return found


def as_csv(found: Sequence[Evaluated]) -> bytes:
    """A line for each number; the last column says whose file it is."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow([*COLUMNS, "by"])
    for one in found:
        for record in records_of(one):
            cells = ["" if record[name] is None else record[name] for name in COLUMNS]
            lines.writerow([*cells, MADE_HERE.decode()])
    return text.getvalue().encode()


def keep(one: Evaluated) -> str:
    """Add the numbers to those in the run folder; what stood in the way, or ""."""
    if not (one.run / "checkpoints").is_dir():
        return ""  # pictures, or a model alone: no run to keep them in
    path = one.run / NAME
    new = [{k: v for k, v in record.items() if k != "run"} for record in records_of(one)]
    taken = {_identity(record) for record in new}
    old = [record for record in _read(path) if _identity(record) not in taken]
    content = {"note": MADE_HERE.decode(), "numbers": [*old, *new][-MOST:]}
    try:
        write_out(path, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())
    except RoomError as error:
        return f"The numbers are not kept for the report. {error}"
    return ""


def _identity(record: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(record.get(name)) for name in SAME)


def _read(path: Path) -> list[dict[str, Any]]:
    """The numbers kept before; none where the file is missing or damaged."""
    try:
        rows = json.loads(path.read_bytes())["numbers"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
