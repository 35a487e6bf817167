"""A page of pictures beside what became of them: one file that needs no network."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from progan.assemble.writing.containers import webp_bytes
from progan.core.grids import to_picture
from progan.report.markup import Html, element, text
from progan.report.page import Section, document, paragraph, picture, put
from progan.report.pictures import Picture

__all__ = ["SidePage"]

Frame = NDArray[np.uint8]

MOST_ROWS = 60
"""Pictures on a page; the others lie in the folder."""
SIDE = 512
"""Pixels of a picture on the page, at most."""
SMALL = 128
"""Pictures smaller than this are enlarged by a whole number."""


@dataclass
class SidePage:
    """Rows of a picture and what was made of it, kept as they come."""

    title: str
    columns: tuple[str, ...]
    """What stands above the pictures of a row."""
    rows: list[tuple[str, list[Picture]]] = field(default_factory=list)
    count: int = 0
    failed: list[str] = field(default_factory=list)

    def add(self, name: str, pictures: list[Frame]) -> None:
        """One row."""
        self.count += 1
        if len(self.rows) < MOST_ROWS:
            self.rows.append((name, [_shown(one) for one in pictures]))

    def write(self, to: Path, notes: list[str]) -> Path:
        """Write the page; raises `RoomError` when there is no place for it."""
        hint = [f"{self.count:,} pictures."]
        if self.count > len(self.rows):
            hint = [f"{len(self.rows)} of {self.count:,} pictures are shown; all lie beside this."]
        body: list[Html] = [paragraph(" ".join([*hint, *notes]), "quiet")]
        for name, pictures in self.rows:
            cells = [
                picture(one, f"{name}: {column}", text(column))
                for one, column in zip(pictures, self.columns, strict=True)
            ]
            body.append(element("h3", text(name)))
            body.append(element("div", *cells, class_="pair"))
        parts = [Section(slug="pictures", title="Side by side", body=body)]
        if self.failed:
            items = element("ul", *(element("li", text(line)) for line in self.failed[:100]))
            parts.append(Section(slug="failed", title="Not translated", body=[items]))
        head = [element("h1", text(self.title))]
        footer = [element("p", text("Made by progan translate. This page needs no network."))]
        return put(document(self.title, head, parts, footer), to)


def _shown(frame: Frame) -> Picture:
    """A picture as the page holds it."""
    image = to_picture(frame)
    height, width = frame.shape[:2]
    if max(image.size) > SIDE:
        share = SIDE / max(image.size)
        size = max(1, round(width * share)), max(1, round(height * share))
        image = image.resize(size, Image.Resampling.LANCZOS)
    content = webp_bytes(image, lossless=max(image.size) <= SMALL, quality=85)
    address = f"data:image/webp;base64,{base64.b64encode(content).decode('ascii')}"
    return Picture(address=address, width=image.width, height=image.height)
