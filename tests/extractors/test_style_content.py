"""Judges of style and of content: each sees what it is for, and not the other."""

from __future__ import annotations

import numpy as np
import pytest

from progan.core.errors import DataError
from progan.extractors.style_content import content_judge, patches, recoloured, style_judge

SIDE, COUNT = 32, 48


def pictures(seed: int, *, striped: bool) -> tuple[np.ndarray, np.ndarray]:
    """Dark or bright grounds, which is their content, with fine stripes or without: a style."""
    random = np.random.default_rng(seed)
    content = np.arange(COUNT) % 2
    base = np.where(content, 170, 60)[:, None, None, None] + random.normal(
        0, 12, (COUNT, 3, SIDE, SIDE)
    )
    if striped:
        base[..., ::2] += 40
    return base.clip(0, 255).astype(np.uint8), content


def test_a_patch_is_a_window_of_its_picture() -> None:
    whole = np.arange(SIDE * SIDE, dtype=np.int64).reshape(1, 1, SIDE, SIDE)
    marked = (whole % 251).astype(np.uint8).repeat(20, axis=0)
    cut = patches(marked, 3, window=0.5)
    assert cut.shape == (20, 1, 16, 16)
    found = set()
    for one in cut:
        matches = [
            (top, left)
            for top in range(SIDE - 15)
            for left in range(SIDE - 15)
            if np.array_equal(marked[0, 0, top : top + 16, left : left + 16], one[0])
        ]
        assert matches
        found.add(matches[0])
    assert len(found) > 10  # each at a place of its own
    assert np.array_equal(cut, patches(marked, 3, window=0.5))
    assert not np.array_equal(cut, patches(marked, 4, window=0.5))


def test_colours_of_chance_leave_shapes_where_they_are() -> None:
    shape = np.full((40, 3, 8, 8), 120, np.uint8)
    shape[:, 0, 2:5, 3:7] = 150
    made = recoloured(shape, 1).astype(int)
    inside, outside = made[:, :, 3, 4], made[:, :, 0, 0]
    assert np.array_equal(made[:, :, 2:5, 3:7], np.tile(inside[..., None, None], (1, 1, 3, 4)))
    assert np.array_equal(made[:, :, 5:], np.tile(outside[..., None, None], (1, 1, 3, 8)))
    differs = np.abs(inside - outside).max(axis=1)
    assert (differs > 0).mean() > 0.9
    same = np.ptp(inside - outside, axis=1) <= 1  # grey, but for a tint over all of it
    assert 0.2 < same.mean() < 0.8
    assert not np.array_equal(recoloured(shape, 2), recoloured(shape, 1))


def test_the_papers_window_is_150_of_256_pixels() -> None:
    assert patches(np.zeros((1, 3, 256, 256), np.uint8), 0).shape == (1, 3, 150, 150)


def test_style_is_told_whatever_is_shown_and_content_whatever_the_style() -> None:
    (plain, shows), (striped, _) = pictures(0, striped=False), pictures(1, striped=True)
    style = style_judge((plain, striped), ("plain", "striped"), images=6_000)
    content = content_judge(plain, shows, ("dark", "bright"), images=6_000)
    (others, labels), (others_striped, _) = pictures(2, striped=False), pictures(3, striped=True)
    assert style.share(others, 0) > 0.9
    assert style.share(others_striped, 1) > 0.9
    assert content.share(others, labels) > 0.9
    assert content.share(others_striped, labels) > 0.9
    assert content.share(others, 1 - labels) < 0.1
    assert style.features(others).shape == (COUNT, 128)
    leaning = style.leaning(others_striped, 1)
    np.testing.assert_array_equal(leaning > 0, style.said(others_striped) == 1)
    np.testing.assert_allclose(leaning, -style.leaning(others_striped, 0), rtol=1e-12)
    assert leaning.min() > np.median(style.leaning(others, 1))


def test_sets_count_alike_however_many_pictures_they_have() -> None:
    plain, striped = pictures(0, striped=False)[0], pictures(1, striped=True)[0][:6]
    style = style_judge((plain, striped), ("plain", "striped"), images=6_000)
    assert style.share(pictures(3, striped=True)[0], 1) > 0.9
    assert style.share(pictures(2, striped=False)[0], 0) > 0.9


def test_a_set_without_pictures_is_refused() -> None:
    with pytest.raises(DataError, match="no pictures of striped"):
        style_judge(
            (pictures(0, striped=False)[0], np.zeros((0, 3, 32, 32), np.uint8)),
            ("plain", "striped"),
            images=10,
        )
