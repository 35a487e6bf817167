from __future__ import annotations

import json
import re

import pytest

from progan.assemble.models.recipes import describe, describe_systems
from progan.core.config import apply_sets, system_config
from progan.core.recipe import Recipe
from progan.systems.registry import load_config_class
from small_world import Cli

SYSTEMS = [row.name for row in describe_systems()]


def test_without_words_every_system_is_listed_with_its_presets(cli: Cli) -> None:
    printed = " ".join(cli("describe").out.split())
    for row in describe_systems():
        assert row.summary in printed
        assert row.paper in printed
        assert ", ".join(row.presets) in printed
        assert f"{row.settings} settings: progan describe {row.name}" in printed


@pytest.mark.parametrize("width", ["100", "60"])
@pytest.mark.parametrize("system", SYSTEMS)
def test_every_setting_stands_with_value_help_and_type(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, system: str, width: str
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    said = cli("describe", system)
    assert max(map(len, said.out.splitlines())) <= int(width)
    printed = " ".join(said.out.split())
    for setting in describe(system):
        if not setting.group:
            equals = "= " if width == "60" else ""
            assert f"{setting.key} {equals}" in printed
            assert f"{setting.help} [{setting.type}]" in printed
    for preset, text in next(r for r in describe_systems() if r.name == system).presets.items():
        assert f"{preset} {' '.join(text.split())}" in printed


@pytest.mark.parametrize("system", SYSTEMS)
def test_printed_values_can_be_typed_behind_set(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    printed = " ".join(cli("describe", system).out.split())
    plain, sets = Recipe(system=system), []
    for setting in describe(system):
        if not setting.group:
            below = re.escape(f"{setting.help} [{setting.type}]")
            value = re.search(rf" {re.escape(setting.key)} = (.*?) {below}", printed)
            assert value is not None
            sets.append(f"{setting.key}={value[1]}")
    typed, cls = apply_sets(plain, sets), load_config_class(system)
    assert system_config(typed, cls) == system_config(plain, cls)
    assert (typed.data, typed.train) == (plain.data, plain.train)


def test_a_presets_departures_are_marked(cli: Cli) -> None:
    printed = cli("describe", "gan", "--preset", "mlp").out
    assert "as in mlp, * where it departs" in printed
    starred = set(re.findall(r"^\* ([\w.]+)", printed, re.MULTILINE))
    assert starred == {"network", "batch", "optimizer.kind", "optimizer.lr", "optimizer.momentum"}


def test_the_schema_is_json_that_names_every_setting(cli: Cli) -> None:
    schema = json.loads(cli("describe", "progan", "--schema").out)
    tops = {setting.key.split(".")[0] for setting in describe("progan")} - {"data", "train"}
    assert set(schema["properties"]) == tops


def test_packaged_recipes_are_listed_and_printed(
    cli: Cli, tmp_path: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    from progan.assemble.models import recipes
    from progan.cli import describe as verb

    text = "# ProGAN on toys.\n# Run: progan train toys\nsystem: progan\n"
    monkeypatch.setattr(recipes, "packaged_recipes", lambda: ("toys",))
    monkeypatch.setattr(verb, "_recipe_text", lambda name: text)
    assert "toys  ProGAN on toys." in cli("describe", "--recipes").out
    assert "toys  ProGAN on toys." in cli("describe").out
    assert "toys" in cli("describe", "progan", "--recipes").out
    assert "No recipe of gan" in cli("describe", "gan", "--recipes").out
    assert cli("describe", "toys").out == text
