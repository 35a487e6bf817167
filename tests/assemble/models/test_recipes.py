from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from imported import imported
from misspelt import misspellings, swapped_words
from progan.assemble.models.recipes import (
    describe,
    describe_systems,
    looks_like_recipe,
    packaged_recipes,
    read,
    resolve,
    system_schema,
)
from progan.core.config import Recipe, apply_sets, lock, parse_recipe
from progan.core.errors import ConfigError
from progan.systems.registry import SYSTEMS, load_config_class

PRESETS = [
    (name, preset) for name in SYSTEMS for preset in (*load_config_class(name).PRESETS, None)
]


# Finding


def write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.yaml").write_text(text, encoding="utf-8")
    return folder / "recipe.yaml"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("../猫 #1", "{up}/猫 #1"),
        ("./faces.zip", "{here}/faces.zip"),
        ("there/below", "{here}/there/below"),
        ("cats", "{here}/cats"),  # stands beside the recipe
        ("dogs", "dogs"),  # does not
        ("portraits", "portraits"),  # does, but is a packaged set
        ("/abs/olute", "/abs/olute"),
        ("~/cats", "~/cats"),
    ],
)
def test_a_path_in_a_recipe_counts_from_its_folder(
    tmp_path: Path, source: str, expected: str
) -> None:
    path = write(tmp_path / "in", f'data: {{source: "{source}"}}')
    for name in ("cats", "portraits"):
        (tmp_path / "in" / name).mkdir()
    here = (tmp_path / "in").resolve()
    assert read(path).data.source == expected.format(here=here, up=here.parent)


def test_a_source_that_is_not_said_is_left_alone(tmp_path: Path) -> None:
    assert read(write(tmp_path, "system: progan")) == Recipe()


@pytest.mark.parametrize("words", ["no_such_recipe", "recipes/no_such_recipe.yaml"])
def test_an_unknown_recipe_is_refused_with_a_command(words: str) -> None:
    with pytest.raises(ConfigError, match=r'"no_such_recipe" is not a recipe.*progan '):
        read(words)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(ConfigError, match=r"mine/no_such\.yaml does not exist\. .*progan train"):
        read("mine/no_such.yaml")


@pytest.mark.parametrize("name", packaged_recipes())
def test_every_packaged_recipe_is_found_by_name_and_by_path_and_resolves(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert looks_like_recipe(name)
    assert read(name) == read(f"{name}.yaml") == read(f"recipes/{name}.yaml")
    entry, config = resolve(read(name))
    assert isinstance(config, load_config_class(entry.name))


def test_words_that_end_in_yaml_are_a_recipe_and_a_folder_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "odd.yaml").mkdir()
    assert looks_like_recipe("cats.yaml")
    assert looks_like_recipe("CATS.YML")
    assert not looks_like_recipe("odd.yaml")
    assert not looks_like_recipe("cats")


# Resolving


def test_a_misspelt_system_is_told_with_its_place() -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(parse_recipe("# mine\nsystem: porgan", "recipe.yaml"))
    message = str(caught.value)
    assert message.startswith('recipe.yaml line 2: "porgan" is not a system. ')
    assert message.endswith("Did you mean progan? See: progan describe")


@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_every_preset_resolves_and_its_lock_gives_it_back(name: str, preset: str | None) -> None:
    recipe = Recipe(system=name, preset=preset)
    entry, config = resolve(recipe)
    assert entry.name == name
    again = parse_recipe(lock(recipe, config))
    assert resolve(again) == (entry, config)


def test_a_word_reaches_the_settings_of_a_system() -> None:
    _, config = resolve(apply_sets(Recipe(), ["optimizer.lr=2e-4", "batch.4=3"]))
    assert config.optimizer.lr == 0.0002
    assert config.batch[4] == 3


# Describing


def test_every_system_has_a_row_with_a_sentence_for_each_preset() -> None:
    rows = describe_systems()
    assert [row.name for row in rows] == list(SYSTEMS)
    for row in rows:
        assert row.summary
        assert row.paper
        assert row.settings > 0
        assert all(row.presets.values()), f"{row.name}: a preset without help"


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_setting_has_help_and_a_key_of_its_own(name: str) -> None:
    rows = describe(name)
    assert len({row.key for row in rows}) == len(rows)
    assert [row.key for row in rows if not row.help] == []


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_described_value_can_be_said_again(name: str) -> None:
    config = resolve(Recipe(system=name))[1]
    words = [
        f"{row.key}={json.dumps(row.value)}"
        for row in describe(name)
        if not row.group and not isinstance(row.value, dict)
    ]
    said = apply_sets(Recipe(system=name), words)
    assert resolve(said)[1] == config
    assert (said.data, said.train) == (Recipe().data, Recipe().train)


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_schema_has_the_fields_of_the_config(name: str) -> None:
    top_level = [row.key for row in describe(name) if "." not in row.key]
    assert list(system_schema(name)["properties"]) == top_level


def test_an_unknown_system_or_preset_cannot_be_described() -> None:
    with pytest.raises(ConfigError, match="Did you mean gan"):
        describe("gna")
    with pytest.raises(ConfigError, match="is not a preset"):
        describe("progan", "papier")


# Goal U6: the meant key comes first, for every key of every system


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_meant_key_comes_first_for_98_of_100_misspellings(name: str) -> None:
    chance = random.Random(0)
    keys = [row.key for row in describe(name)]
    right, wrong = 0, []
    for key in keys:
        for typed in (*misspellings(key, 8, chance), *swapped_words(key)):
            if typed in keys:
                continue
            with pytest.raises(ConfigError) as caught:
                resolve(apply_sets(Recipe(system=name), [f"{typed}=1"]))
            meant = str(caught.value).partition("Did you mean ")[2].split(" (")[0].split("?")[0]
            if meant == key:
                right += 1
            else:
                wrong.append(f"{typed} → {meant or 'nothing'}, not {key}")
    assert right + len(wrong) > 8 * len(keys) * 0.9
    assert right / (right + len(wrong)) >= 0.98, wrong


def test_reading_and_describing_do_not_import_torch() -> None:
    code = (
        "from progan.assemble.models.recipes import describe_systems, describe, resolve, "
        "system_schema; from progan.core.config import Recipe; describe_systems(); "
        "describe('progan'); resolve(Recipe()); system_schema('gan')"
    )
    assert imported(code, "torch") == set()
