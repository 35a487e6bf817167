from __future__ import annotations

import errno
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from progan.assemble.writing.files import check_free, free_name
from progan.assemble.writing.film import enlargement, write_film, write_timelapse
from progan.core.errors import ConfigError, DataError, RoomError
from progan.core.faults import Faults


def frames_of(count: int, size: tuple[int, int] = (20, 30), channels: int = 3) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    # Few colours a frame, so that GIF's 256 are enough to be exact.
    return [rng.integers(0, 4, (*size, channels), np.uint8) * 60 for _ in range(count)]


def read_back(path: Path) -> tuple[list[np.ndarray], list[float], int]:
    with Image.open(path) as film:
        pictures, waits = [], []
        for index in range(film.n_frames):  # type: ignore[attr-defined]
            film.seek(index)
            film.load()
            waits.append(film.info["duration"])
            pictures.append(np.asarray(film.convert("RGB")))
        return pictures, waits, film.info["loop"]


@pytest.mark.parametrize("suffix", ["gif", "webp", "apng"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_film_shows_every_frame_enlarged_and_for_its_time(
    tmp_path: Path, suffix: str, channels: int
) -> None:
    frames = frames_of(7, channels=channels)
    film = write_film(frames, tmp_path / f"walk.{suffix}", fps=30, scale=3)
    pictures, waits, loop = read_back(film.path)
    assert (film.frames, film.width, film.height) == (7, 90, 60)
    assert loop == 0  # for ever
    for picture, frame in zip(pictures, frames, strict=True):
        colour = frame.repeat(3 // channels, axis=2)
        assert np.array_equal(picture, colour.repeat(3, axis=0).repeat(3, axis=1))
    # 7 frames at 30 a second are 233 ms; GIF counts in hundredths of a second.
    assert sum(waits) == pytest.approx(7000 / 30, abs=10 if suffix == "gif" else 1)


def test_the_last_frame_may_stay_longer(tmp_path: Path) -> None:
    write_film(frames_of(3), tmp_path / "a.webp", fps=10, hold=1.5)
    assert read_back(tmp_path / "a.webp")[1] == [100, 100, 1600]


def test_small_films_are_enlarged_by_a_whole_number() -> None:
    assert [enlargement(s, s) for s in (4, 32, 100, 256, 1024)] == [64, 8, 2, 1, 1]
    assert enlargement(64, 128) == 2


def test_one_frame_is_a_film_too(tmp_path: Path) -> None:
    for suffix in ("gif", "webp", "apng"):
        film = write_film(frames_of(1), tmp_path / f"one.{suffix}")
        with Image.open(film.path) as picture:
            assert picture.size == (240, 160)


def test_photographs_survive_lossy_webp(tmp_path: Path) -> None:
    ramp = np.linspace(0, 255, 300).astype(np.uint8)
    frame = np.stack([np.tile(ramp, (280, 1))] * 3, axis=2)
    write_film([frame, frame[:, ::-1]], tmp_path / "a.webp")
    first, second = read_back(tmp_path / "a.webp")[0]
    assert np.abs(first.astype(int) - frame).mean() < 3
    assert np.abs(second.astype(int) - frame[:, ::-1]).mean() < 3


def test_only_a_few_frames_are_in_memory_at_once(tmp_path: Path) -> None:
    made: list[weakref.ref[np.ndarray]] = []
    alive: list[int] = []

    def frames() -> Iterator[np.ndarray]:
        for index in range(30):
            frame = np.full((16, 16, 3), index, np.uint8)
            made.append(weakref.ref(frame))
            alive.append(sum(ref() is not None for ref in made))
            yield frame

    write_film(frames(), tmp_path / "a.gif", scale=1)
    assert len(alive) == 30
    assert max(alive) <= 4


@pytest.mark.parametrize(
    ("name", "fps", "words"),
    [
        ("walk.avi", 30, "must end in .gif, .webp, .apng, .mp4"),
        ("walk", 30, "must end in"),
        ("walk.gif", 60, "GIF shows 0.1 to 50"),
        ("walk.webp", 0, "WEBP shows 0.1 to 60"),
        ("walk.webp", float("nan"), "fps is nan"),
    ],
)
def test_a_film_that_cannot_be_is_refused(
    tmp_path: Path, name: str, fps: float, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        write_film(frames_of(2), tmp_path / name, fps=fps)
    assert list(tmp_path.iterdir()) == []


def test_no_frames_are_no_film(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at least one frame"):
        write_film([], tmp_path / "a.gif")


def test_mp4_without_its_extra_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(ConfigError, match=r"pip install 'progan\[video\]'"):
        write_film(frames_of(2), tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []


def test_mp4_holds_the_frames_with_even_sides(tmp_path: Path) -> None:
    ffmpeg = pytest.importorskip("imageio_ffmpeg")
    frames = [np.full((25, 31, 3), value, np.uint8) for value in (0, 128, 255)]
    film = write_film(frames, tmp_path / "a.mp4", fps=10, scale=1, hold=0.2)
    assert (film.width, film.height, film.frames) == (32, 26, 5)
    words = [ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-i", str(film.path)]
    raw = subprocess.run(
        [*words, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], capture_output=True, check=True
    ).stdout
    means = np.frombuffer(raw, np.uint8).reshape(5, 26, 32, 3).mean((1, 2, 3))
    assert np.allclose(means, [0, 128, 255, 255, 255], atol=3)
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]
    check_free(film.path)


def test_an_encoder_that_fails_is_quoted_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "ffmpeg"
    broken.write_text("#!/bin/sh\necho no such codec >&2\nexit 3\n")
    broken.chmod(0o755)
    fake = SimpleNamespace(get_ffmpeg_exe=lambda: str(broken))
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", fake)
    with pytest.raises(RoomError, match="no such codec"):
        write_film(frames_of(40, (200, 200)), tmp_path / "a.mp4")
    assert [p.name for p in tmp_path.iterdir()] == ["ffmpeg"]


# What is already there ------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["gif", "webp", "apng"])
def test_our_own_films_may_be_replaced(tmp_path: Path, suffix: str) -> None:
    film = write_film(frames_of(5), tmp_path / f"walk.{suffix}")
    check_free(film.path)


def test_what_we_did_not_make_is_never_overwritten(tmp_path: Path) -> None:
    photo = tmp_path / "cat.png"
    Image.new("RGB", (9, 9)).save(photo)
    with pytest.raises(ConfigError, match=r"not made by progan.*cat-2\.png"):
        check_free(photo)
    with pytest.raises(ConfigError, match="not made by progan"):
        check_free(tmp_path)
    with pytest.raises(ConfigError, match="mkdir -p"):
        check_free(tmp_path / "nowhere" / "cat.png")
    (tmp_path / "link.png").symlink_to(tmp_path / "gone.png")
    with pytest.raises(ConfigError, match="not made by progan"):
        check_free(tmp_path / "link.png")
    assert free_name(tmp_path / "dog.png").name == "dog.png"


def test_a_full_disk_leaves_the_film_before_it(tmp_path: Path) -> None:
    class FullAt(Faults):
        def __init__(self, writes: int) -> None:
            self.left = writes

        def write(self, path: Path) -> None:
            self.left -= 1
            if self.left < 0:
                raise OSError(errno.ENOSPC, "No space left on device")

    film = write_film(frames_of(2), tmp_path / "a.webp")
    before = film.path.read_bytes()
    for writes in range(3):  # before opening, before flushing, before renaming
        with pytest.raises(RoomError, match=r"could not be written \(No space left on device"):
            write_film(frames_of(3), film.path, faults=FullAt(writes))
        assert film.path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.webp"]


# Growth ---------------------------------------------------------------------------------------


def snapshot(run: Path, name: str, size: int, value: int) -> None:
    (run / "pictures").mkdir(exist_ok=True)
    Image.new("RGB", (size, size), (value,) * 3).save(run / "pictures" / name)


def test_a_time_lapse_shows_all_snapshots_in_time_at_the_last_size(tmp_path: Path) -> None:
    snapshot(tmp_path, "000000300_016px.png", 64, 30)
    snapshot(tmp_path, "000000100_004px.png", 16, 10)
    snapshot(tmp_path, "000000200_008px_fade0.50.png", 32, 20)
    snapshot(tmp_path, "real.png", 64, 99)
    snapshot(tmp_path, "000000200_008px_fade0.50_real.png", 32, 99)
    (tmp_path / "pictures" / "000000250_008px.png").write_bytes(b"not a picture")
    film = write_timelapse(tmp_path)
    assert film.path == tmp_path / "timeline.webp"
    pictures, waits, _ = read_back(film.path)
    assert [int(p.mean()) for p in pictures] == [10, 20, 30]
    assert {p.shape for p in pictures} == {(256, 256, 3)}
    assert waits[-1] == pytest.approx(2000 + 1000 / 6, abs=1)


def test_pixels_of_small_snapshots_stay_square(tmp_path: Path) -> None:
    board = np.zeros((2, 2, 3), np.uint8)
    board[0, 0] = board[1, 1] = 255
    (tmp_path / "pictures").mkdir()
    Image.fromarray(board).save(tmp_path / "pictures" / "000000001_004px.png")
    snapshot(tmp_path, "000000002_008px.png", 300, 7)
    write_timelapse(tmp_path, tmp_path / "growth.apng")
    first = read_back(tmp_path / "growth.apng")[0][0]
    assert np.array_equal(first, board.repeat(150, axis=0).repeat(150, axis=1))


def test_large_sheets_are_shrunk_for_the_time_lapse(tmp_path: Path) -> None:
    snapshot(tmp_path, "000000001_004px.png", 40, 50)
    snapshot(tmp_path, "000000002_256px.png", 2048, 60)
    film = write_timelapse(tmp_path)
    assert (film.width, film.height) == (1024, 1024)


def test_a_run_without_snapshots_has_no_time_lapse(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no snapshots"):
        write_timelapse(tmp_path)
