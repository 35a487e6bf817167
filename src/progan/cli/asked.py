"""Which options of `progan sample` go together."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from progan.cli import many
from progan.core.errors import ConfigError

__all__ = ["refuse_mixtures"]

ALONE: Mapping[str, tuple[str, ...]] = {
    "like": ("device",),
    "timelapse": ("fps",),
    "walk": (
        *("seconds", "fps", "truncation", "z-std", "resolution", "alpha", "label", "weights"),
        *("at-images", "device", "text"),
    ),
    "to-label": (
        *("label", "seeds", "seconds", "fps", "truncation", "z-std", "resolution", "alpha"),
        *("weights", "at-images", "device"),
    ),
    "to-text": (
        *("text", "seeds", "seconds", "fps", "truncation", "z-std", "resolution", "alpha"),
        *("weights", "at-images", "device"),
    ),
    "n": many.BESIDE,
    "arithmetic": ("truncation", "resolution", "alpha", "weights", "at-images", "device"),
    **dict.fromkeys(
        ("grid-by-class", "traverse"),
        ("seeds", "truncation", "z-std", "resolution", "alpha", "weights", "at-images", "device"),
    ),
}
"""What may stand beside an option that changes what is made."""


def refuse_mixtures(given: Mapping[str, Any]) -> None:
    """Raise ConfigError for options of `progan sample` that do not go together."""
    for main, beside in ALONE.items():
        others = [name for name in given if name != main and name not in beside]
        if main in given and others:
            raise ConfigError(
                f"--{main} and --{others[0]} do not go together; leave one out. "
                "What each does: progan sample --help"
            )
    _refuse_labels(given)
    _refuse_films(given)
    if "exact" in given and "backend" in given:
        raise ConfigError("--exact is a backend of its own; leave --backend out.")
    if "n" in given and len(given.get("label", ())) > 1:
        raise ConfigError("--n takes one --label for all; without, the classes go round by seed.")
    if len(given.get("text", ())) > 1 and {"n", "walk", "grid", "separate"} & given.keys():
        raise ConfigError(
            "Several --text make rows of a sheet of their own, of the same --seeds; leave "
            "--n, --walk, --grid and --separate out, or give one --text."
        )
    if "separate" in given and "grid" in given:
        raise ConfigError(
            "--separate writes one file a seed and --grid one file for all; leave one out."
        )


def _refuse_labels(given: Mapping[str, Any]) -> None:
    for name in ("label", "text"):
        if f"to-{name}" in given and len(given.get(name, ())) != 1:
            raise ConfigError(
                f"--to-{name} needs one --{name} to begin from: progan sample --{name} "
                f"{name.upper()} --to-{name} {shlex.quote(given[f'to-{name}'])}"
            )
    if "label" in given and "text" in given:
        raise ConfigError("--label and --text do not go together; leave one out.")


def _refuse_films(given: Mapping[str, Any]) -> None:
    if "walk" not in given:
        for name in ("seconds", "fps"):
            other = (
                "to-label" in given
                or "to-text" in given
                or (name == "fps" and "timelapse" in given)
            )
            if name in given and not other:
                raise ConfigError(
                    f"--{name} is for films; say which seeds to walk through: "
                    f"progan sample --walk 0,3,7 --{name} {given[name]:g}"
                )
    for name in ("exact", "backend"):
        if name in given and "n" not in given:
            value = "" if name == "exact" else f" {given[name]}"
            raise ConfigError(
                f"--{name} is for many pictures, as few are always exact. Say how many: "
                f"progan sample --n 50000 --{name}{value}"
            )
