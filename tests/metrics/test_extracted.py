from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch

from progan.core.errors import ConfigError
from progan.metrics.extracted import BLOCK, Extracted
from progan.metrics.feature_set import FeatureSet
from progan.metrics.known import named, title_of
from progan.metrics.run import evaluate


class Corner:
    """An extractor whose features are three pixels, and whose classes are dark and light."""

    name, classes = "trained:c0ffee", 2

    def __init__(self) -> None:
        self.seen = 0

    def both(self, images: Any) -> tuple[torch.Tensor, torch.Tensor]:
        self.seen += len(images)
        pixels = torch.as_tensor(np.asarray(images)).float().flatten(1)
        light = pixels.mean(dim=1, keepdim=True) / 64 - 2
        return pixels[:, :3] / 255, torch.cat([-light, light], dim=1).log_softmax(1)

    def record(self) -> Mapping[str, str]:
        return {"extractor": self.name, "weights": "c0ffee" * 8, "resize": "none"}


def noise(start: int, count: int) -> Any:
    rows = [
        np.random.default_rng(n).integers(256, size=(1, 16, 16))
        for n in range(start, start + count)
    ]
    return np.stack(rows).astype(np.uint8)


def dark(start: int, count: int) -> Any:
    return noise(start + 10_000, count) // 8


@pytest.mark.parametrize(("start", "count"), [(0, 5), (3, BLOCK), (BLOCK - 1, 2), (200, 90)])
def test_features_of_any_stretch_are_those_of_its_pictures(start: int, count: int) -> None:
    found = Extracted(noise, Corner())
    whole = Corner().both(noise(start, count))
    np.testing.assert_allclose(found.features(start, count).values, whole[0])
    np.testing.assert_allclose(found.log_probabilities(start, count).values, whole[1])


def test_each_picture_goes_through_the_network_once() -> None:
    network = Corner()
    found = Extracted(noise, network)
    for start, count in ((0, 100), (50, 100), (0, 150), (149, 1)):
        found.features(start, count)
        found.log_probabilities(start, count)
    assert network.seen == 150


def test_features_know_where_they_come_from() -> None:
    found = Extracted(noise, Corner(), pictures="a run").features(0, 2)
    assert isinstance(found, FeatureSet)
    assert found.origin.ruler == ("trained:c0ffee", "c0ffee" * 8, "none")
    assert found.origin.pictures == "a run"


class Shelf:
    """A store in memory."""

    def __init__(self) -> None:
        self.pieces: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def load(self, piece: int) -> tuple[np.ndarray, np.ndarray] | None:
        return self.pieces.get(piece)

    def save(self, piece: int, features: np.ndarray, log_probabilities: np.ndarray) -> None:
        self.pieces[piece] = (features, log_probabilities)


def test_what_a_store_knows_is_not_extracted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("progan.metrics.extracted.STORED", 2)  # pieces of 128
    shelf, first, second = Shelf(), Corner(), Corner()
    found = Extracted(noise, first, store=shelf)
    whole = found.features(0, 150).values
    assert {piece: len(rows[0]) for piece, rows in shelf.pieces.items()} == {0: 128}
    found.keep()  # what does not fill a piece is kept at the end
    assert {piece: len(rows[0]) for piece, rows in shelf.pieces.items()} == {0: 128, 1: 22}
    again = Extracted(noise, second, store=shelf)
    np.testing.assert_array_equal(again.features(0, 150).values, whole)
    assert second.seen == 0
    again.features(0, 160)
    assert second.seen == 10
    again.keep()
    assert len(shelf.pieces[1][1]) == 32


def test_what_begins_behind_a_gap_is_not_kept() -> None:
    shelf = Shelf()
    found = Extracted(noise, Corner(), store=shelf)
    found.features(BLOCK, 10)  # block 0 was never asked for
    found.keep()
    assert shelf.pieces == {}


def test_blocks_that_processes_share_are_asked_for_together() -> None:
    class Together(Corner):
        together, calls = 2, 0

        def many(self, blocks: Any) -> Any:
            self.calls += 1
            return [tuple(np.asarray(part) for part in self.both(block)) for block in blocks]

    network = Together()
    found = Extracted(noise, network).features(0, 3 * BLOCK + 5)
    assert network.calls == 2  # 4 blocks, 2 at a call
    whole = Corner().both(noise(0, 3 * BLOCK + 5))[0]
    np.testing.assert_allclose(found.values, whole)


FEATURES = ["fd", "kd", "mmd", "is", "prdc", "nn1"]


def test_what_is_far_is_told_from_what_is_near_by_every_metric() -> None:
    network = Corner()
    options: dict[str, Any] = {"real_images": 400, "images": 100, "metrics": FEATURES}
    near = evaluate(noise, lambda s, n: noise(s + 5_000, n), extractor=network, **options)
    far = evaluate(noise, dark, extractor=network, **options)
    for name in ("fd", "kd", "mmd", "nn1"):
        assert near.value(name).value < far.value(name).value
        assert near.value(name).floor == far.value(name).floor
    for level in ("recall", "coverage"):  # dark pictures lie among all others: precise, not varied
        assert near.value("prdc", level).value > 0.7
        assert far.value("prdc", level).value < 0.3
    # 200 reals; then 100 fakes each time
    assert network.seen == 2 * (200 + 100)
    assert near.extractor == network.record()
    assert {row.extractor for row in near.rows} == {"trained:c0ffee"}


def test_a_report_without_features_names_no_extractor() -> None:
    found = evaluate(noise, dark, real_images=20, images=10, extractor=Corner(), metrics=["msssim"])
    assert found.extractor is None
    assert found.rows[0].extractor == "none"


def test_features_without_an_extractor_are_refused() -> None:
    with pytest.raises(ConfigError, match="fd, is measure features, and no extractor was named"):
        evaluate(noise, dark, real_images=20, metrics=["swd", "fd", "is"])


def test_too_few_images_for_a_metric_are_refused() -> None:
    with pytest.raises(ConfigError, match="KD x 10³ was to be measured of 4 images"):
        evaluate(noise, dark, real_images=20, images=4, metrics=["kd"], extractor=Corner())


@pytest.mark.parametrize(
    ("name", "extractor", "title"),
    [
        ("fd", "inception-2015-12-05:tf-bilinear", "FID"),
        ("kd", "inception-2015-12-05:torch-bilinear", "KID x 10³"),
        ("is", "inception-2015-12-05:tf-bilinear", "IS"),
        ("fd", "effnet-lite0", "FD-effnet"),
        ("kd", "trained:c0ffee", "KD-trained x 10³"),
        ("swd", "effnet-lite0", "SWD x 10³"),
        ("fd", "none", "FD"),
    ],
)
def test_only_inceptions_distances_are_called_fid_and_kid(
    name: str, extractor: str, title: str
) -> None:
    assert title_of(name, extractor) == title


def test_fid_can_be_asked_of_inception_alone() -> None:
    assert named("fid", "inception") == "fd"
    assert named("kid", "inception-2015-12-05:tf-bilinear") == "kd"
    assert named("swd", None) == "swd"
    for extractor in ("effnet-lite0", None):
        with pytest.raises(ConfigError, match="features of Inception only"):
            named("fid", extractor)


def test_the_floor_of_a_frechet_distance_is_said_to_fall_as_1_over_n() -> None:
    found = evaluate(noise, dark, real_images=40, images=40, metrics=["fd"], extractor=Corner())
    row = found.value("fd")
    assert (row.images, row.floor_images) == (40, 20)
    assert f"falls as 1/n, so expect about {row.floor / 2:.2f}" in found.notes()[0]


class Shades(Corner):
    """An extractor that tells four shades apart, by the mean pixel."""

    name, classes = "trained:5hades", 4
    class_names = ("black", "dark", "light", "white")

    def both(self, images: Any) -> tuple[torch.Tensor, torch.Tensor]:
        features, _ = super().both(images)
        shade = torch.as_tensor(np.asarray(images)).float().flatten(1).mean(1) // 64
        return features, torch.nn.functional.one_hot(shade.long(), 4).float().log_softmax(1)


def shaded(start: int, count: int) -> Any:
    numbers = np.arange(start, start + count)
    return (noise(start, count) // 4 + (numbers % 4 * 64)[:, None, None, None]).astype(np.uint8)


def asked(start: int, count: int) -> Any:
    return np.arange(start, start + count) % 4


def test_agreement_is_the_share_of_pictures_that_look_as_they_were_asked_to() -> None:
    """Every eighth fake was asked for in black, and is white: half of those of class 0."""
    wrong = lambda start, count: np.where(  # noqa: E731
        np.arange(start, start + count) % 8 == 3, 0, asked(start, count)
    )
    found = evaluate(
        shaded,
        shaded,
        real_images=80,
        images=80,
        metrics=["agreement"],
        extractor=Shades(),
        real_labels=asked,
        fake_labels=wrong,
    )
    values = {row.level: row.value for row in found.rows}
    assert values == {
        **{"black": pytest.approx(2 / 3), "dark": 1.0, "light": 1.0, "white": 1.0},
        "mean": pytest.approx((3 + 2 / 3) / 4),
    }
    assert found.value("agreement").floor == 1.0  # of reals with their own labels
    ways = {row.interval for row in found.rows}
    assert ways == {"fakes: Wilson's score, class by class"}  # told once, not class by class
    assert all(row.low is not None and row.low < row.value for row in found.rows)


def test_a_distance_by_class_finds_the_class_that_failed() -> None:
    def fakes(start: int, count: int) -> Any:
        made, light = shaded(start + 4_000, count), asked(start, count) == 2
        made[light] //= 4
        return made

    found = evaluate(
        shaded,
        fakes,
        real_images=200,
        images=100,
        metrics=["fd-class"],
        extractor=Shades(),
        real_labels=asked,
        fake_labels=asked,
    )
    values = {row.level: row.value for row in found.rows}
    assert values["light"] > 10 * max(values[name] for name in ("black", "dark", "white"))
    mean = np.mean([value for name, value in values.items() if name != "mean"])
    assert values["mean"] == pytest.approx(mean)


def test_metrics_of_classes_need_labels_and_an_extractor_that_knows_them() -> None:
    options: dict[str, Any] = {"real_images": 40, "images": 40, "metrics": ["agreement"]}
    with pytest.raises(ConfigError, match="these pictures have none"):
        evaluate(shaded, shaded, extractor=Shades(), **options)
    labels = {"real_labels": asked, "fake_labels": asked}
    with pytest.raises(ConfigError, match="tells 2 classes apart, and class 3 was asked for"):
        evaluate(shaded, shaded, extractor=Corner(), **options, **labels)
