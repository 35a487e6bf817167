from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch

from progan.core.errors import ConfigError, DataError
from progan.metrics.feature_set import FeatureSet, Origin
from progan.metrics.moments import Moments, MomentStream, in_blocks, load, merge, moments, save

ORIGIN = Origin(extractor="small", weights="ab12", resize="none")


def rows(n: int, d: int = 5, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + 3


def streamed(features: np.ndarray, batch: int) -> Moments:
    stream = MomentStream()
    for start in range(0, len(features), batch):
        stream.add(features[start : start + batch])
    return stream.moments()


def same_bits(a: Moments, b: Moments) -> bool:
    return a.n == b.n and bool((a.mean == b.mean).all() and (a.scatter == b.scatter).all())


def agree(a: Moments, b: Moments) -> None:
    assert a.n == b.n
    np.testing.assert_allclose(a.mean, b.mean, rtol=1e-12)
    np.testing.assert_allclose(a.scatter, b.scatter, rtol=1e-11, atol=1e-9)


def test_covariance_is_unbiased_by_hand() -> None:
    found = moments(np.array([[0.0, 0.0], [2.0, 4.0]]))
    assert found.mean.tolist() == [1, 2]
    # deviations ∓(1, 2): sums of products 2, 4, 8, over n − 1 = 1
    assert found.covariance.tolist() == [[2, 4], [4, 8]]


def test_moments_are_those_of_numpy() -> None:
    x = rows(3000)
    np.testing.assert_allclose(moments(x).covariance, np.cov(x, rowvar=False), rtol=1e-12)
    np.testing.assert_allclose(moments(x).mean, x.mean(axis=0), rtol=1e-12)


@pytest.mark.parametrize("batch", [1, 7, 1000, 1024, 5000])
def test_a_stream_has_the_bits_of_the_whole_in_any_batches(batch: int) -> None:
    x = rows(2500)
    assert same_bits(streamed(x, batch), moments(x))


def test_parts_of_any_sizes_add_up_to_the_whole() -> None:
    x = rows(2000)
    parts = [moments(part) for part in np.split(x, [1, 2, 700, 1999])]
    agree(merge(parts), moments(x))
    assert same_bits(merge(parts), merge(parts[:2]) + parts[2] + parts[3] + parts[4])


def test_a_mean_far_from_zero_costs_no_precision() -> None:
    x = rows(3000)
    far = moments(x + 1e6)  # single sums of squares would leave 1e12 · 2⁻⁵² ≈ 2e-4 of a variance
    np.testing.assert_allclose(far.covariance, moments(x).covariance, rtol=1e-7, atol=1e-7)


def test_single_precision_rows_are_summed_in_double() -> None:
    x = rows(5000).astype(np.float32)
    agree(moments(x), moments(x.astype(np.float64)))


def test_a_stream_goes_on_after_it_was_asked() -> None:
    x = rows(1500)
    stream = MomentStream()
    stream.add(x[:1100])
    assert same_bits(stream.moments(), moments(x[:1100]))
    stream.add(torch.from_numpy(x[1100:]))
    assert same_bits(stream.moments(), moments(x))


def test_a_stream_keeps_its_own_copy() -> None:
    x = rows(10)
    batch = x.copy()
    stream = MomentStream()
    stream.add(batch)
    batch[:] = 0
    assert same_bits(stream.moments(), moments(x))


def test_memory_does_not_grow_with_the_number_of_rows() -> None:
    def peak(batches: int) -> int:
        tracemalloc.start()
        stream = MomentStream()
        for number in range(batches):
            stream.add(np.random.default_rng(number).normal(size=(200, 32)))
        stream.moments()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(1)
    assert peak(100) < 1.1 * peak(12)


def test_blocks_are_neighbours_that_make_the_whole() -> None:
    x = rows(103)
    parts = in_blocks(x, 10)
    assert {part.n for part in parts} == {10, 11}
    agree(merge(parts), moments(x))


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    for features in (rows(50), FeatureSet(values=rows(50), origin=ORIGIN)):
        found = moments(features)
        save(found, tmp_path / "real.npz")
        again = load(tmp_path / "real.npz")
        assert same_bits(found, again)
        assert again.origin == found.origin


@pytest.mark.parametrize("content", [b"", b"no moments", b"PK\x03\x04"])
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "real.npz").write_bytes(content)
    with pytest.raises(DataError, match="does not hold moments"):
        load(tmp_path / "real.npz")


def test_an_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "real.npz", images=np.zeros(3))
    with pytest.raises(DataError, match="does not hold moments"):
        load(tmp_path / "real.npz")


def test_unlike_features_are_never_added() -> None:
    other = Origin(extractor="large", weights="ab12", resize="none")
    parts = [moments(FeatureSet(values=rows(9), origin=origin)) for origin in (ORIGIN, other)]
    with pytest.raises(ConfigError, match="cannot be compared"):
        merge(parts)
    stream = MomentStream()
    stream.add(FeatureSet(values=rows(9), origin=ORIGIN))
    with pytest.raises(ConfigError, match="cannot be compared"):
        stream.add(rows(9))
    with pytest.raises(DataError, match="5 features and fake ones 4"):
        moments(rows(9)) + moments(rows(9, d=4))


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(DataError, match="no features came"):
        MomentStream().moments()
    with pytest.raises(DataError, match="of 1 rows"):
        _ = moments(rows(1)).covariance
    with pytest.raises(ConfigError, match="10 blocks of 19 rows"):
        in_blocks(rows(19), 10)
