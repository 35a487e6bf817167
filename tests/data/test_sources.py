from __future__ import annotations

import gzip
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from progan.core.config import DataSettings
from progan.core.errors import DataError
from progan.data import sources
from progan.data.build import build, check
from progan.data.levels import levels
from progan.data.packaged import PACKAGED
from progan.data.records import Block, Finding, Frame, shown
from progan.data.sources import open_source
from progan.data.sources.arrays import IdxSource, NpzSource
from progan.data.sources.base import Source, rebuilt, recipe_of
from progan.data.sources.folder import FolderSource
from progan.data.sources.packs import PackSource
from progan.data.sources.zipped import ZipSource


def read(source: Source, side: int, **frame: Any) -> np.ndarray:
    """Every picture of a source, read as the child would, but here."""
    reader = rebuilt(recipe_of(source.reader()))
    blocks = reader.read(source.refs(range(source.count)), Frame(resolution=side, **frame))
    good = [block for block in blocks if isinstance(block, Block)]
    assert sum(len(block.pixels) for block in good) == source.count
    return np.concatenate([block.pixels for block in good])


def picture(path: Path, grey: int = 0, side: int = 8) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (side, side), grey).save(path)


# by name


def test_packaged_names_give_packaged_sets() -> None:
    source = open_source("fashion-mnist")
    assert isinstance(source, PackSource)
    assert (source.count, source.native_resolution, len(source.classes)) == (10_000, 32, 10)
    labels = source.labels()
    assert labels is not None
    assert np.bincount(labels).tolist() == [1000] * 10
    expected = PACKAGED["fashion-mnist"].pictures(np.arange(3), 32)
    frame = Frame(resolution=32)
    (block,) = source.reader().read([0, 1, 2], frame)
    assert isinstance(block, Block)
    assert np.array_equal(block.pixels, expected)
    (smaller,) = source.reader().read([0, 1, 2], Frame(resolution=8, channels=3))
    assert isinstance(smaller, Block)
    assert np.array_equal(smaller.pixels, np.repeat(levels(expected)[8], 3, axis=1))


def test_drawn_sets_have_as_many_pictures_as_are_asked_for() -> None:
    assert open_source("portraits", DataSettings(images=7)).count == 7
    assert open_source("portraits", DataSettings(images=50_000)).count == 50_000
    assert open_source("fashion-mnist", DataSettings(images=7)).count == 10_000  # chosen later


def test_packaged_pictures_cannot_be_had_larger_than_they_are() -> None:
    with pytest.raises(DataError, match="--resolution 32"):
        check(open_source("fashion-mnist"), DataSettings(resolution=64))


def test_a_folder_of_a_packaged_name_is_meant_with_a_dot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(tmp_path / "portraits" / "a.png")
    monkeypatch.chdir(tmp_path)
    assert isinstance(open_source("portraits"), PackSource)
    assert isinstance(open_source("./portraits"), FolderSource)
    assert isinstance(open_source("portraits/"), FolderSource)


def test_paths_begin_at_the_base(tmp_path: Path) -> None:
    picture(tmp_path / "cats" / "a.png")
    assert open_source("cats", base=tmp_path).count == 1
    assert open_source(str(tmp_path / "cats"), base=Path("elsewhere")).count == 1


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("portrait", "mean portraits"),
        ("fashion_mnist", "mean fashion-mnist"),
        ("cast", "mean cats"),
    ],
)
def test_a_slip_of_the_pen_is_answered_with_what_was_meant(
    tmp_path: Path, words: str, hint: str
) -> None:
    (tmp_path / "cats").mkdir()
    with pytest.raises(DataError, match=hint) as error:
        open_source(words, base=tmp_path)
    assert len(str(error.value).splitlines()) <= 6


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"7z\xbc\xaf\x27\x1c", "is an archive that is not read"),
        (b"\x89PNG\r\n\x1a\n", "give the folder they lie in"),
        (b"", "neither a folder nor"),
        (b"PK\x03\x04 and no more", "no whole zip"),
        (b"\x1f\x8b and no more", "gzipped but broken"),
        (b"\0\0\x08\x03\0\0", "ends inside its header"),
    ],
)
def test_other_files_are_refused_with_advice(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(DataError, match=message):
        open_source(str(tmp_path / "file"))


def test_names_that_no_system_knows_are_an_error_like_others() -> None:
    for words in ("a\0b", "x" * 5000, "", "/nowhere/at/all"):
        with pytest.raises(DataError):
            open_source(words, base="nowhere")


def test_the_full_fashion_mnist_says_where_it_is_to_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "DEBIAN", tmp_path)
    with pytest.raises(DataError, match="apt-get install dataset-fashion-mnist"):
        open_source("fashion-mnist-full")
    write_idx(tmp_path / "train-images-idx3-ubyte.gz", np.zeros((20, 28, 28), np.uint8))
    write_idx(tmp_path / "train-labels-idx1-ubyte.gz", np.arange(20, dtype=np.uint8) % 10)
    source = open_source("fashion-mnist-full")
    assert (source.name, source.count, source.native_resolution) == ("fashion-mnist-full", 20, 32)
    assert source.classes == open_source("fashion-mnist").classes


# folders


def test_names_are_in_the_order_of_their_bytes_and_subfolders_are_classes(tmp_path: Path) -> None:
    for name in ("b/2.png", "b/10.PNG", "a/x/1.png", "é/1.png", "Z/1.jpg"):
        picture(tmp_path / name)
    source = FolderSource(tmp_path)
    names = ["Z/1.jpg", "a/x/1.png", "b/10.PNG", "b/2.png", "é/1.png"]
    assert [source.title(i) for i in range(5)] == names
    assert source.classes == ("Z", "a", "b", "é")
    labels = source.labels()
    assert labels is not None
    assert labels.tolist() == [0, 1, 2, 2, 3]


def test_there_are_no_classes_where_a_picture_lies_outside_or_all_in_one(tmp_path: Path) -> None:
    picture(tmp_path / "a" / "1.png")
    assert FolderSource(tmp_path).labels() is None
    picture(tmp_path / "b" / "1.png")
    assert FolderSource(tmp_path).labels() is not None
    picture(tmp_path / "outside.png")
    assert FolderSource(tmp_path).labels() is None


def test_other_files_are_counted_and_formats_that_are_not_read_are_listed(tmp_path: Path) -> None:
    picture(tmp_path / "1.png")
    picture(tmp_path / ".thumbnails" / "1.png")
    for name in (
        "readme.txt",
        "labels.csv",
        "Thumbs.db",
        ".hidden.png",
        "photo.HEIC",
        "drawing.svg",
    ):
        (tmp_path / name).write_bytes(b"x")
    source = FolderSource(tmp_path)
    assert source.count == 1
    assert [(f.name, f.kind) for f in source.findings] == [
        ("drawing.svg", "other format"),
        ("photo.HEIC", "other format"),
    ]
    assert "save it as PNG or JPEG" in source.findings[0].reason
    assert source.remarks == (
        "files that are no pictures, left out: 3",
        "hidden entries, left out: 2",
    )


def test_links_are_followed_once_and_real_names_win(tmp_path: Path) -> None:
    picture(tmp_path / "in" / "z" / "1.png")
    picture(tmp_path / "out" / "2.png")
    (tmp_path / "in" / "a").symlink_to("z")  # the same folder under an earlier name
    (tmp_path / "in" / "b").symlink_to("../out")
    (tmp_path / "in" / "c.png").symlink_to("z/1.png")
    (tmp_path / "in" / "d.png").symlink_to("nowhere.png")
    (tmp_path / "in" / "z" / "up").symlink_to("..")
    (tmp_path / "out" / "self").symlink_to("self")
    source = FolderSource(tmp_path / "in")
    assert source.refs(range(source.count)) == ["b/2.png", "z/1.png"]
    assert {finding.name: finding.kind for finding in source.findings} == {
        "a": "repeated",
        "c.png": "repeated",
        "d.png": "not a file",
        "z/up": "repeated",
        "b/self": "not a file",
    }


def test_a_fingerprint_is_of_the_pictures_and_not_of_their_place(tmp_path: Path) -> None:
    for place in ("one", "two"):
        picture(tmp_path / place / "1.png", 7)
        picture(tmp_path / place / "2.png", 8)
    one, two = (FolderSource(tmp_path / place) for place in ("one", "two"))
    assert one.fingerprint() == two.fingerprint()
    assert one.stamp() != two.stamp()
    first = two.stamp()
    picture(tmp_path / "two" / "2.png", 9)
    assert FolderSource(tmp_path / "two").fingerprint() != one.fingerprint()
    assert FolderSource(tmp_path / "two").stamp() != first
    (tmp_path / "two" / "2.png").rename(tmp_path / "two" / "3.png")
    picture(tmp_path / "one" / "2.png", 9)
    assert (
        FolderSource(tmp_path / "two").fingerprint() != FolderSource(tmp_path / "one").fingerprint()
    )


def test_names_are_shown_without_harm() -> None:
    assert shown("猫 🐈 é.png") == "猫 🐈 é.png"
    assert shown("a\nb\x1b[31m\t.png") == r"a\nb\x1b[31m\t.png"
    assert shown("caf\udce9.png") == r"caf\xe9.png"
    assert shown("\u202egnp.exe") == r"\u202egnp.exe"


def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be listed"):
        FolderSource(tmp_path / "gone")


# IDX


def write_idx(path: Path, array: np.ndarray) -> None:
    head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    data = head + array.tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def test_idx_pictures_get_a_border_of_zeros_up_to_a_power_of_two(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)
    write_idx(tmp_path / "t10k-images-idx3-ubyte", pixels)
    write_idx(tmp_path / "t10k-labels-idx1-ubyte.gz", np.array([3, 0, 3, 9, 0], np.uint8))
    source = open_source(str(tmp_path / "t10k-images-idx3-ubyte"))
    assert (source.native_resolution, source.classes) == (32, ("0", "3", "9"))
    labels = source.labels()
    assert labels is not None
    assert labels.tolist() == [1, 0, 1, 2, 0]
    out = read(source, 32)
    assert np.array_equal(out[:, 0, 2:30, 2:30], pixels)
    assert out.sum() == pixels.sum(dtype=np.int64)
    assert np.array_equal(read(source, 16), levels(out)[16])
    assert read(source, 16, channels=3).shape == (5, 3, 16, 16)
    with pytest.raises(DataError, match="--resolution 32"):
        source.check_resolution(64)


def test_idx_pictures_far_from_a_power_of_two_are_cropped_and_resized(tmp_path: Path) -> None:
    write_idx(tmp_path / "images", np.full((2, 20, 24), 9, np.uint8))
    source = IdxSource(tmp_path / "images")
    assert source.native_resolution == 16
    assert (read(source, 16) == 9).all()
    assert source.labels() is None


def test_a_folder_of_idx_files_is_its_training_set(tmp_path: Path) -> None:
    write_idx(tmp_path / "t10k-images-idx3-ubyte.gz", np.zeros((2, 28, 28), np.uint8))
    assert open_source(str(tmp_path)).count == 2
    write_idx(tmp_path / "train-images-idx3-ubyte.gz", np.zeros((6, 28, 28), np.uint8))
    assert open_source(str(tmp_path)).count == 6
    (tmp_path / "train-images-idx3-ubyte.gz").rename(tmp_path / "x-images-idx3-ubyte.gz")
    with pytest.raises(DataError, match="several sets"):
        open_source(str(tmp_path))


def test_idx_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    write_idx(tmp_path / "a-images-idx3-ubyte", np.zeros((4, 28, 28), np.uint8))
    write_idx(tmp_path / "a-labels-idx1-ubyte", np.zeros(5, np.uint8))
    with pytest.raises(DataError, match=r"labels .* shape \(5,\).* 4 pictures"):
        open_source(str(tmp_path / "a-images-idx3-ubyte"))
    with pytest.raises(DataError, match="images-idx3"):
        open_source(str(tmp_path / "a-labels-idx1-ubyte"))


# npz


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_pictures_come_in_any_layout(tmp_path: Path, save: Any) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), np.uint8)
    path = tmp_path / "set.npz"
    expected = pixels.transpose(0, 3, 1, 2)
    for images in (pixels, expected):
        save(path, images=images, labels=np.array(list("babcab")))
        source = open_source(str(path))
        assert source.classes == ("a", "b", "c")
        assert np.array_equal(read(source, 8), expected)
    save(path, images=pixels[..., 0])
    assert np.array_equal(read(NpzSource(path), 8)[:, 0], pixels[..., 0])
    clear = np.concatenate([pixels, np.full((6, 8, 8, 1), 255, np.uint8)], -1)
    save(path, images=clear)
    assert np.array_equal(read(NpzSource(path), 8), expected)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([0.0, 0.5, 1.0, 0.25], np.float32), [0, 128, 255, 64]),
        (np.array([-1.0, 0.0, 1.0, 0.5], np.float64), [0, 128, 255, 191]),  # 191.25
        (np.array([0.0, 128.0, 255.0, 7.4], np.float16), [0, 128, 255, 7]),
        (np.array([0, 128, 255, 7], np.int64), [0, 128, 255, 7]),
        (np.array([0, 257, 65535, 32896], np.uint16), [0, 1, 255, 128]),
        (np.array([False, True, True, False]), [0, 255, 255, 0]),
    ],
)
def test_npz_numbers_are_scaled_by_the_range_that_holds_them(
    tmp_path: Path, values: np.ndarray, expected: list[int]
) -> None:
    np.savez(tmp_path / "set.npz", images=np.tile(values, (2, 4, 1)))
    out = read(NpzSource(tmp_path / "set.npz"), 4)
    assert (out[:, 0] == expected).all()


def test_npz_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    good, path = np.zeros((4, 8, 8), np.uint8), tmp_path / "set.npz"
    cases: list[tuple[dict[str, Any], str]] = [
        ({"pictures": good}, "holds pictures; it must hold an array named images"),
        ({"images": np.zeros((4, 8), np.uint8)}, "must be numbers of shape"),
        ({"images": np.zeros((4, 5, 8, 7), np.uint8)}, "must be numbers of shape"),
        ({"images": np.zeros((0, 8, 8), np.uint8)}, "not what it holds"),
        ({"images": np.array([good, None], object)}, "Python objects"),
        ({"images": np.full((4, 8, 8), np.nan)}, "not finite"),
        ({"images": np.full((4, 8, 8), -9.0)}, "from -9 to -9"),
        ({"images": np.asfortranarray(np.zeros((4, 8, 8)))}, "Fortran"),
        ({"images": good, "labels": np.zeros(3, int)}, r"labels .* shape \(3,\)"),
        ({"images": good, "labels": np.zeros(4)}, "labels .* float64"),
    ]
    for arrays, message in cases:
        np.savez(path, **arrays)
        with pytest.raises(DataError, match=message):
            open_source(str(path))


def test_an_npz_that_promises_more_than_it_holds_allocates_nothing(tmp_path: Path) -> None:
    head = b"{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000, 4096, 4096), }\n"
    member = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head
    with zipfile.ZipFile(tmp_path / "set.npz", "w") as archive:
        archive.writestr("images.npy", member + b"few")
    with pytest.raises(DataError, match="not what it holds"):
        open_source(str(tmp_path / "set.npz"))


def test_a_damaged_npz_is_found_at_the_latest_with_its_last_picture(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 64, 64), np.uint8)
    np.savez(tmp_path / "set.npz", images=pixels)
    data = bytearray((tmp_path / "set.npz").read_bytes())
    data[data.index(pixels[2].tobytes()) + 5] ^= 1
    (tmp_path / "set.npz").write_bytes(data)
    report = build(open_source(str(tmp_path / "set.npz")), tmp_path / "to", DataSettings()).report
    assert [(f.name, f.kind) for f in report.findings] == [("set.npz[5]", "unreadable")]


# zip


def test_a_zip_reads_like_the_folder_that_was_packed(tmp_path: Path) -> None:
    for i, name in enumerate(("cats/1.png", "cats/more/2.png", "dogs/1.png")):
        picture(tmp_path / "in" / name, 50 * i)
    folder = FolderSource(tmp_path / "in")
    with zipfile.ZipFile(tmp_path / "set.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("dogs/1.png", "cats/1.png", "cats/more/2.png"):
            archive.write(tmp_path / "in" / name, f"set/all/{name}")
        archive.writestr("__MACOSX/set/._1.png", "resource fork")
        archive.writestr("set/readme.txt", "hello")
    source = open_source(str(tmp_path / "set.zip"))
    assert isinstance(source, ZipSource)
    assert source.classes == folder.classes == ("cats", "dogs")
    assert np.array_equal(read(source, 8), read(folder, 8))
    assert source.remarks == ("files that are no pictures, left out: 1",)


def test_pictures_at_the_top_of_a_zip_have_no_classes(tmp_path: Path) -> None:
    picture(tmp_path / "1.png")
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name in ("1.png", "2.png", "sub/3.png"):
            archive.write(tmp_path / "1.png", name)
    assert open_source(str(tmp_path / "set.zip")).classes == ()


def test_sizes_are_known_before_decoding(tmp_path: Path) -> None:
    Image.new("L", (9, 5)).save(tmp_path / "1.png")
    (tmp_path / "2.png").write_bytes(b"broken")
    source = FolderSource(tmp_path)
    first, second = source.reader().sizes(source.refs([0, 1]))
    assert first == (9, 5)
    assert isinstance(second, Finding)


def test_a_built_pyramid_is_a_source_and_is_used_where_it_lies(tmp_path: Path) -> None:
    from progan.core.recipe import DataSettings
    from progan.data.build import build, open_or_build
    from progan.data.sources.built import BuiltSource

    settings = DataSettings(source="fashion-mnist", resolution=16, images=40)
    made = build(open_source("fashion-mnist", settings), tmp_path / "built", settings)
    source = open_source(str(tmp_path / "built"))
    assert isinstance(source, BuiltSource)
    assert (source.count, source.native_resolution) == (40, 16)
    same = open_or_build(source, DataSettings(source="x"), tmp_path / "cache")
    assert same.fingerprint == made.fingerprint
    assert not (tmp_path / "cache").exists()
    smaller = open_or_build(source, DataSettings(source="x", resolution=8), tmp_path / "cache")
    assert (smaller.gather(np.arange(40), 8) == made.gather(np.arange(40), 8)).all()
    with pytest.raises(DataError, match="was built up to 16"):
        open_or_build(source, DataSettings(source="x", resolution=32), tmp_path / "cache")
