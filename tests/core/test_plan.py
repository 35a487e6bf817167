from __future__ import annotations

import pytest

from progan.core.plan import Plan, Stage, height_width

FOUR = Stage(name="4", images=100, resolution=4, batch=10)
FADE = Stage(name="8 fade", images=200, resolution=8, batch=20, fade=True)
EIGHT = Stage(name="8", images=50, resolution=8, batch=20)
PLAN = Plan((FOUR, FADE, EIGHT))


def test_a_plan_is_as_long_as_its_stages() -> None:
    assert PLAN.images == 100 + 200 + 50


def test_a_stage_starts_where_those_before_it_end() -> None:
    assert [PLAN.start(index) for index in range(4)] == [0, 100, 300, 350]


@pytest.mark.parametrize(
    ("images", "index", "fraction"),
    [
        (0, 0, 0.0),
        (25, 0, 0.25),  # 25 of 100
        (99, 0, 0.99),
        (100, 1, 0.0),  # a border belongs to the stage that begins
        (150, 1, 0.25),  # 50 of 200
        (300, 2, 0.0),
        (349, 2, 0.98),  # 49 of 50
    ],
)
def test_a_moment_lies_in_the_stage_its_images_reach(
    images: int, index: int, fraction: float
) -> None:
    at = PLAN.at(images, step=7)
    assert (at.index, at.fraction, at.images, at.step) == (index, fraction, images, 7)
    assert at.stage is PLAN.stages[index]


@pytest.mark.parametrize("images", [350, 351, 10**12])
def test_past_its_end_a_plan_stays_at_the_end(images: int) -> None:
    at = PLAN.at(images)
    assert (at.index, at.fraction, at.alpha, at.resolution) == (2, 1.0, 1.0, 8)


def test_alpha_rises_with_the_fraction_of_a_fade_and_is_one_elsewhere() -> None:
    assert [PLAN.at(images).alpha for images in (0, 50, 100, 150, 250, 300)] == [
        1.0,
        1.0,
        0.0,
        0.25,
        0.75,
        1.0,
    ]


def test_a_fade_already_has_the_higher_resolution_and_its_batch() -> None:
    at = PLAN.at(100)
    assert (at.resolution, at.batch) == (8, 20)


def test_a_stage_of_no_length_is_never_entered() -> None:
    empty = Stage(name="skipped", images=0, resolution=16, batch=1)
    plan = Plan((empty, FOUR, empty, EIGHT, empty))
    assert {plan.at(images).stage.name for images in range(151)} == {"4", "8", "skipped"}
    assert all(plan.at(images).stage.name != "skipped" for images in range(150))


def test_new_lengths_change_nothing_but_lengths() -> None:
    changed = PLAN.with_lengths([1, 2, 3])
    assert [stage.images for stage in changed.stages] == [1, 2, 3]
    assert changed.with_lengths([100, 200, 50]) == PLAN


def test_lengths_must_be_as_many_as_stages() -> None:
    with pytest.raises(ValueError, match="zip"):
        PLAN.with_lengths([1, 2])


def test_a_size_is_a_square_side_or_height_then_width() -> None:
    assert height_width(64) == (64, 64)
    assert height_width((48, 64)) == (48, 64)
