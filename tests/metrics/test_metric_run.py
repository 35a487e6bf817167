from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest

from progan.core.errors import ConfigError, DataError
from progan.metrics.images import ImageSource, shifted
from progan.metrics.msssim import msssim
from progan.metrics.run import METRICS, Metric, evaluate

Waves = Callable[..., ImageSource]


@pytest.fixture
def real(waves: Waves) -> ImageSource:
    return waves(16, noise=20, steepness=0.5)


@pytest.fixture
def fake(waves: Waves) -> ImageSource:
    return shifted(waves(16, noise=250, steepness=3), 10_000)


def mean_of_numbers(
    real: ImageSource, fake: ImageSource, images: int, seed: int, progress: object
) -> dict[str, float]:
    """A metric with values known beforehand: the difference of the mean pixels."""
    return {"": float(fake(0, images).mean() - real(0, images).mean())}


def numbered(start: int, count: int) -> np.ndarray:
    numbers = np.arange(start, start + count, dtype=np.uint8)
    return np.broadcast_to(numbers.reshape(-1, 1, 1, 1), (count, 1, 4, 4))


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Metric(title="toy", measure=mean_of_numbers, images=20, compares=True, falls=0.5)
    monkeypatch.setitem(METRICS, "toy", line)  # type: ignore[arg-type]


def test_the_published_sizes_are_the_defaults() -> None:
    assert METRICS["swd"].images == 16_384
    assert METRICS["msssim"].images == 2 * 10_000


def test_a_report_has_every_level_and_its_mean_with_n(real: ImageSource, fake: ImageSource) -> None:
    report = evaluate(real, fake, real_images=60, images=30)
    keys = [(row.metric, row.level, row.images, row.floor_images) for row in report.rows]
    assert keys == [("swd", "16", 30, 30), ("swd", "mean", 30, 30), ("msssim", "", 30, 30)]
    assert {row.extractor for row in report.rows} == {"none"}
    assert report.value("swd").value > report.value("swd").floor
    assert report.value("msssim").value == msssim(fake, 15).value
    assert report.value("msssim").floor == msssim(real, 15).value
    assert report.notes() == []


def test_real_images_score_like_their_floor(real: ImageSource) -> None:
    row = evaluate(real, shifted(real, 5000), real_images=200, images=100, metrics=["swd"]).value(
        "swd"
    )
    assert row.value == pytest.approx(row.floor, rel=0.25)


@pytest.mark.usefixtures("toy")
def test_repeats_draw_the_next_images_and_give_mean_and_spread() -> None:
    # real 0…9 has mean 4.5; fakes 0…9, 10…19, 20…29 have 4.5, 14.5, 24.5: 0, 10, 20
    report = evaluate(numbered, numbered, real_images=20, images=10, metrics=["toy"], repeats=3)
    (row,) = report.rows
    assert (row.value, row.spread, row.repeats) == (10, 10, 3)
    assert row.floor == 10  # 10…19 against 0…9


@pytest.mark.usefixtures("toy")
def test_generated_files_that_run_out_are_used_again() -> None:
    report = evaluate(
        numbered, numbered, real_images=20, fake_images=25, images=10, metrics=["toy"], repeats=3
    )
    assert report.rows[0].value == pytest.approx((0 + 10 + 0) / 3)


@pytest.mark.usefixtures("toy")
def test_few_reals_make_halves_and_a_note() -> None:
    report = evaluate(numbered, numbered, real_images=16, metrics=["toy"])
    (row,) = report.rows
    assert (row.images, row.floor_images, row.spread) == (16, 8, None)
    # 8 images between the halves; at twice the number, 8/√2 = 5.66
    assert report.notes() == [
        "toy: the real images suffice for a floor of n = 8, not 16; "
        "it falls as 1/√n, so expect about 5.66 at the full n."
    ]


def test_each_generated_image_is_made_once(real: ImageSource, fake: ImageSource) -> None:
    made: list[int] = []

    def counted(start: int, count: int) -> np.ndarray:
        made.extend(range(start, start + count))
        return fake(start, count)

    evaluate(real, counted, real_images=20, images=10, repeats=2)
    assert set(made) == set(range(20))
    assert len(made) <= 20 + 2  # and one more look at the first of each repeat, for its size


def test_a_report_prints_n_and_floor_and_goes_through_json(
    real: ImageSource, fake: ImageSource
) -> None:
    report = evaluate(real, fake, real_images=30, images=20, repeats=2, seed=3)
    text = str(report)
    assert text.splitlines()[0].split() == [
        *("metric", "level", "value", "spread", "95", "%", "real", "n", "n", "real", "extractor")
    ]
    assert "± " in text
    assert "swd: the real images suffice for a floor of n = 15, not 20" in text
    again = json.loads(json.dumps(report.to_json()))
    assert again["seed"] == 3
    assert again["resolution"] == 16
    assert again["rows"][0]["floor_images"] == 15
    assert again["notes"] == report.notes()


def test_the_same_seed_gives_the_same_report(real: ImageSource, fake: ImageSource) -> None:
    reports = [evaluate(real, fake, real_images=20, images=10, seed=s) for s in (1, 1, 2)]
    assert reports[0].rows == reports[1].rows != reports[2].rows


def test_progress_names_the_metric_and_reaches_one(real: ImageSource, fake: ImageSource) -> None:
    heard: list[tuple[str, float]] = []
    evaluate(
        real,
        fake,
        real_images=20,
        images=10,
        progress=lambda name, part: heard.append((name, part)),
    )
    for metric in ("swd", "msssim"):
        parts = [part for name, part in heard if name == metric]
        assert parts == sorted(parts)
        assert parts[-1] == pytest.approx(1)


def test_an_unknown_metric_is_refused_with_the_known_ones(real: ImageSource) -> None:
    with pytest.raises(ConfigError, match="'fod' is not known; choose among swd, msssim"):
        evaluate(real, real, real_images=10, metrics=["fod"])


def test_nothing_to_measure_is_refused(real: ImageSource) -> None:
    with pytest.raises(ConfigError, match="at least one of each"):
        evaluate(real, real, real_images=10, metrics=[])


def test_float_images_are_refused(real: ImageSource) -> None:
    with pytest.raises(DataError, match="uint8"):
        evaluate(real, lambda start, count: np.zeros((count, 3, 16, 16)), real_images=10)
