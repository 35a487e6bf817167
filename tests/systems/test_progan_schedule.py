"""ProGAN's plan, rates and batches, against the golden values of its code."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from progan.core.errors import ConfigError
from progan.core.plan import Plan
from progan.core.specs import Average

Config = Callable[..., Any]


def lod(plan: Plan, images: int, full: int) -> float:
    """The original's level of detail: doublings still to come, counting a fade by what is left."""
    at = plan.at(images)
    assert isinstance(at.resolution, int)
    return math.log2(full / at.resolution) + (1 - at.alpha)


@pytest.mark.parametrize(
    ("preset", "full", "images", "expected", "resolution"),
    [
        ("v2", 1024, 0, 8.0, 4),
        ("v2", 1024, 900_000, 7.5, 8),
        ("v2", 1024, 1_200_000, 7.0, 8),
        ("v2", 1024, 2_100_000, 6.5, 16),
        ("v2", 1024, 9_300_000, 0.5, 1024),
        ("v2", 1024, 9_600_000, 0.0, 1024),
        ("paper", 1024, 12_400_000, 0.5, 1024),
        ("paper", 1024, 12_800_000, 0.0, 1024),
        ("no-growing", 1024, 0, 0.0, 1024),
    ],
)
def test_level_of_detail_has_the_golden_values(
    config_of: Config, preset: str, full: int, images: int, expected: float, resolution: int
) -> None:
    plan = config_of(preset).plan(full)
    assert lod(plan, images, full) == pytest.approx(expected)
    assert plan.at(images).resolution == resolution


@pytest.mark.parametrize(
    ("preset", "full", "fade", "stable"),
    [
        ("v2", 1024, 9_000_000, 9_600_000),
        ("paper", 1024, 12_000_000, 12_800_000),
        ("paper", 256, 8_800_000, 9_600_000),
    ],
)
def test_full_size_begins_to_fade_in_and_settles_when_it_should(
    config_of: Config, preset: str, full: int, fade: int, stable: int
) -> None:
    plan = config_of(preset).plan(full)
    names = [stage.name for stage in plan.stages]
    assert plan.start(names.index(f"{full} fade")) == fade
    assert plan.start(names.index(f"{full}")) == stable


@pytest.mark.parametrize(
    ("preset", "total"),
    [
        ("paper", 19_000_000),
        ("v2", 12_000_000),
        ("v2-8gpus", 12_000_000),
        ("no-growing", 10_000_000),
        ("lsun", 20_000_000),
        ("cifar10", 20_000_000),
        ("table1-a", 10_000_000),
        ("table1-g", 10_000_000),
        ("mnist-1k", 10_000_000),
    ],
)
def test_presets_last_as_long_as_published(config_of: Config, preset: str, total: int) -> None:
    assert config_of(preset).plan(32).images == total


@pytest.mark.parametrize(
    ("preset", "batches"),
    [
        ("paper", [16, 16, 16, 16, 16, 16, 14, 6, 3]),
        ("v2", [128, 128, 128, 64, 32, 16, 8, 4, 4]),
        ("v2-2gpus", [256, 256, 128, 64, 32, 16, 8, 8, 8]),
        ("v2-4gpus", [512, 256, 128, 64, 32, 16, 16, 16, 16]),
        ("v2-8gpus", [512, 256, 128, 64, 32, 32, 32, 32, 32]),
        ("lsun", [16] * 9),
    ],
)
def test_batches_by_resolution_are_those_published(
    config_of: Config, preset: str, batches: list[int]
) -> None:
    plan = config_of(preset).plan(1024)
    assert [stage.batch for stage in plan.stages if not stage.fade] == batches
    for stage in plan.stages:  # a fade already has the batch of the higher resolution
        assert stage.batch == batches[int(math.log2(stage.resolution)) - 2]


@pytest.mark.parametrize(
    ("preset", "rates"),
    [
        ("paper", [1, 1, 1, 1]),
        ("v2", [1, 1, 1, 1.5]),
        ("v2-2gpus", [1, 1, 1.5, 2]),
        ("v2-4gpus", [1, 1.5, 2, 3]),
        ("v2-8gpus", [1.5, 2, 3, 3]),
    ],
)
def test_learning_rates_at_128_to_1024_are_those_published(
    config_of: Config, preset: str, rates: list[float]
) -> None:
    config = config_of(preset)
    assert config.optimizer.lr == 0.001
    assert [config.factor(r, 10**7) for r in (128, 256, 512, 1024)] == rates
    assert config.factor(64, 10**7) == 1


@pytest.mark.parametrize(
    ("images", "factor"), [(0, 0.0067), (20_000, 0.2865), (40_000, 1.0), (90_000, 1.0)]
)
def test_learning_rate_ramps_up_over_40_thousand_images(
    config_of: Config, images: int, factor: float
) -> None:
    assert config_of("paper").factor(4, images) == pytest.approx(factor, abs=5e-5)
    assert config_of("v2").factor(4, images) == 1.0


def test_optimizers_are_reset_at_both_ends_of_each_fade(config_of: Config) -> None:
    stages = config_of("v2").plan(32).stages
    assert [stage.name for stage in stages] == [
        "4",
        "8 fade",
        "8",
        "16 fade",
        "16",
        "32 fade",
        "32",
    ]
    assert [stage.fresh_optimizers for stage in stages] == [False] + [True] * 6
    kept = config_of("v2", fresh_optimizers=False).plan(32).stages
    assert not any(stage.fresh_optimizers for stage in kept)


def test_growing_without_fades_goes_from_one_size_to_the_next(config_of: Config) -> None:
    plan = config_of("v2", fade_images=0).plan(16)
    assert [stage.name for stage in plan.stages] == ["4", "8", "16"]
    assert not any(stage.fade for stage in plan.stages)


def test_growing_may_start_higher_and_end_with_a_stable_stage(config_of: Config) -> None:
    plan = config_of("v2", first_resolution=8, total_images=None).plan(16)
    assert [(stage.name, stage.images) for stage in plan.stages] == [
        ("8", 600_000),
        ("16 fade", 600_000),
        ("16", 600_000),
    ]
    small = config_of("v2", first_resolution=64).plan(16)  # no higher than the pictures
    assert [stage.name for stage in small.stages] == ["16"]


def test_the_last_stage_may_be_longer_than_the_others(config_of: Config) -> None:
    settings = {"stable_images": 100, "fade_images": 80, "total_images": None, "final_images": 400}
    plan = config_of("v2", **settings).plan(16)
    assert [stage.images for stage in plan.stages] == [100, 80, 100, 80, 400]
    assert config_of("v2", **settings, first_resolution=None).plan(16).images == 400
    # an explicit total wins
    assert config_of("v2", **{**settings, "total_images": 1000}).plan(16).images == 1000


def test_the_cpu_presets_train_on_equally_many_images(config_of: Config) -> None:
    assert config_of("cpu").plan(32).images == config_of("cpu-no-growing").plan(32).images


def test_a_run_too_short_to_reach_the_full_size_is_refused_with_the_number(
    config_of: Config,
) -> None:
    with pytest.raises(ConfigError, match="only after 3600000"):
        config_of("v2", total_images=3_600_000).plan(32)


def test_averages_of_the_presets_forget_as_published(config_of: Config) -> None:
    assert config_of("paper").average == Average(half_life_images=None, decay=0.999)
    # Row a sees 5 · 64 images per generator step, row c 5 · 16: 0.999 per 16 images.
    row = config_of("table1-a").average
    assert row.keep(5 * 64) == pytest.approx(0.999**20, abs=1e-5)
    assert row.keep(5 * 16) == pytest.approx(0.999**5, abs=1e-5)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"first_resolution": 6}, "power of two"),
        ({"simultaneous": True, "critic_steps": 5}, "critic_steps is 5"),
        ({"stddev_group": -1}, "stddev_group is -1"),
        ({"penalty": {"every": 0}}, "every 0"),
        ({"batch": {}}, "at least one entry"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    config_of: Config, settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        config_of("paper", **settings)


@pytest.mark.parametrize("resolution", [2, 20, 2048])
def test_a_resolution_that_cannot_grow_is_refused_with_the_nearest(
    make: Config, resolution: int
) -> None:
    with pytest.raises(ConfigError, match=r"power of two from 4 to 1024.*data.resolution=\d+"):
        make(resolution=resolution)
