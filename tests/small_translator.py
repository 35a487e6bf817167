"""A translator in a moment: CycleGAN of a few weights, on drawn portraits in two styles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from progan.assemble.training.ask import Asked, prepare
from progan.assemble.training.train import Outcome, train_run
from quiet import Quiet

__all__ = ["TINY", "train_two"]

TINY = (
    "width=4",
    "blocks=1",
    "critic_width=4",
    "critic_layers=1",
    "pool=3",
    "jitter=1",
    "batch=4",
    "data.images=40",
    "train.previews=2",
    "train.log_every=2",
    "train.threads=1",
    "train.precision=fp32",
)


def train_two(tmp_path: Path, screen: Any = None, **more: Any) -> Outcome:
    """Train in `tmp_path`; `more` as in `Asked`."""
    asked: dict[str, Any] = {
        "words": "portraits",
        "second": "portraits-ink",
        "system": "cyclegan",
        "resolution": 16,
        "images": 32,
        "sets": TINY,
        "runs": tmp_path / "runs",
        **more,
    }
    return train_run(prepare(Asked(**asked)), screen or Quiet())
