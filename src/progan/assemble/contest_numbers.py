"""What was measured of each training of a comparison, and every number as a table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from progan.assemble.files import write_out
from progan.core.comparison import Comparison, Entry
from progan.engine.checkpoint import checkpoints
from progan.metrics.extracted import Extractor
from progan.report.read import read_run

if TYPE_CHECKING:
    from torch import nn

    from progan.core.system import System

__all__ = ["measured", "weights_of", "write_table"]

MEASURED = "measured.json"
COLUMNS = (
    *("contestant", "seed", "metric", "level", "value", "real", "n", "n_real", "extractor"),
    *("images", "seconds", "generator_weights", "weights"),
)


def measured(
    entry: Entry, comparison: Comparison, heard: Callable[[str], None], extractor: Extractor | None
) -> Entry:
    """A finished run with its measurement: from its file, where it was measured so before."""
    from progan.assemble.class_sheets import write_class_sheets
    from progan.assemble.evaluate import evaluate_run
    from progan.assemble.model import load
    from progan.metrics.known import METRICS

    run = entry.run

    wanted = {
        "metrics": comparison.metrics and list(comparison.metrics),
        "extractor": None if extractor is None else dict(extractor.record()),
        "n": comparison.images,
    }
    newest = checkpoints(run / "checkpoints")[-1].name
    place = run / MEASURED
    try:
        kept = json.loads(place.read_text(encoding="utf-8"))
        if kept["asked"] == wanted and kept["checkpoint"] == newest:
            weights = kept.get("weights") or weights_of(load(run, device="cpu").system)
            return replace(
                entry,
                rows=tuple(kept["rows"]),
                classes=tuple(kept["classes"]),
                weights=weights,
            )
    except (OSError, ValueError, KeyError, TypeError):
        pass
    heard(f"Measuring   {entry.contestant}, seed {entry.seed}")
    model, metrics = load(run, device="cpu"), comparison.metrics
    if metrics is not None and not model.classes:  # who is not told classes is not asked about them
        metrics = tuple(name for name in metrics if not METRICS[name].labelled)
    found = evaluate_run(run, metrics=metrics, images=comparison.images, extractor=extractor)
    rows = tuple(found.to_json()["report"]["rows"])
    classes = write_class_sheets(run, model, extractor)
    weights = weights_of(model.system)
    content = {
        **{"asked": wanted, "checkpoint": newest, "rows": rows, "classes": classes},
        "weights": weights,
    }
    write_out(place, (json.dumps(content, indent=1) + "\n").encode())
    return replace(entry, rows=rows, classes=classes, weights=weights)


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
