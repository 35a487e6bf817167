from __future__ import annotations

import numpy as np
import pytest

from progan.core.errors import ConfigError, DataError
from progan.metrics.inception_score import ScoreSums, inception_score, parts_of, score_of

SURE = 1e4
"""A logit beside zeros that makes every other class have probability 0."""


def one_hot(classes: np.ndarray, k: int) -> np.ndarray:
    return SURE * np.eye(k)[classes]


def soft(n: int, k: int, seed: int) -> np.ndarray:
    return 2 * np.random.default_rng(seed).normal(size=(n, k))


@pytest.mark.parametrize("k", [2, 10, 1000])
def test_sure_and_balanced_verdicts_score_the_number_of_classes(k: int) -> None:
    found = inception_score(one_hot(np.arange(4 * k) % k, k), splits=4, seed=None)
    assert found.value == pytest.approx(k, rel=1e-12)
    assert found.spread == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("logits", [np.zeros((40, 7)), np.tile(soft(1, 7, 0), (40, 1))])
def test_verdicts_that_are_all_the_same_score_one(logits: np.ndarray) -> None:
    assert inception_score(logits, splits=4).value == pytest.approx(1, rel=1e-12)
    assert inception_score(one_hot(np.zeros(40, int), 7), splits=4).value == pytest.approx(1)


def test_two_pictures_by_hand() -> None:
    # p = (1, 0) and (½, ½), p(y) = (¾, ¼): KL = log 4/3 and ½ log ⅔ + ½ log 2
    logits = np.array([[SURE, 0.0], [0.0, 0.0]])
    kls = np.log(4 / 3), 0.5 * np.log(2 / 3) + 0.5 * np.log(2)
    assert inception_score(logits, splits=1).value == pytest.approx(np.exp(np.mean(kls)))


@pytest.mark.parametrize(("n", "expected"), [(100, 9.56), (500, 9.91)])
def test_random_sure_verdicts_score_less_by_the_stated_bias(n: int, expected: float) -> None:
    # K exp(−(K − 1)/2n), K = 10; the next order adds about 0.03 at n = 100
    classes = np.random.default_rng(0).integers(10, size=60 * n)
    found = inception_score(one_hot(classes, 10), splits=60)
    assert 10 * np.exp(-9 / (2 * n)) == pytest.approx(expected, abs=0.005)
    error = found.spread / np.sqrt(60)
    assert found.value == pytest.approx(expected, abs=0.04 * 100 / n + 4 * error)
    assert found.whole > found.value  # sixty times as many pictures: less bias


def test_constants_added_to_a_row_and_the_order_of_classes_change_nothing() -> None:
    logits = soft(200, 6, 0)
    expected = inception_score(logits).value
    shifted = logits + np.random.default_rng(1).normal(size=(200, 1)) * 100
    assert inception_score(shifted).value == pytest.approx(expected, rel=1e-10)
    assert inception_score(logits[:, ::-1]).value == pytest.approx(expected, rel=1e-10)


def test_the_score_lies_between_one_and_the_number_of_classes() -> None:
    for sharpness in (0.1, 3, 100):
        found = inception_score(sharpness * soft(300, 5, 0), splits=3)
        assert 1 <= found.value <= 5


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_a_stream_comes_to_the_whole(batch: int) -> None:
    logits = soft(150, 5, 0)
    parts = parts_of(150, 10, seed=3)
    sums = ScoreSums(10, 5)
    for start in range(0, 150, batch):
        sums.add(logits[start : start + batch], parts[start : start + batch])
    whole, found = inception_score(logits, seed=3), score_of(sums, seed=3)
    assert found.value == pytest.approx(whole.value, rel=1e-12)
    assert (found.images, found.whole) == (150, pytest.approx(whole.whole))


def test_sums_of_two_processes_add_up_to_the_whole() -> None:
    logits = soft(150, 5, 0)
    parts = parts_of(150, 10, seed=0)
    halves = []
    for some in (slice(0, 40), slice(40, 150)):
        halves.append(ScoreSums(10, 5))
        halves[-1].add(logits[some], parts[some])
    found = score_of(halves[0] + halves[1], seed=0)
    assert found.value == pytest.approx(inception_score(logits).value, rel=1e-12)
    assert found.spread == pytest.approx(inception_score(logits).spread, rel=1e-9)


def test_pictures_in_the_order_of_their_class_need_to_be_dealt() -> None:
    logits = one_hot(np.repeat(np.arange(10), 100), 10)
    assert inception_score(logits, splits=10, seed=None).value == pytest.approx(1)
    assert inception_score(logits, splits=10).value > 9


def test_parts_differ_by_one_picture_at_most_and_follow_the_seed() -> None:
    parts = parts_of(103, 10, seed=0)
    assert set(np.bincount(parts)) == {10, 11}
    np.testing.assert_array_equal(parts, parts_of(103, 10, seed=0))
    assert not np.array_equal(parts, parts_of(103, 10, seed=1))


def test_fewer_pictures_than_parts_and_two_classifiers_are_refused() -> None:
    with pytest.raises(ConfigError, match="10 splits of 9 pictures"):
        inception_score(soft(9, 3, 0))
    sums = ScoreSums(2, 3)
    with pytest.raises(DataError, match="logits of 4 classes came after those of 3"):
        sums.add(soft(2, 4, 0), np.array([0, 1]))
