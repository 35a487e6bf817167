from __future__ import annotations

import time

import pytest

from progan.assemble.training.budget import (
    FINISH_SHARE,
    Budget,
    fit,
    scale_to_images,
    seconds_of,
    table,
)
from progan.core.plan import Plan, Stage


def plan() -> Plan:
    return Plan(
        (
            Stage(name="4", images=1000, resolution=4, batch=10),
            Stage(name="8 fade", images=2000, resolution=8, batch=10, fade=True),
            Stage(name="8", images=1000, resolution=8, batch=20),
        )
    )


RATES = {0: 100.0, 1: 50.0, 2: 50.0}  # the plan takes 10 + 40 + 20 = 70 s


def test_one_factor_scales_every_stage() -> None:
    fitted = fit(plan(), RATES, 35.0)
    assert [stage.images for stage in fitted.stages] == [500, 1000, 500]
    assert seconds_of(fitted, RATES) == pytest.approx(35.0)


def test_stages_behind_us_keep_their_length() -> None:
    fitted = fit(plan(), RATES, 120.0, first=1)  # 60 s were planned from there on
    assert [stage.images for stage in fitted.stages] == [1000, 4000, 2000]


def test_lengths_are_whole_batches_and_never_nothing() -> None:
    fitted = fit(plan(), RATES, 0.01)
    assert [stage.images for stage in fitted.stages] == [10, 10, 20]


def test_a_plan_is_scaled_to_a_number_of_images() -> None:
    assert scale_to_images(plan(), 8000).images == 8000


def test_the_table_counts_time_from_stage_to_stage() -> None:
    rows = table(plan(), RATES)
    assert [(row[0], row[4], row[5]) for row in rows] == [
        ("4", 0.0, 10.0),
        ("8 fade", 10.0, 50.0),
        ("8", 50.0, 70.0),
    ]


def budget(seconds: float, spent: float = 0.0) -> Budget:
    return Budget(seconds, dict(RATES), time.monotonic() - spent, [])


def test_a_share_is_kept_for_the_report() -> None:
    assert budget(100.0, spent=12.0).left() == pytest.approx(100 * (1 - FINISH_SHARE) - 12, abs=0.1)


def test_an_end_that_takes_longer_than_its_share_gets_more_but_never_all() -> None:
    slow = Budget(100.0, dict(RATES), time.monotonic(), [], finish=20.0)
    assert slow.left() == pytest.approx(80, abs=0.1)
    hopeless = Budget(100.0, dict(RATES), time.monotonic(), [], finish=200.0)
    assert hopeless.left() == pytest.approx(50, abs=0.1)


def test_a_border_reached_on_time_changes_nothing() -> None:
    b = budget(70.0 / (1 - FINISH_SHARE))
    assert b.refit(plan(), plan().at(0), 0.0) is None


def test_a_border_reached_late_shortens_what_lies_ahead() -> None:
    b = budget(70.0 / (1 - FINISH_SHARE), spent=40.0)  # 30 s left, 60 s planned
    b._border = (0, 0, 0.0)
    fitted = b.refit(plan(), plan().at(1000), 40.0)  # took 40 s for 10
    assert fitted is not None
    assert fitted.stages[0].images == 1000
    # Four times slower than measured: 240 s needed, 30 s left.
    assert [stage.images for stage in fitted.stages[1:]] == [250, 120]
    assert "30 s left and 240 s needed" in b.decisions[0]


def test_slowness_is_weighed_by_the_time_it_took() -> None:
    b = budget(1000.0)
    b.refit(plan(), plan().at(0), 0.0)
    b.refit(plan(), plan().at(1000), 20.0)  # 20 s for 10
    b.refit(plan(), plan().at(3000), 60.0)  # 40 s for 40: 60 s for 50 in all
    assert b.rates[2] == pytest.approx(50.0 * 50 / 60)


def test_the_last_stage_takes_what_time_is_left_at_its_own_speed() -> None:
    b = budget(100.0 / (1 - FINISH_SHARE), spent=70.0)  # 30 s left
    b._border = (2, 3000, 50.0)
    # half of its 1,000 images in 20 s instead of 10: 30 s more are 750 images
    fitted = b.refit(plan(), plan().at(3500), 70.0)
    assert fitted is not None
    assert [stage.images for stage in fitted.stages[:2]] == [1000, 2000]
    assert fitted.stages[2].images == pytest.approx(1250, abs=20)  # a batch
    assert "30 s left at 3,500 images and 25 images/s: stage 8 is 1,2" in b.decisions[0]
    # done before the time: at the end it goes on
    again = budget(100.0 / (1 - FINISH_SHARE), spent=60.0)  # 40 s left
    again._border = (2, 3000, 50.0)
    longer = again.refit(plan(), plan().at(4000), 60.0)  # 100 a second
    assert longer is not None
    assert longer.images == pytest.approx(4000 + 4000, abs=20)


def test_too_little_time_left_leaves_the_last_stage_alone() -> None:
    b = budget(100.0 / (1 - FINISH_SHARE), spent=99.0)
    b._border = (2, 3000, 50.0)
    assert b.refit(plan(), plan().at(4000), 99.0) is None


def test_a_run_resumed_in_the_midst_of_a_stage_learns_from_there() -> None:
    b = budget(100.0 / (1 - FINISH_SHARE), spent=50.0)  # 50 s left
    assert b.refit(plan(), plan().at(3500), 1000.0) is None
    fitted = b.refit(plan(), plan().at(3750), 1010.0)  # 25 a second: 1,250 more
    assert fitted is not None
    assert fitted.stages[2].images == pytest.approx(750 + 1250, abs=20)


def test_time_is_up_when_nothing_is_left() -> None:
    assert budget(10.0, spent=10.0).over()
    assert not budget(10.0).over()
