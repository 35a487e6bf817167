"""What becomes of buffers when several shards have changed them."""

from __future__ import annotations

import torch
from torch import nn

from progan.engine.buffers import TurnBuffers


class Remembering(nn.Module):
    """A statistic, a count and a memory."""

    memories = ("pool",)

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor([1.0]))
        self.register_buffer("count", torch.tensor([0]))
        self.pool = nn.Module()
        self.pool.register_buffer("images", torch.tensor([5.0, 6.0]))


def test_statistics_end_as_their_mean_and_memories_as_the_first_shard_leaves_them() -> None:
    system = Remembering()
    buffers = TurnBuffers(system)
    changes = []
    for shard, (mean, image) in enumerate(((3.0, 0.125), (7.0, 0.25))):
        system.mean.fill_(mean)
        system.count.fill_(shard + 1)
        system.pool.images[0] = image
        changes.append(buffers.changes(shard))
        buffers.rewind()
        assert system.pool.images.tolist() == [5.0, 6.0]  # each shard finds what was
    buffers.settle(changes, 2)
    assert system.mean.tolist() == [5.0]
    assert system.count.tolist() == [1]
    assert system.pool.images.tolist() == [0.125, 6.0]


def test_a_shard_of_another_size_counts_so_much_in_statistics_and_in_no_memory() -> None:
    system = Remembering()
    buffers = TurnBuffers(system)
    changes = []
    for shard, weight in enumerate((0.5, 1.5)):
        system.mean.fill_(3.0)
        system.pool.images.fill_(2.0 + shard)
        changes.append(buffers.changes(shard, weight))
        buffers.rewind()
    buffers.settle(changes, 2)
    assert system.mean.tolist() == [3.0]
    assert system.pool.images.tolist() == [2.0, 2.0]
