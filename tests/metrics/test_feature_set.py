from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from progan.core.errors import ConfigError, DataError
from progan.metrics.feature_set import FeatureSet, Origin, matrix, pair
from progan.metrics.frechet import fid
from progan.metrics.kernels import Polynomial, mmd
from progan.metrics.memorisation import memorisation
from progan.metrics.neighbours import one_nearest_accuracy, prdc, precision_recall

ORIGIN = Origin(extractor="small", weights="ab12", resize="none", pictures="cats", seed=1)


def held(origin: Origin, n: int = 30) -> FeatureSet:
    return FeatureSet(values=np.random.default_rng(n).normal(size=(n, 3)), origin=origin)


@pytest.mark.parametrize("change", [{"extractor": "large"}, {"weights": "cd"}, {"resize": "area"}])
def test_features_of_another_extractor_weights_or_resize_are_never_compared(
    change: dict[str, str],
) -> None:
    real, fake = held(ORIGIN), held(replace(ORIGIN, **change))
    for measure in (fid, precision_recall, prdc, one_nearest_accuracy):
        with pytest.raises(ConfigError, match="cannot be compared: extractor, weights and resiz"):
            measure(real, fake)
    with pytest.raises(ConfigError, match="cannot be compared"):
        mmd(real, fake, Polynomial())
    with pytest.raises(ConfigError, match="cannot be compared"):
        memorisation(real, real, fake)


def test_other_pictures_and_seeds_are_what_comparing_is_for() -> None:
    real, fake = held(ORIGIN), held(replace(ORIGIN, pictures="runs/cats", seed=7))
    assert fid(real, fake).origin == ORIGIN
    assert prdc(real, fake).origin == ORIGIN


def test_features_of_unknown_origin_are_compared_with_their_like_only() -> None:
    known = held(ORIGIN)
    with pytest.raises(ConfigError, match=r"small \(ab12, none\) and of an unknown extractor"):
        pair(known, known.values)
    assert pair(known.values, known.values)[2] is None


def test_tensors_and_whole_numbers_are_as_good_as_arrays() -> None:
    np.testing.assert_array_equal(matrix(torch.ones(2, 3)), np.ones((2, 3)))
    assert matrix(np.ones((2, 3), np.uint8)).dtype == np.float64
    assert matrix(np.ones((2, 3), np.float32)).dtype == np.float32  # not copied


@pytest.mark.parametrize("shape", [(4,), (4, 3, 2), (4, 0)])
def test_anything_but_rows_of_features_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match="metrics take n rows of d features"):
        matrix(np.zeros(shape))


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_the_row_that_is_not_finite_is_named(wrong: float) -> None:
    rows = np.zeros((9000, 2))
    rows[8000, 1] = wrong
    with pytest.raises(DataError, match="row 8,000 of 9,000 holds a value that is not finite"):
        matrix(rows)


def test_two_widths_and_too_few_rows_are_refused() -> None:
    with pytest.raises(DataError, match="real rows have 3 features and fake ones 4"):
        pair(np.zeros((5, 3)), np.zeros((5, 4)))
    with pytest.raises(DataError, match="fake features: 1 rows came; at least 2 are needed"):
        pair(np.zeros((5, 3)), np.zeros((1, 3)), least=2)
