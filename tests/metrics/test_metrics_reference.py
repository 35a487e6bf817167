"""Our numbers beside those of the official ProGAN code on the same images.

The official code draws patches and directions with its own generator, so that two runs of it on
the same images differ too. The stored values are means over several of its runs.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from progan.metrics.images import ImageSource, shifted
from progan.metrics.msssim import msssim
from progan.metrics.sliced import sliced_wasserstein

REFERENCE = json.loads(
    (Path(__file__).parents[1] / "golden" / "metrics_reference.json").read_text("utf-8")
)
CASES = REFERENCE["sliced_wasserstein"]
PICTURES = REFERENCE["ms_ssim"]
Waves = Callable[..., ImageSource]


def held(source: ImageSource, count: int) -> ImageSource:
    """`source` with its first images made once."""
    images = source(0, count)
    return lambda start, length: images[start : start + length]


def pictures(waves: Waves, case: dict[str, Any], kind: str) -> ImageSource:
    made = REFERENCE["images"][kind]
    source = waves(
        case["resolution"],
        noise=made["noise"],
        steepness=made["steepness"],
        channels=case["channels"],
    )
    return held(shifted(source, made["first"]), case["images"])


def agrees(waves: Waves, case: dict[str, Any], runs: int) -> None:
    real, fake = (pictures(waves, case, kind) for kind in ("real", "fake"))
    found = [sliced_wasserstein(real, fake, case["images"], seed=seed) for seed in range(runs)]
    for level, expected in case["mean_over_runs"].items():
        ours = [f.mean if level == "mean" else f.levels[int(level)] for f in found]
        assert np.mean(ours) == pytest.approx(expected, rel=0.02), level
        # one run of ours strays no more than one of theirs
        assert np.std(ours, ddof=1) < 3 * case["spread_over_runs"][level], level


@pytest.mark.parametrize("case", CASES[:2], ids=lambda case: f"{case['resolution']}px")
def test_sliced_wasserstein_is_the_official_one_within_two_percent(
    waves: Waves, case: dict[str, Any]
) -> None:
    agrees(waves, case, runs=8)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES[2:], ids=lambda case: f"{case['resolution']}px")
def test_sliced_wasserstein_of_2048_images_is_the_official_one_within_two_percent(
    waves: Waves, case: dict[str, Any]
) -> None:
    agrees(waves, case, runs=4)


@pytest.mark.parametrize(
    "case", PICTURES, ids=lambda case: f"{case['kind']} {case['resolution']}px"
)
def test_ms_ssim_is_the_official_one_within_two_millionths(
    waves: Waves, case: dict[str, Any]
) -> None:
    found = msssim(pictures(waves, case, case["kind"]), case["images"] // 2)
    assert found.value == pytest.approx(case["value"], abs=2e-6)
