"""What the type of a setting says: which groups it may hold, and how to put it in words."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal, TypeGuard, Union, get_args, get_origin, get_type_hints

__all__ = [
    "Spot",
    "alternatives",
    "groups_of",
    "hints_at",
    "is_group",
    "is_mapping",
    "item_of",
    "spots",
    "type_code",
    "type_words",
]


@dataclass(frozen=True)
class Spot:
    """One field of a dataclass, with its type resolved."""

    name: str
    hint: Any
    field: Field[Any]
    groups: tuple[type, ...]
    """The dataclasses it may hold."""

    def default(self) -> Any:
        """The class's own value; MISSING where it has none."""
        if self.field.default_factory is not MISSING:
            return self.field.default_factory()
        return self.field.default


@lru_cache(maxsize=256)
def spots(cls: type) -> Mapping[str, Spot]:
    """The settings of a dataclass, by name, in order."""
    hints = get_type_hints(cls)
    return {
        field.name: Spot(field.name, hints[field.name], field, groups_of(hints[field.name]))
        for field in fields(cls)
        if field.init
    }


def hints_at(cls: type, path: Sequence[str]) -> list[Any]:
    """The types that the setting at `path` may have, over all kinds of the groups above it."""
    spot = spots(cls).get(path[0])
    if spot is None:
        return []
    if len(path) == 1:
        return [spot.hint]
    return [hint for group in spot.groups for hint in hints_at(group, path[1:])]


def alternatives(hint: Any) -> tuple[Any, ...]:
    """The members of a union; a type alone is its only member."""
    origin = get_origin(hint)
    if origin is Annotated:
        return alternatives(get_args(hint)[0])
    if origin in (Union, types.UnionType):
        return tuple(inner for choice in get_args(hint) for inner in alternatives(choice))
    return (hint,)


def is_group(hint: Any) -> TypeGuard[type]:
    """Whether a type is a dataclass."""
    return isinstance(hint, type) and is_dataclass(hint)


def groups_of(hint: Any) -> tuple[type, ...]:
    """The dataclasses among the alternatives of a type."""
    return tuple(choice for choice in alternatives(hint) if is_group(choice))


def is_mapping(hint: Any) -> bool:
    """Whether a type is some mapping."""
    origin = get_origin(hint) or hint
    return isinstance(origin, type) and issubclass(origin, Mapping)


def item_of(hint: Any) -> Any:
    """The type of the items of tuple[X, ...], list[X] or Sequence[X]; None for other types."""
    arguments = get_args(hint)
    if get_origin(hint) is tuple:
        return arguments[0] if len(arguments) == 2 and arguments[1] is Ellipsis else None
    return arguments[0] if get_origin(hint) in (list, Sequence) else None


_WORDS: Mapping[Any, tuple[str, str, str]] = {
    int: ("a whole number", "whole numbers", "int"),
    float: ("a number", "numbers", "float"),
    bool: ("true or false", "truth values", "bool"),
    str: ("text", "texts", "text"),
    types.NoneType: ("null", "nulls", "null"),
    Any: ("any value", "values", "any"),
}


def type_words(hint: Any) -> str:
    """A type in words, as in "it must be …": `a whole number or null`."""
    words = [word for choice in alternatives(hint) for word in _words(choice)]
    words = list(dict.fromkeys(words))
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def type_code(hint: Any) -> str:
    """A type in short, for tables: `int | null`, `centre | pad`, `[float, float]`."""
    return " | ".join(dict.fromkeys(_code(choice) for choice in alternatives(hint)))


def _words(choice: Any) -> list[str]:
    origin, arguments = get_origin(choice), get_args(choice)
    if origin is Literal:
        return [str(value) for value in arguments]
    if is_group(choice):
        word = "a group of settings"
    elif is_mapping(choice):
        key, value = arguments or (Any, Any)
        word = f"pairs like {{{_example(key)}: {_example(value)}}}"
    elif (item := item_of(choice)) is not None:
        word = f"a list of {_many(item)}"
    elif origin is tuple and len(set(arguments)) == 1:
        word = f"a list of {len(arguments)} {_many(arguments[0])}"
    elif origin is tuple:
        word = f"a list of {', '.join(map(type_words, arguments))}"
    else:
        word = _WORDS[choice][0] if choice in _WORDS else _name(choice)
    return [word]


def _many(hint: Any) -> str:
    return _WORDS[hint][1] if hint in _WORDS else f"items, each {type_words(hint)}"


def _code(choice: Any) -> str:
    origin, arguments = get_origin(choice), get_args(choice)
    if origin is Literal:
        code = " | ".join(map(str, arguments))
    elif is_mapping(choice):
        key, value = arguments or (Any, Any)
        code = f"{{{type_code(key)}: {type_code(value)}}}"
    elif (item := item_of(choice)) is not None:
        code = f"[{type_code(item)}, …]"
    elif origin is tuple:
        code = f"[{', '.join(map(type_code, arguments))}]"
    else:
        code = _WORDS[choice][2] if choice in _WORDS else _name(choice)
    return code


def _example(hint: Any) -> str:
    """A value of a type, to show what pairs look like."""
    return {int: "32", float: "0.5", bool: "true", str: "name"}.get(hint, type_code(hint))


def _name(hint: Any) -> str:
    return str(getattr(hint, "__name__", hint))
