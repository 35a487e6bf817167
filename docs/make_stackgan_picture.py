"""Draw the picture of docs/stackgan.md from a run, or measure it.

python docs/make_stackgan_picture.py runs/stackgan_portraits
python docs/make_stackgan_picture.py runs/stackgan_portraits --measure

The second prints, of 1,000 captions of portraits that the run has not seen, the share of attributes
they name that is drawn; see `acceptance/portrayed.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont

import progan

TEXTS = (
    "a person with fair skin, long red hair, wearing a t-shirt, before a plain mint wall",
    "a person with deep brown skin, a black afro, round glasses, smiling, wearing a shirt, before "
    "blurred dusk lights",
    "an old person with light skin, a bald head, a full beard, wearing a turtleneck, before a soft "
    "sky background",
    "a person with tan skin, a blond bob, wearing a v-neck, a beanie, before a sunny landscape",
)
SEEDS, HEAD, HELD = range(10), 18, 1_000


def picture(run: str) -> Image.Image:
    """A row of pictures below each text, the same seeds in each."""
    model = progan.load(run)
    rows = [progan.grid(model.sample(SEEDS, labels=text), (len(SEEDS), 1)) for text in TEXTS]
    high = rows[0].height + HEAD
    whole = Image.new("RGB", (rows[0].width, high * len(rows)), "white")
    draw = ImageDraw.Draw(whole)
    for place, (text, row) in enumerate(zip(TEXTS, rows, strict=True)):
        draw.text((2, place * high + 4), text, fill="black", font=ImageFont.load_default(11))
        whole.paste(row, (0, place * high + HEAD))
    return whole


def measure(run: str) -> None:
    """Print what the captions' attributes come to."""
    from progan.acceptance.attributes import portrayed
    from progan.acceptance.portrayed import agreement

    model = progan.load(run)
    held = portrayed(HELD, 2, 32)
    drawn = {}
    for name, side in (("stage I", 16), ("stage II", model.resolution)):
        pixels = model.at(side).sample(range(HELD), labels=list(held.pictures.texts))
        drawn[name] = torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div(127.5).sub(1)
    for number in agreement(drawn, held, seed=0).values():
        print(f"{number.value:.3f}   {number.words}")


if __name__ == "__main__":
    if "--measure" in sys.argv:
        measure(sys.argv[1])
    else:
        path = Path(__file__).parent / "images" / "stackgan.png"
        picture(sys.argv[1]).save(path, optimize=True)
        print(path)
