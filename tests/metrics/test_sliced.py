from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from progan.core.errors import ConfigError, DataError
from progan.core.randomness import seed_of
from progan.metrics import sliced
from progan.metrics.images import shifted
from progan.metrics.sliced import descriptor_distance, normalise, sliced_wasserstein

Waves = Callable[..., sliced.ImageSource]


def gaussian(count: int, seed: int, width: int = 147) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, width), dtype=np.float32)


def noise(size: int, seed: int, channels: int = 3) -> sliced.ImageSource:
    def source(start: int, count: int) -> np.ndarray:
        # one generator per image, so that batches do not matter
        shape = (channels, size, size)
        rngs = (np.random.default_rng((seed, i)) for i in range(start, start + count))
        return np.stack([rng.integers(256, size=shape, dtype=np.uint8) for rng in rngs])

    return source


def test_a_set_is_at_distance_zero_from_itself_in_another_order() -> None:
    patches = gaussian(500, 0)
    # zero but for rounding: where a row stands in a product of matrices can change its last bit
    assert descriptor_distance(patches, patches[::-1].copy(), seed=0) < 1e-6


def test_a_shift_costs_its_length_seen_from_a_random_direction() -> None:
    # the mean |cosine| between a fixed and a random direction in 147 dimensions is √(2/(π·147)),
    # and 512 directions know it to 0.76/√512 = 3 %
    patches = gaussian(400, 1)
    shift = np.zeros(147, np.float32)
    shift[3] = 2.0
    expected = 2.0 * (2 / (np.pi * 147)) ** 0.5
    assert descriptor_distance(patches, patches + shift, seed=0) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("count", [2**11, 2**13])
def test_white_noise_is_apart_by_one_over_root_n(count: int) -> None:
    # E|F − G| of two samples of n: √(2/π)·√(2/n)·∫√(Φ(1 − Φ)) = 1.1284·1.6147/√n = 1.822/√n, which
    # is 5.0e-3 at 2¹⁷ and 2.5e-3 at 2¹⁹ patches
    found = [
        descriptor_distance(gaussian(count, s), gaussian(count, 10 + s), seed=s) for s in range(4)
    ]
    assert np.mean(found) == pytest.approx(1.822 / count**0.5, rel=0.05)


def test_normalised_channels_have_mean_zero_and_deviation_one_over_the_whole_set() -> None:
    patches = np.random.default_rng(4).uniform(5, 9, (40, 3, 7, 7)).astype(np.float32)
    patches[:, 1] *= 10
    flat = normalise(patches).reshape(40, 3, -1).astype(np.float64)
    np.testing.assert_allclose(flat.mean(axis=(0, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(flat.std(axis=(0, 2)), 1, rtol=1e-5)


def test_the_streamed_value_is_the_naive_one(waves: Waves, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sliced, "batch_for", lambda size: 16)
    real, fake = waves(32, noise=20, steepness=0.5), waves(32, noise=40, steepness=1)
    found = sliced_wasserstein(real, shifted(fake, 900), 40, seed=7)  # two batches and a half
    expected = naive(real(0, 40), fake(900, 40), 7)
    assert dict(found.levels) == pytest.approx(expected, rel=2e-5)


def naive(real: np.ndarray, fake: np.ndarray, seed: int) -> dict[int, float]:
    """The definition, with everything in memory, in float64."""

    def blur(x: np.ndarray) -> np.ndarray:
        kernel = np.outer(*[np.array([1, 4, 6, 4, 1]) / 16] * 2)
        padded = np.pad(x, [(0, 0), (0, 0), (2, 2), (2, 2)], mode="reflect")
        h, w = x.shape[2:]
        return sum(
            kernel[i, j] * padded[:, :, i : i + h, j : j + w] for i in range(5) for j in range(5)
        )

    def patches(images: np.ndarray, which: int) -> dict[int, np.ndarray]:
        low = blur(images)[:, :, ::2, ::2]
        zeros = np.zeros_like(images)
        zeros[:, :, ::2, ::2] = low
        found = {}
        for level, band in ((32, images - 4 * blur(zeros)), (16, low)):
            rng = np.random.default_rng(seed_of(seed_of(seed, "swd places", which), level))
            shape = (2, len(images), 128)
            tops, lefts = rng.integers(level - 6, size=shape, dtype=np.int16)
            cut = np.stack(
                [
                    band[i, :, top : top + 7, left : left + 7]
                    for i in range(len(images))
                    for top, left in zip(tops[i], lefts[i], strict=True)
                ]
            )
            axes = (0, 2, 3)
            cut = (cut - cut.mean(axes, keepdims=True)) / cut.std(axes, keepdims=True)
            found[level] = cut.reshape(len(cut), -1)
        return found

    def distance(a: np.ndarray, b: np.ndarray, level: int) -> float:
        found = []
        for repeat in range(4):
            seeds = seed_of(seed_of(seed, "swd level", level), "swd directions", repeat)
            directions = np.random.default_rng(seeds).standard_normal((128, 147))
            directions /= np.sqrt((directions**2).sum(axis=1, keepdims=True))
            sorted_a, sorted_b = (np.sort(x @ directions.T, axis=0) for x in (a, b))
            found.append(np.abs(sorted_a - sorted_b).mean())
        return 1e3 * float(np.mean(found))

    a, b = patches(real.astype(np.float64), 0), patches(fake.astype(np.float64), 1)
    return {level: distance(a[level], b[level], level) for level in (32, 16)}


def test_one_level_per_pass_gives_the_same_as_all_at_once(
    waves: Waves, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, fake = waves(32, noise=20, steepness=0.5), waves(32, noise=40, steepness=1)
    together = sliced_wasserstein(real, fake, 32)
    monkeypatch.setattr(sliced, "STORE_BYTES", 1)
    assert sliced_wasserstein(real, fake, 32) == together


def test_gray_counts_as_three_equal_channels(waves: Waves) -> None:
    real = waves(16, noise=20, steepness=0.5, channels=1)
    fake = waves(16, noise=40, steepness=1, channels=1)

    def tiled(start: int, count: int) -> np.ndarray:
        return np.repeat(fake(start, count), 3, axis=1)

    gray, colour = (sliced_wasserstein(real, x, 64).mean for x in (fake, tiled))
    assert gray == pytest.approx(colour, rel=1e-5)


def test_real_images_are_at_the_floor_and_others_above(waves: Waves) -> None:
    real = waves(16, noise=20, steepness=0.5)
    again = sliced_wasserstein(real, shifted(real, 600), 100, real_images=200)
    assert again.floor is not None
    assert again.mean == pytest.approx(again.floor.mean, rel=0.25)
    assert sliced_wasserstein(real, noise(16, 0), 100).mean > 2 * again.floor.mean


def test_the_floor_uses_halves_where_reals_are_few_and_says_so(waves: Waves) -> None:
    asked: set[int] = set()
    real = waves(16, noise=20, steepness=0.5)

    def counted(start: int, count: int) -> np.ndarray:
        asked.update(range(start, start + count))
        return real(start, count)

    found = sliced_wasserstein(counted, shifted(real, 500), 40, real_images=50)
    assert found.floor is not None
    assert (found.images, found.floor.images) == (40, 25)
    assert asked == set(range(50))
    assert "n = 40:" in str(found)
    assert "real against real, n = 25" in str(found)


def test_what_is_printed_always_holds_n_and_the_floor() -> None:
    floor = sliced.SlicedWasserstein(levels={32: 2.0, 16: 3.0}, images=8192)
    found = sliced.SlicedWasserstein(levels={32: 4.0, 16: 7.0}, images=16384, floor=floor)
    assert found.rows() == [
        ("32", 4.0, 2.0, 16384),
        ("16", 7.0, 3.0, 16384),
        ("mean", 5.5, 2.5, 16384),
    ]
    assert str(found) == (
        "SWD x 10³, n = 16,384: 32: 4.00 (2.00), 16: 7.00 (3.00), mean: 5.50 (2.50); "
        "in brackets: real against real, n = 8,192"
    )
    assert str(floor).endswith("floor not measured")


def test_a_collapsed_generator_gets_a_number() -> None:
    # projections of white noise are near N(0, 1), the flat set sits at 0: E|N(0, 1)| = 0.798
    def flat(start: int, count: int) -> np.ndarray:
        return np.full((count, 3, 16, 16), 128, np.uint8)

    assert sliced_wasserstein(noise(16, 0), flat, 50).mean == pytest.approx(798, rel=0.02)


def test_the_value_is_a_function_of_the_seed() -> None:
    values = [sliced_wasserstein(noise(8, 0), noise(8, 1), 20, seed=s).mean for s in (0, 0, 1)]
    assert values[0] == values[1] != values[2]


def test_progress_rises_to_one() -> None:
    heard: list[float] = []
    real, fake = noise(32, 0), noise(32, 1)
    sliced_wasserstein(real, fake, 4, real_images=8, progress=heard.append)
    assert heard == sorted(heard)
    assert heard[-1] == pytest.approx(1)


def test_images_without_room_for_a_patch_are_refused() -> None:
    with pytest.raises(DataError, match=r"4x4.*needs squares of one size, 7 pixels or more"):
        sliced_wasserstein(noise(4, 0), noise(4, 1), 10)


def test_two_sizes_are_refused() -> None:
    with pytest.raises(DataError, match="real images are 16x16 and generated ones 8x8"):
        sliced_wasserstein(noise(16, 0), noise(8, 1), 10)


def test_too_few_reals_for_a_floor_are_refused() -> None:
    with pytest.raises(ConfigError, match="at least 2"):
        sliced_wasserstein(noise(8, 0), noise(8, 1), 3, real_images=3)
