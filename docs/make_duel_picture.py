"""Draw the pictures of docs/duel.md: python docs/make_duel_picture.py FOLDER_OF_COMPARISON."""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

CONTESTANTS = {
    "real": ("progan-0", "real_classes.png"),
    "ProGAN with labels": ("progan-with-labels-0", "classes.png"),
    "cGAN": ("cgan-0", "classes.png"),
    "ProGAN, sorted by the classifier": ("progan-0", "classes.png"),
}
CLOSER = {"dress": 3, "sandal": 5, "shirt": 6}
"""Classes that are shown enlarged, with their rows."""
CELL = 64
"""Side of a picture in the sheets, in pixels."""
HEAD, GAP, SCALE = 22, 12, 3


def sheets(folder: Path) -> dict[str, Image.Image]:
    """The sheet of each contestant, a row for each class."""
    return {
        name: Image.open(folder / run / "review" / sheet).convert("L")
        for name, (run, sheet) in CONTESTANTS.items()
    }


def beside(parts: dict[str, Image.Image]) -> Image.Image:
    """Pictures in a row, each below its name."""
    width = sum(part.width for part in parts.values()) + GAP * (len(parts) - 1)
    whole = Image.new("L", (width, HEAD + max(part.height for part in parts.values())), 255)
    draw, x = ImageDraw.Draw(whole), 0
    for name, part in parts.items():
        draw.text((x, 4), name, fill=0, font=ImageFont.load_default(13))
        whole.paste(part, (x, HEAD))
        x += part.width + GAP
    return whole


def closer(sheet: Image.Image) -> Image.Image:
    """The first picture of some classes, enlarged without smoothing."""
    side = CELL * SCALE
    tall = Image.new("L", (side, (side + GAP) * len(CLOSER) - GAP), 255)
    for place, row in enumerate(CLOSER.values()):
        one = sheet.crop((0, row * CELL, CELL, (row + 1) * CELL))
        tall.paste(one.resize((side, side), Image.Resampling.NEAREST), (0, place * (side + GAP)))
    return tall


if __name__ == "__main__":
    found = sheets(Path(sys.argv[1]))
    images = Path(__file__).parent / "images"
    beside(found).save(images / "duel.png", optimize=True)
    beside({name: closer(sheet) for name, sheet in found.items()}).save(
        images / "duel_closer.png", optimize=True
    )
