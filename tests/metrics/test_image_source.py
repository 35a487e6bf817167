from __future__ import annotations

import tempfile
from collections.abc import Callable

import numpy as np
import pytest
import torch

from progan.core.errors import DataError
from progan.metrics import images
from progan.metrics.images import ImageSource, Spool, batch_for, read, shifted, stream


def numbered(start: int, count: int) -> np.ndarray:
    """Image i is filled with i."""
    numbers = np.arange(start, start + count, dtype=np.uint8)
    return np.broadcast_to(numbers.reshape(-1, 1, 1, 1), (count, 1, 4, 4)).copy()


def test_a_tensor_is_as_good_as_an_array() -> None:
    found = read(lambda start, count: torch.from_numpy(numbered(start, count)), 3, 2)
    np.testing.assert_array_equal(found, numbered(3, 2))


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((2, 3, 8, 8), np.float32),
        np.zeros((2, 8, 8), np.uint8),
        np.zeros((2, 8, 8, 3), np.uint8),
    ],
)
def test_anything_but_uint8_n_c_h_w_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(DataError, match="metrics take uint8 pictures"):
        read(lambda start, count: wrong, 0, 2)


def test_a_source_that_runs_dry_is_refused() -> None:
    with pytest.raises(DataError, match="5 images were asked for from number 2 on, and 4 came"):
        read(lambda start, count: numbered(start, 4), 2, 5)


def test_a_stream_covers_every_image_once() -> None:
    runs = list(stream(numbered, 10, 4))
    assert [start for start, _ in runs] == [0, 4, 8]
    assert np.concatenate([run for _, run in runs])[:, 0, 0, 0].tolist() == list(range(10))


def test_a_shifted_source_counts_from_its_start() -> None:
    assert shifted(numbered, 5)(2, 1)[0, 0, 0, 0] == 7


@pytest.mark.parametrize(("resolution", "batch"), [(4, 256), (32, 256), (128, 64), (4096, 4)])
def test_batches_hold_8192_over_the_resolution(resolution: int, batch: int) -> None:
    assert batch_for(resolution) == batch


def counting(asked: list[int]) -> ImageSource:
    def source(start: int, count: int) -> np.ndarray:
        asked.extend(range(start, start + count))
        return numbered(start, count)

    return source


@pytest.mark.parametrize("memory", [2**20, 1])  # kept in memory, and in a file
def test_a_spool_asks_for_each_image_once(memory: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "IN_MEMORY", memory)
    asked: list[int] = []
    with Spool(counting(asked), 10) as kept:
        for start, count in ((6, 4), (0, 6), (0, 10), (3, 5)):
            np.testing.assert_array_equal(kept(start, count), numbered(start, count))
    assert sorted(asked) == list(range(10))


def test_a_spool_passes_on_what_is_too_large_or_beyond_it() -> None:
    asked: list[int] = []
    with Spool(counting(asked), 10, limit=159) as kept:  # 10 images take 160 bytes
        kept(0, 2)
        kept(0, 2)
    with Spool(counting(asked), 3) as kept:
        kept(2, 2)
        kept(2, 2)
    assert asked == [0, 1, 0, 1, 2, 3, 2, 3]


def test_a_spool_without_room_on_the_disk_asks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(images, "IN_MEMORY", 100)  # six images of 16 bytes
    asked: list[int] = []
    with Spool(counting(asked), 10) as kept:
        kept(0, 4)
        monkeypatch.setattr(tempfile, "TemporaryFile", full)
        for start, count in ((4, 6), (0, 4), (0, 4)):
            np.testing.assert_array_equal(kept(start, count), numbered(start, count))
    assert asked == [*range(10), *range(4), *range(4)]


def test_waves_are_the_same_in_any_batch(waves: Callable[..., ImageSource]) -> None:
    source = waves(8, noise=10, steepness=1)
    np.testing.assert_array_equal(source(0, 6)[4:], source(4, 2))
