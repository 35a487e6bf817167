"""Metrics that look beyond two sets of features: Parzen, memorisation, path length, digits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch

from metrics.test_extracted import Corner, dark, noise
from progan.core.errors import ConfigError
from progan.metrics import pixels
from progan.metrics.parzen import parzen
from progan.metrics.run import Report, Row, Trained, evaluate
from progan.metrics.stacked import expected_kl, expected_modes


def rows(source: Any, start: int, count: int) -> np.ndarray:
    return np.asarray(source(start, count)).reshape(count, -1) / np.float32(255)


# Parzen -------------------------------------------------------------------------------------


def test_parzen_chooses_its_width_on_reals_that_it_does_not_test() -> None:
    found = evaluate(noise, dark, real_images=80, images=40, metrics=["parzen"])
    # 40 fakes; a fifth of 40 reals, 8, choose h, and the other 32 are tested
    by_hand = parzen(rows(dark, 0, 40), rows(noise, 0, 8), rows(noise, 8, 32))
    row = found.value("parzen")
    assert row.value == pytest.approx(by_hand.value)
    assert (row.low, row.high) == pytest.approx((by_hand.estimate.low, by_hand.estimate.high))
    assert row.interval.startswith("reals: mean of 32 values")
    assert row.facts["h"] == by_hand.width
    assert (row.facts["fakes"], row.facts["validation"], row.facts["test"]) == (40, 8, 32)
    assert row.extractor == "none"


def flat(level: int) -> Any:
    """Grey pictures of nearly one level."""
    return lambda start, count: (noise(start, count) // 64 + level).astype(np.uint8)


def test_a_width_at_the_end_of_those_tried_is_told() -> None:
    # pictures 100 levels apart are 0.39 apart in each of 256 numbers: between the ends
    apart = evaluate(flat(100), flat(200), real_images=40, images=20, metrics=["parzen"])
    alike = evaluate(flat(100), flat(100), real_images=40, images=20, metrics=["parzen"])
    assert apart.notes() == []
    assert alike.value("parzen").facts["h"] == pytest.approx(0.1)
    assert "parzen: h = 0.1 is the narrowest that was tried" in alike.notes()[0]


def test_parzen_of_more_pixels_than_memory_names_a_number_that_fits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pixels, "ROOM", 8 * 256 * 21)
    with pytest.raises(ConfigError, match="Take fewer: --images 20"):
        evaluate(noise, dark, real_images=80, images=40, metrics=["parzen"])
    evaluate(noise, dark, real_images=80, images=20, metrics=["parzen"])


# Memorisation -------------------------------------------------------------------------------


def later(start: int, count: int) -> Any:
    return noise(start + 5_000, count)


def memory_of(fake: Any, held_out: Any = later, trained: int = 60) -> Report:
    return evaluate(
        held_out,
        fake,
        real_images=80,
        images=40,
        metrics=["memorisation"],
        extractor=Corner(),
        trained=Trained(source=noise, images=trained),
    )


def test_a_generator_that_hands_out_training_pictures_is_found_out() -> None:
    copied = memory_of(noise)
    assert copied.value("memorisation", "closer").value == 1
    assert copied.value("memorisation", "copies").value == 1
    assert copied.value("memorisation", "authentic").value == 0
    honest = memory_of(lambda start, count: noise(start + 9_000, count))
    assert 0.3 < honest.value("memorisation", "closer").value < 0.7
    assert honest.value("memorisation", "closer").chance == 0.5
    # the floor: held-out reals in the place of fakes
    assert honest.value("memorisation").floor == copied.value("memorisation").floor
    assert 0.3 < (copied.value("memorisation").floor or 0) < 0.7


def test_every_training_picture_is_looked_at_whatever_n_is() -> None:
    facts = memory_of(dark, trained=75).value("memorisation").facts
    assert (facts["train"], facts["held_out"], facts["fakes"]) == (75, 40, 40)


def test_training_pictures_cannot_stand_for_held_out_ones() -> None:
    with pytest.raises(ConfigError, match="40 of 40 held-out pictures are training pictures"):
        memory_of(dark, held_out=noise)
    few = memory_of(dark, held_out=lambda start, count: noise(start + 50, count))
    assert "10 of 40 held-out pictures are training pictures" in few.notes()[-1]


def test_memorisation_without_what_was_trained_on_is_refused_in_a_line() -> None:
    with pytest.raises(ConfigError, match="--against") as caught:
        evaluate(noise, dark, real_images=80, metrics=["memorisation"], extractor=Corner())
    assert "\n" not in str(caught.value)


# Path length --------------------------------------------------------------------------------


class Line:
    """A generator that is a matrix, of uniform latents: pictures are A z, far from ±1."""

    width, prior = 3, "uniform"
    matrix = torch.tensor([[0.2, 0.0, 0.1], [0.0, 0.3, 0.0], [0.1, 0.0, 0.1], [0.0, 0.1, 0.2]])

    def __call__(self, latents: torch.Tensor, numbers: Any) -> torch.Tensor:
        return (latents @ self.matrix.T).view(-1, 1, 2, 2)


class Sees(Corner):
    """An extractor whose features are the pixels, in float64 so that small steps are exact."""

    def unrounded(self, images: torch.Tensor) -> torch.Tensor:
        return images.double().flatten(1)


class Exact(Line):
    def __call__(self, latents: torch.Tensor, numbers: Any) -> torch.Tensor:
        return (latents.double() @ self.matrix.double().T).view(-1, 1, 2, 2)


def test_the_path_of_a_linear_generator_is_two_thirds_of_its_matrix() -> None:
    found = evaluate(
        noise,
        dark,
        real_images=8,
        images=4000,
        metrics=["ppl"],
        extractor=Sees(),
        moves=Exact(),
    )
    row = found.value("ppl")
    # E‖A(b − a)‖² = Σ A² · Var(b − a), 2/3 for uniform ends; the largest and least 1 % are left out
    expected = 2 / 3 * float(Line.matrix.square().sum())
    assert row.value == pytest.approx(expected, rel=0.1)
    assert (row.floor, row.floor_images, row.images) == (None, 0, 4000)
    assert row.title == "PPL-trained"
    assert row.facts["pairs"] == 4000
    assert found.notes() == []


def test_path_length_of_pictures_alone_is_refused_in_a_line() -> None:
    with pytest.raises(ConfigError, match="pictures alone have none") as caught:
        evaluate(noise, dark, real_images=8, metrics=["ppl"], extractor=Sees())
    assert "\n" not in str(caught.value)


def test_an_extractor_of_whole_bytes_cannot_measure_a_path() -> None:
    with pytest.raises(ConfigError, match="not rounded to 256 levels"):
        evaluate(noise, dark, real_images=8, metrics=["ppl"], extractor=Corner(), moves=Line())


# Stacked digits -----------------------------------------------------------------------------


class Digits:
    """Reads a digit 0 … 9 off the first pixel."""

    name, classes = "trained:d1917", 10

    def both(self, images: Any) -> tuple[torch.Tensor, torch.Tensor]:
        digits = torch.as_tensor(np.asarray(images))[:, 0, 0, 0].long()
        assert images.shape[1] == 1  # each channel by itself
        seen = torch.nn.functional.one_hot(digits, 10).float()
        return seen[:, :2], (100 * seen).log_softmax(1)

    def record(self) -> Mapping[str, str]:
        return {"extractor": self.name, "weights": "d1" * 32, "resize": "none"}


def counted(start: int, count: int) -> Any:
    """Picture i shows the three digits of i."""
    numbers = np.arange(start, start + count)
    digits = np.stack([numbers % 10, numbers // 10 % 10, numbers // 100 % 10], axis=1)
    return np.broadcast_to(digits[:, :, None, None], (count, 3, 4, 4)).astype(np.uint8)


def test_stacked_digits_are_counted_by_channel() -> None:
    def half(start: int, count: int) -> Any:
        return counted(start % 500, count)  # every mode below 500 twice

    found = evaluate(
        counted,
        lambda s, n: np.concatenate([half(i, 1) for i in range(s, s + n)]),
        real_images=1000,
        images=1000,
        metrics=["stacked"],
        extractor=Digits(),
    )
    modes, kl = (found.value("stacked", level) for level in ("modes", "KL"))
    assert (modes.value, modes.floor) == (500, 1000)
    assert kl.value == pytest.approx(np.log(2))
    assert kl.floor == pytest.approx(0)
    assert modes.chance == pytest.approx(expected_modes(1000))
    assert kl.chance == pytest.approx(expected_kl(1000))


def test_stacked_digits_need_colour_and_a_classifier_of_few_classes() -> None:
    class Many(Digits):
        name, classes = "effnet-lite0", 1000

    options: dict[str, Any] = {"real_images": 40, "images": 20, "metrics": ["stacked"]}
    with pytest.raises(ConfigError, match="these pictures are grey"):
        evaluate(noise, dark, extractor=Digits(), **options)
    with pytest.raises(ConfigError, match="effnet-lite0 tells 1,000 classes apart"):
        evaluate(counted, counted, extractor=Many(), **options)


# Intervals and bias -------------------------------------------------------------------------


def by_level(found: Report) -> dict[tuple[str, str], Row]:
    return {(row.metric, row.level): row for row in found.rows}


def test_every_number_of_a_single_measurement_says_how_sure_it_is_or_that_nothing_tells() -> None:
    names = ["fd", "kd", "mmd", "is", "prdc", "nn1", "msssim", "parzen"]
    found = evaluate(noise, dark, real_images=80, images=40, metrics=names, extractor=Corner())
    there = by_level(found)
    assert {key for key, row in there.items() if row.low is None} == {("mmd", "")}
    assert there["fd", ""].interval == "fakes: jackknife over 10 blocks"
    assert there["prdc", "precision"].interval.startswith("fakes: bootstrap, 1,000 draws")
    assert there["prdc", "recall"].interval.startswith("reals: bootstrap")
    assert there["kd", ""].interval == "both: 100 subsets of 20 of 40"
    for row in there.values():
        assert row.low is None or row.low <= row.value <= (row.high or 0)
    meanings = dict(line.split(": ", 1) for line in found.meanings())
    assert meanings["MMD-trained x 10³"].startswith("no interval of one measurement. Bias: none")
    assert "as 1/n" in meanings["FD-trained"]


def test_what_perfect_pictures_give_stands_beside_the_value() -> None:
    names = ["fd", "kd", "prdc", "nn1"]
    found = by_level(
        evaluate(noise, noise, real_images=80, images=40, metrics=names, extractor=Corner())
    )
    assert found["nn1", ""].chance == pytest.approx(40 * 39 * 2 / (80 * 79))
    assert found["prdc", "density"].chance == 1
    # features are three uniform pixels: variance (256² − 1)/12/255² = 0.084 each, so that the
    # formula's 2/n (Σλ + ½ Σ λ/2 · (1 + δ)) with λ = 0.084 is about 2/40 · 0.084 · (3 + 3)
    assert found["fd", ""].chance == pytest.approx(0.0252, rel=0.25)
    assert found["kd", ""].chance == 0
    assert found["prdc", "precision"].chance is None


def test_swd_has_an_interval_from_repeats() -> None:
    found = evaluate(noise, dark, real_images=40, images=20, metrics=["swd"], repeats=3)
    row = found.value("swd")
    assert row.interval == "fakes: Student's t, 3 repeats"
    assert row.low is not None
    assert row.low < row.value
