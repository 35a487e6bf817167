"""NICE-GAN's task: bars that can be missed, and a control that is held to none."""

from __future__ import annotations

import math

import pytest

from progan.acceptance import table
from progan.acceptance.reusing import measured

QUICK = ("images=4", "width=2", "blocks=1")


def test_a_translator_that_has_learnt_nothing_misses_the_bars() -> None:
    numbers = measured(0, sets=QUICK, held_to=True)
    held = {name for name, number in numbers.items() if math.isfinite(number.low)}
    assert held == {"psnr ab", "iou"}
    assert not any(numbers[name].holds for name in held)
    assert numbers["iou"].value == pytest.approx(
        (numbers["iou ab"].value + numbers["iou ba"].value) / 2
    )
    assert numbers["psnr ab"].value == pytest.approx(
        numbers["psnr of ab"].value - numbers["mean"].value
    )


def test_baselines_are_those_of_the_measurement_the_bars_come_from() -> None:
    """Scenes of 64 pixels: a copy 13.5 dB from the truth, b's mean picture 16.7."""
    numbers = measured(0, sets=QUICK, held_to=False)
    assert numbers["copy"].value == pytest.approx(13.5, abs=0.3)
    assert numbers["mean"].value == pytest.approx(16.7, abs=0.3)
    assert all(number.holds for number in numbers.values())


def test_the_control_differs_in_nothing_but_the_coupling() -> None:
    task, control = (table.lookup("nicegan", slug)[0] for slug in ("scenes", "coupled"))
    assert task.make.func is control.make.func  # type: ignore[attr-defined]
    assert control.make.keywords["sets"] == ("coupled=true",)  # type: ignore[attr-defined]
