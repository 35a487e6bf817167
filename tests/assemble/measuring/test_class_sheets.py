from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from progan.assemble.measuring.class_sheets import COLUMNS, LOOKED_AT, write_class_sheets
from progan.assemble.measuring.measure import Generated
from progan.assemble.measuring.reals import pictures_of
from progan.assemble.models.model import load
from progan.core.recipe import DataSettings, Recipe
from progan.report.contest import CLASSES, REAL_CLASSES

SCALE = 4  # of 16 pixels to 64


class Halves:
    """Sees class 0 in pictures darker than most, class 1 in others."""

    name = "halves"

    def __init__(self, border: float, classes: int = 10) -> None:
        self.border, self.classes = border, classes

    def both(self, images: Any) -> Any:
        seen = (images.reshape(len(images), -1).mean(axis=1) > self.border).astype(int)
        return None, np.eye(self.classes)[seen]

    def record(self) -> dict[str, str]:
        return {"extractor": self.name, "weights": "1", "resize": "none"}


def recipe(labels: str, **settings: Any) -> Recipe:
    data = DataSettings(source="fashion-mnist", resolution=16, images=64, labels=labels)  # type: ignore[arg-type]
    return Recipe(data=data, set={"fmap_base": 64, "fmap_max": 8, "latent_size": 8, **settings})


def cells(path: Path) -> np.ndarray[Any, Any]:
    """rows columns h w, as they were before they were enlarged."""
    sheet = np.asarray(Image.open(path))[::SCALE, ::SCALE]
    rows = sheet.shape[0] // 16
    return sheet.reshape(rows, 16, COLUMNS, 16).transpose(0, 2, 1, 3)


def test_a_generator_that_is_told_classes_draws_a_row_of_each(make_run: Any) -> None:
    names = tuple("abcdefghij")
    run = make_run(classes=names, channels=1, recipe=recipe("auto", condition="projection"))
    model = load(run, device="cpu")
    assert write_class_sheets(run, model, None) == names
    shown = cells(run / CLASSES)
    assert shown.shape == (10, COLUMNS, 16, 16)
    for label in (0, 7):
        drawn = model.sample(range(COLUMNS), labels=label)[..., 0]
        np.testing.assert_array_equal(shown[label], drawn)


def test_rows_of_real_pictures_are_the_first_of_each_class(make_run: Any) -> None:
    run = make_run(
        classes=tuple("abcdefghij"), channels=1, recipe=recipe("auto", condition="concat")
    )
    model = load(run, device="cpu")
    write_class_sheets(run, model, None)
    loader, _ = pictures_of(model, run)
    labels, reals = loader.real_labels(0, 64), loader.real(0, 64, 16).numpy()[:, 0]
    shown = cells(run / REAL_CLASSES)
    for label in range(10):
        first = reals[labels == label][:COLUMNS]
        np.testing.assert_array_equal(shown[label, : len(first)], first)
        assert (shown[label, len(first) :] == 255).all()


def test_pictures_without_classes_are_sorted_by_the_classifier(make_run: Any) -> None:
    run = make_run(channels=1, recipe=recipe("auto"))
    model = load(run, device="cpu")
    made = Generated(model.system, model.moment, "classes")(0, LOOKED_AT)[:, 0]
    means = made.reshape(LOOKED_AT, -1).mean(axis=1)
    border = float(np.sort(means)[2:4].mean())  # three pictures are darker
    assert write_class_sheets(run, model, Halves(border))  # type: ignore[arg-type]
    shown = cells(run / CLASSES)
    np.testing.assert_array_equal(shown[0, :3], made[means < border])
    assert (shown[0, 3:] == 255).all()
    np.testing.assert_array_equal(shown[1], made[means > border][:COLUMNS])
    assert (shown[2:] == 255).all()


@pytest.mark.parametrize(("labels", "extractor"), [("none", Halves(1)), ("auto", Halves(1, 3))])
def test_where_nobody_knows_classes_nothing_is_written(
    make_run: Any, labels: str, extractor: Any
) -> None:
    run = make_run(channels=1, recipe=recipe(labels))
    assert write_class_sheets(run, load(run, device="cpu"), extractor) == ()
    assert not (run / CLASSES).exists()
    assert not (run / REAL_CLASSES).exists()
