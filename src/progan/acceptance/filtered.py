"""A task of GANILLA: photographs become pictures as a known filter draws them.

Both domains are cut from the same photographs, but never from the same place: what is shown there
is alike, so the hand alone tells them apart. From other photographs, the colours and things of
those belong to the wanted domain as well, and a translator rightly changes them.
"""

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
from progan.extractors.style_content import content_judge, picture_judge, style_judge
from progan.lab.exhibits.record import Number

__all__ = ["TASK", "Tiles", "by_hand", "drawn_by_hand", "tiles_of"]

Pixels = NDArray[np.uint8]
SIDE, WHOLE = 64, 512
"""Pixels of a tile, and of a photograph's longer side before it is cut into tiles."""
BLOCK, APART = 128, 16
"""Pixels of the squares that are shared out, and from tile to tile in those to learn from."""
LEAST = 6
NEEDED = "photographs"
SHARES = 0.3, 0.3, 0.2
"""Of a photograph's blocks: to translate, to filter, for judges; the rest is held out."""
COLOURS, EDGE, INK = 6, 40.0, 0.25
"""Colours that the filter leaves, the step of brightness from which it draws a line, and how bright
a line is."""
FLAT = 16.0
"""Deviation of pixels, of 255, below which a tile shows too little for a filter to show."""
SETS = ("images=9600",)
SHOWN, SHOWN_TILES = 24_000, 60_000
"""Pictures that judges are shown; and the one of them that tells tiles apart."""
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
    """Tiles of photographs, apart from each other, for four uses."""

    learnt: Pixels
    """To be translated."""
    drawn: Pixels
    """To be filtered: the other domain."""
    judged: Pixels
    """For judges to learn from."""
    held: Pixels
    """Those that do not overlap."""
    judged_source: NDArray[np.int64]
    """Which photograph each is of."""
    held_source: NDArray[np.int64]


def tiles_of(photographs: list[Pixels], sizes: list[tuple[int, int]], seed: int) -> Tiles:
    """Cut photographs, each in the upper left corner of a square, into blocks, share these out, and
    cut them into tiles.

    Raises: ConfigError for photographs too small or too flat to give tiles for every use.
    """
    random = np.random.default_rng(seed)
    uses = len(SHARES) + 1
    parts: list[list[Pixels]] = [[] for _ in range(uses)]
    sources: list[list[int]] = [[] for _ in range(uses)]
    for number, (pixels, (height, width)) in enumerate(zip(photographs, sizes, strict=True)):
        blocks = [
            pixels[:, top : min(top + BLOCK, height), left : min(left + BLOCK, width)]
            for top in range(0, height - SIDE + 1, BLOCK)
            for left in range(0, width - SIDE + 1, BLOCK)
        ]
        ends = np.rint(np.cumsum(SHARES) * len(blocks))
        for place, block in enumerate(random.permutation(len(blocks))):
            use = int((place >= ends).sum())
            for tile in _cut(blocks[block], SIDE if use == uses - 1 else APART):
                parts[use].append(tile)
                sources[use].append(number)
    if min(len(one) for one in parts) < 2:
        counts = ", ".join(str(len(one)) for one in parts)
        raise ConfigError(
            f"these photographs give {counts} tiles to translate, to filter, to judge by and to be "
            f"judged; two of each are needed. Take some of {4 * BLOCK} pixels or more on a side."
        )
    learnt, drawn, judged, held = (np.stack(one) for one in parts)
    return Tiles(learnt, drawn, judged, held, np.array(sources[2]), np.array(sources[3]))


def _cut(block: Pixels, step: int) -> list[Pixels]:
    """The tiles of a block that show something."""
    _, height, width = block.shape
    tiles = [
        block[:, top : top + SIDE, left : left + SIDE]
        for top in range(0, height - SIDE + 1, step)
        for left in range(0, width - SIDE + 1, step)
    ]
    return [tile for tile in tiles if tile.std() >= FLAT]


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
    """From photographs to filtered pictures of other places: style, content and both."""
    names, pixels, sizes = photographs(folder)
    tiles = tiles_of(pixels, sizes, seed)
    known = TwoSets(tiles.learnt, by_hand(tiles.drawn), seed)
    trainer = train("ganilla", known, seed=seed, sets=SETS)
    made = to_uint8(translated(trainer, as_images(tiles.held), "ab"))
    domains = tiles.judged, by_hand(tiles.judged)
    style = style_judge(domains, ("photograph", "filtered"), images=SHOWN, seed=seed)
    own = picture_judge(tiles.held, images=SHOWN_TILES, seed=seed)
    whose = content_judge(tiles.judged, tiles.judged_source, names, images=SHOWN, seed=seed)
    truth, number = by_hand(tiles.held), np.arange(len(made))
    called, kept = style.share(made, 1), own.share(made, number)

    def told(words: str, value: float) -> Number:
        return Number(words=words, value=value)

    def near(found: Pixels) -> float:
        return psnr(as_images(found), as_images(truth))

    return {
        "style": Number(
            words="style: share of translations that a judge of patches calls filtered",
            value=called,
            low=STYLE,
        ),
        "content": Number(
            words="content: share that a judge of tiles, who learnt in colours of chance, knows, "
            "over that of the same tiles filtered",
            value=kept / max(own.share(truth, number), 1 / len(made)),
            low=CONTENT,
        ),
        "style copy": told("style of the tiles as they are", style.share(tiles.held, 1)),
        "style truth": told("style of the same tiles filtered", style.share(truth, 1)),
        "known": told("share of translations that it knows the tile of", kept),
        "content copy": told("the same of the tiles as they are", own.share(tiles.held, number)),
        "content truth": told("the same of the same tiles filtered", own.share(truth, number)),
        "mean": told("mean of style and of that share", (called + kept) / 2),
        "tiles": told("tiles to know", float(len(made))),
        "photograph": told(
            "share of translations that a judge, by colours too, knows the photograph of",
            whose.share(made, tiles.held_source),
        ),
        "photograph copy": told(
            "the same of the tiles as they are", whose.share(tiles.held, tiles.held_source)
        ),
        "photograph truth": told(
            "the same of the same tiles filtered", whose.share(truth, tiles.held_source)
        ),
        "psnr": told("PSNR to the same tiles filtered, in dB", near(made)),
        "psnr copy": told("PSNR of the tiles as they are", near(tiles.held)),
    }


TASK = Task(
    slug="photos",
    words="tiles of photographs, 64 pixels, as a filter draws others of them",
    source="Hicsonmez et al. 2020, section 4.3, on photographs; bars by a measurement",
    minutes=18,
    make=filtered,
    needs=NEEDED,
)
