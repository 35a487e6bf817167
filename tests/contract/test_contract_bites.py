"""The contract itself: systems that break its rule are found out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch

from contract.checks import copy_of, differences, steps_that_differ
from contract.variants import CAPTION_SHAPE, COLOUR, LAYOUT_CLASSES, FakeData
from progan.core.batch import Batch, Captioned, Images, Labelled, Layout, Paired, Unpaired
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


PICTURE = (3, 3, 8, 8)


@pytest.mark.parametrize(
    ("batch_type", "shapes"),
    [
        (Images, {"image": PICTURE}),
        (Labelled, {"image": PICTURE, "label": (3,)}),
        (Captioned, {"image": PICTURE, "caption": (3, *CAPTION_SHAPE), "kind": (3,)}),
        (Layout, {"image": PICTURE, "layout": (3, LAYOUT_CLASSES, 8, 8)}),
        (Paired, {"a": PICTURE, "b": PICTURE}),
        (Unpaired, {"a": PICTURE, "b": PICTURE}),
    ],
)
def test_there_are_data_for_every_type_of_batch(
    batch_type: type[Batch], shapes: dict[str, tuple[int, ...]]
) -> None:
    data = FakeData(COLOUR, batch_type)
    batch = data.batch(range(5, 8), 8)
    assert type(batch) is batch_type
    assert {name: tuple(value.shape) for name, value in batch.tensors().items()} == shapes
    alone = data.batch(range(6, 7), 8).tensors()
    for name, value in batch.tensors().items():  # a function of the image number alone
        assert torch.equal(value[1:2], alone[name]), name
    for name in batch.tensors().keys() & {"image", "a", "b"}:
        picture = batch.tensors()[name]
        assert picture.abs().max() <= 1
        assert len(picture.unique(dim=0)) == 3
    if isinstance(batch, Layout):
        assert torch.equal(batch.layout.sum(1), torch.ones(3, 8, 8))
