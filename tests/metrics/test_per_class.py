from __future__ import annotations

import numpy as np
import pytest

from progan.core.errors import ConfigError, DataError
from progan.metrics.feature_set import FeatureSet, Origin
from progan.metrics.frechet import fid
from progan.metrics.neighbours import precision_recall
from progan.metrics.per_class import by_class


def labelled(n: int, seed: int, shifts: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """n pictures, dealt to the classes in turn; each class is shifted by its number."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % len(shifts)
    return rng.normal(size=(n, 3)) + np.array(shifts)[labels][:, None], labels


def test_each_class_is_measured_as_if_alone() -> None:
    (x, a), (y, b) = labelled(120, 0, (0, 5, 9)), labelled(90, 1, (0, 5, 12))
    found = by_class(fid, x, a, y, b, blocks=5)
    for k in range(3):
        assert found.classes[k] == fid(x[a == k], y[b == k], blocks=5)
    assert (found.real, found.fake) == ({0: 40, 1: 40, 2: 40}, {0: 30, 1: 30, 2: 30})


def test_the_worst_class_is_named_and_the_mean_takes_each_alike() -> None:
    (x, a), (y, b) = labelled(120, 0, (0, 5, 9)), labelled(90, 1, (0, 5, 12))
    found = by_class(fid, x, a, y, b, blocks=5)
    assert found.worst == 2  # means 3 apart in each of 3 features: about 27
    assert found.mean.value == pytest.approx(np.mean(list(found.values.values())))
    assert found.values[2] > 20
    assert found.values[0] < 5


def test_what_is_better_when_higher_is_worst_where_lowest() -> None:
    (x, a), (y, b) = labelled(120, 0, (0, 5, 9)), labelled(90, 1, (0, 5, 40))
    found = by_class(
        precision_recall, x, a, y, b, number=lambda one: one.precision.value, better="higher"
    )
    assert (found.worst, found.values[2]) == (2, 0)


def test_a_whole_that_looks_right_hides_classes_that_are_swapped() -> None:
    x, a = labelled(200, 0, (0, 30))
    y, b = labelled(200, 1, (0, 30))
    assert fid(x, y).value < 30
    assert by_class(fid, x, a, y, 1 - b).mean.value > 1000  # 3 · 30²


def test_classes_with_too_few_pictures_are_left_out_and_named() -> None:
    (x, a), (y, b) = labelled(60, 0, (0, 1, 2)), labelled(40, 1, (0, 1))
    a[a == 1] = np.where(np.arange(20) < 19, 0, 1)  # one picture of class 1 stays
    found = by_class(fid, x, a, y, b, blocks=2)
    assert set(found.values) == {0}
    assert found.left_out == (1, 2)
    assert (found.real[1], found.fake[2]) == (1, 0)


def test_the_origin_of_features_goes_with_each_class() -> None:
    (x, a), (y, b) = labelled(60, 0, (0, 1)), labelled(60, 1, (0, 1))
    origins = [Origin(extractor=name, weights="ab", resize="none") for name in ("small", "large")]
    sets = [FeatureSet(values=v, origin=o) for v, o in zip((x, y), origins, strict=True)]
    with pytest.raises(ConfigError, match="cannot be compared"):
        by_class(fid, sets[0], a, sets[1], b)
    alike = by_class(fid, sets[0], a, FeatureSet(values=y, origin=origins[0]), b)
    assert alike.classes[0].origin == origins[0]


def test_labels_that_do_not_fit_and_classes_in_one_set_only_are_refused() -> None:
    (x, a), (y, b) = labelled(60, 0, (0, 1)), labelled(60, 1, (0, 1))
    with pytest.raises(ConfigError, match=r"fake labels have shape \(59,\)"):
        by_class(fid, x, a, y, b[:-1])
    with pytest.raises(ConfigError, match="type float64; 60 rows need as many whole numbers"):
        by_class(fid, x, a.astype(float), y, b)
    with pytest.raises(DataError, match="none of 4 classes"):
        by_class(fid, x, a, y, b + 2)
