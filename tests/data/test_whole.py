"""One picture that keeps its shape, from file to batch."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image

from progan.core.errors import DataError
from progan.core.recipe import DataSettings
from progan.data.build import build, open_or_build
from progan.data.loader import Loader
from progan.data.manifest import Manifest
from progan.data.noise import NoisePyramid
from progan.data.pyramid import Pyramid
from progan.data.records import fitted
from progan.data.sources import is_picture, open_source

DICE = np.random.default_rng(0)
PIXELS = DICE.integers(0, 256, (21, 40, 3), np.uint8)
WHOLE = DataSettings(source="picture.png", crop="whole", labels="none")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    Image.fromarray(PIXELS).save(path)
    return path


def whole(path: Path, to: Path, settings: DataSettings = WHOLE) -> Pyramid:
    return build(open_source(str(path), settings), to, settings)


def test_a_picture_keeps_its_shape_and_every_pixel(picture: Path, tmp_path: Path) -> None:
    pyramid = whole(picture, tmp_path / "store")
    assert pyramid.spec.whole == (21, 40)
    assert pyramid.spec.size == (21, 40)
    assert (pyramid.spec.resolution, pyramid.spec.images) == (64, 1)
    np.testing.assert_array_equal(pyramid.largest([0])[0], PIXELS.transpose(2, 0, 1))
    assert pyramid.report.lines()[1] == "as it is, 21 × 40, colour"
    pyramid.verify()
    again = Pyramid.open(tmp_path / "store")
    assert again.spec == pyramid.spec
    assert again.report == pyramid.report


def test_a_large_picture_is_shrunk_to_the_resolution(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    Image.new("RGB", (1500, 600), (10, 200, 30)).save(path)
    pyramid = whole(path, tmp_path / "store")
    assert pyramid.spec.whole == (410, 1024)
    assert fitted((1500, 600), 1024) == (1024, 410)
    assert abs(pyramid.largest([0]).astype(int) - np.array([10, 200, 30])[:, None, None]).max() < 4


def test_exif_turns_it(tmp_path: Path) -> None:
    path = tmp_path / "turned.png"
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # to be turned a quarter, clockwise
    Image.fromarray(PIXELS).save(path, exif=exif)
    pyramid = whole(path, tmp_path / "store")
    assert pyramid.spec.whole == (40, 21)
    turned = np.rot90(PIXELS, -1)
    np.testing.assert_array_equal(pyramid.largest([0])[0], turned.transpose(2, 0, 1))


def test_the_loader_gives_any_size_in_as_many_copies(picture: Path, tmp_path: Path) -> None:
    loader = Loader(whole(picture, tmp_path / "store"), seed=0)
    image = loader.batch(range(3), (21, 40)).tensors()["image"]
    expected = torch.from_numpy(PIXELS.transpose(2, 0, 1).copy()).float() / 127.5 - 1
    torch.testing.assert_close(image, expected.expand(3, -1, -1, -1))
    small = loader.batch(range(5, 7), (11, 20)).tensors()["image"]
    assert small.shape == (2, 3, 11, 20)
    assert small.is_contiguous(memory_format=torch.channels_last)
    small.zero_()  # a batch is the caller's own
    assert loader.batch(range(1), (11, 20)).tensors()["image"].abs().max() > 0
    assert loader.real(0, 2, (21, 40)).numpy().tolist() == [PIXELS.transpose(2, 0, 1).tolist()] * 2


def test_mirrored_copies_are_mirrored(picture: Path, tmp_path: Path) -> None:
    loader = Loader(whole(picture, tmp_path / "store"), seed=0, mirror=True)
    image = loader.batch(range(32), (21, 40)).tensors()["image"]
    plain = torch.from_numpy(PIXELS.transpose(2, 0, 1).copy()).float() / 127.5 - 1
    kinds = {
        "plain" if torch.allclose(one, plain) else "turned"
        for one in image
        if torch.allclose(one, plain) or torch.allclose(one, plain.flip(2))
    }
    assert kinds == {"plain", "turned"}


def test_stores_of_many_pictures_are_written_as_before(tmp_path: Path) -> None:
    """Their manifests say nothing of it, so that older programs read them."""
    settings = DataSettings(source="portraits", resolution=8, images=4)
    build(open_source("portraits", settings), tmp_path / "many", settings)
    body = json.loads((tmp_path / "many" / "manifest.json").read_text())
    assert body["format"] == 1
    assert "whole" not in body
    assert "whole" not in json.loads((tmp_path / "many" / "report.json").read_text())


def test_a_store_of_one_picture_says_its_shape_under_its_checksum(
    picture: Path, tmp_path: Path
) -> None:
    whole(picture, tmp_path / "store")
    file = tmp_path / "store" / "manifest.json"
    manifest = Manifest.read(file)
    assert manifest.whole == (21, 40)
    body = json.loads(file.read_text())
    assert body["format"] == 3
    file.write_text(json.dumps({**body, "whole": [40, 40]}))
    with pytest.raises(DataError, match="checksum"):
        Manifest.read(file)


def test_a_picture_alone_is_refused_where_many_are_wanted(picture: Path) -> None:
    with pytest.raises(DataError, match=r"is one picture.*--system singan"):
        open_source(str(picture), DataSettings(source=str(picture)))


def test_only_a_picture_can_be_left_as_it_is(tmp_path: Path) -> None:
    settings = DataSettings(source="portraits", crop="whole")
    with pytest.raises(DataError, match=r"crop is whole.*something else"):
        open_or_build("portraits", settings, tmp_path)


def test_pictures_are_known_by_their_first_bytes(tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg", "a.gif", "a.bmp", "a.webp", "a.tiff"):
        Image.new("RGB", (9, 9)).save(tmp_path / name)
        assert is_picture((tmp_path / name).read_bytes()[:16]), name
    for head in (b"PK\3\4", b"\x1f\x8b", b"RIFF\0\0\0\0WAVE", b""):
        assert not is_picture(head)


def test_a_broken_picture_is_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.png"
    Image.fromarray(PIXELS).save(path)
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(DataError) as told:
        whole(path, tmp_path / "store")
    assert "broken.png" in str(told.value)


def test_noise_stands_in_for_it(picture: Path, tmp_path: Path) -> None:
    spec = whole(picture, tmp_path / "store").spec
    noise = NoisePyramid(spec, "picture")
    assert noise.spec.whole == (21, 40)
    assert noise.largest([0]).shape == (1, 3, 21, 40)
