from __future__ import annotations

import dataclasses
import math

import pytest

from progan.core.errors import ConfigError
from progan.core.specs import SGD, Adam, Average, DataSpec, Penalty, RMSprop


def test_a_half_life_halves_the_old_average() -> None:
    average = Average(half_life_images=10_000)
    assert average.keep(10_000) == 0.5
    assert average.keep(20_000) == 0.25
    assert average.keep(0) == 1.0


def test_many_small_steps_forget_as_much_as_one_large_one() -> None:
    average = Average(half_life_images=1_000)
    assert average.keep(10) ** 100 == pytest.approx(average.keep(1_000), rel=1e-12)


def test_a_half_life_of_zero_keeps_nothing() -> None:
    assert Average(half_life_images=0).keep(64) == 0.0


def test_a_decay_does_not_look_at_the_batch() -> None:
    average = Average(half_life_images=None, decay=0.999)
    assert average.keep(1) == average.keep(10_000) == 0.999


def test_before_its_first_step_an_average_keeps_nothing() -> None:
    average = Average(half_life_images=None, decay=0.999, start_step=200)
    assert [average.keep(32, step) for step in (0, 199, 200, 5_000)] == [0.0, 0.0, 0.999, 0.999]
    assert average.keep(32) == 0.999
    with pytest.raises(ConfigError, match="start_step is -1"):
        Average(start_step=-1)


@pytest.mark.parametrize(("half_life", "decay"), [(None, None), (10, 0.9)])
def test_an_average_needs_exactly_one_way_to_forget(
    half_life: int | None, decay: float | None
) -> None:
    with pytest.raises(ConfigError, match="exactly one"):
        Average(half_life_images=half_life, decay=decay)


@pytest.mark.parametrize(
    "record", [DataSpec(resolution=32), Adam(), RMSprop(), SGD(), Average()], ids=str
)
def test_records_are_values(record: object) -> None:
    assert dataclasses.replace(record) == record  # type: ignore[type-var]
    assert hash(dataclasses.replace(record)) == hash(record)  # type: ignore[type-var]
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.lr = 3  # type: ignore[attr-defined]


def test_the_adam_of_the_progressive_paper_is_the_default() -> None:
    # Karras et al. 2018, appendix A.1
    assert Adam() == Adam(lr=0.001, betas=(0.0, 0.99), eps=1e-8)


def test_a_penalty_is_due_in_one_step_of_every_so_many() -> None:
    assert [step for step in range(9) if Penalty(every=4).due(step)] == [0, 4, 8]
    assert not any(Penalty(kind="none").due(step) for step in range(4))


@pytest.mark.parametrize(
    "wrong",
    [
        {"every": 0},
        {"target": 0.0},
        {"target": -1.0},
        {"target": math.nan},
        {"target": math.inf},
        {"weight": -1.0},
        {"weight": math.nan},
    ],
)
def test_a_penalty_that_is_none_is_refused_with_the_way_to_have_none(wrong: dict) -> None:
    with pytest.raises(ConfigError, match=r"every must be at least 1.*--set penalty\.kind=none"):
        Penalty(**wrong)
