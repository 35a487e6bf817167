"""GauGAN from two folders to a model that paints: what it needs goes with it, and no more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from progan.assemble.measuring.translations import Sides, Translations, data_of, measure_translator
from progan.assemble.models.translator import Translator, load_translator
from progan.data.portraits import layout, people, render
from progan.engine.checkpoint import load_checkpoint
from small_translator import train_two

SETS = (
    *("width=2", "hidden=4", "style_size=4", "encoder_width=4", "critic_width=4", "batch=4"),
    *("perceptual=self", "segmenter_width=2", "segmenter_images=8", "data.images=40"),
    *("train.previews=2", "train.log_every=2", "train.threads=1", "train.precision=fp32"),
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Translator:
    place = tmp_path_factory.mktemp("painter")
    run = train_two(place, system="gaugan", second="portraits-layouts", images=24, sets=SETS)
    return load_translator(run.path)


def test_a_run_leaves_a_model_that_paints_maps_in_styles(model: Translator) -> None:
    who = people(0, np.arange(500, 502))
    maps, pictures = layout(who, 16), render(who, 16).transpose(0, 2, 3, 1)
    style = model.style_of(np.ascontiguousarray(pictures[1]))
    assert style.shape == (1, 4)
    painted = model.translate(maps, style=style)
    assert painted.shape == (2, 16, 16, 3)
    assert painted.dtype == np.uint8
    larger = layout(who, 24)[0]  # networks with styles take one size: brought back
    assert model.translate(larger, style=style).shape == (24, 24, 3)


def test_painted_maps_are_measured_in_styles_drawn_and_in_those_of_the_truth(
    model: Translator,
) -> None:
    run = model.path.parents[1]
    ((told, way),) = measure_translator(run, metrics=["swd"], images=16)
    assert "in that of the true picture" in told.notes[1]
    assert way.likeness[0].of == "translated"
    (direction,) = model.ways
    sides = Sides.of(data_of(model, run), direction)
    drawn, again = (Translations(model, direction, sides.source, 16) for _ in range(2))
    own = Translations(model, direction, sides.source, 16, sides.target)
    assert np.array_equal(drawn(0, 4), again(0, 4))
    for number, made in enumerate(own(0, 4)):
        rows = [int(own.order[number])]
        truth, maps = (part.gather(rows, 16) for part in (sides.target, sides.source))
        style = model.style_of(np.ascontiguousarray(truth[0].transpose(1, 2, 0)))
        painted = model.translate(np.ascontiguousarray(maps[:, 0]), style=style)
        assert np.array_equal(made, painted[0].transpose(2, 0, 1))


def test_an_exported_model_paints_the_same_without_judges(
    model: Translator, tmp_path: Path
) -> None:
    maps = layout(people(0, np.arange(500, 502)), 16)
    model.save_pretrained(tmp_path / "painter")
    again = load_translator(tmp_path / "painter")
    assert np.array_equal(again.translate(maps), model.translate(maps))
    tensors, _ = load_checkpoint(tmp_path / "painter" / "model.safetensors")
    parts = {name.split("/")[-1].split(".")[0] for name in tensors}
    assert parts == {"generator", "encoder"}
