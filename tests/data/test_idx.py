from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from progan.core.errors import DataError
from progan.data.idx import read_idx


def idx(kind: int, shape: tuple[int, ...], body: bytes) -> bytes:
    return bytes([0, 0, kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + body


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("kind", "dtype"),
    [(0x08, "u1"), (0x09, "i1"), (0x0B, "i2"), (0x0C, "i4"), (0x0D, "f4"), (0x0E, "f8")],
)
def test_every_kind_of_number_comes_back_in_native_order(
    tmp_path: Path, kind: int, dtype: str, packed: bool
) -> None:
    numbers = np.arange(24).reshape(2, 3, 4).astype(">" + dtype)
    content = idx(kind, (2, 3, 4), numbers.tobytes())
    path = tmp_path / "numbers"  # gzip is known by its content, not by its name
    path.write_bytes(gzip.compress(content) if packed else content)
    array = read_idx(path)
    assert array.dtype == np.dtype(dtype)
    assert np.array_equal(array, numbers)


def test_no_pictures_are_an_empty_array(tmp_path: Path) -> None:
    (tmp_path / "none").write_bytes(idx(0x08, (0, 28, 28), b""))
    assert read_idx(tmp_path / "none").shape == (0, 28, 28)


GOOD = idx(0x08, (2, 3), b"abcdef")
HOSTILE = {
    "nothing": (b"", "begins with nothing"),
    "a PNG": (b"\x89PNG\r\n\x1a\n", "begins with 89 50 4e 47"),
    "an unknown kind": (idx(0x07, (1,), b"a"), "begins with"),
    "no dimensions": (b"\0\0\x08\0", "begins with"),
    "half a header": (GOOD[:7], "inside its header"),
    "a missing byte": (GOOD[:-1], "holds 17"),
    "a byte too many": (GOOD + b"g", "holds 19"),
    "a header of 4 TiB": (idx(0x08, (2**14, 2**14, 2**14), b""), "limit"),
    "an overflowing header": (idx(0x0E, (2**32 - 1,) * 8, b""), "limit"),
    "255 dimensions": (idx(0x08, (1,) * 255, b"a"), "dimensions"),
    "gzip, a missing byte": (gzip.compress(GOOD[:-1]), "holds only 5"),
    "gzip, a byte too many": (gzip.compress(GOOD + b"g"), "goes on"),
    "gzip, cut short": (gzip.compress(GOOD)[:-9], "broken"),
    "gzip, a false checksum": (gzip.compress(GOOD)[:-8] + bytes(8), "broken"),
    "gzip, noise": (b"\x1f\x8b\x08\0\0\0\0\0\0\0" + bytes(range(64, 99)), "broken"),
    "gzip, a promise of 3 GiB": (gzip.compress(idx(0x08, (3, 2**30), b"")), "bomb"),
    "a bomb": (gzip.compress(idx(0x08, (2**22,), bytes(2**22))), "bomb"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_by_name_with_its_reason(tmp_path: Path, name: str) -> None:
    content, reason = HOSTILE[name]
    path = tmp_path / "pictures.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=reason) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(DataError, match="cannot be read"):
            read_idx(path)
