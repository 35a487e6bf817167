from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from progan.core.errors import ConfigError, DataError
from progan.metrics.path_length import lerp, path_length, path_lengths, slerp


def same(latent: Tensor, numbers: NDArray[np.int64]) -> Tensor:
    return latent


def flat(pictures: Tensor) -> Tensor:
    return pictures


def measure(**options: Any) -> NDArray[np.float64]:
    given = {"generate": same, "features": flat, "width": 8, "pairs": 40, **options}
    return path_lengths(**given)


def test_a_great_circle_keeps_the_length_and_a_constant_angular_speed() -> None:
    a, b = torch.tensor([[2.0, 0.0]]).double(), torch.tensor([[0.0, 2.0]]).double()
    for t in (0.0, 0.25, 0.5, 1.0):
        angle = t * math.pi / 2
        found = slerp(a, b, torch.tensor([t]).double())
        expected = torch.tensor([[2 * math.cos(angle), 2 * math.sin(angle)]]).double()
        torch.testing.assert_close(found, expected)


def test_ends_are_met_whatever_the_lengths() -> None:
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, 20, 16, generator=generator, dtype=torch.float64)
    for move in (slerp, lerp):
        torch.testing.assert_close(move(a, b, torch.zeros(20).double()), a)
        torch.testing.assert_close(move(a, b, torch.ones(20).double()), b)


def test_parallel_latents_are_joined_by_a_straight_line() -> None:
    a = torch.tensor([[1.0, 2.0]]).double()
    torch.testing.assert_close(slerp(a, 3 * a, torch.tensor([0.5]).double()), 2 * a)
    torch.testing.assert_close(slerp(a, a, torch.tensor([0.5]).double()), a)


def test_a_linear_generator_on_straight_paths_moves_at_the_speed_of_its_matrix() -> None:
    # uniform on [−1, 1]: the difference of two has mean square 2/3, so E‖A(b − a)‖² = ⅔ ‖A‖²
    matrix = torch.from_numpy(np.random.default_rng(0).normal(size=(8, 5))).float()

    def generate(latent: Tensor, numbers: NDArray[np.int64]) -> Tensor:
        return latent @ matrix

    found = measure(generate=generate, prior="uniform", pairs=400, epsilon=0.1)
    expected = 2 / 3 * float(matrix.square().sum())
    assert found.mean() == pytest.approx(expected, abs=4 * found.std() / 20)


def test_a_linear_generator_on_straight_paths_has_one_value_for_every_step() -> None:
    coarse, fine = (measure(prior="uniform", epsilon=step) for step in (0.5, 0.01))
    np.testing.assert_allclose(coarse, fine, rtol=1e-3)  # float32 latents


def test_wide_normal_latents_run_a_quarter_of_a_circle() -> None:
    # 2,048 numbers: lengths √2048 and a right angle, to a few percent: speed² 2048 (π/2)²
    found = measure(width=2048, pairs=60, epsilon=1e-2)
    assert found.mean() == pytest.approx(2048 * (math.pi / 2) ** 2, rel=0.03)


def test_a_generator_that_never_moves_has_length_zero() -> None:
    def still(latent: Tensor, numbers: NDArray[np.int64]) -> Tensor:
        return torch.ones(len(latent), 3)

    found = path_length(still, flat, 4, distance="pixels", pairs=50)
    assert (found.value, found.spread) == (0, 0)


def test_the_length_grows_as_the_square_of_the_features() -> None:
    once, thrice = measure(), measure(features=lambda pictures: 3 * pictures)
    np.testing.assert_allclose(thrice, 9 * once, rtol=1e-2)  # float32 features, ε = 1e-4


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_batches_change_nothing(batch: int) -> None:
    np.testing.assert_array_equal(measure(batch=batch), measure(batch=32))


def test_more_pairs_begin_with_the_same_pairs_and_seeds_differ() -> None:
    np.testing.assert_array_equal(measure(pairs=60)[:40], measure(pairs=40))
    assert not np.array_equal(measure(seed=1), measure(seed=0))


def test_both_ends_of_a_pair_have_one_number() -> None:
    def labelled(latent: Tensor, numbers: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(numbers)[:, None] + 0 * latent  # moves only from pair to pair

    assert (measure(generate=labelled, batch=7) == 0).all()


def test_steps_at_the_ends_begin_at_the_first_latent() -> None:
    seen: list[Tensor] = []

    def generate(latent: Tensor, numbers: NDArray[np.int64]) -> Tensor:
        seen.append(latent)
        return latent

    measure(generate=generate, at="ends", pairs=8, batch=8)
    measure(generate=generate, at="ends", pairs=8, batch=8, epsilon=1.0)
    torch.testing.assert_close(seen[0][:8], seen[1][:8])
    torch.testing.assert_close(seen[0][:8], seen[0][8:], atol=1e-2, rtol=0)
    assert (seen[1][:8] - seen[1][8:]).abs().max() > 0.5


def test_steps_on_the_path_begin_anywhere_between_both_latents() -> None:
    seen: list[Tensor] = []

    def generate(latent: Tensor, numbers: NDArray[np.int64]) -> Tensor:
        seen.append(latent.double())
        return latent

    whole: dict[str, Any] = {"generate": generate, "prior": "uniform", "pairs": 300, "batch": 300}
    measure(**whole, at="ends", epsilon=1.0)  # from one latent to the other
    measure(**whole)
    (start, end), (place, _) = (latents.chunk(2) for latents in seen)
    t = ((place - start) * (end - start)).sum(1) / (end - start).square().sum(1)
    assert 0 <= t.min() < 0.05
    assert 0.95 < t.max() <= 1
    assert float(t.mean()) == pytest.approx(0.5, abs=4 / math.sqrt(12 * 300))


def test_the_longest_and_shortest_pairs_are_left_out() -> None:
    def jumps(latent: Tensor, numbers: NDArray[np.int64]) -> Tensor:
        jump = torch.from_numpy(numbers == 3).float()
        jump[: len(jump) // 2] = 0
        return latent + jump[:, None]

    options: dict[str, Any] = {"width": 4, "distance": "latents", "pairs": 200, "epsilon": 0.01}
    every = path_length(jumps, flat, **options, trim=(0, 100))
    kept = path_length(jumps, flat, **options)
    assert (every.kept, kept.kept) == (200, 198)  # "lower" and "higher": ranks 1 and 198 stay
    assert kept.value < 0.2 * every.value
    assert kept.estimate.low < kept.value < kept.estimate.high


def test_the_record_tells_distance_and_settings() -> None:
    found = path_length(same, flat, 4, distance="small (ab12), squared", pairs=50, seed=7)
    assert (found.distance, found.epsilon, found.prior) == ("small (ab12), squared", 1e-4, "normal")
    assert (found.seed, found.at, found.trim, found.pairs) == (7, "path", (1.0, 99.0), 50)


def test_steps_of_nothing_and_lost_pictures_are_refused() -> None:
    with pytest.raises(ConfigError, match="epsilon is 0"):
        measure(epsilon=0.0)
    with pytest.raises(ConfigError, match="two percentiles that rise"):
        path_length(same, flat, 4, distance="", trim=(99, 1))
    with pytest.raises(DataError, match="64 latents were given and features of 63 pictures"):
        measure(features=lambda pictures: pictures[1:])
