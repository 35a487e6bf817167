"""HTML that cannot be forged: text becomes `Html` only through `text`, which escapes it.

Names of files, words of a recipe and lines of a log are written by strangers. Every function that
puts something on the page takes `Html`, a type of its own, so that mypy finds a forgotten escape.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import NewType

__all__ = ["Html", "element", "join", "text"]

Html = NewType("Html", str)
"""Markup that is safe to put on the page as it stands."""

_VOID = frozenset({"br", "img", "input", "link", "meta"})
# Control characters, and the ones that turn the direction of writing around, can disguise a name.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
# A page that goes nowhere is easy to check when addresses in plain text do not look like links.
_ADDRESS = re.compile(r"(?i)\b(https?):")


def text(value: object) -> Html:
    """Escape anything for use between tags or inside an attribute."""
    shown = _INVISIBLE.sub(lambda found: f"\\u{ord(found[0]):04x}", str(value))
    return Html(_ADDRESS.sub(r"\1&#58;", html.escape(shown, quote=True)))


def element(
    tag: str, *children: Html, **attributes: str | float | bool | tuple[str, ...] | None
) -> Html:
    """One element; `class_` and `for_` lose their underscore, other underscores become dashes.

    An attribute that is None or False is left out, True stands without a value, and a tuple of
    words is joined by blanks. Tags and names of attributes come from our own code only.
    """
    written = [tag]
    for name, value in attributes.items():
        if value is None or value is False or value == ():
            continue
        key = name.rstrip("_").replace("_", "-")
        if value is True:
            written.append(key)
            continue
        words = " ".join(value) if isinstance(value, tuple) else value
        written.append(f'{key}="{text(words)}"')
    start = f"<{' '.join(written)}>"
    return Html(start if tag in _VOID else f"{start}{''.join(children)}</{tag}>")


def join(parts: Iterable[Html], between: str = "") -> Html:
    """Markup one after another; `between` is text."""
    return Html(text(between).join(parts))
