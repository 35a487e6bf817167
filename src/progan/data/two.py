"""The store of two domains: a pyramid for each, and one file that tells how they go together.

    domains.json   kind, names, palette, and where the pyramids lie: beside it, or in it
    a, b           the pictures trained on; of layouts b holds class maps
    test_a, test_b those that are measured, where there are some

In a cache the pyramids have names of their own and can serve other runs; what `data build` makes
is one folder that can be moved.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from progan.core.errors import DataError
from progan.core.specs import DataSpec
from progan.data.build import Tick, already_built, build, choose_resolution, open_or_build
from progan.data.disk import replace as write_whole
from progan.data.disk import room
from progan.data.layouts import UNKNOWN, colours_for, usual_names
from progan.data.manifest import damaged
from progan.data.pyramid import Pyramid
from progan.data.records import Finding, shown
from progan.data.sources.base import Digest
from progan.data.sources.two import Kind, Two
from progan.data.two_report import TwoReport

if TYPE_CHECKING:
    from progan.core.config import DataSettings
    from progan.core.faults import Faults

__all__ = ["FILE", "Domains", "build_two", "open_or_build_two", "two_already_built", "two_side"]

FILE = "domains.json"
FORMAT = 1
LARGEST_FILE = 2**20
PLACE = re.compile(r"(\.\./)?[A-Za-z0-9._-]{1,120}")
"""Where a pyramid may lie: in the store's folder, or beside it."""
BLOCK = 256


@dataclass(frozen=True)
class Domains:
    """An opened store of two domains. Get one from `Domains.open`."""

    path: Path
    kind: Kind
    names: tuple[str, str]
    a: Pyramid
    b: Pyramid
    test: tuple[Pyramid, Pyramid] | None
    layout_names: tuple[str, ...]
    layout_colours: tuple[tuple[int, int, int], ...]
    layout_edges: bool
    layout_ids: tuple[int, ...] = ()

    classes = ()

    @classmethod
    def open(cls, path: str | Path) -> Domains:
        """Open the store in a folder.

        Raises: DataError when something is missing, damaged, or newer than this program.
        """
        path = Path(path)
        body = _read(path)
        try:
            places = {name: _place(path, words) for name, words in body["parts"].items()}
            colours = tuple((int(r), int(g), int(b)) for r, g, b in body["layout_colours"])
            names = tuple(map(str, body["layout_names"]))
            first, second = (str(name) for name in body["names"])
            ids = tuple(map(int, body.get("layout_ids", ())))
            kind, edges = body["kind"], bool(body["layout_edges"])
            if kind not in ("unpaired", "paired", "layouts") or len(names) != len(colours):
                raise ValueError
            if ids and len(ids) != len(names):
                raise ValueError
            opened = {name: Pyramid.open(place) for name, place in places.items()}
            test = (opened["test_a"], opened["test_b"]) if "test_a" in opened else None
            a, b = opened["a"], opened["b"]
        except (KeyError, TypeError, ValueError, AttributeError):
            raise damaged(path, f"{FILE} does not say what it must") from None
        return cls(path, kind, (first, second), a, b, test, names, colours, edges, ids)

    @property
    def parts(self) -> dict[str, Pyramid]:
        """Every pyramid by its name."""
        tests = {} if self.test is None else {"test_a": self.test[0], "test_b": self.test[1]}
        return {"a": self.a, "b": self.b, **tests}

    @property
    def spec(self) -> DataSpec:
        """What a system is told about the data."""
        layouts = self.kind == "layouts"
        more: dict[str, Any] = {
            "layout_names": self.layout_names,
            "layout_colours": self.layout_colours,
            "layout_edges": self.layout_edges,
            "layout_ids": self.layout_ids,
        }
        if not layouts:
            more = {"second_channels": self.b.channels, "second_images": self.b.count}
        return DataSpec(
            resolution=self.a.resolutions[-1],
            channels=self.a.channels,
            images=self.a.count,
            domains=self.names,
            **more,
        )

    @property
    def count(self) -> int:
        """Pictures of the first domain."""
        return self.a.count

    @property
    def resolutions(self) -> tuple[int, ...]:
        """From 4 to the full resolution, doubling."""
        return self.a.resolutions

    @property
    def fingerprint(self) -> str:
        """Equal for equal pictures, trained on or measured, and equal classes."""
        digest = Digest()
        digest.add("two", self.kind, *(part.fingerprint for part in self.parts.values()))
        digest.add(*self.layout_names, int(self.layout_edges))
        return digest.hex()

    @cached_property
    def report(self) -> TwoReport:
        """What was used, what was left out, and why."""
        return TwoReport(
            kind=self.kind,
            names=self.names,
            a=self.a.report,
            b=self.b.report,
            tests=() if self.test is None else tuple(part.count for part in self.test),
            layout_names=self.layout_names,
        )

    def verify(self) -> None:
        """Read every file and compare its checksum; DataError naming the first that differs."""
        for part in self.parts.values():
            part.verify()


def two_side(two: Two, settings: DataSettings) -> int:
    """The resolution of both: the settings', or the smaller of what each domain suits."""
    if settings.resolution is not None:
        return settings.resolution
    own = _settings(settings)
    return min(choose_resolution(source, own) for source in (two.a, two.b))


def open_or_build_two(
    two: Two,
    settings: DataSettings,
    cache: str | Path,
    *,
    resolution: int | None = None,
    workers: int | None = None,
    progress: Tick | None = None,
    faults: Faults | None = None,
) -> Domains:
    """The store of two domains, from the folder `cache` or built into it.

    Raises: as `open_or_build`; DataError where maps hold classes that their palette lacks.
    """
    cache, side = Path(cache), resolution or two_side(two, settings)
    total = sum(source.count for _, source in two.parts())
    made, done = {}, 0
    for name, source in two.parts():
        made[name] = open_or_build(
            source,
            _settings(settings, layout=_is_layout(two, name)),
            cache,
            resolution=side,
            workers=workers,
            progress=_of_all(progress, done, total),
            faults=faults,
        )
        done += source.count
    parts = {name: f"../{part.path.resolve().name}" for name, part in made.items()}
    return _close(two, made, cache / f"two-{_slug(two)}-{side}-{_key(two, made)}", parts)


def build_two(
    two: Two,
    to: str | Path,
    settings: DataSettings,
    *,
    workers: int | None = None,
    progress: Tick | None = None,
) -> Domains:
    """Read both domains into a new store at `to`, or go on with one begun there."""
    to, side = Path(to), two_side(two, settings)
    total = sum(source.count for _, source in two.parts())
    made, done = {}, 0
    for name, source in two.parts():
        own = _settings(settings, layout=_is_layout(two, name))
        tick = _of_all(progress, done, total)
        made[name] = build(source, to / name, own, resolution=side, workers=workers, progress=tick)
        done += source.count
    return _close(two, made, to, {name: name for name in made})


def two_already_built(two: Two, settings: DataSettings, cache: str | Path) -> Domains | None:
    """The store that `open_or_build_two` would only have to open; None if it would build."""
    cache, side, made = Path(cache), two_side(two, settings), {}
    for name, source in two.parts():
        own = replace(_settings(settings, layout=_is_layout(two, name)), resolution=side)
        found = already_built(source, own, cache)
        if found is None:
            return None
        made[name] = found
    with suppress(DataError):
        return Domains.open(cache / f"two-{_slug(two)}-{side}-{_key(two, made)}")
    return None


def _settings(settings: DataSettings, *, layout: bool = False) -> DataSettings:
    """The rules of reading for one of the lists."""
    return replace(
        settings,
        channels=None if layout else settings.channels,
        labels="none",
        captions="none",
        vectors="own",
        images=None,
        landmarks=None,
        second=None,
        domains="auto",
    )


def _is_layout(two: Two, name: str) -> bool:
    return two.kind == "layouts" and name.endswith("b")


def _of_all(progress: Tick | None, before: int, total: int) -> Tick | None:
    """Progress over all lists."""
    if progress is None:
        return None
    return lambda done, _: progress(before + done, total)


def _slug(two: Two) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", "-".join(two.names).lower()).strip("-")
    return words[:40].strip("-") or "data"


def _key(two: Two, made: Mapping[str, Pyramid]) -> str:
    digest = Digest()
    digest.add(two.kind, *two.names, str(two.palette), int(two.edges))
    digest.add(*(part.manifest.key for part in made.values()))
    return digest.hex()[:12]


def _close(two: Two, made: Mapping[str, Pyramid], to: Path, parts: Mapping[str, str]) -> Domains:
    """Check what was read, and write how it goes together."""
    _check_classes(made)
    if two.kind != "unpaired":
        for first, second in (("a", "b"), ("test_a", "test_b")):
            if first in made and made[first].count != made[second].count:
                raise _out_of_step(two, made, first, second)
    names, colours = _classes(two, made)
    body: dict[str, Any] = {
        "format": FORMAT,
        "kind": two.kind,
        "names": list(two.names),
        "parts": dict(parts),
        "layout_names": list(names),
        "layout_colours": [list(colour) for colour in colours],
        "layout_edges": two.edges,
        "layout_ids": [] if two.palette is None else list(two.palette.ids),
    }
    body["checksum"] = _checksum(body)
    text = json.dumps(body, indent=1) + "\n"
    try:
        to.mkdir(parents=True, exist_ok=True)
        write_whole(to / FILE, text.encode())
    except OSError as error:
        raise room(error, to, len(text)) from error
    return Domains.open(to)


def _check_classes(made: Mapping[str, Pyramid]) -> None:
    """Refuse class maps with classes that nobody named: a store made of them is taken away."""
    for name in ("b", "test_b"):
        found = (
            [f for f in made[name].report.findings if f.kind == "no class"] if name in made else []
        )
        if found:
            for part in made.values():
                shutil.rmtree(part.path, ignore_errors=True)
            raise _unknown_classes(found)


def _unknown_classes(found: list[Finding]) -> DataError:
    few = "".join(f"\n  {finding.line()}" for finding in found[:3])
    more = f"\n  and {len(found) - 3:,} more" if len(found) > 3 else ""
    maps = "1 class map holds" if len(found) == 1 else f"{len(found):,} class maps hold"
    return DataError(
        f"{maps} what no class is known for:{few}{more}\n"
        'Name every class in palette.json beside the folders: {"0": ["sky", 135, 206, 235], …}. '
        "How: progan data --help"
    )


def _out_of_step(two: Two, made: Mapping[str, Pyramid], first: str, second: str) -> DataError:
    return DataError(
        f"of the pairs in {shown(two.name)}, {made[first].count:,} pictures of one side can be "
        f"used and {made[second].count:,} of the other; one of them took too long or too much to "
        f"read. Look: progan data check {shown(two.a.name)}"
    )


def _classes(
    two: Two, made: Mapping[str, Pyramid]
) -> tuple[tuple[str, ...], tuple[tuple[int, int, int], ...]]:
    """Names and colours of a layout's classes; without a palette as many as the maps hold."""
    if two.kind != "layouts":
        return (), ()
    if two.palette is not None:
        return two.palette.names, two.palette.colours
    highest = -1
    for name in ("b", "test_b"):
        if name not in made:
            continue
        part = made[name]
        for start in range(0, part.count, BLOCK):
            rows = np.arange(start, min(start + BLOCK, part.count))
            classes = part.gather(rows, part.resolutions[-1])[:, 0]
            known = classes[classes != UNKNOWN]
            highest = max(highest, int(known.max()) if known.size else -1)
    if highest < 0:
        raise DataError(
            f"no pixel of the class maps in {shown(two.b.name)} has a known class: all are "
            f"{UNKNOWN}. Give maps whose pixels are numbers from 0."
        )
    return usual_names(highest + 1), colours_for(highest + 1)


def _read(path: Path) -> dict[str, Any]:
    try:
        with (path / FILE).open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
        body = json.loads(data) if len(data) <= LARGEST_FILE else None
    except FileNotFoundError:
        raise DataError(f"{path} holds no two domains: it has no {FILE}.") from None
    except OSError as error:
        raise DataError(f"{path / FILE} cannot be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise damaged(path, f"{FILE} is not what was written")
    if isinstance(body.get("format"), int) and body["format"] > FORMAT:
        raise DataError(
            f"{path} was built by a newer progan (format {body['format']}; this one reads up to "
            f"{FORMAT}). Update progan, or build the data again."
        )
    checksum = body.pop("checksum", None)
    if checksum != _checksum(body):
        raise damaged(path, f"the checksum of {FILE} is wrong")
    return body


def _checksum(body: object) -> str:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _place(path: Path, words: object) -> Path:
    if not isinstance(words, str) or not PLACE.fullmatch(words) or words.endswith(".."):
        raise ValueError
    return path.resolve() / words
