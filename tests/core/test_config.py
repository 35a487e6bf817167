from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest

from misspelt import misspellings, swapped_words
from progan.core.config import (
    DataSettings,
    Recipe,
    TrainSettings,
    apply_sets,
    lock,
    parse_recipe,
    read_recipe,
    system_config,
    to_plain,
    write_recipe,
)
from progan.core.errors import ConfigError
from progan.core.plan import Stage
from progan.core.settings import Draft
from progan.core.specs import SGD, Adam, Average, RMSprop


@dataclass(frozen=True, kw_only=True)
class Paper:
    """Every shape a setting can have."""

    latent: int = 512
    images_per_stage: int = 600_000
    penalty: float = 10.0
    lazy: bool = False
    loss: Literal["wgan", "hinge"] = "wgan"
    note: str | None = None
    optimizer: Adam | RMSprop | SGD = field(default_factory=Adam)
    average: Average | None = field(default_factory=Average)
    batch: Mapping[int, int] | None = None
    size: int | tuple[int, int] = 64
    weights: tuple[float, ...] = ()
    stages: tuple[Stage, ...] = ()

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {},
        "small": {"latent": 64, "optimizer.lr": 0.002, "batch": {4: 32, 8: 16}},
    }

    def __post_init__(self) -> None:
        if self.latent < 1:
            raise ConfigError(f"latent is {self.latent}; it must be at least 1.")


def config(text: str, *sets: str) -> Paper:
    return system_config(apply_sets(parse_recipe(text, "recipe.yaml"), sets), Paper)


def complaint(text: str, *sets: str) -> str:
    with pytest.raises(ConfigError) as caught:
        config(text, *sets)
    message = str(caught.value)
    assert "\n" not in message
    assert message.isprintable()
    assert "progan " in message or "--" in message  # names a command, or the words to type
    return message


# Values


def test_a_recipe_that_says_nothing_but_its_system_is_all_defaults() -> None:
    assert parse_recipe("system: progan") == Recipe()
    assert config("system: progan") == Paper()


def test_every_shape_of_setting_is_read() -> None:
    text = """
system: progan
set:
  latent: 1e2
  penalty: 3
  lazy: true
  loss: hinge
  note: "12"
  optimizer: {lr: 2e-4, betas: [0, 0.9]}
  average: {half_life_images: null, decay: 0.999}
  batch: {4: 64, 8: 32}
  size: [48, 64]
  weights: [1, 2.5]
  stages: [{name: a, images: 10, resolution: 4, batch: 2, fade: true}]
"""
    assert config(text) == Paper(
        latent=100,
        penalty=3.0,
        lazy=True,
        loss="hinge",
        note="12",
        optimizer=Adam(lr=0.0002, betas=(0.0, 0.9)),
        average=Average(half_life_images=None, decay=0.999),
        batch={4: 64, 8: 32},
        size=(48, 64),
        weights=(1.0, 2.5),
        stages=(Stage(name="a", images=10, resolution=4, batch=2, fade=True),),
    )


def test_later_layers_win_class_then_preset_then_set_then_words() -> None:
    assert config("preset: small").optimizer == Adam(lr=0.002)
    assert config("preset: small\nset: {optimizer.lr: 0.003}").optimizer == Adam(lr=0.003)
    both = config("preset: small\nset: {optimizer: {lr: 0.003}}", "optimizer.lr=4e-3")
    assert both.optimizer == Adam(lr=0.004)
    assert both.latent == 64
    assert config("system: progan", "latent=1", "latent=2").latent == 2


def test_nested_and_dotted_keys_mean_the_same() -> None:
    nested = config("set: {optimizer: {lr: 0.1, betas: [0, 0]}}")
    assert nested == config("set: {optimizer.lr: 0.1, optimizer.betas: [0, 0]}")
    assert nested == config("set.optimizer.lr: 0.1\nset.optimizer.betas: [0, 0]")


def test_a_group_merges_but_a_mapping_is_replaced_and_its_entries_are_set_by_name() -> None:
    assert config("set: {optimizer: {eps: 1}}").optimizer == Adam(eps=1.0)
    assert config("preset: small\nset: {batch: {4: 1}}").batch == {4: 1}
    assert config("preset: small", "batch.4=1").batch == {4: 1, 8: 16}
    assert config("system: progan", "batch.4=1").batch == {4: 1}


def test_a_kind_starts_from_its_own_defaults_wherever_it_stands() -> None:
    expected = RMSprop(lr=5e-5, decay=0.5)
    assert config("set: {optimizer: {decay: 0.5, kind: RMSprop}}").optimizer == expected
    assert config(
        "preset: small\nset: {optimizer.kind: RMSprop, optimizer.decay: 0.5}"
    ).optimizer == (expected)
    words = ("optimizer.kind=RMSprop", "optimizer.decay=0.5")
    assert config("system: progan", *words).optimizer == expected
    assert config("set: {optimizer: {kind: Adam, lr: 3}}").optimizer == Adam(lr=3.0)


def test_a_group_that_may_be_absent_can_be_dropped_and_taken_up() -> None:
    assert config("set: {average: null}").average is None
    assert config("set: {average: null}", "average.half_life_images=5").average == Average(
        half_life_images=5
    )


def test_words_reach_the_data_and_the_run_by_prefix() -> None:
    recipe = apply_sets(
        Recipe(), ["data.mirror=true", "train.minutes=2", "preset=small", "data={crop: pad}"]
    )
    assert recipe.data == DataSettings(mirror=True, crop="pad")
    assert recipe.train == TrainSettings(minutes=2.0)
    assert recipe.preset == "small"


def test_empty_parts_are_as_good_as_none() -> None:
    assert parse_recipe("system: progan\npreset:\ndata:\ntrain:\nset:\nplan:\n") == Recipe()


# Round trips


def elaborate() -> Recipe:
    return Recipe(
        preset="small",
        data=DataSettings(source="~/猫 画像 #1: yes", resolution=32, channels=1, mirror=True),
        train=TrainSettings(seed=2**63 - 1, minutes=0.1 + 0.2, exact=True),
        set={"optimizer.kind": "RMSprop", "batch": {4: 8}, "note": "2e-4"},
    )


def test_a_written_recipe_is_read_back_equal(tmp_path: Path) -> None:
    for recipe in (Recipe(), elaborate()):
        write_recipe(recipe, tmp_path / "recipe.yaml")
        assert read_recipe(tmp_path / "recipe.yaml") == recipe


def test_a_written_recipe_says_only_what_differs(tmp_path: Path) -> None:
    write_recipe(Recipe(data=DataSettings(mirror=True)), tmp_path / "recipe.yaml")
    assert (tmp_path / "recipe.yaml").read_text() == "system: progan\ndata:\n  mirror: true\n"


def test_a_lock_replays_equal_objects_and_locks_again_to_the_same_text() -> None:
    recipe = elaborate()
    decided = system_config(recipe, Paper)
    plan = (
        Stage(name="4", images=64, resolution=4, batch=8),
        Stage(name="8 fade", images=9, resolution=8, batch=8, fade=True),
    )
    text = lock(recipe, decided, plan)
    again = parse_recipe(text, "recipe.lock.yaml")
    assert system_config(again, Paper) == decided
    assert again.plan == plan
    assert again.data == recipe.data
    # The minutes were spent on the plan: with them, a replay would measure and fit again.
    assert again.train == replace(recipe.train, minutes=None)
    assert lock(again, decided) == text


def test_a_lock_holds_without_the_preset_it_came_from() -> None:
    decided = system_config(elaborate(), Paper)
    again = parse_recipe(lock(elaborate(), decided))

    @dataclass(frozen=True, kw_only=True)
    class Later(Paper):
        latent: int = 7
        PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
            "small": {"penalty": 99.0, "batch": {512: 1}, "optimizer.eps": 1.0}
        }

    assert to_plain(system_config(again, Later)) == to_plain(decided)


def test_a_lock_keeps_the_length_where_no_plan_was_made() -> None:
    recipe = Recipe(train=TrainSettings(images=5_000))
    assert parse_recipe(lock(recipe, Paper())).train == recipe.train


# Complaints


def test_an_unknown_setting_says_where_it_stands_and_what_was_meant() -> None:
    text = "# mine\nsystem: progan\nset:\n  optimiser.lr: 3\n"
    assert complaint(text).startswith(
        'recipe.yaml line 4: "optimiser.lr" is not a setting of progan. '
        "Did you mean optimizer.lr (now 0.001)?"
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "preset: small\nset:\n  optimizer:\n    rl: 3",
            '"optimizer.rl" is not a setting of progan. Did you mean optimizer.lr (now 0.002)?',
        ),
        ("set: {lr: 3}", 'line 1: "lr" is not a setting of progan. Did you mean optimizer.lr'),
        ("set: {zzz: 3}", '"zzz" is not a setting of progan. See all: progan describe progan'),
        ("set: {zzz: {}}", '"zzz" is not a setting'),
        ("set: {mirror: true}", "Did you mean data.mirror"),
        ("set: {batchs: {4: 1}}", '"batchs.4" is not a setting of progan. Did you mean batch.4?'),
        ("set: {optimizer.lr.x: 1}", '"optimizer.lr.x" is not a setting'),
        ("set: {latent: fast}", 'latent is "fast"; it must be a whole number (now 512).'),
        ("set: {latent: 1.5}", "latent is 1.5; it must be a whole number (now 512)."),
        ("set: {latent: true}", "latent is true; it must be a whole number (now 512)."),
        ("set: {latent: null}", "latent is null; it must be a whole number (now 512)."),
        ("set: {penalty: .nan}", "penalty is nan; it must be a number"),
        ("set: {lazy: yes}", 'lazy is "yes"; it must be true or false (now false).'),
        ("set: {loss: hing}", "it must be wgan or hinge. Did you mean hinge?"),
        ("set: {note: 12}", 'note is 12; it must be text or null, so quote it: "12".'),
        ("set: {optimizer: 3}", "optimizer is 3; it must be a group of settings."),
        ("set: {optimizer: null}", "optimizer is null; it must be a group of settings."),
        ("set: {optimizer.kind: adam}", "it must be Adam, RMSprop or SGD. Did you mean Adam?"),
        ("set: {optimizer.betas: [0]}", "it must be a list of 2 numbers (now [0.0, 0.99])."),
        ("set: {optimizer.decay: 3}", '"optimizer.decay" is not a setting of progan.'),
        ("set: {batch: {4: a}}", "it must be pairs like {32: 32} or null"),
        ("set: {size: [1, 2, 3]}", "it must be a whole number or a list of 2 whole numbers"),
        ("set:\n  stages:\n  - name: a", "line 3: stages.0.images is not said; it must be"),
        ("set: {latent: 0}", "recipe.yaml line 1: latent is 0; it must be at least 1."),
        ("set: {average.decay: 0.9}", "recipe.yaml line 1: average has half_life_images"),
        ("set: {latent: 1, latent: 2}", '"latent" stands here again, first on line 1'),
        (
            "set:\n  optimizer.lr: 1\n  optimizer:\n    lr: 2",
            "line 4: set.optimizer.lr is said twice",
        ),
        ("preset: smal", '"smal" is not a preset (paper, small). Did you mean small?'),
        ("preset: 3", 'preset is 3; it must be text or null, so quote it: "3".'),
        ("set: [1]", "line 1: set is [1]; it must be pairs"),
        ("dta: {mirror: true}", '"dta.mirror" is not a part of a recipe. Did you mean data.mirror'),
        ("optimizer: {lr: 1}", 'Settings of the system stand under "set:".'),
        ("places: {a: b}", '"places" is not a part of a recipe'),
        ("data:\n  resolution: 48", "line 2: data.resolution is 48; it must be a power of two"),
        ("data: {resolution: 2048}", "--set data.resolution=1024"),
        ("data: {channels: true}", "data.channels is true; it must be 1, 3 or null"),
        ("data: {crop: center}", "it must be centre, pad or whole. Did you mean centre?"),
        ("data: {images: 0}", "data.images is 0; it must be at least 1."),
        ("data: {source: ''}", "data.source is empty"),
        ("train: {seed: -1}", "train.seed is -1; it must be at least 0."),
        ("train: {seed: 9223372036854775808}", "it must be below 2⁶³"),
        ("train: {device: gpu}", "it must be auto, cpu, cuda, or cuda:N"),
        ("train: {minutes: .inf}", "train.minutes is inf; it must be above 0"),
        ("train: {minutes: 1, images: 1}", "the length follows from one of them"),
        ("train: {shards: 0}", "train.shards is 0; it must be at least 1."),
        ("plan: []", "plan has no stages"),
        ("plan: [{name: a, images: 1, resolution: 4, batch: 0}]", "plan.0.batch is 0"),
        ("plan: [{name: a, images: 1, resolution: 4, batch: x}]", 'plan.0.batch is "x"'),
        ("plan: [{name: a, imags: 1}]", '"plan.0.imags" is not a part of a recipe'),
        ("", "recipe.yaml holds nothing"),
        ("- a", 'recipe.yaml holds ["a"]; a recipe is keys and values'),
        ('"a\\nb\\e[31m": 1', '"a\\nb\\x1b[31m" is not a part of a recipe'),
        (f"set: {{{'k' * 500}: 1}}", f'"{"k" * 60}…" is not a setting'),
    ],
)
def test_a_mistake_in_a_recipe_is_told_in_one_line(text: str, says: str) -> None:
    message = complaint(text)
    assert says in message
    assert message.startswith(("recipe.yaml line", "recipe.yaml holds"))
    assert len(message) < 320


@pytest.mark.parametrize(
    ("word", "says"),
    [
        (
            "optimiser.lr=2e-4",
            '"optimiser.lr" is not a setting of progan. Did you mean optimizer.lr',
        ),
        ("data.miror=true", "Did you mean data.mirror (now false)?"),
        ("dta.mirror=true", "Did you mean data.mirror"),
        ("optimizer.lr", "must be KEY=VALUE"),
        ("optimizer.lr=", "must be KEY=VALUE"),
        ("=3", "must be KEY=VALUE"),
        ("latent=[1", "is not YAML"),
        ("latent=*a", "anchors and aliases"),
        ("latent=0", "latent is 0; it must be at least 1."),
        ("train.seed=-1", "train.seed is -1"),
        ("preset=v2", '"v2" is not a preset (paper, small).'),
    ],
)
def test_a_mistake_in_a_word_names_that_word(word: str, says: str) -> None:
    message = complaint("system: progan", word)
    assert says in message
    assert message.startswith(f"--set {word}")


def test_a_mistake_in_an_earlier_word_is_not_blamed_on_a_later_one() -> None:
    assert complaint("system: progan", "latent=0", "penalty=3").startswith("--set latent=0: ")


def test_a_recipe_made_in_python_complains_without_a_place() -> None:
    with pytest.raises(ConfigError, match=r'^"latnt" is not a setting of progan\.'):
        system_config(Recipe(set={"latnt": 3}), Paper)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "does not exist"),
        (b"\xff\xd8\xff", "is not text in UTF-8"),
        ("folder", "is a folder"),
    ],
)
def test_a_file_that_is_no_recipe_is_told_from_one(
    tmp_path: Path, content: bytes | str | None, says: str
) -> None:
    path = tmp_path / "recipe.yaml"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content:
        path.mkdir()
    with pytest.raises(ConfigError, match=says) as caught:
        read_recipe(path)
    assert str(path) in str(caught.value)


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_bytes(b"\xef\xbb\xbfsystem: progan\r\npreset: small\r\n")
    assert read_recipe(tmp_path / "r.yaml").preset == "small"


# Goal U6: the meant key comes first


def hits(cls: type, keys: list[str], prefix: str = "") -> list[bool]:
    """For every misspelling of every key: whether that key is the one suggested."""
    chance = random.Random(0)
    found = []
    for key in keys:
        for typed in (*misspellings(key, 20, chance), *swapped_words(key)):
            if typed in keys:
                continue
            with pytest.raises(ConfigError) as caught:
                system_config(apply_sets(Recipe(), [f"{prefix}{typed}=1"]), cls)
            meant = str(caught.value).partition("Did you mean ")[2].split(" (")[0].split("?")[0]
            found.append(meant == f"{prefix}{key}")
    return found


def test_the_meant_key_comes_first_for_a_made_up_system() -> None:
    right = hits(Paper, list(Draft.of(Paper).walk()))
    assert len(right) > 200
    assert sum(right) / len(right) >= 0.98


@pytest.mark.parametrize(("prefix", "cls"), [("data.", DataSettings), ("train.", TrainSettings)])
def test_the_meant_key_comes_first_for_the_parts_of_a_recipe(prefix: str, cls: type) -> None:
    right = hits(Paper, list(Draft.of(cls).walk()), prefix)
    assert len(right) >= 150
    assert sum(right) / len(right) >= 0.98
