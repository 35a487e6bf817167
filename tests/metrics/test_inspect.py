from __future__ import annotations

import numpy as np
import pytest

from progan.metrics.inspect import (
    Findings,
    diversity,
    duplicate_threshold,
    excess,
    near_duplicates,
    nearest,
    radial_spectrum,
    thumbnails,
    verdict,
)


def flat(*levels: float) -> np.ndarray:
    """Pictures 1 4 4, each of one grey level."""
    return np.stack([np.full((1, 4, 4), level, np.uint8) for level in levels])


def test_nearest_are_sorted_and_their_distance_is_the_difference_of_grey_levels() -> None:
    places, distances = nearest(flat(100), flat(10, 103, 98, 200), count=3)
    assert places.tolist() == [[2, 1, 0]]
    np.testing.assert_allclose(distances, [[2, 3, 90]])


def test_nearest_finds_an_exact_copy_among_many_at_distance_zero() -> None:
    pool = np.random.default_rng(0).integers(0, 256, (3000, 3, 8, 8), np.uint8)
    places, distances = nearest(pool[[1700]], pool)
    assert places.tolist() == [[1700]]
    assert distances.tolist() == [[0.0]]


def test_nearest_passes_over_the_query_itself_and_its_mirror() -> None:
    pool = flat(10, 11, 14, 10)
    places, distances = nearest(pool[:1], pool, own=np.array([0]))
    assert (places.tolist(), distances.tolist()) == ([[3]], [[0.0]])
    places, distances = nearest(pool[:1], pool, own=np.array([[0, 3]]))
    assert (places.tolist(), distances.tolist()) == ([[1]], [[1.0]])


def test_nearest_gives_no_more_than_there_are() -> None:
    places, _ = nearest(flat(1, 2), flat(5, 1), count=9)
    assert places.tolist() == [[1, 0], [1, 0]]


def test_thumbnails_are_means_of_blocks() -> None:
    image = np.arange(16, dtype=np.uint8).reshape(1, 1, 4, 4)
    # Upper left block: 0, 1, 4, 5.
    np.testing.assert_array_equal(thumbnails(image, 2)[0, 0], [[2.5, 4.5], [10.5, 12.5]])
    np.testing.assert_array_equal(thumbnails(image, 8), image)


def test_near_duplicates_are_pairs_within_the_threshold_each_once() -> None:
    images = flat(10, 50, 12, 49, 200)
    assert near_duplicates(images, 2.0).tolist() == [[0, 2], [1, 3]]
    assert near_duplicates(images, 1.0).tolist() == [[1, 3]]
    assert near_duplicates(images, 0.5).tolist() == []


def test_a_set_of_one_picture_is_all_duplicates() -> None:
    assert len(near_duplicates(flat(*[7] * 6), 0.0)) == 6 * 5 // 2


def test_threshold_is_where_one_in_a_hundred_real_pictures_has_its_neighbour() -> None:
    # 101 levels 2 apart: every nearest neighbour at distance 2.
    assert duplicate_threshold(flat(*range(0, 202, 2))) == pytest.approx(2.0)
    # Real pictures that repeat themselves do not bring it below one grey level.
    assert duplicate_threshold(flat(5, 5, 90, 90)) == 1.0


def test_spectrum_of_a_wave_stands_at_its_frequency() -> None:
    # cos of amplitude 1: two coefficients of 1/2, so 2 · 1/4 of power in ring 3 …
    x = np.arange(16)
    image = 127.5 + 127.5 * np.cos(2 * np.pi * 3 * x / 16)
    images = np.broadcast_to(image, (5, 1, 16, 16))
    frequency, power = radial_spectrum(images)
    ring = np.rint(np.hypot(*np.meshgrid(*[np.fft.fftfreq(16) * 16] * 2)))
    assert frequency.tolist() == list(range(1, 9))
    assert power[2] == pytest.approx(0.5 / (ring == 3).sum())
    np.testing.assert_allclose(np.delete(power, 2), 0, atol=1e-12)


def test_spectrum_of_white_noise_is_flat_at_its_variance_over_the_pixels() -> None:
    noise = np.random.default_rng(0).normal(127.5, 0.2 * 127.5, (400, 1, 16, 16))
    _, power = radial_spectrum(noise)
    np.testing.assert_allclose(power, 0.2**2 / 256, rtol=0.1)


def test_excess_is_the_other_side_of_a_right_angle() -> None:
    assert excess(5, 3) == pytest.approx(4)
    assert excess(2, 3) == 0


def test_excess_of_two_spreads_does_not_depend_on_how_many_were_drawn() -> None:
    rng = np.random.default_rng(1)

    def distance(n: int, spread: float) -> float:
        pairs = [(rng.normal(0, 1, n), rng.normal(0, spread, n)) for _ in range(200)]
        return float(np.mean([np.abs(np.sort(a) - np.sort(b)).mean() for a, b in pairs]))

    # |1.5 z − z| for a normal z is 0.5 · sqrt(2/π) on average; the plain distance gives 0.44 here.
    assert excess(distance(100, 1.5), distance(100, 1)) == pytest.approx(0.3989, rel=0.05)


def test_diversity_is_one_for_real_pictures_and_zero_for_equal_ones() -> None:
    assert diversity(0.2, 0.2) == 1
    assert diversity(1.0, 0.2) == 0
    assert diversity(0.6, 0.2) == pytest.approx(0.5)
    assert diversity(0.6, 1.0) is None


GOOD = {"swd": 9.0, "swd_floor": 8.0, "images": 1024, "diversity": 0.97, "pairs": 2}
GOOD |= {"real_pairs": 3, "looked_at": 1024, "distance_ratio": 1.1, "steps": 1000}


def test_good_pictures_get_a_good_verdict_with_its_numbers() -> None:
    assert verdict(Findings(**GOOD)) == (  # type: ignore[arg-type]
        "The generated pictures are close to real ones (SWD 9.0, where real pictures among "
        "themselves give 8.0, n = 1,024) and are about as varied (variety 97% of real). There is "
        "no sign of repetition or of copying training pictures."
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"swd": 31.0, "swd_floor": 30.0}, "real ones, as far as so few images tell (SWD 31.0"),
        ({"swd": 24.0}, "resemble real ones ("),
        ({"swd": 50.0}, "resemble real ones only roughly ("),
        ({"swd": 90.0}, "are far from real ones ("),
        ({"diversity": 0.8}, "less varied (variety 80% of real)"),
        ({"diversity": 0.3}, "the generator has collapsed"),
        ({"diversity": 1.4}, "more scattered (variety 140% of real)"),
        ({"pairs": 40}, "Be wary: 40 near-identical pairs among 1,024 pictures (real ones: 3)"),
        ({"distance_ratio": 0.2}, "probably copies of training pictures"),
        ({"skipped": 20}, "20 of 1,000 steps skipped"),
        ({"swd": None, "diversity": None}, "Likeness to real pictures was not measured."),
        ({"swd": None}, "The generated pictures are about as varied"),
    ],
)
def test_what_is_wrong_is_said(change: dict[str, object], said: str) -> None:
    assert said in verdict(Findings(**{**GOOD, **change}))  # type: ignore[arg-type]


def test_noise_is_not_praised_for_its_variety() -> None:
    text = verdict(Findings(**{**GOOD, "swd": 220.0, "diversity": 1.0}))  # type: ignore[arg-type]
    assert "varied" not in text
    assert "no sign" not in text


def test_few_skipped_steps_are_not_worth_a_word() -> None:
    assert "skipped" not in verdict(Findings(**{**GOOD, "skipped": 9}))  # type: ignore[arg-type]
