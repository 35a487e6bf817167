"""Blocks of pictures dealt to two processes, here one after the other; really in tests/cli."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from progan.assemble.measuring import shared
from progan.assemble.measuring.shared import SharedExtractor
from progan.core import distributed
from progan.extractors.base import Extractor
from progan.extractors.trained import Classifier, as_extractor


@pytest.fixture
def extractor() -> Extractor:
    torch.manual_seed(0)
    return as_extractor(Classifier(8, 1, 3), "ab" * 32, side=8, channels=1, classes=("a", "b", "c"))


def blocks(*counts: int) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.integers(256, size=(n, 1, 8, 8)).astype(np.uint8) for n in counts]


@pytest.mark.parametrize("counts", [(5,), (64, 64, 64, 9), (64, 1)])
def test_two_processes_see_what_one_sees_and_each_block_once(
    extractor: Extractor, monkeypatch: pytest.MonkeyPatch, counts: tuple[int, ...]
) -> None:
    some = blocks(*counts)
    seen: list[int] = []
    alone = [tuple(part.numpy() for part in extractor.both(block)) for block in some]
    both = type(extractor).both

    def counting(self: Extractor, images: Any) -> Any:
        seen.append(len(images))
        return both(self, images)

    monkeypatch.setattr(type(extractor), "both", counting)
    monkeypatch.setattr(distributed, "world", lambda: 2)
    brought: list[torch.Tensor] = []
    monkeypatch.setattr(distributed, "gather", lambda mine: brought.append(mine) or [mine] * 2)
    for rank in (0, 1):
        monkeypatch.setattr(distributed, "rank", lambda rank=rank: rank)
        shared._extracted_together(extractor, some)
    assert sorted(seen) == sorted(counts)
    told: Iterator[list[torch.Tensor]] = iter([brought])
    monkeypatch.setattr(distributed, "gather", lambda mine: next(told))
    monkeypatch.setattr(distributed, "first", lambda work: work())
    monkeypatch.setattr(distributed, "share_cores", lambda: 1)
    found = SharedExtractor(extractor).many(some)
    for made, expected in zip(found, alone, strict=True):
        for part, one in zip(made, expected, strict=True):
            np.testing.assert_array_equal(part, one)


def test_a_shared_extractor_is_the_same_by_name(
    extractor: Extractor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distributed, "share_cores", lambda: 1)
    one = SharedExtractor(extractor)
    assert one.record() == extractor.record()
    assert (one.name, one.classes) == (extractor.name, 3)
