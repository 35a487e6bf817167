from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor, nn

from progan.core import distributed
from progan.layers.statistics import JointBatchNorm2d, with_joint_statistics


class Meeting:
    """Two processes played by two threads, which add by what each brings."""

    def __init__(self) -> None:
        self.brought: dict[int, Tensor] = {}
        self.barrier = threading.Barrier(2, timeout=20)
        self.place = threading.local()

    def sum_shards(self, parts: Sequence[Tensor]) -> Tensor:
        self.brought[self.place.number] = parts[0]
        self.barrier.wait()
        total = self.brought[0] + self.brought[1]
        self.barrier.wait()
        return total

    def play(self, work: Callable[[int], None]) -> None:
        def one(number: int) -> None:
            self.place.number = number
            work(number)

        threads = [threading.Thread(target=one, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


@pytest.fixture
def meeting(monkeypatch: pytest.MonkeyPatch) -> Meeting:
    made = Meeting()
    monkeypatch.setattr(distributed, "world", lambda: 2)
    monkeypatch.setattr(distributed, "sum_shards", made.sum_shards)
    return made


def test_two_halves_are_normalised_as_the_whole_and_slopes_cross_over(meeting: Meeting) -> None:
    """Slopes are those of the sum of both losses, which is that of the whole batch."""
    torch.manual_seed(0)
    x, weight = torch.randn(6, 3, 2, 2).mul(3).add(1), torch.randn(6, 3, 2, 2)
    plain = nn.BatchNorm2d(3)
    whole = x.clone().requires_grad_()
    expected = plain(whole)
    (slope,) = torch.autograd.grad((expected * weight).sum(), whole)
    made: dict[int, Tensor] = {}
    slopes: dict[int, Tensor] = {}
    norms = [JointBatchNorm2d(3) for _ in range(2)]

    def work(number: int) -> None:
        rows = slice(0, 2) if number == 0 else slice(2, 6)
        own = x[rows].clone().requires_grad_()
        made[number] = norms[number](own)
        loss = (made[number] * weight[rows]).sum()
        (slopes[number],) = torch.autograd.grad(loss, own)

    meeting.play(work)
    torch.testing.assert_close(torch.cat([made[0], made[1]]), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(torch.cat([slopes[0], slopes[1]]), slope, atol=1e-5, rtol=1e-4)
    for norm in norms:
        torch.testing.assert_close(norm.running_mean, plain.running_mean)
        torch.testing.assert_close(norm.running_var, plain.running_var)
    assert torch.equal(norms[0].running_var, norms[1].running_var)  # type: ignore[arg-type]


def test_alone_and_in_evaluation_it_is_plain_batch_norm(monkeypatch: pytest.MonkeyPatch) -> None:
    x, joint, plain = torch.randn(4, 3, 2, 2), JointBatchNorm2d(3), nn.BatchNorm2d(3)
    assert torch.equal(joint(x), plain(x))
    monkeypatch.setattr(distributed, "world", lambda: 2)
    assert torch.equal(joint.eval()(x), plain.eval()(x))
    joint.momentum = plain.momentum = None  # as when statistics are measured anew
    assert torch.equal(joint.train()(x), plain.train()(x))


def test_a_network_keeps_its_names_and_numbers() -> None:
    network = nn.Sequential(nn.BatchNorm2d(3, eps=1e-4), nn.Sequential(nn.BatchNorm2d(2)))
    nn.init.constant_(network[0].weight, 3.0)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with_joint_statistics(network)
    assert {type(m) for m in network.modules()} == {nn.Sequential, JointBatchNorm2d}
    assert network[0].eps == 1e-4
    after = network.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], before[name]) for name in before)
