"""Captions beside pictures: where they are found, how they are kept, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from progan.core.batch import Captioned, Labelled
from progan.core.config import DataSettings
from progan.core.errors import DataError
from progan.core.text import gram_rows
from progan.data.build import build, check, open_or_build
from progan.data.captions import KEPT_BYTES, packed, texts_kept, unpacked
from progan.data.loader import Loader
from progan.data.pyramid import Pyramid
from progan.data.sources import open_source

FOUND = DataSettings(captions="found")


def pictures(folder: Path, names: list[str]) -> Path:
    folder.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((8, 8, 3), 20 * number, np.uint8)).save(folder / name)
    return folder


def built(folder: Path, settings: DataSettings = FOUND) -> Pyramid:
    return build(
        open_source(str(folder)), folder.with_name("store"), settings, resolution=8, workers=1
    )


def captions_in(pyramid: Pyramid) -> list[tuple[str, ...]]:
    return pyramid.captions(range(pyramid.count))


def test_a_tables_column_and_lines_within_a_cell(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "p", ["a.png", "b.png"])
    (folder / "metadata.csv").write_text(
        'file_name,text\nb.png,"a cat\n\n two  cats "\na.png,Ein Hund & 猫\n'
    )
    pyramid = built(folder)
    assert captions_in(pyramid) == [("Ein Hund & 猫",), ("a cat", "two cats")]
    assert (pyramid.spec.captions, pyramid.spec.caption_texts) == (
        2,
        ("Ein Hund & 猫", "a cat", "two cats"),
    )
    pyramid.verify()
    assert json.loads((pyramid.path / "manifest.json").read_text())["format"] == 3


def test_json_lines_and_a_column_of_another_name(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "p", ["a.png", "b.png"])
    rows = [{"file_name": f"{name}.png", "says": f"{name} says"} for name in "ab"]
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    pyramid = built(folder, DataSettings(captions="says"))
    assert captions_in(pyramid) == [("a says",), ("b says",)]


def test_files_of_the_same_name_where_there_is_no_table(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "p", ["x/a.png", "y/b.png"])
    (folder / "x/a.txt").write_text("one\ntwo\n")
    pyramid = built(folder)
    assert captions_in(pyramid) == [("one", "two")]
    assert pyramid.report.text().count("no caption") == 1


def test_what_is_said_is_part_of_the_fingerprint_and_of_the_key(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "p", ["a.png", "b.png"])
    prints, places = set(), set()
    for text in ("a cat", "a cap"):
        (folder / "metadata.csv").write_text(f"file_name,text\na.png,{text}\nb.png,no\n")
        source = open_source(str(folder))
        pyramid = open_or_build(source, FOUND, tmp_path / "cache", resolution=8, workers=1)
        prints.add(pyramid.fingerprint)
        places.add(pyramid.path)
    plain = open_or_build(
        open_source(str(folder)), DataSettings(), tmp_path / "cache", resolution=8, workers=1
    )
    assert not plain.captioned
    assert len({*prints, plain.fingerprint}) == len({*places, plain.path}) == 3


def test_a_built_folder_keeps_its_captions(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "p", ["a.png", "b.png"])
    (folder / "metadata.csv").write_text('file_name,text\na.png,"x\ny"\nb.png,z\n')
    first = built(folder)
    again = build(open_source(str(first.path)), tmp_path / "again", FOUND, resolution=4, workers=1)
    assert captions_in(again) == captions_in(first) == [("x", "y"), ("z",)]


def test_portraits_bring_their_own(tmp_path: Path) -> None:
    settings = DataSettings(captions="found", images=4)
    source = open_source("portraits", settings)
    pyramid = build(source, tmp_path / "s", settings, resolution=8, workers=1)
    assert all(
        text.startswith(("a person with", "an old person")) for (text,) in captions_in(pyramid)
    )


def test_a_batch_brings_captions_and_kinds_by_image_number(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "p", [f"{n}.png" for n in range(4)])
    lines = ['0.png,"a\nb\nc"', "1.png,d", "2.png,d", "3.png,e"]
    (folder / "metadata.csv").write_text("file_name,text\n" + "\n".join(lines))
    pyramid = built(folder)
    loader = Loader(pyramid, seed=0, batch_type=Captioned)
    batch = loader.batch(range(40), 8)
    assert isinstance(batch, Captioned)
    assert batch.caption.shape[:2] == (40, 3)
    which = ((batch.image[:, 0, 0, 0] + 1) * 127.5 / 20).round().long().tolist()
    kinds: dict[int, set[int]] = {n: set() for n in range(4)}
    firsts = set()
    rows = {tuple(row): text for row, text in zip(gram_rows(list("abcde")), "abcde", strict=True)}
    for n, own, kind in zip(which, batch.caption.tolist(), batch.kind.tolist(), strict=True):
        kinds[n].add(kind)
        told = [rows[tuple(row)] for row in own]
        if n == 0:
            assert sorted(told) == ["a", "b", "c"]
            firsts.add(told[0])
        else:
            assert told == [["d"], ["d"], ["e"]][n - 1] * 3
    assert firsts == {"a", "b", "c"}  # which one comes first is drawn
    assert kinds[1] == kinds[2]  # the same caption
    assert len({*kinds[0], *kinds[1], *kinds[3]}) == 3
    part = loader.batch([7, 30], 8)
    assert torch.equal(part.kind, batch.kind[[7, 30]])
    assert torch.equal(part.caption, batch.caption[[7, 30]])


def test_where_pictures_have_classes_those_are_their_kinds(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "p", ["x/a.png", "x/b.png", "y/c.png"])
    (folder / "metadata.csv").write_text("file_name,text\nx/a.png,1\nx/b.png,2\ny/c.png,3\n")
    pyramid = built(folder)
    captioned, labelled = (
        Loader(pyramid, seed=0, batch_type=kind).batch(range(3), 8)
        for kind in (Captioned, Labelled)
    )
    assert captioned.kind.tolist() == labelled.label.tolist()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (None, "has no captions. Put a metadata.csv"),
        ("file_name,age\na.png,3\n", "has no captions. Put a metadata.csv"),
        ("file_name,text\na.png,\n", "every one is empty"),
        (
            "file_name,text\na.png," + "x" * 1_001,
            "metadata.csv line 2: the caption has 1,001 bytes",
        ),
        (b"file_name,text\na.png,\xff\xfe\n", "metadata.csv line 2: the caption is not UTF-8"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(
    tmp_path: Path, table: str | bytes | None, message: str
) -> None:
    folder = pictures(tmp_path / "p", ["a.png"])
    if table is not None:
        data = table.encode() if isinstance(table, str) else table
        (folder / "metadata.csv").write_bytes(data)
    with pytest.raises(DataError) as caught:
        check(open_source(str(folder)), FOUND, resolution=8, workers=1)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"\xff", "a.txt is not UTF-8"), (b"x" * 70_000, "more than 65,536 bytes")],
)
def test_files_of_captions_are_bounded_text(tmp_path: Path, data: bytes, message: str) -> None:
    folder = pictures(tmp_path / "p", ["a.png"])
    (folder / "a.txt").write_bytes(data)
    with pytest.raises(DataError, match=message):
        check(open_source(str(folder)), FOUND, resolution=8, workers=1)


def test_a_caption_file_that_was_changed_is_damage(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "p", ["a.png", "b.png"])
    (folder / "metadata.csv").write_text("file_name,text\na.png,xy\nb.png,z\n")
    pyramid = built(folder)
    (pyramid.path / "captions.txt").write_bytes(b"\n\nxyz"[: pyramid.manifest.captions])
    with pytest.raises(DataError, match=r"captions\.txt is not what was written"):
        captions_in(Pyramid.open(pyramid.path))


def test_captions_are_unpacked_as_they_were_packed() -> None:
    texts = [("a", "b c"), ("é",)]
    assert unpacked(packed(texts), 2) == texts
    for data, count in ((b"a\n", 2), (b"a", 1), (b"\t\n", 1), (b"\xff\n", 1)):
        with pytest.raises(Exception, match=r"."):
            unpacked(data, count)


def test_the_captions_kept_for_drawing_are_different_spread_and_few() -> None:
    assert texts_kept([("a", "b"), ("a",), ("c",)]) == ("a", "b", "c")
    many = [(f"{n:06d}" * 20,) for n in range(2_000)]
    kept = texts_kept(many)
    assert KEPT_BYTES // 2 < sum(map(len, kept)) <= KEPT_BYTES
    assert kept[0] == many[0][0]
    assert kept[-1] > many[1_900][0]
