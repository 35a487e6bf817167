"""Pictures made small enough to live inside the page, as data: addresses.

Each is written again as WebP, without loss where that fits its share of bytes, with less quality
and at last fewer pixels where it does not. Only files inside the run folder are opened.
"""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

__all__ = ["Album", "Moving", "Picture"]

_FORMATS = ("PNG", "WEBP", "GIF", "JPEG")
_MOST_PIXELS = 64_000_000
_MOST_FRAMES = 400
_LARGEST_SIDE = 4096
_RUNGS: tuple[tuple[int | None, float], ...] = (
    (None, 1.0),  # None: without loss
    (92, 1.0),
    (80, 1.0),
    (60, 1.0),
    (70, 0.5),
    (50, 0.5),
    (50, 0.25),
    (40, 0.1),
)
"""Quality and scale to try, best first."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A still picture as an address that holds it; width and height of the original, in pixels."""

    address: str
    width: int
    height: int
    drawn: bool = False
    """Whether it is a drawing, whose pixels mean nothing by themselves."""

    @property
    def pixelated(self) -> bool:
        """Whether it is so small that it will be shown enlarged, pixel by pixel."""
        return self.width <= 640 and not self.drawn


@dataclass(frozen=True, kw_only=True)
class Moving:
    """An animation, and its first frame for those who want it to stand still."""

    moving: Picture
    still: Picture


@dataclass
class Album:
    """The pictures of one run folder."""

    folder: Path
    problems: list[str] = field(default_factory=list)
    """What could not be shown and why, in the order it was asked for."""

    def still(self, place: object, room: int) -> Picture | None:
        """The picture at `place` (below the folder) in at most about `room` bytes, or None."""
        found = list(self.series([place], room))
        return found[0]

    def corner(self, place: object, share: float, room: int) -> Picture | None:
        """The upper left `share` of each side of a picture, as `still` gives the whole."""
        image = self._open(place)
        if image is None:
            return None
        part = image.crop((0, 0, round(image.width * share), round(image.height * share)))
        content, _ = _shrink(part, room, 0)
        return _picture(content, part.size)

    def series(self, places: Iterable[object], room: int) -> list[Picture | None]:
        """Pictures in at most `room` bytes together, those that are missing as None.

        Each gets an equal part of what those before it have left over.
        One that had to be made smaller makes the next of the same size start there: neighbours in
        a row look alike, and a long row is not tried from the top each time.
        """
        places = list(places)
        starts: dict[tuple[int, int], int] = {}
        found: list[Picture | None] = []
        for index, place in enumerate(places):
            share = room / (len(places) - index)
            image = self._open(place)
            if image is None:
                found.append(None)
                continue
            size = image.size
            content, starts[size] = _shrink(image, share, starts.get(size, 0))
            room -= len(content)
            found.append(_picture(content, size))
        return found

    def moving(self, place: object, room: int) -> Moving | None:
        """The animation at `place`, as it is if it fits `room` bytes, otherwise made smaller."""
        path = self._inside(place)
        if path is None:
            return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                with Image.open(path, formats=_FORMATS) as image:
                    if image.width * image.height > _MOST_PIXELS:
                        raise ValueError("too many pixels")
                    size, count = image.size, getattr(image, "n_frames", 1)
                    first = image.convert("RGB")
                    kind = Image.MIME[image.format or "WEBP"]
                    content = path.read_bytes() if path.stat().st_size <= room else b""
                    if not content:
                        kind, content = "image/webp", _animate(image, count, room)
        except _UNREADABLE as error:
            self.problems.append(f"{_shown(place)} cannot be shown: {_reason(error)}")
            return None
        still, _ = _shrink(first, room / 8, 0)
        moving = Picture(address=_address(kind, content), width=size[0], height=size[1])
        return Moving(moving=moving, still=_picture(still, size))

    def _inside(self, place: object) -> Path | None:
        """The file at `place`, if it is one and lies inside the run folder."""
        if not isinstance(place, str | Path) or not str(place):
            return None
        try:
            path = (self.folder / place).resolve()
            if path.is_relative_to(self.folder.resolve()) and path.is_file():
                return path
        except (OSError, ValueError, RuntimeError):
            pass
        self.problems.append(f"{_shown(place)} is not there")
        return None

    def _open(self, place: object) -> Image.Image | None:
        path = self._inside(place)
        if path is None:
            return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                with Image.open(path, formats=_FORMATS) as image:
                    if image.width * image.height > _MOST_PIXELS:
                        raise ValueError("too many pixels")
                    return image.convert("L" if image.mode in ("1", "L", "I;16") else "RGB")
        except _UNREADABLE as error:
            self.problems.append(f"{_shown(place)} cannot be shown: {_reason(error)}")
            return None


_UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,  # Pillow's word for a broken PNG
    EOFError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


def _shown(place: object) -> str:
    return Path(str(place)).name or str(place)


def _reason(error: Exception) -> str:
    return "it is damaged or cut short" if not isinstance(error, ValueError) else str(error)


def _address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _picture(content: bytes, size: tuple[int, int]) -> Picture:
    return Picture(address=_address("image/webp", content), width=size[0], height=size[1])


def _scaled(image: Image.Image, scale: float) -> Image.Image:
    scale = min(scale, _LARGEST_SIDE / max(image.size))
    if scale >= 1:
        return image
    size = (max(round(image.width * scale), 1), max(round(image.height * scale), 1))
    return image.resize(size, Image.Resampling.LANCZOS)


def _shrink(image: Image.Image, room: float, start: int) -> tuple[bytes, int]:
    """The best WebP of at most `room` bytes from rung `start` on, and its rung.

    Below the last rung it goes on halving the sides, down to a single pixel.
    """
    content, scale = b"", 1.0
    for rung in range(start, len(_RUNGS) + 12):
        if rung < len(_RUNGS):
            quality, scale = _RUNGS[rung]
        else:
            quality, scale = _RUNGS[-1][0], scale / 2
        file = io.BytesIO()
        smaller = _scaled(image, scale)
        if quality is None:
            smaller.save(file, "WEBP", lossless=True, quality=50, method=1)
        else:
            smaller.save(file, "WEBP", quality=quality, method=3)
        content = file.getvalue()
        if len(content) <= room:
            return content, min(rung, len(_RUNGS) - 1)
    return content, len(_RUNGS) - 1


def _animate(image: Image.Image, count: int, room: int) -> bytes:
    """Write an animation again in at most about `room` bytes: fewer frames, then smaller ones."""
    step = max(-(-count // _MOST_FRAMES), 1)
    content = b""
    for quality, scale, more in (
        (75, 1.0, 1),
        (55, 1.0, 2),
        (50, 0.5, 2),
        (40, 0.25, 4),
        (30, 0.1, 8),
    ):
        frames, wait = [], 0
        for index in range(0, count, step * more):
            image.seek(index)
            frames.append(_scaled(image.convert("RGB"), scale))
            wait = wait or round(float(image.info.get("duration") or 50)) * step * more
        file = io.BytesIO()
        frames[0].save(
            file,
            "WEBP",
            save_all=True,
            append_images=frames[1:],
            duration=wait,
            loop=0,
            quality=quality,
            method=2,
        )
        content = file.getvalue()
        if len(content) <= room:
            return content
    raise ValueError("it is too large")
