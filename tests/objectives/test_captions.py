"""Games of pictures and captions, against numbers worked out by hand."""

from __future__ import annotations

import math

import torch

from progan.objectives.captions import joint_embedding, others, pairs_critic
from progan.objectives.variational import kl_to_normal


def test_a_wrong_picture_is_never_of_the_same_kind() -> None:
    torch.manual_seed(0)
    kind = torch.tensor([7, 7, 7, 7, 7, 7, 3, 7, 9])  # a shift by one would mostly pair 7 with 7
    seen = set()
    for _ in range(200):
        chosen, found = others(kind)
        assert bool((kind[chosen] != kind).all())
        assert found.tolist() == [1] * 9
        seen.add(int(chosen[6]))
    assert seen == {0, 1, 2, 3, 4, 5, 7, 8}  # any of another kind, not only the next


def test_where_all_are_of_one_kind_there_is_no_wrong_picture() -> None:
    chosen, found = others(torch.zeros(4, dtype=torch.long))
    assert chosen.tolist() == [0, 1, 2, 3]
    assert found.tolist() == [0] * 4
    terms = pairs_critic(torch.zeros(4), torch.full((4,), 9.0), torch.zeros(4), found)
    assert float(terms["wrong"]) == 0


def test_pairs_are_charged_as_the_algorithm_has_it() -> None:
    right, wrong, fake = (torch.full((2,), value) for value in (0.0, 1.0, -1.0))
    terms = pairs_critic(right, wrong, fake, torch.tensor([1, 0]))
    torch.testing.assert_close(float(terms["real"]), math.log(2))
    torch.testing.assert_close(float(terms["wrong"]), math.log1p(math.e) / 2)  # of the one found
    torch.testing.assert_close(float(terms["fake"]), math.log1p(math.exp(-1)) / 2)


def test_what_cannot_be_told_apart_costs_the_logarithm_of_the_batch() -> None:
    same = torch.ones(4, 3)
    terms = joint_embedding(same, same, torch.arange(4), 0.1)
    torch.testing.assert_close(float(terms["caption"] + terms["picture"]), math.log(4))


def test_captions_of_the_same_kind_are_not_held_against_a_picture() -> None:
    vector = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    terms = joint_embedding(vector, vector, torch.tensor([5, 5, 6]), 0.5)
    # each finds its own at likeness 1 / 0.5 = 2 against others at 0: the twin does not count
    one_rival, two_rivals = math.log(1 + math.exp(-2)), math.log(1 + 2 * math.exp(-2))
    expected = (2 * one_rival + two_rivals) / 3
    torch.testing.assert_close(float(terms["caption"]), expected / 2)
    torch.testing.assert_close(float(terms["picture"]), expected / 2)


def test_the_divergence_of_a_condition_is_in_closed_form() -> None:
    mean, log_variance = torch.tensor([[1.0, -2.0]]), torch.tensor([[0.0, math.log(4.0)]])
    # ½ (1 + 1 − 1 − 0) + ½ (4 + 4 − 1 − log 4)
    expected = 0.5 + 0.5 * (7 - math.log(4))
    torch.testing.assert_close(float(kl_to_normal(mean, log_variance)), expected)
