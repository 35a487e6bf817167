"""Objectives of games with labels and codes, beside numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from progan.objectives.conditional import label_loss, match_critic, match_generator
from progan.objectives.information import categorical_information, uniform_information


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


def test_the_class_loss_is_minus_the_logarithm_of_the_softmax_at_the_class() -> None:
    logits = np.array([[2.0, 0.0, -1.0], [0.5, 0.5, 3.0]])
    share = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = -(math.log(share[0, 0]) + math.log(share[1, 1])) / 2
    y = torch.eye(3)[[0, 1]]
    found = label_loss(torch.tensor(logits).float(), y)
    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_perfect_logits_of_every_kind_cost_nothing() -> None:
    """No softmax comes before the cross-entropy: it would leave log(1 + 2/e) = 0.551."""
    eye = torch.eye(3)
    assert label_loss(40 * eye, eye).item() == pytest.approx(0.0, abs=1e-6)
    assert label_loss(80 * eye - 40, eye, "multi-label").item() == pytest.approx(0.0, abs=1e-6)
    assert label_loss(eye, eye, "continuous").item() == 0.0


def test_many_labels_are_summed_and_pictures_averaged() -> None:
    outputs = torch.tensor([[1.0, -2.0], [0.0, 0.0]])
    y = torch.tensor([[1.0, 1.0], [0.0, 1.0]])
    coins = softplus(-1.0) + softplus(2.0) + 2 * math.log(2)
    assert label_loss(outputs, y, "multi-label").item() == pytest.approx(coins / 2, rel=1e-6)
    # ½ ((0² + 3²) + (0² + 1²)) / 2
    assert label_loss(outputs, y, "continuous").item() == pytest.approx(2.5)


def test_matching_is_a_coin_for_each_kind_of_pair() -> None:
    right, wrong = torch.tensor([2.0, 0.0]), torch.tensor([-1.0])
    terms = match_critic(right, wrong)
    assert terms.keys() == {"right", "wrong"}
    assert terms["right"].item() == pytest.approx((softplus(-2.0) + math.log(2)) / 2, rel=1e-6)
    assert terms["wrong"].item() == pytest.approx(softplus(-1.0), rel=1e-6)
    with_fakes = match_critic(right, wrong, torch.tensor([3.0]))
    assert with_fakes["fake match"].item() == pytest.approx(softplus(3.0), rel=1e-6)
    assert match_generator(torch.tensor([3.0])).item() == pytest.approx(softplus(-3.0), rel=1e-5)


def test_a_batch_without_other_labels_has_nothing_wrong() -> None:
    terms = match_critic(torch.zeros(2), torch.zeros(0))
    assert terms["wrong"].item() == 0.0


# information


def test_an_ideal_channel_has_the_entropy_of_its_code_and_never_more() -> None:
    """Logits that are sure and right: L_I = log K; a reader who knows nothing: 0."""
    code = torch.arange(8)
    ideal = categorical_information(60 * torch.eye(8), code)
    assert ideal.item() == pytest.approx(math.log(8), abs=1e-6)
    assert categorical_information(torch.zeros(8, 8), code).item() == pytest.approx(0.0, abs=1e-6)
    assert categorical_information(-60 * torch.eye(8), code).item() < 0  # sure and wrong


def test_information_of_a_noisy_channel_is_that_of_the_books() -> None:
    """Three codes, kept with 0.7, else one of the others: log 3 − H(0.7, 0.15, 0.15)."""
    counts = torch.tensor([[14, 3, 3], [3, 14, 3], [3, 3, 14]])
    code = torch.arange(3).repeat_interleave(20)
    seen = torch.cat([torch.arange(3).repeat_interleave(row) for row in counts])
    logits = (counts.float() / 20).log()[seen]  # the channel is symmetric: Q(c|x) = p(x|c)
    entropy = -(0.7 * math.log(0.7) + 0.3 * math.log(0.15))
    found = categorical_information(logits, code)
    assert found.item() == pytest.approx(math.log(3) - entropy, abs=1e-5)


def test_uniform_information_is_log_2_less_the_surprise_of_the_normal() -> None:
    code, mean = np.array([[0.3, -0.8], [0.0, 1.0]]), np.array([[0.1, -0.8], [0.0, 0.5]])
    log_variance = np.array([[0.0, -2.0], [-1.0, 0.5]])
    surprise = 0.5 * (
        (code - mean) ** 2 / np.exp(log_variance) + log_variance + math.log(2 * math.pi)
    )
    expected = (math.log(2) - surprise).sum(axis=1).mean()
    found = uniform_information(*(torch.tensor(x) for x in (mean, log_variance, code)))
    assert found.item() == pytest.approx(expected, rel=1e-9)


def test_a_code_with_uniform_noise_is_told_no_better_than_it_is() -> None:
    """x = c + n, both uniform, n on ±w: I = log(1/w) for small w. With Q's own deviation
    w/√3 the bound is log 2 − ½ log(2πe w²/3), 0.176 nats below it: a box is no normal."""
    w = 0.02
    noise = w * (2 * (torch.arange(2001) + 0.5) / 2001 - 1).double()[:, None]
    variance = torch.full_like(noise, w**2 / 3)
    bound = uniform_information(noise, variance.log(), torch.zeros_like(noise)).item()
    expected = math.log(2) - 0.5 * math.log(2 * math.pi * math.e * w**2 / 3)
    assert bound == pytest.approx(expected, abs=1e-4)
    assert bound < math.log(1 / w)
    assert math.log(1 / w) - bound == pytest.approx(0.1765, abs=1e-3)
