"""How pictures come to the network's size: a row of pixels, worked out by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from progan.extractors.resize import smooth, tf_bilinear, torch_bilinear


def row(*values: float) -> Tensor:
    """A square picture whose rows all are `values`."""
    return torch.tensor(values, dtype=torch.float32).expand(1, 1, len(values), len(values))


def resized(values: Tensor) -> list[float]:
    found = values[0, 0]
    assert torch.equal(found, found[:1].expand_as(found))  # rows were alike, and still are
    return [float(value) for value in found[0]]


def test_tensorflows_new_pixel_i_looks_at_i_times_old_over_new() -> None:
    # places 0, ½, 1, 1½: half way between 0 and 10, then at 10, and beyond the last still 10
    assert resized(tf_bilinear(row(0, 10), 4)) == [0, 5, 10, 10]


def test_torchs_centres_of_pixels_meet() -> None:
    # places −¼ (held at 0), ¼, ¾, 1¼ (held at 1)
    assert resized(torch_bilinear(row(0, 10), 4)) == [0, 2.5, 7.5, 10]


def test_neither_averages_what_it_skips() -> None:
    values = row(8, 0, 0, 0, 8, 0, 0, 0)  # of eight pixels, TensorFlow sees the first and fifth
    assert resized(tf_bilinear(values, 2)) == [8, 8]
    assert resized(torch_bilinear(values, 2)) == [0, 0]  # the middle of the second and third


def test_smooth_averages_with_weights_that_fall_linearly() -> None:
    # the first new pixel's centre is 1; pixels at ½, 1½, 2½ weigh ¾, ¾, ¼ of 7/4: 7 · (1/7) = 1
    assert resized(smooth(row(0, 0, 7, 7), 2)) == pytest.approx([1, 6], abs=1e-6)


def test_smooth_leaves_pictures_of_the_right_size_alone() -> None:
    images = torch.rand(2, 3, 5, 5)
    assert torch.equal(smooth(images, 5), images)


@pytest.mark.parametrize("resize", [tf_bilinear, torch_bilinear, smooth])
def test_rows_and_columns_are_resized_alike(resize: object) -> None:
    assert callable(resize)
    images = torch.rand(1, 2, 7, 12)
    torch.testing.assert_close(
        resize(images, 9), resize(images.transpose(2, 3), 9).transpose(2, 3), rtol=0, atol=1e-6
    )
