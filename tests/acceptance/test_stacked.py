"""What the tasks of StackGAN are made of: shapes that are as they are said to be."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from progan.acceptance.captioned import (
    COLOURS,
    SHAPES,
    WORDINGS,
    CaptionedDraws,
    captioned_shapes,
    kinds,
    said,
)
from progan.acceptance.stacked import (
    PRESET,
    SETS,
    _detail,
    _enlarged,
    _redrawn,
    falls,
    generated,
    hue,
    of_another_kind,
)
from progan.assemble.models.build import build_system
from progan.core.config import apply_sets
from progan.core.recipe import Recipe
from progan.core.text import grams


def test_a_picture_has_the_colour_and_roughly_the_area_of_its_label() -> None:
    made = captioned_shapes(240, 3)
    pixels = made.pictures.pixels.astype(float)
    colour, shape = kinds(made.pictures.labels)
    palette = np.array(list(COLOURS.values()), float)
    # the pixel that is furthest from grey lies within the shape
    spread = pixels.max(axis=1) - pixels.min(axis=1)
    flat = spread.reshape(len(pixels), -1).argmax(axis=1)
    found = pixels.reshape(len(pixels), 3, -1)[np.arange(len(pixels)), :, flat]
    nearest = ((found[:, None] - palette) ** 2).sum(axis=2).argmin(axis=1)
    assert np.array_equal(nearest, colour)
    share = (spread > 40).mean(axis=(1, 2))
    means = [share[shape == number].mean() for number in range(len(SHAPES))]
    assert means[SHAPES.index("circle")] > means[SHAPES.index("cross")] > 0.1
    assert means[SHAPES.index("circle")] > means[SHAPES.index("triangle")] > 0.1


def test_a_sentence_names_colour_and_shape_and_nothing_of_others() -> None:
    for label in range(len(COLOURS) * len(SHAPES)):
        colour, shape = (int(part) for part in kinds(np.array(label)))
        for wording in range(len(WORDINGS)):
            words = set(said(label, wording).replace(",", "").split())
            assert words & COLOURS.keys() == {list(COLOURS)[colour]}
            assert words & set(SHAPES) == {SHAPES[shape]}


def test_batches_bring_pictures_their_sentences_and_their_kinds() -> None:
    made = captioned_shapes(240, 3)
    draws = CaptionedDraws(known=made, seed=0)
    batch = draws.batch(range(6), 16)
    assert batch.image.shape == (6, 3, 16, 16)
    for row, kind in zip(batch.caption[:, 0].tolist(), batch.kind.tolist(), strict=True):
        own = tuple(number for number in row if number)
        assert own in {grams(said(kind, wording)) for wording in range(len(WORDINGS))}
    assert torch.equal(draws.batch(range(2, 4), 16).image, batch.image[2:4])


def test_another_kind_is_the_next_that_differs() -> None:
    assert of_another_kind(torch.tensor([4, 4, 7, 4])).tolist() == [2, 2, 3, 2]


def test_hue_counts_colour_and_not_size() -> None:
    grey = torch.full((3, 3, 8, 8), 0.2)
    grey[0, :, :4] = torch.tensor([0.9, -0.5, -0.5])[:, None, None]  # red, large
    grey[1, :, :1] = torch.tensor([-0.5, -0.5, 0.9])[:, None, None]  # blue, small
    grey[2, :, :2] = torch.tensor([-0.5, 0.9, -0.5])[:, None, None]  # green
    torch.testing.assert_close(hue(grey), torch.tensor([-1.0, 1.0, 0.0]))


def test_a_fall_is_one_beyond_what_chance_does() -> None:
    torch.manual_seed(0)
    before = torch.randn(64)
    jitter = 0.1 * torch.randn(64)
    jitter -= jitter.mean()
    assert not falls(before, before)
    assert not falls(before, before + jitter - 0.02)  # 1.6 standard errors
    assert falls(before, before + jitter - 0.03)
    assert not falls(before, before + jitter + 0.5)


def test_detail_is_one_of_enlarged_pictures_and_grows_with_the_square_of_fine_stripes() -> None:
    small = torch.rand(3, 3, 8, 8)
    large = _enlarged(small, 16)
    assert _detail(large, small) == pytest.approx(1.0)
    # stripes of one pixel: all their energy is at half a turn, in one of the places counted
    stripes = torch.tensor([1.0, -1.0]).repeat(8).expand(3, 3, 16, 16)
    once, twice = (_detail(amount * stripes, small) for amount in (1, 2))
    assert twice == pytest.approx(4 * once)


def test_what_is_redrawn_has_its_own_first_picture_and_another_ones_caption() -> None:
    recipe = apply_sets(Recipe(system="stackgan", preset=PRESET), list(SETS))
    spec = captioned_shapes(60, 3).spec
    system = build_system(recipe, spec, torch.device("cpu")).eval()
    latents = {**system.draw(3), "caption": torch.tensor([0, 10, 20])}
    plan = system.plan()
    with torch.no_grad():
        rows = {**latents, "caption": system.caption_rows(latents["caption"])}
        own = _redrawn(system, rows, torch.arange(3))
        assert torch.equal(own, generated(system, rows, plan.at(plan.images)))
        small = generated(system, rows, plan.at(plan.start(1)))
        second = torch.tensor([1, 2, 0])
        phi, noise = rows["caption"][second], rows["second noise"]
        large = system.generators["second"](small, phi, noise)[0]
        assert torch.equal(_redrawn(system, rows, second), large)
    assert not torch.equal(own, large)
