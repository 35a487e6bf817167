from __future__ import annotations

import numpy as np
import pytest

from progan.core.errors import DataError
from progan.metrics.one_picture import diversity, patch_distance, spatial_distance

DICE = np.random.default_rng(0)
PICTURE = DICE.integers(0, 256, (3, 20, 24), np.uint8)


def test_a_picture_is_no_distance_from_itself_whatever_the_directions() -> None:
    assert patch_distance(PICTURE, PICTURE) == 0
    assert patch_distance(PICTURE, PICTURE, seed=3) == 0


def test_a_picture_repeated_has_the_same_patches_but_at_its_seams() -> None:
    wide = np.full((3, 9, 30), 77, np.uint8)
    # zero but for rounding: where a row stands in a product of matrices can change its last bit
    assert patch_distance(np.full((3, 9, 11), 77, np.uint8), wide) < 1e-15


def test_the_distance_of_two_plain_pictures_is_that_of_their_projected_colours() -> None:
    # every patch is the vector c·1 of 49 numbers: W₁ along d is |c₁ − c₂| · |Σ d|
    a, b = np.full((1, 8, 8), 0, np.uint8), np.full((1, 10, 8), 255, np.uint8)
    d = np.random.default_rng(0).standard_normal((49, 128))
    d /= np.linalg.norm(d, axis=0)
    expected = 2 * np.abs(d.sum(axis=0)).mean()
    assert patch_distance(a, b) == pytest.approx(expected, rel=1e-12)


def test_pictures_of_other_sizes_are_compared_by_their_distributions() -> None:
    # a picture of one column repeated: as wide again, each patch comes as often
    column = DICE.integers(0, 256, (1, 12, 1), np.uint8)
    narrow, wide = np.repeat(column, 8, 2), np.repeat(column, 15, 2)
    assert patch_distance(narrow, wide) == pytest.approx(0, abs=1e-12)
    other = np.repeat(DICE.integers(0, 256, (1, 12, 1), np.uint8), 8, 2)
    same, by_area = patch_distance(narrow, other), patch_distance(wide, other)
    assert by_area == pytest.approx(same, rel=1e-9)


def test_pictures_without_a_patch_are_refused() -> None:
    with pytest.raises(DataError, match="7 pixels or more"):
        patch_distance(PICTURE, PICTURE[:, :6])
    with pytest.raises(DataError, match="same channels"):
        patch_distance(PICTURE, PICTURE[:1])


def test_diversity_is_the_deviation_over_pictures_over_that_of_the_picture() -> None:
    real = np.zeros((1, 2, 2), np.uint8)
    real[0, 0] = 100  # intensities 100, 100, 0, 0: deviation 50
    fakes = np.zeros((2, 1, 2, 2), np.uint8)
    fakes[1, 0, 0, 0] = 80  # deviation 40 at one of four pixels: mean 10
    assert diversity(real, fakes) == pytest.approx(10 / 50)
    assert diversity(real, fakes[:1]) == 0
    with pytest.raises(DataError, match="one intensity"):
        diversity(np.zeros((1, 2, 2), np.uint8), fakes)


def test_the_distance_of_places_that_are_moved_is_the_square_of_the_way() -> None:
    rows = DICE.standard_normal((500, 4))
    moved = rows + np.array([3.0, 0.0, 4.0, 0.0])
    assert spatial_distance(rows, moved) == pytest.approx(25, rel=1e-6)
