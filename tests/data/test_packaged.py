from __future__ import annotations

import numpy as np
import pytest

from imported import imported
from progan.core.errors import DataError
from progan.data.packaged import PACKAGED, FashionMNIST, PackagedSet, PortraitSet, packaged


@pytest.mark.parametrize("name", PACKAGED)
def test_every_packaged_set_keeps_its_promises(name: str) -> None:
    source = PACKAGED[name]
    assert isinstance(source, PackagedSet)
    assert source.name == name
    assert source.native_resolution in source.resolutions
    at = np.array([0, min(5, source.count - 1), source.count - 1])
    pictures = source.pictures(at, source.native_resolution)
    size = source.native_resolution
    assert pictures.shape == (3, source.channels, size, size)
    assert pictures.dtype == np.uint8
    labels = source.labels(at)
    assert labels.dtype == np.int64
    assert labels.shape == (3,)
    assert labels.min() >= 0
    assert labels.max() < len(source.classes)
    assert source.pictures(np.arange(0), size).shape == (0, source.channels, size, size)


@pytest.mark.parametrize("name", PACKAGED)
def test_indices_and_resolutions_outside_a_set_are_refused(name: str) -> None:
    source = PACKAGED[name]
    for at in (-1, source.count):
        with pytest.raises(DataError, match="numbered from 0"):
            source.labels(np.array([at]))
    with pytest.raises(DataError, match="resolution is 2048"):
        source.pictures(np.array([0]), 2048)


def test_fashion_mnist_is_the_published_test_set_with_a_border_of_two() -> None:
    clothes = FashionMNIST()
    everything = np.arange(10_000)
    labels = clothes.labels(everything)
    assert np.array_equal(np.bincount(labels), np.full(10, 1000))
    # the first ten labels of the t10k file
    assert labels[:10].tolist() == [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]
    pictures = clothes.pictures(everything, 32)
    # mean and deviation of the 28x28 pictures: 0.2868 and 0.3524 of 255
    inner = pictures[:, 0, 2:-2, 2:-2] / 255
    assert inner.mean() == pytest.approx(0.2868, abs=1e-4)
    assert inner.std() == pytest.approx(0.3524, abs=1e-4)
    border = pictures.astype(np.int64).sum() - pictures[:, :, 2:-2, 2:-2].astype(np.int64).sum()
    assert border == 0


def test_portraits_take_any_count_and_seed_and_do_not_depend_on_the_count() -> None:
    few, many = packaged("portraits", count=10, seed=4), packaged("portraits", count=2**62, seed=4)
    at = np.array([9])
    assert np.array_equal(few.pictures(at, 32), many.pictures(at, 32))
    other = packaged("portraits", count=10, seed=5)
    assert not np.array_equal(few.pictures(at, 32), other.pictures(at, 32))
    assert many.pictures(np.array([2**62 - 1]), 16).shape == (1, 3, 16, 16)


def test_portraits_come_with_captions_maps_landmarks_and_paired_styles() -> None:
    at = np.array([3, 1, 4])
    faces = PortraitSet(seed=1)
    assert len(faces.captions(at)) == 3
    assert faces.layouts(at, 32).shape == (3, 32, 32)
    assert faces.landmarks(at).shape == (3, 5, 2)
    ink = PortraitSet(seed=1, style="ink")
    assert np.array_equal(faces.layouts(at, 32), ink.layouts(at, 32))


def test_wrong_names_and_wishes_say_what_there_is() -> None:
    with pytest.raises(DataError, match="portraits, portraits-flat"):
        packaged("portrait")
    with pytest.raises(DataError, match="takes no seed"):
        packaged("fashion-mnist", seed=1)
    with pytest.raises(DataError, match="count is 0"):
        packaged("portraits", count=0)
    with pytest.raises(DataError, match="seed is -1"):
        packaged("portraits", seed=-1)


def test_packaged_data_do_not_import_torch() -> None:
    assert imported("import progan.data.packaged", "torch") == set()
