"""What was measured of each training of a comparison, and every number as a table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from progan.assemble.writing.files import write_out
from progan.core.comparison import Entry
from progan.engine.checkpoint import checkpoints
from progan.metrics.extracted import Extractor
from progan.report.read import read_run

if TYPE_CHECKING:
    from torch import nn

    from progan.core.system import System

__all__ = ["Asked", "measured", "measured_before", "weights_of", "write_table"]

MEASURED = "measured.json"
COLUMNS = (
    *("contestant", "seed", "metric", "level", "value", "real", "n", "n_real", "extractor"),
    *("images", "seconds", "generator_weights", "weights"),
)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is measured of each training, and by whose features."""

    metrics: Sequence[str] | None
    """Their names; None for all that fit."""
    images: int | None
    extractor: Extractor | None

    def record(self) -> dict[str, Any]:
        """As it is written beside what was measured."""
        return {
            "metrics": self.metrics and list(self.metrics),
            "extractor": None if self.extractor is None else dict(self.extractor.record()),
            "n": self.images,
        }


def measured(entry: Entry, asked: Asked, heard: Callable[[str], None]) -> Entry:
    """A finished run with its measurement: from its file, where it was measured so before."""
    from progan.assemble.measuring.class_sheets import write_class_sheets
    from progan.assemble.measuring.evaluate import evaluate_run
    from progan.assemble.models.model import load
    from progan.metrics.known import METRICS

    kept = measured_before(entry, asked)
    if kept is not None:
        return kept
    heard(f"Measuring   {entry.contestant}, seed {entry.seed}")
    run, metrics = entry.run, asked.metrics
    model = load(run, device="cpu")
    if metrics is not None and not model.classes:  # who is not told classes is not asked about them
        metrics = tuple(name for name in metrics if not METRICS[name].labelled)
    found = evaluate_run(run, metrics=metrics, images=asked.images, extractor=asked.extractor)
    rows = tuple(found.to_json()["report"]["rows"])
    classes = write_class_sheets(run, model, asked.extractor)
    weights = weights_of(model.system)
    content = {
        **{"asked": asked.record(), "checkpoint": _newest(run), "rows": rows, "classes": classes},
        "weights": weights,
    }
    write_out(run / MEASURED, (json.dumps(content, indent=1) + "\n").encode())
    return replace(entry, rows=rows, classes=classes, weights=weights)


def measured_before(entry: Entry, asked: Asked) -> Entry | None:
    """The run with what its file says; None where there is none that was asked alike since."""
    from progan.assemble.models.model import load

    try:
        kept = json.loads((entry.run / MEASURED).read_text(encoding="utf-8"))
        if kept["asked"] != asked.record() or kept["checkpoint"] != _newest(entry.run):
            return None
        weights = kept.get("weights") or weights_of(load(entry.run, device="cpu").system)
        rows, classes = tuple(kept["rows"]), tuple(kept["classes"])
        return replace(entry, rows=rows, classes=classes, weights=weights)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _newest(run: Path) -> str:
    return checkpoints(run / "checkpoints")[-1].name


def weights_of(system: System[Any]) -> dict[str, int]:
    """Numbers that are learned: of what draws the pictures, and of all networks."""

    def count(parts: Sequence[nn.Module]) -> int:
        return sum(p.numel() for p in {p for part in parts for p in part.parameters()})

    drawing = [system.get_submodule(name) for name in system.averaged]
    return {"generator": count(drawing), "all": count([system])}


def write_table(entries: Sequence[Entry], to: Path) -> Path:
    """Every number as CSV: a line for each training, metric and level.

    Beside it what the training cost: images drawn, seconds of training, numbers that are learned.
    """
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    for entry in entries:
        if not entry.rows:
            continue
        run, weights = read_run(entry.run), entry.weights
        cost = (run.images, run.seconds, weights.get("generator"), weights.get("all"))
        for row in entry.rows:
            lines.writerow(
                [
                    *(entry.contestant, entry.seed, row["metric"], row["level"], row["value"]),
                    *(row["floor"], row["images"], row["floor_images"], row["extractor"]),
                    *cost,
                ]
            )
    write_out(to, text.getvalue().encode())
    return to
