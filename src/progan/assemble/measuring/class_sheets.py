"""Pictures of a run by class: a row for each, of generated pictures and of real ones.

A generator that is told classes draws its rows. Of one that is not, a classifier sorts the first
pictures into rows. Nobody chooses by hand: a row shows the first that belong there.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from progan.assemble.measuring.measure import Generated
from progan.assemble.measuring.reals import pictures_of
from progan.core.grids import png_bytes, tile, to_picture
from progan.engine.checkpoint import write_atomically
from progan.report.contest import CLASSES, REAL_CLASSES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from progan.assemble.models.model import Model
    from progan.metrics.extracted import Extractor

__all__ = ["COLUMNS", "write_class_sheets"]

COLUMNS = 6
"""Pictures in a row."""
MOST_CLASSES = 20
LOOKED_AT = 1024
"""First pictures among which those of each class are sought."""
SIDE = 64
"""Side of a picture in the sheet, in pixels; smaller ones are enlarged by a whole number."""


def write_class_sheets(run: Path, model: Model, extractor: Extractor | None) -> tuple[str, ...]:
    """Write both sheets into the run's `review/`; give what their rows show, from the top.

    Nothing is written, and there are no rows, where real pictures have no labels, and where
    neither the generator is told classes nor `extractor` tells the same number of them apart.
    """
    loader, _ = pictures_of(model, run)
    classes, side = loader.spec.classes, model.resolution
    if not 2 <= classes <= MOST_CLASSES or not isinstance(side, int):
        return ()
    if model.classes == classes:
        made = np.concatenate([_asked(model, label) for label in range(classes)])
    elif extractor is not None and extractor.classes == classes:
        pictures = Generated(model.standing().system, model.moment, "classes")(0, LOOKED_AT)
        made = _sorted(pictures, _seen(extractor, pictures), classes)
    else:
        return ()
    count = min(LOOKED_AT, loader.spec.images)
    reals = loader.real(0, count, side).cpu().numpy()
    (run / "review").mkdir(exist_ok=True)
    _write(run / REAL_CLASSES, _sorted(reals, loader.real_labels(0, count), classes))
    _write(run / CLASSES, made)
    return model.stored.class_names or tuple(map(str, range(classes)))


def _asked(model: Model, label: int) -> NDArray[np.uint8]:
    made = model.sample(range(COLUMNS), labels=label)
    return np.asarray(made.transpose(0, 3, 1, 2))


def _seen(extractor: Extractor, pictures: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The class that the extractor sees in each picture."""
    parts = [pictures[k : k + 64] for k in range(0, len(pictures), 64)]
    return np.concatenate([np.asarray(extractor.both(part)[1]).argmax(axis=1) for part in parts])


def _sorted(pictures: NDArray[np.uint8], labels: NDArray[Any], classes: int) -> NDArray[np.uint8]:
    """The first pictures of each class, row by row; white where there are too few."""
    found = np.full((classes, COLUMNS, *pictures.shape[1:]), 255, np.uint8)
    for label in range(classes):
        mine = pictures[labels == label][:COLUMNS]
        found[label, : len(mine)] = mine
    return found.reshape(classes * COLUMNS, *pictures.shape[1:])


def _write(to: Path, pictures: NDArray[np.uint8]) -> None:
    scale = max(1, SIDE // pictures.shape[2])
    write_atomically(to, png_bytes(to_picture(tile(pictures, COLUMNS), scale)))
