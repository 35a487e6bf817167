"""Settings explained: keys, types, defaults, and the help that stands under each field.

The help is the string that follows a field in the source, so code and help cannot drift apart:

    latent: int = 512
    \"\"\"Width of the noise vector.\"\"\"

Nothing here imports torch, nor does it read more than the source of the settings themselves.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import lru_cache
from typing import Any

from progan.core.hints import alternatives, groups_of, is_group, item_of, spots, type_code
from progan.core.settings import KIND, Draft, leaf_schema, takes_kind, to_plain

__all__ = ["Setting", "describe", "help_of", "schema", "summary_of"]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One line of a description."""

    key: str
    """Dotted, as after --set."""
    type: str
    """In short: `int | null`, `centre | pad`, `[float, float]`."""
    value: Any
    """What holds if nothing is said, as plain data; None for a group, which has lines below."""
    help: str
    """The string under the field."""
    group: bool = False
    """Whether it only holds other settings."""
    departs: bool = False
    """Whether the preset changed it from the default of the class."""


def describe(cls: type, overrides: Mapping[str, Any] | None = None) -> tuple[Setting, ...]:
    """Every setting of a dataclass, groups before what they hold.

    `overrides` are those of a preset, nested or dotted: values and kinds are shown as they hold
    with it.
    """
    draft, plain = Draft.of(cls), Draft.of(cls)
    for key, value in draft.assignments(overrides or {}):
        draft.set(key, value)
    return tuple(_rows(draft, plain, ""))


def _rows(draft: Draft, default: Draft | None, above: str) -> Iterator[Setting]:
    helps = help_of(draft.cls)
    for name, spot in spots(draft.cls).items():
        value = draft.values[name]
        old = default.values[name] if default is not None else MISSING
        is_draft = isinstance(value, Draft)
        inner = old if isinstance(old, Draft) and is_draft and old.cls is value.cls else None
        yield Setting(
            key=f"{above}{name}",
            type=type_code(spot.hint),
            value=None if is_draft or value is MISSING else to_plain(value),
            help=helps.get(name, ""),
            group=is_draft,
            departs=inner is None if is_draft else value != old,
        )
        if not is_draft:
            continue
        if len(spot.groups) > 1 and takes_kind(spot.groups):
            yield Setting(
                key=f"{above}{name}.{KIND}",
                type=" | ".join(group.__name__ for group in spot.groups),
                value=value.cls.__name__,
                help="Which of these; another one starts from its own defaults.",
                departs=inner is None,
            )
        yield from _rows(value, inner, f"{above}{name}.")


def schema(cls: type) -> dict[str, Any]:
    """The settings of a dataclass as JSON schema (2020-12), with descriptions and defaults."""
    draft = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": draft, **_object(cls, named=False)}


def _object(cls: type, *, named: bool) -> dict[str, Any]:
    helps = help_of(cls)
    properties: dict[str, Any] = {KIND: {"const": cls.__name__}} if named else {}
    required = [KIND] if named else []
    for name, spot in spots(cls).items():
        properties[name] = _schema(spot.hint)
        if name in helps:
            properties[name]["description"] = helps[name]
        if (default := spot.default()) is MISSING:
            required.append(name)
        else:
            several = len(spot.groups) > 1 and takes_kind(spot.groups)
            kind = {KIND: type(default).__name__} if several and is_group(type(default)) else {}
            plain = to_plain(default)
            properties[name]["default"] = {**kind, **plain} if kind else plain
    found = {
        "title": cls.__name__,
        "description": summary_of(cls),
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    return {**found, "required": required} if required else found


def _schema(hint: Any) -> dict[str, Any]:
    """The schema of one type, groups written out in place."""
    choices = alternatives(hint)
    item_groups = [choice for choice in choices if groups_of(item_of(choice))]
    if not groups_of(hint) and not item_groups:
        return leaf_schema(hint)
    groups = groups_of(hint)
    several = len(groups) > 1 and takes_kind(groups)
    found = []
    for choice in choices:
        if is_group(choice):
            found.append(_object(choice, named=several))
        elif choice in item_groups:
            found.append({"type": "array", "items": _schema(item_of(choice))})
        else:
            found.append(leaf_schema(choice))
    return found[0] if len(found) == 1 else {"anyOf": found}


def summary_of(cls: type) -> str:
    """The first line of a class's docstring."""
    return (inspect.getdoc(cls) or "").partition("\n")[0]


@lru_cache(maxsize=256)
def help_of(cls: type) -> Mapping[str, str]:
    """The string under each field of a dataclass, on one line, inherited fields included."""
    names = {field.name for field in fields(cls)}
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        found.update(_strings(base.__module__).get(base.__qualname__, {}))
    return {name: text for name, text in found.items() if name in names}


@lru_cache(maxsize=64)
def _strings(module: str) -> Mapping[str, Mapping[str, str]]:
    """For every class of a module: the string under each of its fields. Empty without source."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (OSError, TypeError, KeyError):
        return {}
    return dict(_classes(tree, ""))


def _classes(node: ast.AST, above: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield f"{above}{child.name}", _fields(child)
            yield from _classes(child, f"{above}{child.name}.")
        elif isinstance(child, ast.FunctionDef):
            yield from _classes(child, f"{above}{child.name}.<locals>.")


def _fields(node: ast.ClassDef) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for field, below in zip(node.body, node.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
            and isinstance(below.value.value, str)
        ):
            found[field.target.id] = " ".join(below.value.value.split())
    return found
