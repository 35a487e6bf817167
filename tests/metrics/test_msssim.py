from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from progan.core.errors import DataError
from progan.metrics.images import ImageSource
from progan.metrics.msssim import MSSSIM, msssim, pair_scores


def random_images(count: int, size: int = 32, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(256, size=(count, 3, size, size), dtype=np.uint8)


def from_array(images: np.ndarray) -> ImageSource:
    return lambda start, count: images[start : start + count]


@pytest.mark.parametrize("size", [16, 32, 48, 176])
def test_an_image_is_wholly_like_itself(size: int) -> None:
    images = random_images(2, size)
    np.testing.assert_allclose(pair_scores(images, images), 1, atol=1e-12)


def test_flat_images_differ_in_brightness_at_the_last_scale_only() -> None:
    # no variance: cs = c2/c2 = 1 at every scale, ssim = (2ab + c1)/(a² + b² + c1)
    a, b, c1 = 60.0, 180.0, 2.55**2
    first, second = np.full((1, 1, 32, 32), a), np.full((1, 1, 32, 32), b)
    expected = ((2 * a * b + c1) / (a * a + b * b + c1)) ** 0.1333
    np.testing.assert_allclose(pair_scores(first, second), expected, rtol=1e-9)


def test_a_negative_counts_as_nothing_rather_than_nan() -> None:
    images = random_images(3)
    np.testing.assert_array_equal(pair_scores(images, 255 - images), 0)


def test_the_order_within_a_pair_does_not_matter() -> None:
    first, second = random_images(4, seed=1), random_images(4, seed=2)
    np.testing.assert_allclose(pair_scores(first, second), pair_scores(second, first), rtol=1e-12)


def test_pairs_are_even_and_odd_neighbours() -> None:
    twins = np.repeat(random_images(5), 2, axis=0)  # 0 0 1 1 2 2 …
    assert msssim(from_array(twins), 5).value == pytest.approx(1)
    assert msssim(from_array(twins[1:]), 4).value < 0.9


def test_the_value_is_the_mean_over_pairs_whatever_the_batch(
    waves: Callable[..., ImageSource],
) -> None:
    source = waves(16, noise=10, steepness=1)
    images = source(0, 600)  # more than one batch
    scores = pair_scores(images[0::2], images[1::2])
    found = msssim(source, 300)
    assert found.value == pytest.approx(scores.mean())
    assert found.error == pytest.approx(scores.std(ddof=1) / 300**0.5)


def test_what_is_printed_holds_the_pairs_and_the_real_value() -> None:
    real = MSSSIM(value=0.25, error=0.01, pairs=500)
    found = MSSSIM(value=0.5, error=0.002, pairs=10_000, real=real)
    assert found.images == 20_000
    assert str(found) == "MS-SSIM 0.5000 ± 0.0020, 10,000 pairs; real images 0.2500, 500 pairs"
    assert str(real).endswith("real images not measured")


def test_real_images_are_measured_beside(waves: Callable[..., ImageSource]) -> None:
    real, fake = waves(16, noise=10, steepness=1), waves(16, noise=0, steepness=3)
    found = msssim(fake, 6, real=real, real_pairs=4)
    assert found.real == msssim(real, 4)


def test_images_without_a_fifth_scale_are_refused() -> None:
    with pytest.raises(DataError, match=r"8x8.*divide by 16"):
        msssim(from_array(random_images(4, size=8)), 2)
