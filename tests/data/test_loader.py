from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from progan.core.batch import Captioned, Images, Labelled, Layout
from progan.core.config import DataSettings
from progan.core.errors import DataError
from progan.data.build import build
from progan.data.loader import Loader
from progan.data.pyramid import Pyramid
from progan.data.sources import open_source


@pytest.fixture(scope="module")
def pyramid(tmp_path_factory: pytest.TempPathFactory) -> Pyramid:
    """Ten grey pictures at 8 pixels; picture i has the byte 20 i, and 20 i + 9 in its left half."""
    folder = tmp_path_factory.mktemp("loader")
    images = np.zeros((10, 8, 8), np.uint8) + 20 * np.arange(10, dtype=np.uint8)[:, None, None]
    images[:, :, :4] += 9
    np.savez(folder / "set.npz", images=images, labels=np.arange(10) % 2)
    return build(open_source(str(folder / "set.npz")), folder / "store", DataSettings(), workers=1)


def bytes_of(image: torch.Tensor) -> torch.Tensor:
    return ((image + 1) * 127.5).round().to(torch.uint8)


def which(image: torch.Tensor) -> list[int]:
    """The pictures in a batch, told by their right or left column."""
    return (bytes_of(image)[:, 0, 0].amin(1) // 20).tolist()


def test_a_batch_is_float_channels_last_and_at_the_resolution_asked_for(pyramid: Pyramid) -> None:
    image = Loader(pyramid, seed=0).batch(range(10), 4).image
    assert (image.shape, image.dtype) == ((10, 1, 4, 4), torch.float32)
    assert image.is_contiguous(memory_format=torch.channels_last)
    # Picture 0 is 9 on the left and 0 on the right, at every level: 0 becomes -1.
    expected = torch.tensor([9 / 127.5 - 1, 9 / 127.5 - 1, -1, -1])
    assert torch.equal(image[which(image).index(0), 0, 0], expected)


def test_an_epoch_shows_every_picture_once(pyramid: Pyramid) -> None:
    loader = Loader(pyramid, seed=4)
    for epoch in range(3):
        assert sorted(which(loader.batch(range(10 * epoch, 10 * epoch + 10), 8).image)) == list(
            range(10)
        )


def test_an_image_is_a_function_of_its_number_and_the_seed(pyramid: Pyramid) -> None:
    loader, again = (Loader(pyramid, seed=7, mirror=True) for _ in range(2))
    whole = loader.batch(range(5, 45), 8).image
    loader.real(3, 4, 8)
    parts = torch.cat([again.batch(range(n, n + 8), 8).image for n in range(5, 45, 8)])
    assert torch.equal(whole, parts)
    assert torch.equal(whole[[30, 2]], loader.batch([35, 7], 8).image)
    assert not torch.equal(whole, Loader(pyramid, seed=8, mirror=True).batch(range(5, 45), 8).image)


def test_mirroring_swaps_left_and_right_of_half_of_the_images_and_changes_no_other_thing(
    pyramid: Pyramid,
) -> None:
    plain = Loader(pyramid, seed=1).batch(range(400), 8).image
    mirrored = Loader(pyramid, seed=1, mirror=True).batch(range(400), 8).image
    turned = (plain != mirrored).flatten(1).any(1)
    assert torch.equal(mirrored[turned], plain[turned].flip(3))
    assert 150 < int(turned.sum()) < 250  # five standard deviations of a fair coin


def test_labels_belong_to_their_pictures(pyramid: Pyramid) -> None:
    batch = Loader(pyramid, seed=2, batch_type=Labelled).batch(range(20), 8)
    assert isinstance(batch, Labelled)
    assert batch.label.dtype == torch.int64
    assert batch.label.tolist() == [i % 2 for i in which(batch.image)]
    assert isinstance(Loader(pyramid, seed=2, batch_type=Images).batch(range(2), 8), Images)


def test_real_images_are_bytes_in_the_same_order_for_every_seed(pyramid: Pyramid) -> None:
    one, other = (Loader(pyramid, seed=s, mirror=True).real(0, 10, 8) for s in (0, 1))
    assert one.dtype == torch.uint8
    assert torch.equal(one, other)
    assert sorted((one[:, 0, 0].amin(1) // 20).tolist()) == list(range(10))
    loader = Loader(pyramid, seed=0)
    assert torch.equal(loader.real(3, 5, 8), one[3:8])
    assert loader.real(0, 25, 4).shape == (25, 1, 4, 4)  # again from the beginning
    mirrored = loader.real(0, 400, 8, mirror=True)
    turned = (mirrored != loader.real(0, 400, 8)).flatten(1).any(1)
    assert 150 < int(turned.sum()) < 250


def test_spec_and_fingerprint_are_those_of_the_pyramid(pyramid: Pyramid) -> None:
    loader = Loader(pyramid, seed=0)
    assert loader.spec == pyramid.spec
    assert loader.fingerprint == pyramid.fingerprint


def test_labels_that_are_not_there_are_an_error_at_once(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", images=np.zeros((4, 4, 4), np.uint8))
    source = open_source(str(tmp_path / "set.npz"))
    pyramid = build(source, tmp_path / "store", DataSettings(), workers=1)
    with pytest.raises(DataError, match=r"set\.npz has none"):
        Loader(pyramid, seed=0, batch_type=Labelled)
    with pytest.raises(DataError, match=r"needs captions, and set\.npz has none"):
        Loader(pyramid, seed=0, batch_type=Captioned)
    with pytest.raises(DataError, match="Layout"):
        Loader(pyramid, seed=0, batch_type=Layout)
