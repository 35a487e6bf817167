"""A small finished run, as training and its review leave it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest
from PIL import Image

LOCK = """\
system: progan
preset: paper
data:
  source: cats
  resolution: 8
train: {seed: 7, minutes: 10}
set:
  optimizer:
    lr: 0.001
plan:
- name: '4'
  images: 100
  resolution: 4
  batch: 10
  fade: false
- name: 8 fade
  images: 100
  resolution: 8
  batch: 5
  fade: true
"""

REVIEW = {
    "images": 200,
    "system": "progan",
    "resolution": 8,
    "weights": "average",
    "quality": [
        {
            "metric": "swd",
            "level": "average",
            "value": 21.44,
            "interval": 0.62,
            "floor": 7.91,
            "n": 2048,
            "note": "mean of the levels",
        },
        {
            "metric": "msssim",
            "level": "",
            "value": 0.2874,
            "interval": None,
            "floor": None,
            "n": 512,
            "note": "",
        },
    ],
    "growth": [{"resolution": 4, "alpha": 1.0, "picture": "growth.png"}],
    "walk": "walk.webp",
    "truncation": [{"truncation": 0.7, "picture": "truncation.png"}],
    "samples": "samples.png",
    "real": "real.png",
    "nearest": {"picture": "nearest.png", "rows": 2, "distance_ratio": 0.97, "note": "as far"},
    "duplicates": {"pairs": 1, "n": 512, "note": "by distance"},
    "spectrum": {"frequency": [1, 2, 3], "real": [3, 2, 1], "generated": [3, 2, 0.5]},
    "verdict": "Recognisable and varied.",
}


def write_lines(path: Path, records: Iterable[Mapping[str, object]]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def make_run(folder: Path) -> Path:
    """Stage 4 at 100 images/s, stage 8 at 50 images/s."""
    for below in ("pictures", "review"):
        (folder / below).mkdir(parents=True)
    (folder / "recipe.yaml").write_text("system: progan\n")
    (folder / "recipe.lock.yaml").write_text(LOCK)
    (folder / "environment.json").write_text(
        json.dumps({"torch": "2.13.0", "machine": {"cores": 2}, "command": ["progan", "train"]})
    )
    (folder / "data.json").write_text(json.dumps({"used": 1284, "seen": 1291}))
    (folder / "data_report.txt").write_text("1,284 pictures used\n")
    metrics, timing, seconds = [], [], 0.0
    for step in range(1, 31):
        late = step > 10
        images = 100 + (step - 10) * 5 if late else step * 10
        seconds += 5 / 50 if late else 10 / 100
        stage = {"stage": "8 fade" if late else "4", "images": images, "step": step}
        terms = {"critic/real": -1 + step / 100, "critic/penalty": 0.3, "generator/fake": 0.5}
        norms = {"critic/gradient_norm": 2.0, "generator/gradient_norm": 1.0}
        alpha = (images - 100) / 100 if late else 1.0
        metrics.append({**stage, "resolution": 8 if late else 4, "alpha": alpha, **terms, **norms})
        speed = 50.0 if late else 100.0
        timing.append({**stage, "seconds": seconds, "images_per_second": speed})
    write_lines(folder / "metrics.jsonl", metrics)
    write_lines(folder / "timing.jsonl", timing)
    write_lines(
        folder / "quality.jsonl",
        [
            {
                "images": n,
                "resolution": 8,
                "metric": "swd",
                "level": "8",
                "value": 90 - n / 4,
                "n": 9,
            }
            for n in (100, 150, 200)
        ],
    )
    write_lines(
        folder / "decisions.jsonl",
        [
            {"images": 0, "kind": "plan", "text": "Chose 8 px."},
            {"images": 100, "kind": "refit", "text": "Faster than measured.", "ratio": 1.04},
        ],
    )
    for index, name in enumerate(
        ("000000100_004px", "000000150_008px_fade0.50", "000000200_008px_fade1.00", "real")
    ):
        picture = Image.new("RGB", (16, 16), (60 * index, 90, 120))
        picture.save(folder / "pictures" / f"{name}.png")
    for name in ("samples", "real", "growth", "truncation", "nearest"):
        Image.new("RGB", (16, 16), "teal").save(folder / "review" / f"{name}.png")
    frames = [Image.new("RGB", (16, 16), (80 * index, 0, 0)) for index in range(3)]
    frames[0].save(
        folder / "review" / "walk.webp", save_all=True, append_images=frames[1:], duration=50
    )
    (folder / "review" / "review.json").write_text(json.dumps(REVIEW))
    return folder


@pytest.fixture
def fake_run(tmp_path: Path) -> Path:
    """A finished run called "cats"."""
    return make_run(tmp_path / "cats")


@pytest.fixture
def run_maker() -> Callable[[Path], Path]:
    """Makes the same run at another place."""
    return make_run
