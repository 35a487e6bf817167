"""Pictures that belong together two by two: side by side in a file, or in two folders.

A pair is used whole or not at all. So each of its two sources reads both sides, and leaves a
picture out where its partner cannot be used: the two lists then stay in step, row by row.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from progan.core.errors import DataError
from progan.data.layouts import Palette, edges_of, framed
from progan.data.pictures import decode, decode_classes, decode_half, decode_ids, size_of
from progan.data.records import Block, Finding, Frame, shown
from progan.data.sources.base import Digest, Reader, Ref, Tableless
from progan.data.sources.folder import FolderSource, as_block
from progan.data.sources.names import sort_key

__all__ = ["HalfReader", "LayoutReader", "MatchedSource", "PairReader", "halves", "matched"]

SHAPE = 0.02
"""Sides of a pair may differ so much in their ratio."""


@dataclass(frozen=True)
class HalfReader:
    """Reads the left halves (0) or the right halves (1) of the pictures in a folder."""

    folder: str
    half: int

    def read(self, refs: Sequence[Ref], frame: Frame) -> Iterator[Block | Finding]:
        """One block or finding a file."""
        for ref in refs:
            path = os.path.join(self.folder, str(ref))
            yield as_block(decode_half(path, self.half, frame, str(ref)))

    def sizes(self, refs: Sequence[Ref]) -> Iterator[tuple[int, int] | Finding]:
        """Of a half: as wide as it is high."""
        for ref in refs:
            size = size_of(os.path.join(self.folder, str(ref)), str(ref))
            yield size if isinstance(size, Finding) else (size[1], size[1])


@dataclass(frozen=True)
class PairReader:
    """Reads one side of pairs: a ref is a name in either folder, a zero byte between."""

    folders: tuple[str, str]
    side: int

    def read(self, refs: Sequence[Ref], frame: Frame) -> Iterator[Block | Finding]:
        """One block or finding a pair."""
        for ref in refs:
            paths = _paths(self.folders, ref)
            found = _unlike(paths) or decode(paths[1 - self.side], frame)
            if isinstance(found, Finding):
                yield _of_partner(found)
                continue
            yield as_block(decode(paths[self.side], frame))

    def sizes(self, refs: Sequence[Ref]) -> Iterator[tuple[int, int] | Finding]:
        """From the head of each file."""
        for ref in refs:
            yield size_of(_paths(self.folders, ref)[self.side])


@dataclass(frozen=True)
class LayoutReader:
    """Reads pictures (side 0) or their class maps (1): a ref is a name in either folder, or a third
    one in the folder of instances, zero bytes between."""

    folders: tuple[str, ...]
    side: int
    palette: list[list[str | int]] | None
    """See `layouts.Palette.plain`."""

    def read(self, refs: Sequence[Ref], frame: Frame) -> Iterator[Block | Finding]:
        """One block or finding a picture with its map."""
        palette = None if self.palette is None else Palette.of(self.palette)
        for ref in refs:
            paths = _paths(self.folders, ref)
            found = _unlike(paths) or self._maps(paths, palette)
            if isinstance(found, Finding):
                yield _of_partner(found)
            elif not self.side:
                yield as_block(decode(paths[0], frame))
            else:
                image = decode(paths[0], frame)
                yield _of_partner(image) if isinstance(image, Finding) else _planes(found, frame)

    def sizes(self, refs: Sequence[Ref]) -> Iterator[tuple[int, int] | Finding]:
        """From the head of each file."""
        for ref in refs:
            yield size_of(_paths(self.folders, ref)[self.side])

    def _maps(self, paths: Sequence[str], palette: Palette | None) -> _Maps | Finding:
        classes = decode_classes(paths[1], palette)
        if isinstance(classes, Finding) or len(paths) < 3:
            return classes if isinstance(classes, Finding) else (classes, None)
        instances = decode_ids(paths[2])
        return instances if isinstance(instances, Finding) else (classes, instances)


_Maps = tuple[NDArray[np.uint8], NDArray[np.int64] | None]


def _planes(maps: _Maps, frame: Frame) -> Block:
    """Classes; with instances three planes, as stores hold one or three: the second has edges."""
    classes = framed(maps[0], frame)
    if maps[1] is None:
        return Block(classes[None, None], classes=True)
    edges = edges_of(framed(maps[1], frame, fill=-1))
    planes = np.stack([classes, edges, np.zeros_like(edges)])
    return Block(planes[None], classes=True)


def _paths(folders: Sequence[str], ref: Ref) -> list[str]:
    names = str(ref).split("\0")
    return [os.path.join(folder, name) for folder, name in zip(folders, names, strict=True)]


def _of_partner(finding: Finding) -> Finding:
    """What is wrong, with the file that it is wrong of in front, where that is known."""
    if not finding.name:
        return finding
    return Finding(
        finding.name, finding.kind, f"{shown(os.path.basename(finding.name))}: {finding.reason}"
    )


def _unlike(paths: Sequence[str]) -> Finding | None:
    """A finding where the files of a pair have not one shape."""
    sizes = []
    for path in paths:
        size = size_of(path, path)
        if isinstance(size, Finding):
            return size
        sizes.append(size)
    width, height = sizes[0]
    for path, (other, high) in zip(paths[1:], sizes[1:], strict=True):
        if abs(other * height / (high * width) - 1) > SHAPE:
            reason = f"{other} × {high} pixels, its partner {width} × {height}: not one shape"
            return Finding(path, "other shape", reason)
    return None


class MatchedSource(Tableless):
    """One side of pairs of files, in the order of their names."""

    guarded = True
    parallel = True
    native_resolution = None
    shaping = ""
    classes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def __init__(
        self,
        name: str,
        refs: Sequence[str],
        reader: Reader,
        word: str,
        parts: Sequence[FolderSource],
        findings: tuple[Finding, ...] = (),
    ) -> None:
        self.name, self.findings = name, findings
        self._refs, self._reader, self._word = list(refs), reader, word
        self._parts = list(parts)
        self.count = len(self._refs)

    def refs(self, indices: Sequence[int]) -> list[Ref]:
        """Names, joined by zero bytes."""
        return [self._refs[i] for i in indices]

    def title(self, index: int) -> str:
        """The first name."""
        return self._refs[index].split("\0")[0]

    def labels(self) -> NDArray[np.int32] | None:
        """None."""
        return None

    def reader(self) -> Reader:
        """A reader of the same folders."""
        return self._reader

    def check_resolution(self, resolution: int) -> None:
        """Any; what is too small is found out picture by picture."""

    def stamp(self) -> str:
        """Over those of the folders."""
        return self._digest([part.stamp() for part in self._parts])

    def fingerprint(self) -> str:
        """Over those of the folders."""
        return self._digest([part.fingerprint() for part in self._parts])

    def _digest(self, words: Sequence[str]) -> str:
        digest = Digest()
        digest.add("matched", self._word, *words, *self._refs)
        return digest.hex()


def halves(folder: FolderSource) -> tuple[MatchedSource, MatchedSource]:
    """Left and right halves of the pictures in a folder."""
    a, b = (
        MatchedSource(
            folder.name,
            folder.names,
            HalfReader(folder.folder, half),
            f"half {half}",
            [folder],
            folder.findings if not half else (),
        )
        for half in (0, 1)
    )
    return a, b


def matched(
    first: FolderSource,
    second: FolderSource,
    *,
    layouts: bool = False,
    palette: Palette | None = None,
    instances: FolderSource | None = None,
) -> tuple[MatchedSource, MatchedSource]:
    """Pictures of two folders whose names are the same but for the ending.

    With `layouts`, those of the second are class maps; `instances` hold one number for each thing.
    What has no partner is a finding.

    Raises: DataError where there is not one pair.
    """
    folders = [first, second] + ([instances] if instances is not None else [])
    stems = [_by_stem(folder) for folder in folders]
    common = sorted(set(stems[0]).intersection(*stems[1:]), key=sort_key)
    if not common:
        raise DataError(
            f"no picture in {shown(first.folder)} has the name of one in {shown(second.folder)}. "
            "Partners have the same name but for the ending, in the same subfolder: "
            "a/dog.jpg and b/dog.png."
        )
    findings = first.findings + second.findings
    for here, others in ((0, stems[1:]), (1, stems[:1])):
        for stem in sorted(
            set(stems[here]) - set(others[0]).intersection(*others[1:]), key=sort_key
        ):
            name = stems[here][stem]
            other = folders[1 - here].folder
            lack = Finding(name, "no partner", f"{shown(os.path.basename(other))} has none like it")
            findings += (lack,)
        findings += _twice(folders[here])
    refs = ["\0".join(by[stem] for by in stems) for stem in common]
    places = tuple(folder.folder for folder in folders)
    plain = None if palette is None else palette.plain()
    word = "layouts" if layouts else "pair"
    made = []
    for side in (0, 1):
        reader: Reader = (
            LayoutReader(places, side, plain)
            if layouts
            else PairReader((places[0], places[1]), side)
        )
        found = findings if not side else ()
        said = f"{word} {side} {plain}"
        made.append(MatchedSource(folders[side].name, refs, reader, said, folders, found))
    return made[0], made[1]


def _by_stem(folder: FolderSource) -> dict[str, str]:
    """Name without ending → the first name that has it."""
    found: dict[str, str] = {}
    for name in folder.names:
        found.setdefault(os.path.splitext(name)[0], name)
    return found


def _twice(folder: FolderSource) -> tuple[Finding, ...]:
    """Names that differ from another one in their ending alone."""
    counts = Counter(os.path.splitext(name)[0] for name in folder.names)
    kept = set(_by_stem(folder).values())
    return tuple(
        Finding(name, "repeated", "another file has this name but for the ending")
        for name in folder.names
        if counts[os.path.splitext(name)[0]] > 1 and name not in kept
    )
