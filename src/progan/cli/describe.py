"""The verb `describe`: what can be trained, and every setting with its value and help."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any

import typer

from progan.assemble.models import recipes as library
from progan.cli.streams import say, width_of_screen
from progan.core.errors import ConfigError
from progan.core.spelling import nearest
from progan.systems.registry import SYSTEMS, load_config_class

if TYPE_CHECKING:
    from progan.core.describe import Setting

__all__ = ["describe"]

WIDE = 84
"""From here on, keys, values and help stand in three columns; below, help stands under them."""
LONGEST_KEY, LONGEST_VALUE = 28, 16
KEPT = "\N{NO-BREAK SPACE}"
"""Where a line must not break; printed as a space."""


def describe(
    system: Annotated[
        str | None, typer.Argument(help="A system, or a recipe; all of them if left out.")
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help="Show the values of this preset.", metavar="NAME")
    ] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the settings as JSON schema.")
    ] = False,
    recipes: Annotated[
        bool, typer.Option("--recipes", help="List the recipes that come with progan.")
    ] = False,
) -> None:
    """Say what can be trained, and every setting of it."""
    width = width_of_screen()
    if system is None:
        _refuse_alone(preset, schema)
        lines = _all_recipes(width) if recipes else _all(width)
    elif system in library.packaged_recipes() and system not in SYSTEMS:
        lines = iter(_recipe_text(system).splitlines())
    elif system not in SYSTEMS:
        raise ConfigError(_unknown(system))
    elif recipes:
        lines = _all_recipes(width, system)
    elif schema:
        if preset is not None:
            raise ConfigError(
                f"--schema holds for every preset, so --preset {preset} changes nothing; leave "
                f"one out. For example: progan describe {system} --schema"
            )
        text = json.dumps(library.system_schema(system), indent=2, ensure_ascii=False)
        lines = iter(text.splitlines())
    else:
        lines = _one(system, preset, width)
    say("\n".join(lines))


def _refuse_alone(preset: str | None, schema: bool) -> None:
    option = "--schema" if schema else f"--preset {preset}" if preset is not None else ""
    if option:
        raise ConfigError(
            f"{option} is about one system; say which of {', '.join(SYSTEMS)}. "
            f"For example: progan describe {next(iter(SYSTEMS))} {option}"
        )


def _unknown(word: str) -> str:
    meant = nearest(word, [*SYSTEMS, *library.packaged_recipes()])
    hint = f" Did you mean progan describe {meant}?" if meant else ""
    return (
        f'"{word[:60]}" is not a system ({", ".join(SYSTEMS)}) and no recipe.{hint} '
        "See: progan describe"
    )


# All of them ---------------------------------------------------------------------------------


def _all(width: int) -> Iterator[str]:
    yield "Systems"
    for row in library.describe_systems():
        yield from _hanging(f"  {row.name:<10}", f"{row.summary} ({row.paper})", width)
        presets = ", ".join(row.presets)
        if presets:
            yield from _hanging(" " * 12, f"presets: {presets}", width)
        yield from _hanging(" " * 12, f"{row.settings} settings: progan describe {row.name}", width)
    if library.packaged_recipes():
        yield ""
        yield from _all_recipes(width)
    yield ""
    first = next(iter(SYSTEMS))
    yield from _hanging(
        "", f"{first} is trained if nothing is said: progan train FOLDER --system NAME", width
    )


def _all_recipes(width: int, system: str | None = None) -> Iterator[str]:
    names = [name for name in library.packaged_recipes() if system in (None, _system_of(name))]
    if not names:
        of = f" of {system}" if system else ""
        yield f"No recipe{of} comes with this progan. Settings: progan describe {system or ''}"
        return
    yield "Recipes"
    column = max(len(name) for name in names) + 4
    for name in names:
        yield from _hanging(f"  {name}".ljust(column), _title(_recipe_text(name)), width)
    yield from _hanging("", f"Read one: progan describe {names[0]}", width)
    yield from _hanging("", f"Train it: progan train {names[0]}", width)


def _recipe_text(name: str) -> str:
    return (files("progan") / "recipes" / f"{name}.yaml").read_text(encoding="utf-8")


def _title(text: str) -> str:
    """The first comment of a recipe."""
    comments = [line for line in text.splitlines() if line.startswith("#")]
    return comments[0].lstrip("# ").strip() if comments else ""


def _system_of(name: str) -> str:
    from progan.core.config import parse_recipe

    return parse_recipe(_recipe_text(name), name).system


# One of them ---------------------------------------------------------------------------------


def _one(system: str, preset: str | None, width: int) -> Iterator[str]:
    settings = library.describe(system, preset)
    row = next(row for row in library.describe_systems() if row.name == system)
    yield from _hanging("", f"{row.name}: {row.summary}", width)
    yield from _hanging("", f"Source: {row.paper}", width)
    shown = preset
    if row.presets:
        first = next(iter(row.presets))
        shown = preset or first
        by_device = getattr(load_config_class(system), "DEVICE_PRESETS", {})
        usual = " or ".join(f"{name} on {device}" for device, name in by_device.items()) or first
        yield ""
        yield from _hanging("", f"Presets (--preset NAME; {usual} if none is named)", width)
        yield from _table([(name, text) for name, text in row.presets.items()], width)
    own = [one for one in settings if not one.key.startswith(("data.", "train."))]
    star = ", * where it departs from the defaults" * any(one.departs for one in own)
    yield ""
    yield from _hanging("", f"Settings (--set KEY=VALUE), as in {shown}{star}", width)
    yield from _settings(own, width)
    for part, title in (("data", "Pictures"), ("train", "Training")):
        yield ""
        yield from _hanging("", f"{title}, whatever the system (--set {part}.KEY=VALUE)", width)
        yield from _settings([one for one in settings if one.key.startswith(f"{part}.")], width)
    yield ""
    yield from _hanging("", f"As JSON schema: progan describe {system} --schema", width)


def _table(rows: Iterable[tuple[str, str]], width: int) -> Iterator[str]:
    rows = list(rows)
    column = min(LONGEST_KEY, max(len(name) for name, _ in rows)) + 4
    for name, text in rows:
        yield from _hanging(f"  {name}".ljust(column), text, width)


def _settings(settings: list[Setting], width: int) -> Iterator[str]:
    """Every setting: in columns on a wide screen, with the help below on a narrow one."""
    column = min(LONGEST_KEY, max(len(one.key) for one in settings)) + 4
    for one in settings:
        mark = "*" if one.departs and not one.group else " "
        value = "" if one.group else _value(one.value)
        choices = "" if one.group else " " + f"[{one.type}]".replace(" ", KEPT)
        choices = choices.replace(f"{KEPT}|{KEPT}", f"{KEPT}| ")  # long lists go on below
        about = f"{one.help or one.key}{choices}"
        head = f"{mark} {one.key}".ljust(column)
        if width < WIDE:
            yield from _hanging(f"{mark} {one.key}" + " = " * bool(value), value, width)
            yield from _hanging(" " * 6, about, width)
        elif len(head) > column or len(value) > LONGEST_VALUE:
            yield from _hanging(head.ljust(column) + " " * (len(head) > column), value, width)
            yield from _hanging(" " * (column + LONGEST_VALUE + 2), about, width)
        else:
            yield from _hanging(f"{head}{value:<{LONGEST_VALUE}}  ", about, width)


def _value(value: Any) -> str:
    """A value as it may be typed behind --set."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_value(k)}: {_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return f"{value:_}" if isinstance(value, int) and value >= 10_000 else str(value)


def _hanging(head: str, text: str, width: int) -> Iterator[str]:
    """`text` behind `head`, its further lines below its first."""
    wrapped = textwrap.wrap(
        text,
        width,
        initial_indent=" " * len(head),
        subsequent_indent=" " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    )
    first = f"{head}{wrapped[0][len(head) :] if wrapped else ''}".rstrip()
    yield from (line.replace(KEPT, " ") for line in (first, *wrapped[1:]))
