"""What to say when the words of a command were wrong: what came, what must hold, what to type."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from typing import Any

from progan.core.spelling import nearest
from progan.data.records import shown

__all__ = ["explain", "way_on"]

LONGEST = 80


def explain(error: Exception, command: Any, words: Sequence[str]) -> str | None:
    """The message for a wrong word of the command line; None when `error` is something else.

    `command` is the whole program as the parser has it, `words` what was typed. Only what every
    release of the parser has is asked of it, and its own message is kept where it says more.
    """
    said = getattr(error, "format_message", None)
    if said is None:
        return None
    verb, path, rest = _spoken(command, words)
    kind, text = type(error).__name__, " ".join(str(said()).split())
    if kind == "NoSuchOption":
        return _no_option(str(getattr(error, "option_name", "")), verb, path)
    if kind == "MissingParameter":
        return _missing(getattr(error, "param", None), path)
    if kind == "BadOptionUsage":
        return _no_value(str(getattr(error, "option_name", "")), text, path)
    if kind == "BadParameter":
        return _bad_value(getattr(error, "param", None), text, path, rest)
    if _verbs(verb) and rest:
        return _no_verb(rest[0], verb, path)
    if match := re.search(r"unexpected extra arguments? *(?:\(s\))? *\((.*)\)", text):
        return _too_many(match[1], verb, path)
    return f"{text} All words of it: {path} --help"


def _spoken(command: Any, words: Sequence[str]) -> tuple[Any, str, list[str]]:
    """The verb that was meant, how it is called, and the words behind it."""
    verb, path, rest = command, "progan", list(words)
    while _verbs(verb):
        inner = next((word for word in rest if not word.startswith("-")), None)
        if inner not in _verbs(verb):
            break
        verb, path = _verbs(verb)[inner], f"{path} {inner}"
        rest = rest[rest.index(inner) + 1 :]
    return verb, path, rest


def way_on(message: str, command: Any, words: Sequence[str]) -> str:
    """`message`, with something to type behind it if it names nothing."""
    if re.search(r"progan [a-z]|--[a-z]|\b(mkdir|pip|apt-get|ls) ", message):
        return message
    gap = " " if message.endswith((".", "?", "!")) else "  "
    return f"{message}{gap}More: {_spoken(command, words)[1]} --help"


def _verbs(command: Any) -> dict[str, Any]:
    return getattr(command, "commands", None) or {}


def _options(verb: Any) -> list[str]:
    found = [o for p in verb.params for o in (*p.opts, *p.secondary_opts) if o.startswith("-")]
    return [*found, "--help"]


def _arguments(verb: Any) -> list[Any]:
    return [param for param in verb.params if not param.opts[0].startswith("-")]


def _name(param: Any) -> str:
    """A parameter as the user writes it: --minutes, or SOURCE."""
    option = max(param.opts, key=len)
    return option if option.startswith("-") else str(param.name).upper()


def _quoted(word: str) -> str:
    return f'"{shown(word)[:LONGEST]}"'


def _no_verb(word: str, verb: Any, path: str) -> str:
    meant = nearest(word, _verbs(verb))
    if word in ("help", "version"):
        return f"{_quoted(word)} is not a verb of {path}. Type: progan --{word}"
    if path == "progan" and os.path.exists(os.path.expanduser(word)):
        hint = f"To train on it: progan train {shlex.quote(shown(word))} "
    elif meant is not None:
        hint = f"Did you mean {path} {meant}?"
    else:
        hint = f"There are {', '.join(_verbs(verb))}."
    return f"{_quoted(word)} is not a verb of {path}. {hint} See: {path} --help"


def _no_option(option: str, verb: Any, path: str) -> str:
    meant = nearest(option, _options(verb))
    hint = f" Did you mean {meant}?" if meant else ""
    return f"{_quoted(option)} is not an option of {path}.{hint} All of them: {path} --help"


def _missing(param: Any, path: str) -> str:
    if param is None:
        return f"{path} lacks a word. All of them: {path} --help"
    about = getattr(param, "help", None) or ""
    return f"{path} lacks {_name(param)}: {about.rstrip('.')}. All words of it: {path} --help"


def _no_value(option: str, text: str, path: str) -> str:
    if "not take" in text:
        return f"{option} takes no value; write it alone. All words of it: {path} --help"
    return f"{option} needs a value behind it. All words of it: {path} --help"


def _bad_value(param: Any, text: str, path: str, rest: Sequence[str]) -> str:
    if param is None:
        return f"{text} All words of it: {path} --help"
    name, value = _name(param), _value(param, rest)
    if re.search(r"integer|'int'", text):
        must = "a whole number, such as 600 or 600_000"
    elif re.search(r"number|float", text):
        must = "a number"
    else:
        must = f"something else ({text.partition(': ')[2] or text})".replace(".)", ")")
    came = f"{name} is {_quoted(value)}" if value is not None else f"{name} is wrong"
    return f"{came}; it must be {must}. All words of it: {path} --help"


def _value(param: Any, rest: Sequence[str]) -> str | None:
    """What stands behind an option, as typed last."""
    for index in range(len(rest) - 1, -1, -1):
        option, equals, value = rest[index].partition("=")
        if option in param.opts and (equals or index + 1 < len(rest)):
            return value if equals else rest[index + 1]
    return None


def _too_many(extra: str, verb: Any, path: str) -> str:
    takes = " ".join(_name(param) for param in _arguments(verb)) or "no word alone"
    return (
        f"{_quoted(extra)} is too much: {path} takes {takes}. Put a name with spaces in quotes. "
        f"All words of it: {path} --help"
    )
