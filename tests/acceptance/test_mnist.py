from __future__ import annotations

import gzip
import struct
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from progan.acceptance import mnist
from progan.acceptance.pictures import Pictures
from progan.core.errors import ConfigError, DataError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four small files in MNIST's place, one of them gzipped."""
    random = np.random.default_rng(0)
    numbers = {
        name: random.integers(0, 10, (6, 28, 28) if "images" in name else (6,)).astype(np.uint8)
        for name in mnist.FILES
    }
    for place, (name, some) in enumerate(numbers.items()):
        head = struct.pack(f">BBBB{some.ndim}I", 0, 0, 8, some.ndim, *some.shape)
        whole = head + some.tobytes()
        if place:
            (tmp_path / name).write_bytes(whole)
        else:
            (tmp_path / f"{name}.gz").write_bytes(gzip.compress(whole))
    known = {name: sha256(some.tobytes()).hexdigest() for name, some in numbers.items()}
    monkeypatch.setattr(mnist, "FILES", known)
    mnist.mnist.cache_clear()
    return tmp_path


def test_four_files_are_read_gzipped_or_not(folder: Path) -> None:
    known, held = mnist.mnist(folder)
    assert known.pixels.shape == held.pixels.shape == (6, 1, 28, 28)
    assert known.labels.dtype == np.int64
    assert not np.array_equal(known.pixels, held.pixels)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(ConfigError, match=r"has no t10k-labels-idx1-ubyte.*--data FOLDER"):
        mnist.mnist(folder)


def test_numbers_that_are_not_mnists_are_refused(folder: Path) -> None:
    file = folder / "train-labels-idx1-ubyte"
    whole = bytearray(file.read_bytes())
    whole[-1] ^= 1
    file.write_bytes(whole)
    with pytest.raises(DataError, match="train-labels-idx1-ubyte is an IDX file, but its numbers"):
        mnist.mnist(folder)


def test_a_half_is_the_mean_of_four_pixels_inside_a_border() -> None:
    pixels = np.zeros((1, 1, 28, 28), np.uint8)
    pixels[0, 0, 0, :2] = 100, 60  # with two black ones below them
    pixels[0, 0, -1, -1] = 255
    small = mnist.halved(Pictures(pixels=pixels, labels=np.zeros(1, np.int64), classes=10)).pixels
    assert small.shape == (1, 1, 16, 16)
    assert small[0, 0, 1, 1] == 40
    assert small[0, 0, 14, 14] == 64
    assert small.astype(int).sum() == 104
