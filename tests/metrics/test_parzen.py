from __future__ import annotations

import math

import numpy as np
import pytest

from progan.core.errors import ConfigError, DataError
from progan.metrics import distances
from progan.metrics.parzen import choose_width, log_likelihoods, parzen


def normal(n: int, d: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d))


def test_around_one_fake_it_is_the_density_of_a_gaussian() -> None:
    # d = 2, h = ½, distance² 5: −5/(2·¼) − 2 log(½ √2π)
    found = log_likelihoods(np.zeros((1, 2)), np.array([[1.0, 2.0]]), [0.5])
    assert found[0, 0] == pytest.approx(-10 - 2 * math.log(0.5 * math.sqrt(2 * math.pi)))


def test_fakes_weigh_the_same() -> None:
    # on the line, h = 1, at 0: fakes at 0 and 3 give (φ(0) + φ(3)) / 2
    found = log_likelihoods(np.array([[0.0], [3.0]]), np.zeros((1, 1)), [1.0])[0, 0]
    density = (1 + math.exp(-4.5)) / 2 / math.sqrt(2 * math.pi)
    assert found == pytest.approx(math.log(density))


@pytest.mark.parametrize(("h", "expected"), [(0.2, -2.8386), (0.5, None)])
def test_many_fakes_of_the_distribution_itself_come_to_the_closed_form(
    h: float, expected: float | None
) -> None:
    # −(d/2) (log 2π(1 + h²) + 1/(1 + h²)), d = 2
    closed = -(math.log(2 * math.pi * (1 + h**2)) + 1 / (1 + h**2))
    assert expected is None or closed == pytest.approx(expected, abs=1e-4)
    found = log_likelihoods(normal(5000, 2, 0), normal(1500, 2, 1), [h])[0]
    assert found.mean() == pytest.approx(closed, abs=4 * found.std() / math.sqrt(1500) + 0.02)


def test_the_width_is_the_best_one_for_the_validation_pictures() -> None:
    fake, validation = normal(400, 2, 0), normal(200, 2, 1)
    widths = (0.05, 0.3, 5.0)
    width, values = choose_width(fake, validation, widths)
    each = [log_likelihoods(fake, validation, [h])[0].mean() for h in widths]
    assert values == pytest.approx(each)
    assert (width, max(values)) == (0.3, values[1])


def test_test_pictures_have_no_say_in_the_width() -> None:
    fake, validation = normal(400, 2, 0), normal(200, 2, 1)
    near, far = (parzen(fake, validation, k * normal(300, 2, 2)) for k in (0.1, 3))
    assert near.width == far.width
    assert near.validation_values == far.validation_values
    assert near.value > far.value


def test_the_value_is_a_mean_with_its_standard_error() -> None:
    fake, validation, test = normal(400, 2, 0), normal(200, 2, 1), normal(300, 2, 2)
    found = parzen(fake, validation, test)
    each = log_likelihoods(fake, test, [found.width])[0]
    assert found.value == pytest.approx(each.mean())
    assert found.spread == pytest.approx(each.std(ddof=1) / math.sqrt(300))
    assert (found.fake, found.validation, found.test, found.dimensions) == (400, 200, 300, 2)


def test_a_width_at_the_end_of_those_tried_is_told() -> None:
    sets = normal(400, 2, 0), normal(200, 2, 1), normal(100, 2, 2)
    assert parzen(*sets).notes == ()
    (low,) = parzen(*sets, widths=(0.5, 1.0)).notes
    assert low.startswith("h = 0.5 is the narrowest that was tried")
    (high,) = parzen(*sets, widths=(0.01, 0.02)).notes
    assert high.startswith("h = 0.02 is the widest that was tried")


def test_only_the_first_thousand_validation_pictures_are_looked_at() -> None:
    fake, test = normal(100, 2, 0), normal(50, 2, 2)
    many = np.concatenate([normal(1000, 2, 1), 100 + normal(500, 2, 3)])
    found = parzen(fake, many, test)
    assert found.validation == 1000
    assert found == parzen(fake, many[:1000], test)


def test_to_choose_the_width_on_test_pictures_is_refused() -> None:
    fake, test = normal(100, 2, 0), normal(60, 2, 2)
    for validation in (test, test.copy()[::-1], test[:20], test.astype(np.float32)[:1] * 0 + test):
        with pytest.raises(ConfigError, match="validation rows are test rows"):
            parzen(fake, validation, test)
    mixed = np.concatenate([test[:20], normal(30, 2, 5)])  # a picture or two may occur twice
    assert parzen(fake, mixed, test).validation == 50


def test_a_picture_far_from_every_fake_has_a_finite_likelihood() -> None:
    found = log_likelihoods(np.zeros((3, 1)), np.array([[1e4]]), [0.1])[0, 0]
    assert found == pytest.approx(-1e8 / 0.02, rel=1e-6)


def test_scaling_everything_by_a_takes_d_log_a() -> None:
    fake, points = normal(50, 3, 0), normal(20, 3, 1)
    once = log_likelihoods(fake, points, [0.5])
    np.testing.assert_allclose(
        log_likelihoods(4 * fake + 7, 4 * points + 7, [2.0]), once - 3 * math.log(4), rtol=1e-9
    )


@pytest.mark.parametrize("room", [1, 3000])
def test_chunks_change_nothing(room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    fake, points = normal(50, 3, 0), normal(20, 3, 1)
    whole = log_likelihoods(fake, points, [0.2, 0.5])
    monkeypatch.setattr(distances, "CHUNK_BYTES", room)
    np.testing.assert_allclose(log_likelihoods(fake, points, [0.2, 0.5]), whole, rtol=1e-12)


@pytest.mark.parametrize("widths", [(), (0.0, 1.0), (0.5, 0.2), (0.5, 0.5)])
def test_widths_that_do_not_rise_above_zero_are_refused(widths: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError, match="they must be above 0 and rise"):
        choose_width(normal(5, 2, 0), normal(5, 2, 1), widths)


def test_pictures_of_two_sizes_are_refused() -> None:
    with pytest.raises(DataError, match="real rows have 3 features and fake ones 2"):
        log_likelihoods(normal(5, 2, 0), normal(5, 3, 1), [0.5])
