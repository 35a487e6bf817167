"""What tasks of encoders measure, on cases worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from progan.acceptance.encoders import distance_ratio, nearest_accuracy, sharpness
from progan.acceptance.pairs import Stretched
from progan.acceptance.pictures import Pictures


def test_a_ratio_compares_with_the_next_picture() -> None:
    """Rows 0, 4 rebuilt as 1, 3: each off by 1; the other is 4 − 1 = 3 and 3 − 0 = 3 away."""
    wanted = torch.tensor([[0.0], [4.0]])
    found = torch.tensor([[1.0], [3.0]])
    assert distance_ratio(found, wanted) == pytest.approx(1 / 3)
    assert distance_ratio(found, wanted, power=2.0) == pytest.approx(1 / 9)
    assert distance_ratio(wanted, wanted) == 0.0


def test_sharpness_is_the_variance_of_the_laplacian() -> None:
    """One bright pixel in the middle of 5 × 5: L is −4 there, 1 at four neighbours, 0 at the other
    four of the inner nine; mean 0, variance (16 + 4) / 9. A slope has none."""
    point = torch.zeros(1, 1, 5, 5)
    point[0, 0, 2, 2] = 1.0
    assert sharpness(point) == pytest.approx(20 / 9)
    slope = torch.arange(5.0).expand(2, 1, 5, 5)
    assert sharpness(slope) == 0.0
    blurred = torch.nn.functional.avg_pool2d(point, 3, stride=1, padding=1)
    assert sharpness(blurred) < sharpness(point)


def test_the_nearest_known_picture_tells_the_class() -> None:
    levels = np.array([0, 100, 10, 250], np.uint8)

    def pictures(values: np.ndarray, labels: list[int]) -> Pictures:
        pixels = np.repeat(values[:, None], 4, axis=1).reshape(-1, 1, 2, 2)
        return Pictures(pixels=pixels, labels=np.array(labels), classes=2)

    known = pictures(levels[:2], [0, 1])
    held = pictures(levels[2:], [0, 0])  # 10 is nearest to 0, 250 to 100, which is a 1
    assert nearest_accuracy(known, held, lambda part: part.images.flatten(1)) == 0.5


def test_stretched_points_have_the_covariance_that_is_said_and_are_functions_of_their_number() -> (
    None
):
    """R diag(4, ¼) Rᵀ with R a turn by 30°: 4 cos² + ¼ sin², ¼ cos² + 4 sin², 3.75 sin cos."""
    data = Stretched(seed=3)
    x = data.batch(range(40_000)).image.flatten(1).double()
    sin, cos = 0.5, math.sqrt(3) / 2
    expected = torch.tensor(
        [
            [4 * cos**2 + sin**2 / 4, 3.75 * sin * cos],
            [3.75 * sin * cos, cos**2 / 4 + 4 * sin**2],
        ],
        dtype=torch.float64,
    )
    torch.testing.assert_close(torch.cov(x.T), expected, rtol=0, atol=0.06)
    assert x.mean(dim=0).abs().max() < 0.03
    assert torch.equal(data.batch(range(8)).image[5:], data.batch(range(5, 8)).image)
    assert not torch.equal(Stretched(seed=4).batch(range(8)).image, data.batch(range(8)).image)
