from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from progan.core.errors import DataError
from progan.data.portraits import (
    ATTRIBUTES,
    LAYOUT_CLASSES,
    Style,
    attributes,
    captions,
    landmarks,
    layout,
    people,
    render,
)
from progan.data.portraits.scene import bump, ellipse, wave

EYES, MOUTH = LAYOUT_CLASSES.index("eyes"), LAYOUT_CLASSES.index("mouth")


def blocks(pictures: np.ndarray, side: int) -> np.ndarray:
    """Means of side x side blocks of pixels, (..., h / side, w / side)."""
    *front, h, w = pictures.shape
    return pictures.reshape(*front, h // side, side, w // side, side).mean((-3, -1))


def test_a_person_does_not_depend_on_who_else_is_asked_for() -> None:
    crowd = people(7, np.arange(1000))
    some = np.array([999, 0, 417, 417])
    alone = people(7, some)
    for field in fields(crowd):
        assert np.array_equal(getattr(crowd, field.name)[some], getattr(alone, field.name))
    assert np.array_equal(render(crowd[some], 32), np.concatenate([render(alone, 32)]))
    one_by_one = [render(people(7, [i]), 32) for i in some]
    assert np.array_equal(render(alone, 32), np.concatenate(one_by_one))


def test_far_indices_and_other_seeds_are_other_people() -> None:
    far = people(0, np.array([0, 1, 2**62, 2**63 - 1], np.uint64))
    assert len(set(far.wave.tolist())) == 4
    assert people(0, [5]).wave != people(1, [5]).wave
    assert len(people(0, [])) == 0
    assert render(people(0, []), 16).shape == (0, 3, 16, 16)


def test_attributes_are_evenly_drawn() -> None:
    crowd = people(3, np.arange(20_000))
    # the mean of 20,000 uniform numbers on [0, 1] has a deviation of 0.289 / 141 = 0.002
    assert crowd.strength.mean() == pytest.approx(0.5, abs=0.008)
    counts = np.bincount(crowd.palette, minlength=10)
    # 2,000 expected of each; the deviation is sqrt(20,000 * 0.1 * 0.9) = 42
    assert np.abs(counts - 2000).max() < 4 * 42
    # independent: correlation of two attributes has a deviation of 1 / 141
    assert abs(np.corrcoef(crowd.strength, crowd.eye_x)[0, 1]) < 0.03
    for name, ids in attributes(crowd).items():
        assert set(np.unique(ids)) == set(range(len(ATTRIBUTES[name]))), name


@pytest.mark.parametrize("size", [4, 8, 16, 32, 64, 128])
def test_the_pictures_are_still_the_same(size: int) -> None:
    # drawn with + - * / and square root alone, so every machine agrees; two levels are left for
    # rounding and for edges at other sizes. Change the numbers only to change the drawing.
    pictures = render(people(1, [0, 1]), size).astype(np.float64)
    assert np.abs(blocks(pictures, size // 4).mean(1) - THUMBNAIL).max() <= 2


@pytest.mark.parametrize("small", [32, 64])
def test_a_large_picture_averaged_down_is_the_small_one(small: int) -> None:
    crowd = people(2, np.arange(24))
    large = blocks(render(crowd, 128).astype(np.float64), 128 // small)
    gap = np.abs(large - render(crowd, small))
    assert gap.mean() < 2  # levels of 255
    assert np.percentile(gap, 99) < 25


def test_below_64_pixels_a_picture_is_exactly_the_average_of_the_64_one() -> None:
    crowd = people(2, np.arange(8))
    fine = render(crowd, 64).astype(np.float64)
    for size in (4, 16, 32):
        # each 64 pixel level was rounded: half a level, and half for the result
        assert np.abs(blocks(fine, 64 // size) - render(crowd, size)).max() <= 1


def test_landmarks_lie_in_the_eyes_and_at_the_ends_of_the_mouth() -> None:
    crowd, size = people(5, np.arange(300)), 128
    maps = layout(crowd, size)
    points = np.floor(landmarks(crowd) * size).astype(int)
    who = np.arange(300)
    for eye in (0, 1):
        assert (maps[who, points[:, eye, 1], points[:, eye, 0]] == EYES).all()
    for corner in (3, 4):
        near = [
            maps[who, points[:, corner, 1] + down, points[:, corner, 0] + right]
            for down in (-1, 0, 1)
            for right in (-1, 0, 1)
        ]
        assert (np.stack(near) == MOUTH).any(0).all()
    assert (points[:, 0, 0] < points[:, 2, 0]).all()
    assert (points[:, 2, 0] < points[:, 1, 0]).all()


def test_the_styles_show_the_same_shapes() -> None:
    crowd = people(1, np.arange(12))
    outside = layout(crowd, 64) == 0
    for style in ("flat", "ink"):
        picture = render(crowd, 64, style)
        # in flat and ink the background is one colour: every pixel well outside has it
        deep = outside & np.roll(outside, 2, 1) & np.roll(outside, -2, 1)
        deep &= np.roll(outside, 2, 2) & np.roll(outside, -2, 2)
        deep[:, :2] = deep[:, -2:] = deep[:, :, :2] = deep[:, :, -2:] = False
        for k in range(len(crowd)):
            values = picture[k][:, deep[k]]
            common = np.median(values, axis=1, keepdims=True)
            assert (np.abs(values - common) <= 2).all(0).mean() > 0.98


def test_editing_one_attribute_changes_the_picture_only_there() -> None:
    crowd = people(1, np.arange(10))
    without = replace(crowd, glasses=np.zeros_like(crowd.glasses))
    worn = replace(crowd, glasses=np.full_like(crowd.glasses, 1))
    changed = (render(without, 64) != render(worn, 64)).any((0, 1))
    assert changed.any()
    rows = np.flatnonzero(changed.any(1))
    assert rows.min() > 12  # the glasses, and nothing above the brows or below the nose
    assert rows.max() < 46
    assert (layout(worn, 64) == LAYOUT_CLASSES.index("glasses")).any((1, 2)).all()


@pytest.mark.parametrize("size", [4, 5, 8, 31, 48, 100, 129])
@pytest.mark.parametrize("style", ["colour", "flat", "ink"])
def test_every_size_and_style_draws(size: int, style: Style) -> None:
    pictures = render(people(0, [0, 1]), size, style)
    assert pictures.shape == (2, 3, size, size)
    assert pictures.std() > 5
    assert layout(people(0, [0, 1]), size).max() < len(LAYOUT_CLASSES)


def test_the_largest_size_draws() -> None:
    assert render(people(0, [0]), 1024).shape == (1, 3, 1024, 1024)


def test_wrong_sizes_and_styles_are_refused() -> None:
    for size in (3, 1025):
        with pytest.raises(DataError, match=f"size is {size}"):
            render(people(0, [0]), size)
        with pytest.raises(DataError, match=f"size is {size}"):
            layout(people(0, [0]), size)
    with pytest.raises(DataError, match="oil"):
        render(people(0, [0]), 32, "oil")  # type: ignore[arg-type]


def test_captions_name_what_is_there() -> None:
    crowd = people(1, np.arange(400))
    glasses, bald = crowd.glasses > 0, crowd.style == 0
    for k, caption in enumerate(captions(crowd)):
        assert ("glasses" in caption) == bool(glasses[k])
        assert ("bald" in caption) == bool(bald[k])
        assert "a auburn" not in caption
        assert "a old" not in caption


def test_shapes_are_what_their_formulas_say() -> None:
    x = np.array([0.0, 2.0, 3.0, 0.0], np.float32)
    y = np.array([0.0, 0.0, 0.0, 1.0], np.float32)
    # a circle of radius 2: the middle lies 2 inside, then on, 1 outside, 1 inside
    distance = ellipse(x, y, np.float32(2), np.float32(2))
    assert np.allclose(distance, [-2, 0, 1, -1], atol=2e-3)
    t = np.array([0.0, 0.25, 0.5, 1.0, -3.5], np.float32)
    assert np.allclose(wave(t), [1, 0, -1, 1, -1])
    # (1 - r2)²
    assert np.allclose(bump(np.array([0.0, 0.5, 1.0, 2.0], np.float32)), [1, 0.25, 0, 0])


# fmt: off
THUMBNAIL = np.array([
    [[209, 175, 167, 187], [199, 181, 168, 171], [169, 183, 171, 166], [148, 143, 140, 148]],
    [[180, 154, 152, 188], [182, 134, 150, 184], [189, 132, 146, 192], [205, 147, 140, 212]],
])
# fmt: on
"""Grey 4x4 pictures of the first two people of seed 1."""
