"""Portraits: pictures of people who do not exist, drawn by arithmetic, with every truth known.

Person i of a seed is a pure function of (seed, i): no state, no file, any i up to 2**63. The same
person can be drawn at any size, in three styles, with class map, landmarks, caption and attributes.
Only + - * /, square root and rounding are used to draw, which IEEE 754 fixes to the last bit, so
a picture is the same on every machine.
"""

from __future__ import annotations

from progan.data.portraits.columns import COLUMNS, columns
from progan.data.portraits.render import LARGEST, SMALLEST, landmarks, layout, render
from progan.data.portraits.scene import LAYOUT_CLASSES, Style
from progan.data.portraits.truth import (
    ATTRIBUTES,
    HAIR_STYLES,
    Portraits,
    attributes,
    captions,
    people,
)

__all__ = [
    "ATTRIBUTES",
    "COLUMNS",
    "HAIR_STYLES",
    "LARGEST",
    "LAYOUT_CLASSES",
    "SMALLEST",
    "Portraits",
    "Style",
    "attributes",
    "captions",
    "columns",
    "landmarks",
    "layout",
    "people",
    "render",
]
