"""Classifiers trained here: they learn, they are the same again, and their files are checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from progan.core.errors import CheckpointError, DataError
from progan.engine.checkpoint import save_checkpoint
from progan.extractors import training
from progan.extractors.trained import Classifier, Facts, load_trained, read_facts, save_trained
from progan.extractors.training import LabelledPictures, accuracy, train_classifier

FACTS: dict[str, Any] = {
    "side": 8,
    "channels": 1,
    "classes": ("lying", "standing"),
    "data": "stripes",
    "data_fingerprint": "12",
    "test": "other stripes",
    "test_fingerprint": "34",
    "images": 512,
    "trained_on": 256,
    "tested_on": 64,
    "accuracy": 1.0,
    "accuracy_by_class": (1.0, 1.0),
}


def train(stripes: LabelledPictures, images: int = 256, seed: int = 0) -> Classifier:
    return train_classifier(stripes, 2, images=images, seed=seed)


def facts(seed: int = 0) -> Facts:
    return Facts(**FACTS, seed=seed)


def test_a_classifier_learns_what_tells_classes_apart(
    stripes: LabelledPictures, other_stripes: LabelledPictures
) -> None:
    share, by_class = accuracy(train(stripes, images=1024), other_stripes, 2)
    assert share > 0.9
    assert len(by_class) == 2


def test_accuracy_by_class_is_the_share_of_each_class(stripes: LabelledPictures) -> None:
    network = Classifier(8, 1, 2).eval()
    with torch.no_grad():
        network.head.weight.zero_()
        network.head.bias.copy_(torch.tensor([1.0, 0.0]))  # always says 0
    share, by_class = accuracy(network, stripes, 2)
    assert by_class == (1.0, 0.0)
    assert share == pytest.approx(float((stripes.labels == 0).mean()))


def test_the_same_seed_gives_the_same_file_and_another_seed_another(
    stripes: LabelledPictures, tmp_path: Path
) -> None:
    sums = [
        save_trained(tmp_path / f"{i}.safetensors", train(stripes, seed=seed), facts(seed))
        for i, seed in enumerate((0, 0, 1))
    ]
    assert sums[0] == sums[1] != sums[2]


def test_a_loaded_extractor_is_the_one_that_was_saved(
    stripes: LabelledPictures, tmp_path: Path
) -> None:
    network, path = train(stripes, images=128), tmp_path / "a.safetensors"
    sha256 = save_trained(path, network, facts())
    extractor, known = load_trained(path)
    assert known == facts() == read_facts(path)
    assert (extractor.name, extractor.sha256) == (f"trained:{sha256[:12]}", sha256)
    assert extractor.class_names == ("lying", "standing")
    images = stripes.gather(np.arange(9))
    with torch.no_grad():
        expected, logits = network(torch.from_numpy(images) / 127.5 - 1)
    torch.testing.assert_close(extractor.features(images), expected)
    torch.testing.assert_close(extractor.log_probabilities(images), logits.log_softmax(1))


def test_a_changed_byte_is_noticed(stripes: LabelledPictures, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_trained(path, train(stripes, images=128), facts())
    content = bytearray(path.read_bytes())
    content[-7] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="checksum"):
        load_trained(path)


def test_a_changed_accuracy_is_noticed(stripes: LabelledPictures, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_trained(path, train(stripes, images=128), facts())
    content = path.read_bytes()
    claim = rb"\"accuracy\": 1.0"
    assert content.count(claim) == 1
    path.write_bytes(content.replace(claim, rb"\"accuracy\": 2.0"))
    with pytest.raises(CheckpointError, match="checksum"):
        load_trained(path)


def test_a_checkpoint_of_a_run_is_no_extractor(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "a.safetensors", {"a": torch.zeros(1)}, {"counters": {}})
    with pytest.raises(CheckpointError, match="no trained extractor"):
        load_trained(tmp_path / "a.safetensors")


@pytest.mark.parametrize("side", [16, 28, 32, 64])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_side_and_channels_give_128_features(side: int, channels: int) -> None:
    network = Classifier(side, channels, 5).eval()
    features, logits = network(torch.zeros(2, channels, side, side))
    assert (features.shape, logits.shape) == ((2, 128), (2, 5))


def test_pictures_are_moved_by_a_sixteenth_of_their_side_at_most() -> None:
    images = torch.zeros(400, 1, 32, 32, dtype=torch.uint8)
    images[:, 0, 10, 20] = 255
    moved = training._moved(images, np.random.default_rng(0), mirror=False)
    _, _, rows, columns = torch.nonzero(moved, as_tuple=True)
    assert len(rows) == 400
    for shifts in (rows - 10, columns - 20):
        assert set(shifts.tolist()) == {-2, -1, 0, 1, 2}


def test_about_half_of_the_pictures_are_mirrored_if_asked() -> None:
    images = torch.zeros(400, 1, 32, 32, dtype=torch.uint8)
    images[:, 0, 10, 4] = 255
    moved = training._moved(images, np.random.default_rng(0), mirror=True)
    columns = torch.nonzero(moved)[:, 3]
    assert 140 < int((columns > 16).sum()) < 260  # 200 ± 6 standard deviations


def test_the_rate_rises_to_one_and_falls_to_zero() -> None:
    rates = [training._rate(step / 1000) for step in range(1001)]
    top = int(np.argmax(rates))
    assert top == 200
    assert rates[top] == pytest.approx(1)
    assert np.all(np.diff(rates[: top + 1]) > 0)
    assert np.all(np.diff(rates[top:]) < 0)
    assert rates[-1] == pytest.approx(0)


def test_pictures_are_shown_in_whole_batches(stripes: LabelledPictures) -> None:
    seen: list[int] = []
    train_classifier(stripes, 2, images=300, heard=seen.append)
    assert seen == [128, 256, 384]
    assert training.shown(300, stripes) == 384


def test_a_longer_time_shows_more_pictures(
    stripes: LabelledPictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(10_000))
    monkeypatch.setattr(training, "TRIED", 3)
    monkeypatch.setattr(training.time, "monotonic", lambda: float(next(clock)))  # a second a step
    assert training.images_within(2, stripes, 2) == int(120 * training.KEPT) * 128


def test_one_picture_is_not_enough_to_learn_from() -> None:
    alone = LabelledPictures(
        gather=lambda rows: np.zeros((len(rows), 1, 16, 16), np.uint8), labels=np.zeros(1, np.int64)
    )
    with pytest.raises(DataError, match="it takes two or more"):
        train_classifier(alone, 2, images=128)
