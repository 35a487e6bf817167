"""Data of one domain or two, by the same words: what `train`, `resume` and `plan` open."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from progan.core.errors import DataError
from progan.core.words import typed
from progan.data.build import Tick, already_built, choose_resolution, open_or_build
from progan.data.packaged import PACKAGED
from progan.data.pyramid import Pyramid
from progan.data.records import shown
from progan.data.sources import Source, open_source
from progan.data.sources.two import Two, looks_like_two, open_two
from progan.data.two import FILE, Domains, open_or_build_two, two_already_built, two_side

if TYPE_CHECKING:
    from progan.core.config import DataSettings

__all__ = ["Data", "Store", "built", "open_data", "open_store", "side_for", "stored"]

Data = Source | Two | Domains
"""What the words of a recipe name: lists of pictures, or a store of two domains."""
Store = Pyramid | Domains
"""Pictures that have been read."""


def open_data(settings: DataSettings, *, base: str | Path | None = None) -> Data:
    """What the settings name: of two domains where they, or what lies there, say so.

    Raises: DataError when there is no such thing, or it cannot be read.
    """
    if not looks_like_two(settings, base):
        return open_source(settings.source, settings, base=base)
    path = Path(base or ".") / os.path.expanduser(settings.source)
    if settings.source in PACKAGED or settings.second is not None or not (path / FILE).is_file():
        return open_two(settings, base)
    found = Domains.open(path)
    if settings.domains not in ("auto", found.kind):
        raise DataError(
            f"{shown(settings.source)} was built of {found.kind} pictures, and {settings.domains} "
            "ones are asked for. Build them from the pictures: "
            f"{typed('progan', 'data', 'build', 'A', 'B', '--to', 'NEW')}"
        )
    return found


def side_for(data: Data, settings: DataSettings) -> int:
    """The resolution: the settings', or one that suits the pictures."""
    if isinstance(data, Domains):
        return settings.resolution or data.resolutions[-1]
    if isinstance(data, Two):
        return two_side(data, settings)
    return choose_resolution(data, settings)


def stored(
    data: Data, settings: DataSettings, cache: str | Path, *, progress: Tick | None = None
) -> Store:
    """The pictures of `data`, from the folder `cache` or read into it."""
    if isinstance(data, Domains):
        return _as_asked(data, settings)
    if isinstance(data, Two):
        return open_or_build_two(data, settings, cache, progress=progress)
    return open_or_build(data, settings, cache, progress=progress)


def built(data: Data, settings: DataSettings, cache: str | Path) -> Store | None:
    """What `stored` would only have to open; None if it would have to read."""
    if isinstance(data, Domains):
        return _as_asked(data, settings)
    if isinstance(data, Two):
        return two_already_built(data, settings, cache)
    return already_built(data, settings, cache)


def open_store(path: str | Path) -> Store:
    """The store in a folder, of whatever kind."""
    return Domains.open(path) if (Path(path) / FILE).is_file() else Pyramid.open(path)


def _as_asked(found: Domains, settings: DataSettings) -> Domains:
    """A built store as it is, which is at one resolution and whole."""
    side = found.resolutions[-1]
    if settings.resolution not in (None, side):
        raise DataError(
            f"{shown(str(found.path))} was built at {side} pixels, and {settings.resolution} are "
            f"asked for. Use its own, --resolution {side}, or the pictures it was built from."
        )
    return found
