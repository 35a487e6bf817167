"""The review of a translator: held-out pictures beside what becomes of them, and its measures."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from progan.assemble.measuring.translations import (
    Sides,
    Translations,
    likeness_of,
    measure_way,
)
from progan.assemble.models.translator import Translator, Way
from progan.core.grids import png_bytes, tile, to_picture
from progan.data.pyramid import Pyramid
from progan.data.two import Domains
from progan.data.two_loader import TwoLoader
from progan.engine.checkpoint import write_atomically
from progan.metrics.run import Row

__all__ = ["record_of_two"]

SHOWN, BESIDE = 12, 2
"""Pictures shown of a direction, and of those in a row."""
SIDE = 128
"""Smaller pictures are enlarged by a whole number towards it."""
LEAST, MOST = 16, 512
"""Pictures of each kind that are measured."""


def record_of_two(
    folder: Path, model: Translator, loader: TwoLoader, seconds: float
) -> dict[str, Any]:
    """Everything but the head of its review.json, in about so many seconds."""
    end = time.monotonic() + seconds
    domains, rows, quality, likeness = loader.domains, [], [], []
    for number, way in enumerate(model.ways):
        sides = Sides.of(domains, way)
        rows.append(_pictures(folder, model, way, Sides.of(domains, way, least=1), domains))
        left = (end - time.monotonic()) / (len(model.ways) - number)
        count = _affordable(model, way, sides, left)
        if count >= LEAST and model.side >= 7:
            report = measure_way(model, way, sides, ["swd"], count).report
            quality += [_quality(row, way, sides) for row in report.rows]
        if domains.kind != "unpaired":
            found = likeness_of(model, way, sides, max(2, count))
            likeness += [{"way": _name(way), **vars(one)} for one in found]
    return {
        "translations": rows,
        "quality": quality,
        "likeness": likeness,
        "verdict": _verdict(model, domains, quality, likeness),
    }


def _pictures(
    folder: Path, model: Translator, way: Way, sides: Sides, domains: Domains
) -> dict[str, Any]:
    """A sheet: in each row two times a picture, its translation and, where there is one, the truth
    or the way back."""
    n = min(SHOWN, sides.source.count)
    made = Translations(model, way, sides.source, model.side)
    order = made.order[:n]
    given = _shown(model, way, sides.source, order)
    columns, titles = [given, made(0, n)], [way.source, way.target]
    if model.has_styles:
        own = Translations(model, way, sides.source, model.side, sides.target)
        columns.append(own(0, n))
        titles = [way.source, f"{way.target} in a drawn style", "in the style of the truth"]
    back = next((w for w in model.ways if _is_back(w, way)), None)
    if back is not None:
        again = [model.one(np.ascontiguousarray(p.transpose(1, 2, 0)), back) for p in columns[1]]
        columns.append(np.stack(again).transpose(0, 3, 1, 2))
        titles.append(f"back to {way.source}")
    if domains.kind != "unpaired":
        columns.append(sides.target.gather(order, model.side))
        titles.append("truth")
    most = max(column.shape[1] for column in columns)
    wide = [np.broadcast_to(c, (n, most, *c.shape[2:])) for c in columns]
    sheet = np.stack(wide, axis=1).reshape(-1, most, *given.shape[2:])
    name = f"translated_{way.direction.name}.png"
    scale = max(1, SIDE // model.side)
    wide_enough = BESIDE * len(columns)
    picture = to_picture(tile(np.ascontiguousarray(sheet), wide_enough), scale)
    write_atomically(folder / name, png_bytes(picture))
    kind = "held-out" if sides.held_out else "training"
    return {
        "way": _name(way),
        "picture": name,
        "columns": titles,
        "note": f"{n} {kind} pictures, none chosen by hand",
    }


def _shown(model: Translator, way: Way, source: Pyramid, order: Any) -> Any:
    pixels = source.gather(order, model.side)
    if way.direction.source != "layout":
        return pixels
    table = np.zeros((256, 3), np.uint8)
    colours = model.stored.spec.layout_colours
    table[: len(colours)] = colours
    return table[pixels[:, 0]].transpose(0, 3, 1, 2)


def _is_back(other: Way, way: Way) -> bool:
    one, two = other.direction, way.direction
    return (one.source, one.target) == (two.target, two.source)


def _affordable(model: Translator, way: Way, sides: Sides, seconds: float) -> int:
    """How many pictures can be translated in half that time; a power of two where there are more
    than are used."""
    made = Translations(model, way, sides.source, model.side)
    made(0, 1)
    began = time.monotonic()
    n = min(4, sides.source.count)
    made(0, n)
    each = max(1e-6, (time.monotonic() - began) / max(1, n - 1))
    most = min(MOST, sides.source.count, sides.target.count)
    return min(most, max(LEAST, int(0.5 * seconds / each)))


def _name(way: Way) -> str:
    return f"{way.source} to {way.target}"


def _quality(row: Row, way: Way, sides: Sides) -> dict[str, Any]:
    """A row of quality as review.json holds it."""
    note = _name(way) + ("" if sides.held_out else "; of training pictures")
    if row.floor_images != row.images:
        note += f"; the floor from {row.floor_images:,} images"
    return {
        "metric": row.metric,
        "level": f"{row.level}, {way.direction.name}",
        "value": row.value,
        "interval": row.spread,
        "floor": row.floor,
        "n": row.images,
        "note": note,
    }


def _verdict(
    model: Translator,
    domains: Domains,
    quality: list[dict[str, Any]],
    likeness: list[dict[str, Any]],
) -> str:
    """One sentence on what was found."""
    ways = " and ".join(_name(way) for way in model.ways)
    parts = [f"Translates {ways}"]
    for way in model.ways:
        level = f"mean, {way.direction.name}"
        row = next((r for r in quality if r["level"] == level and r["metric"] == "swd"), None)
        if row is not None:
            floor = "" if row["floor"] is None else f" (real pictures {row['floor']:.1f})"
            parts.append(f"{_name(way)}: SWD {row['value']:.1f}{floor}")
    best = {(r["way"], r["of"]): r["psnr"] for r in likeness}
    for way in model.ways:
        own = best.get((_name(way), "translated"))
        rivals = [v for (name, of), v in best.items() if name == _name(way) and of != "translated"]
        if own is not None and rivals:
            word = "nearer to the truth than" if own > max(rivals) else "no nearer to it than"
            copy = "a copy or " if (_name(way), "copy") in best else ""
            parts.append(f"{own:.1f} dB from the truth, {word} {copy}the mean picture")
    return "; ".join(parts) + "."
