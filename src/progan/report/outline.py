"""A flat view of a recipe: dotted place → value as written.

A tolerant reader of the YAML that recipes are written in, made for showing and comparing only:
a file cut in the middle still gives its first half, every value stays the text it was, and no
tag or alias is ever followed. Recipes that are to be run are read strictly by `core/config`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["outline"]

_DEEPEST = 16
_LONGEST = 200_000
_LONGEST_VALUE = 10_000
_KEY = re.compile(
    r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s"'{}\[\],#&*!|>%@`][^{}\[\],:]*(?::[^\s{}\[\],:]+)*):(?:\s+|$)"""
)


@dataclass
class _Level:
    indent: int
    path: tuple[str, ...]
    item: bool = False
    items: int = 0


@dataclass
class _Reader:
    found: dict[str, str] = field(default_factory=dict)
    stack: list[_Level] = field(default_factory=lambda: [_Level(-1, ())])

    @property
    def too_deep(self) -> bool:
        return len(self.stack[-1].path) > _DEEPEST

    def store(self, path: tuple[str, ...], value: str) -> None:
        value = re.sub(r"^&\S+\s*", "", value.strip())
        if value[:1] in ("{", "["):
            nested = _flow(value)
            if nested is not None:
                for below, scalar in nested:
                    self.found[".".join((*path, *below))] = scalar
                return
        self.found[".".join(path)] = _unquoted(value)

    def item(self, indent: int) -> None:
        """Enter the next entry of a list whose dash stands at `indent`."""
        while self.stack[-1].indent > indent or (
            self.stack[-1].indent == indent and self.stack[-1].item
        ):
            self.stack.pop()
        parent = self.stack[-1]
        self.stack.append(_Level(indent, (*parent.path, str(parent.items)), item=True))
        parent.items += 1

    def key(self, indent: int, name: str) -> tuple[str, ...]:
        """Enter a key that stands at `indent`; gives its place."""
        while self.stack[-1].indent >= indent:
            self.stack.pop()
        path = (*self.stack[-1].path, _unquoted(name))
        self.stack.append(_Level(indent, path))
        return path


def outline(recipe: str) -> dict[str, str]:
    """Read `recipe` as a mapping of dotted places to values, e.g. "train.seed" → "0".

    Entries of a list of records are numbered, "plan.0.images". A list of plain values in brackets
    stays one value. What cannot be understood is taken as text, never refused.
    """
    reader = _Reader()
    lines = recipe[:_LONGEST].splitlines()
    at = 0
    while at < len(lines):
        line = _without_comment(lines[at].expandtabs())
        at += 1
        content = line.lstrip()
        if not content or content in ("---", "...") or content[0] in "#%":
            continue
        indent = len(line) - len(content)
        while (content == "-" or content.startswith("- ")) and not reader.too_deep:
            reader.item(indent)
            rest = content[1:].lstrip()
            indent += len(content) - len(rest)
            content = rest
        key = _KEY.match(content)
        path = reader.key(indent, key[1]) if key else reader.stack[-1].path
        value = content[key.end() :] if key else content
        while at < len(lines) and _goes_on(value, lines[at], indent):
            value = f"{value} {lines[at].strip()}"
            at += 1
        if value:
            value = re.sub(r"^[|>][+-]?\d?\s*", "", value) if value[0] in "|>" else value
            reader.store(path, value)
    return reader.found


def _goes_on(value: str, following: str, indent: int) -> bool:
    """Whether `following` still belongs to `value`, a scalar or a bracket left open."""
    if len(value) > _LONGEST_VALUE:
        return False
    if value[:1] in ("{", "["):
        return sum(map(value.count, "{[")) > sum(map(value.count, "}]"))
    content = following.lstrip()
    deeper = bool(content) and len(following) - len(content) > indent
    if value[:1] in ("|", ">"):
        return deeper
    return bool(value) and deeper and not content.startswith("- ") and not _KEY.match(content)


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == "'":
        return value[1:-1].replace("''", "'")
    if len(value) >= 2 and value[0] == value[-1] == '"':
        try:
            return str(json.loads(value))
        except ValueError:
            return value[1:-1]
    return value


def _pieces(value: str) -> Iterator[tuple[int, str]]:
    """Cut at quotes: the start and text of each quoted scalar, and of each single other sign."""
    at = 0
    while at < len(value):
        end = at + 1
        if value[at] in "\"'" and (at == 0 or value[at - 1] in " :,{[-"):
            quote = value[at]
            while end < len(value) and value[end] != quote:
                end += 2 if quote == '"' and value[end] == "\\" else 1
            end = min(end + 1, len(value))
        yield at, value[at:end]
        at = end


def _without_comment(line: str) -> str:
    for at, piece in _pieces(line):
        if piece == "#" and (at == 0 or line[at - 1] == " "):
            return line[:at].rstrip()
    return line.rstrip()


def _tokens(value: str) -> list[str]:
    """Brackets, commas, colons that end a key, and the scalars between them."""
    tokens: list[str] = []
    scalar = ""
    for at, piece in _pieces(value):
        colon = piece == ":" and value[at + 1 : at + 2] in ("", " ", ",", "}", "]")
        if piece in "{}[]," or colon:
            tokens += [scalar.strip(), piece] if scalar.strip() else [piece]
            scalar = ""
        else:
            scalar += piece
    return [*tokens, scalar.strip()] if scalar.strip() else tokens


def _flow(value: str) -> list[tuple[tuple[str, ...], str]] | None:
    """The leaves of `{a: 1, b: {c: 2}}`; None for a list of plain values or broken brackets."""
    if "{" not in value:
        return None
    tokens = _tokens(value)
    leaves: list[tuple[tuple[str, ...], str]] = []

    def read(at: int, path: tuple[str, ...]) -> int:
        if at >= len(tokens) or len(path) > _DEEPEST:
            raise ValueError("brackets do not close")
        opening = tokens[at]
        if opening not in ("{", "["):
            leaves.append((path, _unquoted(opening)))
            return at + 1
        at, number = at + 1, 0
        while at < len(tokens) and tokens[at] not in ("}", "]"):
            if tokens[at] == ",":
                at += 1
                continue
            name = str(number)
            number += 1
            if opening == "{":
                name = _unquoted(tokens[at])
                at += 2 if tokens[at + 1 : at + 2] == [":"] else 1
                if at < len(tokens) and tokens[at] in (",", "}"):
                    leaves.append(((*path, name), ""))
                    continue
            at = read(at, (*path, name))
        return at + 1

    try:
        read(0, ())
    except ValueError:
        return None
    return leaves
