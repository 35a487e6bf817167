"""Recipes by name: finding them, and joining each with its system in the registry. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from progan.core.config import (
    DataSettings,
    Recipe,
    TrainSettings,
    choose,
    parse_recipe,
    preset_of,
    read_recipe,
    system_config,
)
from progan.core.describe import Setting, schema
from progan.core.describe import describe as describe_class
from progan.core.errors import ConfigError
from progan.systems.registry import SYSTEMS, Entry, load_config_class, load_system_class

__all__ = [
    "SystemRow",
    "describe",
    "describe_systems",
    "looks_like_recipe",
    "packaged_recipes",
    "read",
    "resolve",
    "system_schema",
    "with_domains",
    "with_usual_preset",
]

ENDINGS = (".yaml", ".yml")


@dataclass(frozen=True, kw_only=True)
class SystemRow:
    """One system in the list of all."""

    name: str
    summary: str
    paper: str
    presets: Mapping[str, str]
    """Name of each preset → what it is; the first is taken where none is named."""
    settings: int
    """Number of settings, without groups."""


def packaged_recipes() -> tuple[str, ...]:
    """Names of the recipes that come with the package."""
    folder = files("progan") / "recipes"
    if not folder.is_dir():
        return ()
    return tuple(sorted(Path(f.name).stem for f in folder.iterdir() if f.name.endswith(ENDINGS)))


def looks_like_recipe(words: str) -> bool:
    """Whether `words` name a recipe rather than pictures: *.yaml, or a packaged recipe's name.

    A folder or file of the same name in the working directory wins over a packaged recipe.
    """
    if words.lower().endswith(ENDINGS):
        return not Path(words).is_dir()
    return words in packaged_recipes() and not Path(words).exists()


def read(words: str | Path) -> Recipe:
    """Read a recipe: the path of a YAML file, or the name of a packaged one.

    `recipes/NAME.yaml` finds the packaged recipe too, where there is no such file. In a file,
    `data.source` counts from the file's folder if it is written as a relative path, or if it
    names something there that is not a packaged set.
    """
    path = Path(words)
    if path.is_file():
        return _beside(read_recipe(path), path.parent)
    known = packaged_recipes()
    stem = path.stem if path.suffix.lower() in ENDINGS else path.name
    if stem in known and path.parent in (Path(), Path("recipes")):
        text = (files("progan") / "recipes" / f"{stem}.yaml").read_text(encoding="utf-8")
        return parse_recipe(text, f"{stem}.yaml")
    if path.suffix.lower() in ENDINGS and path.parent != Path("recipes"):
        return read_recipe(path)  # says that it is missing, or a folder
    raise ConfigError(choose("recipe", stem, known, "progan train --help"))


def _beside(recipe: Recipe, folder: Path) -> Recipe:
    data = recipe.data
    if "data.source" in recipe.places:
        data = replace(data, source=_found_beside(data.source, folder))
    if "data.second" in recipe.places and data.second is not None:
        data = replace(data, second=_found_beside(data.second, folder))
    if "data.landmarks" in recipe.places and data.landmarks is not None:
        data = replace(data, landmarks=_found_beside(data.landmarks, folder))
    if "data.vectors" in recipe.places and data.vectors not in ("own", "minilm"):
        data = replace(data, vectors=_found_beside(data.vectors, folder))
    return recipe if data == recipe.data else replace(recipe, data=data)


def _found_beside(words: str, folder: Path) -> str:
    path = Path(words)
    if path.is_absolute() or words[:1] == "~":
        return words
    beside = (folder / path).resolve()
    written_as_path = "/" in words or words.startswith(".")
    if not written_as_path and (not beside.exists() or _is_packaged_set(words)):
        return words
    return str(beside)


def _is_packaged_set(name: str) -> bool:
    from progan.data.packaged import PACKAGED

    return name in PACKAGED


def entry_of(recipe: Recipe) -> Entry:
    """The registry's entry for the system of a recipe."""
    if recipe.system not in SYSTEMS:
        place = recipe.places.get("system", "")
        message = choose("system", recipe.system, SYSTEMS, "progan describe")
        raise ConfigError(f"{place}: {message}" if place else message)
    return SYSTEMS[recipe.system]


def resolve(recipe: Recipe) -> tuple[Entry, Any]:
    """The registry's entry for a recipe, and the settings of its system as a config object.

    Raises ConfigError with the place where the wrong word was said.
    """
    entry = entry_of(recipe)
    return entry, system_config(recipe, load_config_class(entry.name))


def with_usual_preset(recipe: Recipe, device: str) -> Recipe:
    """The recipe with the preset that suits a type of device, where it names none."""
    if recipe.preset is not None:
        return recipe
    _, config = resolve(recipe)
    return replace(recipe, preset=getattr(type(config), "DEVICE_PRESETS", {}).get(device))


def with_captions(recipe: Recipe) -> Recipe:
    """The recipe with captions looked for, where its system takes them and nothing is said.

    Of packaged sets the classes are left: a portrait's caption says more than its hair style.
    """
    takes = getattr(load_config_class(entry_of(recipe).name), "CAPTIONED", False)
    if recipe.data.captions != "auto" or not takes:
        return recipe
    own = recipe.data.labels == "auto" and _is_packaged_set(recipe.data.source)
    labels = "none" if own else recipe.data.labels
    return replace(recipe, data=replace(recipe.data, captions="found", labels=labels))


def with_domains(recipe: Recipe) -> Recipe:
    """The recipe with two domains read as its system takes them, where nothing is said.

    Raises ConfigError where two are named for a system that takes one.
    """
    takes = _domains_of(recipe)
    data = recipe.data
    if data.domains == "auto":
        if not takes and data.second is not None:
            raise ConfigError(
                f"{recipe.system} learns from one kind of pictures, and two sources are named: "
                f"{data.source} and {data.second}. Name one, a name with spaces in quotes; or a "
                "system that translates: progan train cyclegan A B"
            )
        return replace(recipe, data=replace(data, domains=takes)) if takes else recipe
    if data.domains != takes:
        needs = f"{takes} ones" if takes else "pictures of one kind"
        raise ConfigError(
            f"data.domains is {data.domains}, but {recipe.system} learns from {needs}. Leave it "
            "out: --set data.domains=auto"
        )
    return recipe


def _domains_of(recipe: Recipe) -> Literal["", "unpaired", "paired", "layouts"]:
    """How a system takes two domains; empty for one that takes one."""
    entry = entry_of(recipe)
    if entry.domains or (recipe.data.second is None and recipe.data.domains == "auto"):
        return entry.domains
    from progan.core.batch import Layout, Paired, Unpaired

    kinds: dict[type[Any], Literal["unpaired", "paired", "layouts"]] = {
        Unpaired: "unpaired",
        Paired: "paired",
        Layout: "layouts",
    }
    found = kinds.get(load_system_class(entry.name).batch_type)
    return found or ""


def describe_systems() -> tuple[SystemRow, ...]:
    """All systems, in the order of the registry."""
    return tuple(_row(entry) for entry in SYSTEMS.values())


def _row(entry: Entry) -> SystemRow:
    cls = load_config_class(entry.name)
    help_: Mapping[str, str] = getattr(cls, "PRESET_HELP", {})
    return SystemRow(
        name=entry.name,
        summary=entry.summary,
        paper=entry.paper,
        presets={name: help_.get(name, "") for name in getattr(cls, "PRESETS", {})},
        settings=sum(not setting.group for setting in describe_class(cls)),
    )


def describe(name: str, preset: str | None = None) -> tuple[Setting, ...]:
    """Every setting of a system with its help, then those of `data.` and `train.`.

    Values are those of `preset`, or of the first one.
    """
    recipe = Recipe(system=name, preset=preset)
    cls = load_config_class(entry_of(recipe).name)
    chosen = preset_of(recipe, cls)
    overrides = getattr(cls, "PRESETS", {})[chosen] if chosen is not None else {}
    rows = describe_class(cls, overrides)
    for part, settings in (("data", DataSettings), ("train", TrainSettings)):
        rows += tuple(replace(row, key=f"{part}.{row.key}") for row in describe_class(settings))
    return rows


def system_schema(name: str) -> dict[str, Any]:
    """The JSON schema of a system's settings: what may stand under `set:`."""
    return schema(load_config_class(entry_of(Recipe(system=name)).name))
