"""Frozen dataclasses seen as trees of dotted keys: set by key, checked by type, built once.

    draft = Draft.of(ProGANConfig)
    draft.set("optimizer.lr", 2e-4)
    config = draft.build()

A field that holds a dataclass is a group, and its fields are keys below it. A group has the key
`kind` beside them: where it may be one of several, as in Adam | RMSprop, setting it starts from
that kind's defaults. A mapping is one value; `batch.32` names one entry of it.

This is the one file that imports pydantic, which checks the values and knows no groups.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, is_dataclass
from functools import lru_cache
from typing import Any, Literal, cast

from progan.core.errors import ConfigError
from progan.core.hints import (
    Spot,
    alternatives,
    groups_of,
    hints_at,
    is_group,
    is_mapping,
    item_of,
    spots,
)

__all__ = [
    "KIND",
    "Draft",
    "RefusedError",
    "UnknownKeyError",
    "WrongValueError",
    "leaf_schema",
    "takes_kind",
    "to_plain",
]

KIND = "kind"
"""The key that names which dataclass a group is."""


class UnknownKeyError(LookupError):
    """No setting has this key."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class WrongValueError(ValueError):
    """A setting was given a value of another type."""

    def __init__(self, key: str, value: Any, hint: Any, now: Any = MISSING) -> None:
        super().__init__(key)
        self.key, self.value, self.hint, self.now = key, value, hint, now


class RefusedError(ValueError):
    """A dataclass refused its values with a ConfigError of its own."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key, self.message = key, message


class Draft:
    """A dataclass under construction: values may be set by dotted key until it is built."""

    def __init__(self, cls: type, values: dict[str, Any]) -> None:
        self.cls = cls
        self.values = values

    @classmethod
    def of(cls, kind: type) -> Draft:
        """All values at the defaults of the class."""
        return cls(kind, {name: _opened(spot.default()) for name, spot in spots(kind).items()})

    @classmethod
    def like(cls, instance: Any) -> Draft:
        """All values as in `instance`."""
        kind: Any = type(instance)
        return cls(kind, {name: _opened(getattr(instance, name)) for name in spots(kind)})

    def walk(self) -> Iterator[str]:
        """Every key that can be set as things stand, groups before what they hold."""
        for name, value in self.values.items():
            yield name
            if isinstance(value, Draft):
                groups = spots(self.cls)[name].groups
                if len(groups) > 1 and takes_kind(groups):
                    yield f"{name}.{KIND}"
                yield from (f"{name}.{key}" for key in value.walk())

    def get(self, key: str) -> Any:
        """The value now at a key: plain, or a Draft for a group. KeyError if there is none."""
        name, _, rest = key.partition(".")
        value = self.values[name]
        if not rest:
            return value
        if not isinstance(value, Draft):
            raise KeyError(key)
        if rest == KIND and takes_kind((value.cls,)):
            return value.cls.__name__
        return value.get(rest)

    def set(self, key: str, value: Any) -> None:
        """Set one key, checking the value's type.

        Raises UnknownKeyError, WrongValueError or RefusedError, with the whole key.
        """
        name, _, rest = key.partition(".")
        spot = spots(self.cls).get(name)
        if spot is None:
            raise UnknownKeyError(key)
        now = self.values[name]
        with _below(name, now):
            if rest and spot.groups:
                self.values[name] = _set_in_group(spot, now, rest, value)
            elif rest and any(map(is_mapping, alternatives(spot.hint))):
                old = now if isinstance(now, Mapping) else {}
                self.values[name] = _read(spot.hint, {**old, _entry(rest): value})
            elif rest:
                raise UnknownKeyError(rest)
            else:
                self.values[name] = _opened(_read(spot.hint, value))

    def build(self) -> Any:
        """Make the dataclass, groups first.

        Raises RefusedError with the message of the ConfigError that a class raised and the key
        of its group, or WrongValueError for a setting that has no default and was not given.
        """
        values = {}
        for name, value in self.values.items():
            with _below(name, MISSING):
                if value is MISSING:
                    raise WrongValueError("", MISSING, spots(self.cls)[name].hint)
                values[name] = value.build() if isinstance(value, Draft) else value
        try:
            return self.cls(**values)
        except ConfigError as error:
            raise RefusedError("", str(error)) from None

    def assignments(self, layer: Mapping[Any, Any]) -> list[tuple[str, Any]]:
        """Flatten a nested or dotted mapping into (key, value), kinds first.

        Mappings are entered where the type has a group, or no setting at all; elsewhere they
        are values.
        """
        found = list(_flat(self.cls, layer, ()))
        # A kind resets its group, so it comes before what is set inside; outer ones first.
        return sorted(
            found, key=lambda pair: pair[0].count(".") if pair[0].endswith(f".{KIND}") else 99
        )


def _set_in_group(spot: Spot, now: Any, rest: str, value: Any) -> Draft:
    if rest == KIND and takes_kind(spot.groups):
        chosen = _named(spot.groups, value)
        return now if isinstance(now, Draft) and now.cls is chosen else Draft.of(chosen)
    if not isinstance(now, Draft) and len(spot.groups) > 1:
        raise WrongValueError(KIND, None, _names(spot.groups))
    draft = now if isinstance(now, Draft) else Draft.of(spot.groups[0])
    draft.set(rest, value)
    return draft


def _read(hint: Any, value: Any) -> Any:
    """Plain data as a value of type `hint`: lists become tuples, mappings dataclasses.

    Strict: text is no number, true is no number; but 3.0 is a whole number.
    """
    groups = groups_of(hint)
    if isinstance(value, groups):
        return value
    if isinstance(value, Mapping) and groups:
        chosen = groups[0]
        if takes_kind(groups) and (KIND in value or len(groups) > 1):
            chosen = _named(groups, value.get(KIND))
            value = {name: inner for name, inner in value.items() if name != KIND}
        draft = Draft.of(chosen)
        for key, inner in draft.assignments(value):
            draft.set(key, inner)
        return draft.build()
    for choice in alternatives(hint):
        item = item_of(choice)
        if isinstance(value, list | tuple) and groups_of(item):
            return tuple(_read_item(index, item, inner) for index, inner in enumerate(value))
    return _checked(hint, value)


def _read_item(index: int, hint: Any, value: Any) -> Any:
    with _below(str(index), MISSING):
        return _read(hint, value)


@contextmanager
def _below(name: str, now: Any) -> Iterator[None]:
    """Put `name` before the key of whatever goes wrong inside; `now` is its present value."""
    try:
        yield
    except UnknownKeyError as error:
        raise UnknownKeyError(f"{name}.{error.key}") from None
    except WrongValueError as error:
        if error.now is MISSING and not error.key and not isinstance(now, Draft):
            error.now = now
        key = f"{name}.{error.key}".rstrip(".")
        raise WrongValueError(key, error.value, error.hint, error.now) from None
    except RefusedError as error:
        raise RefusedError(f"{name}.{error.key}".rstrip("."), error.message) from None


@lru_cache(maxsize=256)
def _adapter(hint: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(hint)


def _checked(hint: Any, value: Any) -> Any:
    from pydantic import ValidationError

    if hint is str and isinstance(value, str):
        return value  # paths may hold bytes that JSON cannot
    for attempt in (value, _whole(value)):
        try:
            # JSON mode takes lists for tuples and text for the keys of mappings, and is
            # otherwise as strict as Python's types.
            checked = _adapter(hint).validate_json(json.dumps(attempt), strict=True)
        except (ValidationError, TypeError, ValueError):
            continue
        # true would pass where only 1 is allowed
        if isinstance(value, bool) == isinstance(checked, bool) and not _has_nan(checked):
            return checked
    raise WrongValueError("", value, hint)


def leaf_schema(hint: Any) -> dict[str, Any]:
    """The JSON schema of a type without groups."""
    schema: dict[str, Any] = _adapter(hint).json_schema()
    return schema


def to_plain(value: Any) -> Any:
    """Dataclasses as mappings, tuples as lists: what YAML and JSON can hold.

    A group that may be one of several kinds says its `kind`, so that reading gives an equal one.
    """
    return _plain(value, ())


def _plain(value: Any, groups: Sequence[type]) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        named = len(groups) > 1 and takes_kind(groups)
        plain: dict[str, Any] = {KIND: type(value).__name__} if named else {}
        for name, spot in spots(type(value)).items():
            inner = getattr(value, name)
            hints = alternatives(spot.hint)
            if isinstance(inner, list | tuple):
                hints = tuple(h for hint in hints for h in alternatives(item_of(hint)))
            plain[name] = _plain(inner, tuple(filter(is_group, hints)))
        return plain
    if isinstance(value, Mapping):
        return {key: _plain(inner, ()) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner, groups) for inner in value]
    return value


def _flat(cls: type, layer: Mapping[Any, Any], above: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for name, value in layer.items():
        path = (*above, *str(name).split("."))
        hints = hints_at(cls, path)
        enters = not hints or any(groups_of(hint) for hint in hints)
        if isinstance(value, Mapping) and enters and (value or hints):
            yield from _flat(cls, value, path)
        else:
            yield ".".join(path), value


def _opened(value: Any) -> Any:
    return Draft.like(value) if is_group(type(value)) else value


def takes_kind(groups: Sequence[type]) -> bool:
    """Whether `kind` names the class, rather than being a setting of its own."""
    return not any(KIND in spots(group) for group in groups)


def _named(groups: Sequence[type], name: Any) -> type:
    for group in groups:
        if group.__name__ == name:
            return group
    raise WrongValueError(KIND, name, _names(groups))


def _names(groups: Sequence[type]) -> Any:
    return cast(Any, Literal)[tuple(group.__name__ for group in groups)]


def _entry(text: str) -> str | int:
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 20 else text


def _has_nan(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_has_nan, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_has_nan, value))
    return isinstance(value, float) and math.isnan(value)


def _whole(value: Any) -> Any:
    """The same data with whole floats as integers: 1e6 images are a million images."""
    if isinstance(value, Mapping):
        return {key: _whole(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(inner) for inner in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
