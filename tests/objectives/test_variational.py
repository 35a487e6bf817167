"""The two sides of the variational bound, against values worked out by hand and torch's own."""

from __future__ import annotations

import math

import torch
from torch.distributions import Normal, kl_divergence

from progan.objectives.variational import kl_to_normal, normal_error


def test_the_divergence_is_summed_over_codes_and_averaged_over_pictures() -> None:
    """½ (μ² + σ² − 1 − log σ²): (1, log 1) gives ½; (0, log 4) gives ½ (3 − log 4)."""
    mean = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    log_variance = torch.tensor([[0.0, math.log(4)], [0.0, 0.0]])
    expected = (0.5 + (3 - math.log(4)) / 2 + 0) / 2
    torch.testing.assert_close(kl_to_normal(mean, log_variance), torch.tensor(expected))


def test_the_divergence_is_torchs() -> None:
    mean, log_variance = torch.randn(2, 5, 3)
    known = kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(kl_to_normal(mean, log_variance), known.sum(1).mean())


def test_the_prior_itself_is_at_distance_0() -> None:
    assert kl_to_normal(torch.zeros(4, 3), torch.zeros(4, 3)).item() == 0.0


def test_likeness_is_half_the_sum_of_squares_of_all_features() -> None:
    """Two pictures of 2 · 3 · 3 features, one off by 1 everywhere, the other by 2: ½ · 18 · 1 and
    ½ · 18 · 4, on average 22.5. It differs from a normal's surprise by ½ log 2π a feature."""
    wanted = torch.randn(2, 2, 3, 3)
    found = wanted + torch.tensor([1.0, 2.0])[:, None, None, None]
    value = normal_error(found, wanted)
    torch.testing.assert_close(value, torch.tensor(22.5))
    surprise = -Normal(found, 1.0).log_prob(wanted).flatten(1).sum(1).mean()
    torch.testing.assert_close(surprise - value, torch.tensor(9 * math.log(2 * math.pi)))
