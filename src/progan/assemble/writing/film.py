"""Films: frames to GIF, WebP, APNG or MP4, one frame in memory at a time; a run's time-lapse."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from progan.assemble.writing.containers import (
    MADE_HERE,
    AnimatedGif,
    AnimatedPng,
    AnimatedWebp,
    Container,
)
from progan.assemble.writing.files import write_out
from progan.core.errors import ConfigError, DataError, RoomError
from progan.core.faults import Faults
from progan.core.grids import to_picture
from progan.core.words import typed

__all__ = ["FILM_SUFFIXES", "Film", "enlargement", "write_film", "write_timelapse"]

Frame = np.ndarray[Any, np.dtype[np.uint8]]

FILM_SUFFIXES = (".gif", ".webp", ".apng", ".mp4")
SMALLEST_SIDE = 256
"""Films of smaller pictures are enlarged, by a whole number, to about this side."""
LARGEST_SIDE = 1024
"""Time-lapses of larger sheets are shrunk to this side."""
LOSSLESS_SIDE = 512
SNAPSHOTS_A_SECOND = 6.0
HOLD_SECONDS = 2.0
FASTEST = 60.0

_SNAPSHOT = re.compile(r"(\d{9,})_(\d+)px(_fade[\d.]+)?(?:_([A-Za-z][\w-]*))?\.png")


@dataclass(frozen=True)
class Film:
    """A film that has been written."""

    path: Path
    frames: int
    width: int
    height: int
    seconds: float


def enlargement(height: int, width: int) -> int:
    """The whole number that brings the longer side nearest to 256 pixels from below; at least 1."""
    return max(1, SMALLEST_SIDE // max(height, width))


def write_film(
    frames: Iterable[Frame],
    path: Path,
    *,
    fps: float = 30.0,
    scale: int | None = None,
    hold: float = 0.0,
    lossless: bool | None = None,
    quality: int = 90,
    faults: Faults | None = None,
) -> Film:
    """Write `frames`, each h w c, to `path`, in the format of its suffix; it loops for ever.

    Each pixel becomes `scale` × `scale` (None: as `enlargement` says); the last frame stays
    `hold` seconds longer. WebP is stored without loss if `lossless` says so (None: if enlarged),
    otherwise in `quality`, up to 100; APNG always is without loss; GIF has at most 256 colours a
    frame. The file is there whole or not at all.

    Raises ConfigError for an unknown suffix, for MP4 without the extra `video`, or for a rate the
    format cannot show.
    """
    suffix = path.suffix.lower()
    if suffix not in FILM_SUFFIXES:
        raise ConfigError(
            f'A film cannot be written as "{path.name}"; its name must end in '
            f"{', '.join(FILM_SUFFIXES)}. For example: {path.stem or 'walk'}.gif"
        )
    fastest = 50.0 if suffix == ".gif" else FASTEST
    if not 0.1 <= fps <= fastest:
        raise ConfigError(
            f"fps is {fps:g}; {suffix[1:].upper()} shows 0.1 to {fastest:g} frames a second. "
            "For example: --fps 30"
        )
    if suffix == ".mp4":
        return _write_mp4(frames, path, fps, scale, hold)
    scale, frames = _enlarged(frames, scale)
    lossless = scale > 1 if lossless is None else lossless
    container: Container | None = None
    width = height = count = end = 0
    for image, first, last in _timed((to_picture(f, scale) for f in frames), fps, hold):
        if container is None:
            width, height = image.size
            container = _container(suffix, image, lossless=lossless, quality=quality)
        container.add(image, first, last)
        count, end = count + 1, last
    assert container is not None
    write_out(path, container.content(count), faults)
    return Film(path, count, width, height, end / 1000)


def _container(suffix: str, first: Image.Image, *, lossless: bool, quality: int) -> Container:
    if suffix == ".gif":
        return AnimatedGif(first.size)
    if suffix == ".apng":
        return AnimatedPng()
    if max(first.size) > AnimatedWebp.LARGEST:
        raise ConfigError(
            f"The film is {first.width} × {first.height}; WebP holds sides up to "
            f"{AnimatedWebp.LARGEST}. Write it as .gif or .mp4."
        )
    return AnimatedWebp(first.size, lossless=lossless, quality=quality)


def _enlarged(frames: Iterable[Frame], scale: int | None) -> tuple[int, Iterator[Frame]]:
    """The enlargement, from a look at the first frame, and all frames."""
    rest = iter(frames)
    first = next(rest, None)
    if first is None:
        raise ConfigError("A film needs at least one frame.")
    return scale or enlargement(*first.shape[:2]), itertools.chain([first], rest)


def _timed(
    images: Iterable[Image.Image], fps: float, hold: float
) -> Iterator[tuple[Image.Image, int, int]]:
    """Each picture with the milliseconds it begins and ends at; rounding never adds up."""
    waiting: tuple[Image.Image, int] | None = None
    for number, image in enumerate(images):
        begin = round(number * 1000 / fps)
        if waiting is not None:
            yield *waiting, begin
        waiting = image, begin
    if waiting is not None:
        image, begin = waiting
        yield image, begin, begin + round(1000 / fps + 1000 * hold)


def _write_mp4(
    frames: Iterable[Frame], path: Path, fps: float, scale: int | None, hold: float
) -> Film:
    """H.264 in 4:2:0, which knows even sides only: an odd one gains a line."""
    try:
        program = import_module("imageio_ffmpeg").get_ffmpeg_exe()
    except (ImportError, RuntimeError) as error:
        raise ConfigError(
            "MP4 needs the extra video, which is not installed: pip install 'progan[video]'  "
            f"Without it: {path.stem}.webp"
        ) from error
    scale, frames = _enlarged(frames, scale)
    temporary = path.absolute().with_name(f".{path.stem}.tmp-{os.getpid()}.mp4")
    count = 0
    encoder: subprocess.Popen[bytes] | None = None
    try:
        for image, first, last in _timed((to_picture(f, scale) for f in frames), fps, hold):
            array = np.asarray(image.convert("RGB"))
            array = np.pad(array, [(0, n % 2) for n in array.shape[:2]] + [(0, 0)], mode="edge")
            if encoder is None:
                height, width = array.shape[:2]
                encoder = _encoder(program, temporary, f"{width}x{height}", fps)
            assert encoder.stdin is not None
            for _ in range(max(1, round((last - first) * fps / 1000))):
                encoder.stdin.write(array.tobytes())
                count += 1
        assert encoder is not None
        complaint = encoder.communicate()[1]
        if encoder.returncode:
            raise OSError(complaint.decode(errors="replace"))
        content = temporary.read_bytes()
    except OSError as error:
        said = encoder.communicate()[1] if encoder and isinstance(error, BrokenPipeError) else b""
        reason = " ".join((said.decode(errors="replace") or str(error)).split())[:160]
        raise RoomError(
            f"{path} could not be encoded ({reason}). Make room, or write {path.stem}.webp"
        ) from error
    finally:
        if encoder is not None and encoder.poll() is None:
            encoder.kill()
            encoder.communicate()
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    write_out(path, content)
    return Film(path, count, width, height, count / fps)


def _encoder(program: str, path: Path, size: str, fps: float) -> subprocess.Popen[bytes]:
    """ffmpeg, reading raw frames."""
    words = [
        *(program, "-loglevel", "error", "-y"),
        *("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-r", f"{fps:g}", "-i", "-"),
        *("-c:v", "libx264", "-crf", "14", "-pix_fmt", "yuv420p", "-movflags", "+faststart"),
        *("-metadata", f"comment={MADE_HERE.decode()}", "-f", "mp4", f"file:{path}"),
    ]
    pipe = subprocess.PIPE
    return subprocess.Popen(words, stdin=pipe, stdout=subprocess.DEVNULL, stderr=pipe)


def write_timelapse(
    run: Path,
    path: Path | None = None,
    *,
    fps: float = SNAPSHOTS_A_SECOND,
    hold: float = HOLD_SECONDS,
    faults: Faults | None = None,
) -> Film:
    """Write the growth of a run: all its snapshots in turn, brought to the size of the last.

    Smaller sheets are enlarged pixel by pixel, so that each resolution shows as what it is. The
    film goes to `timeline.webp` in the run, or to `path`.

    Raises DataError when the run has no snapshot yet.
    """
    named = [(p, _SNAPSHOT.fullmatch(p.name)) for p in sorted((run / "pictures").glob("*.png"))]
    parted = [(p, parts[4] or "") for p, parts in named if parts is not None]
    # Systems with several panels save one picture for each; the film is of the first.
    panel = min((name for _, name in parted), default="")
    places = [p for p, name in parted if name == panel]
    size = next((found for p in reversed(places) if (found := _size(p)) is not None), None)
    if size is None:
        raise DataError(
            f"{run} has no snapshots in its pictures/ folder yet. "
            f"Let it train on first: {typed('progan', 'resume', run)}"
        )
    scale = enlargement(size[1], size[0])
    most = LARGEST_SIDE / max(size)
    final = (
        (size[0] * scale, size[1] * scale)
        if most >= 1
        else (max(1, round(size[0] * most)), max(1, round(size[1] * most)))
    )
    return write_film(
        _snapshots(places, final),
        path or run / "timeline.webp",
        fps=fps,
        scale=1,
        hold=hold,
        lossless=max(final) <= LOSSLESS_SIDE,
        faults=faults,
    )


def _size(place: Path) -> tuple[int, int] | None:
    try:
        with Image.open(place, formats=["PNG"]) as picture:
            return picture.size
    except (OSError, SyntaxError, ValueError):
        return None


def _snapshots(places: Iterable[Path], size: tuple[int, int]) -> Iterator[Frame]:
    """Snapshots as h w 3 at `size`; one that cannot be read is passed over."""
    for place in places:
        try:
            with Image.open(place, formats=["PNG"]) as picture:
                colour = picture.convert("RGB")
        except (OSError, SyntaxError, ValueError):
            continue
        smaller = colour.width > size[0] or colour.height > size[1]
        way = Image.Resampling.BOX if smaller else Image.Resampling.NEAREST
        yield np.asarray(colour.resize(size, way))
