"""Draw the picture of docs/family.md: python docs/make_family_picture.py FOLDER_OF_COMPARISON."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from progan.core.comparison import slug_of

ACROSS, CELL, GRID, SHOWN = 6, 32, 8, 5
"""Contestants in a row, side of a picture; pictures to a side, and those of them that are shown."""
HEAD, GAP = 20, 10


def sheet(path: Path) -> Image.Image:
    """The first pictures of a sheet, at their own size."""
    whole = Image.open(path).convert("L")
    scale = whole.width // (GRID * CELL)  # sheets of the review are enlarged
    side = SHOWN * CELL
    return whole.resize(
        (whole.width // scale, whole.height // scale), Image.Resampling.NEAREST
    ).crop((0, 0, side, side))


def contestants(folder: Path) -> list[str]:
    """Their names, in the order of the comparison."""
    with (folder / "comparison.csv").open(encoding="utf-8") as file:
        return list(dict.fromkeys(row["contestant"] for row in csv.DictReader(file)))


def picture(folder: Path) -> Image.Image:
    """Real pictures and everybody's, each sheet below its name."""
    names = contestants(folder)
    runs = {name: folder / f"{slug_of(name)}-0" / "review" for name in names}
    sheets = {"real": sheet(runs[names[0]] / "real.png")}
    sheets |= {name: sheet(run / "samples.png") for name, run in runs.items()}
    side, rows = SHOWN * CELL, -(-len(sheets) // ACROSS)
    size = (ACROSS * (side + GAP) - GAP, rows * (side + HEAD + GAP) - GAP)
    whole = Image.new("L", size, 255)
    draw = ImageDraw.Draw(whole)
    for place, (name, one) in enumerate(sheets.items()):
        row, column = divmod(place, ACROSS)
        x, y = column * (side + GAP), row * (side + HEAD + GAP)
        draw.text((x, y + 2), name, fill=0, font=ImageFont.load_default(13))
        whole.paste(one, (x, y + HEAD))
    return whole


if __name__ == "__main__":
    images = Path(__file__).parent / "images"
    picture(Path(sys.argv[1])).save(images / "family.png", optimize=True)
