from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from progan.metrics.modes import Modes, count_modes, rotation

SQUARE = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])


def perfect(centres: Tensor, sigma: float, n: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randint(len(centres), (n,), generator=generator)
    noise = torch.randn(n, centres.shape[1], generator=generator)
    return centres[chosen] + sigma * noise


def test_a_sample_belongs_to_the_nearest_centre_and_counts_only_within_three_sigma() -> None:
    samples = torch.tensor([[1.29, 1.0], [1.31, 1.0], [-1.0, -1.2], [0.0, 0.0]])
    found = count_modes(samples, SQUARE, sigma=0.1)
    assert found.counts == (1, 0, 0, 1)  # 2.9 σ counts, 3.1 σ does not, 14 σ does not
    assert found.any == {0, 3}
    assert found.high_quality == 0.5


def test_each_mode_may_have_its_own_width() -> None:
    samples = torch.tensor([[1.4, 1.0], [-1.4, -1.0]])  # 0.4 from the first and from the last
    found = count_modes(samples, SQUARE, sigma=(0.1, 0.1, 0.1, 0.2))
    assert found.counts == (0, 0, 0, 1)


def test_a_mode_is_strongly_covered_from_a_tenth_of_its_fair_share() -> None:
    # 400 samples: 100 would be fair, 10 are enough
    found = Modes(samples=400, counts=(300, 10, 9, 0), shares=(0.25,) * 4)
    assert found.any == {0, 1, 2}
    assert found.strong == {0, 1}


def test_a_rare_mode_is_due_less() -> None:
    found = Modes(samples=1000, counts=(900, 5), shares=(0.95, 0.05))
    assert found.strong == {0, 1}  # 5 of the 50 that are fair


def test_reverse_kl_of_a_single_mode_is_the_logarithm_of_their_number() -> None:
    assert Modes(samples=9, counts=(0, 9, 0, 0), shares=(0.25,) * 4).reverse_kl == math.log(4)
    assert Modes(samples=9, counts=(2, 2, 2, 2), shares=(0.25,) * 4).reverse_kl == 0
    # 3 : 1 over two of four modes: ¾ log 3 + ¼ log 1
    uneven = Modes(samples=4, counts=(3, 1, 0, 0), shares=(0.25,) * 4)
    assert uneven.reverse_kl == pytest.approx(0.75 * math.log(3))


def test_reverse_kl_is_zero_where_unequal_modes_get_their_shares() -> None:
    assert Modes(samples=100, counts=(70, 30), shares=(0.7, 0.3)).reverse_kl == pytest.approx(0)


def test_a_generator_that_reaches_nothing_covers_nothing() -> None:
    lost = torch.tensor([[50.0, 50.0], [math.nan, 0.0], [math.inf, 0.0]])
    found = count_modes(lost, SQUARE, sigma=0.1)
    assert (found.any, found.strong, found.high_quality) == (frozenset(), frozenset(), 0.0)
    assert found.reverse_kl == math.inf


@pytest.mark.parametrize(
    ("dims", "ceiling"), [(1, math.erf(3 / math.sqrt(2))), (2, 1 - math.exp(-4.5))]
)
def test_perfect_samples_reach_their_ceiling_of_quality(dims: int, ceiling: float) -> None:
    # |noise| < 3: erf(3/√2) = 99.73 % on the line; 1 − exp(−3²/2) = 98.89 % in the plane
    centres = torch.arange(4.0)[:, None].repeat(1, dims)
    n = 40_000
    found = count_modes(perfect(centres, 0.01, n, seed=0), centres, 0.01)
    error = math.sqrt(ceiling * (1 - ceiling) / n)
    assert found.high_quality == pytest.approx(ceiling, abs=4 * error)


@pytest.mark.parametrize("modes", [8, 25])
def test_perfect_samples_have_the_reverse_kl_of_counting(modes: int) -> None:
    # 2N·KL is χ² with K − 1 degrees: mean (K − 1)/2N, deviation √(2(K − 1))/2N; 40 draws of 2500
    centres = torch.arange(float(modes))[:, None]
    found = [
        count_modes(perfect(centres, 0.01, 2500, seed), centres, 0.01).reverse_kl
        for seed in range(40)
    ]
    high = 2500 * 0.9973  # samples that are counted
    floor, error = (modes - 1) / 2 / high, math.sqrt(2 * (modes - 1)) / 2 / high / math.sqrt(40)
    assert sum(found) / 40 == pytest.approx(floor, abs=4 * error)


def test_rotation_tells_dropping_from_collapse() -> None:
    collapsed = rotation([frozenset({2})] * 5)
    assert (collapsed.union, collapsed.mean, collapsed.distance) == (1, 1.0, 0.0)
    wandering = rotation([frozenset({mode}) for mode in range(5)])
    assert (wandering.union, wandering.mean, wandering.distance) == (5, 1.0, 1.0)


def test_the_distance_of_neighbours_is_jaccards() -> None:
    # {0 1 2} → {1 2 3}: 2 of 4 shared, ½; → {1 2 3}: 0; the mean is ¼
    sets = [frozenset({0, 1, 2}), frozenset({1, 2, 3}), frozenset({1, 2, 3})]
    found = rotation(sets)
    assert (found.union, found.mean, found.distance) == (4, 3.0, 0.25)


def test_rotation_looks_at_the_last_checkpoints_only() -> None:
    early = [frozenset({7})] * 3
    assert rotation([*early, *([frozenset({1})] * 10)]).union == 1
    assert rotation([*early, *([frozenset({1})] * 10)], last=11).union == 2


def test_covering_nothing_twice_is_no_change() -> None:
    nothing: frozenset[int] = frozenset()
    assert rotation([nothing, nothing]).distance == 0.0
    with pytest.raises(ValueError, match="at least one"):
        rotation([])
