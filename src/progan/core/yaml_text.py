"""YAML as recipes use it: plain data with line numbers, safe to read from strangers.

Read are mappings, lists and scalars of one document, at most 64 KiB and 16 levels deep. Anchors,
aliases, tags and repeated keys are refused, so no file can grow in memory, name a class, or hide
a value. Scalars follow YAML 1.2: 2e-4 is a number, `no` is a word, 1_000_000 is a million.

Departs: underscores in numbers, from YAML 1.1, because lengths in images need them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from progan.core.errors import ConfigError

__all__ = ["Document", "read_yaml", "scalar", "write_yaml"]

LARGEST = 64 * 1024
DEEPEST = 16

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+(_[0-9]+)*|0x[0-9a-fA-F]+|0o[0-7]+")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(_[0-9]+)*(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
    r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_LONGEST_NUMBER = 40

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """What a file says, and where."""

    value: Any
    lines: Mapping[Path, int]
    """Line, from 1, of every key and list item by its path."""


def scalar(text: str) -> Any:
    """The value of an unquoted word: null, a truth value, a number, or the word itself."""
    value: Any = text
    if _NULL.fullmatch(text):
        value = None
    elif _BOOL.fullmatch(text):
        value = text.lower() == "true"
    elif len(text) <= _LONGEST_NUMBER and _INT.fullmatch(text):
        value = int(text, 0) if text[:2] in ("0x", "0o") else int(text)
    elif len(text) <= _LONGEST_NUMBER and _FLOAT.fullmatch(text):
        value = float(text.replace(".", "", 1) if text[-1].isalpha() else text)
        if math.isinf(value) and not text[-1].isalpha():
            value = text  # too large to be meant: stays a word, and is refused as one
    return value


def read_yaml(text: str, name: str) -> Document:
    """Read one document; `name` stands before the line in messages.

    Raises ConfigError, in one line, for anything that is not plain YAML within the limits.
    """
    if len(text) > LARGEST:
        raise ConfigError(
            f"{name} is {len(text):,} characters long; at most {LARGEST:,} are read. "
            "A recipe holds only what differs from the defaults: progan describe progan"
        )
    reader = _Reader(name, yaml.parse(text, Loader=yaml.SafeLoader))
    try:
        return reader.document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name} line {mark.line + 1}" if mark else name
        problem = " ".join((error.problem or error.context or "it cannot be read").split())
        raise ConfigError(
            f"{where} is not YAML: {problem}. Indent with spaces, quote odd words, "
            "or start from progan describe progan"
        ) from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        reason = " ".join(str(getattr(error, "reason", error)).split())
        raise ConfigError(
            f"{name} is not YAML: {reason}. It must be text in UTF-8; "
            "see what a recipe may say: progan describe progan"
        ) from None


class _Reader:
    """Turns parser events into values, refusing what plain data does not need."""

    def __init__(self, name: str, events: Iterator[Any]) -> None:
        self.name = name
        self.events = events
        self.lines: dict[Path, int] = {}

    def document(self) -> Document:
        value: Any = None
        documents = 0
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self.refuse(event, "a second document begins; one file is one recipe")
                value = self.value(next(self.events), (), 0)
        return Document(value, self.lines)

    def value(self, event: Any, path: Path, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise self.refuse(event, "anchors and aliases (&, *) are not read; write values out")
        if event.tag is not None:
            raise self.refuse(event, f"tags like {event.tag[:40]} are not read; write the value")
        if depth > DEEPEST:
            raise self.refuse(event, f"nested deeper than {DEEPEST} levels; settings need five")
        if isinstance(event, yaml.ScalarEvent):
            return scalar(event.value) if event.implicit[0] else event.value
        if isinstance(event, yaml.SequenceStartEvent):
            return self.sequence(path, depth)
        return self.mapping(path, depth)

    def sequence(self, path: Path, depth: int) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            inner = (*path, len(items))
            self.lines[inner] = event.start_mark.line + 1
            items.append(self.value(event, inner, depth + 1))
        return items

    def mapping(self, path: Path, depth: int) -> dict[str | int, Any]:
        items: dict[str | int, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self.value(event, path, depth + 1)
            if isinstance(key, bool) or not isinstance(key, str | int):
                raise self.refuse(event, "a key must be a word or a whole number; quote it")
            inner = (*path, key)
            if key in items:
                first = self.lines[inner]
                raise self.refuse(event, f'"{key}" stands here again, first on line {first}')
            self.lines[inner] = event.start_mark.line + 1
            items[key] = self.value(next(self.events), inner, depth + 1)
        return items

    def refuse(self, event: Any, problem: str) -> ConfigError:
        problem = "".join(c if c.isprintable() else "?" for c in problem)
        line = event.start_mark.line + 1
        return ConfigError(f"{self.name} line {line}: {problem}. Help: progan describe progan")


class _Writer(yaml.SafeDumper):
    """Quotes every word that this reader, or any other, could take for something else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def text(self, data: str) -> yaml.ScalarNode:
        # Line breaks of any kind are escaped: folded over lines they would not all come back.
        style = None if data.isprintable() else '"'
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Writer.add_representer(str, _Writer.text)

for _kind, _pattern, _first in (
    ("null", _NULL, ["~", "n", "N", ""]),
    ("bool", _BOOL, list("tTfF")),
    ("int", _INT, list("-+0123456789")),
    ("float", _FLOAT, list("-+0123456789.")),
):
    _Writer.add_implicit_resolver(
        f"tag:yaml.org,2002:{_kind}", re.compile(rf"(?:{_pattern.pattern})\Z"), _first
    )


def write_yaml(value: Any) -> str:
    """Write plain data as YAML: innermost lists and mappings on one line, order kept.

    `read_yaml(write_yaml(value))` gives `value` again, floats to the last bit.
    """
    text: str = yaml.dump(
        value, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=100, indent=2
    )
    return text
