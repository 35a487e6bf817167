"""A comparison as records: who is trained, how long, with which seeds, and what is asked.

    comparison = parse_comparison(text, "duel.yaml")
    comparison.recipe("cGAN", seed=1)      # a recipe like any other

A comparison file is YAML with the parts of a recipe that all share (`data`, `train`), a recipe for
each contestant that says the rest, and what is to be measured:

    train: {minutes: 10}
    seeds: [0, 1, 2]
    metrics: [swd, msssim]
    contestants:
      ProGAN: {system: progan}
      DCGAN: {system: gan}
    questions:
      - {lower: ProGAN, than: DCGAN, metric: swd, level: 16, words: ProGAN draws better outlines}
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from progan.core.config import parse_recipe
from progan.core.errors import ConfigError
from progan.core.recipe import Recipe
from progan.core.yaml_text import read_yaml, write_yaml

__all__ = ["Comparison", "Entry", "Question", "parse_comparison", "slug_of"]

PARTS = (
    *("title", "data", "train", "seeds", "metrics", "extractor", "images"),
    *("contestants", "questions"),
)
SHARED = ("data", "train")
LONGEST_NAME = 60
MOST = 100
"""Contestants, seeds or questions."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A claim that the numbers can bear out, refute or leave open."""

    lower: str
    """The contestant whose value is claimed to be the lower one."""
    than: str
    metric: str
    level: str | None = None
    """Level of the metric; None: its mean, or its single value."""
    words: str
    """The claim, in words."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Trainings that differ in what is compared and share everything else."""

    name: str
    title: str
    contestants: Mapping[str, Recipe]
    """Name → recipe, in the order of the file. Seeds come from `seeds`."""
    seeds: tuple[int, ...] = (0, 1, 2)
    metrics: tuple[str, ...] | None = None
    """What is measured; None: all that the pictures allow."""
    extractor: str | None = None
    """Whose features are measured, where metrics of features are among `metrics`."""
    images: int | None = None
    """Images of each kind for a measurement; None: the published numbers."""
    questions: tuple[Question, ...] = field(default=())

    def recipe(self, contestant: str, seed: int) -> Recipe:
        """The recipe of one training."""
        recipe = self.contestants[contestant]
        return replace(recipe, train=replace(recipe.train, seed=seed))

    def trainings(self) -> list[tuple[str, int]]:
        """Contestant and seed of each training: seed after seed, so that a machine that becomes
        slower does so for all."""
        return [(name, seed) for seed in self.seeds for name in self.contestants]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One training of a comparison, and what was measured of it."""

    contestant: str
    seed: int
    run: Path
    rows: tuple[Mapping[str, Any], ...] = ()
    """Rows of the measurement: metric, level, value, floor, images, floor_images, extractor."""
    classes: tuple[str, ...] = ()
    """What the rows of its sheets of classes show; none, where it has no sheets."""
    weights: Mapping[str, int] = field(default_factory=dict)
    """Numbers that are learned: of the generator, and of all networks."""
    failed: str = ""
    """Why there is nothing to measure."""


def slug_of(name: str) -> str:
    """A name as part of a folder's: lower case, dashes for everything else."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "contestant"


def parse_comparison(text: str, name: str) -> Comparison:
    """Read a comparison from YAML text; `name` stands in messages.

    Raises: ConfigError, one line, for anything it cannot mean.
    """
    given = read_yaml(text, name).value
    if not isinstance(given, dict) or "contestants" not in given:
        raise ConfigError(
            f"{name} names no contestants; a comparison has at least two, each with a recipe: "
            "contestants: {A: {system: progan}, B: {system: gan}}"
        )
    for key in given:
        if key not in PARTS:
            raise ConfigError(
                f'{name}: a comparison has no part "{_cut(key)}"; it has {", ".join(PARTS)}.'
            )
    seeds = _list(given.get("seeds", [0, 1, 2]), int, "seeds", name)
    if len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise ConfigError(f"{name}: seeds are {seeds}; each is 0 or more and there once.")
    metrics = given.get("metrics")
    images = given.get("images")
    if images is not None and (not _is(images, int) or images < 4):
        raise ConfigError(f"{name}: images is {_cut(images)}; it must be a number, at least 4.")
    extractor = given.get("extractor")
    contestants = _contestants(given, name)
    return Comparison(
        name=name,
        title=_text(given.get("title", " and ".join(contestants)), "title", name),
        contestants=contestants,
        seeds=tuple(seeds),
        metrics=None if metrics is None else tuple(_list(metrics, str, "metrics", name)),
        extractor=None if extractor is None else _text(extractor, "extractor", name),
        images=images,
        questions=_questions(given.get("questions") or [], contestants, name),
    )


def _contestants(given: Mapping[str, Any], name: str) -> dict[str, Recipe]:
    found = given["contestants"]
    if not isinstance(found, dict) or not 2 <= len(found) <= MOST:
        raise ConfigError(
            f"{name}: contestants must be two to {MOST} names, each with a recipe: "
            "contestants: {A: {system: progan}, B: {system: gan}}"
        )
    recipes: dict[str, Recipe] = {}
    for key, said in found.items():
        own = {} if said is None else said
        if not isinstance(own, dict) or not isinstance(key, str) or len(key) > LONGEST_NAME:
            raise ConfigError(
                f"{name}: contestant {_cut(key)} needs a name of at most {LONGEST_NAME} letters "
                "and the parts of a recipe: {system: progan}"
            )
        whole = {part: dict(given.get(part) or {}) for part in SHARED}
        for part, value in own.items():
            both = part in SHARED and isinstance(value, dict)
            whole[part] = {**whole[part], **value} if both else value
        recipe = parse_recipe(write_yaml(whole), f"{name}, contestant {key}")
        if "seed" in whole["train"]:
            raise ConfigError(
                f"{name}, contestant {key}: train.seed is set, but seeds are those of the whole "
                "comparison. Leave it out, and say: seeds: [0, 1, 2]"
            )
        recipes[key] = recipe
    slugs = {slug_of(key) for key in recipes}
    if len(slugs) < len(recipes):
        raise ConfigError(
            f"{name}: two contestants have names that differ in signs alone ({', '.join(recipes)})."
            " Give them different words."
        )
    return recipes


def _questions(given: Any, contestants: Mapping[str, Recipe], name: str) -> tuple[Question, ...]:
    if not isinstance(given, list) or len(given) > MOST:
        raise ConfigError(f"{name}: questions must be a list of at most {MOST}.")
    found = []
    for number, one in enumerate(given, start=1):
        place = f"{name}, question {number}"
        needed = {"lower", "than", "metric", "words"}
        if not isinstance(one, dict) or not needed <= set(one) <= {*needed, "level"}:
            raise ConfigError(
                f"{place} must be {{lower: A, than: B, metric: swd, level: 16, words: …}}, where "
                "level may be left out."
            )
        for role in ("lower", "than"):
            if one[role] not in contestants:
                raise ConfigError(
                    f"{place}: {role} is {_cut(one[role])}, which is no contestant; there are "
                    f"{', '.join(contestants)}."
                )
        level = one.get("level")
        found.append(
            Question(
                lower=one["lower"],
                than=one["than"],
                metric=_text(one["metric"], "metric", place),
                level=None if level is None else str(level),
                words=_text(one["words"], "words", place),
            )
        )
    return tuple(found)


def _list(value: Any, kind: type, key: str, name: str) -> list[Any]:
    if (
        not isinstance(value, Sequence)
        or isinstance(value, str)
        or not 1 <= len(value) <= MOST
        or not all(_is(one, kind) for one in value)
    ):
        what = "whole numbers" if kind is int else "names"
        raise ConfigError(f"{name}: {key} is {_cut(value)}; it must be a list of {what}.")
    return list(value)


def _text(value: Any, key: str, name: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ConfigError(f"{name}: {key} is {_cut(value)}; it must be words.")
    return value.strip()


def _is(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _cut(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:40] + "…"
