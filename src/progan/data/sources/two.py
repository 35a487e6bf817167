"""Two domains of pictures, found by what the user wrote: how folders are laid out.

unpaired   two sources; or one folder with trainA and trainB (testA, testB), or with A and B; a
           source of its own may be a folder with train (and test)
paired     two folders whose pictures have the same names, or one folder with both as above; or one
           folder of pictures side by side, perhaps within train (and test or val)
layouts    two folders, pictures and class maps; or one folder with images and layouts (or
           seg_maps), or train_img and train_label (and train_inst; test_img, …)

Where there is no test part, a share of the pictures is held out: one in so many, spread evenly.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from progan.core.errors import DataError
from progan.core.words import typed
from progan.data.layouts import Palette, read_palette
from progan.data.packaged import PACKAGED, PortraitSet, packaged
from progan.data.records import shown
from progan.data.sources.base import Digest, Source
from progan.data.sources.folder import FolderSource
from progan.data.sources.packed_layouts import PORTRAIT_LAYOUTS, PORTRAIT_PALETTE, PackedLayouts
from progan.data.sources.packs import PackSource
from progan.data.sources.pairs import halves, matched
from progan.data.sources.part import Part

if TYPE_CHECKING:
    from progan.core.config import DataSettings

__all__ = ["Kind", "Two", "looks_like_two", "open_two"]

Kind = Literal["unpaired", "paired", "layouts"]

MOST_HELD_OUT = 500
"""Pictures of a domain held out, at most."""
LEAST = 20
"""Pictures of a domain below which none is held out."""
TOGETHER = (("trainA", "trainB"), ("train_A", "train_B"), ("A", "B"), ("a", "b"))
"""Names of the folders of two domains in one."""
TESTS = (("testA", "testB"), ("test_A", "test_B"), ("valA", "valB"))
PARTS = ("test", "val")
"""Names of a test part."""
MAPS = (
    ("images", "layouts", "instances"),
    ("images", "seg_maps", "instances"),
    ("train_img", "train_label", "train_inst"),
)
"""Folders of pictures, of their class maps, and of their instances."""
TEST_MAPS = (
    ("test_images", "test_layouts", "test_instances"),
    ("test_images", "test_seg_maps", "test_instances"),
    ("test_img", "test_label", "test_inst"),
    ("val_img", "val_label", "val_inst"),
)
PALETTE = "palette.json"


@dataclass(frozen=True, kw_only=True)
class Two:
    """Two lists of pictures that nothing has been decoded of yet."""

    kind: Kind
    names: tuple[str, str]
    """Of the domains, for people."""
    a: Source
    b: Source
    """Of layouts: the class maps."""
    test: tuple[Source, Source] | None = None
    """What is measured and not trained on."""
    palette: Palette | None = None
    """Of layouts, where there is one."""
    edges: bool = False
    """Whether class maps come with instances."""

    @property
    def name(self) -> str:
        """For people."""
        return self.a.name if self.a.name == self.b.name else f"{self.a.name} and {self.b.name}"

    @property
    def count(self) -> int:
        """Pictures of the first domain that are trained on."""
        return self.a.count

    def parts(self) -> Iterator[tuple[str, Source]]:
        """Every list with its name in a store."""
        yield from (("a", self.a), ("b", self.b))
        if self.test is not None:
            yield from zip(("test_a", "test_b"), self.test, strict=True)

    def stamp(self) -> str:
        """Changes when one of the lists does, or what is said of them."""
        digest = Digest()
        digest.add(self.kind, *self.names, str(self.palette), int(self.edges))
        digest.add(*(source.stamp() for _, source in self.parts()))
        return digest.hex()


@dataclass(frozen=True)
class _Pair:
    """A train part, and a test part where there is one."""

    names: tuple[str, str]
    train: tuple[Source, Source]
    test: tuple[Source, Source] | None = None
    palette: Palette | None = None
    edges: bool = False


def looks_like_two(settings: DataSettings, base: str | Path | None = None) -> bool:
    """Whether the settings name two domains by themselves, without a system that asks for them."""
    if settings.second is not None or settings.domains != "auto":
        return True
    if settings.source in PACKAGED:
        return False
    path = _path(settings.source, base)
    return (path / "domains.json").is_file() or _guess(path) is not None


def _guess(path: Path) -> Kind | None:
    """How two domains lie in a folder; None where nothing says that there are two."""
    if any((path / maps[0]).is_dir() and (path / maps[1]).is_dir() for maps in MAPS):
        return "layouts"
    return "unpaired" if _together(path, TOGETHER[:2]) is not None else None


def open_two(settings: DataSettings, base: str | Path | None = None) -> Two:
    """The two domains that the settings name. Nothing is decoded yet.

    Raises: DataError where they are not there, or no two pictures belong together.
    """
    kind: Kind
    if settings.domains != "auto":
        kind = settings.domains
    else:
        found = None if settings.second is not None else _guess(_path(settings.source, base))
        kind = found or "unpaired"
    if settings.landmarks is not None:
        raise DataError(
            "data.landmarks is set, but faces are cut out of pictures of one domain. Leave it "
            "out: --set data.landmarks=null"
        )
    how = {"unpaired": _unpaired, "paired": _paired, "layouts": _layouts}[kind]
    pair = how(settings, base)
    for source in pair.train:
        if not source.count:
            raise _empty(source, settings)
    if isinstance(pair.train[0], PackSource):
        train, test = pair.train, pair.test
    else:
        train = _limited(pair.train, settings.images, together=kind != "unpaired")
        test = pair.test
    if test is None:
        train, test = _held_out(train, settings.held_out, together=kind != "unpaired")
    return Two(
        kind=kind,
        names=_named(pair.names),
        a=train[0],
        b=train[1],
        test=test,
        palette=pair.palette,
        edges=pair.edges,
    )


# Each kind -----------------------------------------------------------------------------------


def _unpaired(settings: DataSettings, base: str | Path | None) -> _Pair:
    if settings.second is None:
        path = _path(settings.source, base)
        both = _together(path, TOGETHER)
        if both is None:
            raise _one_domain(settings)
        tests = _together(path, TESTS)
        if tests is None:
            domains = [_domain(folder) for folder in both]
            return _joined(domains, (_short(both[0]), _short(both[1])))
        train, test = ((FolderSource(a), FolderSource(b)) for a, b in (both, tests))
        return _Pair((_short(both[0]), _short(both[1])), train, test)
    packs = [_pack(words) for words in (settings.source, settings.second)]
    if packs[0] is not None and packs[1] is not None:
        return _packs(packs[0], packs[1], settings.images, together=False)
    domains, names = [], []
    for words, pack in zip((settings.source, settings.second), packs, strict=True):
        if pack is not None:
            domains.append((_sized(pack, settings.images), None))
            names.append(pack.name)
            continue
        path = _path(words, base)
        domains.append(_domain(path) if path.is_dir() else (_file(words, base), None))
        names.append(_short(path))
    return _joined(domains, (names[0], names[1]))


def _paired(settings: DataSettings, base: str | Path | None) -> _Pair:
    if settings.second is None:
        path = _folder(settings.source, base)
        both = _together(path, TOGETHER)
        if both is None:
            return _side_by_side(path)
        tests = _together(path, TESTS)
    else:
        packs = [_pack(words) for words in (settings.source, settings.second)]
        if packs[0] is not None and packs[1] is not None:
            return _packs(packs[0], packs[1], settings.images, together=True)
        both = _folder(settings.source, base), _folder(settings.second, base)
        tests = None
    names = _short(both[0]), _short(both[1])
    inner = [_inside(folder) for folder in both]
    if tests is None and all(test is not None for _, test in inner):
        tests = inner[0][1] or both[0], inner[1][1] or both[1]
    train = matched(FolderSource(inner[0][0]), FolderSource(inner[1][0]))
    test = None if tests is None else matched(*map(FolderSource, tests))
    return _Pair(names, train, test)


def _side_by_side(path: Path) -> _Pair:
    train, test = _inside(path)
    of_test = None if test is None else halves(FolderSource(test))
    return _Pair(("left", "right"), halves(FolderSource(train)), of_test)


def _layouts(settings: DataSettings, base: str | Path | None) -> _Pair:
    names = ("pictures", "layouts")
    if settings.second is not None:
        first, second = settings.source, settings.second
        pack = _pack(first)
        if pack is not None and second == PORTRAIT_LAYOUTS and isinstance(pack.pack, PortraitSet):
            return _portrait_layouts(pack, settings.images)
        places = _folder(first, base), _folder(second, base)
        inner = [_inside(place) for place in places]
        palette = _palette([*places, places[1].parent])
        train = _mapped([place for place, _ in inner], palette)
        tests = [test for _, test in inner if test is not None]
        test = _mapped(tests, palette) if len(tests) == 2 else None
        return _Pair(names, train, test, palette)
    root = _folder(settings.source, base)
    place = root / "train" if (root / "train").is_dir() else root
    found = _maps_in(place, MAPS)
    if found is None:
        raise DataError(
            f"{shown(settings.source)} holds no pictures with class maps: that is a folder with "
            "images and layouts in it, or two folders: "
            f"{typed('progan', 'train', 'SYSTEM', 'PICTURES', 'MAPS')}"
        )
    palette = _palette([root, place, *found])
    tests_ = next((t for name in PARTS if (t := _maps_in(root / name, MAPS))), None)
    tests_ = tests_ or _maps_in(place, TEST_MAPS)
    test = None if tests_ is None else _mapped(tests_, palette)
    return _Pair(names, _mapped(found, palette), test, palette, edges=len(found) > 2)


def _mapped(places: Sequence[Path], palette: Palette | None) -> tuple[Source, Source]:
    folders = [FolderSource(place) for place in places]
    instances = folders[2] if len(folders) > 2 else None
    return matched(folders[0], folders[1], layouts=True, palette=palette, instances=instances)


def _maps_in(path: Path, names: Sequence[tuple[str, str, str]]) -> list[Path] | None:
    for pictures, maps, things in names:
        if (path / pictures).is_dir() and (path / maps).is_dir():
            more = [path / things] if (path / things).is_dir() else []
            return [path / pictures, path / maps, *more]
    return None


def _palette(places: Sequence[Path]) -> Palette | None:
    path = next((place / PALETTE for place in places if (place / PALETTE).is_file()), None)
    return None if path is None else read_palette(path)


# Packaged sets -------------------------------------------------------------------------------


def _packs(first: PackSource, second: PackSource, images: int | None, *, together: bool) -> _Pair:
    """Two packaged sets: of portraits different people in each, or the same where they are pairs.

    Different ones are the even and the odd numbers of twice as many.
    """
    names = first.name, second.name
    drawn = isinstance(first.pack, PortraitSet) and isinstance(second.pack, PortraitSet)
    if not drawn and together:
        raise DataError(
            f"the pictures of {first.name} and {second.name} are no pairs; portraits are, in two "
            "styles: portraits and portraits-ink."
        )
    if together or not drawn:
        both = _sized(first, images), _sized(second, images)
        return _Pair(names, both)
    count = images or first.count // 2
    of = [PackSource(packaged(name, count=2 * count)) for name in names]
    parts = [Part(pack, np.arange(count, dtype=np.int64) * 2 + odd) for odd, pack in enumerate(of)]
    return _Pair(names, (parts[0], parts[1]))


def _portrait_layouts(pack: PackSource, images: int | None) -> _Pair:
    pictures = _sized(pack, images)
    assert isinstance(pictures, PackSource)
    maps = PackedLayouts(PortraitSet(count=pictures.count))
    return _Pair(("pictures", "layouts"), (pictures, maps), None, PORTRAIT_PALETTE)


def _pack(words: str) -> PackSource | None:
    return PackSource.named(words) if words in PACKAGED else None


def _sized(pack: PackSource, images: int | None) -> Source:
    """So many of a drawn set; of others some, spread evenly."""
    if images is None:
        return pack
    found = PackSource.named(pack.name, images)
    return found if found.count <= images else Part(found, _spread(found.count, images))


# Folders -------------------------------------------------------------------------------------


def _path(words: str, base: str | Path | None) -> Path:
    return Path(base or ".") / os.path.expanduser(words)


def _folder(words: str, base: str | Path | None) -> Path:
    path = _path(words, base)
    if words in PACKAGED or not path.is_dir():
        what = "a packaged set" if words in PACKAGED else "no folder"
        raise DataError(
            f"{shown(words)} is {what}; pictures that belong together lie in folders. "
            "How they may be laid out: progan data --help"
        )
    return path


def _file(words: str, base: str | Path | None) -> Source:
    """A domain in a zip or another file."""
    from progan.data.sources import open_source

    return open_source(words, None, base=base)


def _together(path: Path, names: Sequence[tuple[str, str]]) -> tuple[Path, Path] | None:
    """Two folders in one, by the first names that are both there."""
    for first, second in names:
        if (path / first).is_dir() and (path / second).is_dir():
            return path / first, path / second
    return None


def _inside(path: Path) -> tuple[Path, Path | None]:
    """A folder's train and test parts; itself where it has no train part."""
    if not (path / "train").is_dir():
        return path, None
    return path / "train", next((path / name for name in PARTS if (path / name).is_dir()), None)


def _domain(path: Path) -> tuple[Source, Source | None]:
    """The pictures of one domain, and those to be measured."""
    train, test = _inside(path)
    return FolderSource(train), None if test is None else FolderSource(test)


def _joined(domains: Sequence[tuple[Source, Source | None]], names: tuple[str, str]) -> _Pair:
    (first, test_a), (second, test_b) = domains
    test = None if test_a is None or test_b is None else (test_a, test_b)
    return _Pair(names, (first, second), test)


def _short(path: Path) -> str:
    """What a domain's folder is called: trainA is A, A/train is A."""
    path = path.resolve()
    name = path.name if path.name != "train" else path.parent.name
    return name.removeprefix("train_").removeprefix("train") or name


def _named(names: tuple[str, str]) -> tuple[str, str]:
    """Names that differ, and can be typed and printed."""
    first, second = (shown(name)[:40].strip() or "?" for name in names)
    return ("a", "b") if first == second else (first, second)


# Which pictures ------------------------------------------------------------------------------


def _spread(count: int, wanted: int) -> NDArray[np.int64]:
    wanted = min(count, wanted)
    found: NDArray[np.int64] = np.arange(wanted, dtype=np.int64) * count // wanted
    return found


def _limited(
    pair: tuple[Source, Source], images: int | None, *, together: bool
) -> tuple[Source, Source]:
    """At most so many of each, spread evenly."""
    if images is None or max(source.count for source in pair) <= images:
        return pair
    first, second = (
        source if source.count <= images else Part(source, _spread(source.count, images))
        for source in pair
    )
    return first, second


def _held_out(
    pair: tuple[Source, Source], share: float, *, together: bool
) -> tuple[tuple[Source, Source], tuple[Source, Source] | None]:
    """Some of each taken away to be measured; of pairs the same."""
    counts = [source.count for source in pair]
    if not share or min(counts) < LEAST:
        return pair, None
    if together:
        counts = [min(counts)] * 2
    kept, held = [], []
    for source, count in zip(pair, counts, strict=True):
        some = _spread(count, max(1, min(MOST_HELD_OUT, round(share * count))))
        rest = np.setdiff1d(np.arange(count, dtype=np.int64), some)
        kept.append(Part(source, rest))
        held.append(Part(source, some, first=False))
    return (kept[0], kept[1]), (held[0], held[1])


def _one_domain(settings: DataSettings) -> DataError:
    words = shown(settings.source)
    if settings.source in PACKAGED:
        return DataError(
            f"{words} is one domain of pictures, and the system learns from two. Name the other, "
            "for example: --set data.second=portraits-ink"
        )
    return DataError(
        f"{words} is one domain of pictures, and the system learns from two: name two folders, "
        "or one with trainA and trainB (and testA and testB) in it. For example: "
        f"{typed('progan', 'train', 'cyclegan', 'A', 'B')}"
    )


def _empty(source: Source, settings: DataSettings) -> DataError:
    return DataError(
        f"{shown(source.name)} holds no pictures, and the system learns from two domains. Look: "
        f"{typed('progan', 'data', 'check', settings.source)}"
    )
