"""From labelled pictures to an extractor: what is learned, what is held out, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from progan.assemble.measuring import extractors as making
from progan.assemble.measuring.extractors import ExtractorAsked, ExtractorMade, train_extractor
from progan.core.errors import ConfigError, DataError, RoomError
from progan.data.sources import DEBIAN
from progan.extractors.names import lookup


@pytest.fixture(autouse=True)
def _there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(name: str, count: int = 210, classes: int = 3, seed: int = 0, **more: Any) -> str:
    """Grey pictures of 16 px whose brightness tells their class."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    images = random.integers(0, 60, (count, 16, 16)) + 60 * labels[:, None, None]
    np.savez(name, images=images.astype(np.uint8), **{"labels": labels, **more})
    return name


def make(data: str, **more: Any) -> ExtractorMade:
    return train_extractor(ExtractorAsked(data=data, **{"images": 128, **more}))


def test_one_in_seven_is_held_out_and_everything_is_written_down() -> None:
    made = make(write("a.npz"), seed=3)
    facts = made.facts
    assert made.path == Path("extractors/a.npz.safetensors")
    assert (facts.trained_on, facts.tested_on) == (180, 30)  # 210 / 7
    assert (facts.side, facts.channels, facts.classes) == (16, 1, ("0", "1", "2"))
    assert (facts.data, facts.test, facts.seed) == ("a.npz", "1 in 7, held out", 3)
    assert facts.images == 128
    assert lookup(made.name).features(np.zeros((2, 1, 16, 16), np.uint8)).shape == (2, 128)


def test_the_held_out_pictures_are_never_learned_from_and_the_same_for_all() -> None:
    learned, held = making._split(700)
    assert len(held) == 100
    assert sorted([*learned, *held]) == list(range(700))
    assert np.ptp(held) > 500  # spread over the set


def test_it_is_tested_on_another_set_if_one_is_given() -> None:
    facts = make(write("a.npz"), test=write("b.npz", count=60, seed=1)).facts
    assert (facts.trained_on, facts.tested_on, facts.test) == (210, 60, "b.npz")
    assert facts.test_fingerprint != facts.data_fingerprint


def test_the_publishers_own_test_pictures_are_taken() -> None:
    assert making.TESTS["fashion-mnist-full"] == "fashion-mnist"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"test": "a.npz"}, "are the very pictures to learn from"),
        ({"test": "four.npz"}, "They must be the same, in the same order"),
        ({"data": "plain.npz"}, "has no labels"),
        ({"data": "few.npz"}, "a test takes 20 at least"),
    ],
)
def test_pictures_that_prove_nothing_are_refused(words: dict[str, str], said: str) -> None:
    write("a.npz")
    write("four.npz", classes=4)
    write("few.npz", count=30)
    write("plain.npz", labels=np.zeros(210, int))
    with pytest.raises(DataError) as told:
        make(**{"data": "a.npz", **words})
    assert said in str(told.value)
    assert not Path("extractors").exists()


def test_an_extractor_that_is_there_is_never_replaced() -> None:
    data = write("a.npz")
    first = make(data, to=Path("mine.safetensors"))
    before = first.path.read_bytes()
    with pytest.raises(ConfigError, match=r"never replaced.*--to mine-2\.safetensors"):
        make(data, to=Path("mine.safetensors"), seed=1)
    assert first.path.read_bytes() == before
    assert [make(data, seed=seed).path.name for seed in (1, 2)] == [
        "a.npz.safetensors",
        "a.npz-2.safetensors",
    ]


def test_a_place_that_cannot_be_written_is_told_before_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(making, "train_classifier", lambda *given, **more: pytest.fail("trained"))
    Path("taken").touch()
    with pytest.raises(
        RoomError, match=r"mine\.safetensors could not be written .*--to OTHER/mine"
    ):
        make(write("a.npz"), to=Path("taken/mine.safetensors"))


@pytest.mark.parametrize(
    "words",
    [
        {"minutes": 0.0, "images": None},
        {"images": 0},
        {"minutes": 1.0, "images": 128},
        {"to": Path("mine.pth")},
    ],
)
def test_words_that_make_no_sense_are_refused_before_anything_is_read(
    words: dict[str, Any],
) -> None:
    with pytest.raises(ConfigError, match="--"):
        make("nowhere", **words)


def test_minutes_set_the_number_of_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "images_within", lambda minutes, *given, **more: 128 * int(minutes))
    assert make(write("a.npz"), minutes=2.0, images=None).facts.images == 256


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not DEBIAN.exists(), reason="needs Debian's dataset-fashion-mnist")
def test_fashion_mnist_is_told_apart_on_the_10_000_test_pictures() -> None:
    facts = make("fashion-mnist-full", images=None).facts
    assert (facts.trained_on, facts.tested_on) == (60_000, 10_000)
    assert facts.accuracy >= 0.91


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_packaged_part_alone_gives_an_extractor_of_use() -> None:
    facts = make("fashion-mnist", images=None).facts
    assert (facts.trained_on, facts.tested_on) == (8_572, 1_428)
    assert facts.accuracy >= 0.87
