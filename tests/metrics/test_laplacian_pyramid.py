from __future__ import annotations

import numpy as np
import pytest

from progan.metrics.pyramid import laplacian_pyramid, level_resolutions, rebuild


@pytest.mark.parametrize(
    ("size", "levels"),
    [
        (128, (128, 64, 32, 16)),
        (32, (32, 16)),
        (16, (16,)),
        (8, (8,)),
        (28, (28,)),  # its half is below 16
        (50, (50, 25)),  # 25 has no half
    ],
)
def test_levels_halve_down_to_sixteen(size: int, levels: tuple[int, ...]) -> None:
    assert level_resolutions(size) == levels


def test_the_pyramid_gives_its_images_back() -> None:
    images = np.random.default_rng(0).uniform(0, 255, (3, 2, 64, 64))
    bands = laplacian_pyramid(images, 3)
    assert [band.shape[-1] for band in bands] == [64, 32, 16]
    np.testing.assert_allclose(rebuild(bands), images, atol=1e-11)


def test_one_band_of_whole_pixel_values_is_exact_in_float32() -> None:
    # numbers up to 255 in steps of 1/16384 need 22 of the 24 bits
    images = np.random.default_rng(1).integers(256, size=(2, 3, 32, 32)).astype(np.float32)
    np.testing.assert_array_equal(rebuild(laplacian_pyramid(images, 2)), images)


def test_a_flat_image_is_all_in_the_last_band() -> None:
    details, rest = laplacian_pyramid(np.full((1, 1, 32, 32), 77.0), 2)
    np.testing.assert_allclose(details, 0, atol=1e-12)
    np.testing.assert_allclose(rest, 77, atol=1e-12)


@pytest.mark.parametrize(
    ("lit", "first_row"),
    [
        (0, [6, 1, 0, 0]),  # under the centre tap of 0, under the last tap of 2
        (1, [8, 4, 0, 0]),  # twice under 0: once as its own mirror image
        (2, [2, 6, 1, 0]),  # the outer tap of 0 is mirrored onto it
        (7, [0, 0, 0, 4]),  # beside 6; pixel 8 would mirror 6, not repeat 7
    ],
)
def test_down_is_the_binomial_kernel_mirrored_without_its_edge(
    lit: int, first_row: list[int]
) -> None:
    image = np.zeros((1, 1, 8, 8))
    image[..., lit] = 1  # a lit column: down along the other axis changes nothing
    _, half = laplacian_pyramid(image, 2)
    np.testing.assert_allclose(half[0, 0], np.tile(np.array(first_row) / 16, (4, 1)))


def test_up_spreads_a_pixel_over_its_neighbours_and_keeps_the_mean() -> None:
    band = np.zeros((1, 1, 4, 4))
    band[..., 2] = 1
    doubled = rebuild([np.zeros((1, 1, 8, 8)), band])
    # column 2 lands on column 4; taps 1 4 6 4 1 over 16, times 2 for the zeros between.
    # At the right edge, column 8 would mirror column 6, so column 7 sees column 6 alone.
    np.testing.assert_allclose(doubled[0, 0, 0], np.array([0, 0, 1, 4, 6, 4, 1, 0]) / 8)
