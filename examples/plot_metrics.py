"""Draw the curves of a run's metrics.jsonl with nothing but Pillow.

    python examples/plot_metrics.py runs/portraits curves.png

One panel a term, over images; grey lines are the borders of stages. Torch-free.
"""

from __future__ import annotations

import json
import math
import sys
from itertools import pairwise
from pathlib import Path

from PIL import Image, ImageDraw

WIDTH, HEIGHT, MARGIN = 640, 140, 24


def main(run: Path, to: Path) -> Path:
    """Draw every term of `run` into the picture `to`."""
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    terms = sorted({name for record in records for name in record if "/" in name})
    end = max(record["images"] for record in records)
    borders = [b["images"] for a, b in pairwise(records) if a["stage"] != b["stage"]]

    picture = Image.new("RGB", (WIDTH, HEIGHT * len(terms)), "white")
    draw = ImageDraw.Draw(picture)
    for row, term in enumerate(terms):
        points = [(r["images"], r[term]) for r in records if math.isfinite(r.get(term, math.nan))]
        panel(draw, row * HEIGHT, term, points, borders, end)
    picture.save(to)
    return to


def panel(
    draw: ImageDraw.ImageDraw,
    top: int,
    title: str,
    points: list[tuple[int, float]],
    borders: list[int],
    end: int,
) -> None:
    """One curve, scaled to its own range."""
    low, high = min(value for _, value in points), max(value for _, value in points)
    room = (WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN)

    def place(images: int, value: float) -> tuple[float, float]:
        share = (value - low) / (high - low) if high > low else 0.5
        return MARGIN + room[0] * images / end, top + MARGIN + room[1] * (1 - share)

    for border in borders:
        x, _ = place(border, low)
        draw.line([(x, top + MARGIN), (x, top + HEIGHT - MARGIN)], fill="lightgrey")
    places = [place(images, value) for images, value in points]
    draw.line(places if len(places) > 1 else places * 2, fill="navy", width=2)
    draw.text((MARGIN, top + 4), f"{title}   {low:.3g} to {high:.3g}", fill="black")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
