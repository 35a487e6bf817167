"""Processes and the shards they own: no-ops when there is only one process.

A recipe fixes the number of shards. A shard is a part of every batch, with its own seed; who
owns a shard computes it, and gradients are added in shard order. So one, two and four processes
end in the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.distributed as dist
from torch import Tensor, nn

from progan.core.errors import ConfigError

__all__ = ["agree", "broadcast", "is_first", "mean", "owned", "rank", "sum_shards", "world"]


def rank() -> int:
    """This process's number, from 0."""
    return dist.get_rank() if dist.is_available() and dist.is_initialized() else 0


def world() -> int:
    """How many processes there are."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def is_first() -> bool:
    """Whether this process is the one that writes files and talks."""
    return rank() == 0


def owned(shards: int) -> range:
    """The shards this process computes: neighbours, equally many for every process."""
    if shards % world():
        raise ConfigError(
            f"{shards} shards cannot be shared by {world()} processes; "
            f"set shards to a multiple of {world()}: --set shards={world()}"
        )
    share = shards // world()
    return range(rank() * share, (rank() + 1) * share)


def sum_shards(parts: Sequence[Tensor]) -> Tensor:
    """Add one tensor per shard in shard order, over all processes.

    `parts` holds the tensors of the shards this process owns. Every process gets the same bits,
    and they do not depend on how many processes there are.
    """
    if world() > 1:
        mine = torch.stack(list(parts))
        everyone = [torch.empty_like(mine) for _ in range(world())]
        dist.all_gather(everyone, mine)
        parts = [part for stack in everyone for part in stack]
    total = parts[0].clone()
    for part in parts[1:]:
        total += part
    return total


def mean(value: Tensor) -> Tensor:
    """Average a statistic over processes."""
    if world() == 1:
        return value
    total = value.clone()
    dist.all_reduce(total)
    return total / world()


def broadcast(module: nn.Module) -> None:
    """Give every process the first one's parameters and buffers."""
    if world() > 1:
        for tensor in module.state_dict().values():
            dist.broadcast(tensor, 0)


def agree(value: object) -> object:
    """Everybody gets the first process's value: decisions that depend on a clock are its own."""
    if world() == 1:
        return value
    holder = [value]
    dist.broadcast_object_list(holder, 0)
    return holder[0]
