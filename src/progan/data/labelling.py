"""What a picture's label is: a class, several things that are so or not, or numbers.

    data.labels   auto            classes from subfolders, or the source's own labels
                  name            that column: words and whole numbers are classes, others numbers
                  [name, …]       those columns: all of them 0 or 1 is multi-label, else numbers
                  none            no labels

A column that has nothing but −1 and 1, as CelebA's, is read as 0 and 1.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from progan.core.errors import DataError
from progan.data.labels import NONE, Column, LabelKind, Labels, scaled
from progan.data.records import Finding, shown
from progan.data.sources.names import sort_key
from progan.data.tables import Table

if TYPE_CHECKING:
    from progan.core.config import DataSettings
    from progan.data.sources.base import Source

__all__ = ["MOST_CLASSES", "Labelling", "labelling_of"]

MOST_CLASSES = 1000
"""Different values that a column may have as classes."""
FEW_CLASSES = 12
"""Different whole numbers above which it is said that they are taken as classes."""
NUMBER = re.compile(r"[-+]?([0-9]{1,40}(\.[0-9]*)?|\.[0-9]{1,40})([eE][-+]?[0-9]{1,3})?", re.ASCII)
SAID = {"true": 1.0, "false": 0.0}


@dataclass(frozen=True, kw_only=True)
class Labelling:
    """The label of every listed picture, before it is known which ones can be used."""

    kind: LabelKind = "class"
    classes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    """Of the columns."""
    values: NDArray[Any]
    """Classes: n, int32. Others: n k, float64, in the data's own units."""
    known: NDArray[np.bool_] | None = None
    """Which pictures have a label; None for all."""
    findings: tuple[Finding, ...] = ()
    """Why the others have none."""
    remarks: tuple[str, ...] = ()
    asked: bool = False
    """Whether it comes from a table, which the source's fingerprint does not cover."""

    def words(self, used: NDArray[np.int64]) -> Iterator[str | bytes]:
        """What the labels of these pictures are, for a digest."""
        yield from (self.kind, str(len(self.classes)), *self.classes, *self.names)
        values = self.values[used]
        yield values.astype("<f8" if self.names else "<i4").tobytes()

    def of(self, used: NDArray[np.int64]) -> Labels:
        """The labels of these pictures; none where fewer than two classes are left."""
        values = self.values[used]
        if self.kind == "class":
            present, numbers = np.unique(values, return_inverse=True)
            if len(present) < 2:
                return NONE
            names = tuple(self.classes[i] for i in present)
            return Labels(classes=names, values=numbers.astype(np.int32))
        if self.kind == "multi-label":
            columns = tuple(map(Column, self.names))
            return Labels(kind=self.kind, columns=columns, values=values.astype(np.float32))
        low, high = values.min(axis=0), values.max(axis=0)
        columns = tuple(map(Column, self.names, low.tolist(), high.tolist()))
        return Labels(kind=self.kind, columns=columns, values=scaled(values, columns))


def labelling_of(source: Source, settings: DataSettings) -> Labelling | None:
    """The labels of a source's pictures, as `settings.labels` asks for them; None for none.

    Pictures whose cells are empty, or that the table does not name, have no label and are listed.

    Raises: DataError where the source has no such columns, or they cannot be labels.
    """
    asked = settings.labels
    if asked == "none":
        return None
    if asked == "auto" and not source.own_columns:
        found = source.labels()
        return None if found is None else Labelling(classes=source.classes, values=found)
    alone = isinstance(asked, str) and asked != "auto"
    names: tuple[str, ...] = (asked,) if isinstance(asked, str) else tuple(asked)
    names = source.own_columns if asked == "auto" else names
    table = source.table(names)
    if table is None:
        raise DataError(
            f"data.labels is {shown(', '.join(names)[:60])!r}, but {shown(source.name)} has no "
            "table of labels. Put a metadata.csv with the columns file_name and "
            f"{shown(names[0][:40])} beside the pictures, or leave it out: --set data.labels=auto"
        )
    return _from_table(source, table, names, alone=alone)


def _from_table(source: Source, table: Table, names: tuple[str, ...], *, alone: bool) -> Labelling:
    cells = [table.columns[name] for name in names]
    known = np.array([None not in row for row in zip(*cells, strict=True)], np.bool_)
    findings = tuple(
        Finding(source.title(index), "no label", _why(table, names, index))
        for index in np.flatnonzero(~known).tolist()
    )
    if not known.any():
        why = f": {shown(findings[0].name)} {findings[0].reason}" if findings else ""
        raise DataError(
            f"no picture of {shown(source.name)} has a label{why}. Fill in the cells of "
            f"{table.file}, or leave it out: --set data.labels=auto"
        )
    numbers = [_numbers(column) for column in cells]
    if alone:
        values, word = numbers[0]
        if word is not None or bool((values[known] % 1 == 0).all()):
            found = _classes(names[0], table, cells[0], values if word is None else None)
        else:
            found = _vectors(source, names, values[:, None], known)
    else:
        for name, column, (_, word) in zip(names, cells, numbers, strict=True):
            if word is not None:
                raise DataError(
                    f"{table.place(word)}: {shown(name)} is {shown(str(column[word])[:40])!r}; "
                    "columns in a list must hold numbers, true or false. As classes, name it "
                    f"without the list: --set data.labels={shown(name)}"
                )
        found = _vectors(source, names, np.stack([values for values, _ in numbers], 1), known)
    remarks = table.remarks + found.remarks
    return replace(found, known=known, findings=findings, remarks=remarks, asked=True)


def _why(table: Table, names: Sequence[str], index: int) -> str:
    if table.lines and not table.lines[index]:
        return f"has no line in {table.file}"
    empty = next(name for name in names if table.columns[name][index] is None)
    return f"{shown(empty)} is empty ({table.place(index)})"


def _numbers(column: Sequence[str | None]) -> tuple[NDArray[np.float64], int | None]:
    """Cells as numbers, 0 for empty ones, and the place of the first that is none."""
    read: dict[str | None, float | None] = {None: 0.0}
    values = np.zeros(len(column))
    word = None
    for index, cell in enumerate(column):
        if cell not in read:
            assert cell is not None
            number = float(cell) if NUMBER.fullmatch(cell) else SAID.get(cell.lower())
            read[cell] = number if number is not None and math.isfinite(number) else None
        value = read[cell]
        if value is None:
            word = index if word is None else word
        else:
            values[index] = value
    return values, word


def _classes(
    name: str, table: Table, cells: Sequence[str | None], whole: NDArray[np.float64] | None
) -> Labelling:
    """Each different cell is a class: whole numbers in their order, words in that of their bytes.

    True and false are words.
    """
    said = {cell for cell in cells if cell is not None}
    if whole is None or any(NUMBER.fullmatch(cell) is None for cell in said):
        titles = {cell: cell for cell in said}
        ordered = sorted(said, key=sort_key)
    else:
        titles = {cell: str(int(float(cell))) for cell in said}
        ordered = [str(number) for number in sorted({int(title) for title in titles.values()})]
    if len(ordered) > MOST_CLASSES:
        raise DataError(
            f"{shown(name)} in {table.file} has {len(ordered):,} different values; as classes "
            f"there may be {MOST_CLASSES:,}. Numbers are taken as a scale in a list: "
            f"--set data.labels=[{shown(name)}]"
        )
    if len(ordered) < 2:
        raise DataError(
            f"{shown(name)} is {shown(ordered[0][:40])} for every picture in {table.file}, so it "
            "tells nothing. Name another column, or leave it out: --set data.labels=auto"
        )
    place = {title: number for number, title in enumerate(ordered)}
    values = np.array([0 if cell is None else place[titles[cell]] for cell in cells], np.int32)
    remarks: tuple[str, ...] = ()
    if whole is not None and len(ordered) > FEW_CLASSES:
        remarks = (
            f"{shown(name)} has {len(ordered)} different whole numbers, taken as classes; as a "
            f"scale: --set data.labels=[{shown(name)}]",
        )
    return Labelling(classes=tuple(ordered), values=values, remarks=remarks)


def _vectors(
    source: Source,
    names: tuple[str, ...],
    values: NDArray[np.float64],
    known: NDArray[np.bool_],
) -> Labelling:
    """Numbers side by side; −1 and 1 count as 0 and 1 where a column has nothing else."""
    switches = []
    for column in values.T:
        there = set(np.unique(column[known]).tolist())
        switches.append(there <= {0.0, 1.0} or there <= {-1.0, 1.0})
        if switches[-1]:
            np.maximum(column, 0.0, out=column)
    if all(switches) and names:
        return Labelling(kind="multi-label", names=names, values=values)
    for name, column in zip(names, values.T, strict=True):
        first = column[known][0]
        if bool((column[known] == first).all()):
            raise DataError(
                f"{shown(name)} is {first:g} for every picture of {shown(source.name)}, so it "
                "tells nothing. Leave it out of data.labels."
            )
    return Labelling(kind="continuous", names=names, values=values)
