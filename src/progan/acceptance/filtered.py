"""A task of GANILLA: photographs become pictures as a known filter draws them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from progan.acceptance.record import Numbers, Task
from progan.acceptance.scenes import psnr
from progan.acceptance.translation import train, translated
from progan.acceptance.user_pictures import ENDINGS, TwoSets, as_images, read_pictures
from progan.core.errors import ConfigError
from progan.core.grids import to_uint8
from progan.data.pictures import size_of
from progan.data.records import Finding, fitted
from progan.extractors.style_content import content_judge, style_judge
from progan.lab.exhibits.record import Number

__all__ = ["TASK", "Tiles", "by_hand", "drawn_by_hand", "tiles_of"]

Pixels = NDArray[np.uint8]
SIDE, WHOLE = 64, 512
"""Pixels of a tile, and of a photograph's longer side before it is cut into tiles."""
LEAST = 6
"""Photographs, half of them to be translated and half to be filtered."""
NEEDED = "photographs"
SHARES = 0.4, 0.4
"""Of a photograph's tiles: for the translator, and for the judges; the rest is held out."""
COLOURS, EDGE, INK = 6, 40.0, 0.25
"""Colours that the filter leaves, the step of brightness from which it draws a line, and how bright
a line is."""
FLAT = 16.0
"""Deviation of pixels, of 255, below which a tile shows too little for a filter to show."""
SETS = ("images=9600",)
SHOWN = 24_000
"""Pictures that each judge is shown."""
STYLE, CONTENT = 0.80, 0.60


def by_hand(tiles: Pixels) -> Pixels:
    """All of n 3 side side, filtered."""
    return np.stack([drawn_by_hand(one) for one in tiles])


def drawn_by_hand(tile: Pixels) -> Pixels:
    """The filter: six colours, flat areas, and dark lines at edges. 3 side side to the same."""
    image = Image.fromarray(tile.transpose(1, 2, 0))
    flat = image.filter(ImageFilter.MedianFilter(3)).quantize(COLOURS).convert("RGB")
    grey = np.asarray(image.filter(ImageFilter.GaussianBlur(1)).convert("L"), float)
    across, along = np.gradient(grey)
    line = np.hypot(across, along) * 2 > EDGE
    pixels = np.asarray(flat, float)
    pixels[line] *= INK
    return np.rint(pixels).astype(np.uint8).transpose(2, 0, 1)


@dataclass(frozen=True)
class Tiles:
    """Tiles of photographs, apart from each other, for three uses."""

    learnt: Pixels
    judged: Pixels
    """For judges to learn from."""
    held: Pixels
    judged_source: NDArray[np.int64]
    """Which photograph each is of."""
    held_source: NDArray[np.int64]


def tiles_of(photographs: list[Pixels], sizes: list[tuple[int, int]], seed: int) -> Tiles:
    """Cut photographs, each in the upper left corner of a square, into tiles, and share them
    out."""
    random = np.random.default_rng(seed)
    parts: list[list[Pixels]] = [[], [], []]
    sources: list[list[int]] = [[], [], []]
    for number, (pixels, (height, width)) in enumerate(zip(photographs, sizes, strict=True)):
        tiles = [
            pixels[:, top : top + SIDE, left : left + SIDE]
            for top in range(0, height - SIDE + 1, SIDE)
            for left in range(0, width - SIDE + 1, SIDE)
        ]
        tiles = [tile for tile in tiles if tile.std() >= FLAT]
        first, second = (round(len(tiles) * share) for share in SHARES)
        for place, tile in enumerate(random.permutation(len(tiles))):
            use = 0 if place < first else 1 if place < first + second else 2
            parts[use].append(tiles[tile])
            sources[use].append(number)
    learnt, judged, held = (np.stack(one) for one in parts)
    return Tiles(learnt, judged, held, np.array(sources[1]), np.array(sources[2]))


def photographs(folder: Path) -> tuple[list[str], list[Pixels], list[tuple[int, int]]]:
    """Names, pixels in the corner of a square, and sizes of a folder's photographs, by name.

    Raises: ConfigError for a folder with too few; DataError for files that are no pictures.
    """
    place = folder.expanduser()
    files = {
        one.name: one
        for one in sorted(place.glob("*"))
        if one.suffix.lower() in ENDINGS and one.is_file()
    }
    if len(files) < LEAST:
        raise ConfigError(
            f"{folder} has {len(files)} photographs; {LEAST} or more are needed, PNG, JPEG or WebP "
            "files in the folder itself. docs/ganilla.md says where there are some."
        )
    found = read_pictures(files, WHOLE, crop="whole")
    sizes = []
    for path in files.values():
        size = size_of(path)
        assert not isinstance(size, Finding)  # it has been read
        width, height = fitted(size, WHOLE)
        sizes.append((height, width))
    return list(found), list(found.values()), sizes


def filtered(seed: int, folder: Path) -> Numbers:
    """From photographs to filtered pictures of other photographs: style, content and both."""
    names, pixels, sizes = photographs(folder)
    a, b = (tiles_of(pixels[k::2], sizes[k::2], seed) for k in (0, 1))
    trainer = train("ganilla", TwoSets(a.learnt, by_hand(b.learnt), seed), seed=seed, sets=SETS)
    made = to_uint8(translated(trainer, as_images(a.held), "ab"))
    both = np.concatenate([a.judged, b.judged])  # so that what they show tells nothing
    domains = both, by_hand(both)
    style = style_judge(domains, ("photograph", "filtered"), images=SHOWN, seed=seed)
    content, shapes = (
        content_judge(
            a.judged, a.judged_source, names[::2], images=SHOWN, seed=seed, colours=colours
        )
        for colours in (True, False)
    )
    truth = by_hand(a.held)
    called, kept = style.share(made, 1), content.share(made, a.held_source)

    def told(words: str, value: float) -> Number:
        return Number(words=words, value=value)

    return {
        "style": Number(
            words="style: share of translations that a judge of patches calls filtered",
            value=called,
            low=STYLE,
        ),
        "content": Number(
            words="content: share that a judge of photographs' tiles knows the photograph of",
            value=kept,
            low=CONTENT,
        ),
        "mean": told("mean of both", (called + kept) / 2),
        "style copy": told("style of the tiles as they are", style.share(a.held, 1)),
        "style truth": told("style of the same tiles filtered", style.share(truth, 1)),
        "content copy": told(
            "content of the tiles as they are", content.share(a.held, a.held_source)
        ),
        "content truth": told(
            "content of the same tiles filtered", content.share(truth, a.held_source)
        ),
        "shapes": told(
            "content of translations, by a judge who learned in colours of chance",
            shapes.share(made, a.held_source),
        ),
        "shapes copy": told(
            "the same of the tiles as they are", shapes.share(a.held, a.held_source)
        ),
        "shapes truth": told(
            "the same of the same tiles filtered", shapes.share(truth, a.held_source)
        ),
        "photographs": told("photographs to know", float(len(names[::2]))),
        "psnr": told(
            "PSNR to the same tiles filtered, in dB", psnr(as_images(made), as_images(truth))
        ),
        "psnr copy": told(
            "PSNR of the tiles as they are", psnr(as_images(a.held), as_images(truth))
        ),
    }


TASK = Task(
    slug="photos",
    words="tiles of photographs, 64 pixels, as a filter draws others",
    source="Hicsonmez et al. 2020, section 4.3, on photographs; bars by a measurement",
    minutes=25,
    make=filtered,
    needs=NEEDED,
)
