"""The contract itself: systems that break its rule are found out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch

from contract.checks import copy_of, differences, steps_that_differ
from progan.core.batch import Images
from progan.core.plan import Progress
from progan.core.system import Terms
from progan.engine.loop import State, Trainer
from toys import ToyData, ToyGrowing


class Remembers(ToyGrowing):
    """Keeps a number outside of its buffers."""

    moves = 0

    def generator_loss(self, batch: Images, at: Progress) -> Terms:
        self.moves += 1
        return {
            name: term * (1 + self.moves % 2)
            for name, term in super().generator_loss(batch, at).items()
        }


class LooksAtTheClock(ToyGrowing):
    """Depends on what is neither system, batch nor `at`."""

    clock = 0

    def critic_loss(self, batch: Images, at: Progress) -> Terms:
        type(self).clock += 1
        return {
            name: term * (1 + type(self).clock / 1000)
            for name, term in super().critic_loss(batch, at).items()
        }


class HidesItsBuffer(ToyGrowing):
    """Has a buffer that is not saved."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("pool", torch.zeros(()), persistent=False)

    def critic_loss(self, batch: Images, at: Progress) -> Terms:
        self.pool += 1
        terms: Mapping[str, torch.Tensor] = super().critic_loss(batch, at)
        return {name: term * (1 + self.pool / 100) for name, term in terms.items()}


def trainer(system: Callable[[], ToyGrowing]) -> Trainer:
    torch.manual_seed(0)
    made = system()
    return Trainer(made, ToyData(), plan=made.plan().with_lengths([32, 32, 32]))


def test_the_toy_keeps_the_rule(tmp_path: Path) -> None:
    assert steps_that_differ(trainer(ToyGrowing), lambda: trainer(ToyGrowing), tmp_path) == {}


@pytest.mark.parametrize("system", [Remembers, LooksAtTheClock, HidesItsBuffer])
def test_what_is_hidden_from_the_file_shows_on_resuming(
    system: Callable[[], ToyGrowing], tmp_path: Path
) -> None:
    assert steps_that_differ(trainer(system), lambda: trainer(system), tmp_path)


def test_a_single_bit_is_a_difference() -> None:
    one = State({"a": torch.tensor([0.0, 1.0]), "b": torch.zeros(2)}, {"images": 3})
    other = copy_of(one)
    assert differences(one, other) == []
    other.tensors["a"][0] = -0.0  # equal as a number
    other.tensors["b"] = torch.zeros(2, 1)
    other.counters["images"] = 4
    assert differences(one, other) == ["a", "b", "images"]
