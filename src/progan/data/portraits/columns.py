"""The truth about portraits as a table: words, switches and numbers for each person.

A switch is 1 where there is any: `glasses` for round and square ones, `beard` from stubble on.
"""

from __future__ import annotations

from collections.abc import Sequence

from progan.data.portraits.truth import ATTRIBUTES, NO_YES, Portraits, attributes

__all__ = ["COLUMNS", "columns"]

WORDS = tuple(
    name for name, ids in ATTRIBUTES.items() if ids != NO_YES and not ids[0].startswith("no ")
)
SWITCHES = tuple(name for name in ATTRIBUTES if name not in WORDS)
NUMBERS = ("age", "smile", "turn", "light")

COLUMNS = (*WORDS, *SWITCHES, *NUMBERS)
"""Names of all columns: those of words, of 0 and 1, of numbers."""


def columns(people: Portraits, names: Sequence[str]) -> dict[str, list[str]]:
    """The cells of some columns, one for each person."""
    table = attributes(people)
    found: dict[str, list[str]] = {}
    for name in names:
        if name in NUMBERS:
            found[name] = [repr(value) for value in getattr(people, name).astype(float).tolist()]
        elif name in WORDS:
            found[name] = [ATTRIBUTES[name][value] for value in table[name].tolist()]
        else:
            found[name] = ["1" if value else "0" for value in table[name].tolist()]
    return found
