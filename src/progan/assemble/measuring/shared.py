"""Pictures and features to measure, made by all processes: the first one measures, others help.

A picture depends on the weights and on its number alone, and features on the block of pictures
that goes through the network together: both are the same whoever makes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from progan.assemble.measuring.measure import BLOCK, Generated
from progan.assemble.models.model import Model, load
from progan.core import distributed, meeting
from progan.metrics.extracted import BLOCK as SEEN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from progan.extractors.base import Extractor

__all__ = ["Shared", "SharedExtractor", "dismiss", "generated_by", "help_out"]

ROUND_BYTES = 2**28
"""Pictures of one round take so many bytes at most, unless a block for each process takes more."""
EACH = 4
"""Blocks that each process extracts in one round."""


@dataclass(frozen=True)
class Draw:
    """What to draw: the first block of a round, and the blocks that each process makes."""

    path: Path
    block: int
    each: int


@dataclass(frozen=True)
class Extract:
    """What to look at: blocks of pictures, dealt to the processes in turn."""

    blocks: tuple[Any, ...]


Order = Draw | Extract


def generated_by(model: Model, truncation: float | None = None) -> Generated:
    """The pictures of a model that are measured."""
    system = model.standing(truncation).system
    return Generated(system, model.moment, "evaluate", truncation=truncation)


class Shared:
    """The pictures of `generated_by`, made in rounds by all processes; for the first one."""

    def __init__(self, model: Model) -> None:
        distributed.share_cores()
        self.own, self.path = generated_by(model), model.path.resolve()
        side = model.resolution if isinstance(model.resolution, int) else max(model.resolution)
        block = BLOCK * model.stored.spec.channels * side**2
        self.each = max(1, ROUND_BYTES // block // distributed.world())
        self._start = 0
        self._round: NDArray[np.uint8] | None = None

    def __call__(self, start: int, count: int) -> NDArray[np.uint8]:
        """Pictures start … start + count − 1."""
        parts = []
        while count:
            if self._round is None or not 0 <= start - self._start < len(self._round):
                self._next(start // BLOCK, -(-(start % BLOCK + count) // BLOCK))
            assert self._round is not None
            parts.append(self._round[start - self._start :][:count])
            start, count = start + len(parts[-1]), count - len(parts[-1])
        return np.concatenate(parts)

    def labels(self, start: int, count: int) -> NDArray[np.int64]:
        """The classes they were asked for; see `Generated.labels`."""
        return self.own.labels(start, count)

    def _next(self, block: int, wanted: int) -> None:
        each = min(self.each, -(-wanted // distributed.world()))
        distributed.first(lambda: Draw(self.path, block, each))
        self._start, self._round = block * BLOCK, _made_together(self.own, block, each)


class SharedExtractor:
    """An extractor whose blocks are looked at by all processes; for the first one.

    Each block goes through one network by itself, as with one process.
    """

    def __init__(self, own: Extractor) -> None:
        distributed.share_cores()
        self.own = own
        self.name, self.classes, self.class_names = own.name, own.classes, own.class_names
        self.together = EACH * distributed.world()

    def record(self) -> Mapping[str, str]:
        """Name, weights and resize."""
        return self.own.record()

    def both(self, images: Any) -> tuple[Any, Any]:
        """Features and log probabilities, by this process alone."""
        return self.own.both(images)

    def unrounded(self, images: Any) -> Any:
        """Features of what is not rounded, by this process alone."""
        return self.own.unrounded(images)

    def many(
        self, blocks: Sequence[NDArray[np.uint8]]
    ) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Features and log probabilities of each block."""
        order = Extract(tuple(blocks))
        distributed.first(lambda: order)
        return _extracted_together(self.own, blocks)


def help_out(device: str, extractor: str | None = None) -> None:
    """Make what the first process asks for, until it is done; `extractor` as it was named."""
    distributed.share_cores()
    path, made, network = None, None, None
    while (order := distributed.first(_no_order)) is not None:
        if isinstance(order, Extract):
            network = network or _named(extractor, device)
            _extracted_together(network, order.blocks)
            continue
        if made is None or order.path != path:
            path, made = order.path, generated_by(load(order.path, device=device))
        _made_together(made, order.block, order.each)
    meeting.part()


def dismiss() -> None:
    """Tell the others that all is measured."""
    distributed.first(_no_order)
    meeting.part()


def _no_order() -> Order | None:
    return None


def _named(extractor: str | None, device: str) -> Extractor:
    from progan.engine.precision import choose_device
    from progan.extractors.names import lookup

    assert extractor is not None
    return lookup(extractor, device=choose_device(device))


def _made_together(own: Generated, block: int, each: int) -> NDArray[np.uint8]:
    """The pictures of `each` blocks for every process, from block number `block` on."""
    mine = own((block + distributed.rank() * each) * BLOCK, each * BLOCK)
    return np.concatenate([t.numpy() for t in distributed.gather(torch.from_numpy(mine))])


def _extracted_together(
    own: Extractor, blocks: Sequence[NDArray[np.uint8]]
) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """What each block gives; number i is looked at by process i modulo their count."""
    world = distributed.world()
    each, width = -(-len(blocks) // world), own.dimension + own.classes
    mine = torch.zeros(each, SEEN, width)
    for place, block in enumerate(blocks[distributed.rank() :: world]):
        features, logs = own.both(block)
        mine[place, : len(block)] = torch.cat([features, logs], dim=1)
    every = [part.numpy() for part in distributed.gather(mine)]
    rows = [every[i % world][i // world, : len(block)] for i, block in enumerate(blocks)]
    return [(part[:, : own.dimension].copy(), part[:, own.dimension :].copy()) for part in rows]
