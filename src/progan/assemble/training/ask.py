"""What a user typed, made into a recipe and a source. Torch-free: wrong words are told at once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from progan.assemble.models.recipes import looks_like_recipe, read, resolve, with_domains
from progan.core.config import Recipe, apply_sets
from progan.core.errors import DataError
from progan.core.recipe import DataSettings
from progan.data.opening import Data, open_data
from progan.data.packaged import PACKAGED
from progan.data.records import shown
from progan.data.sources import is_picture
from progan.systems.registry import SYSTEMS

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")

__all__ = ["Asked", "Prepared", "name_of", "prepare", "run_name"]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the user typed."""

    words: str
    """A source of pictures, or a recipe."""
    second: str | None = None
    """The source of the second domain, where it is one of its own."""
    system: str | None = None
    preset: str | None = None
    resolution: int | None = None
    minutes: float | None = None
    images: int | None = None
    seed: int | None = None
    name: str | None = None
    device: str | None = None
    exact: bool = False
    sets: Sequence[str] = ()
    runs: Path = Path("runs")
    tensorboard: bool = False
    began: float = field(default_factory=time.monotonic)
    """`time.monotonic()` at Enter."""


@dataclass(frozen=True)
class Prepared:
    """A recipe whose words are all understood, and a source that is there."""

    asked: Asked
    recipe: Recipe
    source: Data


def prepare(asked: Asked) -> Prepared:
    """Understand every word and open the source.

    Raises ConfigError or DataError, before anything is built or written.
    """
    recipe = as_it_is(recipe_of(asked))
    resolve(recipe)
    recipe = with_domains(recipe)
    source = open_data(recipe.data)
    count = min(source.count, recipe.data.images or source.count)
    if SYSTEMS[recipe.system].one_picture and count > 1:
        raise DataError(
            f"{recipe.system} learns from one picture, and {shown(recipe.data.source)} holds "
            f"{count:,}. Give one file: progan train PICTURE.jpg --system {recipe.system}"
        )
    return Prepared(asked, recipe, source)


def recipe_of(asked: Asked) -> Recipe:
    """The recipe that was named, or one for the source that was, with every option applied."""
    if asked.second is None and looks_like_recipe(asked.words):
        recipe = read(asked.words)
    else:
        recipe = Recipe(data=DataSettings(source=asked.words))
    if asked.second is not None:
        recipe = replace(recipe, data=replace(recipe.data, source=asked.words, second=asked.second))
    if asked.system:
        recipe = replace(recipe, system=asked.system)
    if asked.preset:
        recipe = replace(recipe, preset=asked.preset)
    if asked.resolution:
        recipe = replace(recipe, data=replace(recipe.data, resolution=asked.resolution))
    train = recipe.train
    if asked.minutes is not None:
        train = replace(train, minutes=asked.minutes, images=None)
    if asked.images is not None:
        train = replace(train, images=asked.images, minutes=None)
    if asked.seed is not None:
        train = replace(train, seed=asked.seed)
    if asked.device:
        train = replace(train, device=asked.device)
    if asked.exact:
        train = replace(train, exact=True)
    return apply_sets(replace(recipe, train=train), asked.sets)


def as_it_is(recipe: Recipe) -> Recipe:
    """The recipe with its one picture left in its own shape, where a system learns from one."""
    data = recipe.data
    if recipe.system not in SYSTEMS or not SYSTEMS[recipe.system].one_picture:
        return recipe
    if data.crop != "centre" or data.source in PACKAGED:
        return recipe
    path = Path(data.source).expanduser()
    try:
        if not path.is_file():
            return recipe
        with path.open("rb") as file:
            head = file.read(16)
    except OSError:
        return recipe  # opening the source will say why
    return replace(recipe, data=replace(data, crop="whole")) if is_picture(head) else recipe


def name_of(words: str) -> str:
    """Name of the run folder for a source or recipe: its last part, without an ending."""
    path = Path(words).expanduser()
    name = path.resolve().name if path.exists() else path.name
    for ending in (".gz", ".zip", ".npz", ".yaml", ".yml", *PICTURES):
        name = name.removesuffix(ending)
    return name or "run"


def run_name(asked: Asked) -> str:
    """Name of the run folder for what was asked: of two sources both names."""
    if asked.second is None:
        return name_of(asked.words)
    return f"{name_of(asked.words)}-{name_of(asked.second)}"
