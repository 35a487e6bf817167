from __future__ import annotations

import errno
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imported import imported
from progan.core.errors import DataError, RoomError
from progan.core.faults import Faults
from progan.core.recipe import DataSettings
from progan.data import build as store
from progan.data import crew, disk, task, writer
from progan.data.build import build, check, choose_resolution, open_or_build
from progan.data.sources.folder import FolderSource

SETTINGS = DataSettings(resolution=8)
FILE_BYTES = 2000
"""Ten colour pictures at 8 pixels."""


def contents(folder: Path) -> dict[str, str]:
    """A checksum of every file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty pictures of two classes, three of which cannot be used."""
    folder = tmp_path_factory.mktemp("pictures")
    pixels = np.random.default_rng(0).integers(0, 256, (30, 13, 11, 3), np.uint8)
    for i in range(30):
        path = folder / ("cat" if i % 3 else "dog") / f"{i:02d}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels[i] if i % 2 else pixels[i, :, :, 0]).save(path)
    (folder / "cat" / "04.png").write_bytes(b"this is no picture")
    (folder / "dog" / "09.png").write_bytes((folder / "dog" / "15.png").read_bytes()[:200])
    Image.new("L", (3, 3)).save(folder / "dog" / "27.png")
    return folder


@pytest.fixture(autouse=True)
def small_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task, "JOB_PICTURES", 4)
    monkeypatch.setattr(store, "cores", lambda: 1)


@pytest.fixture(scope="module")
def whole(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Files of a build that was left in peace."""
    to = tmp_path_factory.mktemp("whole") / "store"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(task, "JOB_PICTURES", 4)
        build(FolderSource(folder), to, SETTINGS, workers=1, file_bytes=FILE_BYTES)
    return contents(to)


def test_a_build_reports_what_became_of_every_picture(folder: Path, tmp_path: Path) -> None:
    before, seen = contents(folder), []
    pyramid = build(
        FolderSource(folder), tmp_path / "store", SETTINGS, progress=lambda *at: seen.append(at)
    )
    report = pyramid.report
    assert (report.seen, report.used, pyramid.count) == (30, 27, 27)
    assert report.counts == {"unreadable": 2, "too small": 1}
    assert report.labels == {"cat": 19, "dog": 8}
    assert [finding.name for finding in report.findings] == [
        "cat/04.png",
        "dog/09.png",
        "dog/27.png",
    ]
    assert report.lines("data_report.txt") == [
        "27 pictures used of 30  (2 unreadable, 1 too small: data_report.txt)",
        "centre-cropped to 8 × 8, colour; 2 classes",
    ]
    assert "too small     dog/27.png: 3 × 3 pixels; the shorter side must have 4" in report.text()
    assert seen[-1] == (30, 30)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert contents(folder) == before
    assert json.loads((tmp_path / "store" / "report.json").read_text())["used"] == 27
    assert sorted(path.name for path in tmp_path.iterdir()) == ["store"]
    pyramid.verify()


def test_checking_finds_what_building_finds_and_writes_nothing(
    folder: Path, tmp_path: Path
) -> None:
    before = contents(folder)
    report = check(FolderSource(folder), SETTINGS)
    assert report == build(FolderSource(folder), tmp_path / "store", SETTINGS).report
    assert contents(folder) == before


def test_the_number_of_workers_changes_no_byte(
    folder: Path, tmp_path: Path, whole: dict[str, str]
) -> None:
    build(FolderSource(folder), tmp_path / "store", SETTINGS, workers=3, file_bytes=FILE_BYTES)
    assert contents(tmp_path / "store") == whole


SCRIPT = """
import os, signal, sys
from pathlib import Path
from progan.core.recipe import DataSettings
from progan.core.faults import Faults
from progan.data import task
from progan.data.build import build
from progan.data.sources.folder import FolderSource

task.JOB_PICTURES = 4
folder, to, point, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])

class Kill(Faults):
    seen = 0
    def at(self, here):
        Kill.seen += here == point
        if here == point and Kill.seen == count:
            os.kill(os.getpid(), signal.SIGKILL)
    def write(self, path): self.at("write")
    def reach(self, point, images): self.at(point)

settings = DataSettings(resolution=8)
build(FolderSource(folder), to, settings, workers=1, file_bytes=2000, faults=Kill())
"""


def run(folder: Path, to: Path, point: str, count: int) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    arguments = [sys.executable, "-c", SCRIPT, str(folder), str(to), point, str(count)]
    return subprocess.Popen(arguments, env=environment)


def test_a_build_killed_ten_times_ends_in_the_same_bytes(
    folder: Path, tmp_path: Path, whole: dict[str, str]
) -> None:
    to = tmp_path / "store"
    kills = [
        ("write", 1),  # before anything is written
        ("decoded", 1),
        ("write", 3),  # between the pixels of a job and its record
        ("decoded", 3),
        ("joined", 1),
        ("write", 3),  # a picture is in the file of one resolution and not yet in the other
        ("joined", 3),
        ("write", 6),
        ("manifest", 1),
        ("rename", 1),
    ]
    for point, count in kills:
        process = run(folder, to, point, count)
        assert process.wait(60) == -signal.SIGKILL, (point, count)
        assert not to.exists()
    assert run(folder, to, "nowhere", 0).wait(60) == 0
    assert contents(to) == whole
    assert sorted(path.name for path in tmp_path.iterdir()) == ["store"]


def test_a_build_killed_at_any_moment_goes_on(
    folder: Path, tmp_path: Path, whole: dict[str, str]
) -> None:
    to, dice = tmp_path / "store", random.Random(0)
    for _ in range(3):
        process = run(folder, to, "nowhere", 0)
        time.sleep(dice.uniform(0.2, 0.8))
        process.kill()
        process.wait(60)
    assert run(folder, to, "nowhere", 0).wait(60) == 0
    assert contents(to) == whole


def test_what_is_left_of_other_pictures_is_not_gone_on_with(
    folder: Path, tmp_path: Path, whole: dict[str, str]
) -> None:
    class Stop(Faults):
        def reach(self, point: str, images: int) -> None:
            if point == "joined":
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(FolderSource(folder / "dog"), tmp_path / "store", SETTINGS, faults=Stop())
    assert (tmp_path / "store.tmp" / "joined.json").exists()
    build(FolderSource(folder), tmp_path / "store", SETTINGS, file_bytes=FILE_BYTES)
    assert contents(tmp_path / "store") == whole


def test_a_work_folder_that_lost_bytes_in_a_crash_is_mended(
    folder: Path, tmp_path: Path, whole: dict[str, str]
) -> None:
    class Stop(Faults):
        def reach(self, point: str, images: int) -> None:
            if point == "decoded" and images >= 16:
                raise KeyboardInterrupt

    to, work = tmp_path / "store", tmp_path / "store.tmp"
    with pytest.raises(KeyboardInterrupt):
        build(FolderSource(folder), to, SETTINGS, workers=1, file_bytes=FILE_BYTES, faults=Stop())
    (work / "job-000000.bin").write_bytes(b"short")
    (work / "job-000001.json").write_bytes(b"{")
    (work / "job-000002.json").write_bytes(b"[]")
    build(FolderSource(folder), to, SETTINGS, workers=1, file_bytes=FILE_BYTES)
    assert contents(to) == whole


def test_a_full_disk_is_named_and_what_was_done_is_kept(
    folder: Path, tmp_path: Path, whole: dict[str, str]
) -> None:
    class Full(Faults):
        def __init__(self, after: int) -> None:
            self.writes_left = after

        def write(self, path: Path) -> None:
            if not self.writes_left:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            self.writes_left -= 1

    to, source = tmp_path / "store", FolderSource(folder)
    # Before the first write; in the fourth of eight jobs; before the join; in the midst of it.
    for after in (0, 8, 11, 20):
        with pytest.raises(RoomError, match=r"Disk full while building .* \(needs .* free\)"):
            build(source, to, SETTINGS, workers=1, file_bytes=FILE_BYTES, faults=Full(after))
        assert not to.exists()
    build(source, to, SETTINGS, workers=1, file_bytes=FILE_BYTES)
    assert contents(to) == whole


def test_a_disk_that_is_too_small_is_refused_before_anything_is_decoded(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = os.statvfs(tmp_path)
    free = type("Usage", (), {"total": usage.f_blocks, "used": 0, "free": 10_000})
    monkeypatch.setattr(writer.shutil, "disk_usage", lambda path: free)
    # 30 pictures of 3 channels at 8 and 4 pixels: 30 · 3 · 80 = 7,200 bytes, twice while joining.
    with pytest.raises(RoomError, match=r"10 kB free; 30 pictures at 8 pixels need up to 14\.4 kB"):
        build(FolderSource(folder), tmp_path / "store", SETTINGS)


def test_a_folder_that_cannot_be_written_is_named(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RoomError, match="cannot be written"):
        build(FolderSource(folder), tmp_path / "file" / "store", SETTINGS)


def test_what_is_there_already_is_opened_or_left_alone(folder: Path, tmp_path: Path) -> None:
    to, source = tmp_path / "store", FolderSource(folder)
    first = build(source, to, SETTINGS)
    times = {path: path.stat().st_mtime_ns for path in to.iterdir()}
    assert build(source, to, SETTINGS).fingerprint == first.fingerprint
    with pytest.raises(DataError, match="already holds other pictures or other settings"):
        build(source, to, DataSettings(resolution=4))
    assert {path: path.stat().st_mtime_ns for path in to.iterdir()} == times
    (tmp_path / "mine.tmp").mkdir()
    (tmp_path / "mine.tmp" / "diary.txt").write_text("dear diary")
    with pytest.raises(DataError, match=r"mine\.tmp is in the way"):
        build(source, tmp_path / "mine", SETTINGS)
    assert (tmp_path / "mine.tmp" / "diary.txt").read_text() == "dear diary"


def test_two_builds_of_one_store_do_the_work_once(
    folder: Path, tmp_path: Path, whole: dict[str, str]
) -> None:
    found: list[str] = []

    def one() -> None:
        source = FolderSource(folder)
        pyramid = build(source, tmp_path / "store", SETTINGS, workers=1, file_bytes=FILE_BYTES)
        found.append(pyramid.fingerprint)

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2
    assert contents(tmp_path / "store") == whole


def test_a_second_start_opens_what_the_first_one_built(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_or_build(str(folder), SETTINGS, tmp_path)
    (tmp_path / "second").mkdir()
    monkeypatch.setattr(crew, "Child", None)  # nothing may be decoded
    monkeypatch.setattr(FolderSource, "fingerprint", None)  # nor any file be read
    again = open_or_build(str(folder), SETTINGS, tmp_path)
    assert again.path == first.path
    assert again.report == first.report


def test_changed_pictures_or_settings_are_built_anew_and_damage_is_mended(
    folder: Path, tmp_path: Path
) -> None:
    np.savez(tmp_path / "set.npz", images=np.zeros((3, 8, 8), np.uint8))
    words, cache = str(tmp_path / "set.npz"), tmp_path / "cache"
    first = open_or_build(words, SETTINGS, cache)
    assert open_or_build(words, DataSettings(resolution=4), cache).path != first.path
    assert open_or_build(words, DataSettings(resolution=8, images=2), cache).count == 2
    np.savez(tmp_path / "set.npz", images=np.ones((3, 8, 8), np.uint8))
    assert open_or_build(words, SETTINGS, cache).path != first.path
    np.savez(tmp_path / "set.npz", images=np.zeros((3, 8, 8), np.uint8))
    assert open_or_build(words, SETTINGS, cache).path == first.path
    (first.path / "r0004-00000.u8").write_bytes(b"")
    open_or_build(words, SETTINGS, cache).verify()


def test_colour_anywhere_makes_the_set_colour_and_grey_everywhere_grey(tmp_path: Path) -> None:
    for i in range(9):
        Image.new("RGB", (8, 8), (i, i, i)).save(tmp_path / f"{i}.png")
    assert check(FolderSource(tmp_path), SETTINGS).channels == 1
    Image.new("RGB", (8, 8), (9, 9, 10)).save(tmp_path / "9.png")
    pyramid = build(FolderSource(tmp_path), tmp_path / "store", SETTINGS)
    assert pyramid.channels == 3
    assert pyramid.gather([4], 4).reshape(3, 16).tolist() == [[4] * 16] * 3
    grey = build(FolderSource(tmp_path), tmp_path / "grey", DataSettings(resolution=8, channels=1))
    assert grey.gather([9], 8).shape == (1, 1, 8, 8)


def test_the_first_so_many_pictures_are_spread_over_the_names(folder: Path, tmp_path: Path) -> None:
    pyramid = build(FolderSource(folder), tmp_path / "store", DataSettings(resolution=8, images=6))
    # Every fifth of 30: four of the twenty cats and two of the ten dogs.
    assert pyramid.report.labels == {"cat": 4, "dog": 2}


def test_labels_can_be_left_out_and_one_class_is_none(folder: Path, tmp_path: Path) -> None:
    settings = DataSettings(resolution=8, labels="none")
    assert build(FolderSource(folder), tmp_path / "a", settings).classes == ()
    (tmp_path / "in" / "x").mkdir(parents=True)
    Image.new("L", (8, 8)).save(tmp_path / "in" / "x" / "1.png")
    assert build(FolderSource(tmp_path / "in"), tmp_path / "b", SETTINGS).classes == ()
    (tmp_path / "in" / "y").mkdir()
    (tmp_path / "in" / "y" / "2.png").write_bytes(b"broken")
    assert build(FolderSource(tmp_path / "in"), tmp_path / "c", SETTINGS).classes == ()


def test_without_a_usable_picture_the_reasons_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no pictures"):
        check(FolderSource(tmp_path), SETTINGS)
    for i in range(5):
        (tmp_path / f"{i}.png").write_bytes(b"broken")
    with pytest.raises(DataError, match="none of the 5 pictures") as error:
        build(FolderSource(tmp_path), tmp_path / "store", SETTINGS)
    assert len(str(error.value).splitlines()) <= 6
    assert "progan data check" in str(error.value)
    assert not list(tmp_path.glob("store*"))


def test_the_resolution_is_one_that_nine_of_ten_pictures_fill(tmp_path: Path) -> None:
    for i in range(20):
        size = (31, 40) if i < 2 else (70, 40)
        Image.new("L", size).save(tmp_path / f"{i:02d}.png")
    assert choose_resolution(FolderSource(tmp_path), DataSettings()) == 32
    assert choose_resolution(FolderSource(tmp_path), DataSettings(crop="pad")) == 64
    assert choose_resolution(FolderSource(tmp_path), DataSettings(resolution=16)) == 16
    Image.new("L", (9, 40)).save(tmp_path / "00.png")
    Image.new("L", (9, 40)).save(tmp_path / "02.png")
    assert choose_resolution(FolderSource(tmp_path), DataSettings()) == 16  # 9, 9, 31: the third


def test_names_in_any_script_are_built_and_listed(tmp_path: Path) -> None:
    place = tmp_path / "猫 画像 #1"
    place.mkdir()
    for name in ("🐈 one.png", "två två.png", "%20&.png"):
        Image.new("RGB", (8, 8), (1, 2, 3)).save(place / name)
    (place / "壊れた 'x'.png").write_bytes(b"broken")
    pyramid = open_or_build(str(place), SETTINGS, place / "кэш")
    assert pyramid.count == 3
    assert "壊れた 'x'.png" in pyramid.report.text()


def test_sizes_are_written_for_people() -> None:
    sizes = [0, 999, 14_400, 182_000_000, 94 * 10**9]
    assert [disk.size_text(n) for n in sizes] == [
        "0 bytes",
        "999 bytes",
        "14.4 kB",
        "182 MB",
        "94 GB",
    ]


def test_building_does_not_pay_for_torch() -> None:
    assert imported("import progan.data.build, progan.data.worker", "torch") == set()
