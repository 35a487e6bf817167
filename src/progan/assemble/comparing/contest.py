"""Carry out a comparison: train every contestant with every seed, measure all alike.

What is done already is not done again, so a comparison that was cut goes on where it stopped. Each
training is a run like any other, in a folder of its own: `FOLDER/CONTESTANT-SEED`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from progan.assemble.comparing.at_once import measure_at_once, train_at_once
from progan.assemble.comparing.contestants import StoppedError, Trains, refuse_other, train_one
from progan.assemble.comparing.numbers import Asked, measured
from progan.assemble.models.recipes import resolve
from progan.core.comparison import Comparison, Entry, parse_comparison, slug_of
from progan.core.config import Recipe, choose, read_recipe
from progan.core.errors import CheckpointError, ConfigError, TrainingError
from progan.core.words import typed
from progan.metrics.extracted import Extractor

__all__ = ["StoppedError", "carry_out", "gather", "packaged_comparisons", "read_comparison"]

ENDINGS = (".yaml", ".yml")

Hears = Callable[[str], None]


def packaged_comparisons() -> tuple[str, ...]:
    """Names of the comparisons that come with the package."""
    folder = files("progan") / "comparisons"
    if not folder.is_dir():
        return ()
    return tuple(sorted(Path(f.name).stem for f in folder.iterdir() if f.name.endswith(ENDINGS)))


def read_comparison(
    words: str,
    extractor: str | None = None,
    *,
    minutes: float | None = None,
    seeds: Sequence[int] | None = None,
) -> Comparison:
    """Read a comparison: the path of a YAML file, or the name of a packaged one.

    `extractor`, `minutes` of each training and `seeds` take the place of what it says.

    Raises: ConfigError where there is none, or where it says what cannot be; nothing is trained
    before every contestant's settings are understood.
    """
    path = Path(words)
    stem = path.stem if path.suffix.lower() in ENDINGS else path.name
    if path.is_file():
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            raise ConfigError(
                f"{path} cannot be read as text, so it is no comparison: progan compare --help"
            ) from None
    elif stem in packaged_comparisons():
        text = (files("progan") / "comparisons" / f"{stem}.yaml").read_text(encoding="utf-8")
    else:
        known = packaged_comparisons()
        raise ConfigError(choose("comparison", stem, known, "progan compare --help"))
    found = parse_comparison(text, path.name)
    if minutes is not None:
        timed = {
            name: replace(recipe, train=replace(recipe.train, minutes=minutes))
            for name, recipe in found.contestants.items()
        }
        found = replace(found, contestants=timed)
    for recipe in found.contestants.values():
        resolve(recipe)
    found = replace(found, extractor=extractor or found.extractor)
    found = found if seeds is None else replace(found, seeds=tuple(seeds))
    metrics = _known(found.metrics, found.extractor)
    return replace(found, name=stem, metrics=metrics)


def carry_out(
    comparison: Comparison,
    folder: Path,
    *,
    trains: Trains,
    heard: Hears,
    device: str | None = None,
    at_once: int = 1,
    worker: str = "",
    words: Sequence[str] = (),
) -> list[Entry]:
    """Train and measure whatever is missing in `folder`; trainings begin in order.

    With `at_once` above 1, so many train side by side, each in a process of its own with its share
    of the cores, and are measured side by side when the last is done
    (`assemble/comparing/at_once.py`).
    `worker` is the module whose `main` trains or measures one of them, and `words` are the command
    as it will remember it.

    A contestant that fails (it diverges, or its settings do not suit the pictures) is told and left
    out of the measures; the others go on. A training that is stopped by the user stops all.

    Raises: ConfigError where a folder holds other settings than the comparison, and
    `StoppedError` where the user stopped.
    """
    measures = _measures_of(comparison)
    asked: list[tuple[Entry, Recipe]] = []
    for name, seed in comparison.trainings():
        recipe = comparison.recipe(name, seed)
        if device is not None:
            recipe = replace(recipe, train=replace(recipe.train, device=device))
        entry = Entry(contestant=name, seed=seed, run=folder / f"{slug_of(name)}-{seed}")
        refuse_other(recipe, entry.run)
        asked.append((entry, recipe))
    if at_once > 1:
        trained = train_at_once(asked, folder, at_once, worker=worker, words=words, heard=heard)
        left = [entry for entry in trained if not entry.failed]
        measure_at_once(
            left,
            measures,
            folder,
            at_once,
            worker=worker,
            extractor=comparison.extractor,
            heard=heard,
        )
        return [entry if entry.failed else measured(entry, measures, heard) for entry in trained]
    found: list[Entry] = []
    for number, (entry, recipe) in enumerate(asked, start=1):
        heard(f"{number} of {len(asked)}   {entry.contestant}, seed {entry.seed}   {entry.run}")
        try:
            train_one(recipe, entry.run, trains)
        except (TrainingError, CheckpointError, ConfigError) as error:
            heard(f"Left out: {error}")
            found.append(replace(entry, failed=str(error)))
            continue
        found.append(measured(entry, measures, heard))
    return found


def gather(
    runs: Sequence[Path],
    *,
    metrics: Sequence[str] | None,
    images: int | None,
    extractor: str | None = None,
    heard: Hears,
) -> tuple[Comparison, list[Entry]]:
    """Finished runs as a comparison: those whose recipes differ in the seed alone belong together.

    Two runs of one recipe and one seed are two contestants.

    Raises: ConfigError for a folder without a recipe, or for fewer than two contestants.
    """
    groups: dict[str, tuple[Recipe, list[tuple[int, Path]]]] = {}
    for run in runs:
        asked = run / "recipe.yaml"
        recipe = read_recipe(asked if asked.is_file() else run / "recipe.lock.yaml")
        plain = replace(recipe, train=replace(recipe.train, seed=0), places={})
        alike = (seeds for known, seeds in groups.values() if known == plain)
        members = next((s for s in alike if recipe.train.seed not in dict(s)), None)
        if members is None:
            members = []
            groups[_group_name(run.name, recipe.train.seed, groups)] = (plain, members)
        members.append((recipe.train.seed, run))
    if len(groups) < 2:
        raise ConfigError(
            f"{len(groups)} contestant came: the runs differ in their seeds alone. Compare with "
            f"runs of another recipe: {typed('progan', 'compare', 'runs/A-0', 'runs/B-0')}"
        )
    comparison = Comparison(
        name="runs",
        title=" and ".join(groups),
        contestants={key: recipe for key, (recipe, _) in groups.items()},
        seeds=tuple(dict.fromkeys(seed for _, members in groups.values() for seed, _ in members)),
        metrics=_known(metrics, extractor),
        extractor=extractor,
        images=images,
    )
    measures = _measures_of(comparison)
    found = []
    for key, (_, members) in groups.items():
        for seed, run in members:
            heard(f"{key}, seed {seed}   {run}")
            entry = Entry(contestant=key, seed=seed, run=run)
            found.append(measured(entry, measures, heard))
    return comparison, found


def _group_name(name: str, seed: int, taken: Collection[str]) -> str:
    """A run's name without its seed; numbered, where another contestant has it."""
    plain = name.removesuffix(f"-{seed}").removesuffix(f"_{seed}")
    names = (plain, *(f"{plain} {number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)


def _known(metrics: Sequence[str] | None, extractor: str | None) -> tuple[str, ...] | None:
    """Metrics by the names they have here; raises ConfigError for unknown ones."""
    from progan.metrics.known import METRICS, OWN_NAMES, named

    for name in metrics or ():
        if name not in METRICS and name not in OWN_NAMES:
            raise ConfigError(choose("metric", name, tuple(METRICS), "progan evaluate --help"))
    names = None if metrics is None else tuple(named(name, extractor) for name in metrics)
    if any(METRICS[name].of_training is not None for name in names or ()):
        raise ConfigError(
            "memorisation needs pictures that nobody trained on, and a comparison has none: "
            "progan evaluate RUN --metrics memorisation --against PICTURES"
        )
    if asking := [name for name in names or () if METRICS[name].of_translations]:
        raise ConfigError(
            f"{asking[0]} is measured of one translator at a time: progan evaluate RUN "
            f"--metrics {asking[0]}"
        )
    using = [name for name in names or () if METRICS[name].sees]
    if using and extractor is None:
        raise ConfigError(
            f"{', '.join(using)}: measured of features; say whose: --extractor FILE, of one that "
            "was trained on these pictures: progan metrics train-extractor DATA"
        )
    return names


def _measures_of(comparison: Comparison) -> Asked:
    """What is measured of each, and by whose features."""
    return Asked(
        metrics=comparison.metrics,
        images=comparison.images,
        extractor=_extractor_of(comparison),
    )


def _extractor_of(comparison: Comparison) -> Extractor | None:
    """The network whose features are measured; raises ConfigError where it is not there."""
    from progan.extractors.names import lookup

    return None if comparison.extractor is None else lookup(comparison.extractor)
