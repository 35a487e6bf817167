from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from progan.assemble.measuring.measure import Generated, QualityInPassing, images_for
from progan.assemble.models.build import build_system
from progan.core.config import apply_sets
from progan.core.errors import ConfigError
from progan.core.plan import Progress
from progan.core.recipe import DataSettings, Recipe
from progan.core.specs import DataSpec
from progan.core.system import System
from progan.engine.backends import TOLERANCES
from progan.engine.preview import generate, seeded

SPEC = DataSpec(resolution=32, channels=1, images=40)


class Noise:
    """Real pictures that are noise."""

    spec = SPEC
    mirror = False

    def real(self, start: int, n: int, resolution: int, *, mirror: bool = False) -> torch.Tensor:
        pixels = np.random.default_rng(0).integers(0, 256, (40, 1, resolution, resolution))
        return torch.from_numpy(pixels[np.arange(start, start + n) % 40].astype(np.uint8))


@pytest.fixture(scope="module")
def system() -> System[Any]:
    recipe = Recipe(preset="cpu", data=DataSettings(resolution=32))
    recipe = apply_sets(recipe, ["fmap_max=8", "latent_size=8"])
    return build_system(recipe, SPEC, torch.device("cpu"))


def moment(system: System[Any], resolution: int, *, fade: float | None = None) -> Progress:
    """Within a stage of this resolution: settled, or in its fade."""
    stages = enumerate(system.plan().stages)
    index, stage = next(
        (i, s) for i, s in stages if s.resolution == resolution and s.fade == (fade is not None)
    )
    return Progress(
        images=9, step=9, index=index, stage=stage, fraction=0.5 if fade is None else fade
    )


def measured(system: System[Any], at: Progress, images: int | None = 16) -> list[Any]:
    passing = QualityInPassing(Noise(), images)  # type: ignore[arg-type]
    return passing(SimpleNamespace(system=system), at)  # type: ignore[arg-type]


def test_pictures_measured_are_those_of_the_generator(system: System[Any]) -> None:
    at = moment(system, 32, fade=0.4)
    made = Generated(system, at, "any", 7)(3, 70)  # from two blocks
    expected = []
    for block in (0, 1):
        with seeded("any", 7, block):
            expected += list(generate(system, system.draw(64), at))  # type: ignore[operator]
    assert TOLERANCES["fp32"].accepts(made, np.concatenate(expected)[3:73])
    assert np.array_equal(Generated(system, at, "any", 7)(50, 20), made[47:67])


def test_every_level_is_measured_and_then_their_mean(system: System[Any]) -> None:
    found = measured(system, moment(system, 32))
    assert [(q.metric, q.level, q.n) for q in found] == [
        ("swd", "32", 16),
        ("swd", "16", 16),
        ("swd", "mean", 16),
    ]
    assert found[2].value == pytest.approx((found[0].value + found[1].value) / 2)


def test_a_lower_stage_is_measured_at_its_own_resolution(system: System[Any]) -> None:
    assert [q.level for q in measured(system, moment(system, 16))] == ["16", "mean"]


def test_nothing_is_measured_within_fades_or_below_16_pixels(system: System[Any]) -> None:
    assert measured(system, moment(system, 32, fade=0.75)) == []
    assert measured(system, moment(system, 8)) == []


def test_the_end_of_a_fade_is_measured(system: System[Any]) -> None:
    assert measured(system, moment(system, 32, fade=1.0))


def test_systems_that_make_nothing_from_noise_are_passed_over(system: System[Any]) -> None:
    assert measured(System(), moment(system, 32)) == []


def test_measuring_twice_gives_the_same_and_leaves_torch_as_it_was(system: System[Any]) -> None:
    before = torch.get_rng_state()
    first = measured(system, moment(system, 16))
    torch.rand(3)
    assert measured(system, moment(system, 16)) == first
    torch.set_rng_state(before)
    measured(system, moment(system, 16))
    assert torch.equal(torch.get_rng_state(), before)


def test_size_follows_from_the_plan_and_never_exceeds_the_real_pictures(
    system: System[Any],
) -> None:
    # One in 128 images of the stage, down to a power of two, from 64 to 1,024.
    assert [images_for(n, 10**6) for n in (1000, 40_000, 10**7)] == [64, 256, 1024]
    assert [images_for(10**7, n) for n in (1, 3, 100)] == [0, 2, 64]
    assert {q.n for q in measured(system, moment(system, 16), None)} == {32}


def test_short_stages_are_measured_at_their_end_alone(system: System[Any]) -> None:
    at = moment(system, 16)
    short = replace(at, stage=replace(at.stage, images=5000))  # affords 39 images a quarter
    assert measured(system, short, None) == []
    assert measured(system, replace(short, fraction=1.0), None)
    ending = replace(short, stage=replace(short.stage, fade=True), fraction=1.0)
    assert measured(system, ending, None) == []


def test_a_generated_picture_depends_on_its_number_alone(system: System[Any]) -> None:
    at = moment(system, 16)
    whole = Generated(system, at, "a")(0, 200)
    again = Generated(system, at, "a")
    assert whole.shape == (200, 1, 16, 16)
    assert whole.dtype == np.uint8
    np.testing.assert_array_equal(again(150, 9), whole[150:159])
    np.testing.assert_array_equal(again(60, 70), whole[60:130])
    assert len(np.unique(whole, axis=0)) == 200
    assert (Generated(system, at, "b")(0, 9) != whole[:9]).any()


def test_the_classes_that_pictures_were_asked_for_are_those_they_are_drawn_with() -> None:
    recipe = Recipe(preset="cpu", data=DataSettings(resolution=32))
    recipe = apply_sets(recipe, ["fmap_max=8", "latent_size=8", "condition=projection"])
    spec = DataSpec(resolution=32, channels=1, classes=3, images=40)
    labelled = build_system(recipe, spec, torch.device("cpu"))
    made = Generated(labelled, moment(labelled, 16), "a")
    labels = made.labels(0, 200)
    assert sorted(set(labels.tolist())) == [0, 1, 2]
    np.testing.assert_array_equal(made.labels(70, 100), labels[70:170])
    with seeded("a", 1):
        drawn = labelled.draw(64)["label"].numpy()
    np.testing.assert_array_equal(labels[64:128], drawn)


def test_a_generator_without_classes_has_none_to_be_asked_for(system: System[Any]) -> None:
    with pytest.raises(ConfigError, match="not told classes"):
        Generated(system, moment(system, 16), "a").labels(0, 4)
