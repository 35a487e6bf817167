from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from progan.core.config import DataSettings
from progan.core.errors import DataError
from progan.core.specs import DataSpec
from progan.data.build import build
from progan.data.levels import levels
from progan.data.manifest import FORMAT
from progan.data.pyramid import Pyramid, resolutions_to
from progan.data.sources import open_source


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (11, 16, 16, 3), np.uint8)


@pytest.fixture(scope="module")
def store(pictures: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eleven pictures of three classes in files of at most 2,000 bytes: two pictures at 16."""
    folder = tmp_path_factory.mktemp("pyramid")
    np.savez(folder / "set.npz", images=pictures, labels=np.arange(11) % 3 + 5)
    source = open_source(str(folder / "set.npz"))
    build(source, folder / "store", DataSettings(), workers=1, file_bytes=2000)
    return folder / "store"


def test_a_level_is_the_mean_of_four_pixels_rounded_half_to_even() -> None:
    top = np.zeros((1, 1, 8, 8), np.uint8)
    top[0, 0, :2, :2] = [[1, 1], [0, 0]]  # 0.5, to 0
    top[0, 0, :2, 2:4] = [[1, 2], [2, 1]]  # 1.5, to 2
    top[0, 0, :2, 4:6] = [[255, 255], [255, 254]]  # 254.75
    assert levels(top)[4][0, 0, 0].tolist() == [0, 2, 255, 0]


def test_levels_are_not_rounded_on_the_way_down() -> None:
    # Down the rows 2, 0, 1, 0: means of two rows are 1 and 0.5, which alone rounds to 0; the mean
    # of four is 0.75, and that of the rounded ones would be 0.5 and round to 0.
    top = np.broadcast_to(np.tile(np.array([2, 0, 1, 0], np.uint8), 4)[:, None], (1, 1, 16, 16))
    assert (levels(top)[8][0, 0, :2, 0] == [1, 0]).all()
    assert (levels(top)[4] == 1).all()


def test_every_level_equals_the_mean_over_its_square_of_the_full_picture() -> None:
    top = np.random.default_rng(1).integers(0, 256, (2, 3, 256, 256), np.uint8)
    found = levels(top)
    assert sorted(found) == [4, 8, 16, 32, 64, 128, 256]
    for r, pixels in found.items():
        k = 256 // r
        exact = top.reshape(2, 3, r, k, r, k).astype(np.float64).mean((3, 5))
        assert np.array_equal(pixels, np.rint(exact).astype(np.uint8))


def test_resolutions_are_powers_of_two_from_4_to_1024() -> None:
    assert resolutions_to(4) == [4]
    assert resolutions_to(64) == [4, 8, 16, 32, 64]
    for wrong, nearest in ((48, 64), (2, 4), (0, 4), (2048, 1024)):
        with pytest.raises(DataError, match=f"--resolution {nearest}$"):
            resolutions_to(wrong)


def test_pictures_come_back_as_they_were_across_files(store: Path, pictures: np.ndarray) -> None:
    pyramid = Pyramid.open(store)
    expected = levels(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)))
    assert len(list(store.glob("r0016-*.u8"))) == 6  # 11 pictures, two a file
    indices = [10, 0, 0, 7, 3]
    for r in (4, 8, 16):
        assert np.array_equal(pyramid.gather(indices, r), expected[r][indices])
    assert pyramid.gather([], 8).shape == (0, 3, 8, 8)


def test_what_is_gathered_can_be_written_to_without_harm(store: Path) -> None:
    pyramid = Pyramid.open(store)
    before = pyramid.gather([3], 4).copy()
    pyramid.gather([3], 4)[:] = 0
    assert np.array_equal(pyramid.gather([3], 4), before)


def test_labels_and_spec_say_what_is_there(store: Path) -> None:
    pyramid = Pyramid.open(store)
    assert pyramid.classes == ("5", "6", "7")
    assert pyramid.labels([0, 1, 2, 10]).tolist() == [0, 1, 2, 1]
    shares = (4 / 11, 4 / 11, 3 / 11)  # 11 labels, 0 1 2 0 1 2 …
    expected = DataSpec(resolution=16, channels=3, classes=3, images=11, label_shares=shares)
    assert pyramid.spec == expected
    assert pyramid.resolutions == (4, 8, 16)
    assert pyramid.report.labels == {"5": 4, "6": 4, "7": 3}


def test_what_is_not_there_cannot_be_asked_for(store: Path) -> None:
    pyramid = Pyramid.open(store)
    with pytest.raises(DataError, match=r"resolution is 32; .* holds 4, 8, 16"):
        pyramid.gather([0], 32)
    for wrong in (-1, 11):
        with pytest.raises(IndexError):
            pyramid.gather([wrong], 4)


def test_a_sound_store_is_verified(store: Path) -> None:
    Pyramid.open(store).verify()


@pytest.fixture
def copy(store: Path, tmp_path: Path) -> Path:
    (tmp_path / "copy").mkdir()
    for path in store.iterdir():
        (tmp_path / "copy" / path.name).write_bytes(path.read_bytes())
    return tmp_path / "copy"


def test_a_copy_has_the_same_fingerprint_and_another_picture_gives_another(
    store: Path, copy: Path, tmp_path: Path, pictures: np.ndarray
) -> None:
    assert Pyramid.open(copy).fingerprint == Pyramid.open(store).fingerprint
    changed = pictures.copy()
    changed[4, 3, 2, 1] ^= 1
    np.savez(tmp_path / "set.npz", images=changed, labels=np.arange(11) % 3 + 5)
    source = open_source(str(tmp_path / "set.npz"))
    other = build(source, tmp_path / "other", DataSettings(), workers=1, file_bytes=2000)
    assert other.fingerprint != Pyramid.open(store).fingerprint


@pytest.mark.parametrize("name", ["r0004-00000.u8", "r0016-00005.u8", "labels.i32"])
def test_missing_and_cut_files_are_noticed_on_opening(copy: Path, name: str) -> None:
    data = (copy / name).read_bytes()
    (copy / name).write_bytes(data[:-1])
    with pytest.raises(DataError, match=f"{name} has .* bytes instead of"):
        Pyramid.open(copy)
    (copy / name).unlink()
    with pytest.raises(DataError, match=f"{name} is missing"):
        Pyramid.open(copy)


def test_a_single_changed_bit_is_found_by_verifying(copy: Path) -> None:
    data = bytearray((copy / "r0008-00001.u8").read_bytes())
    data[100] ^= 4
    (copy / "r0008-00001.u8").write_bytes(data)
    pyramid = Pyramid.open(copy)
    with pytest.raises(DataError, match=r"checksum of r0008-00001\.u8"):
        pyramid.verify()


def test_a_changed_manifest_is_noticed_wherever_it_changed(copy: Path) -> None:
    path = copy / "manifest.json"
    text = path.read_text()
    body = json.loads(text)
    for wrong in (
        text[:-20],
        "[]",
        "",
        text.replace('"count": 11', '"count": 10'),
        text.replace('"5"', '"x"'),
        json.dumps({k: v for k, v in body.items() if k != "checksum"}),
    ):
        path.write_text(wrong)
        with pytest.raises(DataError, match="is damaged"):
            Pyramid.open(copy)


def test_a_manifest_that_is_whole_but_says_nonsense_is_refused(copy: Path) -> None:
    path = copy / "manifest.json"
    body = json.loads(path.read_text())
    for key in ("checksum", "pictures_per_file"):
        del body[key]
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
    body["checksum"] = hashlib.sha256(canonical).hexdigest()
    path.write_text(json.dumps(body))
    with pytest.raises(DataError, match="does not say what it must"):
        Pyramid.open(copy)


def test_a_newer_format_is_refused_by_name(copy: Path) -> None:
    path = copy / "manifest.json"
    path.write_text(path.read_text().replace('"format": 1', f'"format": {FORMAT + 1}'))
    with pytest.raises(DataError, match="newer progan"):
        Pyramid.open(copy)


def test_a_folder_that_is_no_store_is_told_how_to_become_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="progan data build"):
        Pyramid.open(tmp_path)


def test_pictures_without_labels_say_so(tmp_path: Path, pictures: np.ndarray) -> None:
    np.savez(tmp_path / "set.npz", images=pictures)
    source = open_source(str(tmp_path / "set.npz"))
    pyramid = build(source, tmp_path / "store", DataSettings(), workers=1)
    assert pyramid.spec.classes == 0
    with pytest.raises(DataError, match="holds no labels"):
        pyramid.labels([0])
