"""Reading and writing recipes: strict, and with messages that say where and what to type.

    recipe = read_recipe(path)                                 # YAML → Recipe
    recipe = apply_sets(recipe, ["optimizer.lr=2e-4", "data.mirror=true"])
    config = system_config(recipe, ProGANConfig)               # class ← preset ← set
    path.write_text(lock(recipe, config, plan.stages))         # replays the run

Every mistake is one ConfigError of one line: the place, what came, what must hold, a command.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

from progan.core.errors import ConfigError, RoomError
from progan.core.hints import alternatives, hints_at, is_mapping, spots, type_words
from progan.core.plan import Stage
from progan.core.recipe import DataSettings, Recipe, TrainSettings
from progan.core.settings import (
    Draft,
    RefusedError,
    UnknownKeyError,
    WrongValueError,
    to_plain,
)
from progan.core.spelling import nearest
from progan.core.yaml_text import Document, read_yaml, write_yaml

__all__ = [
    "DataSettings",
    "Recipe",
    "TrainSettings",
    "apply_sets",
    "choose",
    "lock",
    "parse_recipe",
    "read_recipe",
    "recipe_text",
    "show",
    "system_config",
    "to_plain",
    "write_recipe",
]

C = TypeVar("C")

PARTS = ("system", "preset", "data", "train", "set", "plan")
"""The keys of a recipe, in the order they are written."""

A_PART = "a part of a recipe"

LONGEST_SHOWN = 60


def read_recipe(path: str | Path) -> Recipe:
    """Read a recipe file; a ConfigError names the file and the line."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(
            f"{path} does not exist. Name a recipe, or train a folder: progan train FOLDER"
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(
            f"{path} is not text in UTF-8, so it is no recipe. "
            "To train on a folder or archive of pictures: progan train FOLDER"
        ) from None
    except IsADirectoryError:
        raise ConfigError(
            f"{path} is a folder, not a recipe. To train on its pictures: progan train {path}"
        ) from None
    except OSError as error:
        raise RoomError(
            f"{path} cannot be read ({error.strerror}). Make it readable, then: progan train {path}"
        ) from None
    return parse_recipe(text, str(path))


def parse_recipe(text: str, name: str = "recipe") -> Recipe:
    """Read a recipe from YAML text; `name` stands before the line in messages."""
    document = read_yaml(text, name)
    if not isinstance(document.value, dict):
        came = "nothing" if document.value is None else show(document.value)
        raise ConfigError(
            f"{name} holds {came}; a recipe is keys and values, such as system: progan. "
            "What it may say: progan describe progan"
        )
    places = _places(document, name)
    given = dict(document.value)
    owner = given.get("system")
    owner = owner if isinstance(owner, str) and owner.isidentifier() else "progan"
    draft = Draft.of(Recipe)
    say = _Speaker(draft, owner, places, what=A_PART)
    settings = given.pop("set", None) or {}
    if not isinstance(settings, dict):
        raise say.wrong(WrongValueError("set", settings, Mapping[str, Any]))
    for key, value in draft.assignments(given):
        head, _, rest = key.partition(".")
        if head not in PARTS:
            raise say.unknown(UnknownKeyError(key))
        if head == "set":
            settings = {**settings, rest: value}
        elif not (value is None and key in ("data", "train")):
            say.set(key, value)
    draft.values.update(set=settings, places=places)
    recipe: Recipe = say.build()
    return recipe


def apply_sets(recipe: Recipe, sets: Iterable[str]) -> Recipe:
    """Change a recipe by words like `optimizer.lr=2e-4` or `data.mirror=true`; the last one wins.

    `data.` and `train.` name those parts, `system` and `preset` themselves; everything else is a
    setting of the system, which `system_config` checks. Values are read as YAML.
    """
    for word in sets:
        key, equals, text = (part.strip() for part in word.partition("="))
        place = f"--set {show(word, quote=False)}"
        if not equals or not key or not text:
            example = key or "data.mirror"
            raise ConfigError(
                f"{place} must be KEY=VALUE, with null for none. "
                f"Type: --set {show(example, quote=False)}=VALUE  Keys: progan describe progan"
            )
        value = read_yaml(text, place).value
        if key.partition(".")[0] in PARTS and not key.startswith("set."):
            recipe = replace(recipe, places={**recipe.places, key: place})
            draft = Draft.like(recipe)
            say = _Speaker(draft, recipe.system, recipe.places, what=A_PART)
            for inner, part in draft.assignments({key: value}):
                say.set(inner, part)
            recipe = say.build()
        else:
            key = key.removeprefix("set.")
            places = {**recipe.places, f"set.{key}": place}
            settings = {name: old for name, old in recipe.set.items() if name != key}
            recipe = replace(recipe, set={**settings, key: value}, places=places)
    return recipe


def system_config(recipe: Recipe, cls: type[C]) -> C:
    """The settings of a system: defaults of `cls`, then the preset, then the recipe's `set`.

    Without a preset the first of `cls.PRESETS` is taken. Groups merge; a mapping or a list is
    replaced whole.
    """
    draft = Draft.of(cls)
    preset = preset_of(recipe, cls)
    presets: Mapping[str, Mapping[str, Any]] = getattr(cls, "PRESETS", {})
    say = _Speaker(draft, recipe.system, {})
    if preset is not None:
        for key, value in draft.assignments(presets[preset]):
            say.set(key, value)
    say = _Speaker(draft, recipe.system, recipe.places, prefix="set.", more=_recipe_keys())
    for key, value in draft.assignments(recipe.set):
        say.set(key, value)
    config: C = say.build()
    return config


def preset_of(recipe: Recipe, cls: type) -> str | None:
    """The preset a recipe takes: the one it names, or the first; None if there are none."""
    presets: Mapping[str, Any] = getattr(cls, "PRESETS", {})
    if recipe.preset is None:
        return next(iter(presets), None)
    if recipe.preset not in presets:
        place = recipe.places.get("preset", "")
        raise ConfigError(
            (f"{place}: " if place else "")
            + choose("preset", recipe.preset, presets, f"progan describe {recipe.system}")
        )
    return recipe.preset


def choose(what: str, came: str, known: Iterable[str], command: str) -> str:
    """The message for a name that is not known: `"v3" is not a preset (paper, v2). …`."""
    known = tuple(known)
    names = f" ({', '.join(known)})" if 0 < len(known) <= 12 else ""
    meant = nearest(came, known)
    hint = f" Did you mean {meant}?" if meant else ""
    return f"{show(came)} is not a {what}{names}.{hint} See: {command}"


def write_recipe(recipe: Recipe, path: str | Path) -> None:
    """Write what was asked: everything in `recipe` that differs from the defaults."""
    Path(path).write_text(recipe_text(recipe), encoding="utf-8")


def recipe_text(recipe: Recipe) -> str:
    """The same as text."""
    return write_yaml(_short(recipe))


def lock(recipe: Recipe, config: Any, plan: Sequence[Stage] | None = None) -> str:
    """The text that replays a run: every value as decided, defaults included.

    Reading it gives equal records, an equal config, and `plan` in place of the system's own. With
    a plan, `train.minutes` and `train.images` become null: they have been spent on it.
    """
    stages = recipe.plan if plan is None else tuple(plan)
    train = recipe.train if stages is None else replace(recipe.train, minutes=None, images=None)
    values = {
        "system": recipe.system,
        "preset": preset_of(recipe, type(config)),
        "data": to_plain(recipe.data),
        "train": to_plain(train),
        "set": to_plain(config),
        "plan": to_plain(stages),
    }
    return (
        "# Every value as decided, by progan. To replay: progan train recipe.lock.yaml\n"
        + write_yaml(values)
    )


def show(value: Any, *, quote: bool = True) -> str:
    """A value in one short line, as YAML would say it, with nothing unprintable."""
    if is_dataclass(value) or isinstance(value, Mapping):
        plain = to_plain(value)
        inner = ", ".join(f"{show(k, quote=False)}: {show(v)}" for k, v in plain.items())
        text = f"{{{inner}}}"
    elif isinstance(value, list | tuple):
        text = f"[{', '.join(map(show, value))}]"
    elif isinstance(value, str):
        text = value
    elif value is None or isinstance(value, bool):
        text = "null" if value is None else str(value).lower()
    else:
        text = str(value)
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    if len(text) > LONGEST_SHOWN:
        text = text[:LONGEST_SHOWN] + "…"
    return f'"{text}"' if quote and isinstance(value, str) else text


class _Speaker:
    """Sets keys of a draft, and turns what goes wrong into messages with a place."""

    def __init__(
        self,
        draft: Draft,
        owner: str,
        places: Mapping[str, str],
        *,
        prefix: str = "",
        what: str = "",
        more: Iterable[str] = (),
    ) -> None:
        self.draft, self.owner, self.places, self.prefix = draft, owner, places, prefix
        self.what = what or f"a setting of {owner}"
        self.more = tuple(more)

    def set(self, key: str, value: Any) -> None:
        try:
            self.draft.set(key, value)
        except UnknownKeyError as error:
            raise self.unknown(error) from None
        except WrongValueError as error:
            raise self.wrong(error) from None
        except RefusedError as error:
            raise self.refused(error) from None

    def build(self) -> Any:
        try:
            return self.draft.build()
        except WrongValueError as error:
            raise self.wrong(error) from None
        except RefusedError as error:
            raise self.refused(error) from None

    def unknown(self, error: UnknownKeyError) -> ConfigError:
        known = [key for key in self.draft.walk() if key not in ("places", "set")]
        head, _, last = error.key.rpartition(".")
        entries = [f"{key}.{last}" for key in known if head and self._holds_entries(key)]
        meant = nearest(error.key, [*known, *self.more, *entries])
        hint = ""
        if meant is not None:
            now = self._now(meant)
            hint = f" Did you mean {meant}{f' (now {now})' if now else ''}?"
        elif self.what == A_PART:
            hint = ' Settings of the system stand under "set:".'
        return self._error(error.key, f'"{show(error.key, quote=False)}" is not {self.what}.{hint}')

    def wrong(self, error: WrongValueError) -> ConfigError:
        key, hint = error.key, error.hint
        must = f"it must be {type_words(hint)}"
        if error.value is MISSING:
            return self._error(key, f"{key} is not said; {must}.")
        now = "" if error.now is MISSING else f" (now {show(error.now, quote=False)})"
        if isinstance(error.value, str):
            meant = nearest(error.value, _words(hint))
            now = f". Did you mean {meant}?" if meant else now
        elif not isinstance(error.value, list | dict) and str in alternatives(hint):
            now = f', so quote it: "{show(error.value)}"'
        end = "" if now.endswith("?") else "."
        return self._error(key, f"{key} is {show(error.value)}; {must}{now}{end}")

    def refused(self, error: RefusedError) -> ConfigError:
        """The class's own message, with the place of the setting it begins with."""
        message = error.message
        if "progan " not in message and "--" not in message:
            message = f"{message} See all: progan describe {self.owner}"
        first = message.split(maxsplit=1)[0].strip("\"':,;")
        group = f"{error.key}." if error.key else ""
        for key in (first, f"{group}{first}", error.key):
            if key and (place := self._place(key)):
                return ConfigError(f"{place}: {message}")
        return ConfigError(message)

    def _error(self, key: str, message: str) -> ConfigError:
        place = self._place(key)
        start = f"{place}: " if place else ""
        return ConfigError(f"{start}{message} See all: progan describe {self.owner}")

    def _place(self, key: str) -> str:
        """Where a key was said: itself, or the nearest part around it."""
        whole = f"{self.prefix}{key}"
        while whole:
            if whole in self.places:
                return self.places[whole]
            whole = whole.rpartition(".")[0]
        return ""

    def _now(self, key: str) -> str:
        try:
            value = self.draft.get(key)
        except KeyError:
            return ""
        return "" if isinstance(value, Draft) else show(value, quote=False)

    def _holds_entries(self, key: str) -> bool:
        hints = hints_at(self.draft.cls, key.split("."))
        return any(is_mapping(choice) for hint in hints for choice in alternatives(hint))


def _places(document: Document, name: str) -> dict[str, str]:
    """Every dotted key of a file → where it stands; the same key in two spellings is refused."""
    places: dict[str, str] = {}
    for path, line in document.lines.items():
        key = ".".join(map(str, path))
        if key in places:
            raise ConfigError(
                f"{name} line {line}: {show(key, quote=False)} is said twice, first at "
                f"{places[key]}. Keep one of them; what it means: progan describe progan"
            )
        places[key] = f"{name} line {line}"
    return places


def _recipe_keys() -> list[str]:
    """The keys of a recipe that are no setting of its system."""
    parts = {"data": DataSettings, "train": TrainSettings}
    return ["preset", *(f"{part}.{name}" for part, cls in parts.items() for name in spots(cls))]


def _words(hint: Any) -> list[str]:
    """The words that a choice offers."""
    choices = [get_args(one) for one in alternatives(hint) if get_origin(one) is Literal]
    return [word for words in choices for word in words if isinstance(word, str)]


def _short(recipe: Recipe) -> dict[str, Any]:
    """A recipe as plain data, without what is as by default."""
    short: dict[str, Any] = {"system": recipe.system}
    if recipe.preset is not None:
        short["preset"] = recipe.preset
    for part, settings in (("data", recipe.data), ("train", recipe.train)):
        default = to_plain(type(settings)())
        differs = {k: v for k, v in to_plain(settings).items() if v != default[k]}
        if differs:
            short[part] = differs
    if recipe.set:
        short["set"] = to_plain(recipe.set)
    if recipe.plan is not None:
        short["plan"] = to_plain(recipe.plan)
    return short
