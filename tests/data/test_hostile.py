"""Files that are broken, odd or made to do harm: each is used by a rule or listed with a reason."""

from __future__ import annotations

import io
import os
import socket
import stat
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import progan
from progan.core.config import DataSettings
from progan.core.errors import DataError
from progan.data import child, crew, task
from progan.data.build import build, check
from progan.data.records import Finding, Frame
from progan.data.sources import open_source
from progan.data.sources.base import Reader
from progan.data.sources.folder import FolderSource

SETTINGS = DataSettings(resolution=16)
FORMATS: dict[str, dict[str, Any]] = {
    "PNG": {},
    "JPEG": {"quality": 90},
    "WEBP": {"lossless": True},
    "BMP": {},
    "GIF": {},
    "TIFF": {"compression": "tiff_lzw"},
}


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.fixture(scope="module")
def pictures() -> dict[str, bytes]:
    """A good picture in every format."""
    pixels = np.random.default_rng(0).integers(0, 256, (24, 20, 3), np.uint8)
    image = Image.fromarray(pixels)
    return {kind: saved(image, kind, **options) for kind, options in FORMATS.items()}


def mistreated(pictures: dict[str, bytes]) -> dict[str, bytes]:
    """Every picture cut, with flipped bits, and mixed with what does not belong there."""
    dice, files = np.random.default_rng(1), {}
    for kind, data in pictures.items():
        ending = kind.lower()
        for tenth in (0, 1, 3, 5, 7, 9):
            files[f"cut {tenth} of 10.{ending}"] = data[: len(data) * tenth // 10]
        for i in range(5):
            flipped = bytearray(data)
            for place in dice.integers(0, len(data), 3):
                flipped[place] ^= 1 << int(dice.integers(8))
            files[f"flipped {i}.{ending}"] = bytes(flipped)
        files[f"zeros.{ending}"] = bytes(500)
        files[f"head only.{ending}"] = data[:12] + bytes(300)
        files[f"tail.{ending}"] = data + b"PK\x03\x04 something else"
    return files


def odd(pictures: dict[str, bytes]) -> dict[str, bytes]:
    """Files that are not what they seem, and names that are hard to say."""
    bmp = struct.pack("<2sIIIIiiHH24x", b"BM", 999, 0, 54, 40, 2**31 - 1, 2**31 - 1, 1, 24)
    return {
        "html.jpg": b"<!doctype html><title>404</title>",
        "huge.bmp": bmp,
        "script.png": b"%!PS-Adobe-3.0 EPSF-3.0\nshowpage",
        "one pixel.png": saved(Image.new("L", (1, 1)), "PNG"),
        "long.png": saved(Image.new("L", (30_000, 1)), "PNG"),
        "line\nbreak \x1b[31m.png": b"x",
        "-rf *.png": pictures["PNG"],
        "猫 🐈.png": pictures["PNG"],
        "really a gif.png": pictures["GIF"],
        "caf\udce9.png": pictures["PNG"],  # a name of bytes that are no text
    }


def put_special_files(place: Path) -> None:
    """A pipe, a folder, links, a device and a socket, all named like pictures."""
    os.mkfifo(place / "pipe.png")
    (place / "folder.png").mkdir()
    (place / "loop.png").symlink_to("loop.png")
    (place / "loop").symlink_to(".")
    (place / "device.png").symlink_to("/dev/zero")
    here = Path.cwd()
    with socket.socket(socket.AF_UNIX) as server:
        os.chdir(place)  # the path of a socket must be short
        try:
            server.bind("socket.png")
        finally:
            os.chdir(here)


def test_every_bad_file_is_used_by_a_rule_or_listed(
    tmp_path: Path, pictures: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task, "JOB_PICTURES", 16)
    place = tmp_path / "bad"
    place.mkdir()
    for name, data in (mistreated(pictures) | odd(pictures)).items():
        (place / name).write_bytes(data)
    put_special_files(place)
    before = state(place)

    source = FolderSource(place)
    assert source.count >= 90
    report = check(source, SETTINGS, workers=2)
    assert state(place) == before
    reasons = {finding.name: (finding.kind, finding.reason) for finding in report.findings}
    assert len(reasons) == len(report.findings)
    assert report.used + len(reasons) == len(os.listdir(place))
    expected = {
        "pipe.png": ("not a file", "is a pipe"),
        "socket.png": ("not a file", "is a socket or device"),
        "device.png": ("not a file", "is a socket or device"),
        "folder.png": ("not a file", "is a folder"),
        "loop.png": ("not a file", "link that leads nowhere"),
        "loop": ("repeated", "leads to a folder already listed"),
        "huge.bmp": ("too large", "pixels without measure; at most 64,000,000"),
        "one pixel.png": ("too small", "1 × 1 pixels; the shorter side must have 8"),
        "long.png": ("too small", "30000 × 1 pixels; the shorter side must have 8"),
        "cut 0 of 10.gif": ("empty", "0 bytes"),
    }
    assert {name: reasons[name] for name in expected} == expected
    endings = [kind.lower() for kind in FORMATS]
    unreadable = [f"{fault}.{ending}" for ending in endings for fault in ("cut 5 of 10", "zeros")]
    for name in ("html.jpg", "script.png", *unreadable):
        assert reasons[name][0] == "unreadable"
    good = ["-rf *.png", "猫 🐈.png", "really a gif.png", "caf\udce9.png"]
    assert not reasons.keys() & {*good, *(f"tail.{ending}" for ending in endings)}
    assert r"line\nbreak \x1b[31m.png" in report.text()
    assert "\x1b" not in report.text()
    report.text().encode()  # can be printed and written


def state(folder: Path) -> dict[bytes, tuple[int, int, bytes]]:
    """Mode, time and content of everything in a folder."""
    found = {}
    for entry in os.scandir(os.fsencode(folder)):
        status = entry.stat(follow_symlinks=False)
        content = b""
        if stat.S_ISREG(status.st_mode):
            with open(entry.path, "rb") as file:
                content = file.read()
        found[entry.name] = (status.st_mode, status.st_mtime_ns, content)
    return found


READER = """
import os, signal, time
from dataclasses import dataclass
import numpy as np
from progan.data.records import Block

@dataclass(frozen=True)
class WickedReader:
    log: str
    def read(self, refs, frame):
        for ref in refs:
            with open(self.log, "a") as file:
                file.write(f"{ref}\\n")
            if ref == "crash":
                os.kill(os.getpid(), signal.SIGSEGV)
            if ref == "leave":
                os._exit(3)
            if ref == "eat":
                bytes(4 * 2**30)
            if ref == "burn":
                while True:
                    pass
            if ref == "hang":
                time.sleep(3600)
            if ref == "chatter":
                print("\\0" * 10_000, flush=True)
            if ref == "shape":
                yield Block(np.zeros((1, 2, frame.resolution, frame.resolution), np.uint8))
            if ref == "raise":
                raise RuntimeError("no rule for this")
            r = frame.resolution
            yield Block(np.full((1, 1, r, r), len(ref), np.uint8))
"""


class WickedSource(FolderSource):
    """A folder whose reader does what the names of the files say."""

    def __init__(self, folder: Path, log: Path) -> None:
        super().__init__(folder)
        self.log = log

    def refs(self, indices: Any) -> list[Any]:
        return [self.title(i).removesuffix(".png") for i in indices]

    def reader(self) -> Reader:
        import wicked_reader  # type: ignore[import-not-found]

        reader: Reader = wicked_reader.WickedReader(str(self.log))
        return reader


@pytest.fixture
def wicked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., WickedSource]:
    """Makes a source of files with the names given."""
    monkeypatch.syspath_prepend(tmp_path / "code")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.delitem(sys.modules, "wicked_reader", raising=False)
    for folder in ("code", "in"):
        (tmp_path / folder).mkdir()
    (tmp_path / "code" / "wicked_reader.py").write_text(READER)

    def make(*names: str) -> WickedSource:
        for name in names:
            (tmp_path / "in" / f"{name}.png").write_bytes(b"x")
        return WickedSource(tmp_path / "in", tmp_path / "log")

    return make


def test_a_picture_that_ends_the_decoder_is_listed_and_the_others_are_read(
    tmp_path: Path, wicked: Callable[..., WickedSource], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "CPU_SECONDS", 0)  # the limit is then the next whole second
    reasons = {
        "burn": "took too much processor time to decode",
        "crash": "ended the decoder (SIGSEGV)",
        "eat": "needs too much memory",
        "leave": "ended the decoder (exit 3)",
        "shape": "the decoder answered nonsense",
    }
    source = wicked(*reasons, "a", "chatter", "good", "zebra")
    pyramid = build(source, tmp_path / "store", SETTINGS, workers=1)
    found = {finding.name: finding.reason for finding in pyramid.report.findings}
    assert found == {f"{name}.png": reason for name, reason in reasons.items()}
    # In the order of their names: a, chatter, good, zebra, each told by the length of its name.
    assert pyramid.gather(range(4), 4)[:, 0, 0, 0].tolist() == [1, 7, 4, 5]
    once = {"burn", "eat"}  # the others were given a second chance
    seen = (tmp_path / "log").read_text().split()
    assert {name: seen.count(name) for name in reasons} == {n: 2 - (n in once) for n in reasons}


def test_a_picture_that_is_waited_for_too_long_is_listed(
    wicked: Callable[..., WickedSource], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "WALL_SECONDS", 1)
    report = check(wicked("hang"), SETTINGS)
    assert [finding.reason for finding in report.findings] == ["took more than 1 seconds"]


def test_a_reader_of_our_own_that_fails_is_an_error_and_not_a_finding(
    wicked: Callable[..., WickedSource], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WickedSource, "guarded", False)
    with pytest.raises(RuntimeError, match="no rule for this"):
        check(wicked("raise"), SETTINGS)


def test_children_end_with_the_work_and_when_it_is_broken_off(
    tmp_path: Path, pictures: dict[str, bytes]
) -> None:
    for i in range(40):
        (tmp_path / f"{i}.png").write_bytes(pictures["PNG"])
    source = FolderSource(tmp_path)
    jobs = [crew.Job(i, (i,)) for i in range(40)]
    before = children()
    results = crew.decode(source, Frame(resolution=16), jobs, workers=2)
    next(results)
    assert len(children() - before) == 2
    results.close()
    assert children() == before


def children() -> set[str]:
    """Processes whose parent this one is."""
    found = set()
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == os.getpid() and fields[0] != "Z":
                found.add(entry)
    return found


@pytest.mark.slow
def test_the_largest_pictures_need_less_than_600_mb(tmp_path: Path) -> None:
    side = 8000
    Image.new("RGBA", (side, side), (1, 2, 3, 99)).save(tmp_path / "rgba.png")
    Image.new("I;16", (side, side), 500).save(tmp_path / "deep.png")
    Image.new("F", (side, side // 2), 0.5).save(tmp_path / "float.tif")
    Image.new("CMYK", (side, side)).save(tmp_path / "print.jpg")
    Image.new("RGB", (side, side // 2)).save(tmp_path / "web.webp", lossless=True)
    palette = Image.new("P", (side, side))
    palette.save(tmp_path / "palette.png", transparency=b"\x80")
    script = f"""
import resource
from test_hostile import SETTINGS, FolderSource, Path, check
report = check(FolderSource(Path({str(tmp_path)!r})), SETTINGS, workers=1)
print(report.used, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
    # in a process of its own: the largest of all children counts, those of other tests too
    places = os.pathsep.join(
        [str(Path(progan.__file__).parents[1]), *map(str, Path(__file__).parents[:2])]
    )
    found = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": places},
        capture_output=True,
        text=True,
        check=True,
    )
    used, peak = map(int, found.stdout.split())
    assert used == 6
    assert peak < 600_000  # kB


# archives


def test_every_bad_member_of_a_zip_is_listed_and_nothing_is_written(
    tmp_path: Path, pictures: dict[str, bytes]
) -> None:
    good = pictures["PNG"]
    path = tmp_path / "in" / "set.zip"
    path.parent.mkdir()
    members: list[tuple[str, bytes]] = [
        ("good.png", good),
        ("GOOD.png", good),  # another file, where names differ by case
        ("caf\u00e9 猫.png", good),
        ("../up.png", good),
        ("a/../../up2.png", good),
        ("/absolute.png", good),
        ("..\\back.png", good),
        ("C:/drive.png", good),
        ("bomb.png", bytes(30_000_000)),
        ("nested.zip", b"PK"),
        ("empty.png", b""),
        ("broken.png", good[:99]),
        ("secret.png", good),
        ("folder.png/", b""),
    ]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
        link = zipfile.ZipInfo("link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/hostname")
        archive.writestr("rotten.png", pictures["BMP"], zipfile.ZIP_STORED)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("good.png", pictures["GIF"])
    data = bytearray(path.read_bytes())
    data[data.index(pictures["BMP"]) + 700] ^= 1
    entry = data.rindex(b"secret.png") - 46
    data[entry + 8] |= 1  # says that it is encrypted
    path.write_bytes(data)

    report = check(open_source(str(path)), SETTINGS, workers=1)
    assert report.used == 3
    assert sorted((finding.name, finding.kind) for finding in report.findings) == sorted(
        {
            ("../up.png", "unsafe"),
            ("a/../../up2.png", "unsafe"),
            ("/absolute.png", "unsafe"),
            ("..\\back.png", "unsafe"),
            ("C:/drive.png", "unsafe"),
            ("link.png", "not a file"),
            ("bomb.png", "unsafe"),
            ("nested.zip", "other format"),
            ("good.png", "repeated"),
            ("empty.png", "empty"),
            ("broken.png", "unreadable"),
            ("secret.png", "unreadable"),
            ("rotten.png", "unreadable"),
        }
    )
    assert [p.name for p in tmp_path.rglob("*")] == ["in", "set.zip"]
    assert path.read_bytes() == data


def test_a_member_that_unfolds_to_more_than_it_says_is_cut_off(
    tmp_path: Path, pictures: dict[str, bytes]
) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1.png", pictures["PNG"])
        archive.writestr("liar.bmp", pictures["BMP"] + bytes(10_000_000))
    data = bytearray(path.read_bytes())
    entry = data.rindex(b"liar.bmp") - 46
    data[entry + 24 : entry + 28] = struct.pack("<I", len(pictures["BMP"]))
    path.write_bytes(data)
    report = check(open_source(str(path)), SETTINGS, workers=1)
    assert (report.used, report.findings[0].name) == (1, "liar.bmp")


def test_archives_that_are_no_archives_or_unfold_without_measure_are_refused(
    tmp_path: Path, pictures: dict[str, bytes]
) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(5):
            archive.writestr(f"{i}.png", pictures["PNG"])
    whole = path.read_bytes()
    for data in (whole[:-30], whole[: len(whole) // 2], whole[:4] + bytes(500)):
        path.write_bytes(data)
        with pytest.raises(DataError, match="no whole zip"):
            open_source(str(path))
    total = bytearray(whole)
    for i in range(5):  # every member says that it has 4 GB
        entry = total.rindex(f"{i}.png".encode()) - 46
        total[entry + 24 : entry + 28] = b"\xfe\xff\xff\xff"
    path.write_bytes(total)
    with pytest.raises(DataError, match="too large"):
        check(open_source(str(path)), SETTINGS, workers=1)


def test_a_finding_for_a_picture_has_the_name_it_has_in_the_archive(tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("sub/folder/x.png", b"no picture")
    report = check(open_source(str(path)), SETTINGS)
    assert (report.used, report.findings[0].name) == (0, "sub/folder/x.png")


def test_findings_are_lines_that_can_be_read() -> None:
    finding = Finding("a\n.png", "unreadable", "broken (x)")
    assert finding.line() == r"unreadable    a\n.png: broken (x)"
