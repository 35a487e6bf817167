"""Vectors of captions from a file: read, refused, stored, and served with the pictures."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from progan.core.batch import Captioned
from progan.core.errors import ConfigError, DataError
from progan.core.recipe import DataSettings
from progan.data.build import already_built, build, check, open_or_build
from progan.data.encoders import encoder_of
from progan.data.loader import Loader
from progan.data.pyramid import Pyramid
from progan.data.sources import open_source
from progan.data.vectors import VectorFile

TEXTS = ["a cat", "two cats", "a dog"]
ROWS = np.array([[1.0, 2, 3], [4, 5, 6], [-1, 0, 0.5]])


def npz(path: Path, texts: Any = TEXTS, rows: Any = ROWS) -> Path:
    np.savez(path, texts=np.array(texts), vectors=rows)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    where = tmp_path / "p"
    where.mkdir()
    for number in range(3):
        Image.fromarray(np.full((8, 8, 3), 20 * number, np.uint8)).save(where / f"{number}.png")
    (where / "metadata.csv").write_text(
        'file_name,text\n0.png,"a cat\ntwo  cats"\n1.png,a dog\n2.png,a cat\n'
    )
    return where


def settings(path: Path | str) -> DataSettings:
    return DataSettings(captions="found", vectors=str(path), resolution=8)


def test_both_forms_of_file_give_the_same_vectors(tmp_path: Path) -> None:
    table = tmp_path / "v.csv"
    table.write_text("text,x,y,z\na  cat,1,2,3\ntwo cats,4,5,6\n\na dog,-1,0,0.5\n")
    for path in (table, npz(tmp_path / "v.npz")):
        encoder = encoder_of(str(path))
        assert encoder is not None
        assert (encoder.name, encoder.width, encoder.every_text) == (path.name, 3, False)
        found = encoder.encode(["a dog", "a cat", "a dog"])
        assert torch.equal(found, torch.tensor(ROWS[[2, 0, 2]], dtype=torch.float32))
    whole = VectorFile(npz(tmp_path / "f.npz", rows=np.asfortranarray(ROWS)))
    assert torch.equal(whole.encode(TEXTS), torch.tensor(ROWS, dtype=torch.float32))
    assert encoder_of("own") is None


def test_a_text_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match='no vector for 1 of 2 texts, such as "a fox"') as caught:
        VectorFile(npz(tmp_path / "v.npz")).encode(["a cat", "a fox"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("texts", "rows", "message"),
    [
        (TEXTS[:2], ROWS, "2 texts and vectors of shape"),
        (TEXTS, ROWS.astype(int), "vectors of int64"),
        (TEXTS, np.where(ROWS == 5, np.nan, ROWS), "1 of 3 vectors that are zero or not finite"),
        (TEXTS, ROWS * 1e300, "3 of 3 vectors"),
        (TEXTS, ROWS * [[1], [0], [1]], "first number 2"),
        (TEXTS, ROWS[:, :1], "vectors of 1 numbers"),
        (TEXTS, np.ones((3, 8_193)), "vectors of 8,193 numbers"),
        (["a cat", "a  cat", "b"], ROWS, 'gives "a cat" two vectors'),
        (["a", "", "b"], ROWS, "text number 2 is empty"),
        (["a", "x" * 2_000, "b"], ROWS, "a caption may have"),
        ([b"a", b"b", b"c"], ROWS, "texts of"),
        (np.zeros(0, "U1"), np.zeros((0, 3)), "not what it holds"),
    ],
)
def test_what_is_no_vectors_is_refused(tmp_path: Path, texts: Any, rows: Any, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        VectorFile(npz(tmp_path / "v.npz", texts, rows))
    assert "\n" not in str(caught.value)


def header(shape: str, kind: str) -> bytes:
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    body = text.ljust(117).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(body).to_bytes(2, "little") + body


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (header("(3, 9000000000000)", "<f4") + b"1234", "not what it holds"),  # says too much
        (header("(1,)", "|O") + b"cposix\nsystem\n", "Python objects"),  # a pickle
        (b"nothing", "broken array vectors"),
        (None, "no array vectors"),
    ],
)
def test_hostile_arrays_are_refused(tmp_path: Path, vectors: bytes | None, message: str) -> None:
    path, texts = tmp_path / "v.npz", io.BytesIO()
    np.save(texts, np.array(TEXTS))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("texts.npy", texts.getvalue())
        if vectors is not None:
            archive.writestr("vectors.npy", vectors)
    with pytest.raises(DataError, match=message):
        VectorFile(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("v.npz", b"PK\x03\x04", "no whole npz"),
        ("v.csv", b"word,1\na,2\n", "other titles than text"),
        ("v.csv", b"text,1,2\na,2\n", "2 cells in line 2"),
        ("v.csv", b"text,1,2\na,2,b\n", "cannot be read at line 2"),
        ("v.csv", b"text,1,2\n\xff,2,3\n", "is not UTF-8"),
        ("v.csv", b"text,1,2\n", "has 0 texts"),
        ("v.pkl", b"", "must end in .npz or .csv"),
        ("v.csv", None, "cannot be read: No such file"),
    ],
)
def test_broken_files_are_told_in_one_line(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        VectorFile(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_store_keeps_a_vector_for_each_different_caption(folder: Path, tmp_path: Path) -> None:
    path = npz(tmp_path / "v.npz")
    pyramid = build(open_source(str(folder)), tmp_path / "s", settings(path), workers=1)
    pyramid.verify()
    said = json.loads((pyramid.path / "manifest.json").read_text())
    sha256 = VectorFile(path).sha256
    assert [said[name] for name in ("format", "vectors", "vector_width", "encoder")] == [
        *(4, 3, 3, f"v.npz:{sha256}")
    ]
    assert np.array_equal(pyramid.vectors_of(["a dog", "a cat"]), ROWS[[2, 0]].astype(np.float32))
    assert (pyramid.spec.caption_width, pyramid.spec.caption_encoder) == (3, f"v.npz:{sha256}")
    assert "captions' vectors: 3 numbers of v.npz" in pyramid.report.text()
    loader = Loader(Pyramid.open(pyramid.path), seed=0, batch_type=Captioned)
    batch = loader.batch(range(12), 8)
    assert isinstance(batch, Captioned)
    assert batch.caption.shape == (12, 2, 3)
    which = ((batch.image[:, 0, 0, 0] + 1) * 127.5 / 20).round().long().tolist()
    own = [{0, 1}, {2}, {0}]
    for number, rows in zip(which, batch.caption.tolist(), strict=True):
        assert {ROWS.tolist().index(row) for row in rows} == own[number]


def test_the_store_and_its_print_follow_the_vectors(folder: Path, tmp_path: Path) -> None:
    prints, places = set(), set()
    paths = [npz(tmp_path / "a.npz"), npz(tmp_path / "b.npz", rows=ROWS + 1)]
    for one in (*(settings(path) for path in paths), settings("own")):
        source = open_source(str(folder))
        pyramid = open_or_build(source, one, tmp_path / "cache", workers=1)
        assert already_built(source, one, tmp_path / "cache") is not None
        prints.add(pyramid.fingerprint)
        places.add(pyramid.path)
    assert len(prints) == len(places) == 3
    paths[0].rename(tmp_path / "c.npz")  # another name, the same vectors
    again = open_or_build(
        open_source(str(folder)), settings(tmp_path / "c.npz"), tmp_path / "cache", workers=1
    )
    assert again.path in places


def test_a_built_folder_serves_where_its_vectors_are_those_asked_for(
    folder: Path, tmp_path: Path
) -> None:
    path = npz(tmp_path / "v.npz")
    first = build(open_source(str(folder)), tmp_path / "s", settings(path), workers=1)
    source = open_source(str(first.path))
    assert open_or_build(source, settings(path), tmp_path / "cache").path == first.path
    other = open_or_build(source, settings("own"), tmp_path / "cache", workers=1)
    assert not other.manifest.vectors
    assert other.captions(range(3)) == first.captions(range(3))


def test_missing_captions_are_told_before_pictures_are_read(folder: Path, tmp_path: Path) -> None:
    path = npz(tmp_path / "v.npz", TEXTS[:2], ROWS[:2])
    ticks: list[int] = []
    source = open_source(str(folder))
    for made in (
        lambda: check(source, settings(path), progress=lambda n, _: ticks.append(n)),
        lambda: build(source, tmp_path / "s", settings(path)),
    ):
        with pytest.raises(ConfigError, match='1 of 3 texts, such as "a dog"'):
            made()
    assert not ticks
    assert not (tmp_path / "s").exists()
    with pytest.raises(DataError, match="no captions are read"):
        check(source, replace(settings(path), captions="none"))
    with pytest.raises(ConfigError, match=r"data\.vectors is empty"):
        settings(" ")


def test_a_file_of_vectors_that_was_changed_is_damage(folder: Path, tmp_path: Path) -> None:
    path = npz(tmp_path / "v.npz")
    pyramid = build(open_source(str(folder)), tmp_path / "s", settings(path), workers=1)
    rows = pyramid.path / "vectors.f32"
    rows.write_bytes(bytes(rows.stat().st_size))
    with pytest.raises(DataError, match=r"checksum of vectors\.f32 is wrong"):
        Pyramid.open(pyramid.path).verify()
    rows.write_bytes(b"")
    with pytest.raises(DataError, match=r"vectors\.f32 has 0 bytes"):
        Pyramid.open(pyramid.path)
