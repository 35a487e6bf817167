from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from progan.core.batch import Labelled
from progan.core.config import DataSettings
from progan.core.errors import DataError
from progan.data import tables
from progan.data.build import already_built, build, check, open_or_build
from progan.data.labels import Column, rows_kept, scaled, unscaled
from progan.data.loader import Loader
from progan.data.pyramid import Pyramid
from progan.data.sources import open_source

Faces = Callable[..., Path]

TABLE = """file_name,age,glasses,hat,who,half
0.png,20,0,true,ann,1.5
1.png,30,1,false,bob,2.5
2.png,40,1,true,ann,2
3.png,60,0,false,cid,4.5
"""


@pytest.fixture
def faces(tmp_path: Path) -> Faces:
    """A folder of four grey pictures, 0.png to 3.png, and a table beside them."""

    def make(table: str = TABLE, name: str = "metadata.csv") -> Path:
        folder = tmp_path / "faces"
        folder.mkdir(exist_ok=True)
        for number in range(4):
            Image.new("L", (8, 8), 60 * number).save(folder / f"{number}.png")
        (folder / name).write_bytes(table.encode())
        return folder

    return make


def built(folder: Path, labels: str | tuple[str, ...], to: str = "store") -> Pyramid:
    settings = DataSettings(labels=labels, resolution=4)
    return build(open_source(str(folder)), folder.parent / to, settings, workers=1)


# what a column becomes


def test_words_are_classes_in_the_order_of_their_bytes(faces: Faces) -> None:
    pyramid = built(faces(), "who")
    assert pyramid.classes == ("ann", "bob", "cid")
    assert pyramid.labels(range(4)).tolist() == [0, 1, 0, 2]
    assert pyramid.spec.label_kind == "class"


def test_whole_numbers_are_classes_in_their_own_order(faces: Faces) -> None:
    table = "file_name,n\n0.png,10\n1.png,9\n2.png,-1\n3.png,9.0\n"
    pyramid = built(faces(table), "n")
    assert pyramid.classes == ("-1", "9", "10")  # as words, "10" would come before "9"
    assert pyramid.labels(range(4)).tolist() == [2, 1, 0, 1]


def test_several_switches_are_labels_of_their_own_however_they_are_said(faces: Faces) -> None:
    pyramid = built(faces(), ("glasses", "hat"))
    assert pyramid.classes == ()
    assert pyramid.label_rows(range(4)).tolist() == [[0, 1], [1, 0], [1, 1], [0, 0]]
    spec = pyramid.spec
    assert (spec.label_kind, spec.label_size, spec.classes) == ("multi-label", 2, 0)
    assert spec.label_names == ("glasses", "hat")
    assert spec.label_shares == (0.5, 0.5)


def test_a_number_is_scaled_by_the_range_of_the_data_which_is_kept(faces: Faces) -> None:
    pyramid = built(faces(), ("age",))
    # (20, 30, 40, 60): 2 (x − 20) / 40 − 1
    assert pyramid.label_rows(range(4)).tolist() == [[-1], [-0.5], [0], [1]]
    assert pyramid.columns == (Column("age", 20, 60),)
    assert pyramid.spec.label_ranges == ((20.0, 60.0),)
    assert pyramid.spec.label_kind == "continuous"


def test_a_switch_among_numbers_is_a_number(faces: Faces) -> None:
    pyramid = built(faces(), ("half", "glasses"))
    assert pyramid.spec.label_kind == "continuous"
    assert pyramid.label_rows([1]).tolist() == [[pytest.approx(-1 / 3), 1]]  # 2 · 1 / 3 − 1
    assert pyramid.columns[1] == Column("glasses", 0, 1)


def test_a_name_alone_with_fractions_is_a_number(faces: Faces) -> None:
    assert built(faces(), "half").spec.label_kind == "continuous"


def test_many_whole_numbers_as_classes_come_with_the_way_to_a_scale(tmp_path: Path) -> None:
    lines = ["file_name,age"]
    for number in range(14):
        Image.new("L", (8, 8)).save(tmp_path / f"{number}.png")
        lines.append(f"{number}.png,{number}")
    (tmp_path / "metadata.csv").write_text("\n".join(lines))
    report = check(open_source(str(tmp_path)), DataSettings(labels="age"), workers=1)
    assert any("--set data.labels=[age]" in remark for remark in report.remarks)


# other tables


def test_lines_of_json_say_the_same_as_lines_with_commas(faces: Faces) -> None:
    rows = [line.split(",") for line in TABLE.splitlines()]
    written = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    for row in written:
        row |= {"age": int(row["age"]), "hat": row["hat"] == "true", "extra": [1, {}]}  # type: ignore[dict-item]
    first = built(faces(), ("age", "hat"))
    faces("\n".join(map(json.dumps, written)), "metadata.jsonl")
    (faces() / "metadata.csv").unlink()
    second = built(first.path.parent / "faces", ("age", "hat"), "second")
    assert second.fingerprint == first.fingerprint


CELEBA = "4\nSmiling Young\n0.png  1 -1\n1.png -1 -1\n2.png -1  1\n3.png  1  1\n"


@pytest.mark.parametrize("given", ["faces", "."])
def test_celebas_own_file_is_read_with_minus_one_for_no(faces: Faces, given: str) -> None:
    folder = faces(CELEBA, tables.CELEBA)
    if given == ".":  # the folder above, as CelebA is unpacked
        (folder / tables.CELEBA).rename(folder.parent / tables.CELEBA)
    pyramid = built((folder / ".." / given).resolve(), ("Smiling", "Young"), "x")
    assert pyramid.label_rows(range(4)).tolist() == [[1, 0], [0, 0], [0, 1], [1, 1]]
    assert pyramid.spec.label_kind == "multi-label"


def test_celebas_own_file_is_found_beside_the_folder(faces: Faces) -> None:
    folder = faces(CELEBA, tables.CELEBA)
    (folder / tables.CELEBA).rename(folder.parent / tables.CELEBA)
    assert built(folder, ("Young",)).label_rows([2]).tolist() == [[1]]


@pytest.mark.parametrize("top", ["", "faces/"])
def test_a_zip_is_read_with_the_table_beside_its_pictures(faces: Faces, top: str) -> None:
    folder = faces(TABLE.replace("0.png", "./in/0.png"))
    (folder / "in").mkdir()
    (folder / "0.png").rename(folder / "in" / "0.png")
    with zipfile.ZipFile(folder.parent / "faces.zip", "w") as archive:
        for path in folder.rglob("*.*"):
            archive.write(path, top + path.relative_to(folder).as_posix())
        archive.writestr("elsewhere/metadata.csv", "nothing of ours")
    pyramid = built(folder.parent / "faces.zip", ("age", "glasses"), "zipped")
    assert pyramid.fingerprint == built(folder, ("age", "glasses")).fingerprint


def test_packaged_portraits_know_words_switches_and_numbers() -> None:
    source = open_source("portraits", DataSettings(images=40))
    table = source.table(("hair", "glasses", "age"))
    assert table is not None
    truth = source.pack.people(np.arange(40))  # type: ignore[attr-defined]
    assert [cell == "1" for cell in table.columns["glasses"]] == (truth.glasses > 0).tolist()
    assert [float(cell or "nan") for cell in table.columns["age"]] == truth.age.tolist()
    assert set(table.columns["hair"]) <= {"black", "dark brown", "brown", "auburn", "red"} | {
        *("dark blond", "blond", "grey", "white", "teal", "pink")
    }
    with pytest.raises(DataError, match="Did you mean glasses"):
        source.table(("glases",))


# in the store


def test_labels_are_part_of_the_fingerprint_and_of_the_check(faces: Faces) -> None:
    first = built(faces(), ("glasses", "hat"))
    faces(TABLE.replace("20,0,true", "20,1,true"))
    second = built(first.path.parent / "faces", ("glasses", "hat"), "second")
    assert first.fingerprint != second.fingerprint
    path = first.path / "labels.f32"
    path.write_bytes(np.zeros(8, "<f4").tobytes())
    with pytest.raises(DataError, match=r"checksum of labels.f32 is wrong"):
        Pyramid.open(first.path).verify()
    path.write_bytes(b"")
    with pytest.raises(DataError, match=r"labels.f32 has 0 bytes instead of 32"):
        Pyramid.open(first.path)


def test_a_changed_table_is_built_anew_and_an_equal_one_is_not(faces: Faces) -> None:
    folder = faces()
    cache, settings = folder.parent / "cache", DataSettings(labels=("age",), resolution=4)
    before = open_or_build(str(folder), settings, cache, workers=1)
    (folder / "metadata.csv").touch()
    assert open_or_build(str(folder), settings, cache, workers=1).path == before.path
    assert already_built(open_source(str(folder)), settings, cache) is not None
    faces(TABLE.replace("60,0", "50,0"))
    assert already_built(open_source(str(folder)), settings, cache) is None
    after = open_or_build(str(folder), settings, cache, workers=1)
    assert after.columns == (Column("age", 20, 50),)


def test_stores_without_number_labels_are_written_as_before(faces: Faces) -> None:
    body = json.loads((built(faces(), "who").path / "manifest.json").read_text())
    assert body["format"] == 1
    assert "columns" not in body
    body = json.loads((built(faces(), ("age",), "second").path / "manifest.json").read_text())
    assert (body["format"], body["columns"]) == (2, [["age", 20.0, 60.0]])


def test_a_built_folder_keeps_its_labels_when_it_is_built_smaller(faces: Faces) -> None:
    settings = DataSettings(labels=("age", "glasses"), resolution=8)
    folder = faces()
    whole = build(open_source(str(folder)), folder.parent / "whole", settings, workers=1)
    small = build(
        open_source(str(whole.path)), folder.parent / "small", DataSettings(resolution=4), workers=1
    )
    assert small.columns == whole.columns
    assert np.array_equal(small.label_rows(range(4)), whole.label_rows(range(4)))
    again = DataSettings(labels=("age", "glasses"))
    assert open_or_build(str(whole.path), again, folder.parent / "cache").path == whole.path
    one = open_or_build(
        str(whole.path), DataSettings(labels=("glasses",)), folder.parent / "cache", workers=1
    )
    assert one.label_rows(range(4)).tolist() == [[0], [1], [1], [0]]


def test_batches_carry_the_rows_of_their_pictures(faces: Faces) -> None:
    loader = Loader(built(faces(), ("age", "glasses")), seed=3, batch_type=Labelled)
    batch = loader.batch(range(8), 4)
    assert isinstance(batch, Labelled)
    ages = {0: -1.0, 60: -0.5, 120: 0.0, 180: 1.0}  # grey levels to ages, as the table has them
    grey = ((batch.image[:, 0, 0, 0] + 1) * 127.5).round().int().tolist()
    assert batch.label[:, 0].tolist() == [ages[level] for level in grey]


def test_rows_to_draw_from_are_those_of_the_data_with_their_shares() -> None:
    values = np.array([[0, 1], [0, 1], [1, 0], [0, 1]], np.float32)
    assert rows_kept(values) == (((0.0, 1.0), (1.0, 0.0)), (0.75, 0.25))
    many = np.random.default_rng(0).normal(size=(9000, 1)).astype(np.float32)
    rows, _ = rows_kept(many)
    assert 8000 < len(rows) <= 8192


def test_scaling_is_undone() -> None:
    columns = (Column("a", -3, 5), Column("b", 7, 7))
    values = np.array([[-3.0, 7], [5, 7], [1, 7]])
    assert scaled(values, columns).tolist() == [[-1, 0], [1, 0], [0, 0]]
    assert unscaled(scaled(values, columns), columns).tolist() == values.tolist()


# what is wrong with a table


def test_pictures_without_a_label_are_listed_and_left_out(faces: Faces) -> None:
    table = "file_name,age,who\n0.png,20,a\n1.png,,b\n2.png,NaN,c\n9.png,30,d\n8.png,1,e\n"
    folder = faces(table + "3.png,30,\n")
    report = check(open_source(str(folder)), DataSettings(labels=("age",)), workers=1)
    assert report.used == 2
    assert report.counts == {"no label": 2}
    assert [finding.reason for finding in report.findings] == [
        "age is empty (metadata.csv line 3)",
        "age is empty (metadata.csv line 4)",
    ]
    assert "lines of metadata.csv without a picture: 2" in report.remarks
    (folder / "4.png").write_bytes((folder / "0.png").read_bytes())
    report = check(open_source(str(folder)), DataSettings(labels=("age",)), workers=1)
    assert report.findings[-1].line().endswith("4.png: has no line in metadata.csv")
    assert report.lines()[0] == "2 pictures used of 5  (3 no label)"


def lines(*rows: str) -> str:
    return "\n".join(["file_name,age", *rows])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", "the first line of metadata.csv is nothing"),
        ("name,age\n0.png,3", "and file_name among them"),
        ("file_name,age,age\n0.png,3,4", "two columns named 'age'"),
        ("file_name,aged\n0.png,3", "no column of metadata.csv; it has aged. Did you mean aged?"),
        ("file_name\n0.png", "it has none besides"),
        (lines("0.png,1,2"), "line 2 has 3 cells, and 2 titles"),
        (lines("0.png"), "line 2 has 1 cells, and 2 titles"),
        (lines("0.png,1", "0.png,2"), "line 3 names '0.png' again, first in line 2"),
        (lines("0.png,1", "./0.png,2"), "line 3 names './0.png' again"),
        (lines("../0.png,1"), "line 2 names '../0.png', which points outside the folder"),
        (lines("/etc/passwd,1"), "line 2 names '/etc/passwd', which points outside"),
        (lines("C:\\0.png,1"), "which points outside the folder"),
        (lines("in\\..\\0.png,1"), "which points outside the folder"),
        (lines('"0.png,1'), "line 2 cannot be read"),
        (
            lines("0.png,one", "1.png,2"),
            "line 2: age is 'one'; columns in a list must hold numbers",
        ),
        (lines("0.png,1e999", "1.png,2"), "line 2: age is '1e999'"),
        (lines("0.png,inf", "1.png,2"), "line 2: age is 'inf'"),
        (lines("0.png,1.5", "1.png,1.5"), "age is 1.5 for every picture of faces"),
        (lines("zero.png,1"), "no line for any of the 4 pictures: it names 'zero.png'"),
        (lines(), "it has no lines"),
        (lines("0.png,", "1.png,nan"), "no picture of faces has a label"),
    ],
)
def test_a_broken_table_is_one_clear_line(faces: Faces, table: str, message: str) -> None:
    source = open_source(str(faces(table)))
    with pytest.raises(DataError) as error:
        check(source, DataSettings(labels=("age",)), workers=1)
    assert message in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("{", "metadata.jsonl line 1 is no JSON"),
        ("[1]", 'line 1 must be an object with "file_name"'),
        ('{"file_name": null, "age": 1}', 'line 1 must be an object with "file_name"'),
        ('{"file_name": "0.png", "age": [1]}', "line 1: age is a list"),
        ('{"file_name": "0.png", "aged": 1}', "Did you mean aged?"),
        ('{"file_name": "0.png", "age": NaN}', "no picture of faces has a label"),
    ],
)
def test_broken_lines_of_json_are_one_clear_line(faces: Faces, table: str, message: str) -> None:
    source = open_source(str(faces(table, "metadata.jsonl")))
    with pytest.raises(DataError) as error:
        check(source, DataSettings(labels=("age",)), workers=1)
    assert message in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "table"),
    [("metadata.jsonl", "[" * 100_000), ("metadata.csv", lines("0.png," + "9" * 200_000))],
    ids=["deep", "long"],
)
def test_endless_lines_are_one_clear_line(faces: Faces, name: str, table: str) -> None:
    source = open_source(str(faces(table, name)))
    with pytest.raises(DataError, match=r"metadata\.\w+ line [12] (is no JSON|cannot be read)"):
        check(source, DataSettings(labels=("age",)), workers=1)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("Smiling\n0.png 1\n", "must begin with the number of pictures"),
        ("1\nSmiling Young\n0.png 1\n", "line 3 has 2 words; it must be a name and 2 times"),
        ("9\nSmiling\n0.png 1\n", "says that it has 9 pictures, and has 1 lines"),
    ],
)
def test_a_broken_file_of_celebas_is_one_clear_line(faces: Faces, table: str, message: str) -> None:
    source = open_source(str(faces(table, tables.CELEBA)))
    with pytest.raises(DataError, match=message):
        check(source, DataSettings(labels=("Smiling",)), workers=1)


def test_what_cannot_be_a_label_is_said(faces: Faces, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = faces()
    source = open_source(str(folder))
    faces("file_name,age\n0.png,3\n1.png,3\n")
    with pytest.raises(DataError, match=r"age is 3 for every picture in metadata.csv"):
        check(source, DataSettings(labels="age"), workers=1)
    faces()
    monkeypatch.setattr("progan.data.labelling.MOST_CLASSES", 2)
    with pytest.raises(DataError, match=r"who in metadata.csv has 3 different values"):
        check(source, DataSettings(labels="who"), workers=1)
    monkeypatch.setattr(tables, "LARGEST_BYTES", 100)
    with pytest.raises(DataError, match="more than 100 bytes"):
        check(source, DataSettings(labels="who"), workers=1)
    (folder / "metadata.jsonl").touch()
    with pytest.raises(DataError, match="lie beside each other, and one table is read"):
        check(open_source(str(folder)), DataSettings(labels="who"), workers=1)
    (folder / "metadata.csv").unlink()
    (folder / "metadata.jsonl").unlink()
    with pytest.raises(DataError, match=r"faces has no table of labels. Put a metadata.csv"):
        check(open_source(str(folder)), DataSettings(labels="who"), workers=1)
    (folder / "metadata.csv").mkdir()
    with pytest.raises(DataError, match=r"metadata.csv (cannot be read|is no regular file)"):
        check(open_source(str(folder)), DataSettings(labels="who"), workers=1)


def test_a_table_that_nobody_asked_for_is_named_and_not_read(faces: Faces) -> None:
    report = check(open_source(str(faces("not a table at all"))), DataSettings(), workers=1)
    assert report.used == 4
    assert "--set data.labels=NAME" in report.remarks[-1]
