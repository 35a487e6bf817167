"""The Laplacian pyramid of a batch: halve, enlarge, subtract; and back."""

from __future__ import annotations

import pytest
import torch

from progan.layers.laplacian import Enlarge, bands, coarse, enlarged, rebuilt

WAYS: tuple[Enlarge, ...] = ("bilinear", "nearest")


def pictures(side: int = 32) -> torch.Tensor:
    return torch.rand(3, 2, side, side, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("levels", [0, 1, 3])
def test_pictures_come_back_exactly(how: Enlarge, levels: int) -> None:
    x = pictures()
    pyramid = bands(x, levels, how)
    assert [band.shape[-1] for band in pyramid] == [32 >> k for k in range(levels)] + [32 >> levels]
    assert float((rebuilt(pyramid, how) - x).abs().max()) < 1e-5


def test_what_remains_is_the_mean_of_the_pixels_under_it() -> None:
    x = pictures(8)
    remains = bands(x, 2, "bilinear")[-1]
    torch.testing.assert_close(remains, x.unflatten(3, (2, 4)).unflatten(2, (2, 4)).mean((3, 5)))


def test_nearest_repeats_and_bilinear_goes_in_straight_lines() -> None:
    row = torch.tensor([0.0, 4.0]).expand(1, 1, 2, 2)
    assert enlarged(row, "nearest")[0, 0, 0].tolist() == [0, 0, 4, 4]
    assert enlarged(row, "bilinear")[0, 0, 0].tolist() == [0, 1, 3, 4]


@pytest.mark.parametrize("how", WAYS)
def test_a_flat_picture_has_no_detail(how: Enlarge) -> None:
    flat = torch.full((1, 3, 8, 8), 0.3)
    torch.testing.assert_close(coarse(flat, how), flat)
    assert all(float(band.abs().max()) < 1e-6 for band in bands(flat, 2, how)[:-1])


def test_of_a_band_nothing_is_left_where_its_pixels_are_averaged_again() -> None:
    """With repeated pixels every band has mean 0 in each box: l holds all that halving keeps."""
    x = pictures(8)
    band = x - coarse(x, "nearest")
    boxes = band.unflatten(3, (4, 2)).unflatten(2, (4, 2)).mean((3, 5))
    assert float(boxes.abs().max()) < 1e-6
