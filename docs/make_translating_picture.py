"""Draw the pictures of docs/translating.md and docs/gaugan.md from runs of the packaged recipes.

python docs/make_translating_picture.py runs/cyclegan_portraits runs/pix2pix_portraits
python docs/make_translating_picture.py runs/gaugan_portraits

People are drawn whom no run has seen. Of translators of pictures the rows are: portraits in colour,
what each run makes of them, and the same people in ink. Of a painter of maps: the maps, the maps in
the style of three portraits, which stand in front, and the true pictures.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import progan
from progan.assemble.models.translator import Translator
from progan.data.portraits import layout, people, render

IMAGES = Path(__file__).parent / "images"
SIDE, COLUMNS = 64, 10
SEED, STYLES = 7, 3

Pixels = NDArray[np.uint8]


def enlarged(row: Pixels) -> Pixels:
    """Pictures n h w c in `SIDE` pixels, each pixel repeated."""
    times = SIDE // row.shape[1]
    return row.repeat(times, axis=1).repeat(times, axis=2)


def drawn(numbers: range, side: int, style: str = "colour") -> Pixels:
    """Portraits n h w 3 of people whom no packaged set has."""
    found = render(people(SEED, np.array(numbers)), side, style=style)
    return np.ascontiguousarray(found.transpose(0, 2, 3, 1))


def translated(models: list[Translator]) -> Pixels:
    """A row of portraits, a row for each model, and a row in ink: one picture h w 3."""
    who = range(COLUMNS)
    rows = [drawn(who, SIDE)]
    rows += [enlarged(model.translate(drawn(who, model.side), "ab")) for model in models]
    rows.append(np.broadcast_to(drawn(who, SIDE, "ink"), rows[0].shape))
    return np.concatenate([np.concatenate(list(row), axis=1) for row in rows])


def painted(model: Translator) -> Pixels:
    """Maps in colours, painted in styles, and as they are: one picture h w 3."""
    who = range(COLUMNS)
    maps = layout(people(SEED, np.arange(COLUMNS)), model.side)
    table = np.array(model.stored.spec.layout_colours, np.uint8)
    references = drawn(range(COLUMNS, COLUMNS + STYLES), model.side)
    blank = np.full((1, SIDE, SIDE, 3), 255, np.uint8)
    rows = [np.concatenate([blank, enlarged(table[maps])])]
    for reference in references:
        made = model.translate(maps, style=model.style_of(reference))
        rows.append(np.concatenate([enlarged(reference[None]), enlarged(made)]))
    rows.append(np.concatenate([blank, enlarged(drawn(who, model.side))]))
    return np.concatenate([np.concatenate(list(row), axis=1) for row in rows])


def main() -> None:
    """Load, translate, write."""
    models = [progan.load(path) for path in sys.argv[1:]]
    assert all(isinstance(model, Translator) for model in models)
    paints = models[0].stored.recipe.system == "gaugan"
    sheet = painted(models[0]) if paints else translated(models)
    path = IMAGES / ("gaugan.png" if paints else "translating.png")
    Image.fromarray(sheet).save(path, optimize=True)
    print(path)


if __name__ == "__main__":
    main()
